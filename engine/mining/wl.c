/* Rooted subgraphs, hash-consed: each distinct one is a root and the numbers of the subgraphs below
 * it, so equal trees have equal numbers and a tree of any depth takes the room of its root.
 *
 *   number     0       1           2       3              4
 *   root       conv,3  batchnorm   relu    batchnorm      relu
 *   operands   -       -           -       0              3
 *   depth      0       0           0       1              2
 *
 * All nodes of a graph go one depth deeper at a time, from the numbers of the depth before: this is
 * Weisfeiler-Leman refinement, and the numbers are its colours. Unfolded, the trees would be
 * exponentially larger; their sizes are only added up. Room for the most that a graph can bring is
 * made before it is counted, so that the budget is tested in one place. */
#include <stdlib.h>
#include <string.h>

#include "autogo/mining.h"
#include "engine/base/alloc.h"
#include "engine/base/map.h"
#include "engine/graph/refine.h"

typedef struct subgraph {
  int64_t count, nodes;
  int64_t first; /* of its operands in ag_wl.operands */
  int32_t arity;
  int32_t kernel[2];
  uint8_t op, depth;
} subgraph;

struct ag_wl {
  int depth;
  size_t budget;
  int64_t graphs;
  ag_wl_level level[AG_WL_MAX_DEPTH + 1];
  ag_map numbers; /* hash of root and operands -> number */
  subgraph *subgraphs;
  int64_t count, capacity;
  int32_t *operands;
  int64_t operand_count, operand_capacity;
};

ag_wl *ag_wl_new(int depth, size_t budget) {
  ag_wl *wl = AG_NEW(ag_wl);
  wl->depth = depth < 0 ? 0 : depth < AG_WL_MAX_DEPTH ? depth : AG_WL_MAX_DEPTH;
  wl->budget = budget;
  return wl;
}

void ag_wl_free(ag_wl *wl) {
  if (!wl) return;
  ag_map_free(&wl->numbers);
  free(wl->subgraphs);
  free(wl->operands);
  free(wl);
}

/* --- room ------------------------------------------------------------------------------- */

static int64_t grown(int64_t capacity, int64_t needed) {
  if (capacity == 0) capacity = 256;
  while (capacity < needed) capacity *= 2;
  return capacity;
}

/* Bytes of an array while it grows: the old one and the new. */
static size_t growing(int64_t capacity, int64_t larger, size_t size) {
  return (size_t)(capacity == larger ? capacity : capacity + larger) * size;
}

/* Room for `subgraphs` more of them with `operands` operands in all. */
static ag_status make_room(ag_wl *wl, int64_t subgraphs, int64_t operands, ag_error *err) {
  int64_t capacity = grown(wl->capacity, wl->count + subgraphs);
  int64_t operand_capacity = grown(wl->operand_capacity, wl->operand_count + operands);
  size_t bytes = ag_map_bytes(&wl->numbers, (size_t)subgraphs) +
                 growing(wl->capacity, capacity, sizeof *wl->subgraphs) +
                 growing(wl->operand_capacity, operand_capacity, sizeof *wl->operands);
  if (bytes > wl->budget || wl->count + subgraphs > INT32_MAX)
    return ag_fail(err, AG_LIMIT,
                   "the budget of %zu bytes ends after %lld graphs with %lld rooted subgraphs",
                   wl->budget, (long long)wl->graphs, (long long)wl->count);
  wl->subgraphs = ag_resize(wl->subgraphs, (size_t)capacity, sizeof *wl->subgraphs);
  wl->operands = ag_resize(wl->operands, (size_t)operand_capacity, sizeof *wl->operands);
  wl->capacity = capacity;
  wl->operand_capacity = operand_capacity;
  return AG_OK;
}

/* --- counting --------------------------------------------------------------------------- */

static int64_t add_saturated(int64_t a, int64_t b) {
  return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static int compare_numbers(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

/* The numbers of the operands' subgraphs, behind those in use. */
static const int32_t *read_operands(ag_wl *wl, const ag_graph *g, int node,
                                    const int32_t *numbers) {
  int arity = ag_graph_arity(g, node);
  int32_t *operands = wl->operands + wl->operand_count;
  for (int k = 0; k < arity; k++) operands[k] = numbers[ag_graph_operands(g, node)[k]];
  if (!ag_op_ordered(g->nodes[node].op))
    qsort(operands, (size_t)arity, sizeof *operands, compare_numbers);
  return operands;
}

/* The number of the subgraph with that root, and counts it. */
static int32_t count_subgraph(ag_wl *wl, const ag_node *root, int depth, const int32_t *operands,
                              int arity) {
  ag_hash key = ag_hash_mix(ag_hash_seed(root->op), (uint64_t)arity);
  key = ag_hash_mix(key, (uint64_t)(uint32_t)root->kernel[0] << 32 | (uint32_t)root->kernel[1]);
  for (int k = 0; k < arity; k++) key = ag_hash_mix(key, (uint64_t)operands[k]);
  bool fresh;
  int32_t number = (int32_t)*ag_map_put(&wl->numbers, key, wl->count, &fresh);
  subgraph *s = &wl->subgraphs[number];
  if (fresh) {
    *s = (subgraph){.nodes = 1,
                    .first = wl->operand_count,
                    .arity = arity,
                    .kernel = {root->kernel[0], root->kernel[1]},
                    .op = root->op,
                    .depth = (uint8_t)depth};
    for (int k = 0; k < arity; k++)
      s->nodes = add_saturated(s->nodes, wl->subgraphs[operands[k]].nodes);
    wl->count++;
    wl->operand_count += arity;
    wl->level[depth].subgraphs++;
  }
  s->count++;
  wl->level[depth].occurrences++;
  wl->level[depth].nodes = add_saturated(wl->level[depth].nodes, s->nodes);
  return number;
}

/* Longest chain of operands above each node, up to the depth. */
static int32_t *chain_lengths(const ag_graph *g, int depth) {
  int32_t *length = AG_ARRAY(int32_t, g->size);
  for (int v = 0; v < g->size; v++) {
    const int32_t *operands = ag_graph_operands(g, v);
    for (int k = 0; k < ag_graph_arity(g, v); k++)
      if (length[v] <= length[operands[k]]) length[v] = length[operands[k]] + 1;
    if (length[v] > depth) length[v] = depth;
  }
  return length;
}

ag_status ag_wl_add(ag_wl *wl, const ag_graph *g, int32_t *subgraphs, ag_error *err) {
  int64_t levels = wl->depth + 1, edges = g->operand_start[g->size];
  ag_status status = make_room(wl, levels * g->size, levels * edges, err);
  if (status) return status;
  int32_t *length = chain_lengths(g, wl->depth);
  int32_t *number = AG_ARRAY(int32_t, g->size), *deeper = AG_ARRAY(int32_t, g->size);
  for (int d = 0; d <= wl->depth; d++) {
    for (int v = 0; v < g->size; v++) {
      bool any = length[v] >= d;
      const int32_t *operands = d > 0 && any ? read_operands(wl, g, v, number) : NULL;
      int arity = operands ? ag_graph_arity(g, v) : 0;
      deeper[v] = any ? count_subgraph(wl, &g->nodes[v], d, operands, arity) : number[v];
      if (subgraphs) subgraphs[v * levels + d] = any ? deeper[v] : -1;
    }
    int32_t *swap = number;
    number = deeper;
    deeper = swap;
  }
  wl->graphs++;
  free(length);
  free(number);
  free(deeper);
  return AG_OK;
}

/* --- what was found --------------------------------------------------------------------- */

int ag_wl_depth(const ag_wl *wl) {
  return wl->depth;
}

int64_t ag_wl_graphs(const ag_wl *wl) {
  return wl->graphs;
}

int64_t ag_wl_size(const ag_wl *wl) {
  return wl->count;
}

size_t ag_wl_bytes(const ag_wl *wl) {
  return ag_map_bytes(&wl->numbers, 0) + (size_t)wl->capacity * sizeof *wl->subgraphs +
         (size_t)wl->operand_capacity * sizeof *wl->operands;
}

ag_wl_level ag_wl_at(const ag_wl *wl, int depth) {
  return wl->level[depth];
}

ag_rooted ag_wl_get(const ag_wl *wl, int64_t number) {
  const subgraph *s = &wl->subgraphs[number];
  return (ag_rooted){.op = (ag_op)s->op,
                     .kernel = {s->kernel[0], s->kernel[1]},
                     .depth = s->depth,
                     .count = s->count,
                     .nodes = s->nodes,
                     .arity = s->arity,
                     .operands = wl->operands + s->first};
}
