/* Equal states computed once: the same as one by one, to the last bit, on random graphs and on a
 * network that repeats itself, for every kind of model and every variant of the kernels. */
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

/* Last-layer states of nodes [first, size) by themselves, row by row of *view. */
static float *plain_states(const ag_predictor *p, const ag_graph *g, int first, ag_view *view) {
  ag_room room;
  *view = (ag_view){0};
  ag_view_range(view, &p->config, g->nodes, g->operand_start, g->operands, first, g->size, NULL);
  ag_room_open(&room, NULL, view, NULL);
  for (int r = 0; r < view->size; r++) {
    ag_predictor_embed(p, &g->nodes[view->node[r]], ag_feature_normalisers(g),
                       room.states + r * AG_WIDTH);
  }
  ag_view_encode(view, p, NULL, NULL, view->size, NULL, &room);
  float *states = ag_memdup(room.states, (size_t)view->size * AG_WIDTH, sizeof *states);
  ag_room_close(&room);
  return states;
}

/* Returns how many states of all layers were shared. */
static int check_whole(const ag_predictor *p, const ag_graph *g) {
  ag_view v;
  ag_whole w;
  float *plain = plain_states(p, g, 0, &v);
  ag_whole_init(&w, p, g);
  for (int r = 0; r < v.size; r++) {
    int32_t kind = ag_whole_last_kinds(&w)[v.node[r]];
    assert_memory_equal(ag_whole_last(&w) + kind * AG_WIDTH, plain + r * AG_WIDTH,
                        AG_WIDTH * sizeof *plain);
  }
  int shared = (p->config.layers + 1) * v.size - w.kinds.first[p->config.layers + 1];
  ag_whole_free(&w);
  ag_view_free(&v);
  free(plain);
  return shared;
}

/* The rows of the window at `at` and the states that stay against the graph's end by itself. */
static void check_window(const ag_window *win, const ag_boundary *b, const ag_predictor *p,
                         const ag_graph *g, int at) {
  ag_view v;
  float *plain = plain_states(p, g, at, &v);
  int row = b->first;
  for (int r = 0; r < v.size && row < b->end; r++) {
    if (win->view.node[row] != v.node[r]) continue;
    const float *shared = win->room.states + win->room.position[row] * AG_WIDTH;
    const float *alone = plain + r * AG_WIDTH;
    /* Edges of a set are added in the order of references, which the base's come before. */
    if (!p->config.distinct_edges) assert_memory_equal(shared, alone, AG_WIDTH * sizeof *plain);
    for (int j = 0; j < AG_WIDTH; j++) assert_near((double)shared[j], (double)alone[j], 4e-6);
    row++;
  }
  assert_int_equal(row, b->end); /* all found, in this order */
  assert_int_equal(b->after.count + b->end - b->first, v.size);
  ag_view_free(&v);
  free(plain);
}

/* Windows of all cuts of a graph at once, behind segments of three nodes. */
static void check_windows(const ag_predictor *p, const ag_graph *g) {
  ag_whole w;
  ag_window win = {0};
  ag_boundary *b = AG_ARRAY(ag_boundary, g->size + 1);
  ag_whole_init(&w, p, g);
  for (int at = 0; at <= g->size; at++) {
    ag_window_add(&win, &w, at, at + 3 < g->size ? at + 3 : g->size, &b[at]);
  }
  ag_window_encode(&win, &w);
  for (int at = 0; at <= g->size; at++) {
    float segment[AG_WIDTH], after[AG_WIDTH], one[AG_WIDTH];
    int next = at + 3 < g->size ? at + 3 : g->size;
    check_window(&win, &b[at], p, g, at);
    ag_window_finish(&win, &b[at], segment, after);
    if (at == g->size) continue;
    ag_range_embedding(p, g->nodes, g->operand_start, g->operands, at, next, w.normalisers, one);
    for (int j = 0; j < AG_WIDTH; j++) assert_near((double)segment[j], (double)one[j], 1e-6);
    ag_range_embedding(p, g->nodes, g->operand_start, g->operands, at, g->size, w.normalisers, one);
    for (int j = 0; j < AG_WIDTH; j++) assert_near((double)after[j], (double)one[j], 1e-6);
  }
  free(b);
  ag_window_free(&win);
  ag_whole_free(&w);
}

static void test_the_same_bits(void **state) {
  (void)state;
  for (int round = 0; round < 6 * UNFLATTENED; round++) {
    ag_random random = ag_random_stream(1, (uint64_t)round, 0, 0, 0);
    ag_config config = variant_config(round % UNFLATTENED);
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

/* Whatever the processor's registers, the score has the same bits. */
static void test_variants(void **state) {
  (void)state;
  const ag_kernels *variant[3];
  int variants = ag_kernels_list(variant);
  assert_ptr_equal(variant[0], ag_kernels_best());
  for (int round = 0; round < VARIANTS; round++) {
    ag_random random = ag_random_stream(2, (uint64_t)round, 0, 0, 0);
    ag_config config = variant_config(round);
    ag_predictor *p = random_predictor(&random, &config);
    const ag_graph *g = random_graph(&random, 20 + below(&random, 20));
    int32_t bounds[] = {0, 2, 7, 10, g->size};
    double values[3];
    for (int i = 0; i < variants; i++) {
      p->kernels = variant[i];
      assert_int_equal(ag_predict_score(p, g, bounds, 4, &values[i], NULL), AG_OK);
      assert_true(values[i] == values[0]);
    }
    ag_predictor_free(p);
    ag_graph_release(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_same_bits),
                                     cmocka_unit_test(test_variants)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
