/* What the parts of the Keras reader share.
 *
 * A model is a list of layers, each called once or more; a call reads results of other calls. The
 * files hold no weights, so layers get weights without values, of the shapes that follow. Versions
 * differ in the names of settings and in how calls are written down: keras_config.c knows the
 * former, keras_calls.c the latter. Values are those of the neutral model, N, C, H, W. */
#ifndef AG_FORMATS_KERAS_H
#define AG_FORMATS_KERAS_H

#include <cJSON.h>

#include "engine/formats/neutral.h"

typedef struct ag_keras_import {
  const ag_import_options *options;
  ag_neutral *n;
  ag_error *err;
  ag_arena arena;
  bool channels_first;
  int version; /* major, of Keras */
  int depth;   /* of models within models */
  int layers;  /* seen so far, against explosions of shared models */
  size_t file_size;
} ag_keras_import;

/* A call of a layer under translation. */
typedef struct ag_keras_layer {
  ag_keras_import *im;
  ag_neutral *n;
  const char *name, *type;
  const cJSON *config, *call; /* call: as in inbound_nodes, or NULL */
  const int *in;
  int count;
  int out;
} ag_keras_layer;

/* keras_calls.c: a model's layers and calls in order */
ag_status ag_keras_translate_model(ag_keras_import *im, const cJSON *model, const int *inputs,
                                   int input_count, int **outputs, int *output_count);

/* keras_config.c: settings under any of their names ("new|old") */
const cJSON *ag_keras_field(const cJSON *config, const char *names);
int64_t ag_keras_int(const ag_keras_layer *layer, const char *names, int64_t otherwise);
double ag_keras_number(const ag_keras_layer *layer, const char *names, double otherwise);
bool ag_keras_bool(const ag_keras_layer *layer, const char *names, bool otherwise);
const char *ag_keras_text(const ag_keras_layer *layer, const char *names, const char *otherwise);
/* One number for both, or two; `otherwise` where it is absent or null. False if malformed. */
bool ag_keras_pair(const ag_keras_layer *layer, const char *names, int64_t otherwise,
                   int64_t *pair);
/* A list of numbers, null = -1; the count, or -1 if it is no such list or longer than `limit`. */
int ag_keras_list(const cJSON *list, int64_t *out, int limit);
/* Of an activation: its name, also where it is an object. */
const char *ag_keras_activation_name(const cJSON *item);

/* keras_layers.c */
ag_status ag_keras_translate_layer(ag_keras_layer *layer);
ag_status ag_keras_make_input(ag_keras_import *im, const char *name, const cJSON *config,
                              int *value);

/* keras_activations.c: x through an activation by name; NULL and "linear" change nothing */
ag_status ag_keras_activate(ag_keras_layer *layer, const char *name, const char *node, int x,
                            int *value);
ag_status ag_keras_relu(ag_keras_layer *layer, int x, int *value);
ag_status ag_keras_leaky(ag_keras_layer *layer, double slope, const char *node, int x, int *value);

#endif
