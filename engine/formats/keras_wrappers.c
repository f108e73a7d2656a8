/* Layers of Keras that apply another layer. */
#include <string.h>

#include "engine/formats/keras_layer.h"
#include "engine/graph/json_node.h"

/* Layers that treat every step alike when they get all of them at once: they work along the last
 * dimension, or on each element. */
static bool ignores_steps(const char *type) {
  static const char *const list[] = {
      "Dense",   "Activation", "ReLU",          "LeakyReLU", "ELU", "Softmax", "LayerNormalization",
      "Dropout", "Rescaling",  "GaussianNoise", "Identity",  NULL};
  return ag_onnx_is_one_of(type, list);
}

/* Each step of N, T, A, B as a row. */
static ag_status flatten_steps(ag_keras_layer *l) {
  const ag_tensor *t = ag_keras_input(l);
  if (t->rank == 3) return l->out = l->in[0], AG_OK;
  ag_tf_op op = {.im = &l->im->functions, .n = l->n, .name = l->name};
  ag_tf_value x = ag_keras_value(l->im, l->in[0]), y;
  ag_tensor shape, rows = {.dtype = t->dtype, .rank = 3};
  ag_tf_source_shape(&op, &x, &shape);
  memcpy(rows.dims, shape.dims, 2 * sizeof *shape.dims);
  rows.dims[2] = shape.dims[2] * shape.dims[3];
  ag_status status = ag_tf_reshape(&op, &x, &rows, &y);
  l->out = y.value;
  return status;
}

ag_status ag_keras_time_distributed(ag_keras_layer *l) {
  const cJSON *inner = ag_json_field(l->config, "layer");
  const char *type = cJSON_GetStringValue(ag_json_field(inner, "class_name"));
  ag_keras_layer step = *l;
  int rank = ag_keras_input(l)->rank;
  if (!type) return ag_keras_malformed(l, "layer");
  if (rank < 3) return ag_neutral_fail(l->n, AG_FORMAT, "it reads no steps");
  bool flat = strcmp(type, "Flatten") == 0 && rank <= 4;
  if (!flat && !ignores_steps(type))
    return ag_neutral_fail(l->n, AG_UNSUPPORTED,
                           "it applies %s to each of %d steps; give the model of a single step, "
                           "or export the model to ONNX with the steps as its batch",
                           type, (int)ag_keras_input(l)->dims[1]);
  step.type = type;
  step.config = ag_json_field(inner, "config");
  ag_status status = flat ? flatten_steps(&step) : ag_keras_translate_layer(&step);
  l->out = step.out;
  return status;
}
