/* Layers of Keras by class, and what their translators share. */
#include "engine/formats/keras_layer.h"

#include <string.h>

const ag_tensor *ag_keras_input(const ag_keras_layer *l) {
  return ag_neutral_tensor(l->n, l->in[0]);
}

ag_status ag_keras_malformed(ag_keras_layer *l, const char *what) {
  return ag_neutral_fail(l->n, AG_FORMAT, "its '%s' is malformed", what);
}

ag_status ag_keras_need_image(ag_keras_layer *l) {
  if (l->count == 1 && ag_keras_input(l)->rank == 4) return AG_OK;
  return ag_neutral_fail(l->n, AG_UNSUPPORTED, "it does not read one image");
}

int ag_keras_axis(const ag_keras_layer *l, int64_t axis, int rank) {
  static const int images[] = {0, 2, 3, 1};
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) return -1;
  return rank == 4 && !l->im->channels_first ? images[axis] : (int)axis;
}

int ag_keras_weight(ag_keras_layer *l, const char *what, int rank, const int64_t *dims) {
  ag_tensor t = {.dtype = AG_F32, .rank = rank};
  memcpy(t.dims, dims, (size_t)rank * sizeof *dims);
  return ag_neutral_constant(l->n, ag_neutral_print(l->n, "%s/%s", l->name, what), &t, true);
}

ag_status ag_keras_activated(ag_keras_layer *l, int x) {
  const cJSON *item = ag_keras_field(l->config, "activation");
  const char *name = ag_keras_activation_name(item);
  if (item && !name) return ag_keras_malformed(l, "activation");
  return ag_keras_activate(l, name, ag_neutral_print(l->n, "%s/activation", l->name), x, &l->out);
}

/* --- the table -------------------------------------------------------------------- */

static ag_status do_nothing(ag_keras_layer *l) {
  ag_neutral_fate(l->n, AG_ONNX_FOLDED, "does nothing at inference");
  l->out = l->in[0];
  return AG_OK;
}

static const struct {
  const char *type;
  ag_status (*translate)(ag_keras_layer *l);
} table[] = {
    {"Conv2D", ag_keras_conv},
    {"Convolution2D", ag_keras_conv},
    {"AtrousConvolution2D", ag_keras_conv},
    {"DepthwiseConv2D", ag_keras_depthwise},
    {"SeparableConv2D", ag_keras_separable},
    {"SeparableConvolution2D", ag_keras_separable},
    {"Conv2DTranspose", ag_keras_transposed},
    {"Deconvolution2D", ag_keras_transposed},
    {"Dense", ag_keras_dense},
    {"BatchNormalization", ag_keras_batch_norm},
    {"LayerNormalization", ag_keras_layer_norm},
    {"Normalization", ag_keras_normalization},
    {"Rescaling", ag_keras_rescaling},
    {"MaxPooling2D", ag_keras_pool},
    {"AveragePooling2D", ag_keras_pool},
    {"GlobalAveragePooling2D", ag_keras_global_pool},
    {"GlobalMaxPooling2D", ag_keras_global_pool},
    {"Activation", ag_keras_activation},
    {"ReLU", ag_keras_relu_layer},
    {"LeakyReLU", ag_keras_leaky_layer},
    {"PReLU", ag_keras_prelu},
    {"ELU", ag_keras_named},
    {"Softmax", ag_keras_named},
    {"Dropout", do_nothing},
    {"SpatialDropout2D", do_nothing},
    {"GaussianNoise", do_nothing},
    {"GaussianDropout", do_nothing},
    {"AlphaDropout", do_nothing},
    {"ActivityRegularization", do_nothing},
    {"Identity", do_nothing},
    {"RandomBrightness", do_nothing},
    {"RandomContrast", do_nothing},
    {"RandomFlip", do_nothing},
    {"RandomRotation", do_nothing},
    {"RandomTranslation", do_nothing},
    {"RandomZoom", do_nothing},
    {"Add", ag_keras_join},
    {"Multiply", ag_keras_join},
    {"Subtract", ag_keras_join},
    {"Average", ag_keras_join},
    {"Maximum", ag_keras_join},
    {"Minimum", ag_keras_join},
    {"Concatenate", ag_keras_join},
    {"Merge", ag_keras_join},
    {"ZeroPadding2D", ag_keras_padding},
    {"Cropping2D", ag_keras_cropping},
    {"UpSampling2D", ag_keras_upsampling},
    {"Flatten", ag_keras_flatten},
    {"Reshape", ag_keras_reshape},
    {"Permute", ag_keras_permute},
    {"TimeDistributed", ag_keras_time_distributed},
};

ag_status ag_keras_translate_layer(ag_keras_layer *l) {
  if (l->count < 1) return ag_neutral_fail(l->n, AG_FORMAT, "it reads nothing");
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i].type, l->type) == 0) return table[i].translate(l);
  return ag_neutral_fail(l->n, AG_UNSUPPORTED,
                         "no rule for this layer; replace it by layers of convolutional networks, "
                         "or export the model to ONNX");
}
