/* autogo/resolve.h - resolution propagation: make the shapes of a segment fit its place.
 *
 * After a swap the shapes entering the segment and those its successor expects are fixed;
 * inside, convolutions may change stride and output channels, depthwise convolutions and
 * pools their stride; everything else passes shapes on.
 *
 *   ag_solver *solver = ag_solver_new(AG_RESOLVE_EXACT);        // one per thread
 *   ag_shape in = {32, 32, 16}, out = {16, 16, 32};
 *   ag_resolve_problem p = {segment, &in, &out, AG_RESOLVE_OURS};
 *   ag_resolve_result r;
 *   if (!ag_resolve(solver, &p, &r, &err)) ag_resolve_apply(&p, &r, copy_of_segment);
 *   ag_solver_free(solver);
 *
 * REFERENCE. The input shapes are pushed forward through the segment with its mined strides,
 * and with the mined ratio out.c / in.c of every node that may choose its channels (rounded to
 * the nearest multiple of its groups), so a bottleneck's narrow middle stays narrow at another
 * width. h0, w0, c0 below is the output shape of a node so found.
 *
 * CANDIDATES, formulation OURS:
 *   - H and W of a strided node: what the true shape formula gives for a stride of s, s/2, 1,
 *     2s or 4s (s: mined), within [h0/4, 4 h0] and [w0/4, 4 w0]. Both dimensions take the same
 *     factor unless the node was mined with two different strides.
 *   - output channels of a convolution: c0/2, c0, 2 c0; also the value that a port fixes for the
 *     tensors its output is joined with; also, where it runs through a concat into such a
 *     tensor, its mined channels times that tensor's fixed over its mined channels. Only
 *     multiples of its groups; a grouped reader needs multiples of its groups as well.
 *   - all other nodes follow the ops table. Operands of a join that were mined as 1x1 beside
 *     larger ones must be 1x1 again; transposed convolutions and matmuls keep their channel
 *     ratio; a node that reads only the first channels of a tensor (AG_FLAG_SLICE) keeps the
 *     fraction it reads, rounded down.
 * Formulation PUBLISHED: h in {h0, h0/2, h0/4}, w likewise and independently, c in {2 c0, c0,
 * c0/2}, integer division, all sizes 2 to 10000, h <= h_in, w <= w_in; only convolutions (h, w,
 * c) and pools (h, w) are free; a concat is infeasible; ports bind only nodes without an operand
 * inside the segment.
 *
 * OBJECTIVE (both, to be minimised). Sum over nodes of the number of descendants times
 *   max(0, c0 - c) + |(h + w + c) - (h0 + w0 + c0)| + (h_in - h) + (w_in - w)
 * for convolutions, pools and, in OURS, depthwise convolutions; h_in + w_in + c_in for others.
 *
 * Several solutions may share the optimum. Each solver always returns the same one: EXACT
 * decides spatial sizes and channels in an order that depends on the problem alone and takes the
 * smallest optimal value each time. Solvers agree on feasibility and objective, not on this choice.
 * Where one size can be had by several strides, the first of s, s/2, 1, 2s, 4s is written.
 *
 * Source: algorithm.md section 5, published.md. */
#ifndef AUTOGO_RESOLVE_H
#define AUTOGO_RESOLVE_H

#include "autogo/segment.h"

typedef enum ag_formulation { AG_RESOLVE_OURS, AG_RESOLVE_PUBLISHED } ag_formulation;
typedef enum ag_method { AG_RESOLVE_EXACT, AG_RESOLVE_MILP, AG_RESOLVE_EXHAUSTIVE } ag_method;

typedef struct ag_resolve_problem {
  const ag_segment *segment; /* with its mined shapes: the starting point */
  const ag_shape *inputs;    /* shape of each input port */
  const ag_shape *outputs;   /* shape each output port must have */
  ag_formulation formulation;
} ag_resolve_problem;

typedef struct ag_resolve_result {
  int size;     /* nodes */
  ag_shape *in; /* owned by the solver, valid until its next call */
  ag_shape *out;
  double objective;
} ag_resolve_result;

/* Working memory of one thread. EXACT allocates nothing once it has met its largest problem;
 * MILP is lp_solve on the merged one-hot variables that propagation leaves open; EXHAUSTIVE
 * tries every combination in node order. */
typedef struct ag_solver ag_solver;
ag_solver *ag_solver_new(ag_method method);
void ag_solver_free(ag_solver *solver);

/* Remember up to `entries` results by (segment, port shapes, formulation); 0 turns it off, as it is
 * at first. A newer result takes the slot of an older one. Answers do not change, except that an
 * infeasible problem that is met again is only looked up when `err` is NULL. Hashing a problem
 * takes as long as EXACT does for most: a search with it, where one problem in four comes again, is
 * no faster for a memory. */
void ag_solver_remember(ag_solver *solver, int entries);
int64_t ag_solver_remembered(const ag_solver *solver); /* answers taken from memory so far */

/* `stop` is asked now and then during MILP and EXHAUSTIVE: true ends them with AG_INTERRUPTED. */
void ag_solver_set_stop(ag_solver *solver, bool (*stop)(void *context), void *context);

/* Solve. `result` is filled on AG_OK and its arrays hold one shape per node.
 *
 * AG_INFEASIBLE  no solution exists, with the reason
 * AG_INVALID     the problem makes no sense (operands out of order, a size below 1, a dead end,
 *                an output port that names no node), naming the node
 * AG_INTERRUPTED as asked by the function given to ag_solver_set_stop
 * AG_UNSUPPORTED an op that has no place in a segment (opaque, input, flatten), naming the node
 * AG_LIMIT       more than 1024 nodes, 4096 channel sums of a concat, or the solver's bound on
 *                work, which is a count and not a clock: EXACT 30 million table entries, MILP
 *                200,000 of lp_solve's iterations, EXHAUSTIVE 2^22 partial assignments
 *
 * EXACT: O(n d^3) for n nodes and d candidates where the merged variables form a series-parallel
 * graph, as nearly all segments do; a branch for each variable beyond. */
ag_status ag_resolve(ag_solver *solver, const ag_resolve_problem *problem,
                     ag_resolve_result *result, ag_error *err);

/* Re-derive validity and objective of a result from the ops table alone; AG_INVALID names the
 * node that is wrong. Shares no code with the solvers. */
ag_status ag_resolve_check(const ag_resolve_problem *problem, const ag_resolve_result *result,
                           ag_error *err);

/* Write a result into a segment of the same structure (usually a copy of the problem's):
 * shapes, strides, groups of depthwise nodes. After it ag_segment_infer with the problem's
 * inputs reproduces exactly these shapes (formulation OURS). */
void ag_resolve_apply(const ag_resolve_problem *problem, const ag_resolve_result *result,
                      ag_segment *segment);

/* --- problem files ------------------------------------------------------------------------- */

/* A problem with its memory; the shapes at its input ports are segment->input_shapes. */
typedef struct ag_resolve_instance {
  ag_segment *segment;
  ag_shape *outputs;
  bool answered; /* the file says what the answer is: */
  bool feasible;
  double objective;
} ag_resolve_instance;

typedef struct ag_resolve_instances {
  int size;
  ag_resolve_instance *instance;
} ag_resolve_instances;

/* Read problems from JSON: an array of them, or one.
 *
 *   {"nodes": [{"op": "conv", "in": [32,32,16], "out": [16,16,32], "strides": [2,2]}, ...],
 *    "edges": [[0,1], ...], "targets": {"1": [8,8,32]}, "feasible": true, "objective": 96}
 *
 * Shapes are those found by pushing the input shapes forward: each node's must follow from its
 * operands. Nodes are named by their number, operands before their users; a pair that occurs twice
 * is an operand used twice. What a node needs beyond its edges comes from outside through an input
 * port of its own, of shape "in" (one operand of a lone op, the second of a join, the missing
 * channels of a concat). A target is the shape that an output port must have. Nodes may have the
 * attributes of CG JSON (ag_graph_load_json). A window without a kernel is 3x3; without strides it
 * has the smallest that give its sizes, with "same" padding if any do, else "valid", unless the
 * file says which. The answer ("feasible", "objective") may be absent.
 *
 * Several parts without an edge between them are one problem, as segments may span branches; a node
 * that neither another node nor a target takes anything from is an error.
 *
 * Errors name problem and node, and when loading the file: AG_FORMAT for what is not such a file
 * (sizes outside [1, 2^31), edges against the order of the nodes, targets of nodes that do not
 * exist, shapes that do not follow); AG_INVALID, AG_UNSUPPORTED and AG_LIMIT as ag_resolve, also
 * above 256 MiB. O(bytes). Free with ag_resolve_instances_free. */
ag_status ag_resolve_load(const char *path, ag_resolve_instances **list, ag_error *err);
ag_status ag_resolve_parse(const char *text, size_t length, ag_resolve_instances **list,
                           ag_error *err);
void ag_resolve_instances_free(ag_resolve_instances *list); /* NULL is allowed */

/* A problem of a file as ag_resolve takes it; valid as long as the instance. */
static inline ag_resolve_problem ag_resolve_instance_problem(const ag_resolve_instance *instance,
                                                             ag_formulation formulation) {
  const ag_segment *s = instance->segment;
  return (ag_resolve_problem){s, s->input_shapes, instance->outputs, formulation};
}

#endif
