/* Colour refinement shared by the hash, the isomorphism test and the canonical order.
 *
 * A structure is a labelled DAG in topological order: the nodes of a graph, or the input ports
 * of a segment followed by its nodes. A colouring gives each vertex a 128-bit colour; colours
 * are values, equal in any two structures whose vertices look alike, so that two structures
 * refined equally often can be compared directly. */
#ifndef AG_GRAPH_REFINE_H
#define AG_GRAPH_REFINE_H

#include "autogo/segment.h"

typedef struct ag_structure {
  int size;
  ag_hash *labels;              /* what a vertex is, without its neighbours */
  const int32_t *operand_start; /* size + 1 */
  const int32_t *operands;
  uint8_t *ordered; /* 1 = the order of the operands counts */
  void *block;
} ag_structure;

/* A structure borrows from the graph or segment it was made of. */
ag_structure ag_structure_of_graph(const ag_graph *graph, ag_equality equality);
ag_structure ag_structure_of_segment(const ag_segment *segment, ag_equality equality);
void ag_structure_free(ag_structure *structure);

/* Whether the order of the operands counts. */
bool ag_op_ordered(ag_op op);

/* One sweep over the colours: forward, each vertex learns the new colours of its operands;
 * backward, those of its users. `sums` is scratch of the same size. O(vertices + edges). */
void ag_refine_sweep(const ag_structure *structure, ag_hash *colours, ag_hash *sums);

/* Sweep from the labels until no class splits; at least once. Returns the number of classes. */
int ag_refine(const ag_structure *structure, ag_hash *colours);

/* The colours sorted into `sorted`; returns how many are distinct. O(n log n). */
int ag_colours_sort(const ag_hash *colours, int size, ag_hash *sorted);

#endif
