/* ONNX in: the quirks of exporters, one small model each. */
#include "tests/formats/onnx_support.h"

static void assert_model(model *m, int64_t opset, const char *expected) {
  ag_import_report r;
  int nodes = m->nodes;
  const ag_graph *g = parse(m, opset, &r);
  assert_ops(g, expected);
  assert_int_equal(r.kept + r.merged + r.folded + r.opaque, nodes);
  ag_import_report_free(&r);
  ag_graph_release(g);
}

static void activations_in_several_nodes_are_one(void **state) {
  (void)state;
  model m = image_model();
  scalar(&m, "three", 3);
  scalar(&m, "six", 6);
  scalar(&m, "zero", 0);
  node(&m, "Add", "x,three", "a", NULL);
  node(&m, "Clip", "a,zero,six", "c", NULL);
  node(&m, "Mul", "x,c", "p", NULL);
  node(&m, "Div", "p,six", "y", NULL);
  assert_model(&m, 13, "hardswish");

  m = image_model();
  attributes a = {0};
  attribute_float(&a, "min", 0);
  attribute_float(&a, "max", 6);
  node(&m, "Clip", "x", "r", &a);
  node(&m, "Sigmoid", "r", "s", NULL);
  node(&m, "Mul", "s,r", "y", NULL);
  assert_model(&m, 9, "relu6 swish");

  m = image_model();
  a = (attributes){0};
  attribute_float(&a, "alpha", 1.0f / 6);
  node(&m, "HardSigmoid", "x", "s", &a);
  node(&m, "Mul", "x,s", "y", NULL);
  assert_model(&m, 13, "hardswish");
}

/* What something else reads too cannot vanish. */
static void a_part_that_others_read_stays(void **state) {
  (void)state;
  model m = image_model();
  node(&m, "Sigmoid", "x", "s", NULL);
  node(&m, "Mul", "s,x", "p", NULL);
  node(&m, "Add", "p,s", "y", NULL);
  assert_model(&m, 13, "sigmoid mul add");
}

static void constants_after_a_layer_belong_to_it(void **state) {
  (void)state;
  model m = {0};
  value_info(&m, INPUT_FIELD, "x", 2, (int64_t[]){0, 8});
  output(&m, "y");
  weight(&m, "w", 2, (int64_t[]){8, 5});
  weight(&m, "b", 1, (int64_t[]){5});
  node(&m, "MatMul", "x,w", "p", NULL);
  node(&m, "Add", "p,b", "y", NULL);
  const ag_graph *g = parse(&m, 13, NULL);
  assert_ops(g, "matmul");
  assert_true(g->dynamic_batch);
  assert_int_equal(g->nodes[1].bias, 1);
  assert_int_equal(ag_graph_params(g), 8 * 5 + 5);
  ag_graph_release(g);
}

/* Caffe2: y = s (n(x) s' + b') + b, written behind the norm; computed here by hand. */
static void scale_and_shift_after_a_norm_are_merged(void **state) {
  (void)state;
  model m = image_model();
  const int64_t channels[] = {8};
  const char *const names[] = {"scale", "shift", "mean", "variance", "s", "b"};
  for (int i = 0; i < 6; i++) weight(&m, names[i], 1, channels);
  attributes a = {0}, b = {0};
  attribute_ints(&a, "axes", (int64_t[]){1, 2}, 2);
  attribute_ints(&b, "axes", (int64_t[]){1, 2}, 2);
  node(&m, "BatchNormalization", "x,scale,shift,mean,variance", "n", NULL);
  node(&m, "Unsqueeze", "s", "s3", &a);
  node(&m, "Unsqueeze", "b", "b3", &b);
  node(&m, "Mul", "n,s3", "p", NULL);
  node(&m, "Add", "p,b3", "y", NULL);
  const ag_graph *g = parse(&m, 9, NULL);
  assert_ops(g, "batchnorm");
  const ag_record *r = ag_store_get(g->store, g->nodes[1].record);
  for (int i = 0; i < 8; i++) {
    float v = (float)i + 0.5f, scale, shift;
    memcpy(&scale, (const char *)r->tensor[AG_ROLE_SCALE].data + 4 * i, 4);
    memcpy(&shift, (const char *)r->tensor[AG_ROLE_SHIFT].data + 4 * i, 4);
    assert_true(scale == v * v && shift == v * v + v);
  }
  ag_graph_release(g);
}

static void a_channel_shuffle_is_one_node(void **state) {
  (void)state;
  model m = image_model();
  attributes a = {0};
  integers(&m, "split", (int64_t[]){1, 2, 4, 6, 6}, 5);
  integers(&m, "join", (int64_t[]){1, 8, 6, 6}, 4);
  attribute_ints(&a, "perm", (int64_t[]){0, 2, 1, 3, 4}, 5);
  node(&m, "Reshape", "x,split", "a", NULL);
  node(&m, "Transpose", "a", "b", &a);
  node(&m, "Reshape", "b,join", "y", NULL);
  const ag_graph *g = parse(&m, 9, NULL);
  assert_ops(g, "channelshuffle");
  assert_int_equal(g->nodes[1].groups, 2);
  ag_graph_release(g);
}

/* The conv of a model: kernel 3x3, 4 filters, with these pads and strides. */
static ag_node conv_of(const int64_t *pads, int64_t stride, int64_t size, bool packed) {
  model m = {0};
  image(&m, "x", 8, size, size);
  output(&m, "y");
  weight(&m, "w", 4, (int64_t[]){4, 8, 3, 3});
  attributes a = {.packed = packed};
  attribute_ints(&a, "pads", pads, 4);
  attribute_ints(&a, "strides", (int64_t[]){stride, stride}, 2);
  node(&m, "Conv", "x,w", "y", &a);
  const ag_graph *g = parse(&m, 13, NULL);
  assert_ops(g, "conv");
  ag_node n = g->nodes[1];
  assert_int_equal(n.out.h, (size + pads[0] + pads[2] - 3) / stride + 1);
  ag_graph_release(g);
  return n;
}

static void padding_is_named_by_what_it_does(void **state) {
  (void)state;
  assert_int_equal(conv_of((int64_t[]){1, 1, 1, 1}, 1, 6, false).padding, AG_PAD_SAME);
  assert_int_equal(conv_of((int64_t[]){1, 1, 1, 1}, 1, 6, true).padding, AG_PAD_SAME);
  assert_int_equal(conv_of((int64_t[]){0, 0, 1, 1}, 2, 6, false).padding, AG_PAD_SAME);
  assert_int_equal(conv_of((int64_t[]){0, 0, 0, 0}, 1, 6, false).padding, AG_PAD_VALID);
  ag_node n = conv_of((int64_t[]){1, 2, 1, 0}, 2, 6, true);
  assert_int_equal(n.padding, AG_PAD_EXPLICIT);
  assert_memory_equal(n.pads, ((int32_t[]){1, 2, 1, 0}), sizeof n.pads);
}

/* NB-101 reads the first channels of a tensor; the reader says so itself. */
static void the_first_channels_are_the_readers_business(void **state) {
  (void)state;
  model m = image_model();
  integers(&m, "zero", (int64_t[]){0}, 1);
  integers(&m, "five", (int64_t[]){5}, 1);
  integers(&m, "one", (int64_t[]){1}, 1);
  attributes a = {0};
  attribute_ints(&a, "kernel_shape", (int64_t[]){2, 2}, 2);
  node(&m, "Slice", "x,zero,five,one", "s", NULL);
  node(&m, "MaxPool", "s", "y", &a);
  const ag_graph *g = parse(&m, 13, NULL);
  assert_ops(g, "maxpool");
  assert_true(g->nodes[1].flags & AG_FLAG_SLICE);
  assert_int_equal(g->nodes[1].in.c, 5);
  ag_graph_release(g);
}

static void a_head_of_shape_arithmetic_vanishes(void **state) {
  (void)state;
  model m = {0};
  value_info(&m, INPUT_FIELD, "x", 4, (int64_t[]){0, 8, 6, 6});
  output(&m, "y");
  integers(&m, "zero", (int64_t[]){0}, 1);
  integers(&m, "one", (int64_t[]){1}, 1);
  integers(&m, "rest", (int64_t[]){-1}, 1);
  weight(&m, "w", 2, (int64_t[]){5, 8});
  attributes axis = {0}, gemm = {0};
  attribute_int(&axis, "axis", 0);
  attribute_int(&gemm, "transB", 1);
  node(&m, "GlobalAveragePool", "x", "p", NULL);
  node(&m, "Shape", "p", "s", NULL);
  node(&m, "Slice", "s,zero,one", "n", NULL);
  node(&m, "Concat", "n,rest", "t", &axis);
  node(&m, "Reshape", "p,t", "f", NULL);
  node(&m, "Gemm", "f,w", "y", &gemm);
  assert_model(&m, 13, "mean matmul");
}

/* IR 3 lists initializers among the inputs; "light" models make weights by ConstantOfShape. */
static void weights_come_in_several_guises(void **state) {
  (void)state;
  model m = image_model();
  integers(&m, "shape", (int64_t[]){8, 1, 3, 3}, 4);
  weight(&m, "b", 1, (int64_t[]){8});
  value_info(&m, INPUT_FIELD, "b", 1, (int64_t[]){8});
  attributes a = {0};
  attribute_int(&a, "group", 8);
  node(&m, "ConstantOfShape", "shape", "w", NULL);
  node(&m, "Identity", "w", "w2", NULL);
  node(&m, "Conv", "x,w2,b", "y", &a);
  const ag_graph *g = parse(&m, 9, NULL);
  assert_ops(g, "depthwise");
  assert_int_equal(ag_graph_params(g), 8 * 9 + 8);
  ag_graph_release(g);
}

static void unknown_ops_are_carried(void **state) {
  (void)state;
  model m = image_model();
  attributes a = {0};
  attribute_int(&a, "size", 5);
  node(&m, "LRN", "x", "l", &a);
  node(&m, "Relu", "l", "y", NULL);
  ag_import_report r;
  const ag_graph *g = parse(&m, 13, &r);
  assert_ops(g, "opaque relu");
  const ag_record *record = ag_store_get(g->store, g->nodes[1].record);
  assert_string_equal(record->source_op, "LRN");
  assert_true(record->attributes_size > 0);
  assert_int_equal(r.opaque, 1);
  assert_string_equal(r.opaque_lines[0], "node0 (LRN): no CG op corresponds");
  ag_import_report_free(&r);
  ag_graph_release(g);
}

/* The MACs of `y` in a network of one node over x, of the shape {0, sizes...}. */
static int64_t macs_of(const char *type, const char *operands, attributes *a, int rank,
                       const int64_t *sizes, const int64_t *kernel) {
  model m = {0};
  value_info(&m, INPUT_FIELD, "x", rank, sizes);
  output(&m, "y");
  weight(&m, "w", rank, kernel);
  node(&m, type, operands, "y", a);
  const ag_graph *g = parse(&m, 13, NULL);
  assert_ops(g, "opaque");
  int64_t macs = ag_node_macs(&g->nodes[1]);
  assert_int_equal(ag_node_flops(&g->nodes[1], 1), 2 * macs);
  assert_int_equal(ag_graph_check(g, NULL), AG_OK);
  ag_graph_release(g);
  return macs;
}

static void what_opaque_nodes_multiply_is_counted(void **state) {
  (void)state;
  const int64_t steps[] = {0, 6, 8}, line[] = {3, 8, 20}, plane[] = {0, 8, 5, 7};
  assert_int_equal(macs_of("MatMul", "x,w", NULL, 3, steps, (int64_t[]){1, 8, 5}), 6 * 8 * 5);
  assert_int_equal(macs_of("MatMul", "w,x", NULL, 3, steps, (int64_t[]){1, 5, 6}), 5 * 6 * 8);
  assert_int_equal(macs_of("MatMul", "x,w", NULL, 4, plane, (int64_t[]){1, 1, 7, 2}),
                   8 * 5 * 7 * 2);
  attributes a = {0};
  attribute_int(&a, "group", 2);
  attribute_ints(&a, "strides", (int64_t[]){2}, 1);
  assert_int_equal(macs_of("Conv", "x,w", &a, 3, line, (int64_t[]){10, 4, 3}), 9 * 10 * 4 * 3);
  a = (attributes){0};
  attribute_ints(&a, "strides", (int64_t[]){2, 2}, 2);
  assert_int_equal(macs_of("ConvTranspose", "x,w", &a, 4, plane, (int64_t[]){8, 3, 3, 3}),
                   5 * 7 * 8 * 3 * 3 * 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(activations_in_several_nodes_are_one),
      cmocka_unit_test(a_part_that_others_read_stays),
      cmocka_unit_test(constants_after_a_layer_belong_to_it),
      cmocka_unit_test(scale_and_shift_after_a_norm_are_merged),
      cmocka_unit_test(a_channel_shuffle_is_one_node),
      cmocka_unit_test(padding_is_named_by_what_it_does),
      cmocka_unit_test(the_first_channels_are_the_readers_business),
      cmocka_unit_test(a_head_of_shape_arithmetic_vanishes),
      cmocka_unit_test(weights_come_in_several_guises),
      cmocka_unit_test(unknown_ops_are_carried),
      cmocka_unit_test(what_opaque_nodes_multiply_is_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
