/* Shapes that windows give, in any number of dimensions: for convolutions and pools that become
 * opaque because they are not over height and width, have a second result, or give a size that is
 * no whole multiple. Formulas by interop.md section 1. */
#include <string.h>

#include "engine/formats/onnx_internal.h"

/* One spatial dimension of a window. */
typedef struct window {
  int64_t kernel, stride, dilation, begin, end; /* begin, end: pads */
} window;

typedef enum pad_mode { PADS, SAME, VALID } pad_mode;

static pad_mode pad_mode_of(const ag_onnx_node *node) {
  if (ag_onnx_attr_is(node, "auto_pad", "VALID", "NOTSET")) return VALID;
  bool same = ag_onnx_attr_is(node, "auto_pad", "SAME_UPPER", "NOTSET") ||
              ag_onnx_attr_is(node, "auto_pad", "SAME_LOWER", "NOTSET");
  return same ? SAME : PADS;
}

/* Element `index` of a list of `count`; false where it is out of range or the list has another
 * length. */
static bool read_element(const ag_onnx_node *node, const char *name, int count, int index,
                         int64_t least, int64_t otherwise, int64_t *out) {
  const ag_onnx_attribute *a = ag_onnx_attr(node, name);
  *out = otherwise;
  if (!a || a->n_ints == 0) return true;
  if (a->n_ints != (size_t)count || a->ints[index] < least || a->ints[index] > INT32_MAX)
    return false;
  *out = a->ints[index];
  return true;
}

/* kernel: from the weights, 0 = from the attribute. */
static bool read_window(const ag_onnx_node *node, int spatial, int d, int64_t kernel, window *w) {
  if (!read_element(node, "kernel_shape", spatial, d, 1, kernel, &w->kernel) || w->kernel < 1 ||
      (kernel && w->kernel != kernel))
    return false;
  return read_element(node, "strides", spatial, d, 1, 1, &w->stride) &&
         read_element(node, "dilations", spatial, d, 1, 1, &w->dilation) &&
         read_element(node, "pads", 2 * spatial, d, 0, 0, &w->begin) &&
         read_element(node, "pads", 2 * spatial, d + spatial, 0, 0, &w->end);
}

static int64_t span(const window *w) {
  return w->dilation * (w->kernel - 1) + 1;
}

/* 0 where the window does not fit. A window that would begin in the end's pads is left out. */
static int64_t shrink(const window *w, pad_mode mode, bool ceil, int64_t in) {
  if (mode == SAME) return (in + w->stride - 1) / w->stride;
  int64_t begin = mode == VALID ? 0 : w->begin, end = mode == VALID ? 0 : w->end;
  int64_t room = in + begin + end - span(w);
  if (room < 0) return 0;
  int64_t out = room / w->stride + 1;
  if (ceil && room % w->stride && out * w->stride < in + begin) out++;
  return out;
}

static int64_t enlarge(const window *w, pad_mode mode, int64_t extra, int64_t in) {
  if (mode == SAME) return in * w->stride;
  int64_t pads = mode == VALID ? 0 : w->begin + w->end;
  return w->stride * (in - 1) + extra + span(w) - pads;
}

static const ag_tensor *tensor(ag_onnx_import *im, const ag_onnx_op *op, int slot) {
  const ag_onnx_value *v = ag_onnx_operand(im, op, slot);
  return v ? &v->tensor : NULL;
}

bool ag_onnx_infer_pool(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_tensor *x = tensor(im, op, 0);
  window w;
  if (!x || x->rank < 3 || output > 1) return false;
  *t = *x;
  if (output == 1) t->dtype = AG_I64; /* where each maximum stood */
  bool ceil = ag_onnx_attr_int(op->node, "ceil_mode", 0) != 0;
  for (int d = 2; d < x->rank; d++) {
    if (!read_window(op->node, x->rank - 2, d - 2, 0, &w)) return false;
    t->dims[d] = shrink(&w, pad_mode_of(op->node), ceil, x->dims[d]);
  }
  return true;
}

/* QLinearConv has scale and zero point before its weights; the integer forms change the type. */
bool ag_onnx_infer_conv(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const char *type = op->node->op_type;
  bool quantised = strcmp(type, "QLinearConv") == 0;
  const ag_tensor *x = tensor(im, op, 0), *k = tensor(im, op, quantised ? 3 : 1);
  window w;
  if (!x || !k || x->rank < 3 || k->rank != x->rank || output > 0) return false;
  *t = *x;
  if (strcmp(type, "ConvInteger") == 0) t->dtype = AG_I32;
  t->dims[1] = k->dims[0];
  for (int d = 2; d < x->rank; d++) {
    if (!read_window(op->node, x->rank - 2, d - 2, k->dims[d], &w)) return false;
    t->dims[d] = shrink(&w, pad_mode_of(op->node), false, x->dims[d]);
  }
  return true;
}

bool ag_onnx_infer_conv_transpose(ag_onnx_import *im, const ag_onnx_op *op, int output,
                                  ag_tensor *t) {
  const ag_tensor *x = tensor(im, op, 0), *k = tensor(im, op, 1);
  int64_t group = ag_onnx_attr_int(op->node, "group", 1), extra, given;
  window w;
  if (!x || !k || x->rank < 3 || k->rank != x->rank || output > 0) return false;
  if (group < 1 || group > INT32_MAX || k->dims[1] > INT32_MAX) return false;
  *t = *x;
  t->dims[1] = k->dims[1] * group;
  for (int d = 2, spatial = x->rank - 2; d < x->rank; d++) {
    if (!read_window(op->node, spatial, d - 2, k->dims[d], &w) ||
        !read_element(op->node, "output_padding", spatial, d - 2, 0, 0, &extra) ||
        !read_element(op->node, "output_shape", spatial, d - 2, 1, 0, &given))
      return false;
    t->dims[d] = given ? given : enlarge(&w, pad_mode_of(op->node), extra, x->dims[d]);
  }
  return true;
}

/* The way back from MaxPool: its input's size, as far as that can be told, or as given. */
bool ag_onnx_infer_unpool(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_onnx_value *size = ag_onnx_operand(im, op, 2);
  const ag_tensor *x = tensor(im, op, 0);
  window w;
  int count;
  if (!x || x->rank < 3 || output > 0) return false;
  *t = *x;
  if (size) return ag_onnx_constant_ints(size, t->dims, AG_MAX_RANK, &count) && count == t->rank;
  for (int d = 2; d < x->rank; d++) {
    if (!read_window(op->node, x->rank - 2, d - 2, 0, &w)) return false;
    t->dims[d] = enlarge(&w, PADS, 0, x->dims[d]);
  }
  return true;
}
