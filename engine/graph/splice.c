/* Splicing a replacement into a graph: the positions of the child are P as it was, then the
 * replacement, then C moved by the difference in size. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autogo/segment.h"
#include "engine/base/alloc.h"
#include "engine/graph/graph_internal.h"

struct splice {
  const ag_graph *parent;
  int first, last;
  const ag_segment *replacement;
  const int32_t *input_map, *output_map;
  ag_segment *cut;
  int32_t *entering, *leaving; /* tensors of the parent behind the cut's ports */
};

static ag_status check_maps(const struct splice *s, ag_error *err) {
  for (int p = 0; p < s->replacement->inputs; p++)
    if (s->input_map[p] < 0 || s->input_map[p] >= s->cut->inputs)
      return ag_fail(err, AG_INVALID, "input port %d is mapped to port %d of %d", p,
                     s->input_map[p], s->cut->inputs);
  for (int q = 0; q < s->cut->outputs; q++)
    if (s->output_map[q] < 0 || s->output_map[q] >= s->replacement->outputs)
      return ag_fail(err, AG_INVALID, "output port %d is mapped to port %d of %d", q,
                     s->output_map[q], s->replacement->outputs);
  return AG_OK;
}

/* Where a tensor of the parent, read by a node of C, is found in the child. */
static int32_t moved(const struct splice *s, int32_t tensor) {
  if (tensor < s->first) return tensor;
  if (tensor >= s->last) return tensor + s->replacement->size - (s->last - s->first);
  for (int q = 0;; q++)
    if (s->leaving[q] == tensor) return s->first + s->replacement->output_nodes[s->output_map[q]];
}

static void copy_names(const struct splice *s, ag_graph *child) {
  const ag_graph *parent = s->parent;
  int shift = s->replacement->size - (s->last - s->first);
  const char **names = ag_graph_names_mut(child);
  for (int i = 0; i < parent->size; i++)
    if (i < s->first || i >= s->last) names[i < s->first ? i : i + shift] = parent->names[i];
}

static ag_graph *assemble(const struct splice *s) {
  const ag_graph *p = s->parent;
  const ag_segment *r = s->replacement;
  int cut_slots = p->operand_start[s->last] - p->operand_start[s->first];
  int new_slots = r->operand_start[r->size];
  int tail = p->size - s->last;
  ag_graph *g = ag_graph_allocate(s->first + r->size + tail,
                                  p->operand_start[p->size] - cut_slots + new_slots,
                                  p->names != NULL, p->name, p->family, p->store);
  ag_node *nodes = ag_graph_nodes_mut(g);
  memcpy(nodes, p->nodes, (size_t)s->first * sizeof *nodes);
  memcpy(nodes + s->first, r->nodes, (size_t)r->size * sizeof *nodes);
  memcpy(nodes + s->first + r->size, p->nodes + s->last, (size_t)tail * sizeof *nodes);
  for (int i = 0; i < r->size; i++) nodes[s->first + i].record = -1;

  int32_t *start = ag_graph_starts_mut(g), *operands = ag_graph_operands_mut(g);
  int head_slots = p->operand_start[s->first];
  memcpy(start, p->operand_start, (size_t)s->first * sizeof *start);
  memcpy(operands, p->operands, (size_t)head_slots * sizeof *operands);
  for (int i = 0; i < r->size; i++) start[s->first + i] = head_slots + r->operand_start[i];
  for (int k = 0; k < new_slots; k++) {
    int32_t o = r->operands[k];
    operands[head_slots + k] = o < 0 ? s->entering[s->input_map[~o]] : s->first + o;
  }
  int shift = new_slots - cut_slots;
  for (int i = s->last; i <= p->size; i++)
    start[i - s->last + s->first + r->size] = p->operand_start[i] + shift;
  for (int k = p->operand_start[s->last]; k < p->operand_start[p->size]; k++)
    operands[k + shift] = moved(s, p->operands[k]);
  if (p->names) copy_names(s, g);
  g->normalisers = p->normalisers;
  g->dynamic_batch = p->dynamic_batch;
  ag_graph_index_users(g);
  return g;
}

ag_status ag_graph_splice(const ag_graph *graph, int first, int last, const ag_segment *replacement,
                          const int32_t *input_map, const int32_t *output_map,
                          const ag_graph **child, ag_error *err) {
  struct splice s = {graph, first, last, replacement, input_map, output_map, NULL, NULL, NULL};
  ag_status status = ag_segment_cut(graph, first, last, &s.cut, &s.entering, &s.leaving, err);
  if (status) return status;
  status = check_maps(&s, err);
  if (!status) {
    ag_graph *g = assemble(&s);
    status = ag_graph_check(g, err);
    if (status)
      ag_graph_release(g);
    else
      *child = g;
  }
  ag_segment_free(s.cut);
  free(s.entering);
  free(s.leaving);
  return status;
}
