/* Ops of GraphDefs that reshape and permute, and the arithmetic on sizes around them, which comes
 * out constant. */
#include <string.h>

#include "engine/formats/graphdef_ops.h"

/* A constant result, or an error. */
ag_status ag_tf_settle(ag_tf_op *op, ag_status status) {
  op->out->constant = true;
  if (!status && !ag_neutral_is_constant(op->n, op->out->value))
    return ag_neutral_fail(op->n, AG_UNSUPPORTED,
                           "its constant operands are too large or have no values");
  return status;
}

/* --- reshape ---------------------------------------------------------------------- */

/* -1 takes what remains of the elements. */
static ag_status complete_shape(ag_tf_op *op, int64_t total, ag_tensor *shape) {
  int64_t known = 1;
  int open = -1;
  for (int d = 0; d < shape->rank; d++) {
    int64_t size = shape->dims[d];
    if (size == -1 && open < 0) {
      open = d;
      continue;
    }
    if (size < 0 || (size && known > (INT64_C(1) << 40) / size))
      return ag_neutral_fail(op->n, AG_FORMAT, "a size is out of range");
    known *= size;
  }
  if (open >= 0 && (known == 0 || total % known))
    return ag_neutral_fail(op->n, AG_FORMAT, "its shape does not fit its operand");
  if (open >= 0) shape->dims[open] = total / known;
  if (open < 0 && known != total)
    return ag_neutral_fail(op->n, AG_FORMAT, "its shape does not fit its operand");
  return AG_OK;
}

static ag_status reshape_constant(ag_tf_op *op, const ag_tensor *shape) {
  int operands[2] = {op->in[0].value, ag_neutral_ints_value(op->n, shape->dims, shape->rank)};
  ag_onnx_node *node = ag_neutral_begin(op->n, "Reshape", op->name);
  ag_neutral_int(op->n, node, "allowzero", 1);
  return ag_tf_settle(op, ag_neutral_end(op->n, node, operands, 2, &op->out->value));
}

static ag_status reshape_to(ag_tf_op *op, ag_tensor *shape) {
  int64_t total = ag_onnx_elements(ag_tf_tensor_of(op, &op->in[0]));
  ag_status status = complete_shape(op, total, shape);
  if (status) return status;
  if (op->in[0].constant) return reshape_constant(op, shape);
  return ag_tf_reshape(op, &op->in[0], shape, op->out);
}

/* A target whose values lie elsewhere (TF.js) can only be guessed: the usual row of features. */
static bool guess_shape(ag_tf_op *op, ag_tensor *shape) {
  const ag_tensor *t = ag_tf_tensor_of(op, &op->in[1]);
  if (!op->in[1].constant || t->data || t->rank != 1 || t->dims[0] != 2) return false;
  *shape = (ag_tensor){.dtype = AG_F32, .rank = 2, .dims = {1, -1}};
  return true;
}

ag_status ag_tf_reshape_op(ag_tf_op *op) {
  ag_tensor shape = {.dtype = AG_F32};
  ag_status status = ag_tf_need(op, 2);
  if (status) return status;
  if (guess_shape(op, &shape)) return reshape_to(op, &shape);
  status = ag_tf_ints(op, 1, shape.dims, AG_MAX_RANK, &shape.rank);
  return status ? status : reshape_to(op, &shape);
}

ag_status ag_tf_expand_op(ag_tf_op *op) {
  ag_tensor from, shape;
  int64_t axis[1];
  int count;
  ag_status status = ag_tf_need(op, 2);
  if (!status) status = ag_tf_ints(op, 1, axis, 1, &count);
  if (status) return status;
  ag_tf_source_shape(op, &op->in[0], &from);
  shape = from;
  if (count == 1 && axis[0] < 0) axis[0] += from.rank + 1;
  if (count != 1 || axis[0] < 0 || axis[0] > from.rank || from.rank == AG_MAX_RANK)
    return ag_neutral_fail(op->n, AG_FORMAT, "its axis is out of range");
  shape.rank++;
  for (int d = from.rank; d > axis[0]; d--) shape.dims[d] = from.dims[d - 1];
  shape.dims[axis[0]] = 1;
  return reshape_to(op, &shape);
}

/* Only the layout changes: dimension j of the result is dimension perm[j] of the operand. */
ag_status ag_tf_transpose_op(ag_tf_op *op) {
  int64_t perm[AG_MAX_RANK];
  int inverse[AG_MAX_RANK], count;
  ag_status status = ag_tf_need(op, 2);
  if (!status) status = ag_tf_ints(op, 1, perm, AG_MAX_RANK, &count);
  if (status) return status;
  int rank = ag_tf_tensor_of(op, &op->in[0])->rank;
  for (int d = 0; d < rank; d++) inverse[d] = -1;
  for (int d = 0; d < count && count == rank; d++)
    if (perm[d] >= 0 && perm[d] < rank) inverse[perm[d]] = d;
  for (int d = 0; d < rank; d++)
    if (count != rank || inverse[d] < 0)
      return ag_neutral_fail(op->n, AG_FORMAT, "its permutation is malformed");
  if (op->in[0].constant) {
    ag_onnx_node *node = ag_neutral_begin(op->n, "Transpose", op->name);
    ag_neutral_ints(op->n, node, "perm", perm, count);
    return ag_tf_settle(op, ag_neutral_end(op->n, node, &op->in[0].value, 1, &op->out->value));
  }
  *op->out = op->in[0];
  status = ag_tf_unflatten(op, op->out);
  for (int d = 0; d < rank; d++) op->out->layout[d] = (uint8_t)inverse[op->out->layout[d]];
  ag_neutral_fate(op->n, AG_ONNX_FOLDED, "the layout is chosen by the layers");
  return status;
}

/* --- sizes ------------------------------------------------------------------------ */

ag_status ag_tf_shape_op(ag_tf_op *op) {
  ag_tensor shape;
  ag_status status = ag_tf_need(op, 1);
  if (status) return status;
  ag_tf_source_shape(op, &op->in[0], &shape);
  *op->out = (ag_tf_value){.constant = true};
  op->out->value = ag_neutral_ints_value(op->n, shape.dims, shape.rank);
  return AG_OK;
}

ag_status ag_tf_pack_op(ag_tf_op *op) {
  int64_t axis = ag_tf_attr_int(op->node, "axis", 0);
  int *operands = ag_arena_alloc(&op->im->arena, (size_t)(op->count + 1) * sizeof *operands);
  ag_status status = ag_tf_need(op, op->count);
  if (!status && op->count == 0) return ag_neutral_fail(op->n, AG_FORMAT, "it packs nothing");
  int where = ag_neutral_ints_value(op->n, &axis, 1);
  for (int k = 0; k < op->count && !status; k++) {
    if (!op->in[k].constant) return ag_neutral_fail(op->n, AG_UNSUPPORTED, "it packs activations");
    int unsqueeze[2] = {op->in[k].value, where};
    status = ag_neutral_apply(op->n, "Unsqueeze", op->name, unsqueeze, 2, &operands[k]);
    if (!status && !ag_neutral_is_constant(op->n, operands[k]))
      return ag_neutral_fail(op->n, AG_FORMAT, "its axis is out of range");
  }
  if (status) return status;
  ag_onnx_node *node = ag_neutral_begin(op->n, "Concat", op->name);
  ag_neutral_int(op->n, node, "axis", axis);
  return ag_tf_settle(op, ag_neutral_end(op->n, node, operands, op->count, &op->out->value));
}

enum { MOST_FILLED = 1 << 20 };

ag_status ag_tf_fill_op(ag_tf_op *op) {
  ag_tensor t = {0}, element;
  ag_status status = ag_tf_need(op, 2);
  if (!status) status = ag_tf_ints(op, 0, t.dims, AG_MAX_RANK, &t.rank);
  if (status) return status;
  element = *ag_tf_tensor_of(op, &op->in[1]);
  if (!op->in[1].constant || !element.data || ag_onnx_elements(&element) != 1 ||
      !ag_onnx_bounded(&t) || ag_onnx_elements(&t) > MOST_FILLED)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its value is no constant, or it is too large");
  t.dtype = element.dtype;
  t.bytes = (size_t)ag_onnx_elements(&t) * element.bytes;
  char *data = ag_neutral_alloc(op->n, t.bytes);
  for (size_t at = 0; at < t.bytes; at += element.bytes)
    memcpy(data + at, element.data, element.bytes);
  t.data = data;
  *op->out = (ag_tf_value){.constant = true};
  op->out->value = ag_neutral_constant(op->n, op->name, &t, true);
  return AG_OK;
}
