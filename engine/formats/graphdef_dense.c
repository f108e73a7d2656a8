/* Products of GraphDefs. */
#include <string.h>

#include "engine/formats/graphdef_ops.h"

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

ag_status ag_tf_multiply(ag_tf_op *op, ag_tf_value *out) {
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

ag_status ag_tf_matmul_op(ag_tf_op *op) {
  return ag_tf_multiply(op, op->out);
}
