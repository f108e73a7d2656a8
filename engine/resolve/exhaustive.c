/* The baseline: every combination of candidates, node by node in topological order, each shape
 * by the ops table's own rule (ag_node_infer). A combination is dropped at the first node where
 * it breaks. It uses references, weights and channel candidates of the model but none of its merged
 * variables, which is what makes it a check on them.
 *
 * Invariant: before node i, shapes of nodes 0 .. i-1 are valid by themselves and meet every
 * output port among them. */
#include <string.h>

#include "engine/resolve/problem.h"

enum { TRIALS = 1 << 22, TRIALS_PER_ASKING = 1 << 10 };

typedef struct enumeration {
  const ag_resolve_model *model;
  ag_shape *in, *out; /* the combination at hand */
  ag_shape *best_in, *best_out;
  const ag_shape **required; /* per node: the shape an output port asks for, or NULL */
  ag_shape *operands;        /* of one node */
  int64_t cost, best;
  int trials;
  bool stopped;
} enumeration;

static void try_node(enumeration *x, int i);

static ag_shape tensor_shape(const enumeration *x, int32_t operand) {
  return operand < 0 ? x->model->problem->inputs[~operand] : x->out[operand];
}

/* Node i has the shapes in[i] and out[i]: go on with the next, if the surroundings allow. */
static void accept(enumeration *x, int i) {
  if (x->required[i] && !ag_shape_equal(*x->required[i], x->out[i])) return;
  int64_t charge = ag_node_charge(&x->model->node[i], x->in[i], x->out[i]);
  x->cost += charge;
  try_node(x, i + 1);
  x->cost -= charge;
}

/* --- formulation OURS ------------------------------------------------------------------------- */

/* Channels read of an operand: all, or the mined fraction. */
static int32_t channels_read(const enumeration *x, int i, int32_t operand) {
  const ag_node *n = &x->model->segment->nodes[i];
  int32_t mined = ag_mined_shape(x->model->segment, operand).c, c = tensor_shape(x, operand).c;
  if (!(n->flags & AG_FLAG_SLICE) || mined <= n->in.c) return c;
  return (int32_t)((int64_t)c * n->in.c / mined);
}

/* A join keeps the roles its operands were mined with; *lead is one of those at full size. */
static bool join_roles(const enumeration *x, int i, int32_t *lead) {
  const ag_segment *s = x->model->segment;
  ag_shape out = s->nodes[i].out;
  bool found = false;
  for (int k = s->operand_start[i]; k < s->operand_start[i + 1]; k++) {
    ag_shape mined = ag_mined_shape(s, s->operands[k]), now = tensor_shape(x, s->operands[k]);
    bool scale = mined.h == 1 && mined.w == 1 && (out.h != 1 || out.w != 1);
    if (scale && (now.h != 1 || now.w != 1)) return false;
    if (scale && mined.c == 1 && out.c != 1 && now.c != 1) return false;
    if (!scale && !found) *lead = s->operands[k];
    found |= !scale;
  }
  return found;
}

/* After inference: full operands have the output's H and W, and everyone its channels. */
static bool join_fits(const enumeration *x, int i, const ag_node *n) {
  const ag_segment *s = x->model->segment;
  ag_shape out = s->nodes[i].out;
  for (int k = s->operand_start[i]; k < s->operand_start[i + 1]; k++) {
    ag_shape mined = ag_mined_shape(s, s->operands[k]), now = tensor_shape(x, s->operands[k]);
    bool scale = mined.h == 1 && mined.w == 1 && (out.h != 1 || out.w != 1);
    if (!scale && (now.h != n->out.h || now.w != n->out.w)) return false;
    if (scale && mined.c == 1 && out.c != 1) continue;
    if (channels_read(x, i, s->operands[k]) != n->out.c) return false;
  }
  return true;
}

static bool infer(enumeration *x, int i, ag_node *n) {
  const ag_segment *s = x->model->segment;
  int arity = ag_segment_arity(s, i);
  const int32_t *operands = s->operands + s->operand_start[i];
  bool join = ag_op_get(n->op)->rule == AG_RULE_JOIN;
  int32_t lead = operands[0];
  if (join && !join_roles(x, i, &lead)) return false;
  for (int k = 0; k < arity; k++) x->operands[k] = tensor_shape(x, operands[k]);
  n->in.c = channels_read(x, i, lead);
  if (ag_node_infer(n, x->operands, arity, NULL)) return false;
  return !join || join_fits(x, i, n);
}

static bool near(int32_t size, int32_t reference) {
  return 4 * (int64_t)size >= reference && size <= 4 * (int64_t)reference;
}

static void try_strides(enumeration *x, int i, int32_t channels) {
  const ag_resolve_node *r = &x->model->node[i];
  const ag_node *mined = &x->model->segment->nodes[i];
  bool tied = mined->stride[0] == mined->stride[1];
  ag_shape seen[AG_RESOLVE_MAX_IMAGES];
  int distinct = 0;
  for (int a = 0; a < r->strides[0]; a++)
    for (int b = tied ? a : 0; b < (tied ? a + 1 : r->strides[1]); b++) {
      ag_node n = *mined;
      n.stride[0] = r->stride[0][a];
      n.stride[1] = r->stride[1][b];
      n.out.c = channels;
      if (!infer(x, i, &n)) continue;
      if (!near(n.out.h, r->reference.h) || !near(n.out.w, r->reference.w)) continue;
      bool known = false;
      for (int k = 0; k < distinct; k++) known |= ag_shape_equal(seen[k], n.out);
      if (known) continue;
      seen[distinct++] = n.out;
      x->in[i] = n.in;
      x->out[i] = n.out;
      accept(x, i);
    }
}

static bool keep_ratio(const enumeration *x, int i, ag_node *n) {
  if (n->op != AG_OP_TRANSPOSED_CONV && n->op != AG_OP_MATMUL) return true;
  const ag_segment *s = x->model->segment;
  int32_t c = channels_read(x, i, s->operands[s->operand_start[i]]);
  int64_t scaled = (int64_t)c * n->out.c;
  if (scaled % n->in.c || scaled / n->in.c > INT32_MAX) return false;
  n->out.c = (int32_t)(scaled / n->in.c);
  return n->op == AG_OP_MATMUL || (c % n->groups == 0 && n->out.c % n->groups == 0);
}

static void try_ours(enumeration *x, int i) {
  ag_node n = x->model->segment->nodes[i];
  if (n.op == AG_OP_CONV) {
    int32_t list[8];
    int count = ag_conv_channels(x->model, i, list);
    for (int k = 0; k < count; k++) try_strides(x, i, list[k]);
  } else if (x->model->node[i].adapts) {
    try_strides(x, i, n.out.c);
  } else if (keep_ratio(x, i, &n) && infer(x, i, &n)) {
    if (n.op == AG_OP_CHANNEL_SHUFFLE && n.in.c % n.groups) return;
    x->in[i] = n.in;
    x->out[i] = n.out;
    accept(x, i);
  }
}

/* --- formulation PUBLISHED ----------------------------------------------------------------- */

static bool published_range(ag_shape s) {
  return s.h >= 2 && s.w >= 2 && s.c >= 2 && s.h <= 10000 && s.w <= 10000 && s.c <= 10000;
}

/* The input shape: that of the operands inside the segment, which agree, or of the port. */
static bool published_input(enumeration *x, int i) {
  const ag_segment *s = x->model->segment;
  bool inner = false;
  for (int k = s->operand_start[i]; k < s->operand_start[i + 1]; k++) {
    int32_t o = s->operands[k];
    if (o < 0) continue;
    if (inner && !ag_shape_equal(x->in[i], x->out[o])) return false;
    x->in[i] = x->out[o];
    inner = true;
  }
  if (!inner) x->in[i] = tensor_shape(x, s->operands[s->operand_start[i]]);
  return published_range(x->in[i]);
}

static void try_published(enumeration *x, int i) {
  const ag_node *n = &x->model->segment->nodes[i];
  ag_shape r = x->model->node[i].reference;
  if (n->op == AG_OP_CONCAT || !published_input(x, i)) return;
  if (!x->model->node[i].adapts) {
    x->out[i] = x->in[i];
    accept(x, i);
    return;
  }
  int32_t list[8] = {x->in[i].c};
  int count = n->op == AG_OP_CONV ? ag_conv_channels(x->model, i, list) : 1;
  for (int a = 1; a <= 4; a *= 2)
    for (int b = 1; b <= 4; b *= 2)
      for (int k = 0; k < count; k++) {
        ag_shape out = {r.h / a, r.w / b, list[k]};
        if (!published_range(out) || out.h > x->in[i].h || out.w > x->in[i].w) continue;
        x->out[i] = out;
        accept(x, i);
      }
}

/* --- the walk ------------------------------------------------------------------------------ */

static void try_node(enumeration *x, int i) {
  int size = x->model->segment->size;
  if (x->stopped || x->trials >= TRIALS) return;
  if (x->trials++ % TRIALS_PER_ASKING == 0) x->stopped = ag_resolve_stopped(x->model);
  if (i < size) {
    if (x->model->formulation == AG_RESOLVE_OURS)
      try_ours(x, i);
    else
      try_published(x, i);
  } else if (x->cost < x->best) {
    x->best = x->cost;
    memcpy(x->best_in, x->in, (size_t)size * sizeof *x->in);
    memcpy(x->best_out, x->out, (size_t)size * sizeof *x->out);
  }
}

/* Two output ports may name one node; they must agree. */
static bool collect_required(enumeration *x) {
  const ag_segment *s = x->model->segment;
  memset(x->required, 0, (size_t)s->size * sizeof *x->required);
  for (int q = 0; q < s->outputs; q++) {
    const ag_shape *want = &x->model->problem->outputs[q];
    const ag_shape **slot = &x->required[s->output_nodes[q]];
    if (*slot && !ag_shape_equal(**slot, *want)) return false;
    *slot = want;
  }
  return true;
}

ag_status ag_resolve_exhaustive(const ag_resolve_model *m, ag_shape *in, ag_shape *out,
                                ag_error *err) {
  const ag_segment *s = m->segment;
  enumeration x = {.model = m, .best_in = in, .best_out = out, .best = INT64_MAX};
  x.in = AG_TAKE(m->scratch, ag_shape, s->size);
  x.out = AG_TAKE(m->scratch, ag_shape, s->size);
  x.required = AG_TAKE(m->scratch, const ag_shape *, s->size);
  x.operands = AG_TAKE(m->scratch, ag_shape, s->operand_start[s->size]);
  if (collect_required(&x)) try_node(&x, 0);
  if (x.stopped) return ag_fail(err, AG_INTERRUPTED, "stopped on request");
  if (x.trials >= TRIALS)
    return ag_fail(err, AG_LIMIT, "more than %d partial combinations", TRIALS);
  if (x.best == INT64_MAX) return ag_fail(err, AG_INFEASIBLE, "no combination of candidates fits");
  return AG_OK;
}
