/* The canonical order: Kahn's algorithm with a stack. A node goes out when all its operands
 * have; the users it makes ready go on top of the stack, so a chain runs on until it meets a
 * join that still waits, and only then the next branch begins. Byte-pair encoding cuts segments
 * out of contiguous runs of this order, so what belongs together must stand together:
 *
 *   - conv, batchnorm, relu are never torn apart by a parallel branch;
 *   - of sibling branches the one with the longer way to the sink goes first. The join comes
 *     right after the last branch, so a block is one run from its fork to its join, and what
 *     follows the join starts with nothing pending. Short branches first makes runs a tenth
 *     longer on NAS-Bench cells, no longer elsewhere, but they span half-done branches: a
 *     quarter fewer nodes of those cells lie in segments of one input and one output, the kind
 *     for which most replacements exist;
 *   - siblings of equal length are put in order by what they are, never by where they stand in
 *     the network: the same block has the same string in every stage.
 *
 * The last point is why siblings are not compared by colours first. A colour is a hash, its
 * order is arbitrary, and it covers a neighbourhood that may reach out of the block. Instead
 * nodes are *ranked*: level by level from the sinks up, a node is compared by its own
 * attributes, then by the sorted list of its users' ranks (the tree isomorphism algorithm of
 * Aho, Hopcroft and Ullman, on a DAG); likewise from the sources down over operands. Two
 * branches that meet again share all ranks from there on, so only the branches themselves
 * decide. Ranks are taken without shapes first, then with shapes, strides and pads, compared as
 * numbers: twice the channels everywhere changes nothing. Only then count refined colours, then
 * which operands went out first, last the position. */
#include "engine/graph/canonical.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/graph/graph_internal.h"
#include "engine/graph/refine.h"

#define BY(a, b)                                                                                   \
  if ((a) != (b)) return (a) < (b) ? -1 : 1

/* --- comparing nodes by themselves ------------------------------------------------------ */

static bool is_grouped(const ag_node *n) {
  return n->op != AG_OP_DEPTHWISE && n->groups > 1;
}

static int compare_kind(const ag_node *a, const ag_node *b) {
  BY(a->op, b->op);
  for (int d = 0; d < 2; d++) BY(a->kernel[d], b->kernel[d]);
  for (int d = 0; d < 2; d++) BY(a->dilation[d], b->dilation[d]);
  BY(a->padding, b->padding);
  BY(a->bias, b->bias);
  BY(a->flags, b->flags);
  BY(is_grouped(a), is_grouped(b));
  return 0;
}

static int compare_shape(ag_shape a, ag_shape b) {
  BY(a.c, b.c);
  BY(a.h, b.h);
  BY(a.w, b.w);
  return 0;
}

static int compare_all(const ag_node *a, const ag_node *b) {
  int kind = compare_kind(a, b);
  if (kind) return kind;
  for (int d = 0; d < 2; d++) BY(a->stride[d], b->stride[d]);
  int shape = compare_shape(a->out, b->out);
  if (shape == 0) shape = compare_shape(a->in, b->in);
  if (shape) return shape;
  for (int d = 0; d < 4; d++) BY(a->pads[d], b->pads[d]);
  BY(a->groups, b->groups);
  BY(a->alpha, b->alpha);
  return 0;
}

/* --- ranks -------------------------------------------------------------------------------- */

/* One side of every node, users or operands, in compressed rows. An entry of `seen` is a
 * neighbour's rank and the slot that joins them, so that rows compare as sorted lists. */
typedef struct neighbours {
  const int32_t *start, *list;
  int32_t *slot;  /* of the operand in its user, 0 where order does not count */
  int32_t *level; /* longest path to a sink (users) or from a source (operands) */
  int64_t *seen;
} neighbours;

static neighbours look_at(const int32_t *start, const int32_t *list, int size) {
  neighbours side = {.start = start, .list = list};
  side.slot = AG_ARRAY(int32_t, start[size]);
  side.level = AG_ARRAY(int32_t, size);
  side.seen = AG_ARRAY(int64_t, start[size]);
  return side;
}

static void forget(neighbours *side) {
  free(side->slot);
  free(side->level);
  free(side->seen);
}

static void raise_level(neighbours *side, int node) {
  for (int k = side->start[node]; k < side->start[node + 1]; k++)
    if (side->level[side->list[k]] >= side->level[node])
      side->level[node] = side->level[side->list[k]] + 1;
}

static void look_both_ways(const ag_graph *g, neighbours *users, neighbours *operands) {
  *users = look_at(g->user_start, g->users, g->size);
  *operands = look_at(g->operand_start, g->operands, g->size);
  for (int i = 0; i < g->size; i++) raise_level(operands, i);
  for (int i = g->size - 1; i >= 0; i--) raise_level(users, i);
  /* Rows of users are filled in order of user and slot: walk the slots in the same order. */
  int32_t *cursor = ag_memdup(g->user_start, (size_t)g->size + 1, sizeof *cursor);
  for (int i = 0; i < g->size; i++) {
    bool ordered = ag_op_ordered(g->nodes[i].op);
    for (int k = g->operand_start[i]; k < g->operand_start[i + 1]; k++) {
      int32_t slot = ordered ? k - g->operand_start[i] : 0;
      operands->slot[k] = slot;
      users->slot[cursor[g->operands[k]]++] = slot;
    }
  }
  free(cursor);
}

typedef struct ranking {
  const ag_graph *graph;
  const neighbours *side;
  int (*compare)(const ag_node *, const ag_node *);
} ranking;

static int compare_nodes(const void *x, const void *y, void *context) {
  const ranking *r = context;
  int a = *(const int32_t *)x, b = *(const int32_t *)y;
  int own = r->compare(&r->graph->nodes[a], &r->graph->nodes[b]);
  if (own) return own;
  int i = r->side->start[a], k = r->side->start[b];
  int end_i = r->side->start[a + 1], end_k = r->side->start[b + 1];
  for (; i < end_i && k < end_k; i++, k++) BY(r->side->seen[i], r->side->seen[k]);
  return (i < end_i) - (k < end_k);
}

static int descending(const void *x, const void *y) {
  int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
  return (a < b) - (a > b);
}

static void see_neighbours(const neighbours *side, int node, const int32_t *rank) {
  int first = side->start[node], last = side->start[node + 1];
  for (int k = first; k < last; k++)
    side->seen[k] = (int64_t)rank[side->list[k]] << 32 | side->slot[k];
  qsort(side->seen + first, (size_t)(last - first), sizeof *side->seen, descending);
}

/* The nodes in order of level. */
static int32_t *sort_by_level(const neighbours *side, int size) {
  int32_t *start = AG_ARRAY(int32_t, size + 1), *nodes = AG_ARRAY(int32_t, size);
  for (int i = 0; i < size; i++) start[side->level[i] + 1]++;
  for (int i = 0; i < size; i++) start[i + 1] += start[i];
  for (int i = 0; i < size; i++) nodes[start[side->level[i]]++] = i;
  free(start);
  return nodes;
}

/* Rank all nodes: a lower level ranks lower; within a level by `compare`, then by the ranks of
 * the neighbours, which all lie on lower levels. Equal nodes get equal ranks. */
static void rank_nodes(ranking *r, int32_t *rank) {
  int size = r->graph->size, next = 0;
  int32_t *nodes = sort_by_level(r->side, size);
  for (int first = 0, last; first < size; first = last) {
    for (last = first; last < size; last++) {
      if (r->side->level[nodes[last]] != r->side->level[nodes[first]]) break;
      see_neighbours(r->side, nodes[last], rank);
    }
    qsort_r(nodes + first, (size_t)(last - first), sizeof *nodes, compare_nodes, r);
    for (int i = first; i < last; i++)
      rank[nodes[i]] = i > first && compare_nodes(&nodes[i - 1], &nodes[i], r) == 0 ? next : ++next;
  }
  free(nodes);
}

/* --- priorities ------------------------------------------------------------------------------ */

enum { RANKS = 4 };

typedef struct keys {
  int32_t *rank[RANKS]; /* by users, by operands; without shapes, then with */
  ag_hash *colour;
} keys;

static int compare_keys(const void *x, const void *y, void *context) {
  const keys *k = context;
  int a = *(const int32_t *)x, b = *(const int32_t *)y;
  for (int r = 0; r < RANKS; r++) BY(k->rank[r][b], k->rank[r][a]);
  return ag_hash_compare(k->colour[a], k->colour[b]);
}

static keys make_keys(const ag_graph *g) {
  keys k;
  neighbours sides[2];
  look_both_ways(g, &sides[0], &sides[1]);
  for (int r = 0; r < RANKS; r++) {
    ranking by = {g, &sides[r % 2], r < 2 ? compare_kind : compare_all};
    k.rank[r] = AG_ARRAY(int32_t, g->size);
    rank_nodes(&by, k.rank[r]);
  }
  for (int s = 0; s < 2; s++) forget(&sides[s]);
  k.colour = AG_ARRAY(ag_hash, g->size);
  ag_structure structure = ag_structure_of_graph(g, AG_EQUAL_SHAPES);
  ag_refine(&structure, k.colour);
  ag_structure_free(&structure);
  return k;
}

/* A number per node, smaller = earlier among siblings; equal where nothing tells them apart.
 * A rank by users begins with the level: the longer way to the sink goes first. */
static int32_t *make_priorities(const ag_graph *g) {
  int32_t *priority = AG_ARRAY(int32_t, g->size), *nodes = AG_ARRAY(int32_t, g->size);
  keys k = make_keys(g);
  for (int i = 0; i < g->size; i++) nodes[i] = i;
  qsort_r(nodes, (size_t)g->size, sizeof *nodes, compare_keys, &k);
  for (int i = 1, next = 0; i < g->size; i++)
    priority[nodes[i]] = compare_keys(&nodes[i - 1], &nodes[i], &k) == 0 ? next : ++next;
  for (int r = 0; r < RANKS; r++) free(k.rank[r]);
  free(k.colour);
  free(nodes);
  return priority;
}

/* --- the order ---------------------------------------------------------------------------- */

typedef struct ready_node {
  int32_t node, priority;
  int32_t earliest; /* place in the order of its first operand ... */
  int64_t sum;      /* ... and of all of them together */
} ready_node;

static int compare_ready(const void *x, const void *y) {
  const ready_node *a = x, *b = y;
  BY(a->priority, b->priority);
  BY(a->earliest, b->earliest);
  BY(a->sum, b->sum);
  BY(a->node, b->node);
  return 0;
}

typedef struct walk {
  const ag_graph *graph;
  int32_t *priority, *place, *waiting, *stack;
  ready_node *fresh; /* made ready by the last node */
  int depth, fresh_count;
} walk;

static void make_ready(walk *w, int32_t node) {
  ready_node r = {.node = node, .priority = w->priority[node], .earliest = INT32_MAX};
  const int32_t *operands = ag_graph_operands(w->graph, node);
  for (int k = 0; k < ag_graph_arity(w->graph, node); k++) {
    int32_t place = w->place[operands[k]];
    if (place < r.earliest) r.earliest = place;
    r.sum += place;
  }
  w->fresh[w->fresh_count++] = r;
}

static void push_fresh(walk *w) {
  qsort(w->fresh, (size_t)w->fresh_count, sizeof *w->fresh, compare_ready);
  while (w->fresh_count > 0) w->stack[w->depth++] = w->fresh[--w->fresh_count].node;
}

void ag_canonical_order(const ag_graph *g, int32_t *order) {
  walk w = {.graph = g, .priority = make_priorities(g)};
  w.place = AG_ARRAY(int32_t, g->size);
  w.waiting = AG_ARRAY(int32_t, g->size);
  w.stack = AG_ARRAY(int32_t, g->size);
  w.fresh = AG_ARRAY(ready_node, g->size);
  for (int i = 0; i < g->size; i++) {
    w.waiting[i] = ag_graph_arity(g, i);
    if (w.waiting[i] == 0) make_ready(&w, i);
  }
  push_fresh(&w);
  for (int done = 0; w.depth > 0; done++) {
    int32_t node = w.stack[--w.depth];
    order[done] = node;
    w.place[node] = done;
    for (int k = g->user_start[node]; k < g->user_start[node + 1]; k++)
      if (--w.waiting[g->users[k]] == 0) make_ready(&w, g->users[k]);
    push_fresh(&w);
  }
  free(w.priority);
  free(w.place);
  free(w.waiting);
  free(w.stack);
  free(w.fresh);
}

/* --- the graph -------------------------------------------------------------------------------- */

const ag_graph *ag_graph_canonical(const ag_graph *graph, int32_t *order) {
  int size = graph->size;
  int32_t *own = order ? order : AG_ARRAY(int32_t, size), *place = AG_ARRAY(int32_t, size);
  ag_canonical_order(graph, own);
  for (int i = 0; i < size; i++) place[own[i]] = i;
  ag_graph *g = ag_graph_allocate(size, graph->operand_start[size], graph->names != NULL,
                                  graph->name, graph->family, graph->store);
  int32_t *start = ag_graph_starts_mut(g), *operands = ag_graph_operands_mut(g);
  for (int i = 0; i < size; i++) {
    ag_graph_nodes_mut(g)[i] = graph->nodes[own[i]];
    if (graph->names) ag_graph_names_mut(g)[i] = graph->names[own[i]];
    int count = ag_graph_arity(graph, own[i]);
    for (int k = 0; k < count; k++)
      operands[start[i] + k] = place[ag_graph_operands(graph, own[i])[k]];
    start[i + 1] = start[i] + count;
  }
  ag_graph_index_users(g);
  g->normalisers = graph->normalisers;
  g->dynamic_batch = graph->dynamic_batch;
  free(place);
  if (own != order) free(own);
  return g;
}
