/* Children of a batch against the graphs made from them: everything a search knows of a child
 * without making it must be true of the made one. Parents are cell networks and random graphs;
 * tokenizer, database and predictor are the bundled ones. */
#include <limits.h>
#include <stdatomic.h>

#include "tests/search/support.h"
#include "tests/support/cell_graph.h"
#include "tests/support/random_graph.h"

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

static void children_are_what_the_batch_says(void **state) {
  (void)state;
  const ag_graph *parents[PARENTS];
  make_parents(parents);
  ag_space *space = make_space(2, 5);
  ag_batch *batch = mutate(space, parents, PARENTS, 30, 1);
  assert_true(batch->size > 500);
  assert_true(batch->tried >= batch->feasible && batch->feasible >= batch->scored);
  assert_true(batch->scored >= batch->size);
  ag_prices *prices = price_everything(batch);
  double *costs = cost_everything(prices, batch, ag_space_pool(space));
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

/* A child of which a node has no price is marked, and only that; what is asked for then is all
 * there is to ask. */
static void children_without_a_price_are_named(void **state) {
  (void)state;
  const ag_graph *parents[PARENTS];
  make_parents(parents);
  ag_space *space = make_space(2, 9);
  ag_batch *batch = mutate(space, parents, PARENTS, 30, 1);
  ag_prices *all = price_everything(batch), *some = ag_prices_new();
  double *expected = cost_everything(all, batch, NULL), *costs = AG_ARRAY(double, batch->size);
  bool *wanted = AG_ARRAY(bool, batch->size);
  ag_unpriced *nodes;
  int count = ag_prices_missing_batch(some, batch, NULL, &nodes);
  for (int i = 0; i < count; i++) /* the parents' come first and are priced */
    if (i < count / 2 || i % 7)
      ag_prices_set(some, &nodes[i].node, nodes[i].predecessors,
                    odd_price(&nodes[i].node, nodes[i].predecessors));
  free(nodes);
  for (int k = 0; k < batch->size; k++) wanted[k] = k % 5 != 0;
  int unpriced = ag_batch_cost(some, batch, ag_space_pool(space), wanted, costs), marked = 0;
  for (int k = 0; k < batch->size; k++) {
    const ag_graph *made;
    assert_int_equal(ag_batch_graph(batch, k, &made, NULL), AG_OK);
    bool lacks = ag_prices_missing_graph(some, made, &nodes) > 0;
    free(nodes);
    ag_graph_release(made);
    assert_int_equal(wanted[k], k % 5 != 0 && lacks);
    marked += wanted[k];
    if (k % 5 == 0)
      assert_true(costs[k] == 0);
    else if (!lacks)
      assert_memory_equal(&costs[k], &expected[k], sizeof *costs);
  }
  assert_int_equal(unpriced, marked);
  assert_true(marked > 0 && marked < batch->size / 2);
  count = ag_prices_missing_batch(some, batch, wanted, &nodes);
  for (int i = 0; i < count; i++)
    ag_prices_set(some, &nodes[i].node, nodes[i].predecessors,
                  odd_price(&nodes[i].node, nodes[i].predecessors));
  free(nodes);
  assert_int_equal(ag_batch_cost(some, batch, NULL, wanted, costs), 0);
  for (int k = 0; k < batch->size; k++)
    if (k % 5) assert_memory_equal(&costs[k], &expected[k], sizeof *costs);
  free(wanted);
  free(costs);
  free(expected);
  ag_prices_free(some);
  ag_prices_free(all);
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
  int64_t seen = ag_space_visited(space);
  for (int b = 0; b < 3; b++) {
    batches[b] = mutate(space, parents, PARENTS, 30, (uint64_t)b);
    seen += batches[b]->scored; /* none twice, kept or not, from whatever source */
    assert_int_equal(seen, ag_space_visited(space));
  }
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

static void assert_same_batch(const ag_batch *a, const ag_batch *b) {
  assert_int_equal(a->size, b->size);
  assert_int_equal(a->tried, b->tried);
  assert_int_equal(a->feasible, b->feasible);
  assert_int_equal(a->scored, b->scored);
  for (int i = 0; i < a->size; i++) {
    const ag_child *x = &a->children[i], *y = &b->children[i];
    assert_true(ag_hash_equal(x->hash, y->hash));
    assert_int_equal(x->parent, y->parent);
    assert_int_equal(x->entry, y->entry);
    assert_int_equal(x->variant, y->variant);
    assert_memory_equal(x->input_map, y->input_map, (size_t)x->segment->inputs * sizeof(int32_t));
    assert_memory_equal(x->output_map, y->output_map,
                        (size_t)x->segment->outputs * sizeof(int32_t));
    assert_memory_equal(&x->predicted, &y->predicted, sizeof x->predicted);
    assert_memory_equal(&x->baseline, &y->baseline, sizeof x->baseline);
  }
}

/* Also for more parents than are encoded at once. */
static void threads_do_not_change_a_batch(void **state) {
  (void)state;
  const ag_graph *parents[PARENTS], *many[7 * PARENTS];
  make_parents(parents);
  for (int p = 0; p < 7 * PARENTS; p++) many[p] = parents[p % PARENTS];
  ag_space *spaces[4];
  for (int t = 0; t < 4; t++) spaces[t] = make_space(t + 1, 7);
  for (uint64_t generation = 0; generation < 3; generation++) {
    const ag_graph *const *from = generation < 2 ? parents : many;
    int count = generation < 2 ? PARENTS : 7 * PARENTS;
    ag_batch *one = mutate(spaces[0], from, count, 30, generation);
    for (int t = 1; t < 4; t++) {
      ag_batch *more = mutate(spaces[t], from, count, 30, generation);
      assert_same_batch(one, more);
      ag_batch_free(more);
    }
    ag_batch_free(one);
  }
  for (int t = 0; t < 4; t++) ag_space_free(spaces[t]);
  release_parents(parents);
}

/* Parents and all that was predicted, in this order: parents, children, what was not kept. */
static void what_was_seen_is_remembered_in_order(void **state) {
  (void)state;
  const ag_graph *parents[PARENTS];
  make_parents(parents);
  ag_space *space = make_space(2, 11);
  ag_batch *batch = mutate(space, parents, PARENTS, 30, 1);
  int64_t count = ag_space_visited(space), others = count - batch->scored;
  assert_true(batch->scored > batch->size && others <= PARENTS);
  ag_hash *hashes = AG_ARRAY(ag_hash, count);
  ag_space_visited_since(space, 0, hashes);
  assert_true(ag_hash_equal(hashes[0], ag_graph_hash(parents[0])));
  for (int i = 0; i < batch->size; i++)
    assert_true(ag_hash_equal(hashes[others + i], batch->children[i].hash));
  for (int p = 0; p < PARENTS; p++) assert_false(ag_space_visit(space, parents[p]));
  assert_int_equal(ag_space_visited(space), count);
  free(hashes);
  ag_batch_free(batch);
  ag_space_free(space);
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

static bool countdown(void *context) {
  return atomic_fetch_sub((atomic_int *)context, 1) <= 0;
}

/* Stopped wherever it is, a space has seen nothing but the parents, and does all of it when asked
 * again. */
static void a_stopped_space_has_seen_nothing(void **state) {
  (void)state;
  const ag_graph *parents[PARENTS];
  make_parents(parents);
  ag_space *whole = make_space(2, 9);
  ag_batch *expected = mutate(whole, parents, PARENTS, 30, 1), *batch = NULL;
  ag_mutation_options options = ag_mutation_defaults();
  options.replacements = 30;
  options.generation = 1;
  atomic_int left;
  ag_space_options parts = {.tokenizer = tokenizer,
                            .database = database,
                            .predictor = predictor,
                            .threads = 2,
                            .seed = 9,
                            .stop = countdown,
                            .stop_context = &left};
  for (int op = 0; op < AG_OP_COUNT; op++) parts.permitted[op] = op != AG_OP_RELU6;
  ag_space *space = ag_space_new(&parts);
  for (int calls = 0; calls < 2000; calls = 3 * calls + 1) {
    atomic_store(&left, calls);
    ag_error err;
    assert_int_equal(ag_space_mutate(space, parents, PARENTS, &options, &batch, &err),
                     AG_INTERRUPTED);
    assert_null(batch);
    assert_true(ag_space_visited(space) <= PARENTS);
  }
  atomic_store(&left, INT_MAX);
  assert_int_equal(ag_space_mutate(space, parents, PARENTS, &options, &batch, NULL), AG_OK);
  assert_same_batch(expected, batch);
  ag_batch_free(batch);
  ag_batch_free(expected);
  ag_space_free(space);
  ag_space_free(whole);
  release_parents(parents);
}

/* The hashes seen, kept piece by piece as a journal does, make a space that goes on as the first.
 */
static void a_space_goes_on_from_its_hashes(void **state) {
  (void)state;
  const ag_graph *parents[PARENTS];
  make_parents(parents);
  ag_space *first = make_space(1, 10), *second = make_space(2, 10);
  for (uint64_t generation = 0; generation < 3; generation++) {
    int64_t before = ag_space_visited(first);
    ag_batch_free(mutate(first, parents, PARENTS, 30, generation));
    int64_t fresh = ag_space_visited(first) - before;
    assert_true(fresh > 0);
    ag_hash *hashes = AG_ARRAY(ag_hash, fresh);
    ag_space_visited_since(first, before, hashes);
    ag_space_visit_hashes(second, hashes, fresh);
    ag_space_visit_hashes(second, hashes, fresh); /* those known stay where they are */
    free(hashes);
  }
  assert_int_equal(ag_space_visited(first), ag_space_visited(second));
  ag_batch *one = mutate(first, parents, PARENTS, 30, 3);
  ag_batch *other = mutate(second, parents, PARENTS, 30, 3);
  assert_same_batch(one, other);
  ag_batch_free(one);
  ag_batch_free(other);
  ag_space_free(first);
  ag_space_free(second);
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
      cmocka_unit_test(children_without_a_price_are_named),
      cmocka_unit_test(no_graph_comes_twice),
      cmocka_unit_test(threads_do_not_change_a_batch),
      cmocka_unit_test(what_was_seen_is_remembered_in_order),
      cmocka_unit_test(single_operations_replace_single_operations),
      cmocka_unit_test(a_stopped_space_has_seen_nothing),
      cmocka_unit_test(a_space_goes_on_from_its_hashes),
      cmocka_unit_test(nothing_to_mutate_is_an_error),
  };
  return cmocka_run_group_tests_name("mutate", tests, load_assets, free_assets);
}
