/* Values and their layouts (graphdef.h): bringing a value into the layout that an op wants,
 * constants into the shape that meets it, and reshapes.
 *
 * A permutation that moves only dimensions of size 1 is a reshape; others are a Transpose. */
#include <string.h>

#include "engine/formats/graphdef.h"

static const uint8_t images[4] = {0, 3, 1, 2};            /* N, C, H, W of N, H, W, C */
static const uint8_t split_channels[5] = {0, 3, 4, 1, 2}; /* N, G, C, H, W of N, H, W, G, C */

void ag_tf_identity_layout(ag_tf_value *v) {
  for (uint8_t d = 0; d < AG_MAX_RANK; d++) v->layout[d] = d;
}

void ag_tf_default_layout(const ag_tf_import *im, ag_tf_value *v, int rank) {
  ag_tf_identity_layout(v);
  if (rank == 4 && !im->channels_first) memcpy(v->layout, images, sizeof images);
}

const ag_tensor *ag_tf_tensor_of(const ag_tf_op *op, const ag_tf_value *v) {
  return ag_neutral_tensor(op->n, v->value);
}

void ag_tf_source_shape(const ag_tf_op *op, const ag_tf_value *v, ag_tensor *shape) {
  const ag_tensor *t = ag_tf_tensor_of(op, v);
  *shape = *t;
  shape->data = NULL;
  shape->bytes = 0;
  if (v->constant) return;
  for (int d = 0; d < t->rank; d++) shape->dims[v->layout[d]] = t->dims[d];
}

int ag_tf_axis(const ag_tf_op *op, const ag_tf_value *v, int64_t axis) {
  int rank = ag_tf_tensor_of(op, v)->rank;
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) return -1;
  if (v->constant) return (int)axis;
  for (int d = 0; d < rank; d++)
    if (v->layout[d] == axis) return d;
  return -1;
}

bool ag_tf_channels_first(const ag_tf_op *op) {
  return ag_tf_attr_is(op->node, "data_format", "NCHW", "NHWC");
}

/* Whether the permutation keeps the order of all dimensions larger than 1. */
static bool keeps_order(const int64_t *dims, int rank, const int64_t *perm) {
  int64_t last = -1;
  for (int d = 0; d < rank; d++) {
    if (dims[perm[d]] == 1 && perm[d] != 0) continue;
    if (perm[d] < last) return false;
    last = perm[d];
  }
  return true;
}

/* A Reshape to that shape; the batch stays open. */
static ag_status emit_reshape(ag_tf_op *op, int x, const int64_t *dims, int rank, int *value) {
  int64_t sizes[AG_MAX_RANK];
  const ag_tensor *t = ag_neutral_tensor(op->n, x);
  memcpy(sizes, dims, (size_t)rank * sizeof *sizes);
  bool batched = !ag_neutral_is_constant(op->n, x) && rank && t->rank && t->dims[0] == dims[0];
  if (batched) sizes[0] = 0;
  int operands[2] = {x, ag_neutral_ints_value(op->n, sizes, rank)};
  return ag_neutral_apply(op->n, "Reshape", op->name, operands, 2, value);
}

static ag_status emit_transpose(ag_tf_op *op, int x, const int64_t *perm, int rank, int *value) {
  ag_onnx_node *node = ag_neutral_begin(op->n, "Transpose", op->name);
  ag_neutral_ints(op->n, node, "perm", perm, rank);
  return ag_neutral_end(op->n, node, &x, 1, value);
}

static ag_status permute(ag_tf_op *op, int x, const int64_t *perm, int *value) {
  ag_tensor t = *ag_neutral_tensor(op->n, x);
  int64_t dims[AG_MAX_RANK];
  bool unchanged = true;
  for (int d = 0; d < t.rank; d++) {
    dims[d] = t.dims[perm[d]];
    unchanged = unchanged && perm[d] == d;
  }
  if (unchanged) return *value = x, AG_OK;
  if (keeps_order(t.dims, t.rank, perm)) return emit_reshape(op, x, dims, t.rank, value);
  return emit_transpose(op, x, perm, t.rank, value);
}

ag_status ag_tf_arrange(ag_tf_op *op, const ag_tf_value *v, const uint8_t *layout, int *value) {
  int64_t perm[AG_MAX_RANK] = {0};
  int rank = ag_tf_tensor_of(op, v)->rank;
  for (int i = 0; i < rank; i++)
    for (int d = 0; d < rank; d++)
      if (v->layout[d] == layout[i]) perm[i] = d;
  return permute(op, v->value, perm, value);
}

ag_status ag_tf_unflatten(ag_tf_op *op, ag_tf_value *v) {
  static const int64_t to_source[] = {0, 2, 3, 1};
  if (!v->flat[0]) return AG_OK;
  int64_t batch = ag_tf_tensor_of(op, v)->dims[0];
  int64_t image[4] = {batch, v->flat[2], v->flat[0], v->flat[1]};
  int64_t row[2] = {batch, image[1] * image[2] * image[3]};
  ag_status status = AG_OK;
  if (v->value == v->row)
    v->value = v->image;
  else
    status = emit_reshape(op, v->value, image, 4, &v->value);
  if (!status) status = emit_transpose(op, v->value, to_source, 4, &v->value);
  if (!status) status = emit_reshape(op, v->value, row, 2, &v->value);
  memset(v->flat, 0, sizeof v->flat);
  return status;
}

/* --- operands --------------------------------------------------------------------- */

ag_status ag_tf_need(ag_tf_op *op, int count) {
  if (op->count < count)
    return ag_neutral_fail(op->n, AG_FORMAT, "has %d operands, not %d", op->count, count);
  for (int k = 0; k < count; k++)
    if (op->in[k].value < 0)
      return ag_neutral_fail(op->n, AG_UNSUPPORTED, "operand %d is a result that is not handled",
                             k);
  return AG_OK;
}

ag_status ag_tf_activation(ag_tf_op *op, int slot, ag_tf_value *x) {
  ag_status status = ag_tf_need(op, slot + 1);
  if (status) return status;
  *x = op->in[slot];
  if (x->constant) return ag_neutral_fail(op->n, AG_UNSUPPORTED, "operand %d is a constant", slot);
  return ag_tf_unflatten(op, x);
}

ag_status ag_tf_image(ag_tf_op *op, int slot, ag_tf_value *x) {
  ag_status status = ag_tf_activation(op, slot, x);
  if (status) return status;
  int rank = ag_tf_tensor_of(op, x)->rank;
  if (rank != 4)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "operand %d has %d dimensions, not 4", slot,
                           rank);
  ag_tf_value wanted = *x;
  ag_tf_identity_layout(&wanted);
  if (!ag_tf_channels_first(op)) memcpy(wanted.layout, images, sizeof images);
  status = ag_tf_arrange(op, x, wanted.layout, &wanted.value);
  *x = wanted;
  return status;
}

ag_status ag_tf_ints(ag_tf_op *op, int slot, int64_t *out, int limit, int *count) {
  ag_status status = ag_tf_need(op, slot + 1);
  if (status) return status;
  const ag_tensor *t = ag_tf_tensor_of(op, &op->in[slot]);
  int64_t elements = ag_onnx_elements(t);
  if (op->in[slot].constant && elements && !t->data)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED,
                           "operand %d lies in a file of weights that is not beside the model",
                           slot);
  if (!op->in[slot].constant || t->dtype != AG_I64 || elements > limit)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED,
                           "operand %d is no constant list of at most %d integers", slot, limit);
  for (int64_t i = 0; i < elements; i++) out[i] = ag_onnx_get_int(t, i);
  *count = (int)elements;
  return AG_OK;
}

/* --- constants -------------------------------------------------------------------- */

static void copy_permuted(const ag_tensor *from, const int *perm, char *to) {
  size_t size = ag_onnx_element_size((int)from->dtype);
  int64_t stride[AG_MAX_RANK] = {0}, at[AG_MAX_RANK] = {0}, step = 1, source = 0;
  int rank = from->rank;
  int64_t count = ag_onnx_elements(from);
  for (int d = rank - 1; d >= 0; step *= from->dims[d], d--) stride[d] = step;
  for (int64_t i = 0; i < count; i++) {
    memcpy(to + (size_t)i * size, (const char *)from->data + (size_t)source * size, size);
    for (int d = rank - 1; d >= 0; d--) {
      source += stride[perm[d]];
      if (++at[d] < from->dims[perm[d]]) break;
      source -= at[d] * stride[perm[d]];
      at[d] = 0;
    }
  }
}

ag_status ag_tf_permuted(ag_tf_op *op, const ag_tf_value *constant, int rank, const int *perm,
                         const int64_t *dims, int dims_count, int *value) {
  ag_tensor from = *ag_tf_tensor_of(op, constant), to = from;
  if (!constant->constant || from.rank != rank)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its weights are no constant of %d dimensions",
                           rank);
  to.rank = dims_count;
  memcpy(to.dims, dims, (size_t)dims_count * sizeof *dims);
  if (from.data) {
    char *data = ag_neutral_alloc(op->n, from.bytes);
    copy_permuted(&from, perm, data);
    to.data = data;
  }
  *value = ag_neutral_constant(op->n, ag_neutral_print(op->n, "%s/weights", op->name), &to, true);
  return AG_OK;
}

/* H, W, C order to C, H, W order, for a vector that meets a flattened image. */
static ag_status match_flat(ag_tf_op *op, const ag_tf_value *constant, const ag_tf_value *x,
                            int *value) {
  static const int perm[] = {2, 0, 1};
  ag_tensor t = *ag_tf_tensor_of(op, constant), to = t;
  t.rank = 3;
  for (int d = 0; d < 3; d++) t.dims[d] = x->flat[d];
  if (t.data) {
    char *data = ag_neutral_alloc(op->n, t.bytes);
    copy_permuted(&t, perm, data);
    to.data = data;
  }
  to.rank = 2;
  to.dims[0] = 1;
  to.dims[1] = ag_onnx_elements(&t);
  *value = ag_neutral_constant(op->n, op->name, &to, true);
  return AG_OK;
}

ag_status ag_tf_match(ag_tf_op *op, const ag_tf_value *constant, const ag_tf_value *x, int *value) {
  ag_tensor t = *ag_tf_tensor_of(op, constant), shape = *ag_tf_tensor_of(op, x);
  int64_t elements = ag_onnx_elements(&t);
  int perm[AG_MAX_RANK];
  if (x->flat[0] && elements == ag_onnx_elements(&shape)) return match_flat(op, constant, x, value);
  if (t.rank > shape.rank)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "a constant of more dimensions than its partner");
  if (elements == 1) {
    t.rank = 0;
    *value = ag_neutral_constant(op->n, op->name, &t, false);
    return AG_OK;
  }
  int missing = shape.rank - t.rank;
  memmove(t.dims + missing, t.dims, (size_t)t.rank * sizeof *t.dims);
  for (int d = 0; d < missing; d++) t.dims[d] = 1;
  t.rank = shape.rank;
  int64_t dims[AG_MAX_RANK];
  for (int d = 0; d < t.rank; d++) {
    perm[d] = x->layout[d];
    dims[d] = t.dims[perm[d]];
  }
  ag_tf_value padded = {.constant = true};
  padded.value = ag_neutral_constant(op->n, op->name, &t, false);
  return ag_tf_permuted(op, &padded, t.rank, perm, dims, t.rank, value);
}

/* --- reshape ---------------------------------------------------------------------- */

static bool has_layout(const ag_tf_value *v, const uint8_t *layout, int rank) {
  return memcmp(v->layout, layout, (size_t)rank) == 0;
}

/* Elements that stand in source order, into a shape of the source. */
static ag_status reshape_plain(ag_tf_op *op, int x, const ag_tensor *shape, ag_tf_value *out) {
  int64_t dims[AG_MAX_RANK], perm[AG_MAX_RANK];
  ag_tf_default_layout(op->im, out, shape->rank);
  for (int d = 0; d < shape->rank; d++) {
    perm[d] = out->layout[d];
    dims[d] = shape->dims[perm[d]];
  }
  if (keeps_order(shape->dims, shape->rank, perm))
    return emit_reshape(op, x, dims, shape->rank, &out->value);
  ag_tf_identity_layout(out);
  return emit_reshape(op, x, shape->dims, shape->rank, &out->value);
}

/* N, H, W, C into N, H*W*C: the rows of the product that follows will be permuted instead. */
static ag_status flatten(ag_tf_op *op, const ag_tf_value *x, const ag_tensor *from,
                         const ag_tensor *shape, ag_tf_value *out) {
  ag_tf_identity_layout(out);
  for (int d = 0; d < 3; d++) out->flat[d] = (int32_t)from->dims[d + 1];
  out->image = x->value;
  ag_status status = emit_reshape(op, x->value, shape->dims, 2, &out->value);
  out->row = out->value;
  return status;
}

ag_status ag_tf_reshape(ag_tf_op *op, const ag_tf_value *x, const ag_tensor *shape,
                        ag_tf_value *out) {
  ag_tensor from;
  ag_tf_value plain = *x, wanted;
  const int64_t *a, *b = shape->dims;
  int64_t order[AG_MAX_RANK];
  ag_tf_source_shape(op, x, &from);
  a = from.dims;
  *out = (ag_tf_value){.value = -1};
  if (ag_onnx_same_dims(&from, shape)) return *out = *x, AG_OK;
  for (int d = 0; d < from.rank; d++) order[d] = x->layout[d];
  bool in_order = !x->flat[0] && keeps_order(a, from.rank, order);
  if (in_order) return reshape_plain(op, x->value, shape, out);
  if (from.rank == 4 && shape->rank == 2 && a[0] == b[0] && has_layout(x, images, 4))
    return flatten(op, x, &from, shape, out);
  if (from.rank == 4 && shape->rank == 5 && has_layout(x, images, 4) && a[0] == b[0] &&
      a[1] == b[1] && a[2] == b[2]) {
    memcpy(out->layout, split_channels, sizeof split_channels);
    int64_t dims[5] = {b[0], b[3], b[4], b[1], b[2]};
    return emit_reshape(op, x->value, dims, 5, &out->value);
  }
  if (from.rank == 5 && shape->rank == 4 && !op->im->channels_first && a[0] == b[0] &&
      a[1] == b[1] && a[2] == b[2]) {
    ag_status status = ag_tf_arrange(op, x, split_channels, &wanted.value);
    memcpy(out->layout, images, sizeof images);
    int64_t dims[4] = {b[0], b[3], b[1], b[2]};
    return status ? status : emit_reshape(op, wanted.value, dims, 4, &out->value);
  }
  ag_status status = ag_tf_unflatten(op, &plain);
  ag_tf_identity_layout(&wanted);
  if (!status) status = ag_tf_arrange(op, &plain, wanted.layout, &plain.value);
  return status ? status : reshape_plain(op, plain.value, shape, out);
}
