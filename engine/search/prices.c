/* Prices: a map from node signature to the bits of a double. Lua prices each signature once;
 * after that a cost is a sum over a table of prices per parent plus a handful of new nodes.
 * Sums run in node order in plain double arithmetic, so that a child's cost is bit for bit
 * that of the graph made from it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "autogo/search.h"
#include "engine/base/alloc.h"
#include "engine/base/map.h"

struct ag_prices {
  ag_map map;
};

ag_prices *ag_prices_new(void) {
  return AG_NEW(ag_prices);
}

void ag_prices_free(ag_prices *prices) {
  if (!prices) return;
  ag_map_free(&prices->map);
  free(prices);
}

void ag_prices_set(ag_prices *prices, const ag_node *node, int predecessors, double price) {
  int64_t bits;
  memcpy(&bits, &price, sizeof bits);
  *ag_map_put(&prices->map, ag_node_signature(node, predecessors), bits, NULL) = bits;
}

/* NaN where there is none, and *known is false. */
static double price_of(const ag_prices *prices, const ag_node *node, int predecessors,
                       bool *known) {
  const int64_t *bits = ag_map_get(&prices->map, ag_node_signature(node, predecessors));
  double price = NAN;
  if (bits)
    memcpy(&price, bits, sizeof price);
  else
    *known = false;
  return price;
}

/* --- what has no price ------------------------------------------------------------------------ */

struct collector {
  const ag_prices *prices;
  ag_map seen;
  ag_unpriced *nodes;
  int count, capacity;
};

static void collect(struct collector *c, const ag_node *node, int operands, int predecessors) {
  ag_hash signature = ag_node_signature(node, predecessors);
  if (ag_map_get(&c->prices->map, signature)) return;
  bool fresh;
  ag_map_put(&c->seen, signature, 0, &fresh);
  if (!fresh) return;
  AG_GROW(c->nodes, c->count, c->capacity);
  c->nodes[c->count++] = (ag_unpriced){*node, operands, predecessors};
}

static void collect_graph(struct collector *c, const ag_graph *g) {
  for (int i = 0; i < g->size; i++)
    collect(c, &g->nodes[i], ag_graph_arity(g, i), ag_graph_predecessors(g, i));
}

static int finish(struct collector *c, ag_unpriced **nodes) {
  ag_map_free(&c->seen);
  *nodes = c->nodes;
  return c->count;
}

int ag_prices_missing_graph(const ag_prices *prices, const ag_graph *graph, ag_unpriced **nodes) {
  struct collector c = {.prices = prices};
  collect_graph(&c, graph);
  return finish(&c, nodes);
}

int ag_prices_missing_batch(const ag_prices *prices, const ag_batch *batch, const bool *wanted,
                            ag_unpriced **nodes) {
  struct collector c = {.prices = prices};
  for (int p = 0; p < batch->parents; p++) collect_graph(&c, batch->parent[p]);
  for (int k = 0; k < batch->size; k++) {
    if (wanted && !wanted[k]) continue;
    const ag_segment *s = batch->children[k].segment;
    for (int i = 0; i < s->size; i++)
      collect(&c, &s->nodes[i], ag_segment_arity(s, i), ag_segment_predecessors(s, i));
  }
  return finish(&c, nodes);
}

/* --- sums ------------------------------------------------------------------------------------- */

/* A table of prices, one per node. */
static double *graph_prices(const ag_prices *prices, const ag_graph *g, bool *known) {
  double *table = AG_ARRAY(double, g->size);
  *known = true;
  for (int i = 0; i < g->size; i++)
    table[i] = price_of(prices, &g->nodes[i], ag_graph_predecessors(g, i), known);
  return table;
}

/* A sum that overflows is no measurement. */
static double finite_or_nan(double cost) {
  return isfinite(cost) ? cost : NAN;
}

static double sum(double start, const double *table, int count) {
  for (int i = 0; i < count; i++) start += table[i];
  return start;
}

double ag_graph_cost(const ag_prices *prices, const ag_graph *graph) {
  bool known;
  double *table = graph_prices(prices, graph, &known);
  double cost = sum(0, table, graph->size);
  free(table);
  return finite_or_nan(cost);
}

struct costing {
  const ag_prices *prices;
  const ag_batch *batch;
  double **tables; /* per parent */
  bool *known;     /* per parent: all its nodes have a price */
  bool *wanted;
  double *costs;
};

static void price_parent(void *context, int64_t p, int worker) {
  struct costing *c = context;
  (void)worker;
  c->tables[p] = graph_prices(c->prices, c->batch->parent[p], &c->known[p]);
}

static void cost_child(void *context, int64_t k, int worker) {
  struct costing *c = context;
  const ag_child *child = &c->batch->children[k];
  const ag_segment *s = child->segment;
  const double *table = c->tables[child->parent];
  (void)worker;
  if (!c->wanted[k]) return;
  bool known = c->known[child->parent];
  double cost = sum(0, table, child->first);
  for (int i = 0; i < s->size; i++)
    cost += price_of(c->prices, &s->nodes[i], ag_segment_predecessors(s, i), &known);
  int size = c->batch->parent[child->parent]->size;
  c->costs[k] = finite_or_nan(sum(cost, table + child->last, size - child->last));
  c->wanted[k] = !known;
}

int ag_batch_cost(const ag_prices *prices, const ag_batch *batch, ag_pool *pool, bool *wanted,
                  double *costs) {
  struct costing c = {.prices = prices, .batch = batch, .wanted = wanted, .costs = costs};
  c.tables = AG_ARRAY(double *, batch->parents);
  c.known = AG_ARRAY(bool, batch->parents);
  ag_pool_run(pool, batch->parents, price_parent, &c);
  ag_pool_run(pool, batch->size, cost_child, &c);
  int unpriced = 0;
  for (int k = 0; k < batch->size; k++) unpriced += wanted[k];
  for (int p = 0; p < batch->parents; p++) free(c.tables[p]);
  free(c.tables);
  free(c.known);
  return unpriced;
}
