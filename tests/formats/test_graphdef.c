/* Real GraphDefs with the counts their paper implies, first and last nodes, the account of an
 * import, and files that are damaged, hostile or beyond what is handled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/import.h"
#include "engine/base/file.h"
#include "tests/formats/graphdef_net.h"

static const char *model_path(const char *name) {
  static char path[600];
  const char *shared = getenv("AUTOGO_SHARED");
  snprintf(path, sizeof path, "%s/models/tensorflow/%s", shared ? shared : "../shared", name);
  FILE *file = fopen(path, "rb");
  if (file) return fclose(file), path;
  puts("skipped: no TensorFlow models");
  skip();
  return NULL;
}

/* --- the keyword-spotting networks ------------------------------------------------------------ */

/* Zhang et al. 2017, "Hello Edge" (arXiv 1711.07128), the small networks of its appendix:
 * C(features, kernel, stride), DSC likewise, FC. 49 x 10 cepstral coefficients come in, 12 words go
 * out. */
typedef struct layer {
  int filters, kh, kw, sh, sw;
  bool same, separable;
} layer;

static int size_after(int size, int kernel, int stride, bool same) {
  return same ? (size + stride - 1) / stride : (size - kernel) / stride + 1;
}

static int64_t conv_macs(const layer *layers, int count, int *h, int *w, int *c) {
  int64_t total = 0;
  for (int i = 0; i < count; i++) {
    const layer *l = &layers[i];
    *h = size_after(*h, l->kh, l->sh, l->same);
    *w = size_after(*w, l->kw, l->sw, l->same);
    int64_t cells = (int64_t)*h * *w, window = (int64_t)l->kh * l->kw * *c;
    total +=
        l->separable ? cells * (window + (int64_t)*c * l->filters) : cells * window * l->filters;
    *c = l->filters;
  }
  return total;
}

static const ag_graph *load(const char *path, const char *start, const char *stop,
                            ag_import_report *report) {
  ag_import_options options = {.start = start, .stop = stop};
  ag_error err;
  char text[1024];
  const ag_graph *g;
  if (ag_tensorflow_load(path, &options, &g, report, &err))
    fail_msg("%s", ag_error_text(&err, text, sizeof text));
  assert_int_equal(ag_graph_check(g, &err), AG_OK);
  return g;
}

static void count_macs(const ag_graph *g, int64_t *conv, int64_t *linear) {
  *conv = *linear = 0;
  for (int i = 0; i < g->size; i++)
    *(g->nodes[i].op == AG_OP_MATMUL ? linear : conv) += ag_node_macs(&g->nodes[i]);
}

static void counts_are_the_papers(const char *name, const layer *layers, int count,
                                  const int *widths, int products, bool pooled) {
  int h = 49, w = 10, c = 1;
  int64_t conv = conv_macs(layers, count, &h, &w, &c), linear = 0, conv_seen, linear_seen;
  int64_t in = pooled ? c : (int64_t)h * w * c;
  for (int i = 0; i < products; i++) linear += in * widths[i], in = widths[i];
  ag_import_report report = {0};
  const ag_graph *g = load(model_path(name), "Reshape_1", NULL, &report);
  count_macs(g, &conv_seen, &linear_seen);
  assert_int_equal(conv_seen, conv);
  assert_int_equal(linear_seen, linear);
  assert_int_equal(report.opaque, 0);
  ag_import_report_free(&report);
  ag_graph_release(g);
}

static void ds_cnn_s(void **state) {
  (void)state;
  const layer layers[] = {{64, 10, 4, 2, 2, true, false},
                          {64, 3, 3, 1, 1, true, true},
                          {64, 3, 3, 1, 1, true, true},
                          {64, 3, 3, 1, 1, true, true},
                          {64, 3, 3, 1, 1, true, true}};
  counts_are_the_papers("DS_CNN_S.pb", layers, 5, (int[]){12}, 1, true);
}

static void cnn_s(void **state) {
  (void)state;
  const layer layers[] = {{28, 10, 4, 1, 1, false, false}, {30, 10, 4, 2, 1, false, false}};
  counts_are_the_papers("CNN_S.pb", layers, 2, (int[]){16, 128, 12}, 3, false);
}

static void an_audio_front_end_names_the_start(void **state) {
  (void)state;
  ag_error err;
  const ag_graph *g;
  assert_int_equal(ag_tensorflow_load(model_path("DS_CNN_S.pb"), NULL, &g, NULL, &err),
                   AG_UNSUPPORTED);
  assert_string_equal(err.node, "decoded_sample_data (DecodeWav)");
  assert_non_null(strstr(err.message, "--start Reshape_1"));
}

static int nodes_of(const char *path) {
  void *data;
  size_t size;
  int nodes = 0;
  assert_int_equal(ag_file_map(path, &data, &size, NULL), AG_OK);
  const uint8_t *at = data, *end = at + size;
  while (at < end) { /* the fields of the outermost message */
    int field = *at++ >> 3, shift = 0;
    size_t length = 0;
    do length |= (size_t)(*at & 0x7f) << shift, shift += 7;
    while (*at++ & 0x80);
    nodes += field == 1;
    at += length;
  }
  ag_file_unmap(data, size);
  return nodes;
}

static void every_node_is_accounted_for(void **state) {
  (void)state;
  const char *path = model_path("CNN_S.pb");
  ag_import_report r = {0};
  const ag_graph *g = load(path, "Reshape_1", "Relu_2", &r);
  assert_int_equal(r.kept + r.merged + r.folded + r.opaque, nodes_of(path));
  bool found = false;
  for (int i = 0; i < r.merged; i++)
    found = found || strcmp(r.merged_lines[i], "add_1 (Add): bias of Conv2D_1") == 0;
  assert_true(found);
  assert_string_equal(g->names[g->size - 2], "Relu_2");
  assert_string_equal(g->names[0], "Reshape_1");
  ag_import_report_free(&r);
  ag_graph_release(g);
}

/* --- refusals ------------------------------------------------------------------------------ */

static void expect(net *g, const ag_import_options *options, ag_status code, const char *where,
                   const char *what) {
  ag_error err;
  const ag_graph *graph;
  char text[1024];
  ag_status status = ag_tensorflow_parse(g->graph.data, g->graph.size, options, &graph, NULL, &err);
  if (status != code || strcmp(err.node, where) != 0 || !strstr(err.message, what))
    fail_msg("status %d: %s", status, ag_error_text(&err, text, sizeof text));
  free_net(g);
}

static void refusals_name_node_and_op(void **state) {
  (void)state;
  net g = {0};
  tensor x = placeholder(&g, 4, 4, 2);
  put_node(&g, "odd", "Bucketize", x.name, NULL);
  expect(&g, NULL, AG_UNSUPPORTED, "odd (Bucketize)", "--start or --stop");

  g = (net){0};
  put_node(&g, "a", "Relu", "b", NULL);
  put_node(&g, "b", "Relu", "a", NULL);
  put_node(&g, "c", "Relu", "b", NULL);
  expect(&g, NULL, AG_UNSUPPORTED, "a (Relu)", "cycle");

  g = (net){0};
  put_node(&g, "a", "Relu", "nobody", NULL);
  expect(&g, NULL, AG_FORMAT, "a (Relu)", "'nobody'");

  g = (net){0};
  put_node(&g, "a", "Placeholder", "", NULL);
  put_node(&g, "a", "Placeholder", "", NULL);
  expect(&g, NULL, AG_FORMAT, "a (Placeholder)", "two nodes");

  g = (net){0};
  x = placeholder(&g, 4, 4, 2);
  unary(&g, "Relu", x);
  expect(&g, &(ag_import_options){.stop = "z"}, AG_INVALID, "", "'z'");

  g = (net){0};
  put_node(&g, "in", "Placeholder", "", NULL);
  put_node(&g, "out", "Relu", "in", NULL);
  expect(&g, NULL, AG_UNSUPPORTED, "in (Placeholder)", "--input");

  g = (net){0};
  x = placeholder(&g, 4, 4, 2);
  unary(&g, "Relu", x);
  expect(&g, &(ag_import_options){.bind = {4, 5, 2}}, AG_INVALID, "w_0 (Placeholder)", "width");
}

static void sizes_can_be_bound(void **state) {
  (void)state;
  net g = {0};
  ag_import_options options = {.bind = {6, 5, 3}};
  const ag_graph *graph;
  put_node(&g, "in", "Placeholder", "", NULL);
  put_node(&g, "out", "Relu", "in", NULL);
  assert_int_equal(ag_tensorflow_parse(g.graph.data, g.graph.size, &options, &graph, NULL, NULL),
                   AG_OK);
  assert_true(ag_shape_equal(graph->nodes[0].out, options.bind));
  ag_graph_release(graph);
  free_net(&g);
}

/* The file's own word for the shape of an op without a rule. */
static void unknown_ops_are_carried_with_their_shape(void **state) {
  (void)state;
  net g = {0};
  attrs a = {0};
  ag_text list = {0}, value = {0};
  ag_import_report r = {0};
  const ag_graph *graph;
  tensor x = placeholder(&g, 4, 6, 2);
  put_shape(&list, 7, 4, (int[]){-1, 4, 6, 9});
  put_message(&value, 1, &list);
  attr(&a, "_output_shapes", &value);
  put_node(&g, "odd", "Bucketize", x.name, &a);
  put_node(&g, "end", "Relu", "odd", NULL);
  assert_int_equal(ag_tensorflow_parse(g.graph.data, g.graph.size, NULL, &graph, &r, NULL), AG_OK);
  assert_int_equal(graph->nodes[1].op, AG_OP_OPAQUE);
  assert_true(ag_shape_equal(graph->nodes[2].out, (ag_shape){4, 6, 9}));
  assert_int_equal(r.opaque, 1);
  assert_string_equal(r.opaque_lines[0], "odd (Bucketize): no CG op corresponds");
  ag_import_report_free(&r);
  ag_graph_release(graph);
  free_net(&g);
}

/* Control inputs order effects; they are no data. */
static void control_inputs_are_dropped(void **state) {
  (void)state;
  net g = {0};
  const ag_graph *graph;
  tensor x = placeholder(&g, 4, 6, 2);
  put_node(&g, "first", "NoOp", "", NULL);
  put_node(&g, "end", "Relu", join(&g, x.name, "^first"), NULL);
  assert_int_equal(ag_tensorflow_parse(g.graph.data, g.graph.size, NULL, &graph, NULL, NULL),
                   AG_OK);
  assert_int_equal(graph->size, 3);
  ag_graph_release(graph);
  free_net(&g);
}

/* --- damage -------------------------------------------------------------------------------- */

static void parse_anything(const void *data, size_t size) {
  void *copy = ag_memdup(data, size, 1); /* so that a read past the end is seen */
  const ag_graph *g;
  ag_import_report r = {0};
  if (ag_tensorflow_parse(copy, size, NULL, &g, &r, NULL) == AG_OK) {
    ag_import_report_free(&r);
    ag_graph_release(g);
  }
  free(copy);
}

static net sample(void) {
  net g = {0};
  tensor x = placeholder(&g, 6, 6, 2), y;
  y = convolution(&g, x, weights(&g, 4, (int[]){3, 3, 2, 4}), 2, 1, true, false);
  y = unfused_norm(&g, binary(&g, "BiasAdd", y, vector(&g, 4, -1, 1)));
  y = concatenate(&g, pad(&g, y, 1, 1, 1, 1), pool(&g, x, 2, 1, false, true), 3);
  matmul(&g, flatten(&g, y), weights(&g, 2, (int[]){150, 3}), false);
  return g;
}

static void cut_short_anywhere(void **state) {
  (void)state;
  net g = sample();
  for (size_t size = 0; size < g.graph.size; size += 1 + size / 64)
    parse_anything(g.graph.data, size);
  free_net(&g);
}

static void bytes_changed_anywhere(void **state) {
  (void)state;
  net g = sample();
  ag_random random = ag_random_stream(3, 0, 0, 0, 0);
  for (int round = 0; round < 3000; round++) {
    char *copy = ag_memdup(g.graph.data, g.graph.size, 1);
    for (int k = 0; k < 1 + round % 4; k++)
      copy[ag_random_below(&random, g.graph.size)] = (char)ag_random_next(&random);
    parse_anything(copy, g.graph.size);
    free(copy);
  }
  free_net(&g);
}

/* A few bytes that ask for a terabyte. */
static void unlisted_elements_have_a_bound(void **state) {
  (void)state;
  net g = {0};
  tensor x = placeholder(&g, 4, 4, 2);
  attrs a = {0};
  ag_text proto = {0}, value = {0};
  put_int(&proto, 1, 1);
  put_shape(&proto, 2, 2, (int[]){1 << 20, 1 << 20});
  put_float(&proto, 5, 1);
  put_message(&value, 8, &proto);
  attr(&a, "value", &value);
  put_node(&g, "big", "Const", "", &a);
  put_node(&g, "sum", "Add", join(&g, x.name, "big"), NULL);
  expect(&g, NULL, AG_LIMIT, "big (Const)", "does not list");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ds_cnn_s),
      cmocka_unit_test(cnn_s),
      cmocka_unit_test(an_audio_front_end_names_the_start),
      cmocka_unit_test(every_node_is_accounted_for),
      cmocka_unit_test(refusals_name_node_and_op),
      cmocka_unit_test(sizes_can_be_bound),
      cmocka_unit_test(unknown_ops_are_carried_with_their_shape),
      cmocka_unit_test(control_inputs_are_dropped),
      cmocka_unit_test(cut_short_anywhere),
      cmocka_unit_test(bytes_changed_anywhere),
      cmocka_unit_test(unlisted_elements_have_a_bound),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
