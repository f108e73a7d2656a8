/* Ops of GraphDefs that take tensors apart. */
#include <limits.h>
#include <string.h>

#include "engine/formats/graphdef_ops.h"

typedef struct cut {
  int64_t begin[AG_MAX_RANK], end[AG_MAX_RANK], step[AG_MAX_RANK], axis[AG_MAX_RANK];
  int count;
  bool shrink[AG_MAX_RANK]; /* per source dimension */
} cut;

/* Slice, then drop the dimensions of which one index was taken. */
static ag_status apply_cut(ag_tf_op *op, const ag_tf_value *x, cut *c) {
  ag_tensor shape;
  int64_t gone[AG_MAX_RANK];
  int count = 0;
  ag_tf_source_shape(op, x, &shape);
  for (int i = 0; i < c->count; i++) c->axis[i] = ag_tf_axis(op, x, i);
  int operands[5] = {x->value, ag_neutral_ints_value(op->n, c->begin, c->count),
                     ag_neutral_ints_value(op->n, c->end, c->count),
                     ag_neutral_ints_value(op->n, c->axis, c->count),
                     ag_neutral_ints_value(op->n, c->step, c->count)};
  *op->out = *x;
  ag_status status = ag_neutral_apply(op->n, "Slice", op->name, operands, 5, &op->out->value);
  if (status) return status;
  op->out->constant = ag_neutral_is_constant(op->n, op->out->value);
  ag_tf_value sliced = *op->out;
  int at = 0;
  for (int d = 0; d < shape.rank; d++) {
    int source = x->constant ? d : x->layout[d], before = 0;
    if (c->shrink[source]) {
      gone[count++] = d;
      continue;
    }
    for (int k = 0; k < source; k++) before += c->shrink[k];
    op->out->layout[at++] = (uint8_t)(source - before);
  }
  if (count == 0) return x->constant ? ag_tf_settle(op, AG_OK) : AG_OK;
  int squeeze[2] = {sliced.value, ag_neutral_ints_value(op->n, gone, count)};
  status = ag_neutral_apply(op->n, "Squeeze", op->name, squeeze, 2, &op->out->value);
  op->out->constant = !status && ag_neutral_is_constant(op->n, op->out->value);
  return x->constant ? ag_tf_settle(op, status) : status;
}

ag_status ag_tf_strided_slice_op(ag_tf_op *op) {
  cut c = {.count = 0};
  int ends, steps;
  ag_tf_value x;
  ag_status status = ag_tf_need(op, 4);
  if (!status) status = ag_tf_ints(op, 1, c.begin, AG_MAX_RANK, &c.count);
  if (!status) status = ag_tf_ints(op, 2, c.end, AG_MAX_RANK, &ends);
  if (!status) status = ag_tf_ints(op, 3, c.step, AG_MAX_RANK, &steps);
  if (status) return status;
  x = op->in[0];
  if (!x.constant) status = ag_tf_unflatten(op, &x);
  if (status) return status;
  int64_t begin_mask = ag_tf_attr_int(op->node, "begin_mask", 0);
  int64_t end_mask = ag_tf_attr_int(op->node, "end_mask", 0);
  int64_t shrink = ag_tf_attr_int(op->node, "shrink_axis_mask", 0);
  if (ag_tf_attr_int(op->node, "ellipsis_mask", 0) || ag_tf_attr_int(op->node, "new_axis_mask", 0))
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "slices with an ellipsis or a new axis");
  if (ends != c.count || steps != c.count || c.count > ag_tf_tensor_of(op, &x)->rank)
    return ag_neutral_fail(op->n, AG_FORMAT, "its bounds do not fit its operand");
  for (int i = 0; i < c.count; i++) {
    bool back = c.step[i] < 0;
    if (shrink >> i & 1) {
      c.shrink[i] = true;
      c.step[i] = 1;
      c.end[i] = c.begin[i] == -1 ? INT_MAX : c.begin[i] + 1;
      continue;
    }
    if (begin_mask >> i & 1) c.begin[i] = back ? INT_MAX : 0;
    if (end_mask >> i & 1) c.end[i] = back ? INT_MIN : INT_MAX;
  }
  return apply_cut(op, &x, &c);
}

/* Slice(x, begin, size); size -1 = to the end. */
ag_status ag_tf_slice_op(ag_tf_op *op) {
  cut c = {.count = 0};
  int sizes;
  ag_tf_value x;
  ag_status status = ag_tf_need(op, 3);
  if (!status) status = ag_tf_ints(op, 1, c.begin, AG_MAX_RANK, &c.count);
  if (!status) status = ag_tf_ints(op, 2, c.end, AG_MAX_RANK, &sizes);
  if (status) return status;
  x = op->in[0];
  if (!x.constant) status = ag_tf_unflatten(op, &x);
  if (status) return status;
  if (sizes != c.count || c.count > ag_tf_tensor_of(op, &x)->rank)
    return ag_neutral_fail(op->n, AG_FORMAT, "its bounds do not fit its operand");
  for (int i = 0; i < c.count; i++) {
    if (c.begin[i] < 0 || c.begin[i] > INT_MAX || c.end[i] < -1 || c.end[i] > INT_MAX)
      return ag_neutral_fail(op->n, AG_FORMAT, "a bound is out of range");
    c.end[i] = c.end[i] == -1 ? INT_MAX : c.begin[i] + c.end[i];
    c.step[i] = 1;
  }
  return apply_cut(op, &x, &c);
}

/* Split(axis, x) in equal parts; SplitV(x, sizes, axis). */
ag_status ag_tf_split_op(ag_tf_op *op) {
  enum { MOST = 256 };
  bool even = strcmp(op->node->op, "Split") == 0;
  int64_t axis[1], sizes[MOST], parts = ag_tf_attr_int(op->node, "num_split", 0);
  int count;
  ag_tf_value x;
  ag_status status = ag_tf_need(op, even ? 2 : 3);
  if (!status) status = ag_tf_ints(op, even ? 0 : 2, axis, 1, &count);
  if (!status) status = ag_tf_activation(op, even ? 1 : 0, &x);
  if (status) return status;
  int where = count == 1 ? ag_tf_axis(op, &x, axis[0]) : -1;
  if (parts < 1 || parts > MOST || where < 0)
    return ag_neutral_fail(op->n, AG_FORMAT, "its axis or number of parts is out of range");
  int64_t size = ag_tf_tensor_of(op, &x)->dims[where];
  for (int i = 0; i < parts; i++) sizes[i] = size / parts;
  if (!even) status = ag_tf_ints(op, 1, sizes, MOST, &count);
  if (status) return status;
  if ((!even && count != parts) || (even && size % parts))
    return ag_neutral_fail(op->n, AG_FORMAT, "its parts do not fit its operand");
  ag_onnx_node *node = ag_neutral_begin(op->n, "Split", op->name);
  ag_neutral_int(op->n, node, "axis", where);
  int operands[2] = {x.value, ag_neutral_ints_value(op->n, sizes, (int)parts)}, results[MOST];
  status = ag_neutral_end_many(op->n, node, operands, 2, results, (int)parts, NULL);
  ag_tf_value *out = ag_tf_set_results(op, (int)parts);
  for (int k = 0; k < parts; k++) {
    out[k] = x;
    out[k].value = results[k];
  }
  return status;
}

ag_status ag_tf_gather_op(ag_tf_op *op) {
  int64_t axis[1] = {0};
  int count = 1;
  ag_status status = ag_tf_need(op, 2);
  if (!status && op->count > 2) status = ag_tf_ints(op, 2, axis, 1, &count);
  if (status) return status;
  if (!op->in[0].constant || !op->in[1].constant || count != 1)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "it gathers from an activation");
  int operands[2] = {op->in[0].value, op->in[1].value};
  ag_onnx_node *node = ag_neutral_begin(op->n, "Gather", op->name);
  ag_neutral_int(op->n, node, "axis", axis[0]);
  return ag_tf_settle(op, ag_neutral_end(op->n, node, operands, 2, &op->out->value));
}
