/* Shape rules: how a node's input and output resolution follow from its operands. One function
 * per ag_rule; ag_node_infer checks the node's own attributes first, so that the rules need
 * not. Sizes are computed in 64 bits and checked once at the end. */
#include <limits.h>
#include <math.h>

#include "engine/graph/graph_internal.h"

static ag_status check_attributes(const ag_node *node, int count, ag_error *err) {
  if (node->op >= AG_OP_COUNT) return ag_fail(err, AG_INVALID, "op number %d is unknown", node->op);
  const ag_op_info *op = ag_op_get(node->op);
  if (count < op->min_operands || count > op->max_operands)
    return ag_fail(err, AG_INVALID, "%s takes %s%d operand(s), not %d", op->name,
                   count < op->min_operands ? "at least " : "at most ",
                   count < op->min_operands ? op->min_operands : op->max_operands, count);
  for (int d = 0; d < 2; d++) {
    if (node->stride[d] < 1 || node->dilation[d] < 1)
      return ag_fail(err, AG_INVALID, "%s needs a stride and a dilation of at least 1", op->name);
    if (op->rule == AG_RULE_STRIDED && (node->kernel[d] < 1 || node->kernel[d] > 1 << 15))
      return ag_fail(err, AG_INVALID, "%s needs a kernel of 1 to 32768", op->name);
    if (node->dilation[d] > 1 << 15)
      return ag_fail(err, AG_INVALID, "%s has a dilation above 32768", op->name);
  }
  for (int i = 0; i < 4; i++)
    if (node->pads[i] < 0 || node->pads[i] > 1 << 20)
      return ag_fail(err, AG_INVALID, "%s has a pad outside 0 to 1048576", op->name);
  if (node->macs < 0 || (node->macs && node->op != AG_OP_OPAQUE))
    return ag_fail(err, AG_INVALID, "%s cannot have %lld MACs of its own", op->name,
                   (long long)node->macs);
  if (node->padding > AG_PAD_SAME_LOWER)
    return ag_fail(err, AG_INVALID, "%s has the unknown padding %d", op->name, node->padding);
  if (!(fabsf(node->alpha) < 1e30f)) /* nor is NaN a slope */
    return ag_fail(err, AG_INVALID, "%s has an alpha outside -1e30 to 1e30", op->name);
  return AG_OK;
}

int32_t ag_strided_size(const ag_node *node, int dim, int32_t in) {
  int64_t stride = node->stride[dim];
  int64_t window = (int64_t)node->dilation[dim] * (node->kernel[dim] - 1) + 1;
  if (node->padding == AG_PAD_SAME || node->padding == AG_PAD_SAME_LOWER)
    return (int32_t)((in + stride - 1) / stride);
  int64_t begin = 0, end = 0;
  if (node->padding == AG_PAD_EXPLICIT) {
    begin = node->pads[dim];
    end = node->pads[dim + 2];
  }
  int64_t room = in + begin + end - window;
  if (room < 0) return 0;
  int64_t size = room / stride + 1;
  bool round_up = (node->flags & AG_FLAG_CEIL) && room % stride != 0;
  /* A window that would start in the end padding does not count. */
  if (round_up && size * stride < in + begin) size++;
  return size > INT_MAX ? 0 : (int32_t)size;
}

static ag_status infer_strided(ag_node *node, ag_error *err) {
  node->out.h = ag_strided_size(node, 0, node->in.h);
  node->out.w = ag_strided_size(node, 1, node->in.w);
  if (node->out.h < 1 || node->out.w < 1)
    return ag_fail(err, AG_INVALID, "a %dx%d window does not fit into %dx%d", node->kernel[0],
                   node->kernel[1], node->in.h, node->in.w);
  if (node->op == AG_OP_DEPTHWISE) node->groups = node->in.c;
  if (node->op != AG_OP_CONV) {
    node->out.c = node->in.c;
    return AG_OK;
  }
  if (node->groups < 1 || node->in.c % node->groups || node->out.c % node->groups)
    return ag_fail(err, AG_INVALID, "%d groups do not divide %d input and %d output channels",
                   node->groups, node->in.c, node->out.c);
  return AG_OK;
}

/* Operands of a join are equal, or 1x1xC beside the largest (a scale, as in
 * squeeze-and-excitation), or, under AG_FLAG_SLICE, have channels to spare. */
static ag_status infer_join(ag_node *node, const ag_shape *operands, int count, ag_error *err) {
  ag_shape out = operands[0];
  for (int i = 1; i < count; i++)
    if (out.h == 1 && out.w == 1 &&
        (operands[i].h != 1 || operands[i].w != 1 || operands[i].c > out.c))
      out = operands[i];
  bool slices = node->flags & AG_FLAG_SLICE;
  if (slices) out.c = node->in.c;
  for (int i = 0; i < count; i++) {
    ag_shape s = operands[i];
    bool same = s.h == out.h && s.w == out.w;
    bool scale = s.h == 1 && s.w == 1;
    bool channels = s.c == out.c || (slices && s.c > out.c) || (scale && s.c == 1);
    if (!(same || scale) || !channels)
      return ag_fail(err, AG_INVALID, "operands %dx%dx%d and %dx%dx%d do not fit together", out.h,
                     out.w, out.c, s.h, s.w, s.c);
  }
  node->in = node->out = out;
  return AG_OK;
}

static ag_status infer_concat(ag_node *node, const ag_shape *operands, int count, ag_error *err) {
  int64_t channels = 0;
  for (int i = 0; i < count; i++) {
    if (operands[i].h != operands[0].h || operands[i].w != operands[0].w)
      return ag_fail(err, AG_INVALID, "cannot concatenate %dx%d with %dx%d", operands[0].h,
                     operands[0].w, operands[i].h, operands[i].w);
    channels += operands[i].c;
  }
  if (channels > INT_MAX) return ag_fail(err, AG_INVALID, "too many channels to concatenate");
  node->in = node->out = operands[0];
  node->out.c = (int32_t)channels;
  return AG_OK;
}

static ag_status set_size(ag_node *node, int64_t h, int64_t w, int64_t c, ag_error *err) {
  if (h < 1 || w < 1 || c < 1 || h > INT_MAX || w > INT_MAX || c > INT_MAX)
    return ag_fail(err, AG_INVALID, "the output size %lldx%lldx%lld is out of range", (long long)h,
                   (long long)w, (long long)c);
  node->out = (ag_shape){(int32_t)h, (int32_t)w, (int32_t)c};
  return AG_OK;
}

static ag_status infer_fold(ag_node *node, ag_error *err) {
  int64_t block = (int64_t)node->stride[0] * node->stride[1];
  if (node->in.h % node->stride[0] || node->in.w % node->stride[1])
    return ag_fail(err, AG_INVALID, "blocks of %dx%d do not divide %dx%d", node->stride[0],
                   node->stride[1], node->in.h, node->in.w);
  if (block > INT_MAX) return ag_fail(err, AG_INVALID, "the block is too large");
  return set_size(node, node->in.h / node->stride[0], node->in.w / node->stride[1],
                  node->in.c * block, err);
}

static ag_status infer_unfold(ag_node *node, ag_error *err) {
  int64_t block = (int64_t)node->stride[0] * node->stride[1];
  if (node->in.c % block)
    return ag_fail(err, AG_INVALID, "blocks of %dx%d do not divide %d channels", node->stride[0],
                   node->stride[1], node->in.c);
  return set_size(node, (int64_t)node->in.h * node->stride[0],
                  (int64_t)node->in.w * node->stride[1], node->in.c / block, err);
}

static ag_status infer_upsample(ag_node *node, ag_error *err) {
  bool weighted = node->op == AG_OP_TRANSPOSED_CONV;
  int32_t channels = weighted ? node->out.c : node->in.c;
  if (weighted && (node->groups < 1 || node->in.c % node->groups || channels % node->groups))
    return ag_fail(err, AG_INVALID, "%d groups do not divide %d input and %d output channels",
                   node->groups, node->in.c, channels);
  return set_size(node, (int64_t)node->in.h * node->stride[0],
                  (int64_t)node->in.w * node->stride[1], channels, err);
}

static ag_status infer_flatten(ag_node *node, ag_error *err) {
  int64_t plane = (int64_t)node->in.h * node->in.w;
  if (plane > INT_MAX) return ag_fail(err, AG_INVALID, "the tensor is too large to flatten");
  return set_size(node, 1, 1, plane * node->in.c, err);
}

static ag_status infer_by_rule(ag_node *node, const ag_shape *operands, int count, ag_error *err) {
  switch (ag_op_get(node->op)->rule) {
  case AG_RULE_OPAQUE:
    return AG_OK;
  case AG_RULE_INPUT:
    node->in = node->out;
    return AG_OK;
  case AG_RULE_SAME:
    node->out = node->in;
    return AG_OK;
  case AG_RULE_STRIDED:
    return infer_strided(node, err);
  case AG_RULE_DENSE:
    return set_size(node, node->in.h, node->in.w, node->out.c, err);
  case AG_RULE_GLOBAL:
    return set_size(node, 1, 1, node->in.c, err);
  case AG_RULE_JOIN:
    return infer_join(node, operands, count, err);
  case AG_RULE_CONCAT:
    return infer_concat(node, operands, count, err);
  case AG_RULE_PAD:
    return set_size(node, (int64_t)node->in.h + node->pads[0] + node->pads[2],
                    (int64_t)node->in.w + node->pads[1] + node->pads[3], node->in.c, err);
  case AG_RULE_FOLD:
    return infer_fold(node, err);
  case AG_RULE_UNFOLD:
    return infer_unfold(node, err);
  case AG_RULE_UPSAMPLE:
    return infer_upsample(node, err);
  case AG_RULE_FLATTEN:
    return infer_flatten(node, err);
  }
  return AG_OK;
}

ag_status ag_node_infer(ag_node *node, const ag_shape *operands, int count, ag_error *err) {
  ag_status status = check_attributes(node, count, err);
  if (status) return status;
  if (count > 0 && ag_op_get(node->op)->rule != AG_RULE_JOIN) {
    int32_t sliced = node->in.c;
    node->in = operands[0];
    if (node->flags & AG_FLAG_SLICE) {
      if (sliced < 1 || sliced > node->in.c)
        return ag_fail(err, AG_INVALID, "cannot read %d of %d channels", sliced, node->in.c);
      node->in.c = sliced;
    }
  }
  status = infer_by_rule(node, operands, count, err);
  if (status) return status;
  if (node->out.h < 1 || node->out.w < 1 || node->out.c < 1)
    return ag_fail(err, AG_INVALID, "%s has no output size: %dx%dx%d", ag_op_get(node->op)->name,
                   node->out.h, node->out.w, node->out.c);
  return AG_OK;
}

static double product(double area, ag_shape s) {
  return area * s.h * s.w * s.c;
}

ag_status ag_node_check_counts(const ag_node *node, int count, ag_error *err) {
  const double most = 17592186044416.0;
  double area = 1, edges = count > 1 ? count : 1;
  bool windowed =
      node->op == AG_OP_CONV || node->op == AG_OP_DEPTHWISE || node->op == AG_OP_TRANSPOSED_CONV;
  if (windowed) area = (double)node->kernel[0] * node->kernel[1];
  bool dense = ag_op_weighted(node->op) && node->op != AG_OP_DEPTHWISE;
  double inner = dense ? (double)node->in.c / node->groups : 1;
  double transposed = node->op == AG_OP_TRANSPOSED_CONV ? product(area * node->out.c, node->in) : 0;
  if (product(edges, node->in) > most || product(area * inner * edges, node->out) > most ||
      transposed > most || edges * (double)node->macs > most)
    return ag_fail(err, AG_INVALID, "%s of %dx%dx%d to %dx%dx%d is too large to be counted",
                   ag_op_get(node->op)->name, node->in.h, node->in.w, node->in.c, node->out.h,
                   node->out.w, node->out.c);
  return AG_OK;
}
