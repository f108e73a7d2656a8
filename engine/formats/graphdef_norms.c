/* Batch norms of GraphDefs. */
#include <string.h>

#include "engine/formats/graphdef_ops.h"

/* Batch norm of x by operands scale, shift, mean, variance at these slots (-1 = ones or zeros). */
ag_status ag_tf_normalise(ag_tf_op *op, const ag_tf_value *x, const int *slots, float epsilon,
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

ag_status ag_tf_batchnorm_op(ag_tf_op *op) {
  static const int slots[] = {1, 2, 3, 4};
  ag_tf_value x;
  ag_status status = ag_tf_need(op, 5);
  if (!status) status = ag_tf_image(op, 0, &x);
  if (status) return status;
  return ag_tf_normalise(op, &x, slots, ag_tf_attr_float(op->node, "epsilon", 1e-4f), op->out);
}

/* The oldest form: x, mean, variance, shift, scale. */
ag_status ag_tf_old_batchnorm_op(ag_tf_op *op) {
  static const int slots[] = {4, 3, 1, 2};
  ag_tf_value x;
  ag_status status = ag_tf_need(op, 5);
  if (!status) status = ag_tf_image(op, 0, &x);
  if (status) return status;
  if (!ag_tf_attr_bool(op->node, "scale_after_normalization", true))
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "it does not scale");
  return ag_tf_normalise(op, &x, slots, ag_tf_attr_float(op->node, "variance_epsilon", 1e-3f),
                         op->out);
}
