/* Keras models: real ones with the counts of their papers, and one small model for each kind of
 * layer, in the words of each version, against the same graph made by hand. With `--write DIR` the
 * models go to files as well, for the fuzzer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/import.h"
#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/random.h"

static char *read_model(const char *name, size_t *size) {
  char path[600], *text;
  const char *shared = getenv("AUTOGO_SHARED");
  snprintf(path, sizeof path, "%s/models/keras/%s", shared ? shared : "../shared", name);
  if (ag_file_read(path, 1 << 24, &text, size, NULL) == AG_OK) return text;
  puts("skipped: no Keras models");
  skip();
  return NULL;
}

static const ag_graph *parse(const char *text, const ag_import_options *options,
                             ag_import_report *report) {
  const ag_graph *g;
  ag_error err;
  char message[1024];
  if (ag_keras_parse(text, strlen(text), options, &g, report, &err))
    fail_msg("%s\n%s", ag_error_text(&err, message, sizeof message), text);
  assert_int_equal(ag_graph_check(g, &err), AG_OK);
  return g;
}

static void expect_macs(const char *name, int64_t conv, int64_t linear, int64_t params) {
  size_t size;
  int64_t seen[2] = {0, 0};
  char *text = read_model(name, &size);
  ag_import_report report = {0};
  const ag_graph *g = parse(text, NULL, &report);
  for (int i = 0; i < g->size; i++)
    seen[g->nodes[i].op == AG_OP_MATMUL] += ag_node_macs(&g->nodes[i]);
  assert_int_equal(seen[0], conv);
  assert_int_equal(seen[1], linear);
  assert_int_equal(ag_graph_params(g), params);
  assert_int_equal(report.opaque, 0);
  ag_import_report_free(&report);
  ag_graph_release(g);
  free(text);
}

/* He et al. 2015, table 1, 50 layers; as Keras has it: the first 1x1 of a stage has its stride, and
 * the pool after the stem is not padded, so that 55 x 55 comes out. */
static void resnet50(void **state) {
  (void)state;
  static const int widths[] = {64, 128, 256, 512}, blocks[] = {3, 4, 6, 3};
  int64_t macs = 112 * 112 * 7 * 7 * 3 * 64, in = 64, side = (112 - 3) / 2 + 1;
  int64_t params = 7 * 7 * 3 * 64 + 64 + 2 * 64;
  for (int s = 0; s < 4; s++) {
    int64_t w = widths[s], out = 4 * w;
    if (s) side = (side + 1) / 2;
    for (int b = 0; b < blocks[s]; b++, in = out) {
      int64_t kernels = in * w + 9 * w * w + w * out + (b ? 0 : in * out);
      macs += side * side * kernels;
      params += kernels + 3 * (2 * w + out + (b ? 0 : out)); /* biases and norms */
    }
  }
  expect_macs("keras1_resnet50.json", macs, 2048 * 1000, params + 2048 * 1000 + 1000);
}

/* Sandler et al. 2018, table 2, with a head of 256, 128 and 5 units. */
static void mobilenet_v2(void **state) {
  (void)state;
  static const int rows[][4] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  int64_t in = 32, side = 112, macs = side * side * 27 * 32, params = 27 * 32 + 64;
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
    for (int b = 0; b < rows[r][2]; b++) {
      int64_t t = rows[r][0], wide = in * t, out = rows[r][1], before = side;
      if (b == 0) side /= rows[r][3];
      if (t > 1) macs += before * before * in * wide, params += in * wide + 2 * wide;
      macs += side * side * (9 * wide + wide * out);
      params += 9 * wide + 2 * wide + wide * out + 2 * out;
      in = out;
    }
  macs += side * side * in * 1280;
  params += in * 1280 + 2 * 1280 + 1280 * 256 + 256 + 256 * 128 + 128 + 128 * 5 + 5;
  expect_macs("keras2_tfjs_layers_mobilenet_v2.json", macs, 1280 * 256 + 256 * 128 + 128 * 5,
              params);
}

/* --- one layer, three ways -------------------------------------------------------------------- */

/* The same chain as Keras 1, Keras 2 and Keras 3 write it: `layers` holds configurations without
 * names, separated by newlines, as "Class {...}". */
static char *functional(int version, const char *shape, const char *layers) {
  ag_text t = {0};
  int count = 0;
  ag_text_add(&t, "{%s\"class_name\":\"%s\",%s\"config\":{\"name\":\"m\",\"layers\":[",
              version == 3 ? "\"module\":\"keras\"," : "", version == 3 ? "Functional" : "Model",
              version == 3   ? "\"registered_name\":\"Functional\","
              : version == 2 ? "\"keras_version\":\"2.2.4\","
                             : "\"keras_version\":\"1.1.0\",");
  ag_text_add(&t,
              "{\"class_name\":\"InputLayer\",\"name\":\"n0\",\"config\":{\"%s\":%s},"
              "\"inbound_nodes\":[]}",
              version == 3 ? "batch_shape" : "batch_input_shape", shape);
  while (*layers) {
    size_t class = strcspn(layers, " "), length = strcspn(layers, "\n");
    ag_text_add(&t, ",{\"class_name\":\"%.*s\",\"name\":\"n%d\",\"config\":%.*s,\"inbound_nodes\":",
                (int)class, layers, count + 1, (int)(length - class), layers + class);
    if (version == 3)
      ag_text_add(&t,
                  "[{\"args\":[{\"class_name\":\"__keras_tensor__\",\"config\":{\"shape\":[],"
                  "\"dtype\":\"float32\",\"keras_history\":[\"n%d\",0,0]}}],\"kwargs\":{}}]}",
                  count);
    else
      ag_text_add(&t, "[[[\"n%d\",0,0%s]]]}", count, version == 2 ? ",{}" : "");
    count++;
    layers += length + (layers[length] == '\n');
  }
  ag_text_add(&t, "],\"input_layers\":[[\"n0\",0,0]],\"output_layers\":");
  ag_text_add(&t, version == 3 ? "[\"n%d\",0,0]}}" : "[[\"n%d\",0,0]]}}", count);
  return ag_text_take(&t);
}

typedef struct chain {
  ag_builder *b;
  int x;
} chain;

static chain begin(int32_t h, int32_t w, int32_t c) {
  chain made = {ag_builder_new("m"), 0};
  ag_node n = ag_node_make(AG_OP_INPUT);
  n.out = (ag_shape){h, w, c};
  made.x = ag_builder_add(made.b, n, NULL, 0, NULL);
  return made;
}

static void add(chain *c, ag_node n) {
  c->x = ag_builder_add(c->b, n, &c->x, 1, NULL);
}

static ag_node conv_node(ag_op op, int filters, int kernel, int stride, int padding, int bias) {
  ag_node n = ag_node_make(op);
  n.kernel[0] = n.kernel[1] = kernel;
  n.stride[0] = n.stride[1] = stride;
  n.padding = (uint8_t)padding;
  n.bias = (uint8_t)bias;
  n.out.c = filters;
  return n;
}

static const ag_graph *finish(chain *c) {
  const ag_graph *g;
  ag_error err;
  char text[1024];
  add(c, ag_node_make(AG_OP_OUTPUT));
  if (ag_builder_finish(c->b, &g, &err)) fail_msg("%s", ag_error_text(&err, text, sizeof text));
  return g;
}

static const char *folder; /* or NULL */

static void write_model(const char *text) {
  static int count;
  char path[600];
  snprintf(path, sizeof path, "%s/model%d.json", folder, count++);
  assert_int_equal(ag_file_write(path, text, strlen(text), NULL), AG_OK);
}

static void compare(const char *text, const ag_graph *expected) {
  if (folder) write_model(text);
  const ag_graph *g = parse(text, NULL, NULL);
  if (!ag_graph_isomorphic(g, expected, AG_EQUAL_SHAPES, NULL)) {
    for (int i = 0; i < g->size; i++)
      print_message("%s %dx%dx%d\n", ag_op_get(g->nodes[i].op)->name, g->nodes[i].out.h,
                    g->nodes[i].out.w, g->nodes[i].out.c);
    fail_msg("another graph: %s", text);
  }
  ag_graph_release(g);
}

/* Frees `expected`. */
static void check(int version, const char *layers, const ag_graph *expected) {
  char *text = functional(version, "[null,8,6,4]", layers);
  compare(text, expected);
  free(text);
  ag_graph_release(expected);
}

static void convolutions(void **state) {
  (void)state;
  static const char *const words[] = {
      "Convolution2D {\"nb_filter\":8,\"nb_row\":3,\"nb_col\":3,\"subsample\":[2,2],"
      "\"border_mode\":\"same\",\"dim_ordering\":\"tf\",\"activation\":\"relu\",\"bias\":true}\n"
      "SeparableConvolution2D {\"nb_filter\":5,\"nb_row\":3,\"nb_col\":3,\"subsample\":[1,1],"
      "\"border_mode\":\"valid\",\"depth_multiplier\":1,\"activation\":\"linear\",\"bias\":true}",
      "Conv2D {\"filters\":8,\"kernel_size\":[3,3],\"strides\":[2,2],\"padding\":\"same\","
      "\"data_format\":\"channels_last\",\"activation\":\"relu\",\"use_bias\":true}\n"
      "SeparableConv2D {\"filters\":5,\"kernel_size\":[3,3],\"strides\":[1,1],"
      "\"padding\":\"valid\",\"depth_multiplier\":1,\"activation\":\"linear\",\"use_bias\":true}",
      "Conv2D {\"filters\":8,\"kernel_size\":3,\"strides\":2,\"padding\":\"same\","
      "\"activation\":{\"class_name\":\"function\",\"config\":\"relu\"},\"use_bias\":true}\n"
      "SeparableConv2D {\"filters\":5,\"kernel_size\":[3,3],\"activation\":null}"};
  for (int version = 1; version <= 3; version++) {
    chain c = begin(8, 6, 4);
    add(&c, conv_node(AG_OP_CONV, 8, 3, 2, AG_PAD_SAME, 1));
    add(&c, ag_node_make(AG_OP_RELU));
    add(&c, conv_node(AG_OP_DEPTHWISE, 8, 3, 1, AG_PAD_VALID, 0));
    add(&c, conv_node(AG_OP_CONV, 5, 1, 1, AG_PAD_SAME, 1));
    check(version, words[version - 1], finish(&c));
  }
}

static void special_convolutions(void **state) {
  (void)state;
  for (int version = 2; version <= 3; version++) {
    chain c = begin(8, 6, 4);
    ag_node grouped = conv_node(AG_OP_CONV, 6, 3, 1, AG_PAD_SAME, 0);
    grouped.groups = 2;
    ag_node dilated = conv_node(AG_OP_CONV, 3, 3, 1, AG_PAD_SAME, 1);
    dilated.dilation[0] = dilated.dilation[1] = 2;
    add(&c, conv_node(AG_OP_DEPTHWISE, 4, 5, 1, AG_PAD_SAME, 1));
    add(&c, grouped);
    add(&c, dilated);
    add(&c, conv_node(AG_OP_TRANSPOSED_CONV, 7, 3, 2, AG_PAD_SAME, 1));
    add(&c, ag_node_make(AG_OP_SIGMOID));
    check(version,
          "DepthwiseConv2D {\"kernel_size\":[5,5],\"padding\":\"same\"}\n"
          "Conv2D {\"filters\":6,\"kernel_size\":[3,3],\"padding\":\"same\",\"groups\":2,"
          "\"use_bias\":false}\n"
          "Conv2D {\"filters\":3,\"kernel_size\":[3,3],\"padding\":\"same\","
          "\"dilation_rate\":[2,2]}\n"
          "Conv2DTranspose {\"filters\":7,\"kernel_size\":[3,3],\"strides\":[2,2],"
          "\"padding\":\"same\",\"activation\":\"sigmoid\"}",
          finish(&c));
  }
}

static void norms_pools_and_pads(void **state) {
  (void)state;
  static const char *const axes[] = {"3", "[3]", "-1"};
  for (int version = 1; version <= 3; version++) {
    const char *padding = version == 1 ? "border_mode" : "padding";
    char layers[800];
    chain c = begin(8, 6, 4);
    ag_node pads = ag_node_make(AG_OP_PADDINGS);
    pads.pads[0] = pads.pads[2] = 1; /* top, left, bottom, right */
    pads.pads[1] = pads.pads[3] = 2;
    add(&c, ag_node_make(AG_OP_BATCHNORM));
    add(&c, conv_node(AG_OP_MAXPOOL, 0, 3, 2, AG_PAD_SAME, 0));
    add(&c, pads);
    add(&c, conv_node(AG_OP_AVGPOOL, 0, 2, 2, AG_PAD_VALID, 0));
    snprintf(layers, sizeof layers,
             "BatchNormalization {\"axis\":%s,\"epsilon\":0.001}\n"
             "MaxPooling2D {\"pool_size\":[3,3],\"strides\":[2,2],\"%s\":\"same\"}\n"
             "ZeroPadding2D {\"padding\":%s}\n"
             "AveragePooling2D {\"pool_size\":[2,2],\"strides\":%s,\"%s\":\"valid\"}",
             axes[version - 1], padding, version == 1 ? "[1,2]" : "[[1,1],[2,2]]",
             version == 3 ? "null" : "[2,2]", padding);
    check(version, layers, finish(&c));
  }
}

static void activations(void **state) {
  (void)state;
  for (int version = 2; version <= 3; version++) {
    chain c = begin(8, 6, 4);
    ag_node leaky = ag_node_make(AG_OP_LEAKYRELU), hard = ag_node_make(AG_OP_HARDSIGMOID);
    leaky.alpha = 0.25f;
    if (version == 2) hard.alpha = 0.2f;
    add(&c, ag_node_make(AG_OP_RELU6));
    add(&c, leaky);
    add(&c, ag_node_make(AG_OP_PRELU));
    add(&c, ag_node_make(AG_OP_SWISH));
    add(&c, ag_node_make(AG_OP_GELU));
    add(&c, hard);
    add(&c, ag_node_make(AG_OP_TANH));
    add(&c, ag_node_make(AG_OP_SOFTMAX));
    char layers[900];
    snprintf(layers, sizeof layers,
             "ReLU {\"max_value\":6.0,\"negative_slope\":0.0,\"threshold\":0.0}\n"
             "LeakyReLU {\"%s\":0.25}\n"
             "PReLU {\"shared_axes\":[1,2]}\n"
             "Activation {\"activation\":\"%s\"}\n"
             "Dropout {\"rate\":0.5}\n"
             "Activation {\"activation\":\"gelu\"}\n"
             "Activation {\"activation\":\"hard_sigmoid\"}\n"
             "Activation {\"activation\":\"tanh\"}\n"
             "Softmax {\"axis\":-1}",
             version == 3 ? "negative_slope" : "alpha", version == 3 ? "silu" : "swish");
    check(version, layers, finish(&c));
  }
}

static void heads(void **state) {
  (void)state;
  for (int version = 1; version <= 3; version++) {
    ag_node hidden = ag_node_make(AG_OP_MATMUL), last = hidden;
    chain c = begin(8, 6, 4);
    hidden.out.c = 16, last.out.c = 3;
    hidden.bias = 1;
    add(&c, ag_node_make(AG_OP_FLATTEN));
    add(&c, hidden);
    add(&c, ag_node_make(AG_OP_RELU));
    add(&c, last);
    check(version,
          version == 1 ? "Flatten {}\nDense {\"output_dim\":16,\"activation\":\"relu\"}\n"
                         "Dense {\"output_dim\":3,\"bias\":false,\"activation\":\"linear\"}"
                       : "Flatten {\"data_format\":\"channels_last\"}\n"
                         "Dense {\"units\":16,\"activation\":\"relu\"}\n"
                         "Dense {\"units\":3,\"use_bias\":false,\"activation\":\"linear\"}",
          finish(&c));
    c = begin(8, 6, 4);
    add(&c, ag_node_make(AG_OP_MEAN));
    add(&c, last);
    check(version,
          version == 1 ? "GlobalAveragePooling2D {}\nDense {\"output_dim\":3,\"bias\":false}"
                       : "GlobalAveragePooling2D {}\nReshape {\"target_shape\":[1,1,4]}\n"
                         "Flatten {}\nDense {\"units\":3,\"use_bias\":false}",
          finish(&c));
  }
}

static void sizes(void **state) {
  (void)state;
  chain c = begin(8, 6, 4);
  ag_node up = ag_node_make(AG_OP_RESIZE), linear = up;
  up.stride[0] = 2, up.stride[1] = 3;
  linear.stride[0] = linear.stride[1] = 2;
  linear.flags |= AG_FLAG_LINEAR;
  add(&c, up);
  add(&c, linear);
  add(&c, conv_node(AG_OP_CONV, 5, 1, 1, AG_PAD_SAME, 1)); /* Dense along channels */
  check(2,
        "UpSampling2D {\"size\":[2,3]}\n"
        "UpSampling2D {\"size\":[2,2],\"interpolation\":\"bilinear\"}\n"
        "Dense {\"units\":5}",
        finish(&c));
}

/* --- more than chains ---------------------------------------------------------------------- */

static const ag_graph *two_branches(ag_op join) {
  chain c = begin(8, 6, 4);
  int input = c.x;
  add(&c, conv_node(AG_OP_CONV, 4, 3, 1, AG_PAD_SAME, 1));
  int operands[2] = {c.x, input};
  c.x = ag_builder_add(c.b, ag_node_make(join), operands, 2, NULL);
  return finish(&c);
}

#define INPUT(key)                                                                                 \
  "{\"class_name\":\"InputLayer\",\"name\":\"i\",\"config\":{\"" key                               \
  "\":[null,8,6,4]},\"inbound_nodes\":[]}"
#define TENSOR(name)                                                                               \
  "{\"class_name\":\"__keras_tensor__\",\"config\":{\"keras_history\":[\"" name "\",0,0]}}"

static void joins(void **state) {
  (void)state;
  static const struct {
    ag_op op;
    const char *keras2, *keras1;
  } kinds[] = {{AG_OP_ADD, "Add", "\"mode\":\"sum\""},
               {AG_OP_MUL, "Multiply", "\"mode\":\"mul\""},
               {AG_OP_CONCAT, "Concatenate", "\"mode\":\"concat\",\"concat_axis\":-1"}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    const ag_graph *expected = two_branches(kinds[i].op);
    char text[2000];
    snprintf(
        text, sizeof text,
        "{\"class_name\":\"Model\",\"keras_version\":\"1.2.0\",\"config\":{\"layers\":[" INPUT(
            "batch_input_shape") ",{\"class_name\":\"Convolution2D\",\"name\":\"c\","
                                 "\"config\":{\"nb_filter\":4,\"nb_row\":3,\"nb_col\":3,\"border_"
                                 "mode\":\"same\"},"
                                 "\"inbound_nodes\":[[[\"i\",0,0]]]},{\"class_name\":\"Merge\","
                                 "\"name\":\"j\","
                                 "\"config\":{%s},\"inbound_nodes\":[[[\"c\",0,0],[\"i\",0,0]]]}],"
                                 "\"output_layers\":[[\"j\",0,0]]}}",
        kinds[i].keras1);
    compare(text, expected);
    snprintf(text, sizeof text,
             "{\"modelTopology\":{\"keras_version\":\"2.2.4\",\"model_config\":{\"class_name\":"
             "\"Model\",\"config\":{\"layers\":[" INPUT(
                 "batch_input_shape") ",{\"class_name\":\"Conv2D\",\"name\":\"c\",\"config\":{"
                                      "\"filters\":4,"
                                      "\"kernel_size\":[3,3],\"padding\":\"same\"},\"inbound_"
                                      "nodes\":[[[\"i\",0,0,{}]]]},"
                                      "{\"class_name\":\"%s\",\"name\":\"j\",\"config\":{},"
                                      "\"inbound_nodes\":[[[\"c\",0,0,{}],[\"i\",0,0,{}]]]}],"
                                      "\"output_layers\":[[\"j\",0,0]]}}}}",
             kinds[i].keras2);
    compare(text, expected);
    snprintf(text, sizeof text,
             "{\"module\":\"keras\",\"class_name\":\"Functional\",\"config\":{\"layers\":[" INPUT(
                 "batch_shape") ",{\"class_name\":\"Conv2D\",\"name\":\"c\",\"config\":{"
                                "\"filters\":4,\"kernel_size\":[3,3],\"padding\":\"same\"},"
                                "\"inbound_nodes\":["
                                "{\"args\":[" TENSOR(
                                    "i") "],\"kwargs\":{}}]},{\"class_name\":\"%s\",\"name\":\"j\","
                                         "\"config\":{},\"inbound_nodes\":[{\"args\":[[" TENSOR(
                                             "c") "," TENSOR("i") "]],\"kwargs\":{}}]}],\"output_"
                                                                  "layers\":[\"j\",0,0]}}",
             kinds[i].keras2);
    compare(text, expected);
    ag_graph_release(expected);
  }
}

/* A layer that is called twice, and a model as a layer. */
static void shared_and_nested(void **state) {
  (void)state;
  chain c = begin(8, 6, 4);
  add(&c, conv_node(AG_OP_CONV, 4, 1, 1, AG_PAD_SAME, 1));
  add(&c, ag_node_make(AG_OP_RELU));
  add(&c, conv_node(AG_OP_CONV, 4, 1, 1, AG_PAD_SAME, 1));
  const ag_graph *expected = finish(&c);
  compare("{\"class_name\":\"Model\",\"config\":{\"layers\":[" INPUT(
              "batch_input_shape") ",{\"class_name\":\"Conv2D\",\"name\":\"c\",\"config\":{"
                                   "\"filters\":4,"
                                   "\"kernel_size\":[1,1]},\"inbound_nodes\":[[[\"i\",0,0,{}]],[["
                                   "\"r\",0,0,{}]]]},"
                                   "{\"class_name\":\"ReLU\",\"name\":\"r\",\"config\":{},"
                                   "\"inbound_nodes\":[[[\"c\",0,0,{}]]]}],\"output_layers\":[["
                                   "\"c\",1,0]]}}",
          expected);
  compare(
      "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"s\",\"layers\":["
      "{\"class_name\":\"Functional\",\"config\":{\"name\":\"inner\",\"layers\":[" INPUT(
          "batch_shape") ",{\"class_name\":\"Conv2D\",\"name\":\"c\",\"config\":{"
                         "\"filters\":4,\"kernel_size\":[1,1],\"activation\":\"relu\"},\"inbound_"
                         "nodes\":["
                         "{\"args\":[" TENSOR(
                             "i") "],\"kwargs\":{}}]}],\"input_layers\":[[\"i\",0,0]],"
                                  "\"output_layers\":[[\"c\",0,0]]}},"
                                  "{\"class_name\":\"Conv2D\",\"config\":{\"name\":\"d\","
                                  "\"filters\":4,"
                                  "\"kernel_size\":[1,1]}}],\"build_input_shape\":[null,8,6,4]}}",
      expected);
  compare("{\"class_name\":\"Sequential\",\"keras_version\":\"1.0.0\",\"config\":["
          "{\"class_name\":\"Convolution2D\",\"config\":{\"name\":\"a\",\"nb_filter\":4,"
          "\"nb_row\":1,\"nb_col\":1,\"batch_input_shape\":[null,8,6,4],\"activation\":\"relu\"}},"
          "{\"class_name\":\"Convolution2D\",\"config\":{\"name\":\"b\",\"nb_filter\":4,"
          "\"nb_row\":1,\"nb_col\":1}}]}",
          expected);
  ag_graph_release(expected);
}

static void channels_first(void **state) {
  (void)state;
  chain c = begin(8, 6, 4);
  add(&c, conv_node(AG_OP_CONV, 5, 3, 1, AG_PAD_SAME, 1));
  add(&c, ag_node_make(AG_OP_BATCHNORM));
  const ag_graph *expected = finish(&c);
  char *text = functional(2, "[null,4,8,6]",
                          "Conv2D {\"filters\":5,\"kernel_size\":[3,3],\"padding\":\"same\","
                          "\"data_format\":\"channels_first\"}\nBatchNormalization {\"axis\":1}");
  compare(text, expected);
  free(text);
  ag_graph_release(expected);
}

static void open_sizes_are_bound(void **state) {
  (void)state;
  ag_import_options options = {.bind = {8, 6, 4}};
  ag_error err;
  const ag_graph *g;
  char *text = functional(2, "[null,null,null,4]", "ReLU {}");
  assert_int_equal(ag_keras_parse(text, strlen(text), NULL, &g, NULL, &err), AG_UNSUPPORTED);
  assert_string_equal(err.node, "n0 (InputLayer)");
  assert_non_null(strstr(err.message, "--input"));
  g = parse(text, &options, NULL);
  assert_true(ag_shape_equal(g->nodes[0].out, options.bind));
  assert_true(g->dynamic_batch);
  ag_graph_release(g);
  free(text);
}

/* --- refusals ------------------------------------------------------------------------------ */

static void refuse(const char *layers, const char *where, const char *what) {
  char *text = functional(2, "[null,8,6,4]", layers), message[1024];
  ag_error err;
  const ag_graph *g;
  ag_status status = ag_keras_parse(text, strlen(text), NULL, &g, NULL, &err);
  if (!status || strcmp(err.node, where) != 0 || !strstr(err.message, what))
    fail_msg("%d: %s", status, ag_error_text(&err, message, sizeof message));
  free(text);
}

static void refusals_name_layer_and_class(void **state) {
  (void)state;
  refuse("LSTM {\"units\":3}", "n1 (LSTM)", "no rule");
  refuse("Conv2D {\"filters\":0,\"kernel_size\":[3,3]}", "n1 (Conv2D)", "filters");
  refuse("Conv2D {\"filters\":4,\"kernel_size\":\"3\"}", "n1 (Conv2D)", "kernel_size");
  refuse("Conv2D {\"filters\":4,\"kernel_size\":[3,3],\"padding\":\"causal\"}", "n1 (Conv2D)",
         "causal");
  refuse("Activation {\"activation\":\"spike\"}", "n1 (Activation)", "spike");
  refuse("BatchNormalization {\"axis\":1}", "n1 (BatchNormalization)", "channels");
  refuse("Dense {\"units\":4}\nFlatten {}\nConv2D {\"filters\":4,\"kernel_size\":[3,3]}",
         "n3 (Conv2D)", "image");
}

/* Cut short and changed at every place, from memory of exactly that size. */
static void damaged_models_do_no_harm(void **state) {
  (void)state;
  char *text = functional(3, "[null,8,6,4]",
                          "Conv2D {\"filters\":5,\"kernel_size\":[3,3],\"activation\":\"silu\"}\n"
                          "SeparableConv2D {\"filters\":5,\"kernel_size\":[3,3]}\n"
                          "ZeroPadding2D {\"padding\":[[1,0],[2,3]]}\nFlatten {}\n"
                          "Dense {\"units\":16}\nReshape {\"target_shape\":[2,4,-1]}");
  size_t size = strlen(text);
  ag_random random = ag_random_stream(5, 0, 0, 0, 0);
  for (int round = 0; round < 6000; round++) {
    char *copy = ag_memdup(text, size, 1);
    size_t length = round % 2 ? size : ag_random_below(&random, size);
    const ag_graph *g;
    for (int k = 0; k < round % 4; k++)
      copy[ag_random_below(&random, size)] =
          "0123456789-[]{}\",:null"[ag_random_below(&random, 22)];
    copy = ag_resize(copy, length + 1, 1);
    if (ag_keras_parse(copy, length, NULL, &g, NULL, NULL) == AG_OK) ag_graph_release(g);
    free(copy);
  }
  free(text);
}

static void kinds_of_json(void **state) {
  (void)state;
  static const struct {
    const char *text;
    ag_json_kind kind;
  } texts[] = {
      {"{\"nodes\":[]}", AG_JSON_GRAPH},
      {"{\"class_name\":\"Model\",\"config\":{}}", AG_JSON_KERAS},
      {"{\"modelTopology\":{\"model_config\":{}}}", AG_JSON_KERAS},
      {"{\"format\":\"graph-model\",\"modelTopology\":{\"node\":[]}}", AG_JSON_TENSORFLOW}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    ag_json_kind kind;
    assert_int_equal(ag_import_json_kind(texts[i].text, strlen(texts[i].text), &kind, NULL), AG_OK);
    assert_int_equal(kind, texts[i].kind);
  }
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--write") == 0) folder = argv[2];
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(resnet50),
      cmocka_unit_test(mobilenet_v2),
      cmocka_unit_test(convolutions),
      cmocka_unit_test(special_convolutions),
      cmocka_unit_test(norms_pools_and_pads),
      cmocka_unit_test(activations),
      cmocka_unit_test(heads),
      cmocka_unit_test(sizes),
      cmocka_unit_test(joins),
      cmocka_unit_test(shared_and_nested),
      cmocka_unit_test(channels_first),
      cmocka_unit_test(open_sizes_are_bound),
      cmocka_unit_test(refusals_name_layer_and_class),
      cmocka_unit_test(damaged_models_do_no_harm),
      cmocka_unit_test(kinds_of_json),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
