/* Segments: cutting a range of nodes out of a graph, and shapes inside one. A segment is one
 * allocation:
 *
 *   ag_segment | nodes | input_shapes | operand_start | operands | output_nodes
 *
 * Input ports are numbered in order of first use, output ports in order of position. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autogo/segment.h"
#include "engine/base/alloc.h"
#include "engine/graph/graph_internal.h"

ag_segment *ag_segment_new(int size, int operands, int inputs, int outputs) {
  size_t header = ag_align8(sizeof(ag_segment));
  size_t nodes = ag_align8((size_t)size * sizeof(ag_node));
  size_t shapes = ag_align8((size_t)inputs * sizeof(ag_shape));
  size_t starts = ag_align8(((size_t)size + 1) * sizeof(int32_t));
  size_t slots = ag_align8((size_t)operands * sizeof(int32_t));
  char *at =
      ag_alloc(1, header + nodes + shapes + starts + slots + (size_t)outputs * sizeof(int32_t));
  ag_segment *s = (ag_segment *)(void *)at;
  at += header;
  s->nodes = (void *)at, at += nodes;
  s->input_shapes = (void *)at, at += shapes;
  s->operand_start = (void *)at, at += starts;
  s->operands = (void *)at, at += slots;
  s->output_nodes = (void *)at;
  s->size = size;
  s->inputs = inputs;
  s->outputs = outputs;
  return s;
}

void ag_segment_free(ag_segment *segment) {
  free(segment);
}

ag_segment *ag_segment_copy(const ag_segment *s) {
  int operands = s->operand_start[s->size];
  ag_segment *copy = ag_segment_new(s->size, operands, s->inputs, s->outputs);
  memcpy(copy->nodes, s->nodes, (size_t)s->size * sizeof *s->nodes);
  memcpy(copy->input_shapes, s->input_shapes, (size_t)s->inputs * sizeof *s->input_shapes);
  memcpy(copy->operand_start, s->operand_start, ((size_t)s->size + 1) * sizeof(int32_t));
  memcpy(copy->operands, s->operands, (size_t)operands * sizeof(int32_t));
  memcpy(copy->output_nodes, s->output_nodes, (size_t)s->outputs * sizeof(int32_t));
  return copy;
}

/* The port of `tensor`, a new one if it has none. Ports are few: a linear search. */
static int find_port(int32_t *tensors, int *count, int32_t tensor) {
  for (int p = 0; p < *count; p++)
    if (tensors[p] == tensor) return p;
  tensors[*count] = tensor;
  return (*count)++;
}

static bool leaves(const ag_graph *g, int node, int last) {
  for (int k = g->user_start[node]; k < g->user_start[node + 1]; k++)
    if (g->users[k] >= last) return true;
  return false;
}

ag_status ag_segment_cut(const ag_graph *g, int first, int last, ag_segment **segment,
                         int32_t **input_tensors, int32_t **output_tensors, ag_error *err) {
  if (first < 0 || first >= last || last > g->size)
    return ag_fail(err, AG_INVALID, "nodes %d to %d are not a range of a graph of %d nodes", first,
                   last, g->size);
  int size = last - first, base = g->operand_start[first];
  int slots = g->operand_start[last] - base;
  int32_t *entering = AG_ARRAY(int32_t, slots), *leaving = AG_ARRAY(int32_t, size);
  int inputs = 0, outputs = 0;
  for (int k = 0; k < slots; k++)
    if (g->operands[base + k] < first) find_port(entering, &inputs, g->operands[base + k]);
  for (int i = first; i < last; i++)
    if (leaves(g, i, last)) leaving[outputs++] = i;

  ag_segment *s = ag_segment_new(size, slots, inputs, outputs);
  memcpy(s->nodes, g->nodes + first, (size_t)size * sizeof *s->nodes);
  for (int i = 0; i < size; i++) s->nodes[i].record = -1;
  for (int i = 0; i <= size; i++) s->operand_start[i] = g->operand_start[first + i] - base;
  for (int k = 0; k < slots; k++) {
    int32_t tensor = g->operands[base + k];
    s->operands[k] = tensor < first ? ~find_port(entering, &inputs, tensor) : tensor - first;
  }
  for (int p = 0; p < inputs; p++) s->input_shapes[p] = g->nodes[entering[p]].out;
  for (int q = 0; q < outputs; q++) s->output_nodes[q] = leaving[q] - first;

  *segment = s;
  if (input_tensors)
    *input_tensors = entering;
  else
    free(entering);
  if (output_tensors)
    *output_tensors = leaving;
  else
    free(leaving);
  return AG_OK;
}

static void name_node(const ag_segment *s, int node, ag_status status, ag_error *err) {
  char label[32];
  snprintf(label, sizeof label, "node %d (%s)", node, ag_op_get(s->nodes[node].op)->name);
  ag_error_at_node(err, status, label);
}

ag_status ag_segment_infer(ag_segment *s, const ag_shape *inputs, ag_error *err) {
  ag_shape small[8];
  int slots = s->operand_start[s->size];
  ag_shape *shapes = slots <= 8 ? small : AG_ARRAY(ag_shape, slots);
  ag_status status = AG_OK;
  for (int i = 0; i < s->size && !status; i++) {
    int count = ag_segment_arity(s, i);
    const int32_t *operands = s->operands + s->operand_start[i];
    for (int k = 0; k < count; k++)
      shapes[k] = operands[k] < 0 ? inputs[~operands[k]] : s->nodes[operands[k]].out;
    status = ag_node_infer(&s->nodes[i], shapes, count, err);
    if (!status) status = ag_node_check_counts(&s->nodes[i], count, err);
    if (status) name_node(s, i, status, err);
  }
  if (!status) memmove(s->input_shapes, inputs, (size_t)s->inputs * sizeof *inputs);
  if (shapes != small) free(shapes);
  return status;
}

/* One bit set of descendants per node, built from the last node to the first: a node reaches
 * its users and what they reach. */
void ag_segment_descendants(const ag_segment *s, int32_t *reach) {
  size_t words = ((size_t)s->size + 63) / 64;
  uint64_t small[64];
  uint64_t *sets = small;
  size_t total = (size_t)s->size * words;
  if (total > 64)
    sets = AG_ARRAY(uint64_t, total);
  else
    memset(small, 0, sizeof small);
  for (int i = s->size - 1; i >= 0; i--) {
    uint64_t *own = sets + (size_t)i * words;
    int bits = 0;
    for (size_t w = 0; w < words; w++) bits += __builtin_popcountll(own[w]);
    reach[i] = bits;
    for (int k = s->operand_start[i]; k < s->operand_start[i + 1]; k++) {
      if (s->operands[k] < 0) continue;
      uint64_t *producer = sets + (size_t)s->operands[k] * words;
      for (size_t w = 0; w < words; w++) producer[w] |= own[w];
      producer[i / 64] |= UINT64_C(1) << (i % 64);
    }
  }
  if (sets != small) free(sets);
}
