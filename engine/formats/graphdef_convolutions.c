/* Convolutions and pools of GraphDefs. */
#include <string.h>

#include "engine/formats/graphdef_ops.h"

/* --- windows ---------------------------------------------------------------------- */

/* The two spatial entries of a list of four in data_format order. */
static void spatial(const ag_tf_op *op, const int64_t *four, int64_t *two) {
  int first = ag_tf_channels_first(op) ? 2 : 1;
  two[0] = four[first];
  two[1] = four[first + 1];
}

ag_status ag_tf_window_pair(ag_tf_op *op, const char *name, bool needed, int64_t *pair) {
  int64_t four[4];
  int count = ag_tf_attr_ints(op->node, name, four, 4);
  pair[0] = pair[1] = 1;
  if (count != 4 && (needed || count > 0))
    return ag_neutral_fail(op->n, AG_FORMAT, "'%s' must be a list of four", name);
  if (count == 4) spatial(op, four, pair);
  return AG_OK;
}

/* explicit_paddings: before and after, of each dimension, in data_format order. */
static ag_status explicit_pads(ag_tf_op *op, int64_t *pads) {
  int64_t eight[8];
  int first = ag_tf_channels_first(op) ? 4 : 2;
  if (ag_tf_attr_ints(op->node, "explicit_paddings", eight, 8) != 8)
    return ag_neutral_fail(op->n, AG_FORMAT, "'explicit_paddings' must be a list of eight");
  for (int d = 0; d < 2; d++) {
    pads[d] = eight[first + 2 * d];
    pads[d + 2] = eight[first + 2 * d + 1];
  }
  return AG_OK;
}

static ag_status add_window(ag_tf_op *op, ag_onnx_node *node, bool dilated) {
  int64_t stride[2], dilation[2], pads[4];
  ag_status status = ag_tf_window_pair(op, "strides", true, stride);
  if (!status && dilated) status = ag_tf_window_pair(op, "dilations", false, dilation);
  if (status) return status;
  ag_neutral_ints(op->n, node, "strides", stride, 2);
  if (dilated) ag_neutral_ints(op->n, node, "dilations", dilation, 2);
  if (ag_tf_attr_is(op->node, "padding", "SAME", "")) {
    ag_neutral_text(op->n, node, "auto_pad", "SAME_UPPER");
  } else if (ag_tf_attr_is(op->node, "padding", "EXPLICIT", "")) {
    status = explicit_pads(op, pads);
    if (!status) ag_neutral_ints(op->n, node, "pads", pads, 4);
  } else if (!ag_tf_attr_is(op->node, "padding", "VALID", "")) {
    return ag_neutral_fail(op->n, AG_FORMAT, "'padding' is none of SAME, VALID, EXPLICIT");
  }
  return status;
}

/* Pads of the convolution between the two halves of a dilation, in cells of the whole image. */
static ag_status dilated_pads(ag_tf_op *op, const ag_tf_dilation *d, const int64_t *kernel,
                              int64_t *pads) {
  bool same = ag_tf_attr_is(op->node, "padding", "SAME", "");
  int64_t own[4] = {0};
  if (ag_tf_attr_is(op->node, "padding", "EXPLICIT", "")) {
    ag_status status = explicit_pads(op, own);
    if (status) return status;
  }
  for (int k = 0; k < 4; k++) {
    if (same) own[k] = k < 2 ? (kernel[k] - 1) / 2 : kernel[k - 2] / 2;
    if (own[k] < 0 || own[k] > 1 << 15)
      return ag_neutral_fail(op->n, AG_FORMAT, "a pad is out of range");
    pads[k] = d->pads[k] + own[k] * d->block[k % 2];
    if (pads[k] < 0)
      return ag_neutral_fail(op->n, AG_UNSUPPORTED,
                             "BatchToSpaceND crops more than SpaceToBatchND pads");
  }
  return AG_OK;
}

/* Its stride is 1. */
static ag_status add_dilated_window(ag_tf_op *op, ag_onnx_node *node, const ag_tf_dilation *d,
                                    const int64_t *kernel) {
  int64_t pads[4];
  ag_status status = dilated_pads(op, d, kernel, pads);
  ag_neutral_ints(op->n, node, "dilations", d->block, 2);
  ag_neutral_ints(op->n, node, "pads", pads, 4);
  return status;
}

/* --- convolutions ----------------------------------------------------------------- */

/* The kernel h, w, I, O as O, I, h, w. */
static ag_status dense_kernel(ag_tf_op *op, int slot, int *value) {
  static const int perm[] = {3, 2, 0, 1};
  const int64_t *d = ag_tf_tensor_of(op, &op->in[slot])->dims;
  int64_t dims[4] = {d[3], d[2], d[0], d[1]};
  return ag_tf_permuted(op, &op->in[slot], 4, perm, dims, 4, value);
}

/* h, w, C, multiplier as C * multiplier, 1, h, w. */
static ag_status depthwise_kernel(ag_tf_op *op, int *value) {
  static const int perm[] = {2, 3, 0, 1};
  const ag_tensor *t = ag_tf_tensor_of(op, &op->in[1]);
  int64_t dims[4] = {0, 1, t->dims[0], t->dims[1]};
  if (t->rank == 4) dims[0] = t->dims[2] * t->dims[3];
  return ag_tf_permuted(op, &op->in[1], 4, perm, dims, 4, value);
}

ag_status ag_tf_convolve(ag_tf_op *op, bool depthwise, ag_tf_value *out) {
  ag_tf_value x;
  int operands[2];
  ag_status status = ag_tf_need(op, 2);
  if (!status) status = ag_tf_image(op, 0, &x);
  if (!status)
    status = depthwise ? depthwise_kernel(op, &operands[1]) : dense_kernel(op, 1, &operands[1]);
  if (status) return status;
  operands[0] = x.value;
  int64_t in = ag_tf_tensor_of(op, &x)->dims[1];
  const int64_t *kernel = ag_neutral_tensor(op->n, operands[1])->dims, per_group = kernel[1];
  if (per_group < 1 || in % per_group)
    return ag_neutral_fail(op->n, AG_FORMAT, "its kernel does not fit %d channels", (int)in);
  ag_onnx_node *node = ag_neutral_begin(op->n, "Conv", op->name);
  ag_neutral_int(op->n, node, "group", in / per_group);
  const ag_tf_dilation *dilation = ag_tf_dilation_of(op);
  status =
      dilation ? add_dilated_window(op, node, dilation, kernel + 2) : add_window(op, node, true);
  if (!status) status = ag_neutral_end(op->n, node, operands, 2, &out->value);
  memcpy(out->layout, x.layout, sizeof x.layout);
  return status;
}

ag_status ag_tf_conv_op(ag_tf_op *op) {
  return ag_tf_convolve(op, false, op->out);
}
ag_status ag_tf_depthwise_op(ag_tf_op *op) {
  return ag_tf_convolve(op, true, op->out);
}

/* What the forward convolution would pad on the size that this one restores. */
static bool transposed_pads(ag_tf_op *op, const int64_t *sizes, const int64_t *in,
                            const int64_t *kernel, const int64_t *stride, int64_t *pads,
                            int64_t *extra) {
  int first = ag_tf_channels_first(op) ? 2 : 1;
  for (int d = 0; d < 2; d++) {
    int64_t total = (in[d] - 1) * stride[d] + kernel[d] - sizes[first + d];
    extra[d] = total < 0 ? -total : 0;
    if (total < 0) total = 0;
    pads[d] = total / 2;
    pads[d + 2] = total - total / 2;
    if (extra[d] >= stride[d] && extra[d] > 0) return false;
  }
  return true;
}

/* Conv2DBackpropInput(sizes of the result, kernel, x). */
ag_status ag_tf_transposed_op(ag_tf_op *op) {
  ag_tf_value x;
  int64_t sizes[4], stride[2], pads[4], extra[2];
  int operands[2], count;
  ag_status status = ag_tf_need(op, 3);
  if (!status) status = ag_tf_image(op, 2, &x);
  if (!status) status = ag_tf_ints(op, 0, sizes, 4, &count);
  if (!status) status = dense_kernel(op, 1, &operands[1]);
  if (!status) status = ag_tf_window_pair(op, "strides", true, stride);
  if (status) return status;
  operands[0] = x.value;
  const int64_t *in = ag_tf_tensor_of(op, &x)->dims + 2;
  const int64_t *kernel = ag_neutral_tensor(op->n, operands[1])->dims + 2;
  if (count != 4 || stride[0] < 1 || stride[1] < 1 || stride[0] > 1 << 15 || stride[1] > 1 << 15 ||
      !transposed_pads(op, sizes, in, kernel, stride, pads, extra))
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its result does not fit its operand and kernel");
  ag_onnx_node *node = ag_neutral_begin(op->n, "ConvTranspose", op->name);
  ag_neutral_ints(op->n, node, "strides", stride, 2);
  ag_neutral_ints(op->n, node, "pads", pads, 4);
  ag_neutral_ints(op->n, node, "output_padding", extra, 2);
  int first = ag_tf_channels_first(op) ? 2 : 1;
  ag_tensor shape = {
      .dtype = AG_F32,
      .rank = 4,
      .dims = {1, ag_neutral_tensor(op->n, operands[1])->dims[1], sizes[first], sizes[first + 1]}};
  if (ag_neutral_open_batch(op->n)) shape.dims[0] = 0;
  memcpy(op->out->layout, x.layout, sizeof x.layout);
  return ag_neutral_end_many(op->n, node, operands, 2, &op->out->value, 1, &shape);
}

/* --- pools ------------------------------------------------------------------------ */

ag_status ag_tf_pool_op(ag_tf_op *op) {
  ag_tf_value x;
  int64_t kernel[2];
  ag_status status = ag_tf_image(op, 0, &x);
  if (!status) status = ag_tf_window_pair(op, "ksize", true, kernel);
  if (status) return status;
  ag_onnx_node *node = ag_neutral_begin(op->n, op->onnx, op->name);
  ag_neutral_ints(op->n, node, "kernel_shape", kernel, 2);
  status = add_window(op, node, false);
  memcpy(op->out->layout, x.layout, sizeof x.layout);
  return status ? status : ag_neutral_end(op->n, node, &x.value, 1, &op->out->value);
}
