/* Training as a whole: it learns, repeats itself, keeps its promises about targets, and refuses
 * what makes no sense. */
#include <unistd.h>

#include "engine/predict/target.h"
#include "tests/predict/random_model.h"

enum { GRAPHS = 120, TRAIN = 90 };

/* Graphs whose label is a function of their convolutions, and their segmentations. */
typedef struct corpus {
  const ag_graph *graph[GRAPHS];
  int32_t *bounds[GRAPHS];
  ag_sample sample[GRAPHS];
} corpus;

static double label_of(const ag_graph *g) {
  double convs = 0;
  for (int i = 0; i < g->size; i++) convs += g->nodes[i].op == AG_OP_CONV;
  return 50 + 40 * convs / g->size;
}

static corpus *open_corpus(void) {
  corpus *c = AG_NEW(corpus);
  for (int i = 0; i < GRAPHS; i++) {
    ag_random random = ag_random_stream(30, (uint64_t)i, 0, 0, 0);
    const ag_graph *g = c->graph[i] = random_graph(&random, 12 + below(&random, 20));
    int segments = 0;
    c->bounds[i] = AG_ARRAY(int32_t, g->size + 1);
    while (c->bounds[i][segments] < g->size) {
      int next = c->bounds[i][segments] + 1 + below(&random, 6);
      c->bounds[i][++segments] = next < g->size ? next : g->size;
    }
    c->sample[i] = (ag_sample){g, c->bounds[i], segments, label_of(g), 0};
  }
  return c;
}

static void close_corpus(corpus *c) {
  for (int i = 0; i < GRAPHS; i++) {
    ag_graph_release(c->graph[i]);
    free(c->bounds[i]);
  }
  free(c);
}

static ag_train_options quick(ag_model model) {
  ag_train_options o = ag_train_defaults(model);
  o.epochs = 25;
  o.batch = 16;
  o.splits = 4;
  return o;
}

static ag_train_options published_variant(ag_train_options o) {
  o.residual = o.log_features = false;
  o.transform = AG_TRANSFORM_Z_SCORE;
  return o;
}

static double score(const ag_predictor *p, const ag_sample *s) {
  double value;
  assert_int_equal(ag_predict_score(p, s->graph, s->bounds, s->segments, &value, NULL), AG_OK);
  return value;
}

static double srcc_of(const ag_predictor *p, const ag_sample *samples, int count) {
  double predicted[GRAPHS], measured[GRAPHS];
  for (int i = 0; i < count; i++) {
    predicted[i] = score(p, &samples[i]);
    measured[i] = samples[i].target;
  }
  return ag_srcc(predicted, measured, count);
}

static bool keep_last(void *context, const ag_train_progress *p) {
  ag_train_progress *last = context;
  if (p->srcc >= last->srcc) *last = *p;
  return true;
}

static void test_learns(void **state) {
  (void)state;
  corpus *c = open_corpus();
  for (int variant = 0; variant < 4; variant++) {
    ag_train_options o = quick(variant & 1 ? AG_MODEL_GNN : AG_MODEL_PSC);
    if (variant & 2) o = published_variant(o);
    ag_predictor *p;
    ag_train_progress best = {.srcc = -1};
    assert_int_equal(ag_train(c->sample, TRAIN, c->sample + TRAIN, GRAPHS - TRAIN, &o, keep_last,
                              &best, &p, NULL),
                     AG_OK);
    double srcc = srcc_of(p, c->sample + TRAIN, GRAPHS - TRAIN);
    assert_true(srcc > 0.85);
    /* The weights returned are those of the best epoch. */
    assert_near(srcc, best.srcc, 1e-3);
    ag_predictor_free(p);
  }
  close_corpus(c);
}

static void test_repeats(void **state) {
  (void)state;
  corpus *c = open_corpus();
  ag_predictor *p[3];
  for (int i = 0; i < 3; i++) {
    ag_train_options o = quick(AG_MODEL_PSC);
    o.epochs = 3;
    o.threads = 1 + i % 2;
    o.seed = i == 2 ? 8 : 7;
    assert_int_equal(
        ag_train(c->sample, TRAIN, c->sample + TRAIN, GRAPHS - TRAIN, &o, NULL, NULL, &p[i], NULL),
        AG_OK);
  }
  size_t bytes = (size_t)p[0]->layout.size * sizeof(float);
  assert_memory_equal(p[0]->params, p[1]->params, bytes);
  assert_int_not_equal(memcmp(p[0]->params, p[2]->params, bytes), 0);
  for (int i = 0; i < 3; i++) ag_predictor_free(p[i]);
  close_corpus(c);
}

static void test_labels_come_back(void **state) {
  (void)state;
  corpus *c = open_corpus();
  for (int transform = 0; transform < 3; transform++) {
    ag_config config = {.model = AG_MODEL_GNN, .layers = 2};
    ag_training_set set = {.config = &config};
    assert_int_equal(ag_training_set_add(&set, c->sample, TRAIN, 1, NULL), AG_OK);
    ag_target *t = ag_targets_fit(&set, TRAIN, (ag_transform)transform, (const char *[]){"x"}, 1);
    ag_predictor p = {.families = 1, .target = t};
    double mean = 0, square = 0;
    for (int i = 0; i < TRAIN; i++) {
      mean += set.graph[i].target / TRAIN;
      square += set.graph[i].target * set.graph[i].target / TRAIN;
      assert_near(ag_predictor_label(&p, "x", set.graph[i].target), set.graph[i].label, 1e-4);
    }
    assert_near(mean, 0, 1e-9);
    assert_near(square, 1, 1e-9);
    ag_targets_free(t, 1);
    ag_training_set_free(&set);
  }
  close_corpus(c);
}

static void test_normal_quantile(void **state) {
  (void)state;
  for (double p = 1e-6; p < 1; p += 0.000997) {
    assert_near(0.5 * erfc(-ag_normal_quantile(p) / sqrt(2)), p, 1e-8);
  }
}

static void test_families_apart(void **state) {
  (void)state;
  corpus *c = open_corpus();
  for (int i = 0; i < GRAPHS; i++) {
    c->sample[i].family = i % 2;
    if (i % 2) c->sample[i].target = 7 - c->sample[i].target / 100;
  }
  ag_train_options o = quick(AG_MODEL_PSC);
  o.epochs = 2;
  o.family_count = 2;
  o.families = (const char *const[]){"up", "down"};
  ag_predictor *p;
  assert_int_equal(ag_train(c->sample, GRAPHS, NULL, 0, &o, NULL, NULL, &p, NULL), AG_OK);
  assert_true(ag_predictor_label(p, "up", 0) > 50);
  assert_true(ag_predictor_label(p, "down", 0) < 7);
  assert_near(ag_predictor_label(p, "", 0.25), 0.25, 0); /* which of the two is not said */
  ag_predictor_free(p);
  close_corpus(c);
}

static bool stop_at_two(void *context, const ag_train_progress *p) {
  (void)context;
  return p->epoch < 2;
}

static void test_interrupted(void **state) {
  (void)state;
  corpus *c = open_corpus();
  ag_train_options o = quick(AG_MODEL_PSC);
  ag_predictor *p = NULL;
  ag_error err;
  assert_int_equal(ag_train(c->sample, TRAIN, c->sample + TRAIN, GRAPHS - TRAIN, &o, stop_at_two,
                            NULL, &p, &err),
                   AG_INTERRUPTED);
  assert_non_null(strstr(err.message, "2 of 25"));
  assert_non_null(p);
  score(p, &c->sample[0]);
  ag_predictor_free(p);
  close_corpus(c);
}

typedef struct stopper {
  int at, epochs;
} stopper;

static bool stop_at(void *context, const ag_train_progress *p) {
  stopper *s = context;
  s->epochs++;
  return p->epoch != s->at;
}

static ag_predictor *trained(const corpus *c, const ag_train_options *o, stopper *s,
                             ag_status expected) {
  ag_predictor *p = NULL;
  ag_error err;
  ag_status got =
      ag_train(c->sample, TRAIN, c->sample + TRAIN, GRAPHS - TRAIN, o, stop_at, s, &p, &err);
  if (got != expected) fail_msg("%s", err.message);
  return p;
}

static bool same_params(const ag_predictor *a, const ag_predictor *b) {
  return memcmp(a->params, b->params, (size_t)a->layout.size * sizeof(float)) == 0;
}

/* Stopped at any epoch and resumed, a training ends in the same bits; the checkpoint itself is a
 * weights file; another training does not go on from it. */
static void test_resume(void **state) {
  (void)state;
  char path[] = "/tmp/checkpoint.XXXXXX";
  close(mkstemp(path));
  corpus *c = open_corpus();
  ag_train_options o = quick(AG_MODEL_PSC);
  o.epochs = 6;
  o.clip = 0.5;
  ag_predictor *whole = trained(c, &o, &(stopper){0}, AG_OK);
  o.checkpoint = path;
  o.checkpoint_every = 4;
  for (int at = 1; at < 6; at += 2) {
    o.resume = NULL;
    ag_predictor *part = trained(c, &o, &(stopper){.at = at}, AG_INTERRUPTED), *loaded;
    assert_int_equal(ag_predictor_load(path, &loaded, NULL), AG_OK);
    assert_true(same_params(part, loaded));
    o.resume = path;
    stopper rest = {0};
    ag_predictor *resumed = trained(c, &o, &rest, AG_OK);
    assert_int_equal(rest.epochs, 6 - at);
    assert_true(same_params(whole, resumed));
    ag_predictor_free(part);
    ag_predictor_free(loaded);
    ag_predictor_free(resumed);
  }
  ag_predictor *none = NULL;
  ag_error err;
  o.seed++;
  assert_int_equal(ag_train(c->sample, TRAIN, NULL, 0, &o, NULL, NULL, &none, &err), AG_INVALID);
  assert_non_null(strstr(err.message, "other samples or options"));
  assert_int_equal(ag_predictor_save(whole, path, NULL), AG_OK);
  assert_int_equal(ag_train(c->sample, TRAIN, NULL, 0, &o, NULL, NULL, &none, &err), AG_FORMAT);
  assert_non_null(strstr(err.message, "not a checkpoint"));
  assert_null(none);
  unlink(path);
  ag_predictor_free(whole);
  close_corpus(c);
}

static void test_patience_and_clipping(void **state) {
  (void)state;
  corpus *c = open_corpus();
  ag_train_options o = quick(AG_MODEL_GNN);
  o.learning_rate = 1e-12; /* nothing changes, so the first epoch stays the best */
  o.patience = 3;
  stopper count = {0};
  ag_predictor_free(trained(c, &o, &count, AG_OK));
  assert_in_range(count.epochs, 4, 8);
  o = quick(AG_MODEL_GNN);
  o.epochs = 2;
  ag_predictor *p[3];
  for (int i = 0; i < 3; i++) {
    o.clip = i == 0 ? 0 : i == 1 ? 1e9 : 1e-6;
    p[i] = trained(c, &o, &(stopper){0}, AG_OK);
  }
  assert_true(same_params(p[0], p[1]));
  assert_false(same_params(p[0], p[2]));
  for (int i = 0; i < 3; i++) ag_predictor_free(p[i]);
  close_corpus(c);
}

/* Costs that add up over nodes: with sum pooling and logarithms the labels come back. */
static void test_sums_of_costs(void **state) {
  (void)state;
  corpus *c = open_corpus();
  for (int i = 0; i < GRAPHS; i++) c->sample[i].target = exp(0.05 * c->graph[i]->size);
  ag_train_options o = quick(AG_MODEL_GNN);
  o.sum_pooling = true;
  o.transform = AG_TRANSFORM_LOG;
  o.epochs = 60;
  ag_predictor *p = trained(c, &o, &(stopper){0}, AG_OK);
  double error = 0;
  for (int i = TRAIN; i < GRAPHS; i++) {
    double label = ag_predictor_label(p, "", score(p, &c->sample[i]));
    error += fabs(label / c->sample[i].target - 1) / (GRAPHS - TRAIN);
  }
  assert_true(error < 0.1);
  ag_predictor_free(p);
  close_corpus(c);
}

/* Weights that learnt one label learn a monotone other from 20 samples, and keep their scale. */
static void test_fine_tuning(void **state) {
  (void)state;
  corpus *c = open_corpus();
  ag_train_options o = quick(AG_MODEL_PSC);
  o.families = (const char *const[]){"base"};
  ag_predictor *base = trained(c, &o, &(stopper){0}, AG_OK), *tuned = NULL;
  for (int i = 0; i < GRAPHS; i++) {
    int adds = 0;
    for (int k = 0; k < c->graph[i]->size; k++) adds += c->graph[i]->nodes[k].op == AG_OP_ADD;
    c->sample[i].target += 60.0 * adds / c->graph[i]->size;
  }
  double before = srcc_of(base, c->sample + 20, GRAPHS - 20);
  o = ag_train_fine_tuning(base);
  o.families = (const char *const[]){"mine"};
  assert_int_equal(ag_train(c->sample, 20, NULL, 0, &o, NULL, NULL, &tuned, NULL), AG_OK);
  assert_true(srcc_of(tuned, c->sample + 20, GRAPHS - 20) > before);
  assert_true(srcc_of(tuned, c->sample, 20) > 0.9);
  double value = score(base, &c->sample[30]);
  assert_near(ag_predictor_label(tuned, "base", value), ag_predictor_label(base, "base", value),
              1e-9);
  assert_true(fabs(ag_predictor_label(tuned, "mine", 0) - 60) < 40);
  ag_predictor_free(base);
  ag_predictor_free(tuned);
  close_corpus(c);
}

static void expect_refusal(const ag_sample *samples, int count, ag_train_options o,
                           const char *reason) {
  ag_predictor *p = NULL;
  ag_error err;
  assert_int_equal(ag_train(samples, count, NULL, 0, &o, NULL, NULL, &p, &err), AG_INVALID);
  if (!strstr(err.message, reason)) fail_msg("%s: %s", reason, err.message);
  assert_null(p);
}

static void test_refusals(void **state) {
  (void)state;
  corpus *c = open_corpus();
  ag_train_options good = quick(AG_MODEL_PSC), o = good;
  expect_refusal(c->sample, 0, good, "no training sample");
  o.epochs = 0, expect_refusal(c->sample, TRAIN, o, "epochs"), o = good;
  o.batch = 0, expect_refusal(c->sample, TRAIN, o, "batch"), o = good;
  o.splits = 1 << 30, expect_refusal(c->sample, TRAIN, o, "splits"), o = good;
  o.learning_rate = NAN, expect_refusal(c->sample, TRAIN, o, "learning rate"), o = good;
  o.consistency = -1, expect_refusal(c->sample, TRAIN, o, "consistency"), o = good;
  o.huber = NAN, expect_refusal(c->sample, TRAIN, o, "huber"), o = good;
  o.final_rate = 0, expect_refusal(c->sample, TRAIN, o, "final rate"), o = good;
  o.sum_pooling = true, expect_refusal(c->sample, TRAIN, o, "GNN alone"), o = good;
  o.transform = AG_TRANSFORM_LOG;
  c->sample[7].target = -1;
  expect_refusal(c->sample, TRAIN, o, "sample 7: its target -1"), o = good;
  c->sample[7].target = 1;
  o.family_count = 0, expect_refusal(c->sample, TRAIN, o, "families"), o = good;
  c->sample[3].target = NAN;
  expect_refusal(c->sample, TRAIN, good, "sample 3: its target");
  c->sample[3].target = 1;
  c->sample[4].family = 1;
  expect_refusal(c->sample, TRAIN, good, "sample 4: family 1 of 1");
  c->sample[4].family = 0;
  c->sample[5].segments--;
  expect_refusal(c->sample, TRAIN, good, "sample 5: its bounds");
  close_corpus(c);
}

static void test_one_sample(void **state) {
  (void)state;
  corpus *c = open_corpus();
  ag_train_options o = quick(AG_MODEL_PSC);
  ag_predictor *p;
  assert_int_equal(ag_train(c->sample, 1, NULL, 0, &o, NULL, NULL, &p, NULL), AG_OK);
  assert_near(ag_predictor_label(p, "", score(p, &c->sample[0])), c->sample[0].target, 1e-4);
  ag_predictor_free(p);
  close_corpus(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_learns),           cmocka_unit_test(test_repeats),
      cmocka_unit_test(test_labels_come_back), cmocka_unit_test(test_normal_quantile),
      cmocka_unit_test(test_families_apart),   cmocka_unit_test(test_interrupted),
      cmocka_unit_test(test_refusals),         cmocka_unit_test(test_one_sample),
      cmocka_unit_test(test_resume),           cmocka_unit_test(test_patience_and_clipping),
      cmocka_unit_test(test_sums_of_costs),    cmocka_unit_test(test_fine_tuning),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
