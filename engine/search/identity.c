/* The identity of a child without making it. Hashes of P stand as they are; those of the
 * replacement and of what follows in C are computed anew, for a forward hash covers all
 * ancestors. What that takes in C is the same for every child of a source, so it is written down
 * once, as a program: the nodes of C that descend from the cut, each with the constant part of its
 * hash and its operands as codes,
 *
 *   code < 0                    node ~code of the parent, which no child changes
 *   0 .. outputs - 1            output port of the cut
 *   outputs + i                 step i of the program
 *
 * and the sums over all nodes that no child changes. Result: exactly ag_graph_hash of the graph
 * ag_graph_splice would make. */
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/graph/forward.h"
#include "engine/graph/refine.h"
#include "engine/search/search_internal.h"

/* A tensor's forward hash and its term in a multiset. */
struct ag_mark {
  ag_hash hash, term;
};

static struct ag_mark mark(ag_hash hash) {
  return (struct ag_mark){hash, ag_forward_term(hash)};
}

static ag_hash add_operand(ag_hash h, bool ordered, struct ag_mark operand) {
  return ordered ? ag_hash_mix_hash(h, operand.hash) : ag_hash_add(h, operand.term);
}

/* --- parents ------------------------------------------------------------------------------ */

void ag_parent_init(struct parent *parent, const ag_graph *g) {
  ag_hash outputs = {0, 0}, sum = {0, 0};
  parent->graph = g;
  parent->flops = ag_graph_flops(g);
  parent->own = AG_ARRAY(ag_hash, g->size);
  parent->marks = AG_ARRAY(struct ag_mark, g->size);
  for (int i = 0; i < g->size; i++) {
    const int32_t *operands = ag_graph_operands(g, i);
    int count = ag_graph_arity(g, i);
    bool ordered = ag_op_ordered(g->nodes[i].op);
    parent->own[i] = ag_forward_own(&g->nodes[i], count);
    ag_hash h = ordered ? parent->own[i] : (ag_hash){0, 0};
    for (int k = 0; k < count; k++) h = add_operand(h, ordered, parent->marks[operands[k]]);
    parent->marks[i] = mark(ordered ? h : ag_hash_mix_hash(parent->own[i], h));
    sum = ag_hash_add(sum, parent->marks[i].term);
    if (g->nodes[i].op == AG_OP_OUTPUT) outputs = ag_hash_add(outputs, parent->marks[i].term);
  }
  parent->hash = ag_hash_finish_graph(outputs, sum, g->size);
}

void ag_parent_free(struct parent *parent) {
  for (int i = 0; i < parent->source_count; i++) ag_source_free(&parent->sources[i]);
  free(parent->sources);
  free(parent->own);
  free(parent->marks);
}

/* --- the program of a source ---------------------------------------------------------------- */

struct ag_step {
  ag_hash own;
  int32_t first, count; /* codes of its operands */
  bool ordered, output;
};

static bool descends(const ag_graph *g, const struct source *s, const int32_t *step, int node) {
  const int32_t *operands = ag_graph_operands(g, node);
  for (int k = 0; k < ag_graph_arity(g, node); k++) {
    int32_t u = operands[k];
    if (u >= s->first && (u < s->last || step[u - s->last] >= 0)) return true;
  }
  return false;
}

static int32_t code_of(const struct source *s, const int32_t *step, int32_t tensor) {
  if (tensor < s->first) return ~tensor;
  if (tensor >= s->last) {
    int32_t k = step[tensor - s->last];
    return k < 0 ? ~tensor : s->cut->outputs + k;
  }
  for (int q = 0;; q++)
    if (s->leaving[q] == tensor) return q;
}

static void add_fixed(struct tail *tail, const struct parent *parent, int node) {
  ag_hash term = parent->marks[node].term;
  tail->sum = ag_hash_add(tail->sum, term);
  if (parent->graph->nodes[node].op == AG_OP_OUTPUT)
    tail->outputs = ag_hash_add(tail->outputs, term);
}

static void add_step(struct tail *tail, const struct parent *parent, const struct source *s,
                     int32_t *step, int node) {
  const ag_graph *g = parent->graph;
  struct ag_step *t = &tail->steps[tail->count];
  int first = tail->count ? t[-1].first + t[-1].count : 0;
  *t = (struct ag_step){.own = parent->own[node],
                        .first = first,
                        .count = ag_graph_arity(g, node),
                        .ordered = ag_op_ordered(g->nodes[node].op),
                        .output = g->nodes[node].op == AG_OP_OUTPUT};
  for (int k = 0; k < t->count; k++)
    tail->codes[first + k] = code_of(s, step, ag_graph_operands(g, node)[k]);
  step[node - s->last] = tail->count++;
}

void ag_tail_init(struct tail *tail, const struct parent *parent, const struct source *s) {
  const ag_graph *g = parent->graph;
  int after = g->size - s->last;
  int32_t *step = AG_ARRAY(int32_t, after);
  *tail = (struct tail){.steps = AG_ARRAY(struct ag_step, after)};
  tail->codes = AG_ARRAY(int32_t, g->operand_start[g->size] - g->operand_start[s->last]);
  for (int i = 0; i < s->first; i++) add_fixed(tail, parent, i);
  for (int i = s->last; i < g->size; i++) {
    step[i - s->last] = -1;
    if (descends(g, s, step, i))
      add_step(tail, parent, s, step, i);
    else
      add_fixed(tail, parent, i);
  }
  free(step);
}

void ag_tail_free(struct tail *tail) {
  free(tail->steps);
  free(tail->codes);
}

/* --- children ------------------------------------------------------------------------------- */

/* Marks of the replacement's nodes; returns their sum. */
static ag_hash hash_replacement(const struct parent *parent, const struct source *source,
                                const ag_child *c, struct ag_mark *inner) {
  const ag_segment *s = c->segment;
  ag_hash sum = {0, 0};
  for (int i = 0; i < s->size; i++) {
    const int32_t *operands = s->operands + s->operand_start[i];
    int count = ag_segment_arity(s, i);
    bool ordered = ag_op_ordered(s->nodes[i].op);
    ag_hash own = ag_forward_own(&s->nodes[i], count), h = ordered ? own : (ag_hash){0, 0};
    for (int k = 0; k < count; k++)
      h = add_operand(h, ordered,
                      operands[k] < 0 ? parent->marks[source->entering[c->input_map[~operands[k]]]]
                                      : inner[operands[k]]);
    inner[i] = mark(ordered ? h : ag_hash_mix_hash(own, h));
    sum = ag_hash_add(sum, inner[i].term);
  }
  return sum;
}

/* A row of marks, one per child. Along a chain of nodes each hash waits for the one before; the
 * lanes do not wait for each other, which keeps the processor's multipliers busy. */
struct ag_lanes {
  struct ag_mark lane[AG_LANES];
};

/* The mark of an operand in a lane: the same in all of them, if no child changes it. */
static const struct ag_mark *operand_lanes(const struct parent *parent, const struct ag_lanes *row,
                                           int32_t code, int *stride) {
  *stride = code < 0 ? 0 : 1;
  return code < 0 ? &parent->marks[~code] : row[code].lane;
}

static void run_step(const struct parent *parent, const struct tail *tail, const struct ag_step *t,
                     const struct ag_lanes *row, struct ag_lanes *out) {
  const int32_t *codes = tail->codes + t->first;
  ag_hash h[AG_LANES];
  int stride;
  for (int l = 0; l < AG_LANES; l++) h[l] = t->ordered ? t->own : (ag_hash){0, 0};
  for (int k = 0; k < t->count; k++) {
    const struct ag_mark *x = operand_lanes(parent, row, codes[k], &stride);
    if (t->ordered)
      for (int l = 0; l < AG_LANES; l++) h[l] = ag_hash_mix_hash(h[l], x[l * stride].hash);
    else
      for (int l = 0; l < AG_LANES; l++) h[l] = ag_hash_add(h[l], x[l * stride].term);
  }
  if (!t->ordered)
    for (int l = 0; l < AG_LANES; l++) h[l] = ag_hash_mix_hash(t->own, h[l]);
  for (int l = 0; l < AG_LANES; l++) out->lane[l] = mark(h[l]);
}

/* Run the program over `row`, whose first entries are the output ports, adding to the sums. */
static void hash_successors(const struct parent *parent, const struct tail *tail,
                            const struct ag_lanes *row, struct ag_lanes *out, ag_hash *sums,
                            ag_hash *outputs) {
  for (const struct ag_step *t = tail->steps; t < tail->steps + tail->count; t++, out++) {
    run_step(parent, tail, t, row, out);
    for (int l = 0; l < AG_LANES; l++) {
      sums[l] = ag_hash_add(sums[l], out->lane[l].term);
      if (t->output) outputs[l] = ag_hash_add(outputs[l], out->lane[l].term);
    }
  }
}

static struct ag_mark *room(struct marks *marks, int count) {
  if (count > marks->capacity) {
    marks->capacity = 2 * count;
    free(marks->row);
    marks->row = AG_ARRAY(struct ag_mark, marks->capacity);
  }
  return marks->row;
}

void ag_hash_children(const struct parent *parent, const struct source *source,
                      const struct tail *tail, ag_child *children, int count,
                      struct marks *scratch) {
  int ports = source->cut->outputs, most = 0;
  for (int l = 0; l < count; l++)
    if (children[l].segment->size > most) most = children[l].segment->size;
  struct ag_mark *inner = room(scratch, most + (ports + tail->count) * AG_LANES);
  struct ag_lanes *row = (struct ag_lanes *)(inner + most);
  ag_hash sums[AG_LANES] = {{0, 0}}, outputs[AG_LANES] = {{0, 0}};
  for (int l = 0; l < count; l++) {
    const ag_child *c = &children[l];
    sums[l] = ag_hash_add(tail->sum, hash_replacement(parent, source, c, inner));
    outputs[l] = tail->outputs;
    for (int q = 0; q < ports; q++)
      row[q].lane[l] = inner[c->segment->output_nodes[c->output_map[q]]];
  }
  hash_successors(parent, tail, row, row + ports, sums, outputs);
  for (int l = 0; l < count; l++) {
    int size = parent->graph->size - (source->last - source->first) + children[l].segment->size;
    children[l].hash = ag_hash_finish_graph(outputs[l], sums[l], size);
  }
}
