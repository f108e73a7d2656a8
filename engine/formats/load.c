#include "engine/formats/load.h"

#include <stdlib.h>

#include "engine/base/file.h"

ag_status ag_format_load(const char *path, ag_format_parser parse, void *context, ag_error *err) {
  void *data;
  size_t size;
  ag_status status = ag_file_map(path, &data, &size, err);
  if (status) return status;
  char *directory = ag_file_directory(path);
  status = parse(context, data, size, directory);
  free(directory);
  ag_file_unmap(data, size);
  return status ? ag_error_in_file(err, status, path) : AG_OK;
}
