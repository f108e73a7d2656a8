/* A TF.js graph model by hand: the graph, the weights from the file beside it, and what is left
 * when that is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "autogo/import.h"
#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/random.h"

/* Texts are in base 64: U0FNRQ== is SAME, TkhXQw== NHWC, Qmlhc0FkZA== BiasAdd, UmVsdTY= Relu6. */
static const char model[] =
    "{\"format\":\"graph-model\",\"modelTopology\":{\"node\":["
    "{\"name\":\"in\",\"op\":\"Placeholder\",\"attr\":{\"dtype\":{\"type\":\"DT_FLOAT\"},"
    "\"shape\":{\"shape\":{\"dim\":[{\"size\":\"-1\"},{\"size\":\"6\"},{\"size\":\"8\"},"
    "{\"size\":\"4\"}]}}}},"
    "{\"name\":\"k\",\"op\":\"Const\",\"attr\":{\"value\":{\"tensor\":{\"dtype\":\"DT_FLOAT\","
    "\"tensorShape\":{\"dim\":[{\"size\":\"3\"},{\"size\":\"3\"},{\"size\":\"4\"},{\"size\":"
    "\"2\"}]}}}}},"
    "{\"name\":\"b\",\"op\":\"Const\",\"attr\":{\"value\":{\"tensor\":{\"dtype\":\"DT_FLOAT\","
    "\"tensorShape\":{\"dim\":[{\"size\":\"2\"}]}}}}},"
    "{\"name\":\"axes\",\"op\":\"Const\",\"attr\":{\"value\":{\"tensor\":{\"dtype\":\"DT_INT32\","
    "\"tensorShape\":{\"dim\":[{\"size\":\"2\"}]}%s}}}},"
    "{\"name\":\"w\",\"op\":\"Const\",\"attr\":{\"value\":{\"tensor\":{\"dtype\":\"DT_FLOAT\","
    "\"tensorShape\":{\"dim\":[{\"size\":\"2\"},{\"size\":\"3\"}]}}}}},"
    "{\"name\":\"conv\",\"op\":\"_FusedConv2D\",\"input\":[\"in\",\"k\",\"b\"],\"attr\":{"
    "\"strides\":{\"list\":{\"i\":[\"1\",\"2\",\"2\",\"1\"]}},\"padding\":{\"s\":\"U0FNRQ==\"},"
    "\"data_format\":{\"s\":\"TkhXQw==\"},\"fused_ops\":{\"list\":{\"s\":[\"Qmlhc0FkZA==\","
    "\"UmVsdTY=\"]}}}},"
    "{\"name\":\"mean\",\"op\":\"Mean\",\"input\":[\"conv\",\"axes\"],\"attr\":{\"keep_dims\":{"
    "\"b\":false}}},"
    "{\"name\":\"fc\",\"op\":\"MatMul\",\"input\":[\"mean\",\"w\"],\"attr\":{}}]},"
    "\"weightsManifest\":[{\"paths\":[\"%s\"],\"weights\":["
    "{\"name\":\"k\",\"shape\":[3,3,4,2],\"dtype\":\"float32\"},"
    "{\"name\":\"b\",\"shape\":[2],\"dtype\":\"float32\"},"
    "{\"name\":\"axes\",\"shape\":[2],\"dtype\":\"int32\"},"
    "{\"name\":\"w\",\"shape\":[2,3],\"dtype\":\"float32\",\"quantization\":{\"dtype\":\"uint8\","
    "\"scale\":0.5,\"min\":-1}}]}]}";

static char *model_text(const char *axes, const char *shard) {
  ag_text text = {0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  ag_text_add(&text, model, axes, shard);
#pragma GCC diagnostic pop
  return ag_text_take(&text);
}

static const ag_graph *expected_graph(void) {
  ag_builder *b = ag_builder_new("m");
  ag_node n = ag_node_make(AG_OP_INPUT);
  const ag_graph *g;
  n.out = (ag_shape){6, 8, 4};
  int x = ag_builder_add(b, n, NULL, 0, NULL);
  n = ag_node_make(AG_OP_CONV);
  n.kernel[0] = n.kernel[1] = 3;
  n.stride[0] = n.stride[1] = 2;
  n.bias = 1;
  n.out.c = 2;
  x = ag_builder_add(b, n, &x, 1, NULL);
  x = ag_builder_add(b, ag_node_make(AG_OP_RELU6), &x, 1, NULL);
  x = ag_builder_add(b, ag_node_make(AG_OP_MEAN), &x, 1, NULL);
  n = ag_node_make(AG_OP_MATMUL);
  n.out.c = 3;
  x = ag_builder_add(b, n, &x, 1, NULL);
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &x, 1, NULL);
  assert_int_equal(ag_builder_finish(b, &g, NULL), AG_OK);
  return g;
}

static void compare(const ag_graph *g) {
  const ag_graph *expected = expected_graph();
  assert_true(ag_graph_isomorphic(g, expected, AG_EQUAL_SHAPES, NULL));
  ag_graph_release(expected);
}

static char folder[] = "/tmp/autogo-tfjs-XXXXXX";
static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}
static int remove_folder(void **state) {
  (void)state;
  return rmdir(folder);
}

static void write_file(const char *name, const void *data, size_t size, char *path) {
  sprintf(path, "%s/%s", folder, name);
  assert_int_equal(ag_file_write(path, data, size, NULL), AG_OK);
}

/* Kernel elements 0, 1, 2, ..., biases 7 and 9, quantised products 0 to 5. */
static void weights_lie_beside_the_model(void **state) {
  (void)state;
  char *text = model_text("", "w.bin"), path[64], shard[64], message[1024];
  float floats[74] = {[72] = 7, [73] = 9};
  const int32_t axes[] = {1, 2};
  const uint8_t products[] = {0, 1, 2, 3, 4, 5};
  ag_text bin = {0};
  ag_error err;
  const ag_graph *g;
  for (int i = 0; i < 72; i++) floats[i] = (float)i;
  ag_text_bytes(&bin, floats, sizeof floats);
  ag_text_bytes(&bin, axes, sizeof axes);
  ag_text_bytes(&bin, products, sizeof products);
  write_file("w.bin", bin.data, bin.size, shard);
  write_file("model.json", text, strlen(text), path);
  if (ag_tensorflow_load(path, NULL, &g, NULL, &err))
    fail_msg("%s", ag_error_text(&err, message, sizeof message));
  compare(g);
  const ag_record *conv = ag_store_get(g->store, g->nodes[1].record);
  const float *kernel = conv->tensor[AG_ROLE_KERNEL].data, *bias = conv->tensor[AG_ROLE_BIAS].data;
  for (int o = 0; o < 2; o++)
    for (int i = 0; i < 4; i++)
      for (int hw = 0; hw < 9; hw++)
        assert_true(kernel[(o * 4 + i) * 9 + hw] == (float)((hw * 4 + i) * 2 + o));
  assert_true(bias[0] == 7 && bias[1] == 9);
  const ag_record *fc = ag_store_get(g->store, g->nodes[4].record);
  const float *w = fc->tensor[AG_ROLE_KERNEL].data;
  for (int i = 0; i < 6; i++) assert_true(w[i] == 0.5f * (float)i - 1);
  ag_graph_release(g);

  write_file("w.bin", bin.data, bin.size - 1, shard);
  assert_int_equal(ag_tensorflow_load(path, NULL, &g, NULL, &err), AG_FORMAT);
  assert_non_null(strstr(err.message, "too short"));
  unlink(shard);
  unlink(path);
  ag_text_free(&bin);
  free(text);
}

/* Shapes are enough but for the axes, which the file may state itself. */
static void weights_may_be_missing(void **state) {
  (void)state;
  char *text = model_text(",\"intVal\":[1,2]", "gone.bin");
  ag_error err;
  const ag_graph *g;
  assert_int_equal(ag_tensorflow_parse(text, strlen(text), NULL, &g, NULL, NULL), AG_OK);
  compare(g);
  assert_null(ag_store_get(g->store, g->nodes[1].record)->tensor[AG_ROLE_KERNEL].data);
  ag_graph_release(g);
  free(text);
  text = model_text("", "gone.bin");
  assert_int_equal(ag_tensorflow_parse(text, strlen(text), NULL, &g, NULL, &err), AG_UNSUPPORTED);
  assert_string_equal(err.node, "mean (Mean)");
  assert_non_null(strstr(err.message, "not beside the model"));
  free(text);
}

static void files_elsewhere_are_refused(void **state) {
  (void)state;
  static const char *const names[] = {"/etc/passwd", "../w.bin", ""};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char *text = model_text(",\"intVal\":[1,2]", names[i]), path[64];
    ag_error err;
    const ag_graph *g;
    write_file("model.json", text, strlen(text), path);
    assert_int_equal(ag_tensorflow_load(path, NULL, &g, NULL, &err), AG_UNSUPPORTED);
    assert_non_null(strstr(err.message, "beside the model"));
    unlink(path);
    free(text);
  }
}

static void damaged_models_do_no_harm(void **state) {
  (void)state;
  char *text = model_text(",\"intVal\":[1,2]", "gone.bin");
  size_t size = strlen(text);
  ag_random random = ag_random_stream(11, 0, 0, 0, 0);
  for (int round = 0; round < 3000; round++) {
    size_t length = round % 4 ? size : ag_random_below(&random, size);
    char *copy = ag_memdup(text, size + 1, 1);
    const ag_graph *g;
    for (int k = 0; k < round % 4; k++)
      copy[ag_random_below(&random, size)] =
          "0123456789-[]{}\",:null"[ag_random_below(&random, 22)];
    copy = ag_resize(copy, length + 1, 1);
    if (ag_tensorflow_parse(copy, length, NULL, &g, NULL, NULL) == AG_OK) ag_graph_release(g);
    free(copy);
  }
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(weights_lie_beside_the_model),
      cmocka_unit_test(weights_may_be_missing),
      cmocka_unit_test(files_elsewhere_are_refused),
      cmocka_unit_test(damaged_models_do_no_harm),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
