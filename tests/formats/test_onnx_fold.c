/* Folding of constants against the results that ONNX's own operator tests state: each op's operands
 * are given as initializers, and its result to an op that nobody knows, which carries it as a
 * constant if it was folded. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/onnx.h"
#include "tests/formats/onnx_maker.h"
#include "tests/formats/operator_models.h"

static const char ops[] =
    " Abs Add And Cast Ceil Concat Cos Div Equal Exp Expand Flatten Floor Gather Greater"
    " GreaterOrEqual Identity Less LessOrEqual Log Max Min Mod Mul Neg Not Or Pow Range Reciprocal"
    " ReduceMax ReduceMin ReduceProd ReduceSum Reshape Round Shape Sign Sin Size Slice Sqrt Squeeze"
    " Sub Sum Tile Transpose Unsqueeze Where Xor ";

static void put_copy(ag_text *to, int number, bytes content) {
  put_bytes(to, number, content.at, (size_t)(content.end - content.at));
}

static void put_vector_info(ag_text *graph, int number, const char *name) {
  ag_text info = {0}, type = {0}, tensor = {0}, shape = {0};
  for (int d = 0; d < 2; d++) {
    ag_text size = {0};
    put_int(&size, 1, d ? 4 : 1);
    put_message(&shape, 1, &size);
  }
  put_int(&tensor, 1, AG_F32);
  put_message(&tensor, 2, &shape);
  put_message(&type, 1, &tensor);
  put_string(&info, 1, name);
  put_message(&info, 2, &type);
  put_message(graph, number, &info);
}

/* The model's one node over initializers, its result read by a Probe. */
static bool probe_graph(const char *path, bytes graph, ag_text *to) {
  bytes node = {NULL, NULL}, output;
  field f;
  int nodes = 0, inputs = 0;
  bool whole = true;
  while (next_field(&graph, &f)) {
    if (f.number == GRAPH_NODE) node = f.content, nodes++;
    if (f.number != GRAPH_INPUT) continue;
    char *data;
    bytes tensor = read_test_data(path, "input", inputs++, &data);
    ag_text message = {0};
    whole = whole && tensor.at;
    put_copy(&message, 8, find_field(f.content, 1));
    if (tensor.at) ag_text_bytes(&message, tensor.at, (size_t)(tensor.end - tensor.at));
    put_copy(&message, 8, find_field(f.content, 1)); /* the last one counts */
    put_message(to, 5, &message);
    free(data);
  }
  if (nodes != 1 || !whole || !is_among(ops, find_field(node, NODE_TYPE))) return false;
  output = find_field(node, 2);
  ag_text probe = {0};
  put_string(&probe, 1, "probe input");
  put_copy(&probe, 1, output);
  put_string(&probe, 2, "probe output");
  put_string(&probe, NODE_TYPE, "Probe");
  put_string(&probe, 7, "probes");
  put_copy(to, GRAPH_NODE, node);
  put_message(to, GRAPH_NODE, &probe);
  put_vector_info(to, GRAPH_INPUT, "probe input");
  put_vector_info(to, GRAPH_OUTPUT, "probe output");
  return true;
}

static const ag_graph *read_probe(bytes file, ag_text *graph) {
  ag_text whole = {0}, set = {0};
  const ag_graph *g = NULL;
  field f;
  while (next_field(&file, &f))
    if (f.number == 8) put_copy(&whole, 8, f.content);
  put_string(&set, 1, "probes");
  put_int(&set, 2, 1);
  put_message(&whole, 8, &set);
  put_message(&whole, MODEL_GRAPH, graph);
  ag_onnx_parse(whole.data, whole.size, (ag_shape){0, 0, 0}, &g, NULL, NULL);
  ag_text_free(&whole);
  return g;
}

/* The constant that the opaque node carries; NULL where the op was not folded. */
static const ag_tensor *probed(const ag_graph *g) {
  for (int i = 0; i < g->size; i++) {
    const ag_record *record = ag_store_get(g->store, g->nodes[i].record);
    if (g->nodes[i].op == AG_OP_OPAQUE && strcmp(record->source_op, "Probe") == 0 &&
        record->constants == 1 && record->constant[0].data)
      return &record->constant[0];
  }
  return NULL;
}

/* Functions of the C library may differ from NumPy's in the last bits. */
static bool near(const void *a, const void *b, int64_t i, bool wide) {
  double x = wide ? ((const double *)a)[i] : (double)((const float *)a)[i], y;
  if (wide)
    memcpy(&y, (const char *)b + 8 * i, 8);
  else {
    float narrow;
    memcpy(&narrow, (const char *)b + 4 * i, 4);
    y = (double)narrow;
  }
  return x == y || (isnan(x) && isnan(y)) || fabs(x - y) <= 2e-6 * fabs(y) + 1e-7;
}

static void compare(const char *path, const ag_tensor *t) {
  char *data;
  bytes expected = read_test_data(path, "output", 0, &data), raw, dims;
  field f;
  int64_t count = 1;
  int rank = 0;
  raw = find_field(expected, 9);
  for (dims = expected; next_field(&dims, &f);)
    if (f.number == 1 && !f.content.at) {
      assert_true(rank < t->rank);
      assert_int_equal(t->dims[rank++], (int64_t)f.value);
      count *= (int64_t)f.value;
    }
  assert_int_equal(rank, t->rank);
  size_t size = (size_t)(raw.end - raw.at);
  if (t->dtype == (ag_dtype)find_number(expected, 2)) {
    bool real = t->dtype == AG_F32 || t->dtype == AG_F64;
    if (t->bytes != size) fail_msg("%s: %zu bytes, not %zu", path, t->bytes, size);
    for (int64_t i = 0; real && i < count; i++)
      if (!near(t->data, raw.at, i, t->dtype == AG_F64)) fail_msg("%s: element %d", path, (int)i);
    if (!real && size && memcmp(t->data, raw.at, size) != 0) fail_msg("%s: other elements", path);
  } /* else half precision, which is carried in single */
  free(data);
}

static void check_result(const char *path, bytes file, void *folded) {
  ag_text graph = {0};
  if (probe_graph(path, find_field(file, MODEL_GRAPH), &graph)) {
    const ag_graph *g = read_probe(file, &graph);
    const ag_tensor *t = g ? probed(g) : NULL;
    if (t) compare(path, t), ++*(int *)folded;
    if (g) ag_graph_release(g);
  }
  ag_text_free(&graph);
}

static void results_are_those_stated(void **state) {
  (void)state;
  int folded = 0;
  for_each_model("node", check_result, &folded);
  assert_true(folded > 150); /* of some 270; the others' types are not computed in */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(results_are_those_stated)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
