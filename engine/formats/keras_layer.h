/* Layers of Keras under translation: what the translators share, and the translators themselves,
 * which keras_layers.c finds by class. */
#ifndef AG_FORMATS_KERAS_LAYER_H
#define AG_FORMATS_KERAS_LAYER_H

#include "engine/formats/keras.h"

/* A call of a layer. */
typedef struct ag_keras_layer {
  ag_keras_import *im;
  ag_neutral *n;
  const char *name, *type;
  const cJSON *config, *call; /* call: as in inbound_nodes, or NULL */
  const int *in;              /* operands, of layers */
  const ag_tf_value *values;  /* operands, of functions */
  int count;
  int out;                 /* what a layer gives */
  ag_keras_values results; /* what a function gives */
} ag_keras_layer;

/* keras_layers.c */
ag_status ag_keras_translate_layer(ag_keras_layer *l);
const ag_tensor *ag_keras_input(const ag_keras_layer *l); /* the first operand */
ag_status ag_keras_malformed(ag_keras_layer *l, const char *what);
ag_status ag_keras_need_image(ag_keras_layer *l);
/* A dimension of the source, counted with the batch, as one of ours; -1 = out of range. */
int ag_keras_axis(const ag_keras_layer *l, int64_t axis, int rank);
/* A weight without values, called "layer/what". */
int ag_keras_weight(ag_keras_layer *l, const char *what, int rank, const int64_t *dims);
/* The layer gives x through its 'activation'. */
ag_status ag_keras_activated(ag_keras_layer *l, int x);

/* keras_functions.c: calls of TensorFlow's and Keras's functions that files hold as if they were
 * layers; l->values to l->results. */
bool ag_keras_is_function(const cJSON *layer);
ag_status ag_keras_translate_function(ag_keras_layer *l, const cJSON *layer);

/* keras_config.c */
int64_t ag_keras_int(const ag_keras_layer *l, const char *names, int64_t otherwise);
double ag_keras_number(const ag_keras_layer *l, const char *names, double otherwise);
bool ag_keras_bool(const ag_keras_layer *l, const char *names, bool otherwise);
const char *ag_keras_text(const ag_keras_layer *l, const char *names, const char *otherwise);
/* One number for both, or two; `otherwise` where it is absent or null. False if malformed. */
bool ag_keras_pair(const ag_keras_layer *l, const char *names, int64_t otherwise, int64_t *pair);

/* keras_convolutions.c */
typedef struct ag_keras_convolution {
  int64_t filters, per_group, groups, kernel[2];
  bool bias, window; /* window: strides and padding apply */
} ag_keras_convolution;
ag_status ag_keras_convolve(ag_keras_layer *l, const ag_keras_convolution *c, const char *name,
                            int x, int *value);
ag_status ag_keras_conv(ag_keras_layer *l);
ag_status ag_keras_depthwise(ag_keras_layer *l);
ag_status ag_keras_separable(ag_keras_layer *l);
ag_status ag_keras_transposed(ag_keras_layer *l);

/* keras_dense.c, keras_norms.c, keras_pools.c, keras_joins.c */
ag_status ag_keras_dense(ag_keras_layer *l);
ag_status ag_keras_batch_norm(ag_keras_layer *l);
ag_status ag_keras_layer_norm(ag_keras_layer *l);
ag_status ag_keras_normalization(ag_keras_layer *l);
ag_status ag_keras_rescaling(ag_keras_layer *l);
ag_status ag_keras_pool(ag_keras_layer *l);
ag_status ag_keras_global_pool(ag_keras_layer *l);
ag_status ag_keras_join(ag_keras_layer *l);

/* keras_activations.c: x through an activation by name; NULL and "linear" change nothing */
ag_status ag_keras_activate(ag_keras_layer *l, const char *name, const char *node, int x,
                            int *value);
ag_status ag_keras_leaky(ag_keras_layer *l, double slope, const char *node, int x, int *value);
ag_status ag_keras_activation(ag_keras_layer *l);
ag_status ag_keras_relu_layer(ag_keras_layer *l);
ag_status ag_keras_leaky_layer(ag_keras_layer *l);
ag_status ag_keras_prelu(ag_keras_layer *l);
ag_status ag_keras_named(ag_keras_layer *l); /* classes that are named like their activation */

/* keras_moves.c */
ag_status ag_keras_padding(ag_keras_layer *l);
ag_status ag_keras_cropping(ag_keras_layer *l);
ag_status ag_keras_upsampling(ag_keras_layer *l);
ag_status ag_keras_flatten(ag_keras_layer *l);
ag_status ag_keras_reshape(ag_keras_layer *l);
ag_status ag_keras_permute(ag_keras_layer *l);
ag_status ag_keras_transpose(ag_keras_layer *l, int x, const int64_t *perm, int rank, int *value);

/* keras_wrappers.c */
ag_status ag_keras_time_distributed(ag_keras_layer *l);

#endif
