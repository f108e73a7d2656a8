/* The identity of a child without making it. Hashes of P stand as they are; those of the
 * replacement and of what follows in C are computed anew, for a forward hash covers all
 * ancestors; the multiset sum takes P's part from a prefix sum. Result: exactly
 * ag_graph_hash of the graph ag_graph_splice would make. */
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/search/search_internal.h"

static ag_hash add(ag_hash a, ag_hash b) {
  return (ag_hash){a.hi + b.hi, a.lo + b.lo};
}

static int widest(const ag_graph *g) {
  int most = 0;
  for (int i = 0; i < g->size; i++)
    if (ag_graph_arity(g, i) > most) most = ag_graph_arity(g, i);
  return most;
}

void ag_parent_init(struct parent *parent, const ag_graph *g) {
  parent->graph = g;
  parent->flops = ag_graph_flops(g);
  parent->hashes = AG_ARRAY(ag_hash, g->size);
  parent->prefix = AG_ARRAY(ag_hash, g->size + 1);
  parent->arity = widest(g);
  ag_hash *row = AG_ARRAY(ag_hash, parent->arity);
  for (int i = 0; i < g->size; i++) {
    const int32_t *operands = ag_graph_operands(g, i);
    int count = ag_graph_arity(g, i);
    for (int k = 0; k < count; k++) row[k] = parent->hashes[operands[k]];
    parent->hashes[i] = ag_node_hash_forward(&g->nodes[i], row, count);
    parent->prefix[i + 1] = add(parent->prefix[i], ag_hash_multiset_term(parent->hashes[i]));
  }
  free(row);
}

void ag_parent_free(struct parent *parent) {
  free(parent->hashes);
  free(parent->prefix);
}

/* Hashes of a child under construction: `inner` for the replacement, `after` for C (indexed by
 * position in the parent, less `last`). */
struct rehash {
  const struct parent *parent;
  const struct source *source;
  const ag_segment *segment;
  const int32_t *output_map;
  ag_hash *inner, *after, *row;
};

static ag_hash tensor_hash(const struct rehash *r, int32_t tensor) {
  if (tensor < r->source->first) return r->parent->hashes[tensor];
  if (tensor >= r->source->last) return r->after[tensor - r->source->last];
  for (int q = 0;; q++)
    if (r->source->leaving[q] == tensor)
      return r->inner[r->segment->output_nodes[r->output_map[q]]];
}

static int widest_of(const struct parent *parent, const ag_segment *s) {
  int most = parent->arity;
  for (int i = 0; i < s->size; i++)
    if (ag_segment_arity(s, i) > most) most = ag_segment_arity(s, i);
  return most;
}

static ag_hash hash_replacement(struct rehash *r, const int32_t *input_map, ag_hash sum) {
  const ag_segment *s = r->segment;
  for (int i = 0; i < s->size; i++) {
    int count = ag_segment_arity(s, i);
    for (int k = 0; k < count; k++) {
      int32_t o = s->operands[s->operand_start[i] + k];
      r->row[k] = o < 0 ? r->parent->hashes[r->source->entering[input_map[~o]]] : r->inner[o];
    }
    r->inner[i] = ag_node_hash_forward(&s->nodes[i], r->row, count);
    sum = add(sum, ag_hash_multiset_term(r->inner[i]));
  }
  return sum;
}

static ag_hash hash_successor(struct rehash *r, ag_hash sum, ag_hash *outputs) {
  const ag_graph *g = r->parent->graph;
  int last = r->source->last;
  for (int i = last; i < g->size; i++) {
    const int32_t *operands = ag_graph_operands(g, i);
    int count = ag_graph_arity(g, i);
    for (int k = 0; k < count; k++) r->row[k] = tensor_hash(r, operands[k]);
    r->after[i - last] = ag_node_hash_forward(&g->nodes[i], r->row, count);
    ag_hash term = ag_hash_multiset_term(r->after[i - last]);
    sum = add(sum, term);
    if (g->nodes[i].op == AG_OP_OUTPUT) *outputs = add(*outputs, term);
  }
  return sum;
}

ag_hash ag_child_hash(const struct parent *parent, const struct source *source,
                      const ag_segment *segment, const int32_t *input_map,
                      const int32_t *output_map) {
  const ag_graph *g = parent->graph;
  int tail = g->size - source->last;
  ag_hash *memory = AG_ARRAY(ag_hash, segment->size + tail + widest_of(parent, segment));
  struct rehash r = {parent,
                     source,
                     segment,
                     output_map,
                     memory,
                     memory + segment->size,
                     memory + segment->size + tail};
  ag_hash outputs = {0, 0};
  for (int i = 0; i < source->first; i++) /* an output may stand early in the order */
    if (g->nodes[i].op == AG_OP_OUTPUT)
      outputs = add(outputs, ag_hash_multiset_term(parent->hashes[i]));
  ag_hash sum = hash_replacement(&r, input_map, parent->prefix[source->first]);
  sum = hash_successor(&r, sum, &outputs);
  free(memory);
  return ag_hash_finish_graph(outputs, sum, source->first + segment->size + tail);
}
