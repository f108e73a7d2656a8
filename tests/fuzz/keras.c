/* Keras models in JSON, of any version. */
#include "autogo/import.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ag_import_options options = {.bind = {16, 16, 3}};
  ag_import_report report;
  ag_error err;
  const ag_graph *g;
  const char *text = (const char *)data;
  ag_status status = ag_keras_parse(text, size, NULL, &g, &report, &err);
  if (status == AG_UNSUPPORTED) {
    fuzz_expect_reason(&err); /* perhaps an open size */
    status = ag_keras_parse(text, size, &options, &g, &report, &err);
  }
  if (status) return fuzz_expect_reason(&err), 0;
  FUZZ_EXPECT(ag_graph_check(g, NULL) == AG_OK);
  ag_import_report_free(&report);
  ag_graph_release(g);
  return 0;
}
