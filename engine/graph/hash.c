/* Hashes of nodes, graphs and segments. All are 128 bits wide, built from ag_hash_mix alone, so
 * they are equal on every machine and change only with AG_HASH_VERSION.
 *
 * A graph's hash is the cheap one: a node's forward hash covers all its ancestors, and the
 * graph's covers its outputs and the multiset of all nodes (which tells two equal branches from
 * one used twice). A search changes a few nodes of a graph and follows with the hash by
 * rehashing what lies after them. A segment's hash is the thorough one, by refinement. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/map.h"
#include "engine/graph/forward.h"
#include "engine/graph/refine.h"

enum {
  TAG_NODE = 0x6e6f6465,
  TAG_SIGNATURE = 0x7369676e,
  TAG_GRAPH = 0x67726170,
  TAG_SEGMENT = 0x7365676d
};

static ag_hash mix_pair(ag_hash h, int32_t a, int32_t b) {
  return ag_hash_mix(h, (uint64_t)(uint32_t)a << 32 | (uint32_t)b);
}

static ag_hash mix_shape(ag_hash h, ag_shape s) {
  return ag_hash_mix(mix_pair(h, s.h, s.w), (uint32_t)s.c);
}

/* A depthwise has as many groups as channels, which is a matter of shape, not of kind. */
static bool is_grouped(const ag_node *n) {
  return n->op != AG_OP_DEPTHWISE && n->groups > 1;
}

static ag_hash mix_kind(ag_hash h, const ag_node *n) {
  h = ag_hash_mix(h, (uint64_t)n->op | (uint64_t)n->padding << 8 | (uint64_t)n->bias << 16 |
                         (uint64_t)n->flags << 24 | (uint64_t)is_grouped(n) << 32);
  h = mix_pair(h, n->kernel[0], n->kernel[1]);
  return mix_pair(h, n->dilation[0], n->dilation[1]);
}

static ag_hash mix_amounts(ag_hash h, const ag_node *n) {
  h = mix_pair(h, n->stride[0], n->stride[1]);
  h = mix_pair(h, n->pads[0], n->pads[1]);
  h = mix_pair(h, n->pads[2], n->pads[3]);
  h = ag_hash_mix(h, (uint32_t)n->groups);
  if (n->macs) h = ag_hash_mix(h, (uint64_t)n->macs);
  return mix_shape(mix_shape(h, n->in), n->out);
}

/* A slope is part of what is computed; the epsilon of a batch norm belongs to its statistics.
 * Compared as bits: equal on every machine. */
static ag_hash mix_slope(ag_hash h, const ag_node *n) {
  uint32_t bits = 0;
  if (n->op != AG_OP_BATCHNORM && n->alpha != 0) memcpy(&bits, &n->alpha, sizeof bits);
  return ag_hash_mix(h, bits);
}

ag_hash ag_node_hash(const ag_node *node, ag_equality equality) {
  ag_hash h = mix_kind(ag_hash_seed(TAG_NODE + (uint64_t)equality), node);
  return equality == AG_EQUAL_KIND ? h : mix_slope(mix_amounts(h, node), node);
}

ag_hash ag_node_signature(const ag_node *node, int predecessors) {
  ag_hash h = mix_kind(ag_hash_seed(TAG_SIGNATURE), node);
  return ag_hash_mix(mix_amounts(h, node), (uint64_t)predecessors);
}

ag_hash ag_hash_multiset_term(ag_hash h) {
  return ag_forward_term(h);
}

ag_hash ag_node_hash_forward(const ag_node *node, const ag_hash *operands, int count) {
  ag_hash h = ag_forward_own(node, count);
  if (ag_op_ordered(node->op)) {
    for (int i = 0; i < count; i++) h = ag_hash_mix_hash(h, operands[i]);
    return h;
  }
  ag_hash sum = {0, 0};
  for (int i = 0; i < count; i++) sum = ag_hash_add(sum, ag_forward_term(operands[i]));
  return ag_hash_mix_hash(h, sum);
}

ag_hash ag_hash_finish_graph(ag_hash outputs, ag_hash multiset_sum, int size) {
  ag_hash h = ag_hash_mix(ag_hash_seed(TAG_GRAPH), (uint64_t)size);
  return ag_hash_mix_hash(ag_hash_mix_hash(h, outputs), multiset_sum);
}

static int largest_arity(const ag_graph *graph) {
  int largest = 0;
  for (int i = 0; i < graph->size; i++)
    if (ag_graph_arity(graph, i) > largest) largest = ag_graph_arity(graph, i);
  return largest;
}

ag_hash ag_graph_hash(const ag_graph *graph) {
  ag_hash *hashes = AG_ARRAY(ag_hash, graph->size);
  ag_hash *row = AG_ARRAY(ag_hash, largest_arity(graph));
  ag_hash outputs = {0, 0}, sum = {0, 0};
  for (int i = 0; i < graph->size; i++) {
    const int32_t *operands = ag_graph_operands(graph, i);
    int count = ag_graph_arity(graph, i);
    for (int k = 0; k < count; k++) row[k] = hashes[operands[k]];
    hashes[i] = ag_node_hash_forward(&graph->nodes[i], row, count);
    ag_hash term = ag_forward_term(hashes[i]);
    sum = ag_hash_add(sum, term);
    if (graph->nodes[i].op == AG_OP_OUTPUT) outputs = ag_hash_add(outputs, term);
  }
  free(row);
  free(hashes);
  return ag_hash_finish_graph(outputs, sum, graph->size);
}

ag_hash ag_segment_hash(const ag_segment *segment, ag_equality equality) {
  ag_structure s = ag_structure_of_segment(segment, equality);
  ag_hash *colours = AG_ARRAY(ag_hash, s.size), sum = {0, 0};
  ag_refine(&s, colours);
  for (int v = 0; v < s.size; v++) sum = ag_hash_add(sum, ag_hash_multiset_term(colours[v]));
  ag_hash h = ag_hash_seed(TAG_SEGMENT + (uint64_t)equality);
  h = mix_pair(h, segment->size, segment->inputs);
  h = ag_hash_mix(h, (uint64_t)segment->outputs);
  free(colours);
  ag_structure_free(&s);
  return ag_hash_mix_hash(h, sum);
}
