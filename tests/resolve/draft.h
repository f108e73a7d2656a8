/* Segments put together node by node, for problems made by hand. */
#ifndef TESTS_RESOLVE_DRAFT_H
#define TESTS_RESOLVE_DRAFT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/resolve.h"

enum { NODES = 40 };

typedef struct draft {
  ag_segment *s;
  int slots;
} draft;

static inline draft begin(int inputs, ag_shape mined) {
  draft d = {.s = ag_segment_new(NODES, 4 * NODES, inputs, NODES)};
  d.s->size = d.s->outputs = 0;
  for (int p = 0; p < inputs; p++) d.s->input_shapes[p] = mined;
  return d;
}

static inline int put(draft *d, ag_node n, int count, const int *operands) {
  ag_segment *s = d->s;
  assert_true(s->size < NODES);
  s->nodes[s->size] = n;
  for (int k = 0; k < count; k++) s->operands[d->slots++] = operands[k];
  s->operand_start[++s->size] = d->slots;
  return s->size - 1;
}

static inline ag_node make(ag_op op, int kernel, int channels) {
  ag_node n = ag_node_make(op);
  n.kernel[0] = n.kernel[1] = kernel;
  n.out.c = channels;
  return n;
}

static inline int conv(draft *d, int from, int channels) {
  return put(d, make(AG_OP_CONV, 3, channels), 1, &from);
}

static inline int join(draft *d, ag_op op, int a, int b) {
  return put(d, ag_node_make(op), 2, (int[]){a, b});
}

static inline void leave(draft *d, int node) {
  d->s->output_nodes[d->s->outputs++] = node;
}

static inline ag_segment *finish(draft *d) {
  ag_error err;
  ag_shape inputs[8];
  memcpy(inputs, d->s->input_shapes, (size_t)d->s->inputs * sizeof *inputs);
  if (ag_segment_infer(d->s, inputs, &err)) fail_msg("%s: %s", err.node, err.message);
  return d->s;
}

#endif
