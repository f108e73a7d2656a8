/* Small GraphDefs of what a change of layout can break: paddings, kernels, axes, vectors, flattened
 * images, norms in pieces. Each becomes the ops it should; with `--write DIR` the program
 * writes the models, their inputs and what plain loops over N, H, W, C make of them, for ONNX
 * Runtime to compare after conversion (tests/e2e/graphdef.sh). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/import.h"
#include "engine/base/file.h"
#include "tests/formats/graphdef_net.h"

/* --- the networks ----------------------------------------------------------------------------- */

static tensor conv(net *g, tensor x, int kernel, int filters, int stride, bool same) {
  tensor k = weights(g, 4, (int[]){kernel, kernel, x.dims[3], filters});
  return convolution(g, x, k, stride, 1, same, false);
}

static tensor same_stride_2(net *g, tensor x) {
  tensor y = conv(g, x, 3, 5, 2, true);
  return binary(g, "BiasAdd", y, vector(g, 5, -1, 1));
}

static tensor valid_dilated(net *g, tensor x) {
  tensor y = convolution(g, x, weights(g, 4, (int[]){3, 2, 4, 6}), 1, 2, false, false);
  return unary(g, "Relu6", binary(g, "Add", y, vector(g, 6, -1, 1)));
}

static tensor grouped(net *g, tensor x) {
  return convolution(g, x, weights(g, 4, (int[]){3, 3, 2, 6}), 1, 1, true, false);
}

static tensor depthwise(net *g, tensor x) {
  tensor y = convolution(g, x, weights(g, 4, (int[]){3, 3, 4, 1}), 2, 1, true, true);
  return convolution(g, y, weights(g, 4, (int[]){3, 3, 4, 2}), 1, 1, true, true);
}

static tensor transposed(net *g, tensor x) {
  tensor y = transposed_convolution(g, x, weights(g, 4, (int[]){4, 4, 3, 4}), 2);
  y = binary(g, "BiasAdd", y, vector(g, 3, -1, 1));
  return transposed_convolution(g, y, weights(g, 4, (int[]){3, 3, 2, 3}), 2);
}

static tensor norms(net *g, tensor x) {
  tensor y = batch_norm(g, "FusedBatchNorm", conv(g, x, 1, 6, 1, false));
  y = unfused_norm(g, unary(g, "Relu", y));
  return batch_norm(g, "FusedBatchNormV3", y);
}

static tensor pools(net *g, tensor x) {
  tensor y = pool(g, x, 3, 2, true, false);
  tensor z = pool(g, x, 3, 2, true, true);
  y = binary(g, "Add", y, z);
  return pool(g, pool(g, y, 2, 1, false, true), 2, 2, false, false);
}

/* The order of the flattened elements must reach the weights, and vectors on the way. */
static tensor flat_head(net *g, tensor x) {
  tensor y = flatten(g, conv(g, x, 3, 4, 2, true));
  int n = y.dims[1];
  y = unary(g, "Relu", binary(g, "Add", y, vector(g, n, -1, 1)));
  y = matmul(g, y, weights(g, 2, (int[]){n, 7}), false);
  y = unfused_norm(g, binary(g, "Add", y, vector(g, 7, -1, 1)));
  y = matmul(g, y, weights(g, 2, (int[]){3, 7}), true);
  return softmax(g, y);
}

static tensor flat_transposed_weights(net *g, tensor x) {
  tensor y = flatten(g, x);
  return matmul(g, y, weights(g, 2, (int[]){6, y.dims[1]}), true);
}

static tensor flat_scaled(net *g, tensor x) {
  tensor y = flatten(g, x);
  y = binary(g, "Mul", y, vector(g, y.dims[1], 0.5f, 1.5f));
  return matmul(g, y, weights(g, 2, (int[]){y.dims[1], 3}), false);
}

static tensor flat_output(net *g, tensor x) {
  return flatten(g, conv(g, x, 1, 3, 1, true));
}

static tensor mean_head(net *g, tensor x) {
  tensor y = mean(g, conv(g, x, 3, 8, 2, true), false);
  return binary(g, "BiasAdd", matmul(g, y, weights(g, 2, (int[]){8, 5}), false),
                vector(g, 5, -1, 1));
}

static tensor squeezed_head(net *g, tensor x) {
  tensor y = mean(g, x, true);
  y = conv(g, y, 1, 6, 1, true);
  return reshape(g, y, 2, (int[]){-1, 6}, (int[]){1, 6});
}

static tensor joins(net *g, tensor x) {
  tensor y = concatenate(g, conv(g, x, 1, 3, 1, true), conv(g, x, 3, 5, 1, true), 3);
  y = concatenate(g, y, x, -1);
  return binary(g, "Mul", y, unary(g, "Sigmoid", mean(g, y, true)));
}

static tensor tall_join(net *g, tensor x) {
  return concatenate(g, x, unary(g, "Tanh", x), 1);
}

static tensor subtractions(net *g, tensor x) {
  tensor y = binary(g, "Sub", conv(g, x, 1, 4, 1, true), vector(g, 4, -1, 1));
  y = binary(g, "RealDiv", y, vector(g, 4, 0.5f, 1.5f));
  y = binary(g, "Mul", y, splat(g, 0, NULL, 0.5f));
  return binary(g, "Sub", y, unary(g, "LeakyRelu", y));
}

static tensor padded(net *g, tensor x) {
  return conv(g, pad(g, x, 0, 1, 2, 3), 3, 4, 2, false);
}

static tensor hard_swish(net *g, tensor x) {
  tensor y = conv(g, x, 3, 4, 1, true);
  tensor gate = unary(g, "Relu6", binary(g, "Add", y, splat(g, 0, NULL, 3)));
  return binary(g, "Mul", binary(g, "Mul", y, gate), splat(g, 0, NULL, 1.0f / 6));
}

static tensor swish(net *g, tensor x) {
  tensor y = conv(g, x, 3, 4, 1, true);
  return binary(g, "Mul", y, unary(g, "Sigmoid", y));
}

static tensor shuffle(net *g, tensor x) {
  int h = x.dims[1], w = x.dims[2];
  tensor y = conv(g, x, 1, 6, 1, true);
  y = reshape(g, y, 5, (int[]){-1, h, w, 2, 3}, (int[]){1, h, w, 2, 3});
  y = transpose(g, y, (int[]){0, 1, 2, 4, 3});
  return reshape(g, y, 4, (int[]){-1, h, w, 6}, (int[]){1, h, w, 6});
}

static tensor enlarged(net *g, tensor x) {
  return depth_to_space(g, enlarge(g, conv(g, x, 1, 8, 1, true), 2), 2);
}

/* H and W change places: no layer can do that, so it is carried. */
static tensor turned(net *g, tensor x) {
  return conv(g, transpose(g, x, (int[]){0, 2, 1, 3}), 3, 4, 1, true);
}

/* A row of features becomes an image: the first elements are its first channels. */
static tensor unrolled(net *g, tensor x) {
  tensor y = matmul(g, mean(g, x, false), weights(g, 2, (int[]){4, 24}), false);
  y = reshape(g, y, 4, (int[]){-1, 3, 2, 4}, (int[]){1, 3, 2, 4});
  return conv(g, y, 3, 2, 1, true);
}

/* Shape, StridedSlice, Pack: the head of a model that was exported with an open batch. */
static tensor computed_shape(net *g, tensor x) {
  attrs slice = {0}, pack = {0};
  tensor y = conv(g, x, 3, 4, 2, true);
  int n = volume(&y);
  put_node(g, "shape", "Shape", y.name, NULL);
  attr_int(&slice, "shrink_axis_mask", 1);
  const char *from = ints(g, 1, 1, (int[]){0}), *to = ints(g, 1, 1, (int[]){1});
  put_node(g, "batch", "StridedSlice", join(g, join(g, "shape", from), join(g, to, to)), &slice);
  attr_int(&pack, "N", 2);
  put_node(g, "target", "Pack", join(g, "batch", ints(g, 0, 1, &n)), &pack);
  tensor z = make_tensor(g, "row", 2, (int[]){1, n});
  memcpy(z.data, y.data, (size_t)n * sizeof(float));
  put_node(g, z.name, "Reshape", join(g, y.name, "target"), NULL);
  return matmul(g, z, weights(g, 2, (int[]){n, 3}), false);
}

/* What grappler makes of a convolution, its bias and its activation. */
static tensor fused(net *g, tensor x) {
  net aside = {.count = 1000};
  attrs a = {0};
  tensor k = weights(g, 4, (int[]){3, 3, 4, 5}), b = vector(g, 5, -1, 1);
  tensor y = unary(&aside, "Relu",
                   binary(&aside, "BiasAdd", convolution(&aside, x, k, 2, 1, true, false), b));
  tensor z = make_tensor(g, "fused", 4, y.dims);
  memcpy(z.data, y.data, (size_t)volume(&y) * sizeof(float));
  window_attrs(&a, 2, 1, true);
  attr_texts(&a, "fused_ops", "BiasAdd,Relu");
  put_node(g, z.name, "_FusedConv2D", join(g, join(g, x.name, k.name), b.name), &a);
  free_net(&aside);
  return z;
}

/* Padded to a multiple of the block, and cropped to the size of the input. */
static tensor dilated_in_batches(net *g, tensor x) {
  tensor k = weights(g, 4, (int[]){3, 3, 4, 5});
  tensor y = convolution_in_batches(g, x, k, (int[]){2, 2}, (int[]){2, 3, 2, 2},
                                    (int[]){0, 1, 0, 0}, false, false);
  return binary(g, "BiasAdd", y, vector(g, 5, -1, 1));
}

/* The small images are padded, too; rows and columns differ. */
static tensor dilated_small_images(net *g, tensor x) {
  tensor k = weights(g, 4, (int[]){3, 4, 4, 1});
  return convolution_in_batches(g, x, k, (int[]){2, 3}, (int[]){0, 1, 0, 1}, (int[]){0, 1, 0, 1},
                                true, true);
}

static tensor dilated_cropped(net *g, tensor x) {
  tensor k = weights(g, 4, (int[]){2, 2, 4, 3});
  return convolution_in_batches(g, x, k, (int[]){3, 2}, (int[]){3, 3, 2, 2}, (int[]){2, 1, 1, 1},
                                false, false);
}

static const struct {
  const char *name;
  tensor (*make)(net *g, tensor x);
  const char *ops; /* between input and output */
} networks[] = {
    {"same_stride_2", same_stride_2, "conv"},
    {"valid_dilated", valid_dilated, "conv relu6"},
    {"grouped", grouped, "conv"},
    {"depthwise", depthwise, "depthwise conv"}, /* a multiplier of 2 is a grouped convolution */
    {"transposed", transposed, "transposedconv transposedconv"},
    {"norms", norms, "conv batchnorm relu batchnorm batchnorm"},
    {"pools", pools, "maxpool avgpool add avgpool maxpool"},
    {"flat_head", flat_head, "conv flatten opaque relu matmul batchnorm matmul softmax"},
    {"flat_transposed_weights", flat_transposed_weights, "flatten matmul"},
    {"flat_scaled", flat_scaled, "flatten batchnorm matmul"},
    {"flat_output", flat_output, "conv opaque flatten"},
    {"mean_head", mean_head, "conv mean matmul"},
    {"squeezed_head", squeezed_head, "mean conv"},
    {"joins", joins, "conv conv concat concat mean sigmoid mul"},
    {"tall_join", tall_join, "tanh opaque"},
    {"subtractions", subtractions, "conv batchnorm opaque leakyrelu opaque"},
    {"padded", padded, "paddings conv"},
    {"hard_swish", hard_swish, "conv hardswish"},
    {"swish", swish, "conv swish"},
    {"shuffle", shuffle, "conv channelshuffle"},
    {"enlarged", enlarged, "conv resize depthtospacend"},
    {"turned", turned, "opaque conv"},
    {"unrolled", unrolled, "mean matmul opaque opaque conv"},
    {"computed_shape", computed_shape, "conv flatten matmul"},
    {"fused", fused, "conv relu"},
    {"dilated_in_batches", dilated_in_batches, "conv"},
    {"dilated_small_images", dilated_small_images, "depthwise"},
    {"dilated_cropped", dilated_cropped, "conv"},
};

enum { NETWORKS = sizeof networks / sizeof *networks };

static void make(net *g, int index, tensor *x, tensor *y) {
  *g = (net){.count = 0};
  *x = placeholder(g, 9, 8, 4);
  *y = networks[index].make(g, *x);
}

/* --- the ops ---------------------------------------------------------------------------------- */

static void compare_ops(const char *name, const ag_graph *g, const char *expected) {
  ag_text ops = {0};
  for (int i = 1; i + 1 < g->size; i++)
    ag_text_add(&ops, "%s%s", i > 1 ? " " : "", ag_op_get(g->nodes[i].op)->name);
  if (strcmp(ops.data, expected) != 0) fail_msg("%s: %s, not %s", name, ops.data, expected);
  ag_text_free(&ops);
}

/* The graph's output has as many elements in each direction as the loops found. */
static void compare_shape(const char *name, ag_shape shape, const tensor *y) {
  bool image = y->rank == 4;
  if (shape.h != (image ? y->dims[1] : 1) || shape.w != (image ? y->dims[2] : 1) ||
      shape.c != y->dims[y->rank - 1])
    fail_msg("%s: %dx%dx%d comes out", name, shape.h, shape.w, shape.c);
}

static void become_the_ops_they_should(void **state) {
  (void)state;
  for (int i = 0; i < NETWORKS; i++) {
    net n;
    tensor x, y;
    const ag_graph *g;
    ag_error err;
    char text[1024];
    make(&n, i, &x, &y);
    if (ag_tensorflow_parse(n.graph.data, n.graph.size, NULL, &g, NULL, &err))
      fail_msg("%s: %s", networks[i].name, ag_error_text(&err, text, sizeof text));
    assert_int_equal(ag_graph_check(g, &err), AG_OK);
    assert_true(g->dynamic_batch);
    compare_ops(networks[i].name, g, networks[i].ops);
    compare_shape(networks[i].name, g->nodes[g->size - 1].out, &y);
    ag_graph_release(g);
    free_net(&n);
  }
}

/* 9 x 8 cells of 5 channels, each from 3 x 3 cells of 4. */
static void batches_are_a_dilation(void **state) {
  (void)state;
  net n = {.count = 0};
  const ag_graph *g;
  ag_import_report report;
  dilated_in_batches(&n, placeholder(&n, 9, 8, 4));
  assert_int_equal(ag_tensorflow_parse(n.graph.data, n.graph.size, NULL, &g, &report, NULL), AG_OK);
  const ag_node *conv = &g->nodes[1];
  assert_int_equal(conv->dilation[0], 2);
  assert_int_equal(conv->dilation[1], 2);
  assert_int_equal(conv->padding, AG_PAD_SAME);
  assert_int_equal(ag_node_macs(conv), 9 * 8 * 5 * 3 * 3 * 4);
  assert_int_equal(report.opaque, 0);
  ag_import_report_free(&report);
  ag_graph_release(g);
  free_net(&n);
}

/* Images that are dealt out and stay so, or that several nodes read. */
static void other_batches_are_refused(void **state) {
  (void)state;
  for (int several = 0; several < 2; several++) {
    net n = {.count = 0};
    ag_import_options options = {.stop = several ? NULL : "batches_3"};
    ag_error err;
    const ag_graph *g;
    tensor x = placeholder(&n, 8, 8, 4), k = weights(&n, 4, (int[]){3, 3, 4, 5});
    convolution_in_batches(&n, x, k, (int[]){2, 2}, (int[]){2, 2, 2, 2}, (int[4]){0}, false, false);
    if (several) put_node(&n, "reader", "Relu", "dealt", NULL);
    assert_int_equal(ag_tensorflow_parse(n.graph.data, n.graph.size, &options, &g, NULL, &err),
                     AG_UNSUPPORTED);
    assert_string_equal(err.node, "dealt (SpaceToBatchND)");
    assert_non_null(strstr(err.message, "dilated convolution"));
    assert_non_null(strstr(err.message, "tf2onnx"));
    free_net(&n);
  }
}

/* --- files --------------------------------------------------------------------------------- */

/* Images leave the importer as N, C, H, W. */
static void add_channels_first(ag_text *to, const tensor *t) {
  if (t->rank != 4) {
    ag_text_bytes(to, t->data, (size_t)volume(t) * sizeof(float));
    return;
  }
  for (int c = 0; c < t->dims[3]; c++)
    for (int h = 0; h < t->dims[1]; h++)
      for (int w = 0; w < t->dims[2]; w++) ag_text_bytes(to, at(t, h, w, c), sizeof(float));
}

static int write_file(const char *folder, const char *name, const char *suffix, ag_text *text) {
  char path[600];
  snprintf(path, sizeof path, "%s/%s.%s", folder, name, suffix);
  ag_status status = ag_file_write(path, text->data, text->size, NULL);
  ag_text_free(text);
  return status != AG_OK;
}

static int write_all(const char *folder) {
  int failures = 0;
  for (int i = 0; i < NETWORKS; i++) {
    net n;
    tensor x, y;
    ag_text in = {0}, out = {0};
    make(&n, i, &x, &y);
    add_channels_first(&in, &x);
    add_channels_first(&out, &y);
    failures += write_file(folder, networks[i].name, "in", &in);
    failures += write_file(folder, networks[i].name, "out", &out);
    failures += write_file(folder, networks[i].name, "pb", &n.graph);
    free_net(&n);
  }
  return failures;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--write") == 0) return write_all(argv[2]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(become_the_ops_they_should),
      cmocka_unit_test(batches_are_a_dilation),
      cmocka_unit_test(other_batches_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
