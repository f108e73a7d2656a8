/* Convolutions and pools of GraphDefs: each function appends a node and works out its result at
 * once, in plain loops over N, H, W, C. */
#ifndef AG_TESTS_GRAPHDEF_WINDOWS_H
#define AG_TESTS_GRAPHDEF_WINDOWS_H

#include <math.h>

#include "tests/formats/graphdef_maker.h"

static inline float *at(const tensor *t, int h, int w, int c) {
  return &t->data[(h * t->dims[2] + w) * t->dims[3] + c];
}

/* Size of the result and cells before the image. */
static inline int windows(int size, int kernel, int stride, int dilation, bool same, int *before) {
  int span = (kernel - 1) * dilation + 1;
  int out = same ? (size + stride - 1) / stride : (size - span) / stride + 1;
  int total = same ? (out - 1) * stride + span - size : 0;
  *before = total > 0 ? total / 2 : 0;
  return out;
}

static inline void window_attrs(attrs *a, int stride, int dilation, bool same) {
  attr_ints(a, "strides", (int[]){1, stride, stride, 1}, 4);
  if (dilation > 1) attr_ints(a, "dilations", (int[]){1, dilation, dilation, 1}, 4);
  attr_text(a, "padding", same ? "SAME" : "VALID");
}

/* Kernel h, w, I, O, or with `depthwise` h, w, C, multiplier. */
static inline tensor convolution(net *g, tensor x, tensor k, int stride, int dilation, bool same,
                                 bool depthwise) {
  attrs a = {0};
  int top, left, kh = k.dims[0], kw = k.dims[1];
  int oh = windows(x.dims[1], kh, stride, dilation, same, &top);
  int ow = windows(x.dims[2], kw, stride, dilation, same, &left);
  int oc = depthwise ? k.dims[2] * k.dims[3] : k.dims[3];
  tensor y = make_tensor(g, "conv", 4, (int[]){1, oh, ow, oc});
  int groups = depthwise ? x.dims[3] : x.dims[3] / k.dims[2];
  for (int h = 0; h < oh; h++)
    for (int w = 0; w < ow; w++)
      for (int o = 0; o < oc; o++)
        for (int i = 0; i < kh; i++)
          for (int j = 0; j < kw; j++) {
            int sh = h * stride + i * dilation - top, sw = w * stride + j * dilation - left;
            if (sh < 0 || sw < 0 || sh >= x.dims[1] || sw >= x.dims[2]) continue;
            if (depthwise) {
              *at(&y, h, w, o) += *at(&x, sh, sw, o / k.dims[3]) * k.data[(i * kw + j) * oc + o];
              continue;
            }
            int group = o / (oc / groups);
            for (int c = 0; c < k.dims[2]; c++)
              *at(&y, h, w, o) += *at(&x, sh, sw, group * k.dims[2] + c) *
                                  k.data[((i * kw + j) * k.dims[2] + c) * oc + o];
          }
  window_attrs(&a, stride, dilation, same);
  put_node(g, y.name, depthwise ? "DepthwiseConv2dNative" : "Conv2D", join(g, x.name, k.name), &a);
  return y;
}

/* Kernel h, w, out, in; SAME: the result is `stride` times as large. */
static inline tensor transposed_convolution(net *g, tensor x, tensor k, int stride) {
  attrs a = {0};
  int oh = x.dims[1] * stride, ow = x.dims[2] * stride, oc = k.dims[2], top, left;
  windows(oh, k.dims[0], stride, 1, true, &top);
  windows(ow, k.dims[1], stride, 1, true, &left);
  tensor y = make_tensor(g, "deconv", 4, (int[]){1, oh, ow, oc});
  for (int h = 0; h < x.dims[1]; h++)
    for (int w = 0; w < x.dims[2]; w++)
      for (int i = 0; i < k.dims[0]; i++)
        for (int j = 0; j < k.dims[1]; j++)
          for (int o = 0; o < oc; o++)
            for (int c = 0; c < k.dims[3]; c++) {
              int th = h * stride + i - top, tw = w * stride + j - left;
              if (th < 0 || tw < 0 || th >= oh || tw >= ow) continue;
              *at(&y, th, tw, o) +=
                  *at(&x, h, w, c) * k.data[((i * k.dims[1] + j) * oc + o) * k.dims[3] + c];
            }
  window_attrs(&a, stride, 1, true);
  const char *sizes = ints(g, 1, 4, (int[]){1, oh, ow, oc});
  put_node(g, y.name, "Conv2DBackpropInput", join(g, join(g, sizes, k.name), x.name), &a);
  return y;
}

static inline tensor pool(net *g, tensor x, int kernel, int stride, bool same, bool average) {
  attrs a = {0};
  int top, left;
  int oh = windows(x.dims[1], kernel, stride, 1, same, &top);
  int ow = windows(x.dims[2], kernel, stride, 1, same, &left);
  tensor y = make_tensor(g, "pool", 4, (int[]){1, oh, ow, x.dims[3]});
  for (int h = 0; h < oh; h++)
    for (int w = 0; w < ow; w++)
      for (int c = 0; c < x.dims[3]; c++) {
        float best = -INFINITY, sum = 0, cells = 0;
        for (int i = 0; i < kernel; i++)
          for (int j = 0; j < kernel; j++) {
            int sh = h * stride + i - top, sw = w * stride + j - left;
            if (sh < 0 || sw < 0 || sh >= x.dims[1] || sw >= x.dims[2]) continue;
            best = fmaxf(best, *at(&x, sh, sw, c));
            sum += *at(&x, sh, sw, c);
            cells++;
          }
        *at(&y, h, w, c) = average ? sum / cells : best;
      }
  attr_ints(&a, "ksize", (int[]){1, kernel, kernel, 1}, 4);
  window_attrs(&a, stride, 1, same);
  put_node(g, y.name, average ? "AvgPool" : "MaxPool", x.name, &a);
  return y;
}

/* The cells of the padded image that lie `block` apart, from row i and column j on. */
static inline tensor deal_out(net *g, tensor x, const int *block, const int *pads, int i, int j) {
  int h = (x.dims[1] + pads[0] + pads[1]) / block[0],
      w = (x.dims[2] + pads[2] + pads[3]) / block[1];
  tensor y = make_tensor(g, "part", 4, (int[]){1, h, w, x.dims[3]});
  for (int r = 0; r < h; r++)
    for (int s = 0; s < w; s++)
      for (int c = 0; c < x.dims[3]; c++) {
        int sh = i + r * block[0] - pads[0], sw = j + s * block[1] - pads[2];
        if (sh < 0 || sw < 0 || sh >= x.dims[1] || sw >= x.dims[2]) continue;
        *at(&y, r, s, c) = *at(&x, sh, sw, c);
      }
  return y;
}

/* SpaceToBatchND, a convolution, BatchToSpaceND; pads and crops: top, bottom, left, right. */
static inline tensor convolution_in_batches(net *g, tensor x, tensor k, const int *block,
                                            const int *pads, const int *crops, bool same,
                                            bool depthwise) {
  net aside = {.count = 1000}; /* of each part */
  attrs a = {0};
  const char *sizes = ints(g, 1, 2, block);
  tensor whole = {.rank = 4}, parts = make_tensor(g, "batches", 0, NULL);
  for (int i = 0; i < block[0]; i++)
    for (int j = 0; j < block[1]; j++) {
      tensor part = deal_out(&aside, x, block, pads, i, j);
      part = convolution(&aside, part, k, 1, 1, same, depthwise);
      if (!whole.data)
        whole = make_tensor(g, "whole", 4,
                            (int[]){1, part.dims[1] * block[0] - crops[0] - crops[1],
                                    part.dims[2] * block[1] - crops[2] - crops[3], part.dims[3]});
      for (int h = 0; h < part.dims[1]; h++)
        for (int w = 0; w < part.dims[2]; w++)
          for (int c = 0; c < part.dims[3]; c++) {
            int th = i + h * block[0] - crops[0], tw = j + w * block[1] - crops[2];
            if (th < 0 || tw < 0 || th >= whole.dims[1] || tw >= whole.dims[2]) continue;
            *at(&whole, th, tw, c) = *at(&part, h, w, c);
          }
    }
  ag_text_free(&aside.graph);
  ag_arena_free(&aside.arena);
  put_node(g, "dealt", "SpaceToBatchND", join(g, join(g, x.name, sizes), ints(g, 2, 4, pads)),
           NULL);
  window_attrs(&a, 1, 1, same);
  put_node(g, parts.name, depthwise ? "DepthwiseConv2dNative" : "Conv2D", join(g, "dealt", k.name),
           &a);
  put_node(g, whole.name, "BatchToSpaceND",
           join(g, join(g, parts.name, sizes), ints(g, 2, 4, crops)), NULL);
  return whole;
}

#endif
