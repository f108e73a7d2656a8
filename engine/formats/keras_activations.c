/* Activations of Keras, by name and as layers. */
#include <math.h>
#include <string.h>

#include "engine/formats/keras_layer.h"

static ag_status clip6(ag_keras_layer *l, const char *node, int x, int *value) {
  int operands[3] = {x, ag_neutral_float_value(l->n, 0), ag_neutral_float_value(l->n, 6)};
  return ag_neutral_apply(l->n, "Clip", node, operands, 3, value);
}

/* x * sigmoid(x), which the importer knows as swish. */
static ag_status swish(ag_keras_layer *l, const char *node, int x, int *value) {
  int operands[2] = {x};
  ag_status status = ag_neutral_apply(l->n, "Sigmoid", node, &x, 1, &operands[1]);
  return status ? status : ag_neutral_apply(l->n, "Mul", node, operands, 2, value);
}

/* Its slope was 1/5 before Keras 3. */
static ag_status hard_sigmoid(ag_keras_layer *l, const char *node, int x, int *value) {
  ag_onnx_node *n = ag_neutral_begin(l->n, "HardSigmoid", node);
  ag_neutral_float(l->n, n, "alpha", l->im->version >= 3 ? 1.0f / 6 : 0.2f);
  ag_neutral_float(l->n, n, "beta", 0.5f);
  return ag_neutral_end(l->n, n, &x, 1, value);
}

/* Over channels, which Keras has last. */
static ag_status softmax(ag_keras_layer *l, const char *node, int x, int *value) {
  const ag_tensor *t = ag_neutral_tensor(l->n, x);
  ag_onnx_node *n = ag_neutral_begin(l->n, "Softmax", node);
  ag_neutral_int(l->n, n, "axis", t->rank == 4 && !l->im->channels_first ? 1 : t->rank - 1);
  return ag_neutral_end(l->n, n, &x, 1, value);
}

ag_status ag_keras_leaky(ag_keras_layer *l, double slope, const char *node, int x, int *value) {
  ag_onnx_node *n = ag_neutral_begin(l->n, "LeakyRelu", node);
  ag_neutral_float(l->n, n, "alpha", (float)slope);
  return ag_neutral_end(l->n, n, &x, 1, value);
}

ag_status ag_keras_activate(ag_keras_layer *l, const char *name, const char *node, int x,
                            int *value) {
  static const char *const plain[][2] = {
      {"relu", "Relu"},           {"sigmoid", "Sigmoid"},
      {"tanh", "Tanh"},           {"elu", "Elu"},
      {"selu", "Selu"},           {"softplus", "Softplus"},
      {"softsign", "Softsign"},   {"exponential", "Exp"},
      {"gelu", "Gelu"},           {"hard_swish", "HardSwish"},
      {"hard_silu", "HardSwish"}, {"mish", "Mish"},
  };
  if (!name || strcmp(name, "linear") == 0) return *value = x, AG_OK;
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (strcmp(plain[i][0], name) == 0)
      return ag_neutral_apply(l->n, plain[i][1], node, &x, 1, value);
  if (strcmp(name, "relu6") == 0 || strcmp(name, "ReLU6") == 0) return clip6(l, node, x, value);
  if (strcmp(name, "swish") == 0 || strcmp(name, "silu") == 0) return swish(l, node, x, value);
  if (strcmp(name, "hard_sigmoid") == 0) return hard_sigmoid(l, node, x, value);
  if (strcmp(name, "softmax") == 0) return softmax(l, node, x, value);
  if (strcmp(name, "leaky_relu") == 0) return ag_keras_leaky(l, 0.2, node, x, value);
  return ag_neutral_fail(l->n, AG_UNSUPPORTED, "the activation '%s' is not known", name);
}

/* --- layers ----------------------------------------------------------------------- */

ag_status ag_keras_activation(ag_keras_layer *l) {
  const char *name = ag_keras_activation_name(ag_keras_field(l->config, "activation"));
  if (!name) return ag_keras_malformed(l, "activation");
  if (strcmp(name, "linear") == 0) ag_neutral_fate(l->n, AG_ONNX_FOLDED, "changes nothing");
  return ag_keras_activate(l, name, l->name, l->in[0], &l->out);
}

ag_status ag_keras_relu_layer(ag_keras_layer *l) {
  int x = l->in[0];
  double most = ag_keras_number(l, "max_value", INFINITY);
  double slope = ag_keras_number(l, "negative_slope", 0);
  if (ag_keras_number(l, "threshold", 0) != 0 || (slope != 0 && !isinf(most)) ||
      (!isinf(most) && most != 6))
    return ag_neutral_fail(l->n, AG_UNSUPPORTED,
                           "of its kind, plain, leaky and 6-bounded ones are handled");
  if (slope != 0) return ag_keras_leaky(l, slope, l->name, x, &l->out);
  return most == 6 ? clip6(l, l->name, x, &l->out)
                   : ag_neutral_apply(l->n, "Relu", l->name, &x, 1, &l->out);
}

ag_status ag_keras_leaky_layer(ag_keras_layer *l) {
  return ag_keras_leaky(l, ag_keras_number(l, "negative_slope|alpha", 0.3), l->name, l->in[0],
                        &l->out);
}

/* One slope per channel, when height and width share theirs. */
ag_status ag_keras_prelu(ag_keras_layer *l) {
  int64_t dims[3] = {ag_keras_input(l)->dims[1], 1, 1}, shared[4];
  int count = ag_keras_list(ag_keras_field(l->config, "shared_axes"), shared, 4);
  if (ag_keras_input(l)->rank == 4 &&
      (count != 2 || ag_keras_axis(l, shared[0], 4) != 2 || ag_keras_axis(l, shared[1], 4) != 3))
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "its slopes are not one per channel");
  if (ag_keras_input(l)->rank != 2 && ag_keras_input(l)->rank != 4)
    return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it reads neither an image nor a vector");
  int operands[2] = {l->in[0], ag_keras_weight(l, "alpha", ag_keras_input(l)->rank - 1, dims)};
  return ag_neutral_apply(l->n, "PRelu", l->name, operands, 2, &l->out);
}

ag_status ag_keras_named(ag_keras_layer *l) {
  bool soft = strcmp(l->type, "Softmax") == 0;
  return ag_keras_activate(l, soft ? "softmax" : "elu", l->name, l->in[0], &l->out);
}
