/* Ops of GraphDefs on one operand, element by element, and those that change nothing. Constants are
 * computed in the order of the source, and no layout plays a part. */
#include <string.h>

#include "engine/formats/graphdef_ops.h"

ag_status ag_tf_unary(ag_tf_op *op, const ag_tf_value *x, const char *onnx, ag_tf_value *out) {
  *out = *x;
  ag_status status = ag_neutral_apply(op->n, onnx, op->name, &x->value, 1, &out->value);
  out->constant = !status && ag_neutral_is_constant(op->n, out->value);
  return status;
}

ag_status ag_tf_unary_op(ag_tf_op *op) {
  ag_status status = ag_tf_need(op, 1);
  return status ? status : ag_tf_unary(op, &op->in[0], op->onnx, op->out);
}

static ag_status relu6(ag_tf_op *op, const ag_tf_value *x, ag_tf_value *out) {
  int operands[3] = {x->value, ag_neutral_float_value(op->n, 0), ag_neutral_float_value(op->n, 6)};
  *out = *x;
  return ag_neutral_apply(op->n, "Clip", op->name, operands, 3, &out->value);
}

/* ClipByValue(x, low, high). */
ag_status ag_tf_clip_op(ag_tf_op *op) {
  ag_tf_value x;
  ag_status status = ag_tf_need(op, 3);
  if (!status) status = ag_tf_activation(op, 0, &x);
  if (status) return status;
  int operands[3] = {x.value, op->in[1].value, op->in[2].value};
  for (int k = 1; k < 3; k++)
    if (!op->in[k].constant || ag_onnx_elements(ag_tf_tensor_of(op, &op->in[k])) != 1)
      return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its bounds are not constant numbers");
  *op->out = x;
  return ag_neutral_apply(op->n, "Clip", op->name, operands, 3, &op->out->value);
}

static ag_status leaky_relu(ag_tf_op *op, const ag_tf_value *x, const char *alpha, float otherwise,
                            ag_tf_value *out) {
  ag_onnx_node *node = ag_neutral_begin(op->n, "LeakyRelu", op->name);
  ag_neutral_float(op->n, node, "alpha", ag_tf_attr_float(op->node, alpha, otherwise));
  *out = *x;
  return ag_neutral_end(op->n, node, &x->value, 1, &out->value);
}

bool ag_tf_is_activation(const char *type) {
  const ag_tf_rule *rule = ag_tf_find(type);
  return rule && (rule->translate == ag_tf_unary_op || rule->translate == ag_tf_relu6_op ||
                  rule->translate == ag_tf_leaky_relu_op);
}

ag_status ag_tf_activate(ag_tf_op *op, const char *type, const ag_tf_value *x, ag_tf_value *out) {
  if (strcmp(type, "Relu6") == 0) return relu6(op, x, out);
  if (strcmp(type, "LeakyRelu") == 0) return leaky_relu(op, x, "leakyrelu_alpha", 0.2f, out);
  return ag_tf_unary(op, x, ag_tf_find(type)->onnx, out);
}

ag_status ag_tf_relu6_op(ag_tf_op *op) {
  ag_status status = ag_tf_need(op, 1);
  if (!status && op->in[0].constant)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its operand is constant");
  return status ? status : relu6(op, &op->in[0], op->out);
}

ag_status ag_tf_leaky_relu_op(ag_tf_op *op) {
  ag_status status = ag_tf_need(op, 1);
  if (!status && op->in[0].constant)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its operand is constant");
  return status ? status : leaky_relu(op, &op->in[0], "alpha", 0.2f, op->out);
}

ag_status ag_tf_rsqrt_op(ag_tf_op *op) {
  ag_tf_value root;
  ag_status status = ag_tf_need(op, 1);
  if (!status) status = ag_tf_unary(op, &op->in[0], "Sqrt", &root);
  return status ? status : ag_tf_unary(op, &root, "Reciprocal", op->out);
}

ag_status ag_tf_square_op(ag_tf_op *op) {
  ag_status status = ag_tf_need(op, 1);
  if (status) return status;
  int operands[2] = {op->in[0].value, op->in[0].value};
  *op->out = op->in[0];
  status = ag_neutral_apply(op->n, "Mul", op->name, operands, 2, &op->out->value);
  op->out->constant = !status && ag_neutral_is_constant(op->n, op->out->value);
  return status;
}

ag_status ag_tf_alias_op(ag_tf_op *op) {
  ag_status status = ag_tf_need(op, 1);
  if (status) return status;
  *op->out = op->in[0];
  ag_neutral_fate(op->n, AG_ONNX_FOLDED, "passes its operand on");
  return AG_OK;
}

ag_status ag_tf_cast_op(ag_tf_op *op) {
  ag_status status = ag_tf_need(op, 1);
  if (status) return status;
  const ag_tf_attribute *a = ag_tf_attr(op->node, "DstT");
  int to = a ? a->type : 1;
  bool real = to == 1 || to == 2 || to == 14 || to == 19;
  ag_onnx_node *node = ag_neutral_begin(op->n, "Cast", op->name);
  ag_neutral_int(op->n, node, "to", real ? AG_F32 : to == 10 ? AG_BOOL : AG_I64);
  *op->out = op->in[0];
  status = ag_neutral_end(op->n, node, &op->in[0].value, 1, &op->out->value);
  op->out->constant = !status && ag_neutral_is_constant(op->n, op->out->value);
  return status;
}
