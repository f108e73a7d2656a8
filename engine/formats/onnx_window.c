/* Windows: kernel, stride, dilation and padding of convolutions and pools.
 *
 * ONNX has explicit pads (and auto_pad, which few exporters write); a CG says SAME where it can,
 * because SAME follows when a mutation changes the size. Explicit pads become SAME where that is
 * the same function at any size (stride 1, or a 1x1 window), or where their lopsidedness shows
 * that they were SAME once; zero pads become VALID. */
#include <string.h>

#include "engine/formats/onnx_internal.h"

int64_t ag_onnx_window(const ag_node *n, int dim) {
  return (int64_t)n->dilation[dim] * (n->kernel[dim] - 1) + 1;
}

/* An attribute of two numbers, `otherwise` where it is absent. */
bool ag_onnx_read_pair(const ag_onnx_node *node, const char *name, int32_t otherwise,
                       int32_t *out) {
  const ag_onnx_attribute *a = ag_onnx_attr(node, name);
  out[0] = out[1] = otherwise;
  if (!a || a->n_ints == 0) return true;
  for (int d = 0; d < 2; d++) {
    if (a->n_ints != 2 || a->ints[d] < 1 || a->ints[d] > AG_ONNX_MAX_WINDOW) return false;
    out[d] = (int32_t)a->ints[d];
  }
  return true;
}

static bool read_pads(const ag_onnx_node *node, int32_t *pads) {
  const ag_onnx_attribute *a = ag_onnx_attr(node, "pads");
  memset(pads, 0, 4 * sizeof *pads);
  if (!a || a->n_ints == 0) return true;
  for (int i = 0; i < 4; i++) {
    if (a->n_ints != 4 || a->ints[i] < 0 || a->ints[i] > AG_ONNX_MAX_WINDOW) return false;
    pads[i] = (int32_t)a->ints[i];
  }
  return true;
}

/* What SAME padding would be for this input: the larger half at the end. */
static bool equals_same(const ag_node *n, ag_shape in, const int32_t *pads) {
  for (int d = 0; d < 2; d++) {
    int64_t size = d ? in.w : in.h, stride = n->stride[d];
    int64_t total = ((size + stride - 1) / stride - 1) * stride + ag_onnx_window(n, d) - size;
    if (total < 0) total = 0;
    if (pads[d] != total / 2 || pads[d + 2] != total - total / 2) return false;
  }
  return true;
}

void ag_onnx_settle_padding(ag_node *n, ag_shape in, const int32_t *pads) {
  bool zero = !pads[0] && !pads[1] && !pads[2] && !pads[3];
  bool lopsided = pads[0] != pads[2] || pads[1] != pads[3];
  bool unit = true;
  for (int d = 0; d < 2; d++) unit = unit && (n->stride[d] == 1 || n->kernel[d] == 1);
  if (unit) n->flags &= (uint8_t)~AG_FLAG_CEIL;
  if (equals_same(n, in, pads) && (unit || lopsided) && !(n->flags & AG_FLAG_CEIL)) {
    n->padding = AG_PAD_SAME;
  } else if (zero) {
    n->padding = AG_PAD_VALID;
  } else {
    n->padding = AG_PAD_EXPLICIT;
    memcpy(n->pads, pads, sizeof n->pads);
  }
}

static bool read_padding(const ag_onnx_node *node, ag_node *n, ag_shape in) {
  int32_t pads[4];
  if (ag_onnx_attr_is(node, "auto_pad", "SAME_UPPER", "NOTSET"))
    n->padding = AG_PAD_SAME;
  else if (ag_onnx_attr_is(node, "auto_pad", "SAME_LOWER", "NOTSET"))
    n->padding = AG_PAD_SAME_LOWER;
  else if (ag_onnx_attr_is(node, "auto_pad", "VALID", "NOTSET"))
    n->padding = AG_PAD_VALID;
  else if (!read_pads(node, pads))
    return false;
  else
    ag_onnx_settle_padding(n, in, pads);
  return true;
}

/* Kernel (from the attribute, else `kernel`), stride, dilation, padding. */
bool ag_onnx_read_window(const ag_onnx_node *node, const int64_t *kernel, ag_node *n, ag_shape in) {
  const ag_onnx_attribute *a = ag_onnx_attr(node, "kernel_shape");
  if (kernel) {
    for (int d = 0; d < 2; d++) {
      if (kernel[d] < 1 || kernel[d] > AG_ONNX_MAX_WINDOW) return false;
      n->kernel[d] = (int32_t)kernel[d];
    }
    if (a && a->n_ints && (a->n_ints != 2 || a->ints[0] != kernel[0] || a->ints[1] != kernel[1]))
      return false;
  } else if (!a || !ag_onnx_read_pair(node, "kernel_shape", 1, n->kernel)) {
    return false;
  }
  return ag_onnx_read_pair(node, "strides", 1, n->stride) &&
         ag_onnx_read_pair(node, "dilations", 1, n->dilation) && read_padding(node, n, in);
}

/* SAME for a transposed convolution: what the window has beyond the stride, the larger half at the
 * end. */
static bool equals_transposed_same(const ag_node *n, const int32_t *pads, bool lower) {
  for (int d = 0; d < 2; d++) {
    int64_t total = ag_onnx_window(n, d) - n->stride[d];
    if (total < 0) total = 0;
    int64_t half = lower ? total - total / 2 : total / 2;
    if (pads[d] != half || pads[d + 2] != total - half) return false;
  }
  return true;
}

bool ag_onnx_read_transposed_padding(const ag_onnx_node *node, ag_node *n) {
  int32_t pads[4], extra[2] = {0, 0};
  const ag_onnx_attribute *a = ag_onnx_attr(node, "output_padding");
  if (ag_onnx_attr(node, "output_shape") ||
      !ag_onnx_attr_is(node, "auto_pad", "NOTSET", "NOTSET") || !read_pads(node, pads))
    return false;
  for (int d = 0; a && d < 2; d++) {
    if (a->n_ints != 2 || a->ints[d] < 0 || a->ints[d] > AG_ONNX_MAX_WINDOW) return false;
    extra[d] = (int32_t)a->ints[d];
  }
  for (int d = 0; d < 2; d++)
    if (ag_onnx_window(n, d) + extra[d] - pads[d] - pads[d + 2] != n->stride[d]) return false;
  n->padding = AG_PAD_EXPLICIT;
  if (equals_transposed_same(n, pads, false))
    n->padding = AG_PAD_SAME;
  else if (equals_transposed_same(n, pads, true))
    n->padding = AG_PAD_SAME_LOWER;
  else
    memcpy(n->pads, pads, sizeof pads);
  return true;
}
