/* Fast paths against the oracle: scores, places and their candidates, on random graphs, random
 * weights and every kind of model. */
#include "tests/predict/random_model.h"

static void random_bounds(ag_random *random, int size, int32_t *bounds, int *count) {
  *count = 0;
  for (bounds[0] = 0; bounds[*count] < size; ++*count) {
    int next = bounds[*count] + 1 + below(random, 8);
    bounds[*count + 1] = next < size ? next : size;
  }
}

static void test_score_is_mean_of_cuts(void **state) {
  (void)state;
  for (int round = 0; round < 80; round++) {
    ag_random random = ag_random_stream(1, (uint64_t)round, 0, 0, 0);
    ag_config config = variant_config(round % VARIANTS);
    ag_predictor *p = random_predictor(&random, &config);
    const ag_graph *g = random_graph(&random, 3 + below(&random, 60));
    int32_t bounds[80];
    int count;
    random_bounds(&random, g->size, bounds, &count);
    double sum = 0, value, cuts[80];
    bool psc = config.model == AG_MODEL_PSC;
    assert_int_equal(ag_predict_cuts(p, g, bounds, count, cuts, NULL), psc ? AG_OK : AG_INVALID);
    for (int i = 0; i < count; i++) {
      assert_int_equal(ag_predict(p, g, bounds[i], bounds[i + 1], &value, NULL), AG_OK);
      sum += value / count;
      if (psc) assert_near(cuts[i], value, 1e-5 * (1 + fabs(value)));
    }
    assert_int_equal(ag_predict_score(p, g, bounds, count, &value, NULL), AG_OK);
    assert_near(value, sum, 1e-5 * (1 + fabs(sum)));
    ag_predictor_free(p);
    ag_graph_release(g);
  }
}

static void random_permutation(ag_random *random, int32_t *map, int count) {
  for (int i = 0; i < count; i++) map[i] = i;
  ag_random_shuffle(random, map, count);
}

/* A random piece of `donor` with as many ports as the cut, or NULL. */
static ag_segment *find_replacement(ag_random *random, const ag_graph *donor,
                                    const ag_segment *cut) {
  for (int attempt = 0; attempt < 40; attempt++) {
    int first = 1 + below(random, donor->size - 2);
    int last = first + 1 + below(random, donor->size - 1 - first);
    ag_segment *s;
    if (last - first > 12) continue;
    if (ag_segment_cut(donor, first, last, &s, NULL, NULL, NULL)) continue;
    if (s->inputs == cut->inputs && s->outputs == cut->outputs) return s;
    ag_segment_free(s);
  }
  return NULL;
}

/* Score one candidate in its place and as a child of its own; false if it does not fit. */
static bool check_candidate(ag_random *random, const ag_predictor *p, const ag_graph *g,
                            const ag_place *place, const ag_segment *s, int first, int last) {
  int32_t input_map[64], output_map[64];
  random_permutation(random, input_map, s->inputs);
  random_permutation(random, output_map, s->outputs);
  const ag_graph *child;
  if (ag_graph_splice(g, first, last, s, input_map, output_map, &child, NULL)) return false;
  double expected, fast = ag_place_predict(place, s, input_map, output_map);
  assert_int_equal(ag_predict(p, child, first, first + s->size, &expected, NULL), AG_OK);
  assert_near(fast, expected, 1e-5 * (1 + fabs(expected)));
  assert_true(fast == ag_place_predict(place, s, input_map, output_map));
  ag_graph_release(child);
  return true;
}

static int try_place(ag_random *random, const ag_predictor *p, const ag_graph *g,
                     const ag_graph *donor) {
  int first = 1 + below(random, g->size - 3), tried = 0;
  int last = first + 1 + below(random, g->size - 1 - first < 8 ? g->size - 1 - first : 8);
  ag_segment *cut;
  assert_int_equal(ag_segment_cut(g, first, last, &cut, NULL, NULL, NULL), AG_OK);
  ag_place *place = ag_place_new(p, g, first, last);
  for (int i = 0; i < 4 && cut->inputs <= 64 && cut->outputs <= 64; i++) {
    ag_segment *s = find_replacement(random, donor, cut);
    if (s) tried += check_candidate(random, p, g, place, s, first, last);
    ag_segment_free(s);
  }
  ag_place_free(place);
  ag_segment_free(cut);
  return tried;
}

static void test_candidate_equals_child(void **state) {
  (void)state;
  int tried[VARIANTS] = {0};
  for (int round = 0; round < 300; round++) {
    ag_random random = ag_random_stream(2, (uint64_t)round, 0, 0, 0);
    ag_config config = variant_config(round % VARIANTS);
    ag_predictor *p = random_predictor(&random, &config);
    const ag_graph *g = random_graph(&random, 10 + below(&random, 50));
    const ag_graph *donor = random_graph(&random, 40);
    tried[round % VARIANTS] += try_place(&random, p, g, donor);
    ag_graph_release(g);
    ag_graph_release(donor);
    ag_predictor_free(p);
  }
  for (int i = 0; i < VARIANTS; i++) assert_true(tried[i] >= 20);
}

/* Another variant of the same model. */
static ag_config relative(ag_random *random, ag_model model) {
  ag_config config = variant_config(below(random, VARIANTS));
  while (config.model != model) config = variant_config(below(random, VARIANTS));
  return config;
}

/* Scores, cuts and candidates of an ensemble are mean - caution * spread of its members' own; in
 * every second one, the members differ in layers, features, pooling and what an addition is to
 * them. */
static void test_ensembles(void **state) {
  (void)state;
  for (int round = 0; round < 40; round++) {
    ag_random random = ag_random_stream(4, (uint64_t)round, 0, 0, 0);
    ag_config config = variant_config(round % VARIANTS);
    int members = 2 + below(&random, 4), count;
    const ag_graph *g = random_graph(&random, 12 + below(&random, 40));
    const ag_graph *donor = random_graph(&random, 40);
    ag_predictor *member[8], *p;
    int32_t bounds[80];
    double sum = 0, squares = 0, mean, spread, value;
    random_bounds(&random, g->size, bounds, &count);
    for (int i = 0; i < members; i++) {
      if (round % 2) config = relative(&random, config.model);
      member[i] = random_predictor(&random, &config);
      assert_int_equal(ag_predict_score(member[i], g, bounds, count, &value, NULL), AG_OK);
      sum += value;
      squares += value * value;
    }
    assert_int_equal(ag_predictor_join((const ag_predictor *const *)member, members, &p, NULL),
                     AG_OK);
    assert_int_equal(ag_predictor_members(p), members);
    assert_int_equal(ag_predict_spread(p, g, bounds, count, &mean, &spread, NULL), AG_OK);
    assert_near(mean, sum / members, 1e-9 * (1 + fabs(mean)));
    assert_near(spread * spread, squares / members - mean * mean, 1e-6 * (1 + squares));
    ag_predictor_set_caution(p, 1.5);
    assert_int_equal(ag_predict_score(p, g, bounds, count, &value, NULL), AG_OK);
    assert_near(value, mean - 1.5 * spread, 1e-9 * (1 + fabs(value)));
    try_place(&random, p, g, donor);
    ag_predictor_free(p);
    for (int i = 0; i < members; i++) ag_predictor_free(member[i]);
    ag_graph_release(g);
    ag_graph_release(donor);
  }
}

static void test_wrong_cuts(void **state) {
  (void)state;
  ag_random random = ag_random_stream(3, 0, 0, 0, 0);
  ag_config config = variant_config(0);
  ag_predictor *p = random_predictor(&random, &config);
  const ag_graph *g = random_graph(&random, 12);
  double value = 7;
  ag_error err;
  static const int32_t cuts[][2] = {{-1, 3}, {3, 3}, {4, 3}, {3, 100}};
  for (int i = 0; i < 4; i++) {
    assert_int_equal(ag_predict(p, g, cuts[i][0], cuts[i][1], &value, &err), AG_INVALID);
    assert_int_equal(ag_predict_score(p, g, cuts[i], 1, &value, &err), AG_INVALID);
  }
  assert_int_equal(ag_predict_score(p, g, cuts[0], 0, &value, &err), AG_INVALID);
  assert_true(value == 7);
  ag_graph_release(g);
  ag_predictor_free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_score_is_mean_of_cuts),
      cmocka_unit_test(test_candidate_equals_child),
      cmocka_unit_test(test_wrong_cuts),
      cmocka_unit_test(test_ensembles),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
