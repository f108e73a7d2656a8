/* Shared, interned, folded training against the plain model: loss, and the gradient against
 * central differences of the plain loss in double. */
#include "tests/predict/plain.h"

enum { MAX_ITEMS = 64 };
static const ag_loss_weights weights = {.hinge = 0.7, .consistency = 1.3};

/* A batch of random cuts of random graphs with random parameters. */
typedef struct batch {
  ag_config config;
  ag_layout layout;
  ag_training_set set;
  ag_trainer *trainer;
  const ag_graph *graph[8];
  int32_t *bounds[8];
  int graphs, count;
  ag_item item[MAX_ITEMS];
  float *params, *gradient;
  double *exact; /* the parameters in double */
  double loss;
} batch;

static void add_samples(batch *b, ag_random *random, int size) {
  ag_sample samples[8];
  for (int i = 0; i < b->graphs; i++) {
    const ag_graph *g = b->graph[i] = random_graph(random, size / 2 + below(random, size));
    int segments = 0;
    b->bounds[i] = AG_ARRAY(int32_t, g->size + 1);
    while (b->bounds[i][segments] < g->size) {
      int next = b->bounds[i][segments] + 1 + below(random, 5);
      b->bounds[i][++segments] = next < g->size ? next : g->size;
    }
    samples[i] = (ag_sample){g, b->bounds[i], segments, below(random, 4), i % 2};
  }
  assert_int_equal(ag_training_set_add(&b->set, samples, b->graphs, 2, NULL), AG_OK);
  for (int i = 0; i < b->graphs; i++) b->set.graph[i].target = 0.3 * b->set.graph[i].label - 0.5;
}

/* The segment a cut is of; models of backward messages count them from the end. */
static int segment_of(const batch *b, ag_item item) {
  return b->config.backward ? b->set.graph[item.graph].cuts - 1 - item.cut : item.cut;
}

static void choose_items(batch *b, ag_random *random, double share) {
  for (int g = 0; g < b->graphs; g++) {
    if (b->config.model == AG_MODEL_GNN) b->item[b->count++] = (ag_item){g, -1};
    for (int c = 0; c < b->set.graph[g].cuts && b->count < MAX_ITEMS; c++) {
      if (ag_random_unit(random) < share) b->item[b->count++] = (ag_item){g, c};
    }
  }
}

static void open_batch(batch *b, ag_config config, int graphs, int size, double share,
                       uint64_t seed) {
  ag_random random = ag_random_stream(20, seed, 0, 0, 0);
  *b = (batch){.config = config, .graphs = graphs};
  ag_layout_make(&b->config, &b->layout);
  b->set.config = &b->config;
  add_samples(b, &random, size);
  choose_items(b, &random, share);
  b->trainer = ag_trainer_new(&b->config, &b->set, 1);
  b->params = random_params(&random, &b->config);
  for (int i = 0; i < b->layout.size; i++) b->params[i] *= 0.5f;
  b->gradient = AG_ARRAY(float, b->layout.size);
  b->exact = AG_ARRAY(double, b->layout.size);
  for (int i = 0; i < b->layout.size; i++) b->exact[i] = (double)b->params[i];
  b->loss = ag_trainer_gradient(b->trainer, b->params, b->item, b->count, &weights, b->gradient);
}

static void close_batch(batch *b) {
  ag_trainer_free(b->trainer);
  ag_training_set_free(&b->set);
  for (int i = 0; i < b->graphs; i++) {
    ag_graph_release(b->graph[i]);
    free(b->bounds[i]);
  }
  free(b->params);
  free(b->gradient);
  free(b->exact);
}

/* The plain loss at the parameters in `exact`. */
static double loss_of(const batch *b) {
  plain m = {&b->config, &b->layout, b->exact};
  double raw[MAX_ITEMS], target[MAX_ITEMS];
  int family[MAX_ITEMS], graph[MAX_ITEMS];
  for (int i = 0; i < b->count; i++) {
    int g = b->item[i].graph, c = segment_of(b, b->item[i]);
    raw[i] = b->item[i].cut < 0
                 ? plain_predict(&m, b->graph[g], -1, -1)
                 : plain_predict(&m, b->graph[g], b->bounds[g][c], b->bounds[g][c + 1]);
    target[i] = b->set.graph[g].target;
    family[i] = b->set.graph[g].family;
    graph[i] = g;
  }
  return plain_loss(raw, target, family, graph, b->count, &weights);
}

static double largest(const batch *b, const ag_param *p) {
  double most = 0;
  for (int k = 0; k < p->size; k++) most = fmax(most, fabs((double)b->gradient[p->offset + k]));
  return most;
}

/* One parameter, by central differences. */
static void check_parameter(batch *b, const ag_param *p, int k, double tolerance) {
  const double h = 1e-6;
  double *value = &b->exact[p->offset + k], old = *value;
  *value = old + h;
  double up = loss_of(b);
  *value = old - h;
  double down = loss_of(b);
  *value = old;
  double numeric = (up - down) / (2 * h), analytic = (double)b->gradient[p->offset + k];
  if (!(fabs(numeric - analytic) <= tolerance)) {
    fail_msg("%s[%d]: %.9g by differences, %.9g by the trainer", p->name, k, numeric, analytic);
  }
}

/* Variants that are trained: neither edges merged nor joins bypassed. */
static int next_variant(int variant) {
  return variant == 3 ? 8 : variant == 8 ? 10 : variant + 1;
}

/* Every parameter of small models; of matrices past 2,000 numbers every 101st. */
static void test_every_parameter(void **state) {
  (void)state;
  for (int variant = 0; variant < VARIANTS; variant = next_variant(variant)) {
    batch b;
    ag_config config = variant_config(variant);
    config.layers = 2;
    open_batch(&b, config, 2, 7, config.model == AG_MODEL_PSC ? 0.6 : 1, (uint64_t)variant);
    assert_near(b.loss, loss_of(&b), 1e-5 * b.loss);
    for (int i = 0; i < b.layout.params; i++) {
      const ag_param *p = &b.layout.param[i];
      double tolerance = 1e-4 * largest(&b, p) + 1e-8;
      for (int k = 0; k<p->size; k += p->size> 2000 ? 31 : 1) {
        check_parameter(&b, p, k, tolerance);
      }
    }
    close_batch(&b);
  }
}

/* Directional derivative of one tensor along a random direction. */
static void check_direction(batch *b, const ag_param *p, ag_random *random) {
  const double h = 1e-6;
  double *direction = AG_ARRAY(double, p->size), *at = b->exact + p->offset;
  double analytic = 0, size = 0;
  for (int k = 0; k < p->size; k++) {
    direction[k] = ag_random_normal(random) / sqrt(p->size);
    analytic += direction[k] * (double)b->gradient[p->offset + k];
    size += pow((double)b->gradient[p->offset + k], 2);
  }
  for (int k = 0; k < p->size; k++) at[k] += h * direction[k];
  double up = loss_of(b);
  for (int k = 0; k < p->size; k++) at[k] -= 2 * h * direction[k];
  double down = loss_of(b);
  for (int k = 0; k < p->size; k++) at[k] = (double)b->params[p->offset + k];
  double numeric = (up - down) / (2 * h);
  if (!(fabs(numeric - analytic) <= 1e-4 * sqrt(size) + 1e-8)) {
    fail_msg("%s: %.9g by differences, %.9g by the trainer", p->name, numeric, analytic);
  }
  free(direction);
}

static void test_full_models(void **state) {
  (void)state;
  for (int variant = 0; variant < VARIANTS; variant = next_variant(variant)) {
    for (int round = 0; round < 3; round++) {
      batch b;
      ag_random random = ag_random_stream(21, (uint64_t)variant, (uint64_t)round, 0, 0);
      open_batch(&b, variant_config(variant), 6, 30, 0.4, (uint64_t)(100 + 10 * variant + round));
      assert_near(b.loss, loss_of(&b), 1e-5 * b.loss);
      for (int i = 0; i < b.layout.params; i++) check_direction(&b, &b.layout.param[i], &random);
      close_batch(&b);
    }
  }
}

static void test_predictions(void **state) {
  (void)state;
  for (int variant = 0; variant < VARIANTS; variant = next_variant(variant)) {
    batch b;
    open_batch(&b, variant_config(variant), 6, 40, 1, (uint64_t)(200 + variant));
    ag_predictor *p = ag_predictor_make(
        &b.config, ag_memdup(b.params, (size_t)b.layout.size, sizeof(float)), NULL, 0);
    float raw[MAX_ITEMS];
    ag_trainer_predict(b.trainer, b.params, b.item, b.count, raw);
    for (int i = 0; i < b.count; i++) {
      int g = b.item[i].graph, c = b.item[i].cut < 0 ? 0 : segment_of(&b, b.item[i]);
      double value;
      assert_int_equal(ag_predict(p, b.graph[g], b.bounds[g][c], b.bounds[g][c + 1], &value, NULL),
                       AG_OK);
      assert_near((double)raw[i], value, 1e-5 * (1 + fabs(value)));
    }
    ag_predictor_free(p);
    close_batch(&b);
  }
}

static void test_threads_give_the_same_bits(void **state) {
  (void)state;
  batch b;
  open_batch(&b, variant_config(0), 8, 40, 0.5, 300);
  float *other = AG_ARRAY(float, b.layout.size);
  for (int threads = 2; threads <= 4; threads++) {
    ag_trainer *t = ag_trainer_new(&b.config, &b.set, threads);
    for (int round = 0; round < 5; round++) {
      double loss = ag_trainer_gradient(t, b.params, b.item, b.count, &weights, other);
      assert_true(loss == b.loss);
      assert_memory_equal(other, b.gradient, (size_t)b.layout.size * sizeof *other);
    }
    ag_trainer_free(t);
  }
  free(other);
  close_batch(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_parameter),
      cmocka_unit_test(test_full_models),
      cmocka_unit_test(test_predictions),
      cmocka_unit_test(test_threads_give_the_same_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
