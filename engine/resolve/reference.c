/* Where a problem starts: each node's reference, the output shape that the input shapes give when
 * pushed forward with the mined strides and channel ratios, and what the node may do from there.
 * Pushing never fails: a size that cannot be is taken as 1, since the reference only says what is
 * near; whether anything fits is for propagation to find out. */
#include "engine/resolve/problem.h"

ag_shape ag_mined_shape(const ag_segment *s, int32_t operand) {
  return operand < 0 ? s->input_shapes[~operand] : s->nodes[operand].out;
}

/* The operand a node's input shape is that of. In the published model ports count only for nodes
 * without an operand inside the segment. For a join mined with a 1x1 scale it is a larger one. */
int32_t ag_lead_operand(const ag_resolve_model *m, int node) {
  const ag_segment *s = m->segment;
  const int32_t *operands = s->operands + s->operand_start[node];
  int arity = ag_segment_arity(s, node);
  for (int k = 0; k < arity; k++) {
    if (m->formulation == AG_RESOLVE_PUBLISHED) {
      if (operands[k] >= 0) return operands[k];
    } else {
      ag_shape mined = ag_mined_shape(s, operands[k]), out = s->nodes[node].out;
      if (ag_op_get(s->nodes[node].op)->rule != AG_RULE_JOIN) return operands[k];
      if (mined.h == out.h && mined.w == out.w) return operands[k];
    }
  }
  return operands[0];
}

static int32_t clamp_size(int64_t size) {
  return size < 1 ? 1 : size > INT32_MAX ? INT32_MAX : (int32_t)size;
}

static int32_t window_size(const ag_node *n, int dim, int32_t in) {
  return clamp_size(ag_strided_size(n, dim, in));
}

/* in * to / from, to the nearest multiple of `unit`, at least one of it. */
static int32_t scale_channels(int32_t in, int32_t from, int32_t to, int32_t unit) {
  int64_t scaled = (int64_t)in * to, per = (int64_t)from * unit;
  int64_t units = scaled / per + (scaled % per >= per - scaled % per);
  if (units < 1) return unit;
  return units > INT32_MAX / unit ? INT32_MAX : (int32_t)(units * unit);
}

/* Blocks of pixels into channels, channels into blocks, or each pixel into a block. */
static ag_shape push_blocks(const ag_node *n, ag_shape in) {
  int64_t block = (int64_t)n->stride[0] * n->stride[1];
  if (ag_op_get(n->op)->rule == AG_RULE_FOLD)
    return (ag_shape){clamp_size(in.h / n->stride[0]), clamp_size(in.w / n->stride[1]),
                      clamp_size(block > INT32_MAX ? INT32_MAX : in.c * block)};
  ag_shape out = {clamp_size((int64_t)in.h * n->stride[0]),
                  clamp_size((int64_t)in.w * n->stride[1]), in.c};
  if (n->op == AG_OP_TRANSPOSED_CONV)
    out.c = scale_channels(in.c, n->in.c, n->out.c, 1);
  else if (ag_op_get(n->op)->rule == AG_RULE_UNFOLD)
    out.c = clamp_size(in.c / block);
  return out;
}

static ag_shape push_node(const ag_node *n, ag_shape in, int64_t concat_channels) {
  ag_shape out = in;
  switch (ag_op_get(n->op)->rule) {
  case AG_RULE_STRIDED:
    out.h = window_size(n, 0, in.h);
    out.w = window_size(n, 1, in.w);
    if (n->op == AG_OP_CONV) out.c = scale_channels(in.c, n->in.c, n->out.c, n->groups);
    return out;
  case AG_RULE_DENSE:
    out.c = scale_channels(in.c, n->in.c, n->out.c, 1);
    return out;
  case AG_RULE_GLOBAL:
    out.h = out.w = 1;
    return out;
  case AG_RULE_CONCAT:
    out.c = clamp_size(concat_channels);
    return out;
  case AG_RULE_PAD:
    out.h = clamp_size((int64_t)in.h + n->pads[0] + n->pads[2]);
    out.w = clamp_size((int64_t)in.w + n->pads[1] + n->pads[3]);
    return out;
  case AG_RULE_FOLD:
  case AG_RULE_UNFOLD:
  case AG_RULE_UPSAMPLE:
    return push_blocks(n, in);
  default:
    return in;
  }
}

bool ag_reads_slice(const ag_segment *s, int i, int32_t operand) {
  return (s->nodes[i].flags & AG_FLAG_SLICE) && ag_mined_shape(s, operand).c > s->nodes[i].in.c;
}

void ag_resolve_push(ag_resolve_model *m) {
  const ag_segment *s = m->segment;
  for (int i = 0; i < s->size; i++) {
    int64_t sum = 0;
    for (int k = s->operand_start[i]; k < s->operand_start[i + 1]; k++) {
      int32_t o = s->operands[k];
      sum += o < 0 ? m->problem->inputs[~o].c : m->node[o].reference.c;
    }
    int32_t lead = ag_lead_operand(m, i);
    ag_shape in = lead < 0 ? m->problem->inputs[~lead] : m->node[lead].reference;
    if (ag_reads_slice(s, i, lead))
      in.c = clamp_size((int64_t)in.c * s->nodes[i].in.c / ag_mined_shape(s, lead).c);
    m->node[i].reference =
        m->formulation == AG_RESOLVE_PUBLISHED && ag_op_get(s->nodes[i].op)->rule != AG_RULE_STRIDED
            ? in
            : push_node(&s->nodes[i], in, sum);
  }
}

int ag_stride_candidates(int32_t s, int32_t *list) {
  int count = 0;
  list[count++] = s;
  if (s % 2 == 0 && s > 2) list[count++] = s / 2;
  if (s > 1) list[count++] = 1;
  if (s <= INT32_MAX / 2) list[count++] = 2 * s;
  if (s <= INT32_MAX / 4) list[count++] = 4 * s;
  return count;
}

void ag_resolve_describe(ag_resolve_model *m, int i) {
  const ag_node *n = &m->segment->nodes[i];
  ag_resolve_node *r = &m->node[i];
  const ag_op_info *op = ag_op_get(n->op);
  bool strided = op->mutable_dims & AG_MUTABLE_STRIDE;
  if (m->formulation == AG_RESOLVE_PUBLISHED) strided = strided && n->op != AG_OP_DEPTHWISE;
  r->adapts = strided;
  for (int d = 0; d < 2; d++)
    r->strides[d] = strided ? ag_stride_candidates(n->stride[d], r->stride[d]) : 0;
}

int64_t ag_node_charge(const ag_resolve_node *n, ag_shape in, ag_shape out) {
  if (!n->adapts) return n->weight * ((int64_t)in.h + in.w + in.c);
  ag_shape r = n->reference;
  int64_t change = ((int64_t)out.h + out.w + out.c) - ((int64_t)r.h + r.w + r.c);
  int64_t narrowed = r.c > out.c ? r.c - out.c : 0;
  int64_t shrunk = ((int64_t)in.h - out.h) + ((int64_t)in.w - out.w);
  return n->weight * (narrowed + (change < 0 ? -change : change) + shrunk);
}
