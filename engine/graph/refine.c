/* Directed Weisfeiler-Leman refinement on DAGs.
 *
 * The textbook step recolours all vertices at once, and a difference travels one edge per step:
 * a network of 400 layers takes hundreds of steps. In a DAG a sweep in topological order lets
 * each vertex see the *new* colours of its operands, a sweep against it those of its users, so
 * one pair of sweeps carries a difference from end to end. The fixed point is the same: a sweep
 * separates two vertices only if their neighbourhoods differ in the coarsest stable partition,
 * and a partition that a pair of sweeps does not split is stable for both multisets. Real
 * networks need two or three pairs.
 *
 * In- and out-multisets are kept apart. An operand of an ordered op is seen with its slot; a
 * tensor that fills two slots is seen twice. */
#include "engine/graph/refine.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/map.h"

bool ag_op_ordered(ag_op op) {
  return op != AG_OP_ADD && op != AG_OP_MUL;
}

static ag_structure allocate(int size, int slots) {
  size_t n = (size_t)size;
  size_t hashes = n * sizeof(ag_hash), starts = (n + 1) * sizeof(int32_t);
  char *at = ag_alloc(1, hashes + starts + (size_t)slots * sizeof(int32_t) + n);
  ag_structure s = {.size = size, .block = at};
  s.labels = (void *)at, at += hashes;
  s.operand_start = (void *)at, at += starts;
  s.operands = (void *)at, at += (size_t)slots * sizeof(int32_t);
  s.ordered = (void *)at;
  return s;
}

void ag_structure_free(ag_structure *structure) {
  free(structure->block);
  *structure = (ag_structure){0};
}

ag_structure ag_structure_of_graph(const ag_graph *graph, ag_equality equality) {
  ag_structure s = allocate(graph->size, 0);
  s.operand_start = graph->operand_start;
  s.operands = graph->operands;
  for (int i = 0; i < graph->size; i++) {
    s.labels[i] = ag_node_hash(&graph->nodes[i], equality);
    s.ordered[i] = ag_op_ordered(graph->nodes[i].op);
  }
  return s;
}

enum { TAG_PORT = 0x706f7274, TAG_LEAVES = 0x6c656176 };

static ag_hash port_label(ag_shape shape, ag_equality equality) {
  ag_hash h = ag_hash_seed(TAG_PORT);
  if (equality == AG_EQUAL_KIND) return h;
  h = ag_hash_mix(h, (uint64_t)(uint32_t)shape.h << 32 | (uint32_t)shape.w);
  return ag_hash_mix(h, (uint32_t)shape.c);
}

ag_structure ag_structure_of_segment(const ag_segment *segment, ag_equality equality) {
  int ports = segment->inputs, slots = segment->operand_start[segment->size];
  ag_structure s = allocate(ports + segment->size, slots);
  int32_t *start = (int32_t *)s.operand_start, *operands = (int32_t *)s.operands;
  for (int p = 0; p < ports; p++) s.labels[p] = port_label(segment->input_shapes[p], equality);
  for (int i = 0; i < segment->size; i++) {
    s.labels[ports + i] = ag_node_hash(&segment->nodes[i], equality);
    s.ordered[ports + i] = ag_op_ordered(segment->nodes[i].op);
    start[ports + i + 1] = segment->operand_start[i + 1];
  }
  for (int k = 0; k < slots; k++) {
    int32_t operand = segment->operands[k];
    operands[k] = operand < 0 ? ~operand : ports + operand;
  }
  for (int q = 0; q < segment->outputs; q++) {
    ag_hash *label = &s.labels[ports + segment->output_nodes[q]];
    *label = ag_hash_mix(*label, TAG_LEAVES);
  }
  return s;
}

static ag_hash operands_part(const ag_structure *s, int v, const ag_hash *colours) {
  int first = s->operand_start[v], last = s->operand_start[v + 1];
  ag_hash h = ag_hash_seed((uint64_t)(last - first));
  if (s->ordered[v]) {
    for (int k = first; k < last; k++) h = ag_hash_mix_hash(h, colours[s->operands[k]]);
    return h;
  }
  ag_hash sum = {0, 0};
  for (int k = first; k < last; k++)
    sum = ag_hash_add(sum, ag_hash_multiset_term(colours[s->operands[k]]));
  return ag_hash_mix_hash(h, sum);
}

void ag_refine_sweep(const ag_structure *s, ag_hash *colours, ag_hash *sums) {
  for (int v = 0; v < s->size; v++)
    colours[v] = ag_hash_mix_hash(colours[v], operands_part(s, v, colours));
  memset(sums, 0, (size_t)s->size * sizeof *sums);
  for (int v = s->size - 1; v >= 0; v--) {
    colours[v] = ag_hash_mix_hash(colours[v], sums[v]);
    int first = s->operand_start[v];
    for (int k = first; k < s->operand_start[v + 1]; k++) {
      ag_hash seen = s->ordered[v] ? ag_hash_mix(colours[v], (uint64_t)(k - first)) : colours[v];
      ag_hash *sum = &sums[s->operands[k]];
      *sum = ag_hash_add(*sum, ag_hash_multiset_term(seen));
    }
  }
}

static int compare_hashes(const void *a, const void *b) {
  return ag_hash_compare(*(const ag_hash *)a, *(const ag_hash *)b);
}

int ag_colours_sort(const ag_hash *colours, int size, ag_hash *sorted) {
  memcpy(sorted, colours, (size_t)size * sizeof *sorted);
  qsort(sorted, (size_t)size, sizeof *sorted, compare_hashes);
  int classes = size > 0;
  for (int i = 1; i < size; i++) classes += !ag_hash_equal(sorted[i - 1], sorted[i]);
  return classes;
}

int ag_refine(const ag_structure *s, ag_hash *colours) {
  ag_hash *scratch = AG_ARRAY(ag_hash, s->size);
  memcpy(colours, s->labels, (size_t)s->size * sizeof *colours);
  int classes = ag_colours_sort(colours, s->size, scratch), before;
  do {
    before = classes;
    ag_refine_sweep(s, colours, scratch);
    classes = ag_colours_sort(colours, s->size, scratch);
  } while (classes > before);
  free(scratch);
  return classes;
}
