/* Ops that move elements: reshaping, transposing, slicing, padding, resizing. Most of what
 * exporters write of these vanishes (a reshape of 1x1xC) or is part of a pattern. */
#include <string.h>

#include "engine/formats/onnx_internal.h"

/* The same elements in the same order, and the same H, W, C. */
static bool is_view(const ag_tensor *a, const ag_tensor *b) {
  bool plain = (a->rank == 4 || a->rank == 2) && (b->rank == 4 || b->rank == 2);
  if (ag_onnx_same_dims(a, b)) return true;
  return plain && a->dims[0] == b->dims[0] && ag_shape_equal(ag_onnx_shape(a), ag_onnx_shape(b));
}

static ag_onnx_result translate_reshape(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *x = ag_onnx_activation(im, op, 0);
  ag_tensor t;
  if (!x || !ag_onnx_reshaped(im, op, &t)) return ag_onnx_decline(im, "its shape is not constant");
  if (is_view(&x->tensor, &t))
    return ag_onnx_alias(im, op, x, &t, "keeps height, width and channels");
  if (x->tensor.rank == 4 && t.rank == 2 && t.dims[0] == x->tensor.dims[0])
    return ag_onnx_make(im, op, ag_node_make(AG_OP_FLATTEN), op->in, 1, 2);
  if (ag_onnx_match_shuffle(im, op)) return AG_ONNX_DONE;
  return ag_onnx_decline(im, "reshapes in a way no CG op does");
}

static ag_onnx_result translate_transpose(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *x = ag_onnx_activation(im, op, 0);
  int perm[AG_MAX_RANK];
  bool unchanged = true;
  if (!x || !ag_onnx_permutation(op->node, x->tensor.rank, perm))
    return ag_onnx_decline(im, "its permutation is malformed");
  for (int d = 0; d < x->tensor.rank; d++) unchanged = unchanged && perm[d] == d;
  if (unchanged) return ag_onnx_alias(im, op, x, &x->tensor, "permutes nothing");
  return ag_onnx_decline(im, "no CG op transposes");
}

/* Between floating-point types nothing happens, since all are carried in single precision. */
static ag_onnx_result translate_cast(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *x = ag_onnx_activation(im, op, 0);
  if (x && x->tensor.dtype == ag_onnx_cast_type(op->node))
    return ag_onnx_alias(im, op, x, &x->tensor, "keeps the type");
  return ag_onnx_decline(im, "no CG op casts");
}

/* The first channels of a tensor are left to the reader (see read_around_slices); for readers
 * that cannot, the slice itself exists as an opaque node. */
static ag_onnx_result translate_slice(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *x = ag_onnx_activation(im, op, 0);
  int64_t start[AG_MAX_RANK], step[AG_MAX_RANK];
  ag_tensor t;
  if (!x || !ag_onnx_sliced(im, op, &t, start, step))
    return ag_onnx_decline(im, "its bounds are not constant");
  bool first = x->tensor.rank == 4 || x->tensor.rank == 2;
  for (int d = 0; d < t.rank; d++) {
    if (start[d] != 0 || step[d] != 1) first = false;
    if (d != 1 && t.dims[d] != x->tensor.dims[d]) first = false;
  }
  if (first && ag_onnx_same_dims(&t, &x->tensor))
    return ag_onnx_alias(im, op, x, &t, "slices nothing off");
  if (!first || x->sliced_from >= 0) return ag_onnx_decline(im, "no CG op slices like this");
  if (ag_onnx_make_opaque(im, op, "slices channels for an op that cannot")) return AG_ONNX_FAILED;
  im->values[op->out[0]].sliced_from = op->in[0];
  return AG_ONNX_DONE;
}

static ag_onnx_result translate_pad(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *x = ag_onnx_activation(im, op, 0), *fill = ag_onnx_operand(im, op, 2);
  int64_t pads[2 * AG_MAX_RANK];
  double value = (double)ag_onnx_attr_float(op->node, "value", 0);
  if (!x || !ag_onnx_pads(im, op, x->tensor.rank, pads))
    return ag_onnx_decline(im, "its pads are not constant");
  int count = 2 * x->tensor.rank;
  bool none = true;
  for (int i = 0; i < count; i++) none = none && pads[i] == 0;
  if (none) return ag_onnx_alias(im, op, x, &x->tensor, "pads by nothing");
  if (!ag_onnx_attr_is(op->node, "mode", "constant", "constant") ||
      (fill && !ag_onnx_constant_float(fill, &value)) || value != 0 || count != 8)
    return ag_onnx_decline(im, "it does not pad height and width with zeros");
  if (pads[0] || pads[1] || pads[4] || pads[5])
    return ag_onnx_decline(im, "it does not pad height and width with zeros");
  ag_node n = ag_node_make(AG_OP_PADDINGS);
  for (int i = 0; i < 4; i++) {
    int64_t pad = pads[i < 2 ? i + 2 : i + 4];
    if (pad < 0 || pad > 1 << 20) return ag_onnx_decline(im, "a pad is out of range");
    n.pads[i] = (int32_t)pad;
  }
  return ag_onnx_make(im, op, n, op->in, 1, 4);
}

/* --- resizing --------------------------------------------------------------------- */

/* Sizes after resizing, from `sizes` or `scales`, whichever the node has. */
/* The dimensions that `count` scales or sizes are of: all, or since version 18 those named. */
static bool resized_axes(const ag_onnx_op *op, int rank, int count, int *axes) {
  const ag_onnx_attribute *a = ag_onnx_attr(op->node, "axes");
  if (count != (a ? (int)a->n_ints : rank) || count > rank) return false;
  for (int i = 0; i < count; i++) {
    int64_t axis = a ? a->ints[i] : i;
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank) return false;
    axes[i] = (int)axis;
  }
  return true;
}

bool ag_onnx_resized(ag_onnx_import *im, const ag_onnx_op *op, ag_tensor *t) {
  const ag_onnx_value *x = ag_onnx_operand(im, op, 0);
  bool late = strcmp(op->node->op_type, "Resize") == 0 && im->opset >= 11;
  const ag_onnx_value *scales = ag_onnx_operand(im, op, late ? 2 : 1);
  const ag_onnx_value *sizes = late ? ag_onnx_operand(im, op, 3) : NULL;
  const ag_onnx_attribute *a = ag_onnx_attr(op->node, "scales");
  double scale[AG_MAX_RANK];
  int64_t size[AG_MAX_RANK];
  int count = 0, axes[AG_MAX_RANK];
  if (!x) return false;
  *t = x->tensor;
  if (sizes) {
    if (!ag_onnx_attr_is(op->node, "keep_aspect_ratio_policy", "stretch", "stretch") ||
        !ag_onnx_constant_ints(sizes, size, AG_MAX_RANK, &count) ||
        !resized_axes(op, t->rank, count, axes))
      return false;
    for (int i = 0; i < count; i++) t->dims[axes[i]] = size[i];
    return true;
  }
  if (scales && !ag_onnx_constant_floats(scales, scale, AG_MAX_RANK, &count)) return false;
  for (size_t i = 0; !scales && a && i < a->n_floats && i < AG_MAX_RANK; i++)
    scale[count++] = (double)a->floats[i];
  if (!resized_axes(op, t->rank, count, axes)) return false;
  for (int i = 0; i < count; i++) {
    double to = (double)x->tensor.dims[axes[i]] * scale[i];
    if (!(to >= 1 && to <= INT32_MAX)) return false;
    t->dims[axes[i]] = (int64_t)to;
  }
  return true;
}

/* Nearest: floor(i / s), which several settings agree on for whole s. Linear: half-pixel
 * centres, or aligned corners. Before version 11 there was only the asymmetric grid. */
static bool resize_mode(const ag_onnx_import *im, const ag_onnx_node *node, ag_node *n) {
  bool late = strcmp(node->op_type, "Resize") == 0 && im->opset >= 11;
  const char *grid = "coordinate_transformation_mode", *mode = late ? "half_pixel" : "asymmetric";
  bool half = ag_onnx_attr_is(node, grid, "half_pixel", mode) ||
              ag_onnx_attr_is(node, grid, "pytorch_half_pixel", mode);
  if (ag_onnx_attr_is(node, "mode", "linear", "nearest")) {
    n->flags |= AG_FLAG_LINEAR;
    if (ag_onnx_attr_is(node, grid, "align_corners", mode)) n->flags |= AG_FLAG_ALIGN;
    return half || (n->flags & AG_FLAG_ALIGN);
  }
  if (!ag_onnx_attr_is(node, "mode", "nearest", "nearest")) return false;
  const char *rounding = late ? "round_prefer_floor" : "floor";
  bool floored = ag_onnx_attr_is(node, "nearest_mode", "floor", rounding);
  bool rounded = ag_onnx_attr_is(node, "nearest_mode", "round_prefer_floor", rounding) ||
                 ag_onnx_attr_is(node, "nearest_mode", "round_prefer_ceil", rounding);
  return (floored && ag_onnx_attr_is(node, grid, "asymmetric", mode)) || (rounded && half);
}

static ag_onnx_result translate_resize(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *x = ag_onnx_activation(im, op, 0);
  ag_node n = ag_node_make(AG_OP_RESIZE);
  ag_tensor t;
  if (!x || x->tensor.rank != 4 || !ag_onnx_resized(im, op, &t))
    return ag_onnx_decline(im, "its size is not constant");
  if (!resize_mode(im, op->node, &n))
    return ag_onnx_decline(im, "its interpolation or sampling grid is not a CG op's");
  if (t.dims[0] != x->tensor.dims[0] || t.dims[1] != x->tensor.dims[1])
    return ag_onnx_decline(im, "it resizes channels");
  for (int d = 0; d < 2; d++) {
    int64_t from = x->tensor.dims[d + 2], to = t.dims[d + 2];
    if (to < from || to % from || to / from > INT32_MAX)
      return ag_onnx_decline(im, "it does not enlarge by a whole ratio");
    n.stride[d] = (int32_t)(to / from);
  }
  return ag_onnx_make(im, op, n, op->in, 1, 4);
}

static ag_onnx_result translate_depth_space(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *x = ag_onnx_activation(im, op, 0);
  bool unfold = op->node->op_type[0] == 'D';
  ag_node n = ag_node_make(unfold ? AG_OP_DEPTH_TO_SPACE : AG_OP_SPACE_TO_DEPTH);
  int64_t block = ag_onnx_attr_int(op->node, "blocksize", 0);
  if (!x || x->tensor.rank != 4 || block < 1 || block > 1 << 15)
    return ag_onnx_decline(im, "its block size is malformed");
  n.stride[0] = n.stride[1] = (int32_t)block;
  if (unfold && ag_onnx_attr_is(op->node, "mode", "CRD", "DCR")) n.flags |= AG_FLAG_ALIGN;
  return ag_onnx_make(im, op, n, op->in, 1, 4);
}

ag_onnx_translate ag_onnx_find_shape_op(const char *op_type) {
  static const struct {
    const char *type;
    ag_onnx_translate translate;
  } table[] = {
      {"Reshape", translate_reshape},
      {"Flatten", translate_reshape},
      {"Squeeze", translate_reshape},
      {"Unsqueeze", translate_reshape},
      {"Transpose", translate_transpose},
      {"Cast", translate_cast},
      {"Slice", translate_slice},
      {"Pad", translate_pad},
      {"Resize", translate_resize},
      {"Upsample", translate_resize},
      {"DepthToSpace", translate_depth_space},
      {"SpaceToDepth", translate_depth_space},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i].type, op_type) == 0) return table[i].translate;
  return NULL;
}
