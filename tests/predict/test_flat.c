/* Additions that are no nodes: networks that differ in the order of additions alone are one, and
 * sums that double with every node are left to the slow path. */
#include "tests/predict/random_model.h"

enum { LEAVES = 6 };

static int add_conv(ag_builder *b, int operand, int channels) {
  ag_node node = ag_node_make(AG_OP_CONV);
  node.kernel[0] = node.kernel[1] = 3;
  node.out.c = channels;
  return ag_builder_add(b, node, &operand, 1, NULL);
}

static int add_sum(ag_builder *b, int left, int right) {
  return ag_builder_add(b, ag_node_make(AG_OP_ADD), (int[]){left, right}, 2, NULL);
}

static const ag_graph *finish(ag_builder *b, int last) {
  const ag_graph *graph;
  ag_error err;
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &last, 1, NULL);
  if (ag_builder_finish(b, &graph, &err)) fail_msg("%s: %s", err.node, err.message);
  return graph;
}

static ag_builder *begin(int *input) {
  ag_builder *b = ag_builder_new("sums");
  ag_node node = ag_node_make(AG_OP_INPUT);
  node.out = (ag_shape){8, 8, 16};
  *input = ag_builder_add(b, node, NULL, 0, NULL);
  return b;
}

/* Three blocks; each sums the same leaves, some of them twice, along a random tree. */
static const ag_graph *random_tree(uint64_t seed, uint64_t tree) {
  ag_random same = ag_random_stream(50, seed, 0, 0, 0);
  ag_random random = ag_random_stream(51, seed, tree, 0, 0);
  int at;
  ag_builder *b = begin(&at);
  for (int block = 0; block < 3; block++) {
    int term[LEAVES + 2], left = LEAVES + 2;
    for (int i = 0; i < LEAVES; i++) {
      int from = i == 0 || below(&same, 2) ? at : term[below(&same, i)];
      term[i] = add_conv(b, from, 16);
    }
    term[LEAVES] = term[below(&same, LEAVES)];
    term[LEAVES + 1] = at;
    while (left > 1) {
      int i = below(&random, left), j = below(&random, left - 1);
      j += j >= i;
      int sum = add_sum(b, term[i], term[j]);
      term[i] = sum;
      term[j] = term[--left];
      if (i == left) term[j] = sum;
    }
    ag_node relu = ag_node_make(AG_OP_RELU);
    at = ag_builder_add(b, relu, term, 1, NULL);
  }
  return finish(b, at);
}

static double score(const ag_predictor *p, const ag_graph *g) {
  double value;
  assert_int_equal(ag_predict_score(p, g, NULL, 0, &value, NULL), AG_OK);
  return value;
}

static void test_order_of_additions(void **state) {
  (void)state;
  int apart = 0;
  for (uint64_t round = 0; round < 40; round++) {
    ag_random random = ag_random_stream(52, round, 0, 0, 0);
    ag_config config = variant_config(round % 2 ? 11 : 12), kept = variant_config(1);
    config.model = kept.model = AG_MODEL_GNN;
    ag_predictor *p = random_predictor(&random, &config), *q = random_predictor(&random, &kept);
    const ag_graph *a = random_tree(round, 0), *b = random_tree(round, 1);
    double value = score(p, a);
    assert_near(value, score(p, b), 1e-5 * (1 + fabs(value)));
    apart += fabs(score(q, a) - score(q, b)) > 1e-3; /* as nodes, they tell */
    ag_predictor_free(p);
    ag_predictor_free(q);
    ag_graph_release(a);
    ag_graph_release(b);
  }
  assert_true(apart > 30);
}

/* x + x forty times over: 2^40 terms. */
static const ag_graph *doubling_graph(void) {
  int at;
  ag_builder *b = begin(&at);
  at = add_conv(b, at, 16);
  for (int i = 0; i < 40; i++) at = add_sum(b, at, at);
  at = add_conv(b, add_conv(b, at, 16), 16);
  return finish(b, at);
}

static void check_doubling(const ag_predictor *p, const ag_graph *g) {
  int32_t bounds[] = {0, 2, 20, 42, 43, g->size};
  double sum = 0, value, cuts = 5;
  for (int i = 0; i < 5; i++) {
    assert_int_equal(ag_predict(p, g, bounds[i], bounds[i + 1], &value, NULL), AG_OK);
    sum += value;
  }
  assert_int_equal(ag_predict_score(p, g, bounds, 5, &value, NULL), AG_OK);
  assert_near(value, sum / cuts, 1e-5 * (1 + fabs(value)));
  ag_segment *s;
  assert_int_equal(ag_segment_cut(g, 20, 42, &s, NULL, NULL, NULL), AG_OK);
  ag_place *place = ag_place_new(p, g, 20, 42);
  double expected, fast = ag_place_predict(place, s, (int32_t[]){0}, (int32_t[]){0});
  assert_int_equal(ag_predict(p, g, 20, 42, &expected, NULL), AG_OK);
  assert_near(fast, expected, 1e-5 * (1 + fabs(expected)));
  ag_place_free(place);
  ag_segment_free(s);
}

static void test_too_many_terms(void **state) {
  (void)state;
  const ag_graph *g = doubling_graph();
  for (int variant = 10; variant < 12; variant++) {
    ag_random random = ag_random_stream(53, (uint64_t)variant, 0, 0, 0);
    ag_config config = variant_config(variant);
    ag_predictor *p = random_predictor(&random, &config);
    check_doubling(p, g);
    ag_predictor_free(p);
  }
  ag_train_options o = ag_train_defaults(AG_MODEL_GNN);
  o.flatten = true;
  ag_predictor *p = NULL;
  ag_error err;
  ag_sample sample = {.graph = g, .target = 1};
  assert_int_equal(ag_train(&sample, 1, NULL, 0, &o, NULL, NULL, &p, &err), AG_LIMIT);
  assert_non_null(strstr(err.message, "sample 0"));
  ag_graph_release(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order_of_additions),
      cmocka_unit_test(test_too_many_terms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
