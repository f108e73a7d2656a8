/* Shared, interned, folded training against training one cut at a time: predictions, loss and every
 * number of the gradient, on random graphs and on the published best graphs of all families, cut as
 * the bundled tokenizer segments them. */
#include "tests/predict/plain_training.h"

#include "autogo/mining.h"
#include "tests/predict/plain.h"

enum { MAX_GRAPHS = 8, MAX_ITEMS = 96 };
static const ag_loss_weights weights = {.hinge = 0.7, .consistency = 1.3, .huber = 0.8};

typedef struct batch {
  ag_config config;
  ag_layout layout;
  ag_training_set set;
  int graphs, items;
  const ag_graph *graph[MAX_GRAPHS];
  int32_t *bounds[MAX_GRAPHS];
  int segments[MAX_GRAPHS];
  ag_item item[MAX_ITEMS];
} batch;

static void add_graph(batch *b, const ag_graph *graph) {
  b->bounds[b->graphs] = AG_ARRAY(int32_t, graph->size + 1);
  b->graph[b->graphs++] = graph;
}

/* Cuts drawn at random, fewer than MAX_ITEMS over all graphs. */
static void fill(batch *b, ag_random *random) {
  ag_sample samples[MAX_GRAPHS];
  for (int g = 0; g < b->graphs; g++) {
    samples[g] =
        (ag_sample){b->graph[g], b->bounds[g], b->segments[g], ag_random_normal(random), g % 2};
  }
  b->set.config = &b->config;
  assert_int_equal(ag_training_set_add(&b->set, samples, b->graphs, 2, NULL), AG_OK);
  for (int g = 0; g < b->graphs; g++) {
    b->set.graph[g].target = b->set.graph[g].label;
    int cuts = b->set.graph[g].cuts;
    if (cuts == 0) b->item[b->items++] = (ag_item){g, -1};
    for (int c = 0, taken = 0; c < cuts && taken < MAX_ITEMS / MAX_GRAPHS; c++) {
      if (below(random, cuts) >= MAX_ITEMS / MAX_GRAPHS) continue;
      b->item[b->items++] = (ag_item){g, c};
      taken++;
    }
  }
}

static void close_batch(batch *b) {
  ag_training_set_free(&b->set);
  for (int g = 0; g < b->graphs; g++) {
    ag_graph_release(b->graph[g]);
    free(b->bounds[g]);
  }
}

/* The loss, and its gradient into m->grad. */
static double train_plainly(const plain_trainer *m, const batch *b, double *raw) {
  plain_sample sample[MAX_ITEMS];
  double target[MAX_ITEMS], raw_grad[MAX_ITEMS];
  int family[MAX_ITEMS], graph[MAX_ITEMS];
  for (int i = 0; i < b->items; i++) {
    int g = graph[i] = b->item[i].graph, c = b->item[i].cut;
    raw[i] = plain_sample_forward(m, b->graph[g], c < 0 ? -1 : b->bounds[g][c],
                                  c < 0 ? -1 : b->bounds[g][c + 1], &sample[i]);
    target[i] = b->set.graph[g].target;
    family[i] = b->set.graph[g].family;
  }
  plain_loss_gradient(raw, target, family, graph, b->items, &weights, raw_grad);
  for (int i = 0; i < b->items; i++) {
    plain_sample_backward(m, &sample[i], raw_grad[i]);
    plain_sample_close(&sample[i]);
  }
  return plain_loss(raw, target, family, graph, b->items, &weights);
}

static void compare_gradients(const batch *b, const float *shared, const double *plainly) {
  for (int i = 0; i < b->layout.params; i++) {
    const ag_param *p = &b->layout.param[i];
    double most = 0;
    for (int k = 0; k < p->size; k++) most = fmax(most, fabs(plainly[p->offset + k]));
    for (int k = 0; k < p->size; k++) {
      double is = (double)shared[p->offset + k], should = plainly[p->offset + k];
      if (!(fabs(is - should) <= 1e-4 * most + 1e-8)) {
        fail_msg("%s[%d]: %.9g shared, %.9g plain", p->name, k, is, should);
      }
    }
  }
}

static void check(batch *b, ag_random *random) {
  ag_layout_make(&b->config, &b->layout);
  fill(b, random);
  int size = b->layout.size;
  float *params = random_params(random, &b->config), *gradient = AG_ARRAY(float, size);
  double *exact = AG_ARRAY(double, size), *grad = AG_ARRAY(double, size), raw[MAX_ITEMS];
  for (int i = 0; i < size; i++) params[i] *= 0.5f;
  for (int i = 0; i < size; i++) exact[i] = (double)params[i];
  ag_trainer *trainer = ag_trainer_new(&b->config, &b->set, 1);
  double shared = ag_trainer_gradient(trainer, params, b->item, b->items, &weights, gradient);
  plain_trainer m = {&b->config, &b->layout, exact, grad};
  double loss = train_plainly(&m, b, raw);
  assert_near(shared, loss, 1e-5 * loss);
  float predicted[MAX_ITEMS];
  ag_trainer_predict(trainer, params, b->item, b->items, predicted);
  for (int i = 0; i < b->items; i++) {
    assert_near((double)predicted[i], raw[i], 1e-5 * (1 + fabs(raw[i])));
  }
  compare_gradients(b, gradient, grad);
  ag_trainer_free(trainer);
  free(params);
  free(gradient);
  free(exact);
  free(grad);
}

static void test_random_graphs(void **state) {
  (void)state;
  for (int round = 0; round < 40; round++) {
    ag_random random = ag_random_stream(60, (uint64_t)round, 0, 0, 0);
    batch b = {.config = variant_config(round % 5 < 4 ? round % 5 : 8)};
    while (b.graphs < 5) add_graph(&b, random_graph(&random, 5 + below(&random, 50)));
    for (int g = 0; g < b.graphs; g++) {
      int32_t *bounds = b.bounds[g];
      int segments = 0;
      while (bounds[segments] < b.graph[g]->size) {
        int next = bounds[segments] + 1 + below(&random, 5);
        bounds[++segments] = next < b.graph[g]->size ? next : b.graph[g]->size;
      }
      b.segments[g] = segments;
    }
    check(&b, &random);
    close_batch(&b);
  }
}

static const ag_graph *load(const char *name) {
  char path[512], relative[64];
  const ag_graph *graph, *canonical;
  ag_error err;
  snprintf(relative, sizeof relative, "data/cg/%s_best.json", name);
  if (ag_graph_load_json(shared_path(path, sizeof path, relative), &graph, &err)) {
    if (err.code == AG_IO) skip_without("../shared/data/cg");
    fail_msg("%s: %s", path, err.message);
  }
  canonical = ag_graph_canonical(graph, NULL);
  ag_graph_release(graph);
  return canonical;
}

static void test_best_graphs(void **state) {
  (void)state;
  static const char *const names[] = {"nb101", "nb201", "hiaml", "inception", "two_path"};
  ag_tokenizer *tokenizer;
  assert_int_equal(ag_tokenizer_load("lua/autogo/assets/tokenizer.txt", &tokenizer, NULL), AG_OK);
  for (int variant = 0; variant < 2; variant++) {
    ag_random random = ag_random_stream(61, (uint64_t)variant, 0, 0, 0);
    batch b = {.config = variant_config(variant)};
    for (int i = 0; i < 5; i++) {
      const ag_graph *graph = load(names[i]);
      add_graph(&b, graph);
      ag_segmentation *s = ag_tokenizer_encode(tokenizer, graph);
      b.segments[i] = ag_segmentation_bounds(s, NULL, b.bounds[i]);
      ag_segmentation_free(s);
    }
    check(&b, &random);
    close_batch(&b);
  }
  ag_tokenizer_free(tokenizer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_graphs),
      cmocka_unit_test(test_best_graphs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
