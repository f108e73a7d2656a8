/* ONNX models. */
#include "autogo/onnx.h"
#include "tests/fuzz/fuzz.h"

static void use(const ag_graph *g, ag_import_report *report) {
  int made = 0;
  for (int i = 0; i < g->size; i++)
    made += g->nodes[i].op != AG_OP_INPUT && g->nodes[i].op != AG_OP_OUTPUT;
  FUZZ_EXPECT(ag_graph_check(g, NULL) == AG_OK);
  FUZZ_EXPECT(made >= report->kept + report->opaque); /* one of several outputs is several */
  ag_graph_flops(g);
  ag_graph_hash(g);
  ag_import_report_free(report);
  ag_graph_release(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const ag_graph *g;
  ag_import_report report;
  ag_error err;
  ag_status status = ag_onnx_parse(data, size, (ag_shape){0, 0, 0}, &g, &report, &err);
  if (status == AG_UNSUPPORTED) {
    fuzz_expect_reason(&err); /* perhaps an open size */
    status = ag_onnx_parse(data, size, (ag_shape){32, 32, 3}, &g, &report, &err);
  }
  if (status)
    fuzz_expect_reason(&err);
  else
    use(g, &report);
  return 0;
}
