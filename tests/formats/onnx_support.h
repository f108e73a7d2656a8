/* What the tests of the ONNX reader share: models made by hand, read from memory; the folder of
 * real models. */
#ifndef AG_TESTS_ONNX_SUPPORT_H
#define AG_TESTS_ONNX_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/onnx.h"
#include "engine/base/file.h"
#include "tests/formats/onnx_maker.h"

static const ag_shape as_in_file = {0, 0, 0};

static inline const ag_graph *parse(model *m, int64_t opset, ag_import_report *report) {
  size_t size;
  char *bytes = finish(m, opset, &size), text[1024];
  const ag_graph *g;
  ag_error err;
  if (ag_onnx_parse(bytes, size, as_in_file, &g, report, &err))
    fail_msg("%s", ag_error_text(&err, text, sizeof text));
  free(bytes); /* a graph does not live on the bytes it was parsed from */
  assert_int_equal(ag_graph_check(g, &err), AG_OK);
  return g;
}

/* The ops between input and output, as words. */
static inline void assert_ops(const ag_graph *g, const char *expected) {
  ag_text ops = {0};
  for (int i = 0; i < g->size; i++)
    if (g->nodes[i].op != AG_OP_INPUT && g->nodes[i].op != AG_OP_OUTPUT)
      ag_text_add(&ops, "%s%s", ops.size ? " " : "", ag_op_get(g->nodes[i].op)->name);
  char *text = ag_text_take(&ops);
  assert_string_equal(text, expected);
  free(text);
}

static inline model image_model(void) {
  model m = {0};
  image(&m, "x", 8, 6, 6);
  output(&m, "y");
  return m;
}

static inline const char *models_folder(void) {
  static char path[512];
  const char *shared = getenv("AUTOGO_SHARED");
  snprintf(path, sizeof path, "%s/models/onnx", shared ? shared : "../shared");
  return path;
}

static inline void skip_without_models(void) {
  char path[600];
  snprintf(path, sizeof path, "%s/torchvision_truth.json", models_folder());
  FILE *probe = fopen(path, "rb");
  if (probe) {
    fclose(probe);
    return;
  }
  puts("skipped: no ONNX models");
  skip();
}

#endif
