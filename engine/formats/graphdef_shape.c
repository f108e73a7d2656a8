/* Ops of GraphDefs that move elements, and the arithmetic on sizes around them, which comes out
 * constant. */
#include <limits.h>
#include <string.h>

#include "engine/formats/graphdef.h"

/* A constant result, or an error. */
static ag_status settle_constant(ag_tf_op *op, ag_status status) {
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
  return settle_constant(op, ag_neutral_end(op->n, node, operands, 2, &op->out->value));
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

static ag_status translate_reshape(ag_tf_op *op) {
  ag_tensor shape = {.dtype = AG_F32};
  ag_status status = ag_tf_need(op, 2);
  if (status) return status;
  if (guess_shape(op, &shape)) return reshape_to(op, &shape);
  status = ag_tf_ints(op, 1, shape.dims, AG_MAX_RANK, &shape.rank);
  return status ? status : reshape_to(op, &shape);
}

static ag_status translate_expand(ag_tf_op *op) {
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
static ag_status translate_transpose(ag_tf_op *op) {
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
    return settle_constant(op, ag_neutral_end(op->n, node, &op->in[0].value, 1, &op->out->value));
  }
  *op->out = op->in[0];
  status = ag_tf_unflatten(op, op->out);
  for (int d = 0; d < rank; d++) op->out->layout[d] = (uint8_t)inverse[op->out->layout[d]];
  ag_neutral_fate(op->n, AG_ONNX_FOLDED, "the layout is chosen by the layers");
  return status;
}

/* --- sizes ------------------------------------------------------------------------ */

static ag_status translate_shape(ag_tf_op *op) {
  ag_tensor shape;
  ag_status status = ag_tf_need(op, 1);
  if (status) return status;
  ag_tf_source_shape(op, &op->in[0], &shape);
  *op->out = (ag_tf_value){.constant = true};
  op->out->value = ag_neutral_ints_value(op->n, shape.dims, shape.rank);
  return AG_OK;
}

static ag_status translate_pack(ag_tf_op *op) {
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
  return settle_constant(op, ag_neutral_end(op->n, node, operands, op->count, &op->out->value));
}

enum { MOST_FILLED = 1 << 20 };

static ag_status translate_fill(ag_tf_op *op) {
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

/* --- parts ------------------------------------------------------------------------ */

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
  if (count == 0) return x->constant ? settle_constant(op, AG_OK) : AG_OK;
  int squeeze[2] = {sliced.value, ag_neutral_ints_value(op->n, gone, count)};
  status = ag_neutral_apply(op->n, "Squeeze", op->name, squeeze, 2, &op->out->value);
  op->out->constant = !status && ag_neutral_is_constant(op->n, op->out->value);
  return x->constant ? settle_constant(op, status) : status;
}

static ag_status translate_strided_slice(ag_tf_op *op) {
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
static ag_status translate_slice(ag_tf_op *op) {
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
static ag_status translate_split(ag_tf_op *op) {
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

static ag_status translate_gather(ag_tf_op *op) {
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
  return settle_constant(op, ag_neutral_end(op->n, node, operands, 2, &op->out->value));
}

/* --- pads ------------------------------------------------------------------------- */

static ag_status translate_pad(ag_tf_op *op) {
  int64_t pairs[2 * AG_MAX_RANK], pads[2 * AG_MAX_RANK];
  int count;
  ag_tf_value x;
  ag_status status = ag_tf_need(op, 2);
  if (!status) status = ag_tf_ints(op, 1, pairs, 2 * AG_MAX_RANK, &count);
  if (!status) status = ag_tf_activation(op, 0, &x);
  if (status) return status;
  int rank = ag_tf_tensor_of(op, &x)->rank;
  if (count != 2 * rank)
    return ag_neutral_fail(op->n, AG_FORMAT, "its pads do not fit its operand");
  for (int d = 0; d < rank; d++) {
    pads[d] = pairs[2 * x.layout[d]];
    pads[d + rank] = pairs[2 * x.layout[d] + 1];
  }
  bool mirror = strcmp(op->node->op, "MirrorPad") == 0;
  if (mirror && !ag_tf_attr_is(op->node, "mode", "REFLECT", "REFLECT"))
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "pads symmetrically");
  ag_onnx_node *node = ag_neutral_begin(op->n, "Pad", op->name);
  ag_neutral_text(op->n, node, "mode", mirror ? "reflect" : "constant");
  int operands[3] = {x.value, ag_neutral_ints_value(op->n, pads, 2 * rank)};
  bool valued = strcmp(op->node->op, "PadV2") == 0 && op->count > 2 && op->in[2].constant;
  if (valued) operands[2] = op->in[2].value;
  *op->out = x;
  return ag_neutral_end(op->n, node, operands, valued ? 3 : 2, &op->out->value);
}

ag_tf_translator ag_tf_find_shape(const char *type) {
  static const struct {
    const char *type;
    ag_tf_translator translate;
  } table[] = {
      {"Reshape", translate_reshape},
      {"ExpandDims", translate_expand},
      {"Transpose", translate_transpose},
      {"Shape", translate_shape},
      {"Pack", translate_pack},
      {"Fill", translate_fill},
      {"StridedSlice", translate_strided_slice},
      {"Slice", translate_slice},
      {"Split", translate_split},
      {"SplitV", translate_split},
      {"Gather", translate_gather},
      {"GatherV2", translate_gather},
      {"Pad", translate_pad},
      {"PadV2", translate_pad},
      {"MirrorPad", translate_pad},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i].type, type) == 0) return table[i].translate;
  return NULL;
}
