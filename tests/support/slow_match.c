#include "tests/support/slow_match.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

typedef struct slow {
  const ag_segment *a, *b;
  ag_equality equality;
  int32_t *image, *port; /* of nodes and input ports; -1 = open */
  bool *taken;
} slow;

static bool leaves(const ag_segment *s, int node) {
  for (int q = 0; q < s->outputs; q++)
    if (s->output_nodes[q] == node) return true;
  return false;
}

static bool same_node(const slow *m, int v, int w) {
  const ag_node *x = &m->a->nodes[v], *y = &m->b->nodes[w];
  bool dense = (x->groups > 1) == (y->groups > 1) || x->op == AG_OP_DEPTHWISE;
  if (x->op != y->op || x->padding != y->padding || x->bias != y->bias || x->flags != y->flags ||
      memcmp(x->kernel, y->kernel, sizeof x->kernel) ||
      memcmp(x->dilation, y->dilation, sizeof x->dilation) || !dense ||
      leaves(m->a, v) != leaves(m->b, w))
    return false;
  return m->equality == AG_EQUAL_KIND ||
         (!memcmp(x->stride, y->stride, sizeof x->stride) && x->groups == y->groups &&
          !memcmp(x->pads, y->pads, sizeof x->pads) && ag_shape_equal(x->in, y->in) &&
          ag_shape_equal(x->out, y->out));
}

/* Match the operands of v and w slot by slot; for add and mul try every way, from slot k on. */
static bool extend(slow *m, int v);

static bool bind_port(slow *m, int from, int to) {
  if (m->port[from] >= 0) return false;
  for (int p = 0; p < m->a->inputs; p++)
    if (m->port[p] == to) return false;
  return m->equality == AG_EQUAL_KIND ||
         ag_shape_equal(m->a->input_shapes[from], m->b->input_shapes[to]);
}

static bool operands_match(slow *m, int v, int w, int k, uint64_t used) {
  const int32_t *x = m->a->operands + m->a->operand_start[v];
  const int32_t *y = m->b->operands + m->b->operand_start[w];
  int count = ag_segment_arity(m->a, v);
  if (k == count) return extend(m, v + 1);
  bool unordered = m->a->nodes[v].op == AG_OP_ADD || m->a->nodes[v].op == AG_OP_MUL;
  for (int j = unordered ? 0 : k; j < (unordered ? count : k + 1); j++) {
    if (used >> j & 1 || (x[k] < 0) != (y[j] < 0)) continue;
    uint64_t more = used | UINT64_C(1) << j;
    if (x[k] >= 0) {
      if (m->image[x[k]] == y[j] && operands_match(m, v, w, k + 1, more)) return true;
    } else if (m->port[~x[k]] == ~y[j]) {
      if (operands_match(m, v, w, k + 1, more)) return true;
    } else if (bind_port(m, ~x[k], ~y[j])) {
      m->port[~x[k]] = ~y[j];
      if (operands_match(m, v, w, k + 1, more)) return true;
      m->port[~x[k]] = -1;
    }
  }
  return false;
}

static bool extend(slow *m, int v) {
  if (v == m->a->size) return true;
  for (int w = 0; w < m->b->size; w++) {
    if (m->taken[w] || !same_node(m, v, w) ||
        ag_segment_arity(m->a, v) != ag_segment_arity(m->b, w))
      continue;
    m->taken[w] = true, m->image[v] = w;
    if (operands_match(m, v, w, 0, 0)) return true;
    m->taken[w] = false;
  }
  return false;
}

bool slow_isomorphic(const ag_segment *a, const ag_segment *b, ag_equality equality) {
  if (a->size != b->size || a->inputs != b->inputs || a->outputs != b->outputs) return false;
  slow m = {a,
            b,
            equality,
            AG_ARRAY(int32_t, a->size),
            AG_ARRAY(int32_t, a->inputs),
            AG_ARRAY(bool, a->size)};
  for (int p = 0; p < a->inputs; p++) m.port[p] = -1;
  bool found = extend(&m, 0);
  free(m.image);
  free(m.port);
  free(m.taken);
  return found;
}
