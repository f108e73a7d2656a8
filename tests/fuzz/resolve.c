/* Files of resolution problems. */
#include "autogo/resolve.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ag_resolve_instances *list;
  ag_error err;
  if (ag_resolve_parse((const char *)data, size, &list, &err))
    fuzz_expect_reason(&err);
  else
    ag_resolve_instances_free(list);
  return 0;
}
