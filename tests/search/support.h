/* What the tests of mutation share: the bundled assets, and a child of a batch against the graph
 * made from it. */
#ifndef TESTS_SEARCH_SUPPORT_H
#define TESTS_SEARCH_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/search/assets.h"

/* All ops but RELU6 may be used. */
static ag_space *make_space(int threads, uint64_t seed) {
  ag_space_options options = {.tokenizer = tokenizer,
                              .database = database,
                              .predictor = predictor,
                              .threads = threads,
                              .seed = seed};
  for (int op = 0; op < AG_OP_COUNT; op++) options.permitted[op] = op != AG_OP_RELU6;
  return ag_space_new(&options);
}

static ag_batch *mutate(ag_space *space, const ag_graph *const *parents, int count,
                        int replacements, uint64_t generation) {
  ag_mutation_options options = ag_mutation_defaults();
  options.replacements = replacements;
  options.generation = generation;
  ag_batch *batch;
  ag_error err;
  if (ag_space_mutate(space, parents, count, &options, &batch, &err)) fail_msg("%s", err.message);
  return batch;
}

/* Prices that no two nodes share and that do not add up exactly in binary. */
static double odd_price(const ag_node *n, int predecessors) {
  return 0.1 * n->out.c + 1.0 / (n->out.h + n->kernel[0] + 3) + 1e-3 * predecessors + n->op / 7.0;
}

static ag_prices *price_everything(const ag_batch *batch) {
  ag_prices *prices = ag_prices_new();
  ag_unpriced *nodes;
  int count = ag_prices_missing_batch(prices, batch, NULL, &nodes);
  for (int i = 0; i < count; i++)
    ag_prices_set(prices, &nodes[i].node, nodes[i].predecessors,
                  odd_price(&nodes[i].node, nodes[i].predecessors));
  free(nodes);
  assert_int_equal(ag_prices_missing_batch(prices, batch, NULL, &nodes), 0);
  return prices;
}

/* The costs of all children, none of whose nodes lacks a price. */
static double *cost_everything(const ag_prices *prices, const ag_batch *batch, ag_pool *pool) {
  double *costs = AG_ARRAY(double, batch->size);
  bool *wanted = AG_ARRAY(bool, batch->size);
  for (int k = 0; k < batch->size; k++) wanted[k] = true;
  assert_int_equal(ag_batch_cost(prices, batch, pool, wanted, costs), 0);
  free(wanted);
  return costs;
}

static double plain_prediction(const ag_graph *g, int first, int last) {
  double value;
  assert_int_equal(ag_predict(predictor, g, first, last, &value, NULL), AG_OK);
  return value;
}

/* Everything the batch says of a child, against the graph made from it by splicing: hash, FLOPs,
 * cost and permitted ops exactly, the prediction by the plain path to 1e-5. */
static void check_child(const ag_batch *batch, int index, const ag_prices *prices, double cost) {
  const ag_child *c = &batch->children[index];
  const ag_graph *parent = batch->parent[c->parent], *made;
  ag_error err;
  char text[1024];
  if (ag_batch_graph(batch, index, &made, &err)) fail_msg("%s", ag_error_text(&err, text, 1024));
  assert_int_equal(ag_graph_check(made, NULL), AG_OK);
  assert_int_equal(made->size, ag_batch_graph_size(batch, index));
  assert_true(ag_hash_equal(ag_graph_hash(made), c->hash));
  assert_false(ag_hash_equal(ag_graph_hash(parent), c->hash));
  assert_int_equal(ag_graph_flops(made), c->flops);
  for (int i = 0; i < c->segment->size; i++)
    assert_int_not_equal(c->segment->nodes[i].op, AG_OP_RELU6);

  int last = c->first + c->segment->size;
  assert_true(fabs(plain_prediction(made, c->first, last) - c->predicted) < 1e-5);
  const ag_child *before = index ? c - 1 : NULL;
  if (before && before->parent == c->parent && before->first == c->first && before->last == c->last)
    assert_memory_equal(&before->baseline, &c->baseline, sizeof c->baseline);
  else
    assert_true(fabs(plain_prediction(parent, c->first, c->last) - c->baseline) < 1e-5);

  ag_unpriced *missing;
  assert_int_equal(ag_prices_missing_graph(prices, made, &missing), 0);
  double made_cost = ag_graph_cost(prices, made);
  assert_memory_equal(&made_cost, &cost, sizeof cost);
  ag_graph_release(made);
}

#endif
