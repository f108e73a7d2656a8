/* Norms of Keras, and scales and shifts. */
#include <string.h>

#include "engine/formats/keras_layer.h"
#include "engine/graph/json_node.h"

/* --- with statistics ------------------------------------------------------------------ */

/* Settings name one dimension, or a list of one. */
static bool is_along_channels(ag_keras_layer *l, bool *well_formed) {
  const cJSON *item = ag_keras_field(l->config, "axis");
  int64_t axis = -1;
  if (cJSON_IsArray(item)) item = item->child;
  *well_formed = !item || ag_json_whole(item, -8, 8, &axis);
  int rank = ag_keras_input(l)->rank;
  return (rank == 2 || rank == 4) && ag_keras_axis(l, axis, rank) == 1;
}

static ag_status norm_channels(ag_keras_layer *l, const int *weights, double epsilon) {
  int operands[5] = {l->in[0]};
  memcpy(operands + 1, weights, 4 * sizeof *weights);
  ag_onnx_node *node = ag_neutral_begin(l->n, "BatchNormalization", l->name);
  ag_neutral_float(l->n, node, "epsilon", (float)epsilon);
  return ag_neutral_end(l->n, node, operands, 5, &l->out);
}

static ag_status need_channels(ag_keras_layer *l) {
  bool well_formed, channels = is_along_channels(l, &well_formed);
  if (!well_formed) return ag_keras_malformed(l, "axis");
  if (channels) return AG_OK;
  return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it does not work along channels");
}

ag_status ag_keras_batch_norm(ag_keras_layer *l) {
  static const char *const names[] = {"gamma", "beta", "moving_mean", "moving_variance"};
  int weights[4];
  ag_status status = need_channels(l);
  if (status) return status;
  for (int k = 0; k < 4; k++)
    weights[k] = ag_keras_weight(l, names[k], 1, &ag_keras_input(l)->dims[1]);
  return norm_channels(l, weights, ag_keras_number(l, "epsilon", 1e-3));
}

/* A weight of one value throughout; without it where that would be too long a list. */
static int filled(ag_keras_layer *l, const char *what, int rank, const int64_t *dims, float value) {
  ag_tensor t = {.dtype = AG_F32, .rank = rank};
  memcpy(t.dims, dims, (size_t)rank * sizeof *dims);
  int64_t count = ag_onnx_elements(&t);
  if (count > AG_ONNX_MAX_FOLD) return ag_keras_weight(l, what, rank, dims);
  float *data = ag_neutral_alloc(l->n, (size_t)count * sizeof *data);
  for (int64_t i = 0; i < count; i++) data[i] = value;
  t.data = data;
  t.bytes = (size_t)count * sizeof *data;
  return ag_neutral_constant(l->n, ag_neutral_print(l->n, "%s/%s", l->name, what), &t, true);
}

/* (x - mean) / deviation, of statistics that were adapted to data. */
ag_status ag_keras_normalization(ag_keras_layer *l) {
  ag_status status = need_channels(l);
  if (status) return status;
  const int64_t *channels = &ag_keras_input(l)->dims[1];
  if (ag_keras_bool(l, "invert", false))
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it takes a normalisation back");
  int weights[4] = {filled(l, "scale", 1, channels, 1), filled(l, "shift", 1, channels, 0),
                    ag_keras_weight(l, "mean", 1, channels),
                    ag_keras_weight(l, "variance", 1, channels)};
  return norm_channels(l, weights, 0);
}

/* --- without -------------------------------------------------------------------------- */

/* The dimensions that are normed together, as flags of ours. False if malformed. */
static bool read_axes(ag_keras_layer *l, int rank, bool *chosen) {
  const cJSON *item = ag_keras_field(l->config, "axis");
  int64_t axes[AG_MAX_RANK] = {-1};
  int count = cJSON_IsArray(item) ? ag_keras_list(item, axes, AG_MAX_RANK) : 1;
  if (cJSON_IsNumber(item) && !ag_json_whole(item, -8, 8, &axes[0])) return false;
  for (int i = 0; i < count; i++) {
    int axis = ag_keras_axis(l, axes[i], rank);
    if (axis < 1) return false;
    chosen[axis] = true;
  }
  return count > 0;
}

/* LayerNormalization of dimensions `first` and behind. */
static ag_status norm_from(ag_keras_layer *l, int x, int first, int *value) {
  ag_tensor t = *ag_neutral_tensor(l->n, x);
  const int64_t *dims = t.dims + first;
  int rank = t.rank - first, operands[3] = {x};
  operands[1] = ag_keras_bool(l, "scale", true) ? ag_keras_weight(l, "gamma", rank, dims)
                                                : filled(l, "gamma", rank, dims, 1);
  bool shifted = ag_keras_bool(l, "center", true);
  if (shifted) operands[2] = ag_keras_weight(l, "beta", rank, dims);
  ag_onnx_node *node = ag_neutral_begin(l->n, "LayerNormalization", l->name);
  ag_neutral_int(l->n, node, "axis", first);
  ag_neutral_float(l->n, node, "epsilon", (float)ag_keras_number(l, "epsilon", 1e-3));
  return ag_neutral_end(l->n, node, operands, 2 + shifted, value);
}

/* Channels are last while they are normed: ONNX norms what stands last. */
static ag_status norm_cells(ag_keras_layer *l) {
  static const int64_t last[] = {0, 2, 3, 1}, second[] = {0, 3, 1, 2};
  int x;
  ag_status status = ag_keras_transpose(l, l->in[0], last, 4, &x);
  if (!status) status = norm_from(l, x, 3, &x);
  return status ? status : ag_keras_transpose(l, x, second, 4, &l->out);
}

ag_status ag_keras_layer_norm(ag_keras_layer *l) {
  bool chosen[AG_MAX_RANK] = {false};
  int rank = ag_keras_input(l)->rank, first = rank;
  if (!read_axes(l, rank, chosen)) return ag_keras_malformed(l, "axis");
  if (ag_keras_bool(l, "rms_scaling", false))
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it does not centre");
  while (first > 1 && chosen[first - 1]) first--;
  for (int d = 1; d < first; d++)
    if (chosen[d] && !(rank == 4 && d == 1 && first == 4))
      return ag_neutral_fail(l->n, AG_UNSUPPORTED,
                             "it norms neither the last dimension nor the whole; export the model "
                             "to ONNX");
  return first == rank ? norm_cells(l) : norm_from(l, l->in[0], first, &l->out);
}

ag_status ag_keras_rescaling(ag_keras_layer *l) {
  float scale = (float)ag_keras_number(l, "scale", 1);
  float offset = (float)ag_keras_number(l, "offset", 0);
  int operands[2] = {l->in[0], ag_neutral_float_value(l->n, scale)};
  ag_status status = ag_neutral_apply(l->n, "Mul", l->name, operands, 2, &l->out);
  if (status || offset == 0) return status;
  int sum[2] = {l->out, ag_neutral_float_value(l->n, offset)};
  return ag_neutral_apply(l->n, "Add", l->name, sum, 2, &l->out);
}
