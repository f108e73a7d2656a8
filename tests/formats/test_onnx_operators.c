/* ONNX's own operator tests, as Debian ships them: each model is read, or refused in one line that
 * names an op of it; and what the ops of convolutional networks make of a shape is what the file
 * says, found without it. The counts are printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/onnx.h"
#include "tests/formats/onnx_maker.h"
#include "tests/formats/operator_models.h"

/* Ops of networks whose result's shape follows from shapes and constant operands. */
static const char cnn_ops[] =
    " Abs Add ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Celu Clip Concat Constant"
    " Conv ConvTranspose DepthToSpace Div Dropout Elu Equal Erf Exp Expand Flatten Floor"
    " Gather GatherElements Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater"
    " HardSigmoid HardSwish Hardmax Identity InstanceNormalization LRN LayerNormalization"
    " LeakyRelu Less Log LogSoftmax LpNormalization LpPool MatMul Max MaxPool Mean"
    " MeanVarianceNormalization Min Mish Mul Neg PRelu Pad Pow Reciprocal ReduceL1 ReduceL2"
    " ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum"
    " ReduceSumSquare Relu Reshape Resize Round Selu Shape Shrink Sigmoid Sign Slice Softmax"
    " Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh ThresholdedRelu Tile TopK"
    " Transpose Unsqueeze Upsample Where ";

/* --- read or refused ----------------------------------------------------------------------- */

typedef struct counts {
  int read, refused, checked;
} counts;

static bool names_an_op(const char *text, bytes file) {
  bytes graph = find_field(file, MODEL_GRAPH);
  field f;
  while (next_field(&graph, &f)) {
    if (f.number != GRAPH_NODE) continue;
    bytes type = find_field(f.content, NODE_TYPE);
    if (memmem(text, strlen(text), type.at, (size_t)(type.end - type.at))) return true;
  }
  return false;
}

static void read_or_refuse(const char *path, bytes file, void *context) {
  counts *n = context;
  const ag_graph *g;
  ag_error err;
  char text[1024];
  if (ag_onnx_load(path, (ag_shape){0, 0, 0}, &g, NULL, &err) == AG_OK) {
    assert_int_equal(ag_graph_check(g, NULL), AG_OK);
    ag_graph_release(g);
    n->read++;
    return;
  }
  n->refused++;
  ag_error_text(&err, text, sizeof text);
  const char *reason = text + strlen(err.file);
  if (strchr(text, '\n') || strcmp(err.file, path) != 0 || !names_an_op(reason, file))
    fail_msg("%s", text);
}

static void each_model_is_read_or_refused_by_op(void **state) {
  (void)state;
  counts n = {0, 0, 0};
  for_each_model("*", read_or_refuse, &n);
  printf("operator models: %d read, %d refused\n", n.read, n.refused);
}

/* --- shapes -------------------------------------------------------------------------------- */

/* The tensor that the test feeds into input `index`, as an initializer: what an op reads as its
 * sizes or axes stands in networks as a constant. */
static void put_test_data(ag_text *graph, const char *path, int index, bytes name) {
  char *data;
  bytes tensor = read_test_data(path, "input", index, &data);
  ag_text message = {0};
  if (!data) return;
  ag_text_bytes(&message, tensor.at, (size_t)(tensor.end - tensor.at));
  put_bytes(&message, 8, name.at, (size_t)(name.end - name.at));
  put_message(graph, 5, &message);
  free(data);
}

/* The graph without what it says of shapes inside and at its end, and with short lists given. */
static ag_text bare_graph(const char *path, bytes graph) {
  ag_text to = {0};
  field f;
  int inputs = 0;
  int64_t dims[AG_MAX_RANK];
  while (next_field(&graph, &f)) {
    size_t size = (size_t)(f.content.end - f.content.at);
    if (f.number == GRAPH_OUTPUT) {
      bytes name = find_field(f.content, 1);
      ag_text info = {0};
      put_bytes(&info, 1, name.at, (size_t)(name.end - name.at));
      put_message(&to, GRAPH_OUTPUT, &info);
    } else if (f.number != 13) {
      put_bytes(&to, f.number, f.content.at, size);
    }
    if (f.number != GRAPH_INPUT) continue;
    int rank = read_shape(f.content, dims, AG_MAX_RANK);
    if (inputs && (rank == 0 || rank == 1))
      put_test_data(&to, path, inputs, find_field(f.content, 1));
    inputs++;
  }
  return to;
}

static bool all_cnn(bytes graph) {
  field f;
  while (next_field(&graph, &f))
    if (f.number == GRAPH_NODE && !is_among(cnn_ops, find_field(f.content, NODE_TYPE)))
      return false;
  return true;
}

static const ag_graph *read_bare(const char *path, bytes file, ag_error *err) {
  ag_text whole = {0}, graph = {0};
  const ag_graph *g = NULL;
  field f;
  while (next_field(&file, &f)) {
    if (f.number == MODEL_GRAPH) graph = bare_graph(path, f.content);
    if (f.number == 8) put_bytes(&whole, 8, f.content.at, (size_t)(f.content.end - f.content.at));
  }
  put_message(&whole, MODEL_GRAPH, &graph);
  ag_onnx_parse(whole.data, whole.size, (ag_shape){0, 0, 0}, &g, NULL, err);
  ag_text_free(&whole);
  return g;
}

/* H, W, C of output `index` as the file says; false where it does not, or not of an image or a
 * vector per image. */
static bool declared_output(bytes graph, int index, ag_shape *shape) {
  field f;
  int64_t d[4];
  while (next_field(&graph, &f)) {
    if (f.number != GRAPH_OUTPUT || index-- > 0) continue;
    int rank = read_shape(f.content, d, 4);
    if (rank != 4 && rank != 2) return false;
    for (int i = 1; i < rank; i++)
      if (d[i] < 0) return false;
    *shape = rank == 4 ? (ag_shape){(int)d[2], (int)d[3], (int)d[1]} : (ag_shape){1, 1, (int)d[1]};
    return true;
  }
  return false;
}

static int compare_shapes(const char *path, const ag_graph *g, bytes graph) {
  ag_shape expected;
  int checked = 0;
  for (int i = 0, output = 0; i < g->size; i++) {
    if (g->nodes[i].op != AG_OP_OUTPUT || !declared_output(graph, output++, &expected)) continue;
    ag_shape out = g->nodes[i].out;
    checked++;
    if (!ag_shape_equal(out, expected))
      fail_msg("%s: %dx%dx%d, the file says %dx%dx%d", path, out.h, out.w, out.c, expected.h,
               expected.w, expected.c);
  }
  return checked;
}

/* What no graph has: results without elements, inputs that are lists of tensors, results that do
 * not depend on an input. */
static bool is_no_graph(const char *reason) {
  return strstr(reason, "is empty") || strstr(reason, "is not a tensor") ||
         strstr(reason, "is a constant");
}

static bool has_empty_input(bytes graph) {
  int64_t dims[AG_MAX_RANK];
  field f;
  while (next_field(&graph, &f)) {
    if (f.number != GRAPH_INPUT) continue;
    int rank = read_shape(f.content, dims, AG_MAX_RANK);
    for (int d = 0; d < rank; d++)
      if (dims[d] < 0) return true;
  }
  return false;
}

static void check_shapes(const char *path, bytes file, void *context) {
  bytes graph = find_field(file, MODEL_GRAPH);
  counts *n = context;
  ag_error err;
  if (!all_cnn(graph) || has_empty_input(graph)) return;
  const ag_graph *g = read_bare(path, file, &err);
  if (!g) {
    n->refused++;
    if (!is_no_graph(err.message)) fail_msg("%s: %s", path, err.message);
    return;
  }
  n->read++;
  n->checked += compare_shapes(path, g, graph);
  ag_graph_release(g);
}

static void shapes_are_those_of_the_files(void **state) {
  (void)state;
  counts n = {0, 0, 0};
  for_each_model("*", check_shapes, &n);
  printf("models of networks' ops: %d read, %d refused, %d shapes\n", n.read, n.refused, n.checked);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_model_is_read_or_refused_by_op),
      cmocka_unit_test(shapes_are_those_of_the_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
