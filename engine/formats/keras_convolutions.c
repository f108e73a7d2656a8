/* Convolutions of Keras: plain, depthwise, separable, transposed. */
#include <string.h>

#include "engine/formats/keras_layer.h"

static ag_status add_window(ag_keras_layer *l, ag_onnx_node *node, bool dilated) {
  int64_t stride[2], dilation[2];
  const char *padding = ag_keras_text(l, "padding|border_mode", "valid");
  if (!ag_keras_pair(l, "strides|subsample", 1, stride)) return ag_keras_malformed(l, "strides");
  if (!ag_keras_pair(l, "dilation_rate|atrous_rate", 1, dilation))
    return ag_keras_malformed(l, "dilation_rate");
  ag_neutral_ints(l->n, node, "strides", stride, 2);
  if (dilated) ag_neutral_ints(l->n, node, "dilations", dilation, 2);
  if (strcmp(padding, "same") == 0)
    ag_neutral_text(l->n, node, "auto_pad", "SAME_UPPER");
  else if (strcmp(padding, "valid") != 0)
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "padding '%s' is not handled", padding);
  return AG_OK;
}

static bool read_kernel(ag_keras_layer *l, int64_t *kernel) {
  if (ag_keras_field(l->config, "kernel_size")) return ag_keras_pair(l, "kernel_size", 0, kernel);
  kernel[0] = ag_keras_int(l, "nb_row", 0);
  kernel[1] = ag_keras_int(l, "nb_col", 0);
  return true;
}

ag_status ag_keras_convolve(ag_keras_layer *l, const ag_keras_convolution *c, const char *name,
                            int x, int *value) {
  int64_t dims[4] = {c->filters, c->per_group, c->kernel[0], c->kernel[1]};
  if (c->filters < 1 || c->filters > INT32_MAX || c->kernel[0] < 1 || c->kernel[1] < 1 ||
      c->kernel[0] > 1 << 15 || c->kernel[1] > 1 << 15 || c->per_group < 1)
    return ag_neutral_fail(l->n, AG_FORMAT, "its filters or its kernel are out of range");
  int operands[3] = {x, ag_keras_weight(l, "kernel", 4, dims)};
  if (c->bias) operands[2] = ag_keras_weight(l, "bias", 1, dims);
  ag_onnx_node *node = ag_neutral_begin(l->n, "Conv", name);
  ag_neutral_int(l->n, node, "group", c->groups);
  ag_status status = c->window ? add_window(l, node, true) : AG_OK;
  return status ? status : ag_neutral_end(l->n, node, operands, 2 + c->bias, value);
}

ag_status ag_keras_conv(ag_keras_layer *l) {
  int64_t groups = ag_keras_int(l, "groups", 1);
  ag_keras_convolution c = {.filters = ag_keras_int(l, "filters|nb_filter", 0),
                            .groups = groups,
                            .bias = ag_keras_bool(l, "use_bias|bias", true),
                            .window = true};
  int y;
  ag_status status = ag_keras_need_image(l);
  if (status) return status;
  if (!read_kernel(l, c.kernel)) return ag_keras_malformed(l, "kernel_size");
  if (groups < 1 || ag_keras_input(l)->dims[1] % groups) return ag_keras_malformed(l, "groups");
  c.per_group = ag_keras_input(l)->dims[1] / groups;
  status = ag_keras_convolve(l, &c, l->name, l->in[0], &y);
  return status ? status : ag_keras_activated(l, y);
}

static ag_status depthwise(ag_keras_layer *l, bool bias, const char *name, int *y) {
  int64_t channels = ag_keras_input(l)->dims[1],
          multiplier = ag_keras_int(l, "depth_multiplier", 1);
  ag_keras_convolution c = {.per_group = 1, .groups = channels, .bias = bias, .window = true};
  if (!read_kernel(l, c.kernel)) return ag_keras_malformed(l, "kernel_size");
  if (multiplier < 1 || multiplier > 1 << 15) return ag_keras_malformed(l, "depth_multiplier");
  c.filters = channels * multiplier;
  return ag_keras_convolve(l, &c, name, l->in[0], y);
}

ag_status ag_keras_depthwise(ag_keras_layer *l) {
  int y;
  ag_status status = ag_keras_need_image(l);
  if (!status) status = depthwise(l, ag_keras_bool(l, "use_bias|bias", true), l->name, &y);
  return status ? status : ag_keras_activated(l, y);
}

ag_status ag_keras_separable(ag_keras_layer *l) {
  ag_keras_convolution c = {.filters = ag_keras_int(l, "filters|nb_filter", 0),
                            .groups = 1,
                            .kernel = {1, 1},
                            .bias = ag_keras_bool(l, "use_bias|bias", true)};
  int x, y;
  ag_status status = ag_keras_need_image(l);
  if (!status) status = depthwise(l, false, ag_neutral_print(l->n, "%s/depthwise", l->name), &x);
  if (status) return status;
  c.per_group = ag_neutral_tensor(l->n, x)->dims[1];
  status = ag_keras_convolve(l, &c, l->name, x, &y);
  return status ? status : ag_keras_activated(l, y);
}

/* Size of the result and what its window has beyond the stride. */
static void transposed_window(const ag_keras_layer *l, const int64_t *kernel, const int64_t *stride,
                              int64_t *size, int64_t *pads, int64_t *extra) {
  bool same = strcmp(ag_keras_text(l, "padding|border_mode", "valid"), "same") == 0;
  for (int d = 0; d < 2; d++) {
    int64_t in = ag_keras_input(l)->dims[d + 2], beyond = kernel[d] - stride[d];
    size[d] = in * stride[d] + (!same && beyond > 0 ? beyond : 0);
    int64_t total = (in - 1) * stride[d] + kernel[d] - size[d];
    extra[d] = total < 0 ? -total : 0;
    if (total < 0) total = 0;
    pads[d] = total / 2;
    pads[d + 2] = total - total / 2;
  }
}

ag_status ag_keras_transposed(ag_keras_layer *l) {
  int64_t kernel[2], stride[2], dilation[2], size[2], pads[4], extra[2];
  int64_t filters = ag_keras_int(l, "filters|nb_filter", 0);
  bool bias = ag_keras_bool(l, "use_bias|bias", true);
  int y;
  ag_status status = ag_keras_need_image(l);
  if (status) return status;
  if (!read_kernel(l, kernel) || kernel[0] < 1 || kernel[1] < 1 || filters < 1)
    return ag_keras_malformed(l, "kernel_size");
  if (!ag_keras_pair(l, "strides|subsample", 1, stride) || !stride[0] || !stride[1])
    return ag_keras_malformed(l, "strides");
  if (!ag_keras_pair(l, "dilation_rate", 1, dilation) || dilation[0] != 1 || dilation[1] != 1 ||
      ag_keras_field(l->config, "output_padding"))
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it is dilated or sets its output padding");
  transposed_window(l, kernel, stride, size, pads, extra);
  int64_t dims[4] = {ag_keras_input(l)->dims[1], filters, kernel[0], kernel[1]};
  int operands[3] = {l->in[0], ag_keras_weight(l, "kernel", 4, dims), -1};
  if (bias) operands[2] = ag_keras_weight(l, "bias", 1, &filters);
  ag_onnx_node *node = ag_neutral_begin(l->n, "ConvTranspose", l->name);
  ag_neutral_ints(l->n, node, "strides", stride, 2);
  ag_neutral_ints(l->n, node, "pads", pads, 4);
  ag_neutral_ints(l->n, node, "output_padding", extra, 2);
  ag_tensor shape = {.dtype = AG_F32, .rank = 4, .dims = {0, filters, size[0], size[1]}};
  if (!ag_neutral_open_batch(l->n)) shape.dims[0] = 1;
  status = ag_neutral_end_many(l->n, node, operands, 2 + bias, &y, 1, &shape);
  return status ? status : ag_keras_activated(l, y);
}
