/* Layers of GraphDefs: convolutions, products, norms, pools. */
#include <stdio.h>
#include <string.h>

#include "engine/formats/graphdef.h"

/* --- windows ---------------------------------------------------------------------- */

/* The two spatial entries of a list of four in data_format order. */
static void spatial(const ag_tf_op *op, const int64_t *four, int64_t *two) {
  int first = ag_tf_channels_first(op) ? 2 : 1;
  two[0] = four[first];
  two[1] = four[first + 1];
}

static ag_status read_pair(ag_tf_op *op, const char *name, bool needed, int64_t *pair) {
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
  ag_status status = read_pair(op, "strides", true, stride);
  if (!status && dilated) status = read_pair(op, "dilations", false, dilation);
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

static ag_status convolve(ag_tf_op *op, bool depthwise, ag_tf_value *out) {
  ag_tf_value x;
  int operands[2];
  ag_status status = ag_tf_need(op, 2);
  if (!status) status = ag_tf_image(op, 0, &x);
  if (!status)
    status = depthwise ? depthwise_kernel(op, &operands[1]) : dense_kernel(op, 1, &operands[1]);
  if (status) return status;
  operands[0] = x.value;
  int64_t in = ag_tf_tensor_of(op, &x)->dims[1];
  int64_t per_group = ag_neutral_tensor(op->n, operands[1])->dims[1];
  if (per_group < 1 || in % per_group)
    return ag_neutral_fail(op->n, AG_FORMAT, "its kernel does not fit %d channels", (int)in);
  ag_onnx_node *node = ag_neutral_begin(op->n, "Conv", op->name);
  ag_neutral_int(op->n, node, "group", in / per_group);
  status = add_window(op, node, true);
  if (!status) status = ag_neutral_end(op->n, node, operands, 2, &out->value);
  memcpy(out->layout, x.layout, sizeof x.layout);
  return status;
}

static ag_status translate_conv(ag_tf_op *op) {
  return convolve(op, false, op->out);
}
static ag_status translate_depthwise(ag_tf_op *op) {
  return convolve(op, true, op->out);
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
static ag_status translate_transposed(ag_tf_op *op) {
  ag_tf_value x;
  int64_t sizes[4], stride[2], pads[4], extra[2];
  int operands[2], count;
  ag_status status = ag_tf_need(op, 3);
  if (!status) status = ag_tf_image(op, 2, &x);
  if (!status) status = ag_tf_ints(op, 0, sizes, 4, &count);
  if (!status) status = dense_kernel(op, 1, &operands[1]);
  if (!status) status = read_pair(op, "strides", true, stride);
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

/* --- products --------------------------------------------------------------------- */

/* Rows of the weights in the order of the flattened image's elements. */
static ag_status flat_weights(ag_tf_op *op, const ag_tf_value *x, bool transposed, int *value) {
  ag_tensor t = *ag_tf_tensor_of(op, &op->in[1]), split = t;
  int64_t features = ag_tf_tensor_of(op, x)->dims[1];
  if (t.rank != 2 || t.dims[transposed] != features)
    return ag_neutral_fail(op->n, AG_FORMAT, "its weights do not fit %d inputs", (int)features);
  static const int rows[] = {2, 0, 1, 3}, columns[] = {0, 3, 1, 2};
  int at = transposed ? 1 : 0;
  split.rank = 4;
  split.dims[transposed ? 0 : 3] = t.dims[!transposed];
  for (int d = 0; d < 3; d++) split.dims[at + d] = x->flat[d];
  ag_tf_value image = {.constant = true};
  image.value = ag_neutral_constant(op->n, op->name, &split, false);
  return ag_tf_permuted(op, &image, 4, transposed ? columns : rows, t.dims, 2, value);
}

static ag_status plain_weights(ag_tf_op *op, int *value) {
  static const int unchanged[] = {0, 1};
  const ag_tensor *t = ag_tf_tensor_of(op, &op->in[1]);
  return ag_tf_permuted(op, &op->in[1], 2, unchanged, t->dims, 2, value);
}

static ag_status multiply(ag_tf_op *op, ag_tf_value *out) {
  bool batched = op->node->op[0] == 'B';
  bool ta = ag_tf_attr_bool(op->node, batched ? "adj_x" : "transpose_a", false);
  bool tb = ag_tf_attr_bool(op->node, batched ? "adj_y" : "transpose_b", false);
  ag_status status = ag_tf_need(op, 2);
  if (status) return status;
  ag_tf_value x = op->in[0], w = op->in[1];
  int operands[2];
  if (ta) return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its first operand is transposed");
  if (!w.constant || ag_tf_tensor_of(op, &w)->rank != 2) {
    if (tb) return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its second operand is transposed");
    status = ag_tf_activation(op, 0, &x);
    if (!status && !w.constant) status = ag_tf_activation(op, 1, &w);
    if (status) return status;
    operands[0] = x.value, operands[1] = w.value;
    memcpy(out->layout, x.layout, sizeof x.layout);
    return ag_neutral_apply(op->n, "MatMul", op->name, operands, 2, &out->value);
  }
  if (x.constant) return ag_neutral_fail(op->n, AG_UNSUPPORTED, "a product of constants");
  status = x.flat[0] ? flat_weights(op, &x, tb, &operands[1]) : plain_weights(op, &operands[1]);
  if (status) return status;
  operands[0] = x.value;
  memcpy(out->layout, x.layout, sizeof x.layout);
  if (!tb) return ag_neutral_apply(op->n, "MatMul", op->name, operands, 2, &out->value);
  ag_onnx_node *node = ag_neutral_begin(op->n, "Gemm", op->name);
  ag_neutral_int(op->n, node, "transB", 1);
  return ag_neutral_end(op->n, node, operands, 2, &out->value);
}

static ag_status translate_matmul(ag_tf_op *op) {
  return multiply(op, op->out);
}

/* --- norms ------------------------------------------------------------------------ */

/* Batch norm of x by operands scale, shift, mean, variance at these slots (-1 = ones or zeros). */
static ag_status normalise(ag_tf_op *op, const ag_tf_value *x, const int *slots, float epsilon,
                           ag_tf_value *out) {
  int operands[5] = {x->value};
  int64_t channels = ag_tf_tensor_of(op, x)->dims[1];
  for (int k = 0; k < 4; k++) {
    const ag_tf_value *v = &op->in[slots[k]];
    const ag_tensor *t = ag_tf_tensor_of(op, v);
    if (!v->constant || t->rank != 1 || t->dims[0] != channels)
      return ag_neutral_fail(op->n, AG_UNSUPPORTED,
                             "operand %d is not one constant per channel; freeze the graph for "
                             "inference first",
                             slots[k]);
    operands[k + 1] = v->value;
  }
  ag_onnx_node *node = ag_neutral_begin(op->n, "BatchNormalization", op->name);
  ag_neutral_float(op->n, node, "epsilon", epsilon);
  memcpy(out->layout, x->layout, sizeof x->layout);
  return ag_neutral_end(op->n, node, operands, 5, &out->value);
}

static ag_status translate_batchnorm(ag_tf_op *op) {
  static const int slots[] = {1, 2, 3, 4};
  ag_tf_value x;
  ag_status status = ag_tf_need(op, 5);
  if (!status) status = ag_tf_image(op, 0, &x);
  if (status) return status;
  return normalise(op, &x, slots, ag_tf_attr_float(op->node, "epsilon", 1e-4f), op->out);
}

/* The oldest form: x, mean, variance, shift, scale. */
static ag_status translate_old_batchnorm(ag_tf_op *op) {
  static const int slots[] = {4, 3, 1, 2};
  ag_tf_value x;
  ag_status status = ag_tf_need(op, 5);
  if (!status) status = ag_tf_image(op, 0, &x);
  if (status) return status;
  if (!ag_tf_attr_bool(op->node, "scale_after_normalization", true))
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "it does not scale");
  return normalise(op, &x, slots, ag_tf_attr_float(op->node, "variance_epsilon", 1e-3f), op->out);
}

/* --- pools ------------------------------------------------------------------------ */

static ag_status translate_pool(ag_tf_op *op) {
  ag_tf_value x;
  int64_t kernel[2];
  ag_status status = ag_tf_image(op, 0, &x);
  if (!status) status = read_pair(op, "ksize", true, kernel);
  if (status) return status;
  bool average = op->node->op[0] == 'A';
  ag_onnx_node *node = ag_neutral_begin(op->n, average ? "AveragePool" : "MaxPool", op->name);
  ag_neutral_ints(op->n, node, "kernel_shape", kernel, 2);
  status = add_window(op, node, false);
  memcpy(op->out->layout, x.layout, sizeof x.layout);
  return status ? status : ag_neutral_end(op->n, node, &x.value, 1, &op->out->value);
}

/* --- several layers in one node --------------------------------------------------- */

/* fused_ops says what follows the convolution or product; each takes the next operands. */
static ag_status apply_fused(ag_tf_op *op, const char *type, int *slot, ag_tf_value *x) {
  ag_tf_value y = {.value = -1};
  ag_status status = AG_OK;
  if (strcmp(type, "BiasAdd") == 0 || strcmp(type, "Add") == 0) {
    int bias = (*slot)++;
    status = ag_tf_need(op, bias + 1);
    if (!status && !op->in[bias].constant) {
      ag_tf_value other;
      int operands[2] = {x->value};
      status = ag_tf_activation(op, bias, &other);
      if (!status) status = ag_tf_arrange(op, &other, x->layout, &operands[1]);
      y = *x;
      if (!status) status = ag_neutral_apply(op->n, "Add", op->name, operands, 2, &y.value);
    } else if (!status) {
      status = ag_tf_add_constant(op, x, &op->in[bias], &y);
    }
  } else if (strcmp(type, "FusedBatchNorm") == 0) {
    int slots[4] = {*slot, *slot + 1, *slot + 2, *slot + 3};
    *slot += 4;
    status = ag_tf_need(op, *slot);
    if (!status) status = normalise(op, x, slots, ag_tf_attr_float(op->node, "epsilon", 1e-4f), &y);
  } else if (ag_tf_is_activation(type)) {
    status = ag_tf_activate(op, type, x, &y);
  } else {
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "'%s' as a fused op is not handled", type);
  }
  *x = y;
  return status;
}

static ag_status apply_all_fused(ag_tf_op *op, ag_tf_value *x) {
  const ag_tf_attribute *a = ag_tf_attr(op->node, "fused_ops");
  int slot = 2;
  ag_status status = AG_OK;
  for (size_t i = 0; a && a->list && i < a->list->n_s && !status; i++) {
    const ProtobufCBinaryData *s = &a->list->s[i];
    char type[64];
    snprintf(type, sizeof type, "%.*s", s->len > 60 ? 60 : (int)s->len, (const char *)s->data);
    status = apply_fused(op, type, &slot, x);
  }
  *op->out = *x;
  return status;
}

static ag_status translate_fused_conv(ag_tf_op *op) {
  ag_tf_value x = {.value = -1};
  ag_status status = convolve(op, strstr(op->node->op, "Depthwise") != NULL, &x);
  return status ? status : apply_all_fused(op, &x);
}

static ag_status translate_fused_matmul(ag_tf_op *op) {
  ag_tf_value x = {.value = -1};
  ag_status status = multiply(op, &x);
  return status ? status : apply_all_fused(op, &x);
}

ag_tf_translator ag_tf_find_layer(const char *type) {
  static const struct {
    const char *type;
    ag_tf_translator translate;
  } table[] = {
      {"Conv2D", translate_conv},
      {"DepthwiseConv2dNative", translate_depthwise},
      {"Conv2DBackpropInput", translate_transposed},
      {"MatMul", translate_matmul},
      {"BatchMatMul", translate_matmul},
      {"BatchMatMulV2", translate_matmul},
      {"FusedBatchNorm", translate_batchnorm},
      {"FusedBatchNormV2", translate_batchnorm},
      {"FusedBatchNormV3", translate_batchnorm},
      {"BatchNormWithGlobalNormalization", translate_old_batchnorm},
      {"MaxPool", translate_pool},
      {"AvgPool", translate_pool},
      {"_FusedConv2D", translate_fused_conv},
      {"FusedConv2D", translate_fused_conv},
      {"FusedDepthwiseConv2dNative", translate_fused_conv},
      {"_FusedDepthwiseConv2dNative", translate_fused_conv},
      {"_FusedMatMul", translate_fused_matmul},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i].type, type) == 0) return table[i].translate;
  return NULL;
}
