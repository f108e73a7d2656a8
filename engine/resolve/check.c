/* Proof of a result. The shapes of each node are derived anew by ag_node_infer from those of its
 * operands, for some permitted stride; candidates, references and objective are re-derived here,
 * on purpose without the solvers' code, so that a mistake there does not confirm itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/resolve/problem.h"

typedef struct proof {
  const ag_resolve_problem *problem;
  const ag_resolve_result *result;
  const ag_segment *segment;
  bool published;
  ag_shape *reference; /* per node */
  ag_shape *operands;
  int32_t *reach;
  ag_error *err;
} proof;

static ag_status wrong(proof *p, int i, const char *what) {
  char label[64];
  ag_resolve_node_label(p->segment, i, label, sizeof label);
  ag_fail(p->err, AG_INVALID, "%s", what);
  return ag_error_at_node(p->err, AG_INVALID, label);
}

static ag_shape mined_of(const proof *p, int32_t o) {
  return o < 0 ? p->segment->input_shapes[~o] : p->segment->nodes[o].out;
}

static ag_shape shape_of(const proof *p, int32_t o) {
  return o < 0 ? p->problem->inputs[~o] : p->result->out[o];
}

static bool adapts(const proof *p, int i) {
  uint8_t op = p->segment->nodes[i].op;
  if (op == AG_OP_DEPTHWISE) return !p->published;
  return op == AG_OP_CONV || op == AG_OP_MAXPOOL || op == AG_OP_AVGPOOL;
}

/* The first operand at full size (not a 1x1 scale of a join); PUBLISHED: inside the segment. */
static int32_t main_operand(const proof *p, int i) {
  const ag_segment *s = p->segment;
  const ag_node *n = &s->nodes[i];
  for (int k = s->operand_start[i]; k < s->operand_start[i + 1]; k++) {
    int32_t o = s->operands[k];
    ag_shape m = mined_of(p, o);
    if (p->published
            ? o >= 0
            : (n->op != AG_OP_ADD && n->op != AG_OP_MUL) || (m.h == n->out.h && m.w == n->out.w))
      return o;
  }
  return s->operands[s->operand_start[i]];
}

/* Channels read of `available`: all, or the mined fraction rounded down. */
static int32_t read_channels(const proof *p, int i, int32_t operand, int32_t available) {
  const ag_node *n = &p->segment->nodes[i];
  int32_t mined = mined_of(p, operand).c;
  if (!(n->flags & AG_FLAG_SLICE) || mined <= n->in.c) return available;
  int64_t part = (int64_t)available * n->in.c / mined;
  return part < 1 ? 1 : (int32_t)part;
}

/* --- references ------------------------------------------------------------------------------ */

static int32_t within(int64_t size) {
  return (int32_t)(size < 1 ? 1 : size > INT32_MAX ? INT32_MAX : size);
}

/* c * to / from to the nearest multiple of unit, halves upward, by the definition of "nearest". */
static int32_t nearest_multiple(int32_t c, int32_t from, int32_t to, int32_t unit) {
  double exact = (double)c * to / from / unit;
  int64_t units = (int64_t)exact;
  /* Decide the half exactly: 2 c to >= (2 units + 1) from unit. */
  while (2 * (__int128)c * to >= (2 * (__int128)units + 1) * from * unit) units++;
  while (units > 0 && 2 * (__int128)c * to < (2 * (__int128)units - 1) * from * unit) units--;
  return within(units < 1 ? unit : units * unit);
}

static int64_t concat_channels(const proof *p, int i) {
  const ag_segment *s = p->segment;
  int64_t c = 0;
  for (int k = s->operand_start[i]; k < s->operand_start[i + 1]; k++) {
    int32_t o = s->operands[k];
    c += o < 0 ? p->problem->inputs[~o].c : p->reference[o].c;
  }
  return c;
}

static ag_shape reference_of(const proof *p, int i) {
  const ag_node *n = &p->segment->nodes[i];
  int32_t lead = main_operand(p, i);
  ag_shape in = lead < 0 ? p->problem->inputs[~lead] : p->reference[lead];
  in.c = read_channels(p, i, lead, in.c);
  bool windowed = n->op == AG_OP_CONV || n->op == AG_OP_MAXPOOL || n->op == AG_OP_AVGPOOL ||
                  n->op == AG_OP_DEPTHWISE;
  if (p->published && !windowed) return in;
  int64_t h = in.h, w = in.w, c = in.c, a = n->stride[0], b = n->stride[1];
  switch (ag_op_get(n->op)->rule) {
  case AG_RULE_STRIDED:
    h = ag_strided_size(n, 0, in.h), w = ag_strided_size(n, 1, in.w);
    break;
  case AG_RULE_GLOBAL:
    h = w = 1;
    break;
  case AG_RULE_PAD:
    h += n->pads[0] + n->pads[2], w += n->pads[1] + n->pads[3];
    break;
  case AG_RULE_FOLD:
    h /= a, w /= b, c = a * b > INT32_MAX ? INT32_MAX : c * a * b;
    break;
  case AG_RULE_UNFOLD:
    h *= a, w *= b, c /= a * b;
    break;
  case AG_RULE_UPSAMPLE:
    h *= a, w *= b;
    break;
  case AG_RULE_CONCAT:
    c = concat_channels(p, i);
    break;
  default:
    break;
  }
  if (n->op == AG_OP_CONV || n->op == AG_OP_TRANSPOSED_CONV || n->op == AG_OP_MATMUL)
    c = nearest_multiple(in.c, n->in.c, n->out.c, n->op == AG_OP_CONV ? n->groups : 1);
  return (ag_shape){within(h), within(w), within(c)};
}

/* --- candidates ---------------------------------------------------------------------------- */

/* Is `value` the mined channels of node i in the proportion that some port demands? With the same
 * mined channels as the port's, that is the port's own value. */
static bool follows_port(const proof *p, int i, int32_t value) {
  const ag_segment *s = p->segment;
  int64_t mined = s->nodes[i].out.c;
  for (int k = 0; k < s->inputs; k++)
    if ((int64_t)value * s->input_shapes[k].c == mined * p->problem->inputs[k].c) return true;
  for (int q = 0; q < s->outputs; q++)
    if (value * (int64_t)s->nodes[s->output_nodes[q]].out.c == mined * p->problem->outputs[q].c)
      return true;
  return value == 1 && mined == 1;
}

static bool permitted_channels(const proof *p, int i) {
  const ag_node *n = &p->segment->nodes[i];
  int32_t c = p->result->out[i].c;
  int64_t r = p->reference[i].c;
  if (n->op != AG_OP_CONV) return true;
  if (c == r || c == r / 2 || c == 2 * r) return true;
  return !p->published && follows_port(p, i, c);
}

static bool close_to(int64_t size, int64_t reference) {
  return 4 * size >= reference && size <= 4 * reference;
}

static bool quarter_of(int32_t size, int32_t reference) {
  return size == reference || size == reference / 2 || size == reference / 4;
}

/* --- one node ------------------------------------------------------------------------------ */

static bool infers(proof *p, int i, ag_node *n) {
  const ag_segment *s = p->segment;
  int arity = ag_segment_arity(s, i);
  for (int k = 0; k < arity; k++)
    p->operands[k] = shape_of(p, s->operands[s->operand_start[i] + k]);
  n->in = p->result->in[i];
  n->out = p->result->out[i];
  return ag_node_infer(n, p->operands, arity, NULL) == AG_OK &&
         ag_shape_equal(n->in, p->result->in[i]) && ag_shape_equal(n->out, p->result->out[i]);
}

/* factor[k] / 4 of the mined stride, or a stride of one. */
static int32_t permitted_stride(int32_t mined, int k) {
  static const int quarters[4] = {4, 2, 8, 16};
  if (k == 4) return 1;
  int64_t scaled = (int64_t)mined * quarters[k];
  return scaled % 4 || scaled / 4 > INT32_MAX ? 0 : (int32_t)(scaled / 4);
}

static bool infers_with_some_stride(proof *p, int i) {
  const ag_node *mined = &p->segment->nodes[i];
  for (int a = 0; a < 5; a++)
    for (int b = 0; b < 5; b++) {
      if (a != b && mined->stride[0] == mined->stride[1]) continue;
      ag_node n = *mined;
      n.stride[0] = permitted_stride(mined->stride[0], a);
      n.stride[1] = permitted_stride(mined->stride[1], b);
      if (n.stride[0] > 0 && n.stride[1] > 0 && infers(p, i, &n)) return true;
    }
  return false;
}

static ag_status check_ours(proof *p, int i) {
  const ag_node *n = &p->segment->nodes[i];
  ag_shape in = p->result->in[i], out = p->result->out[i], r = p->reference[i];
  ag_node copy = *n;
  if (adapts(p, i) ? !infers_with_some_stride(p, i) : !infers(p, i, &copy))
    return wrong(p, i, "shapes do not follow from the operands");
  if (adapts(p, i) && !(close_to(out.h, r.h) && close_to(out.w, r.w)))
    return wrong(p, i, "size too far from the reference");
  if (!permitted_channels(p, i)) return wrong(p, i, "channels are no candidate");
  if (n->op == AG_OP_CHANNEL_SHUFFLE && in.c % n->groups)
    return wrong(p, i, "groups do not divide the channels");
  bool ratio = n->op == AG_OP_TRANSPOSED_CONV || n->op == AG_OP_MATMUL;
  if (ratio && (int64_t)in.c * n->out.c != (int64_t)out.c * n->in.c)
    return wrong(p, i, "the channel ratio has changed");
  int32_t lead = main_operand(p, i);
  if (in.c != read_channels(p, i, lead, shape_of(p, lead).c) && n->op != AG_OP_CONCAT)
    return wrong(p, i, "reads another part of its operand's channels");
  return AG_OK;
}

static ag_status check_published(proof *p, int i) {
  const ag_segment *s = p->segment;
  const ag_node *n = &s->nodes[i];
  ag_shape in = p->result->in[i], out = p->result->out[i], r = p->reference[i];
  int32_t lead = main_operand(p, i);
  if (!ag_shape_equal(in, shape_of(p, lead))) return wrong(p, i, "input is not its operand");
  for (int k = s->operand_start[i]; k < s->operand_start[i + 1]; k++) {
    int32_t o = s->operands[k];
    if (o >= 0 && !ag_shape_equal(in, shape_of(p, o))) return wrong(p, i, "operands differ");
  }
  if (in.h < 2 || in.w < 2 || in.c < 2 || in.h > 10000 || in.w > 10000 || in.c > 10000 ||
      out.h < 2 || out.w < 2 || out.c < 2 || out.h > 10000 || out.w > 10000 || out.c > 10000)
    return wrong(p, i, "size outside 2 to 10000");
  if (n->op == AG_OP_CONCAT) return wrong(p, i, "the published model has no concat");
  if (!adapts(p, i)) return ag_shape_equal(in, out) ? AG_OK : wrong(p, i, "changes its shape");
  if (!quarter_of(out.h, r.h) || !quarter_of(out.w, r.w) || out.h > in.h || out.w > in.w)
    return wrong(p, i, "size is no candidate");
  if (n->op != AG_OP_CONV) return out.c == in.c ? AG_OK : wrong(p, i, "a pool keeps channels");
  return permitted_channels(p, i) ? AG_OK : wrong(p, i, "channels are no candidate");
}

static double charge(const proof *p, int i) {
  ag_shape in = p->result->in[i], out = p->result->out[i], r = p->reference[i];
  double size_in = (double)in.h + in.w + in.c;
  if (!adapts(p, i)) return p->reach[i] * size_in;
  double change = ((double)out.h + out.w + out.c) - ((double)r.h + r.w + r.c);
  double terms = change < 0 ? -change : change;
  if (r.c > out.c) terms += (double)r.c - out.c;
  terms += (double)in.h - out.h + (double)in.w - out.w;
  return p->reach[i] * terms;
}

static ag_status check_all(proof *p) {
  const ag_segment *s = p->segment;
  double objective = 0;
  for (int i = 0; i < s->size; i++) {
    p->reference[i] = reference_of(p, i);
    ag_status status = p->published ? check_published(p, i) : check_ours(p, i);
    if (status) return status;
    objective += charge(p, i);
  }
  for (int q = 0; q < s->outputs; q++)
    if (!ag_shape_equal(p->result->out[s->output_nodes[q]], p->problem->outputs[q]))
      return wrong(p, s->output_nodes[q], "does not meet its output port");
  if (objective != p->result->objective)
    return ag_fail(p->err, AG_INVALID, "objective is %.17g, not %.17g", objective,
                   p->result->objective);
  return AG_OK;
}

ag_status ag_resolve_check(const ag_resolve_problem *problem, const ag_resolve_result *result,
                           ag_error *err) {
  ag_status status = ag_resolve_validate(problem, err);
  if (status) return status;
  const ag_segment *s = problem->segment;
  if (result->size != s->size)
    return ag_fail(err, AG_INVALID, "a result of %d nodes for a segment of %d", result->size,
                   s->size);
  proof p = {problem, result, s, problem->formulation == AG_RESOLVE_PUBLISHED, .err = err};
  p.reference = AG_ARRAY(ag_shape, s->size);
  p.operands = AG_ARRAY(ag_shape, s->operand_start[s->size]);
  p.reach = AG_ARRAY(int32_t, s->size);
  ag_segment_descendants(s, p.reach);
  status = check_all(&p);
  free(p.reference);
  free(p.operands);
  free(p.reach);
  return status;
}
