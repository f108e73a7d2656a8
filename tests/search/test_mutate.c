/* Children of a batch against the graphs made from them: everything a search knows of a child
 * without making it must be true of the made one. Parents are cell networks and random graphs;
 * tokenizer, database and predictor are the bundled ones. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/search.h"
#include "engine/base/alloc.h"
#include "tests/support/cell_graph.h"
#include "tests/support/random_graph.h"

static ag_tokenizer *tokenizer;
static ag_database *database;
static ag_predictor *predictor;

static int load_assets(void **state) {
  (void)state;
  return ag_tokenizer_load("lua/autogo/assets/tokenizer.txt", &tokenizer, NULL) ||
         ag_database_load("lua/autogo/assets/segments.agdb", &database, NULL) ||
         ag_predictor_load("lua/autogo/assets/predictor.safetensors", &predictor, NULL);
}

static int free_assets(void **state) {
  (void)state;
  ag_tokenizer_free(tokenizer);
  ag_database_free(database);
  ag_predictor_free(predictor);
  return 0;
}

static ag_space *make_space(int threads, uint64_t seed) {
  ag_space_options options = {.tokenizer = tokenizer,
                              .database = database,
                              .predictor = predictor,
                              .threads = threads,
                              .seed = seed};
  for (int op = 0; op < AG_OP_COUNT; op++) options.permitted[op] = op != AG_OP_RELU6;
  return ag_space_new(&options);
}

enum { PARENTS = 12 };

static void make_parents(const ag_graph **parents) {
  for (int p = 0; p < PARENTS; p++) {
    const ag_graph *g =
        p % 2 ? random_graph((uint64_t)p, 60) : cell_graph((uint64_t)p, 1 + p / 4, "nb201");
    parents[p] = ag_graph_canonical(g, NULL);
    ag_graph_release(g);
  }
}

static void release_parents(const ag_graph **parents) {
  for (int p = 0; p < PARENTS; p++) ag_graph_release(parents[p]);
}

static ag_batch *mutate(ag_space *space, const ag_graph **parents, uint64_t generation) {
  ag_mutation_options options = ag_mutation_defaults();
  options.replacements = 30;
  options.generation = generation;
  ag_batch *batch;
  ag_error err;
  if (ag_space_mutate(space, parents, PARENTS, &options, &batch, &err)) fail_msg("%s", err.message);
  return batch;
}

/* Prices that no two nodes share and that do not add up exactly in binary. */
static double odd_price(const ag_node *n, int predecessors) {
  return 0.1 * n->out.c + 1.0 / (n->out.h + n->kernel[0] + 3) + 1e-3 * predecessors + n->op / 7.0;
}

static ag_prices *price_everything(const ag_batch *batch) {
  ag_prices *prices = ag_prices_new();
  ag_unpriced *nodes;
  int count = ag_prices_missing_batch(prices, batch, &nodes);
  for (int i = 0; i < count; i++)
    ag_prices_set(prices, &nodes[i].node, nodes[i].predecessors,
                  odd_price(&nodes[i].node, nodes[i].predecessors));
  free(nodes);
  assert_int_equal(ag_prices_missing_batch(prices, batch, &nodes), 0);
  return prices;
}

static void check_child(const ag_batch *batch, int index, const ag_prices *prices, double cost) {
  const ag_child *c = &batch->children[index];
  const ag_graph *parent = batch->parent[c->parent], *made;
  ag_error err;
  char text[1024];
  if (ag_batch_graph(batch, index, &made, &err)) fail_msg("%s", ag_error_text(&err, text, 1024));
  assert_int_equal(ag_graph_check(made, NULL), AG_OK);
  assert_true(ag_hash_equal(ag_graph_hash(made), c->hash));
  assert_false(ag_hash_equal(ag_graph_hash(parent), c->hash));
  assert_int_equal(ag_graph_flops(made), c->flops);
  for (int i = 0; i < c->segment->size; i++)
    assert_int_not_equal(c->segment->nodes[i].op, AG_OP_RELU6);

  int last = c->first + c->segment->size;
  double with, without;
  assert_int_equal(ag_predict(predictor, made, c->first, last, &with, NULL), AG_OK);
  assert_int_equal(ag_predict(predictor, parent, c->first, c->last, &without, NULL), AG_OK);
  assert_true(fabs(with - c->predicted) < 1e-5);
  assert_true(fabs(without - c->baseline) < 1e-5);

  ag_unpriced *missing;
  assert_int_equal(ag_prices_missing_graph(prices, made, &missing), 0);
  double made_cost = ag_graph_cost(prices, made);
  assert_memory_equal(&made_cost, &cost, sizeof cost);
  ag_graph_release(made);
}

static void children_are_what_the_batch_says(void **state) {
  (void)state;
  const ag_graph *parents[PARENTS];
  make_parents(parents);
  ag_space *space = make_space(2, 5);
  ag_batch *batch = mutate(space, parents, 1);
  assert_true(batch->size > 500);
  assert_true(batch->tried >= batch->feasible && batch->feasible >= batch->scored);
  assert_true(batch->scored >= batch->size);
  ag_prices *prices = price_everything(batch);
  double *costs = AG_ARRAY(double, batch->size);
  ag_batch_cost(prices, batch, costs);
  int resolved = 0;
  for (int i = 0; i < batch->size; i++) {
    check_child(batch, i, prices, costs[i]);
    resolved += batch->children[i].resolved;
  }
  assert_true(resolved > 50 && resolved < batch->size);
  free(costs);
  ag_prices_free(prices);
  ag_batch_free(batch);
  ag_space_free(space);
  release_parents(parents);
}

static void no_graph_comes_twice(void **state) {
  (void)state;
  const ag_graph *parents[PARENTS];
  make_parents(parents);
  ag_space *space = make_space(2, 6);
  for (int p = 0; p < PARENTS; p++) ag_space_visit(space, parents[p]);
  ag_batch *batches[3];
  for (int b = 0; b < 3; b++) batches[b] = mutate(space, parents, (uint64_t)b);
  for (int b = 0; b < 3; b++)
    for (int i = 0; i < batches[b]->size; i++) {
      ag_hash hash = batches[b]->children[i].hash;
      for (int d = b; d < 3; d++)
        for (int k = d == b ? i + 1 : 0; k < batches[d]->size; k++)
          if (ag_hash_equal(hash, batches[d]->children[k].hash))
            fail_msg("%d/%d %d/%d", b, i, d, k);
    }
  for (int b = 0; b < 3; b++) ag_batch_free(batches[b]);
  ag_space_free(space);
  release_parents(parents);
}

static void threads_do_not_change_a_batch(void **state) {
  (void)state;
  const ag_graph *parents[PARENTS];
  make_parents(parents);
  ag_space *one = make_space(1, 7), *three = make_space(3, 7);
  for (uint64_t generation = 0; generation < 2; generation++) {
    ag_batch *a = mutate(one, parents, generation), *b = mutate(three, parents, generation);
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->scored, b->scored);
    for (int i = 0; i < a->size; i++) {
      const ag_child *x = &a->children[i], *y = &b->children[i];
      assert_true(ag_hash_equal(x->hash, y->hash));
      assert_int_equal(x->entry, y->entry);
      assert_memory_equal(&x->predicted, &y->predicted, sizeof x->predicted);
      assert_memory_equal(&x->baseline, &y->baseline, sizeof x->baseline);
    }
    ag_batch_free(a);
    ag_batch_free(b);
  }
  ag_space_free(one);
  ag_space_free(three);
  release_parents(parents);
}

static void single_operations_replace_single_operations(void **state) {
  (void)state;
  const ag_graph *parents[PARENTS];
  make_parents(parents);
  ag_space *space = make_space(2, 8);
  ag_mutation_options options = ag_mutation_defaults();
  options.operations = true;
  ag_batch *batch;
  assert_int_equal(ag_space_mutate(space, parents, PARENTS, &options, &batch, NULL), AG_OK);
  assert_true(batch->size > 20);
  for (int i = 0; i < batch->size; i++) {
    assert_int_equal(batch->children[i].last - batch->children[i].first, 1);
    assert_int_equal(batch->children[i].segment->size, 1);
  }
  ag_batch_free(batch);
  ag_space_free(space);
  release_parents(parents);
}

static void nothing_to_mutate_is_an_error(void **state) {
  (void)state;
  ag_builder *b = ag_builder_new("bare");
  ag_node input = ag_node_make(AG_OP_INPUT);
  input.out = (ag_shape){4, 4, 2};
  int x = ag_builder_add(b, input, NULL, 0, NULL);
  x = ag_builder_add(b, ag_node_make(AG_OP_MEAN), &x, 1, NULL);
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &x, 1, NULL);
  const ag_graph *g;
  assert_int_equal(ag_builder_finish(b, &g, NULL), AG_OK);
  ag_space *space = make_space(1, 1);
  ag_mutation_options options = ag_mutation_defaults();
  ag_batch *batch = NULL;
  ag_error err;
  assert_int_equal(ag_space_mutate(space, &g, 1, &options, &batch, &err), AG_INVALID);
  assert_non_null(strstr(err.message, "bare"));
  options.keep = NAN;
  assert_int_equal(ag_space_mutate(space, &g, 1, &options, &batch, &err), AG_INVALID);
  assert_null(batch);
  ag_space_free(space);
  ag_graph_release(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(children_are_what_the_batch_says),
      cmocka_unit_test(no_graph_comes_twice),
      cmocka_unit_test(threads_do_not_change_a_batch),
      cmocka_unit_test(single_operations_replace_single_operations),
      cmocka_unit_test(nothing_to_mutate_is_an_error),
  };
  return cmocka_run_group_tests_name("mutate", tests, load_assets, free_assets);
}
