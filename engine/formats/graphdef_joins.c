/* Ops of GraphDefs on many operands, which are brought into one layout. */
#include <string.h>

#include "engine/formats/graphdef_ops.h"

/* Operands first to last in one layout: the first activation's. Constants are permuted. */
static ag_status gather_operands(ag_tf_op *op, int first, int last, int *operands,
                                 ag_tf_value *like) {
  ag_status status = ag_tf_need(op, op->count);
  if (status) return status;
  like->value = -1;
  for (int k = first; k < last && like->value < 0; k++)
    if (!op->in[k].constant) status = ag_tf_activation(op, k, like);
  if (!status && like->value < 0)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "all its operands are constants");
  for (int k = first; k < last && !status; k++) {
    ag_tf_value v = op->in[k];
    int rank = ag_tf_tensor_of(op, like)->rank;
    if (ag_tf_tensor_of(op, &v)->rank != rank)
      return ag_neutral_fail(op->n, AG_UNSUPPORTED, "operand %d has not %d dimensions", k, rank);
    if (v.constant) {
      status = ag_tf_match(op, &v, like, &operands[k - first]);
    } else {
      status = ag_tf_unflatten(op, &v);
      if (!status) status = ag_tf_arrange(op, &v, like->layout, &operands[k - first]);
    }
  }
  return status;
}

ag_status ag_tf_add_n_op(ag_tf_op *op) {
  ag_tf_value like;
  int *operands = ag_arena_alloc(&op->im->arena, (size_t)(op->count + 1) * sizeof *operands);
  ag_status status = gather_operands(op, 0, op->count, operands, &like);
  if (status) return status;
  *op->out = like;
  if (op->count == 1) return AG_OK;
  return ag_neutral_apply(op->n, "Sum", op->name, operands, op->count, &op->out->value);
}

static ag_status concat_constants(ag_tf_op *op, int first, int last, int64_t axis) {
  int *operands = ag_arena_alloc(&op->im->arena, (size_t)op->count * sizeof *operands);
  for (int k = first; k < last; k++) operands[k - first] = op->in[k].value;
  ag_onnx_node *node = ag_neutral_begin(op->n, "Concat", op->name);
  ag_neutral_int(op->n, node, "axis", axis);
  *op->out = (ag_tf_value){.constant = true};
  ag_status status = ag_neutral_end(op->n, node, operands, last - first, &op->out->value);
  if (!status && !ag_neutral_is_constant(op->n, op->out->value))
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "constants without values are not joined");
  return status;
}

/* ConcatV2 has its axis last, Concat first. */
ag_status ag_tf_concat_op(ag_tf_op *op) {
  bool late = strcmp(op->node->op, "ConcatV2") == 0, constant = true;
  int first = !late, last = op->count - late, count;
  int64_t axis[1];
  ag_tf_value like;
  ag_status status = ag_tf_need(op, op->count);
  if (!status && last - first < 1) return ag_neutral_fail(op->n, AG_FORMAT, "it joins nothing");
  if (!status) status = ag_tf_ints(op, late ? last : 0, axis, 1, &count);
  if (status) return status;
  if (count != 1) return ag_neutral_fail(op->n, AG_FORMAT, "its axis is missing");
  for (int k = first; k < last; k++) constant = constant && op->in[k].constant;
  if (constant) return concat_constants(op, first, last, axis[0]);
  int *operands = ag_arena_alloc(&op->im->arena, (size_t)op->count * sizeof *operands);
  status = gather_operands(op, first, last, operands, &like);
  if (status) return status;
  int where = ag_tf_axis(op, &like, axis[0]);
  if (where < 0) return ag_neutral_fail(op->n, AG_FORMAT, "its axis is out of range");
  ag_onnx_node *node = ag_neutral_begin(op->n, "Concat", op->name);
  ag_neutral_int(op->n, node, "axis", where);
  *op->out = like;
  return ag_neutral_end(op->n, node, operands, last - first, &op->out->value);
}
