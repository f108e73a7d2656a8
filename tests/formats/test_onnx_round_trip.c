/* ONNX out: what is written reads back as the same graph. That the files compute the right function
 * is for ONNX Runtime to say (tests/e2e/onnx.sh). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/formats/onnx_written.h"

static void random_graphs_read_back(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 200; seed++) {
    const ag_graph *g = random_graph(seed, 50);
    const ag_graph *back = round_trip(g, seed % 2 == 0);
    char what[32];
    snprintf(what, sizeof what, "seed %d", (int)seed);
    assert_same(g, back, what);
    assert_int_equal(ag_graph_flops(g), ag_graph_flops(back));
    assert_int_equal(ag_graph_params(g), ag_graph_params(back));
    ag_graph_release(back);
    ag_graph_release(g);
  }
}

/* --- one node at a time -------------------------------------------------------------------- */

static void assert_round_trip(ag_node node, ag_shape in, int copies) {
  const ag_graph *g = around(node, in, copies), *back = round_trip(g, true);
  assert_same(g, back, ag_op_get(node.op)->name);
  assert_true(fabsf(back->nodes[1].alpha - node.alpha) < 1e-6f ||
              (node.op == AG_OP_BATCHNORM && node.alpha == 0 && back->nodes[1].alpha == 1e-5f));
  ag_graph_release(back);
  ag_graph_release(g);
}

static void windows_read_back(void **state) {
  (void)state;
  static const ag_op ops[] = {AG_OP_CONV, AG_OP_DEPTHWISE, AG_OP_MAXPOOL, AG_OP_AVGPOOL};
  static const ag_padding paddings[] = {AG_PAD_SAME, AG_PAD_VALID, AG_PAD_SAME_LOWER};
  for (int op = 0; op < 4; op++)
    for (int kernel = 1; kernel <= 5; kernel++)
      for (int stride = 1; stride <= 3; stride++)
        for (int p = 0; p < 3; p++)
          for (int size = 7; size <= 10; size++)
            assert_round_trip(window(ops[op], kernel, stride, paddings[p]),
                              (ag_shape){size, size + 1, 4}, 1);
}

static void details_of_windows_read_back(void **state) {
  (void)state;
  ag_shape in = {9, 10, 4};
  ag_node n = window(AG_OP_CONV, 3, 2, AG_PAD_EXPLICIT);
  memcpy(n.pads, (int32_t[]){2, 1, 0, 1}, sizeof n.pads);
  assert_round_trip(n, in, 1);
  n = window(AG_OP_CONV, 3, 1, AG_PAD_SAME);
  n.dilation[0] = n.dilation[1] = 2;
  n.bias = 1;
  n.groups = 2;
  assert_round_trip(n, in, 1);
  n = window(AG_OP_MAXPOOL, 3, 2, AG_PAD_VALID);
  n.flags = AG_FLAG_CEIL;
  assert_round_trip(n, in, 1);
  n = window(AG_OP_AVGPOOL, 3, 1, AG_PAD_SAME);
  n.flags = AG_FLAG_COUNT_PADS;
  assert_round_trip(n, in, 1);
  n = window(AG_OP_CONV, 1, 1, AG_PAD_SAME);
  n.flags = AG_FLAG_SLICE;
  n.in.c = 3;
  assert_round_trip(n, in, 1);
}

static void element_wise_ops_read_back(void **state) {
  (void)state;
  static const ag_op ops[] = {AG_OP_BATCHNORM, AG_OP_RELU,      AG_OP_RELU6,       AG_OP_SIGMOID,
                              AG_OP_TANH,      AG_OP_SWISH,     AG_OP_GELU,        AG_OP_IDENTITY,
                              AG_OP_ZERO,      AG_OP_HARDSWISH, AG_OP_HARDSIGMOID, AG_OP_PRELU,
                              AG_OP_SOFTMAX,   AG_OP_MEAN};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    assert_round_trip(ag_node_make(ops[i]), (ag_shape){5, 4, 6}, 1);
  ag_node n = ag_node_make(AG_OP_LEAKYRELU);
  n.alpha = 0.25f;
  assert_round_trip(n, (ag_shape){5, 4, 6}, 1);
  n = ag_node_make(AG_OP_BATCHNORM);
  n.alpha = 1e-3f;
  assert_round_trip(n, (ag_shape){5, 4, 6}, 1);
  for (int copies = 2; copies <= 3; copies++) {
    assert_round_trip(ag_node_make(AG_OP_ADD), (ag_shape){5, 4, 6}, copies);
    assert_round_trip(ag_node_make(AG_OP_MUL), (ag_shape){5, 4, 6}, copies);
    assert_round_trip(ag_node_make(AG_OP_CONCAT), (ag_shape){5, 4, 6}, copies);
  }
}

static void ops_that_move_elements_read_back(void **state) {
  (void)state;
  ag_shape in = {6, 4, 8};
  for (int flags = 0; flags <= AG_FLAG_ALIGN; flags += AG_FLAG_ALIGN) {
    ag_node n = ag_node_make(AG_OP_DEPTH_TO_SPACE);
    n.stride[0] = n.stride[1] = 2;
    n.flags = (uint8_t)flags;
    assert_round_trip(n, in, 1);
    n = ag_node_make(AG_OP_RESIZE);
    n.stride[0] = 3;
    n.stride[1] = 2;
    n.flags = (uint8_t)(flags | AG_FLAG_LINEAR);
    assert_round_trip(n, in, 1);
  }
  ag_node n = ag_node_make(AG_OP_RESIZE);
  n.stride[0] = n.stride[1] = 2;
  assert_round_trip(n, in, 1);
  n = ag_node_make(AG_OP_SPACE_TO_DEPTH);
  n.stride[0] = n.stride[1] = 2;
  assert_round_trip(n, in, 1);
  n = ag_node_make(AG_OP_CHANNEL_SHUFFLE);
  n.groups = 4;
  assert_round_trip(n, in, 1);
  n = ag_node_make(AG_OP_PADDINGS);
  memcpy(n.pads, (int32_t[]){1, 0, 2, 3}, sizeof n.pads);
  assert_round_trip(n, in, 1);
  assert_round_trip(ag_node_make(AG_OP_FLATTEN), in, 1);
  n = ag_node_make(AG_OP_TRANSPOSED_CONV);
  n.kernel[0] = n.kernel[1] = 3;
  n.stride[0] = n.stride[1] = 2;
  n.out.c = 5;
  n.bias = 1;
  assert_round_trip(n, in, 1);
  n = ag_node_make(AG_OP_MATMUL);
  n.out.c = 5;
  n.bias = 1;
  assert_round_trip(n, (ag_shape){1, 1, 8}, 1);
}

/* --- opaque nodes, names, failure ---------------------------------------------------------- */

static void opaque_nodes_are_written_back(void **state) {
  (void)state;
  model m = {0};
  attributes a = {0}, axis = {0}, axis2 = {0};
  image(&m, "x", 8, 6, 6);
  output(&m, "y");
  attribute_int(&a, "size", 5);
  attribute_float(&a, "alpha", 0.5f);
  attribute_int(&axis, "axis", 1);
  attribute_int(&axis2, "axis", 1);
  node(&m, "LRN", "x", "l", &a);
  node(&m, "Split", "l", "p,q", &axis);
  node(&m, "Relu", "q", "r", NULL);
  node(&m, "Concat", "r,p", "y", &axis2);
  size_t size;
  char *bytes = finish(&m, 13, &size);
  const ag_graph *g = parse(bytes, size, NULL), *back = round_trip(g, true);
  assert_same(g, back, "opaque");
  int opaque = 0;
  for (int i = 0; i < back->size; i++) {
    if (back->nodes[i].op != AG_OP_OPAQUE) continue;
    const ag_record *r = ag_store_get(back->store, back->nodes[i].record);
    opaque++;
    assert_true(strcmp(r->source_op, "LRN") == 0 || strcmp(r->source_op, "Split") == 0);
  }
  assert_int_equal(opaque, 3); /* one for each result that is read */
  free(bytes);
  ag_graph_release(back);
  ag_graph_release(g);
}

static void inputs_outputs_and_batch_are_kept(void **state) {
  (void)state;
  model m = {0};
  value_info(&m, INPUT_FIELD, "picture", 4, (int64_t[]){0, 3, 8, 8});
  output(&m, "classes");
  node(&m, "GlobalAveragePool", "picture", "p", NULL);
  node(&m, "Flatten", "p", "classes", NULL);
  size_t size;
  char *bytes = finish(&m, 13, &size);
  const ag_graph *g = parse(bytes, size, NULL), *back = round_trip(g, true);
  assert_true(g->dynamic_batch && back->dynamic_batch);
  assert_string_equal(back->names[0], "picture");
  assert_string_equal(back->names[back->size - 1], "classes");
  free(bytes);
  ag_graph_release(back);
  ag_graph_release(g);
}

static void failures_name_the_file_and_leave_nothing(void **state) {
  (void)state;
  const ag_graph *g = random_graph(1, 10);
  char path[64];
  ag_error err;
  ag_onnx_options options = {.weights = true};
  snprintf(path, sizeof path, "%s/missing/x.onnx", folder);
  assert_int_equal(ag_onnx_save(g, path, &options, &err), AG_IO);
  assert_string_equal(err.file, path);
  assert_true(access(path, F_OK) != 0);
  ag_graph_release(g);
}

/* --- the models of the folder -------------------------------------------------------------- */

static const struct {
  const char *name;
  ag_shape bind;
} models[] = {
    {"light_inception_v1", {0, 0, 0}},
    {"light_resnet50", {0, 0, 0}},
    {"light_shufflenet", {0, 0, 0}},
    {"light_squeezenet", {0, 0, 0}},
    {"ppocr_mobile_cls", {48, 192, 3}},
    {"torchvision_deeplabv3_mobilenet_v3_large_noweights", {0, 0, 0}},
    {"torchvision_densenet121_noweights", {0, 0, 0}},
    {"torchvision_efficientnet_b0_noweights", {0, 0, 0}},
    {"torchvision_mobilenet_v2_bn_noweights", {0, 0, 0}},
    {"torchvision_mobilenet_v2_noweights", {0, 0, 0}},
    {"torchvision_mobilenet_v3_small_noweights", {0, 0, 0}},
    {"torchvision_resnet18_noweights", {0, 0, 0}},
    {"torchvision_resnet50_bn_noweights", {0, 0, 0}},
    {"torchvision_resnet50_noweights", {0, 0, 0}},
    {"torchvision_squeezenet1_1", {0, 0, 0}},
    {"torchvision_vgg16_bn_noweights", {0, 0, 0}},
};

static void real_models_read_back(void **state) {
  (void)state;
  const char *shared = getenv("AUTOGO_SHARED");
  for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
    char path[600], text[1024];
    snprintf(path, sizeof path, "%s/models/onnx/%s.onnx", shared ? shared : "../shared",
             models[i].name);
    if (i == 0 && access(path, R_OK) != 0) {
      puts("skipped: no ONNX models");
      skip();
    }
    const ag_graph *g;
    ag_error err;
    if (ag_onnx_load(path, models[i].bind, &g, NULL, &err))
      fail_msg("%s", ag_error_text(&err, text, sizeof text));
    const ag_graph *back = round_trip(g, false);
    assert_same(g, back, models[i].name);
    assert_int_equal(ag_graph_params(g), ag_graph_params(back));
    ag_graph_release(back);
    ag_graph_release(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_graphs_read_back),
      cmocka_unit_test(windows_read_back),
      cmocka_unit_test(details_of_windows_read_back),
      cmocka_unit_test(element_wise_ops_read_back),
      cmocka_unit_test(ops_that_move_elements_read_back),
      cmocka_unit_test(opaque_nodes_are_written_back),
      cmocka_unit_test(inputs_outputs_and_batch_are_kept),
      cmocka_unit_test(failures_name_the_file_and_leave_nothing),
      cmocka_unit_test(real_models_read_back),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
