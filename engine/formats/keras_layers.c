/* Layers of Keras, one function per class, found through a table. */
#include <math.h>
#include <string.h>

#include "engine/formats/keras.h"
#include "engine/graph/json_node.h"

static const ag_tensor *input(const ag_keras_layer *l) {
  return ag_neutral_tensor(l->n, l->in[0]);
}

static ag_status malformed(ag_keras_layer *l, const char *what) {
  return ag_neutral_fail(l->n, AG_FORMAT, "its '%s' is malformed", what);
}

static ag_status need_image(ag_keras_layer *l) {
  if (l->count == 1 && input(l)->rank == 4) return AG_OK;
  return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it does not read one image");
}

/* A dimension of the source, counted with the batch, as one of ours; -1 = out of range. */
static int axis_of(const ag_keras_layer *l, int64_t axis, int rank) {
  static const int images[] = {0, 2, 3, 1};
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) return -1;
  return rank == 4 && !l->im->channels_first ? images[axis] : (int)axis;
}

static int weight(ag_keras_layer *l, const char *what, int rank, const int64_t *dims) {
  ag_tensor t = {.dtype = AG_F32, .rank = rank};
  memcpy(t.dims, dims, (size_t)rank * sizeof *dims);
  return ag_neutral_constant(l->n, ag_neutral_print(l->n, "%s/%s", l->name, what), &t, true);
}

static ag_status activated(ag_keras_layer *l, int x) {
  const cJSON *item = ag_keras_field(l->config, "activation");
  const char *name = ag_keras_activation_name(item);
  if (item && !name) return malformed(l, "activation");
  return ag_keras_activate(l, name, ag_neutral_print(l->n, "%s/activation", l->name), x, &l->out);
}

/* --- convolutions ----------------------------------------------------------------- */

static ag_status add_window(ag_keras_layer *l, ag_onnx_node *node, bool dilated) {
  int64_t stride[2], dilation[2];
  const char *padding = ag_keras_text(l, "padding|border_mode", "valid");
  if (!ag_keras_pair(l, "strides|subsample", 1, stride)) return malformed(l, "strides");
  if (!ag_keras_pair(l, "dilation_rate|atrous_rate", 1, dilation))
    return malformed(l, "dilation_rate");
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

typedef struct convolution {
  int64_t filters, per_group, groups, kernel[2];
  bool bias, window; /* window: strides and padding apply */
} convolution;

static ag_status convolve(ag_keras_layer *l, const convolution *c, const char *name, int x,
                          int *value) {
  int64_t dims[4] = {c->filters, c->per_group, c->kernel[0], c->kernel[1]};
  if (c->filters < 1 || c->filters > INT32_MAX || c->kernel[0] < 1 || c->kernel[1] < 1 ||
      c->kernel[0] > 1 << 15 || c->kernel[1] > 1 << 15 || c->per_group < 1)
    return ag_neutral_fail(l->n, AG_FORMAT, "its filters or its kernel are out of range");
  int operands[3] = {x, weight(l, "kernel", 4, dims)};
  if (c->bias) operands[2] = weight(l, "bias", 1, dims);
  ag_onnx_node *node = ag_neutral_begin(l->n, "Conv", name);
  ag_neutral_int(l->n, node, "group", c->groups);
  ag_status status = c->window ? add_window(l, node, true) : AG_OK;
  return status ? status : ag_neutral_end(l->n, node, operands, 2 + c->bias, value);
}

static ag_status translate_conv(ag_keras_layer *l) {
  int64_t groups = ag_keras_int(l, "groups", 1);
  convolution c = {.filters = ag_keras_int(l, "filters|nb_filter", 0),
                   .groups = groups,
                   .bias = ag_keras_bool(l, "use_bias|bias", true),
                   .window = true};
  int y;
  ag_status status = need_image(l);
  if (status) return status;
  if (!read_kernel(l, c.kernel)) return malformed(l, "kernel_size");
  if (groups < 1 || input(l)->dims[1] % groups) return malformed(l, "groups");
  c.per_group = input(l)->dims[1] / groups;
  status = convolve(l, &c, l->name, l->in[0], &y);
  return status ? status : activated(l, y);
}

static ag_status depthwise(ag_keras_layer *l, bool bias, const char *name, int *y) {
  int64_t channels = input(l)->dims[1], multiplier = ag_keras_int(l, "depth_multiplier", 1);
  convolution c = {.per_group = 1, .groups = channels, .bias = bias, .window = true};
  if (!read_kernel(l, c.kernel)) return malformed(l, "kernel_size");
  if (multiplier < 1 || multiplier > 1 << 15) return malformed(l, "depth_multiplier");
  c.filters = channels * multiplier;
  return convolve(l, &c, name, l->in[0], y);
}

static ag_status translate_depthwise(ag_keras_layer *l) {
  int y;
  ag_status status = need_image(l);
  if (!status) status = depthwise(l, ag_keras_bool(l, "use_bias|bias", true), l->name, &y);
  return status ? status : activated(l, y);
}

static ag_status translate_separable(ag_keras_layer *l) {
  convolution c = {.filters = ag_keras_int(l, "filters|nb_filter", 0),
                   .groups = 1,
                   .kernel = {1, 1},
                   .bias = ag_keras_bool(l, "use_bias|bias", true)};
  int x, y;
  ag_status status = need_image(l);
  if (!status) status = depthwise(l, false, ag_neutral_print(l->n, "%s/depthwise", l->name), &x);
  if (status) return status;
  c.per_group = ag_neutral_tensor(l->n, x)->dims[1];
  status = convolve(l, &c, l->name, x, &y);
  return status ? status : activated(l, y);
}

/* Size of the result and what its window has beyond the stride. */
static void transposed_window(const ag_keras_layer *l, const int64_t *kernel, const int64_t *stride,
                              int64_t *size, int64_t *pads, int64_t *extra) {
  bool same = strcmp(ag_keras_text(l, "padding|border_mode", "valid"), "same") == 0;
  for (int d = 0; d < 2; d++) {
    int64_t in = input(l)->dims[d + 2], beyond = kernel[d] - stride[d];
    size[d] = in * stride[d] + (!same && beyond > 0 ? beyond : 0);
    int64_t total = (in - 1) * stride[d] + kernel[d] - size[d];
    extra[d] = total < 0 ? -total : 0;
    if (total < 0) total = 0;
    pads[d] = total / 2;
    pads[d + 2] = total - total / 2;
  }
}

static ag_status translate_transposed(ag_keras_layer *l) {
  int64_t kernel[2], stride[2], dilation[2], size[2], pads[4], extra[2];
  int64_t filters = ag_keras_int(l, "filters|nb_filter", 0);
  bool bias = ag_keras_bool(l, "use_bias|bias", true);
  int y;
  ag_status status = need_image(l);
  if (status) return status;
  if (!read_kernel(l, kernel) || kernel[0] < 1 || kernel[1] < 1 || filters < 1)
    return malformed(l, "kernel_size");
  if (!ag_keras_pair(l, "strides|subsample", 1, stride) || !stride[0] || !stride[1])
    return malformed(l, "strides");
  if (!ag_keras_pair(l, "dilation_rate", 1, dilation) || dilation[0] != 1 || dilation[1] != 1 ||
      ag_keras_field(l->config, "output_padding"))
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it is dilated or sets its output padding");
  transposed_window(l, kernel, stride, size, pads, extra);
  int64_t dims[4] = {input(l)->dims[1], filters, kernel[0], kernel[1]};
  int operands[3] = {l->in[0], weight(l, "kernel", 4, dims), -1};
  if (bias) operands[2] = weight(l, "bias", 1, &filters);
  ag_onnx_node *node = ag_neutral_begin(l->n, "ConvTranspose", l->name);
  ag_neutral_ints(l->n, node, "strides", stride, 2);
  ag_neutral_ints(l->n, node, "pads", pads, 4);
  ag_neutral_ints(l->n, node, "output_padding", extra, 2);
  ag_tensor shape = {.dtype = AG_F32, .rank = 4, .dims = {0, filters, size[0], size[1]}};
  if (!ag_neutral_open_batch(l->n)) shape.dims[0] = 1;
  status = ag_neutral_end_many(l->n, node, operands, 2 + bias, &y, 1, &shape);
  return status ? status : activated(l, y);
}

/* --- products and norms ----------------------------------------------------------- */

/* Over an image it is a convolution of 1 x 1. */
static ag_status dense_image(ag_keras_layer *l, int64_t units, bool bias) {
  convolution c = {.filters = units,
                   .per_group = input(l)->dims[1],
                   .groups = 1,
                   .kernel = {1, 1},
                   .bias = bias};
  int y;
  if (l->im->channels_first)
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it works along the width of an image");
  ag_status status = convolve(l, &c, l->name, l->in[0], &y);
  return status ? status : activated(l, y);
}

static ag_status translate_dense(ag_keras_layer *l) {
  int64_t units = ag_keras_int(l, "units|output_dim", 0);
  bool bias = ag_keras_bool(l, "use_bias|bias", true);
  int y;
  if (units < 1) return malformed(l, "units");
  if (input(l)->rank == 4) return dense_image(l, units, bias);
  if (input(l)->rank < 2) return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it reads no vectors");
  int64_t dims[2] = {input(l)->dims[input(l)->rank - 1], units};
  int operands[3] = {l->in[0], weight(l, "kernel", 2, dims)};
  if (input(l)->rank == 2) {
    if (bias) operands[2] = weight(l, "bias", 1, &units);
    ag_status status = ag_neutral_apply(l->n, "Gemm", l->name, operands, 2 + bias, &y);
    return status ? status : activated(l, y);
  }
  ag_status status = ag_neutral_apply(l->n, "MatMul", l->name, operands, 2, &y);
  int sum[2] = {y, weight(l, "bias", 1, &units)};
  if (!status && bias) status = ag_neutral_apply(l->n, "Add", l->name, sum, 2, &y);
  return status ? status : activated(l, y);
}

static ag_status translate_batchnorm(ag_keras_layer *l) {
  static const char *const names[] = {"gamma", "beta", "moving_mean", "moving_variance"};
  const cJSON *item = ag_keras_field(l->config, "axis");
  int64_t axis = -1;
  if (cJSON_IsArray(item)) item = item->child;
  if (item && !ag_json_whole(item, -8, 8, &axis)) return malformed(l, "axis");
  int rank = input(l)->rank;
  if ((rank != 2 && rank != 4) || axis_of(l, axis, rank) != 1)
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it does not work along channels");
  int operands[5] = {l->in[0]};
  int64_t channels = input(l)->dims[1];
  for (int k = 0; k < 4; k++) operands[k + 1] = weight(l, names[k], 1, &channels);
  ag_onnx_node *node = ag_neutral_begin(l->n, "BatchNormalization", l->name);
  ag_neutral_float(l->n, node, "epsilon", (float)ag_keras_number(l, "epsilon", 1e-3));
  return ag_neutral_end(l->n, node, operands, 5, &l->out);
}

/* --- pools ------------------------------------------------------------------------ */

static ag_status translate_pool(ag_keras_layer *l) {
  int64_t size[2], stride[2];
  const char *padding = ag_keras_text(l, "padding|border_mode", "valid");
  ag_status status = need_image(l);
  if (status) return status;
  if (!ag_keras_pair(l, "pool_size", 2, size) || !size[0] || !size[1])
    return malformed(l, "pool_size");
  if (!ag_keras_field(l->config, "strides"))
    memcpy(stride, size, sizeof size);
  else if (!ag_keras_pair(l, "strides", 1, stride))
    return malformed(l, "strides");
  ag_onnx_node *node =
      ag_neutral_begin(l->n, l->type[0] == 'A' ? "AveragePool" : "MaxPool", l->name);
  ag_neutral_ints(l->n, node, "kernel_shape", size, 2);
  ag_neutral_ints(l->n, node, "strides", stride, 2);
  if (strcmp(padding, "same") == 0) ag_neutral_text(l->n, node, "auto_pad", "SAME_UPPER");
  return ag_neutral_end(l->n, node, l->in, 1, &l->out);
}

static ag_status translate_global_pool(ag_keras_layer *l) {
  static const int64_t axes[] = {2, 3};
  ag_status status = need_image(l);
  if (status) return status;
  bool average = strncmp(l->type, "GlobalAv", 8) == 0;
  ag_onnx_node *node = ag_neutral_begin(l->n, average ? "ReduceMean" : "ReduceMax", l->name);
  ag_neutral_ints(l->n, node, "axes", axes, 2);
  ag_neutral_int(l->n, node, "keepdims", ag_keras_bool(l, "keepdims", false));
  return ag_neutral_end(l->n, node, l->in, 1, &l->out);
}

/* --- activations ------------------------------------------------------------------ */

static ag_status translate_activation(ag_keras_layer *l) {
  const char *name = ag_keras_activation_name(ag_keras_field(l->config, "activation"));
  if (!name) return malformed(l, "activation");
  if (strcmp(name, "linear") == 0) ag_neutral_fate(l->n, AG_ONNX_FOLDED, "changes nothing");
  return ag_keras_activate(l, name, l->name, l->in[0], &l->out);
}

static ag_status translate_relu(ag_keras_layer *l) {
  return ag_keras_relu(l, l->in[0], &l->out);
}

static ag_status translate_leaky(ag_keras_layer *l) {
  return ag_keras_leaky(l, ag_keras_number(l, "negative_slope|alpha", 0.3), l->name, l->in[0],
                        &l->out);
}

/* One slope per channel, when height and width share theirs. */
static ag_status translate_prelu(ag_keras_layer *l) {
  int64_t dims[3] = {input(l)->dims[1], 1, 1}, shared[4];
  int count = ag_keras_list(ag_keras_field(l->config, "shared_axes"), shared, 4);
  if (input(l)->rank == 4 &&
      (count != 2 || axis_of(l, shared[0], 4) != 2 || axis_of(l, shared[1], 4) != 3))
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "its slopes are not one per channel");
  if (input(l)->rank != 2 && input(l)->rank != 4)
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it reads neither an image nor a vector");
  int operands[2] = {l->in[0], weight(l, "alpha", input(l)->rank - 1, dims)};
  return ag_neutral_apply(l->n, "PRelu", l->name, operands, 2, &l->out);
}

static ag_status translate_named(ag_keras_layer *l) {
  bool soft = strcmp(l->type, "Softmax") == 0;
  return ag_keras_activate(l, soft ? "softmax" : "elu", l->name, l->in[0], &l->out);
}

static ag_status translate_nothing(ag_keras_layer *l) {
  ag_neutral_fate(l->n, AG_ONNX_FOLDED, "does nothing at inference");
  l->out = l->in[0];
  return AG_OK;
}

static ag_status translate_rescaling(ag_keras_layer *l) {
  float scale = (float)ag_keras_number(l, "scale", 1);
  float offset = (float)ag_keras_number(l, "offset", 0);
  int operands[2] = {l->in[0], ag_neutral_float_value(l->n, scale)};
  ag_status status = ag_neutral_apply(l->n, "Mul", l->name, operands, 2, &l->out);
  if (status || offset == 0) return status;
  int sum[2] = {l->out, ag_neutral_float_value(l->n, offset)};
  return ag_neutral_apply(l->n, "Add", l->name, sum, 2, &l->out);
}

/* --- joins ------------------------------------------------------------------------ */

static ag_status join(ag_keras_layer *l, const char *type) {
  for (int k = 1; k < l->count; k++)
    if (ag_neutral_tensor(l->n, l->in[k])->rank != input(l)->rank)
      return ag_neutral_fail(l->n, AG_UNSUPPORTED, "its operands differ in rank");
  if (l->count < 2) return ag_neutral_fail(l->n, AG_FORMAT, "it joins fewer than two tensors");
  return ag_neutral_apply(l->n, type, l->name, l->in, l->count, &l->out);
}

/* ONNX multiplies and subtracts two. */
static ag_status join_pairs(ag_keras_layer *l, const char *type) {
  ag_status status = AG_OK;
  int pair[2] = {l->in[0]};
  if (l->count < 2) return ag_neutral_fail(l->n, AG_FORMAT, "it joins fewer than two tensors");
  for (int k = 1; k < l->count && !status; k++) {
    bool last = k == l->count - 1;
    pair[1] = l->in[k];
    status = ag_neutral_apply(
        l->n, type, last ? l->name : ag_neutral_print(l->n, "%s" AG_ONNX_PARTIAL, l->name), pair, 2,
        &l->out);
    pair[0] = l->out;
  }
  return status;
}

static ag_status concatenate(ag_keras_layer *l, int64_t axis) {
  int where = axis_of(l, axis, input(l)->rank);
  if (where < 0) return malformed(l, "axis");
  if (l->count == 1) return l->out = l->in[0], AG_OK;
  ag_onnx_node *node = ag_neutral_begin(l->n, "Concat", l->name);
  ag_neutral_int(l->n, node, "axis", where);
  return ag_neutral_end(l->n, node, l->in, l->count, &l->out);
}

static ag_status translate_join(ag_keras_layer *l) {
  static const struct {
    const char *name, *type;
    bool pairs;
  } kinds[] = {
      {"Add", "Sum", false},     {"sum", "Sum", false},     {"Multiply", "Mul", true},
      {"mul", "Mul", true},      {"Subtract", "Sub", true}, {"Average", "Mean", false},
      {"ave", "Mean", false},    {"Maximum", "Max", false}, {"max", "Max", false},
      {"Minimum", "Min", false},
  };
  bool merge = strcmp(l->type, "Merge") == 0;
  const char *kind = merge ? ag_keras_text(l, "mode", "") : l->type;
  if (strcmp(kind, "concat") == 0 || strcmp(kind, "Concatenate") == 0)
    return concatenate(l, ag_keras_int(l, "axis|concat_axis", -1));
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].name, kind) == 0)
      return kinds[i].pairs ? join_pairs(l, kinds[i].type) : join(l, kinds[i].type);
  return ag_neutral_fail(l->n, AG_UNSUPPORTED, "mode '%s' is not known", kind);
}

/* --- shapes ----------------------------------------------------------------------- */

/* (t, b), (l, r) from one number, two, or two pairs. */
static bool read_borders(const ag_keras_layer *l, const char *name, int64_t *b) {
  const cJSON *item = ag_keras_field(l->config, name);
  int64_t pair[2], lines[2][2];
  if (ag_keras_pair(l, name, 1, pair)) {
    b[0] = b[1] = pair[0];
    b[2] = b[3] = pair[1];
    return true;
  }
  if (!cJSON_IsArray(item) || !item->child || !item->child->next) return false;
  if (ag_keras_list(item->child, lines[0], 2) == 2 &&
      ag_keras_list(item->child->next, lines[1], 2) == 2)
    memcpy(b, lines, sizeof lines);
  else if (ag_keras_list(item, b, 4) != 4)
    return false;
  for (int i = 0; i < 4; i++)
    if (b[i] < 0 || b[i] > 1 << 20) return false;
  return true;
}

static ag_status translate_padding(ag_keras_layer *l) {
  int64_t b[4];
  ag_status status = need_image(l);
  if (status) return status;
  if (!read_borders(l, "padding", b)) return malformed(l, "padding");
  int64_t pads[8] = {0, 0, b[0], b[2], 0, 0, b[1], b[3]};
  int operands[2] = {l->in[0], ag_neutral_ints_value(l->n, pads, 8)};
  return ag_neutral_apply(l->n, "Pad", l->name, operands, 2, &l->out);
}

static ag_status translate_cropping(ag_keras_layer *l) {
  int64_t b[4], axes[2] = {2, 3};
  ag_status status = need_image(l);
  if (status) return status;
  if (!read_borders(l, "cropping", b)) return malformed(l, "cropping");
  int64_t from[2] = {b[0], b[2]};
  int64_t to[2] = {input(l)->dims[2] - b[1], input(l)->dims[3] - b[3]};
  if (to[0] <= from[0] || to[1] <= from[1]) return malformed(l, "cropping");
  int operands[4] = {l->in[0], ag_neutral_ints_value(l->n, from, 2),
                     ag_neutral_ints_value(l->n, to, 2), ag_neutral_ints_value(l->n, axes, 2)};
  return ag_neutral_apply(l->n, "Slice", l->name, operands, 4, &l->out);
}

static ag_status translate_upsampling(ag_keras_layer *l) {
  int64_t ratio[2];
  const char *mode = ag_keras_text(l, "interpolation", "nearest");
  ag_status status = need_image(l);
  if (status) return status;
  if (!ag_keras_pair(l, "size", 2, ratio) || !ratio[0] || !ratio[1]) return malformed(l, "size");
  bool nearest = strcmp(mode, "nearest") == 0;
  if (!nearest && strcmp(mode, "bilinear") != 0)
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "interpolation '%s' is not handled", mode);
  const int64_t *d = input(l)->dims;
  int64_t sizes[4] = {d[0], d[1], d[2] * ratio[0], d[3] * ratio[1]};
  int operands[4] = {l->in[0], -1, -1, ag_neutral_ints_value(l->n, sizes, 4)};
  ag_onnx_node *node = ag_neutral_begin(l->n, "Resize", l->name);
  ag_neutral_text(l->n, node, "mode", nearest ? "nearest" : "linear");
  ag_neutral_text(l->n, node, "coordinate_transformation_mode",
                  nearest ? "asymmetric" : "half_pixel");
  if (nearest) ag_neutral_text(l->n, node, "nearest_mode", "floor");
  return ag_neutral_end(l->n, node, operands, 4, &l->out);
}

static ag_status translate_flatten(ag_keras_layer *l) {
  return ag_neutral_apply(l->n, "Flatten", l->name, l->in, 1, &l->out);
}

static ag_status reshape(ag_keras_layer *l, const int64_t *dims, int rank, int *value) {
  int operands[2] = {l->in[0], ag_neutral_ints_value(l->n, dims, rank)};
  return ag_neutral_apply(l->n, "Reshape", l->name, operands, 2, value);
}

/* The last dimension of an image is its channels: a row of features becomes H, W, C. */
static ag_status translate_reshape(ag_keras_layer *l) {
  static const int64_t perm[] = {0, 3, 1, 2};
  int64_t dims[AG_MAX_RANK] = {0}, known = 1, total = 1;
  int count = ag_keras_list(ag_keras_field(l->config, "target_shape"), dims + 1, AG_MAX_RANK - 1);
  if (count < 1) return malformed(l, "target_shape");
  for (int d = 1; d < input(l)->rank; d++) total *= input(l)->dims[d];
  for (int d = 1; d <= count; d++) {
    if (dims[d] == 0 || (dims[d] > 0 && known > (INT64_C(1) << 40) / dims[d]))
      return malformed(l, "target_shape");
    if (dims[d] > 0) known *= dims[d];
  }
  for (int d = 1; d <= count; d++)
    if (dims[d] < 0) dims[d] = total / known;
  bool image = count == 3 && !l->im->channels_first;
  int64_t own[4] = {0, dims[3], dims[1], dims[2]};
  if (!image) return reshape(l, dims, count + 1, &l->out);
  bool same = input(l)->rank == 4 && own[1] == input(l)->dims[1] && own[2] == input(l)->dims[2] &&
              own[3] == input(l)->dims[3];
  if (same || dims[1] * dims[2] == 1 || dims[3] == 1) return reshape(l, own, 4, &l->out);
  ag_status status = reshape(l, dims, 4, &l->out);
  if (status) return status;
  ag_onnx_node *node = ag_neutral_begin(l->n, "Transpose", l->name);
  ag_neutral_ints(l->n, node, "perm", perm, 4);
  return ag_neutral_end(l->n, node, &l->out, 1, &l->out);
}

static ag_status translate_permute(ag_keras_layer *l) {
  int64_t dims[3], perm[4];
  if (input(l)->rank != 4 || ag_keras_list(ag_keras_field(l->config, "dims"), dims, 3) != 3)
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it does not permute an image");
  perm[0] = 0;
  for (int d = 0; d < 3; d++) {
    int to = axis_of(l, d + 1, 4), from = dims[d] < 1 ? -1 : axis_of(l, dims[d], 4);
    if (from < 0) return malformed(l, "dims");
    perm[to] = from;
  }
  ag_onnx_node *node = ag_neutral_begin(l->n, "Transpose", l->name);
  ag_neutral_ints(l->n, node, "perm", perm, 4);
  return ag_neutral_end(l->n, node, l->in, 1, &l->out);
}

/* --- the table -------------------------------------------------------------------- */

ag_status ag_keras_translate_layer(ag_keras_layer *l) {
  static const struct {
    const char *type;
    ag_status (*translate)(ag_keras_layer *l);
  } table[] = {
      {"Conv2D", translate_conv},
      {"Convolution2D", translate_conv},
      {"AtrousConvolution2D", translate_conv},
      {"DepthwiseConv2D", translate_depthwise},
      {"SeparableConv2D", translate_separable},
      {"SeparableConvolution2D", translate_separable},
      {"Conv2DTranspose", translate_transposed},
      {"Deconvolution2D", translate_transposed},
      {"Dense", translate_dense},
      {"BatchNormalization", translate_batchnorm},
      {"MaxPooling2D", translate_pool},
      {"AveragePooling2D", translate_pool},
      {"GlobalAveragePooling2D", translate_global_pool},
      {"GlobalMaxPooling2D", translate_global_pool},
      {"Activation", translate_activation},
      {"ReLU", translate_relu},
      {"LeakyReLU", translate_leaky},
      {"PReLU", translate_prelu},
      {"ELU", translate_named},
      {"Softmax", translate_named},
      {"Dropout", translate_nothing},
      {"SpatialDropout2D", translate_nothing},
      {"GaussianNoise", translate_nothing},
      {"GaussianDropout", translate_nothing},
      {"AlphaDropout", translate_nothing},
      {"ActivityRegularization", translate_nothing},
      {"Identity", translate_nothing},
      {"RandomFlip", translate_nothing},
      {"RandomRotation", translate_nothing},
      {"RandomZoom", translate_nothing},
      {"Rescaling", translate_rescaling},
      {"Add", translate_join},
      {"Multiply", translate_join},
      {"Subtract", translate_join},
      {"Average", translate_join},
      {"Maximum", translate_join},
      {"Minimum", translate_join},
      {"Concatenate", translate_join},
      {"Merge", translate_join},
      {"ZeroPadding2D", translate_padding},
      {"Cropping2D", translate_cropping},
      {"UpSampling2D", translate_upsampling},
      {"Flatten", translate_flatten},
      {"Reshape", translate_reshape},
      {"Permute", translate_permute},
  };
  if (l->count < 1) return ag_neutral_fail(l->n, AG_FORMAT, "it reads nothing");
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i].type, l->type) == 0) return table[i].translate(l);
  return ag_neutral_fail(l->n, AG_UNSUPPORTED,
                         "no rule for this layer; replace it by layers of convolutional networks, "
                         "or export the model to ONNX");
}
