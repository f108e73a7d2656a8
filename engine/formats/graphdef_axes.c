/* Ops of GraphDefs along dimensions: softmax, reductions, and dimensions that are dropped. */
#include <string.h>

#include "engine/formats/graphdef_ops.h"

ag_status ag_tf_softmax_op(ag_tf_op *op) {
  ag_status status = ag_tf_activation(op, 0, op->out);
  if (status) return status;
  ag_onnx_node *node = ag_neutral_begin(op->n, op->onnx, op->name);
  ag_neutral_int(op->n, node, "axis", ag_tf_axis(op, op->out, -1));
  int x = op->out->value;
  return ag_neutral_end(op->n, node, &x, 1, &op->out->value);
}

void ag_tf_drop_dimensions(ag_tf_value *v, int rank, const bool *gone) {
  int at = 0;
  for (int d = 0; d < rank; d++) {
    int source = v->layout[d], before = 0;
    if (gone[source]) continue;
    for (int k = 0; k < source; k++) before += gone[k];
    v->layout[at++] = (uint8_t)(source - before);
  }
  for (; at < AG_MAX_RANK; at++) v->layout[at] = (uint8_t)at;
}

static ag_status product_of_constants(ag_tf_op *op) {
  const ag_tensor *t = ag_tf_tensor_of(op, &op->in[0]);
  int64_t product = 1;
  if (t->dtype != AG_I64 || t->rank > 1 || !t->data || strcmp(op->node->op, "Prod") != 0)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its operand is constant");
  for (int64_t i = 0; i < ag_onnx_elements(t); i++)
    if (__builtin_mul_overflow(product, ag_onnx_get_int(t, i), &product))
      return ag_neutral_fail(op->n, AG_FORMAT, "its product is too large");
  ag_tensor scalar = {.dtype = AG_I64, .bytes = sizeof product};
  scalar.data = memcpy(ag_neutral_alloc(op->n, sizeof product), &product, sizeof product);
  *op->out = (ag_tf_value){.constant = true};
  op->out->value = ag_neutral_constant(op->n, op->name, &scalar, true);
  return AG_OK;
}

ag_status ag_tf_reduction_op(ag_tf_op *op) {
  int64_t axes[AG_MAX_RANK];
  bool gone[AG_MAX_RANK] = {false}, keep = ag_tf_attr_bool(op->node, "keep_dims", false);
  int count;
  ag_status status = ag_tf_need(op, 2);
  if (!status && op->in[0].constant) return product_of_constants(op);
  if (!status) status = ag_tf_ints(op, 1, axes, AG_MAX_RANK, &count);
  if (!status) status = ag_tf_activation(op, 0, op->out);
  if (status) return status;
  int rank = ag_tf_tensor_of(op, op->out)->rank, x = op->out->value;
  for (int i = 0; i < count; i++) {
    int axis = ag_tf_axis(op, op->out, axes[i]);
    if (axis < 0) return ag_neutral_fail(op->n, AG_FORMAT, "an axis is out of range");
    gone[op->out->layout[axis]] = true;
    axes[i] = axis;
  }
  ag_onnx_node *node = ag_neutral_begin(op->n, op->onnx, op->name);
  int operands[2] = {x, -1};
  if (strcmp(op->onnx, "ReduceSum") == 0)
    operands[1] = ag_neutral_ints_value(op->n, axes, count);
  else
    ag_neutral_ints(op->n, node, "axes", axes, count);
  ag_neutral_int(op->n, node, "keepdims", keep);
  if (!keep) ag_tf_drop_dimensions(op->out, rank, gone);
  return ag_neutral_end(op->n, node, operands, operands[1] < 0 ? 1 : 2, &op->out->value);
}

ag_status ag_tf_squeeze_op(ag_tf_op *op) {
  int64_t axes[AG_MAX_RANK];
  bool gone[AG_MAX_RANK] = {false};
  ag_tensor shape;
  ag_tf_value x;
  ag_status status = ag_tf_need(op, 1);
  if (status) return status;
  x = op->in[0];
  if (!x.constant) status = ag_tf_unflatten(op, &x);
  if (status) return status;
  ag_tf_source_shape(op, &x, &shape);
  int count = ag_tf_attr_ints(op->node, "squeeze_dims", axes, AG_MAX_RANK);
  for (int d = 0; d < shape.rank && count <= 0; d++) gone[d] = shape.dims[d] == 1 && d > 0;
  for (int i = 0; i < count; i++) {
    if (axes[i] < 0) axes[i] += shape.rank;
    if (axes[i] < 0 || axes[i] >= shape.rank || shape.dims[axes[i]] != 1)
      return ag_neutral_fail(op->n, AG_FORMAT, "squeezes a dimension that is not 1");
    gone[axes[i]] = true;
  }
  count = 0;
  for (int d = 0; d < shape.rank; d++) {
    if (x.constant && gone[d]) axes[count++] = d;
    if (!x.constant && gone[x.layout[d]]) axes[count++] = d;
  }
  int operands[2] = {x.value, ag_neutral_ints_value(op->n, axes, count)};
  *op->out = x;
  if (count == 0) return AG_OK;
  if (!x.constant) ag_tf_drop_dimensions(op->out, shape.rank, gone);
  status = ag_neutral_apply(op->n, "Squeeze", op->name, operands, 2, &op->out->value);
  op->out->constant = !status && ag_neutral_is_constant(op->n, op->out->value);
  return status;
}

ag_status ag_tf_lrn_op(ag_tf_op *op) {
  ag_tf_value x;
  ag_status status = ag_tf_image(op, 0, &x);
  if (status) return status;
  int64_t size = 2 * ag_tf_attr_int(op->node, "depth_radius", 5) + 1;
  ag_onnx_node *node = ag_neutral_begin(op->n, "LRN", op->name);
  ag_neutral_int(op->n, node, "size", size);
  ag_neutral_float(op->n, node, "alpha",
                   ag_tf_attr_float(op->node, "alpha", 1) * (float)(double)size);
  ag_neutral_float(op->n, node, "beta", ag_tf_attr_float(op->node, "beta", 0.5f));
  ag_neutral_float(op->n, node, "bias", ag_tf_attr_float(op->node, "bias", 1));
  *op->out = x;
  return ag_neutral_end(op->n, node, &x.value, 1, &op->out->value);
}
