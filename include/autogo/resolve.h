/* autogo/resolve.h - resolution propagation: make the shapes of a segment fit its place.
 *
 * After a swap the shapes entering the segment and those its successor expects are fixed;
 * inside, convolutions may change stride and output channels, depthwise convolutions and
 * pools their stride; everything else passes shapes on.
 * Source: algorithm.md section 5, published.md. */
#ifndef AUTOGO_RESOLVE_H
#define AUTOGO_RESOLVE_H

#include "autogo/graph.h"

typedef enum ag_formulation { AG_RESOLVE_OURS, AG_RESOLVE_PUBLISHED } ag_formulation;
typedef enum ag_method { AG_RESOLVE_EXACT, AG_RESOLVE_MILP, AG_RESOLVE_EXHAUSTIVE } ag_method;

typedef struct ag_resolve_problem {
  const ag_segment *segment;   /* with its mined shapes: the starting point */
  const ag_shape *inputs;      /* shape of each input port */
  const ag_shape *outputs;     /* shape each output port must have */
  ag_formulation formulation;
} ag_resolve_problem;

typedef struct ag_resolve_result {
  int size;         /* nodes */
  ag_shape *in;     /* owned by the solver, valid until its next call */
  ag_shape *out;
  double objective;
} ag_resolve_result;

/* Working memory of one thread. */
typedef struct ag_solver ag_solver;
ag_solver *ag_solver_new(ag_method method);
void ag_solver_free(ag_solver *solver);

/* Solve. AG_OK fills `result`; AG_INFEASIBLE when no solution exists, with the reason;
 * AG_INVALID when the problem makes no sense, naming the node; AG_LIMIT past the bound. */
ag_status ag_resolve(ag_solver *solver, const ag_resolve_problem *problem,
                     ag_resolve_result *result, ag_error *err);

/* Re-derive validity and objective of a result from the ops table alone. */
ag_status ag_resolve_check(const ag_resolve_problem *problem, const ag_resolve_result *result,
                           ag_error *err);

/* Write a result into a segment of the same structure (usually a copy of the problem's):
 * shapes, strides, groups of depthwise nodes, pads. After it ag_segment_infer with the
 * problem's inputs reproduces exactly these shapes (formulation OURS). */
void ag_resolve_apply(const ag_resolve_problem *problem, const ag_resolve_result *result,
                      ag_segment *segment);

#endif
