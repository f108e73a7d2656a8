/* ONNX's own operator tests, as Debian ships them: a model of one op or a few, and the tensors that
 * go in and come out. */
#ifndef AG_TESTS_OPERATOR_MODELS_H
#define AG_TESTS_OPERATOR_MODELS_H

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "tests/formats/onnx_reader.h"

/* Whether `ops`, words with a space on either side, has the type. */
static inline bool is_among(const char *ops, bytes type) {
  char word[64];
  snprintf(word, sizeof word, " %.*s ", (int)(type.end - type.at), (const char *)type.at);
  return strstr(ops, word) != NULL;
}

/* A file; at = NULL where it is not there. The caller frees *data. */
static inline bytes read_file(const char *path, char **data) {
  size_t size;
  *data = NULL;
  if (ag_file_read(path, 1 << 30, data, &size, NULL)) return (bytes){NULL, NULL};
  return (bytes){(const uint8_t *)*data, (const uint8_t *)*data + size};
}

/* Tensor `index` of the first set beside a model: kind "input" or "output". */
static inline bytes read_test_data(const char *path, const char *kind, int index, char **data) {
  char name[512];
  snprintf(name, sizeof name, "%.*s/test_data_set_0/%s_%d.pb", (int)(strrchr(path, '/') - path),
           path, kind, index);
  return read_file(name, data);
}

/* Of the models under data/FOLDER, "*" = all. */
static inline void for_each_model(const char *folder,
                                  void (*check)(const char *path, bytes file, void *context),
                                  void *context) {
  char pattern[256];
  glob_t found;
  snprintf(pattern, sizeof pattern, "/usr/share/libonnx-testdata/data/%s/*/model.onnx", folder);
  if (glob(pattern, 0, NULL, &found)) {
    puts("skipped: Debian's libonnx-testdata is not installed");
    skip();
  }
  for (size_t i = 0; i < found.gl_pathc; i++) {
    char *data;
    bytes file = read_file(found.gl_pathv[i], &data);
    check(found.gl_pathv[i], file, context);
    free(data);
  }
  globfree(&found);
}

#endif
