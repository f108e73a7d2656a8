/* One small model for each kind of layer, in the words of each version, against the same graph made
 * by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/formats/keras_maker.h"

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

/* Of images, the cells' channels are normed: ONNX does that where they stand last. */
static void layer_norms(void **state) {
  (void)state;
  static const struct {
    const char *config;
    int nodes, rank; /* opaque ones; of the weights */
  } kinds[] = {{"{}", 3, 1},
               {"{\"axis\":[3],\"epsilon\":1e-6,\"center\":false}", 3, 1},
               {"{\"axis\":[1,2,3],\"scale\":false}", 1, 3}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    char layers[200];
    snprintf(layers, sizeof layers, "LayerNormalization %s\nReLU {}", kinds[i].config);
    char *text = functional(2, "[null,8,6,4]", layers);
    const ag_graph *g = parse(text, NULL, NULL);
    assert_int_equal(g->size, kinds[i].nodes + 3);
    const ag_record *norm = ag_store_get(g->store, g->nodes[1 + (kinds[i].nodes == 3)].record);
    assert_string_equal(norm->source_op, "LayerNormalization");
    assert_int_equal(norm->constant[0].rank, kinds[i].rank);
    assert_true(ag_shape_equal(g->nodes[g->size - 1].out, (ag_shape){8, 6, 4}));
    if (folder) write_model(text);
    ag_graph_release(g);
    free(text);
  }
}

/* What an image goes through first: (x - mean) / deviation, adapted to data. */
static void normalised_images(void **state) {
  (void)state;
  chain c = begin(8, 6, 4);
  add(&c, ag_node_make(AG_OP_BATCHNORM));
  check(2,
        "RandomTranslation {\"height_factor\":0.1}\n"
        "Normalization {\"axis\":[3],\"mean\":null,\"variance\":null}",
        finish(&c));
}

/* Dense along channels, by way of steps; each step's columns in a row. */
static void time_distributed(void **state) {
  (void)state;
  chain c = begin(8, 6, 4);
  add(&c, conv_node(AG_OP_CONV, 5, 1, 1, AG_PAD_SAME, 1));
  add(&c, ag_node_make(AG_OP_RELU));
  check(2,
        "TimeDistributed {\"layer\":{\"class_name\":\"Dense\",\"config\":{\"name\":\"d\","
        "\"units\":5}}}\n"
        "TimeDistributed {\"layer\":{\"class_name\":\"Activation\",\"config\":{"
        "\"activation\":\"relu\"}}}",
        finish(&c));
  char *text = functional(2, "[null,8,6,4]",
                          "TimeDistributed {\"layer\":{\"class_name\":\"Flatten\",\"config\":{}}}\n"
                          "TimeDistributed {\"layer\":{\"class_name\":\"Dense\",\"config\":{"
                          "\"units\":7}}}");
  const ag_graph *g = parse(text, NULL, NULL);
  int64_t macs = 0;
  for (int i = 0; i < g->size; i++) macs += ag_node_macs(&g->nodes[i]);
  assert_int_equal(macs, 8 * 24 * 7); /* steps, features, units */
  if (folder) write_model(text);
  ag_graph_release(g);
  free(text);
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--write") == 0) folder = argv[2];
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(convolutions),
      cmocka_unit_test(special_convolutions),
      cmocka_unit_test(norms_pools_and_pads),
      cmocka_unit_test(activations),
      cmocka_unit_test(heads),
      cmocka_unit_test(sizes),
      cmocka_unit_test(layer_norms),
      cmocka_unit_test(normalised_images),
      cmocka_unit_test(time_distributed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
