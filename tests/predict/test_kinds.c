/* Equal states computed once: the same bits as one by one, on random graphs and on a network that
 * repeats itself, for every kind of model. */
#include "engine/predict/window.h"
#include "tests/predict/random_model.h"

/* The same cell over and over: conv, relu, an addition across both. */
static const ag_graph *repeated_graph(int cells) {
  ag_builder *b = ag_builder_new("repeated");
  ag_node input = ag_node_make(AG_OP_INPUT), conv = ag_node_make(AG_OP_CONV);
  input.out = (ag_shape){8, 8, 16};
  conv.kernel[0] = conv.kernel[1] = 3;
  conv.out.c = 16;
  int last = ag_builder_add(b, input, NULL, 0, NULL);
  for (int i = 0; i < cells; i++) {
    int ends[2] = {last, ag_builder_add(b, conv, &last, 1, NULL)};
    ends[1] = ag_builder_add(b, ag_node_make(AG_OP_RELU), &ends[1], 1, NULL);
    last = ag_builder_add(b, ag_node_make(AG_OP_ADD), ends, 2, NULL);
  }
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &last, 1, NULL);
  const ag_graph *graph;
  ag_error err;
  if (ag_builder_finish(b, &graph, &err)) fail_msg("%s: %s", err.node, err.message);
  return graph;
}

/* Equal kinds in a layer stand for equal states; returns how many rows share another's. */
static int check_kinds(const float *states, const int32_t *kind, int rows, int layers) {
  int shared = 0;
  for (int l = 0; l <= layers; l++, states += rows * AG_WIDTH, kind += rows) {
    for (int r = 0; r < rows; r++) {
      int q = 0;
      while (kind[q] != kind[r]) q++;
      assert_memory_equal(states + q * AG_WIDTH, states + r * AG_WIDTH, AG_WIDTH * sizeof *states);
      shared += q < r;
    }
  }
  return shared;
}

static int check_whole(const ag_predictor *p, const ag_graph *g) {
  size_t layers = (size_t)p->config.layers;
  ag_view v = {0};
  ag_view_range(&v, &p->config, g->nodes, g->operand_start, g->operands, 0, g->size, NULL);
  size_t rows = (layers + 1) * (size_t)v.size, bytes = rows * AG_WIDTH * sizeof(float);
  float *plain = AG_ARRAY(float, rows *AG_WIDTH), *states = AG_ARRAY(float, rows *AG_WIDTH);
  int32_t *kind = AG_ARRAY(int32_t, rows);
  ag_shape normalisers = ag_feature_normalisers(g);
  ag_view_embed(&v, p, g->nodes, normalisers, plain);
  ag_view_encode(&v, p, NULL, NULL, 0, plain);
  ag_kinds_embed(&v, p, g->nodes, normalisers, kind, states);
  ag_kinds_encode(&v, p, NULL, NULL, NULL, 0, states, kind);
  assert_memory_equal(states, plain, bytes);
  int shared = check_kinds(states, kind, v.size, p->config.layers);
  ag_view_free(&v);
  free(plain);
  free(states);
  free(kind);
  return shared;
}

/* The windows of all cuts of a graph at once. */
static void check_windows(const ag_predictor *p, const ag_graph *g) {
  ag_whole w;
  ag_window win = {0};
  double sum[AG_WIDTH];
  int count;
  ag_whole_init(&w, p, g);
  for (int last = 1; last <= g->size; last++) ag_window_add_after(&win, &w, last, sum, &count);
  size_t layer = (size_t)win.view.size * AG_WIDTH, layers = (size_t)p->config.layers;
  ag_window_encode(&win, &w);
  float *plain = AG_ARRAY(float, (layers + 1) * layer);
  if (layer) memcpy(plain, win.states, layer * sizeof *plain);
  ag_view_encode(&win.view, p, win.first, w.states, g->size, plain);
  if (layer) assert_memory_equal(win.states, plain, (layers + 1) * layer * sizeof *plain);
  check_kinds(win.states, win.kind, win.view.size, p->config.layers);
  free(plain);
  ag_window_free(&win);
  ag_whole_free(&w);
}

static void test_the_same_bits(void **state) {
  (void)state;
  for (int round = 0; round < 6 * VARIANTS; round++) {
    ag_random random = ag_random_stream(1, (uint64_t)round, 0, 0, 0);
    ag_config config = variant_config(round % VARIANTS);
    ag_predictor *p = random_predictor(&random, &config);
    bool repeats = round % 3 == 0;
    const ag_graph *g =
        repeats ? repeated_graph(12) : random_graph(&random, 3 + below(&random, 60));
    int shared = check_whole(p, g);
    if (repeats) assert_true(shared > 4 * g->size); /* of seven layers */
    check_windows(p, g);
    ag_predictor_free(p);
    ag_graph_release(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_same_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
