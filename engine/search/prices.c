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

static double price_of(const ag_prices *prices, const ag_node *node, int predecessors) {
  const int64_t *bits = ag_map_get(&prices->map, ag_node_signature(node, predecessors));
  double price = NAN;
  if (bits) memcpy(&price, bits, sizeof price);
  return price;
}

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

int ag_prices_missing_batch(const ag_prices *prices, const ag_batch *batch, ag_unpriced **nodes) {
  struct collector c = {.prices = prices};
  for (int p = 0; p < batch->parents; p++) collect_graph(&c, batch->parent[p]);
  for (int k = 0; k < batch->size; k++) {
    const ag_segment *s = batch->children[k].segment;
    for (int i = 0; i < s->size; i++)
      collect(&c, &s->nodes[i], ag_segment_arity(s, i), ag_segment_predecessors(s, i));
  }
  return finish(&c, nodes);
}

static double *graph_prices(const ag_prices *prices, const ag_graph *g) {
  double *table = AG_ARRAY(double, g->size);
  for (int i = 0; i < g->size; i++)
    table[i] = price_of(prices, &g->nodes[i], ag_graph_predecessors(g, i));
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
  double *table = graph_prices(prices, graph);
  double cost = sum(0, table, graph->size);
  free(table);
  return finite_or_nan(cost);
}

static double child_cost(const ag_prices *prices, const ag_child *child, const double *table,
                         int size) {
  const ag_segment *s = child->segment;
  double cost = sum(0, table, child->first);
  for (int i = 0; i < s->size; i++)
    cost += price_of(prices, &s->nodes[i], ag_segment_predecessors(s, i));
  return finite_or_nan(sum(cost, table + child->last, size - child->last));
}

void ag_batch_cost(const ag_prices *prices, const ag_batch *batch, double *costs) {
  double *table = NULL;
  int tabled = -1;
  for (int k = 0; k < batch->size; k++) {
    const ag_child *child = &batch->children[k];
    const ag_graph *parent = batch->parent[child->parent];
    if (child->parent != tabled) {
      free(table);
      table = graph_prices(prices, parent);
      tabled = child->parent;
    }
    costs[k] = child_cost(prices, child, table, parent->size);
  }
  free(table);
}
