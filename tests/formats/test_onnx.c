/* ONNX in: the networks of torchvision with the MACs and parameters torchvision itself states; the
 * quirks of exporters, one small model each; an account that adds up; bad files refused with a
 * reason, damaged ones without harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <cJSON.h>

#include "autogo/onnx.h"
#include "engine/base/file.h"
#include "engine/base/random.h"
#include "tests/formats/onnx_maker.h"

static const ag_shape as_in_file = {0, 0, 0};

/* --- the models of the folder --------------------------------------------------------------------
 */

static const char *models_folder(void) {
  static char path[512];
  const char *shared = getenv("AUTOGO_SHARED");
  snprintf(path, sizeof path, "%s/models/onnx", shared ? shared : "../shared");
  return path;
}

static void skip_without_models(void) {
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

static const ag_graph *load(const char *name, ag_shape bind, ag_import_report *report) {
  char path[600], text[1024];
  ag_error err;
  const ag_graph *g;
  snprintf(path, sizeof path, "%s/%s", models_folder(), name);
  if (ag_onnx_load(path, bind, &g, report, &err))
    fail_msg("%s", ag_error_text(&err, text, sizeof text));
  assert_int_equal(ag_graph_check(g, &err), AG_OK);
  return g;
}

static double number(const cJSON *object, const char *key) {
  return cJSON_GetObjectItemCaseSensitive(object, key)->valuedouble;
}

static void check_truth(const cJSON *truth) {
  const ag_graph *g = load(truth->string, as_in_file, NULL);
  int64_t conv = 0, linear = 0;
  for (int i = 0; i < g->size; i++) {
    int64_t macs = ag_node_macs(&g->nodes[i]);
    *(g->nodes[i].op == AG_OP_MATMUL ? &linear : &conv) += macs;
  }
  if ((double)conv != number(truth, "conv_macs") ||
      (double)linear != number(truth, "linear_macs") ||
      (double)ag_graph_params(g) != number(truth, "params"))
    fail_msg("%s: %lld conv MACs, %lld linear MACs, %lld parameters", truth->string,
             (long long)conv, (long long)linear, (long long)ag_graph_params(g));
  ag_graph_release(g);
}

static void counts_are_those_torchvision_states(void **state) {
  (void)state;
  skip_without_models();
  char path[600], *text;
  size_t size;
  snprintf(path, sizeof path, "%s/torchvision_truth.json", models_folder());
  assert_int_equal(ag_file_read(path, 1 << 20, &text, &size, NULL), AG_OK);
  cJSON *root = cJSON_Parse(text), *truth;
  assert_non_null(root);
  assert_int_equal(cJSON_GetArraySize(root), 11);
  cJSON_ArrayForEach(truth, root) check_truth(truth);
  cJSON_Delete(root);
  free(text);
}

/* The field after a tag of a protobuf message; false at the end. */
static bool next_field(const uint8_t **at, const uint8_t *end, int *field, uint64_t *value) {
  if (*at >= end) return false;
  uint64_t v[2] = {0, 0};
  int wire = 0;
  for (int k = 0; k < 2; k++) {
    int shift = 0;
    do v[k] |= (uint64_t)(**at & 0x7f) << shift, shift += 7;
    while (*(*at)++ & 0x80);
    if (k == 0) wire = (int)(v[0] & 7);
    if (wire == 1 || wire == 5) break;
  }
  *field = (int)(v[0] >> 3);
  *value = v[1];
  if (wire == 1 || wire == 5) *at += wire == 1 ? 8 : 4;
  if (wire == 2) *at += v[1];
  return true;
}

/* Nodes of the file, counted on its bytes alone. */
static int count_nodes(const void *data, size_t size) {
  const uint8_t *at = data, *end = at + size, *graph = NULL;
  uint64_t value, length = 0;
  int field, nodes = 0;
  while (next_field(&at, end, &field, &value))
    if (field == 7) graph = at - value, length = value;
  assert_non_null(graph);
  for (at = graph; next_field(&at, graph + length, &field, &value);) nodes += field == 1;
  return nodes;
}

static const struct {
  const char *name;
  ag_shape bind;
  int opaque;
} all_models[] = {
    {"light_inception_v1.onnx", {0, 0, 0}, 2}, /* LRN */
    {"light_resnet50.onnx", {0, 0, 0}, 0},
    {"light_shufflenet.onnx", {0, 0, 0}, 0},
    {"light_squeezenet.onnx", {0, 0, 0}, 0},
    {"ppocr_mobile_cls.onnx", {48, 192, 3}, 0},
    {"torchvision_deeplabv3_mobilenet_v3_large_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_densenet121_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_efficientnet_b0_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_mobilenet_v2_bn_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_mobilenet_v2_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_mobilenet_v3_small_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_resnet18_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_resnet50_bn_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_resnet50_noweights.onnx", {0, 0, 0}, 0},
    {"torchvision_squeezenet1_1.onnx", {0, 0, 0}, 0},
    {"torchvision_vgg16_bn_noweights.onnx", {0, 0, 0}, 0},
};

static int nodes_of_file(const char *name) {
  char path[600];
  void *data;
  size_t size;
  snprintf(path, sizeof path, "%s/%s", models_folder(), name);
  assert_int_equal(ag_file_map(path, &data, &size, NULL), AG_OK);
  int nodes = count_nodes(data, size);
  ag_file_unmap(data, size);
  return nodes;
}

static void the_account_adds_up(void **state) {
  (void)state;
  skip_without_models();
  for (size_t i = 0; i < sizeof all_models / sizeof *all_models; i++) {
    ag_import_report r;
    const ag_graph *g = load(all_models[i].name, all_models[i].bind, &r);
    int nodes = nodes_of_file(all_models[i].name), made = 0;
    if (r.kept + r.merged + r.folded + r.opaque != nodes || r.opaque != all_models[i].opaque)
      fail_msg("%s: %d + %d + %d + %d of %d nodes", all_models[i].name, r.kept, r.merged, r.folded,
               r.opaque, nodes);
    for (int k = 0; k < g->size; k++)
      made += g->nodes[k].op != AG_OP_INPUT && g->nodes[k].op != AG_OP_OUTPUT;
    assert_int_equal(made, r.kept + r.opaque);
    ag_import_report_free(&r);
    ag_graph_release(g);
  }
}

/* --- quirks, one small model each
 * ------------------------------------------------------------------ */

static const ag_graph *parse(model *m, int64_t opset, ag_import_report *report) {
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
static void assert_ops(const ag_graph *g, const char *expected) {
  ag_text ops = {0};
  for (int i = 0; i < g->size; i++)
    if (g->nodes[i].op != AG_OP_INPUT && g->nodes[i].op != AG_OP_OUTPUT)
      ag_text_add(&ops, "%s%s", ops.size ? " " : "", ag_op_get(g->nodes[i].op)->name);
  char *text = ag_text_take(&ops);
  assert_string_equal(text, expected);
  free(text);
}

static void assert_model(model *m, int64_t opset, const char *expected) {
  ag_import_report r;
  int nodes = m->nodes;
  const ag_graph *g = parse(m, opset, &r);
  assert_ops(g, expected);
  assert_int_equal(r.kept + r.merged + r.folded + r.opaque, nodes);
  ag_import_report_free(&r);
  ag_graph_release(g);
}

static model image_model(void) {
  model m = {0};
  image(&m, "x", 8, 6, 6);
  output(&m, "y");
  return m;
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

/* --- what is refused
 * --------------------------------------------------------------------------------- */

static void assert_refused(const void *bytes, size_t size, ag_shape bind, const char *reason) {
  const ag_graph *g = NULL;
  ag_error err;
  char text[1024];
  if (ag_onnx_parse(bytes, size, bind, &g, NULL, &err) == AG_OK)
    fail_msg("accepted what should fail with: %s", reason);
  if (!strstr(ag_error_text(&err, text, sizeof text), reason))
    fail_msg("expected: %s\n  said: %s", reason, text);
  assert_null(g);
}

static void assert_model_refused(model *m, ag_shape bind, const char *reason) {
  size_t size;
  char *bytes = finish(m, 13, &size);
  assert_refused(bytes, size, bind, reason);
  free(bytes);
}

static void bad_models_are_refused_with_a_reason(void **state) {
  (void)state;
  assert_refused("", 0, as_in_file, "no graph");
  assert_refused("\xff\xff\xff", 3, as_in_file, "not a protobuf message");

  model m = image_model();
  node(&m, "Relu", "z", "y", NULL);
  assert_model_refused(&m, as_in_file, "node0: reads 'z', which nothing defines");

  m = image_model();
  node(&m, "Add", "x,b", "a", NULL);
  node(&m, "Relu", "a", "b", NULL);
  node(&m, "Relu", "b", "y", NULL);
  assert_model_refused(&m, as_in_file, "cycle");

  m = image_model();
  node(&m, "Relu", "x", "a", NULL);
  assert_model_refused(&m, as_in_file, "'y'");

  m = image_model();
  node(&m, "Relu", "x", "y", NULL);
  ag_text nameless = {0};
  put_message(&m.graph, OUTPUT_FIELD, &nameless);
  assert_model_refused(&m, as_in_file, "an output has no name");

  m = image_model();
  attributes a = {0};
  attribute_int(&a, "axis", -9);
  node(&m, "LayerNormalization", "x", "n,mean", &a);
  node(&m, "Add", "n,mean", "y", NULL);
  assert_model_refused(&m, as_in_file, "node0: LayerNormalization: ");

  m = image_model();
  node(&m, "Mystery", "x", "y", NULL);
  assert_model_refused(&m, as_in_file, "node0: Mystery: ");
}

static model open_sizes(void) {
  model m = {0};
  value_info(&m, INPUT_FIELD, "x", 4, (int64_t[]){0, 3, 0, 0});
  output(&m, "y");
  node(&m, "Relu", "x", "y", NULL);
  return m;
}

static void open_sizes_are_bound_by_the_caller(void **state) {
  (void)state;
  model m = open_sizes();
  assert_model_refused(&m, as_in_file,
                       "height open (dimension 2, open); give it with --input HxWxC");
  m = open_sizes();
  assert_model_refused(&m, (ag_shape){32, 48, 4}, "channels 3, not 4");
  m = open_sizes();
  size_t size;
  char *bytes = finish(&m, 13, &size);
  const ag_graph *g;
  assert_int_equal(ag_onnx_parse(bytes, size, (ag_shape){32, 48, 3}, &g, NULL, NULL), AG_OK);
  assert_true(ag_shape_equal(g->nodes[0].out, ((ag_shape){32, 48, 3})));
  ag_graph_release(g);
  free(bytes);
}

static void errors_name_the_file(void **state) {
  (void)state;
  char path[] = "/tmp/autogo-onnx-XXXXXX", text[1024];
  int file = mkstemp(path);
  assert_true(file >= 0);
  model m = image_model();
  node(&m, "Relu", "z", "y", NULL);
  size_t size;
  char *bytes = finish(&m, 13, &size);
  assert_int_equal(ag_file_write(path, bytes, size, NULL), AG_OK);
  const ag_graph *g;
  ag_error err;
  assert_int_equal(ag_onnx_load(path, as_in_file, &g, NULL, &err), AG_FORMAT);
  assert_string_equal(err.file, path);
  assert_string_equal(err.node, "node0");
  assert_ptr_equal(strstr(ag_error_text(&err, text, sizeof text), path), text);
  remove(path);
  free(bytes);
}

/* --- damage
 * -------------------------------------------------------------------------------------------- */

/* Exactly `size` bytes, so that a sanitizer sees a read past them. */
static void try_bytes(const char *bytes, size_t size, ag_shape bind) {
  char *copy = malloc(size ? size : 1);
  memcpy(copy, bytes, size);
  const ag_graph *g;
  ag_import_report r;
  ag_error err;
  if (ag_onnx_parse(copy, size, bind, &g, &r, &err) == AG_OK) {
    assert_int_equal(ag_graph_check(g, NULL), AG_OK);
    ag_import_report_free(&r);
    ag_graph_release(g);
  } else {
    assert_true(err.message[0] != '\0');
  }
  free(copy);
}

static void damage(const char *bytes, size_t size, ag_shape bind, int flips) {
  for (size_t cut = 0; cut < size; cut += 97) try_bytes(bytes, cut, bind);
  ag_random random = ag_random_stream(11, size, 0, 0, 0);
  char *copy = malloc(size);
  for (int round = 0; round < flips; round++) {
    memcpy(copy, bytes, size);
    for (int k = 0; k < 1 + round % 3; k++)
      copy[ag_random_below(&random, size)] = (char)ag_random_below(&random, 256);
    try_bytes(copy, size, bind);
  }
  free(copy);
}

static void damaged_models_do_no_harm(void **state) {
  (void)state;
  skip_without_models();
  static const char *const names[] = {"torchvision_resnet18_noweights.onnx",
                                      "torchvision_vgg16_bn_noweights.onnx",
                                      "light_squeezenet.onnx"};
  for (int i = 0; i < 3; i++) {
    char path[600], *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", models_folder(), names[i]);
    assert_int_equal(ag_file_read(path, 1 << 20, &bytes, &size, NULL), AG_OK);
    damage(bytes, size, as_in_file, 500);
    free(bytes);
  }
}

/* Every byte of a small model that has a bit of everything, cut and flipped. */
static void a_small_model_survives_everything(void **state) {
  (void)state;
  model m = image_model();
  attributes a = {0}, b = {0}, c = {.packed = true};
  weight(&m, "w", 4, (int64_t[]){4, 8, 3, 3});
  integers(&m, "split", (int64_t[]){1, 2, 2, 4, 4}, 5);
  integers(&m, "join", (int64_t[]){0, 4, -1, 4}, 4);
  integers(&m, "pads", (int64_t[]){0, 0, 1, 1, 0, 0, 1, 1}, 8);
  attribute_ints(&a, "strides", (int64_t[]){1, 1}, 2);
  attribute_ints(&b, "perm", (int64_t[]){0, 2, 1, 3, 4}, 5);
  attribute_ints(&c, "kernel_shape", (int64_t[]){2, 2}, 2);
  node(&m, "Conv", "x,w", "a", &a);
  node(&m, "Reshape", "a,split", "b", NULL);
  node(&m, "Transpose", "b", "c", &b);
  node(&m, "Reshape", "c,join", "d", NULL);
  node(&m, "Pad", "d,pads", "e", NULL);
  node(&m, "Split", "e", "f,g", NULL);
  node(&m, "Concat", "g,f", "h", NULL);
  node(&m, "MaxPool", "h", "y", &c);
  size_t size;
  char *bytes = finish(&m, 13, &size);
  for (size_t cut = 0; cut <= size; cut++) try_bytes(bytes, cut, as_in_file);
  for (size_t i = 0; i < size; i++)
    for (int bit = 0; bit < 8; bit++) {
      if (i > 60 && i + 60 < size && i % 7) continue; /* the weights take most of it */
      bytes[i] = (char)(bytes[i] ^ 1 << bit);
      try_bytes(bytes, size, as_in_file);
      bytes[i] = (char)(bytes[i] ^ 1 << bit);
    }
  damage(bytes, size, as_in_file, 3000);
  free(bytes);
}

/* Quadratic work on this many nodes would take minutes. */
static void long_models_take_linear_time(void **state) {
  (void)state;
  enum { LENGTH = 50000 };
  model m = {0};
  char from[16] = "x", to[16];
  image(&m, "x", 8, 6, 6);
  for (int i = 0; i < LENGTH; i++) {
    snprintf(to, sizeof to, "t%d", i);
    node(&m, "Relu", from, to, NULL);
    memcpy(from, to, sizeof from);
  }
  output(&m, to);
  const ag_graph *g = parse(&m, 13, NULL);
  assert_int_equal(g->size, LENGTH + 2);
  ag_graph_release(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_are_those_torchvision_states),
      cmocka_unit_test(the_account_adds_up),
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
      cmocka_unit_test(bad_models_are_refused_with_a_reason),
      cmocka_unit_test(open_sizes_are_bound_by_the_caller),
      cmocka_unit_test(errors_name_the_file),
      cmocka_unit_test(damaged_models_do_no_harm),
      cmocka_unit_test(a_small_model_survives_everything),
      cmocka_unit_test(long_models_take_linear_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
