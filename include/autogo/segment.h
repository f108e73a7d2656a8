/* autogo/segment.h - segments: cut out of a graph, given other shapes, put into another.
 *
 * A segment is a contiguous range of nodes cut out of a graph; what lies before is its
 * predecessor P, what lies after its successor C. Its input ports are the distinct
 * tensors that enter it, its output ports the distinct tensors that leave it.
 *
 *   ag_segment_cut(a, 10, 14, &segment, NULL, NULL, &err);
 *   ag_graph_splice(b, 7, 9, segment, inputs, outputs, &child, &err);  // once the shapes fit:
 *   ag_segment_free(segment);                                         // autogo/resolve.h
 *
 * Source: algorithm.md sections 3 and 4. */
#ifndef AUTOGO_SEGMENT_H
#define AUTOGO_SEGMENT_H

#include "autogo/graph.h"

typedef struct ag_segment {
  int size;               /* nodes, in topological order */
  ag_node *nodes;         /* with the shapes of the graph they were cut from */
  int32_t *operand_start; /* size + 1 */
  int32_t *operands;      /* >= 0: node of the segment; < 0: input port ~operand */
  int inputs;             /* input ports, in order of first use */
  ag_shape *input_shapes;
  int outputs; /* output ports, in order of position */
  int32_t *output_nodes;
} ag_segment;

/* Number of operands of a node of a segment. */
static inline int ag_segment_arity(const ag_segment *s, int node) {
  return s->operand_start[node + 1] - s->operand_start[node];
}

/* Cut nodes [first, last) out of `graph`. The caller frees with ag_segment_free. If
 * `input_tensors` / `output_tensors` are not NULL they receive malloc'd arrays with the
 * position in `graph` of the tensor behind each port. O(edges of the range). */
ag_status ag_segment_cut(const ag_graph *graph, int first, int last, ag_segment **segment,
                         int32_t **input_tensors, int32_t **output_tensors, ag_error *err);

/* Number of distinct operands of a node of a segment, input ports included. */
int ag_segment_predecessors(const ag_segment *segment, int node);

/* An empty segment with room for nodes, operands and ports, in one block; fill it and
 * set the counts. Freed by ag_segment_free. */
ag_segment *ag_segment_new(int size, int operands, int inputs, int outputs);
ag_segment *ag_segment_copy(const ag_segment *segment);
void ag_segment_free(ag_segment *segment);

/* Shapes of all nodes from the shapes of the input ports, by ag_node_infer; channels of
 * convolutions as they stand. The error names the node by its number in the segment. */
ag_status ag_segment_infer(ag_segment *segment, const ag_shape *inputs, ag_error *err);

/* Number of nodes that node i reaches, itself not counted; into reach[size]. */
void ag_segment_descendants(const ag_segment *segment, int32_t *reach);

/* Put `replacement` in the place of nodes [first, last) of `graph`.
 *
 * input_map[p]   which input port of the cut (ag_segment_cut order) feeds the
 *                replacement's input port p
 * output_map[q]  which output port of the replacement stands for the cut's output port q
 *
 * The replacement's shapes must already fit. Order of the result: P, replacement, C.
 * Nodes outside keep their records, names and store; new nodes have none; normalisers,
 * family and batch are the parent's.
 * Errors: AG_INVALID when maps or shapes do not fit, naming the node. O(nodes + edges). */
ag_status ag_graph_splice(const ag_graph *graph, int first, int last, const ag_segment *replacement,
                          const int32_t *input_map, const int32_t *output_map,
                          const ag_graph **child, ag_error *err);

/* Canonical hash of a segment, ports included: which nodes the outside feeds, through which
 * distinct tensors, and which tensors leave; the numbering of ports does not count. */
ag_hash ag_segment_hash(const ag_segment *segment, ag_equality equality);
bool ag_segment_isomorphic(const ag_segment *a, const ag_segment *b, ag_equality equality);

#endif
