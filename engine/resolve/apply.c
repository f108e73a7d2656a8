/* From a result back to a segment: each strided node gets the first of its candidate strides that
 * gives the sizes of the result; all else the shapes determine. */
#include <string.h>

#include "engine/resolve/problem.h"

static void set_strides(ag_node *n, ag_shape in, ag_shape out) {
  int32_t list[2][AG_RESOLVE_MAX_STRIDES];
  int count[2];
  ag_node probe = *n;
  bool tied = n->stride[0] == n->stride[1];
  for (int d = 0; d < 2; d++) count[d] = ag_stride_candidates(n->stride[d], list[d]);
  for (int a = 0; a < count[0]; a++)
    for (int b = tied ? a : 0; b < (tied ? a + 1 : count[1]); b++) {
      probe.stride[0] = list[0][a];
      probe.stride[1] = list[1][b];
      if (ag_strided_size(&probe, 0, in.h) != out.h || ag_strided_size(&probe, 1, in.w) != out.w)
        continue;
      memcpy(n->stride, probe.stride, sizeof n->stride);
      return;
    }
}

void ag_resolve_apply(const ag_resolve_problem *problem, const ag_resolve_result *result,
                      ag_segment *segment) {
  for (int i = 0; i < segment->size; i++) {
    ag_node *n = &segment->nodes[i];
    bool strided = ag_op_get(n->op)->mutable_dims & AG_MUTABLE_STRIDE;
    if (strided) set_strides(n, result->in[i], result->out[i]);
    n->in = result->in[i];
    n->out = result->out[i];
    if (n->op == AG_OP_DEPTHWISE) n->groups = n->in.c;
  }
  memcpy(segment->input_shapes, problem->inputs, (size_t)segment->inputs * sizeof *problem->inputs);
}
