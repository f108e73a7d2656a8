/* What the parts of the Keras reader share.
 *
 * A model is a list of layers, each called once or more; a call reads results of other calls. The
 * files hold no weights, so layers get weights without values, of the shapes that follow. Versions
 * differ in the names of settings and in how calls are written down: keras_config.c knows the
 * former, keras_references.c the latter.
 *
 * Layers (keras_layer.h) read and give images as N, C, H, W, and all else in Keras's order. Calls
 * of TensorFlow's functions (keras_functions.c) become ops of GraphDefs, whose translators give
 * results in any layout (graphdef.h): a layer that reads one gets it brought into its own. */
#ifndef AG_FORMATS_KERAS_H
#define AG_FORMATS_KERAS_H

#include <cJSON.h>

#include "engine/formats/graphdef.h"

typedef struct ag_keras_import {
  const ag_import_options *options;
  ag_neutral *n;
  ag_error *err;
  ag_arena arena;
  ag_tf_import functions; /* what translators of GraphDefs want to know */
  bool channels_first;
  int version; /* major, of Keras */
  int depth;   /* of models within models */
  int layers;  /* seen so far, against explosions of shared models */
} ag_keras_import;

/* Results of a call or a model. */
typedef struct ag_keras_values {
  ag_tf_value *at;
  int count;
} ag_keras_values;

/* keras_calls.c: a model's layers and calls in order; `inputs` are those of a model within a model.
 */
ag_status ag_keras_translate_model(ag_keras_import *im, const cJSON *model, ag_keras_values inputs,
                                   ag_keras_values *outputs);
/* The value as layers want it, for the element of the file under translation. */
ag_status ag_keras_arrange(ag_keras_import *im, const char *name, const ag_tf_value *from,
                           int *value);
ag_tf_value ag_keras_value(const ag_keras_import *im, int value); /* and back */

/* keras_references.c */
/* What a layer is called and of which class; "" where the file does not say. */
const char *ag_keras_class(const cJSON *layer);
const char *ag_keras_name(const cJSON *layer);

/* A result of a call. */
typedef struct ag_keras_reference {
  int call, result;
} ag_keras_reference;

typedef struct ag_keras_call {
  int layer;
  const cJSON *item; /* of inbound_nodes, or NULL */
  int first, count;  /* in refs */
  bool given;        /* an input of a model within a model: what the call of that one reads */
  ag_keras_values results;
} ag_keras_call;

typedef struct ag_keras_network {
  ag_keras_import *im;
  const cJSON **layers;
  int layer_count;
  int *first_call; /* layer_count + 1 */
  ag_keras_call *calls;
  int call_count;
  ag_keras_reference *refs;
  int ref_count, ref_capacity;
  ag_map index; /* hash of a name -> layer */
} ag_keras_network;

enum { AG_KERAS_MOST_LAYERS = 50000 };

/* The layers and calls of a model and what each call reads. */
ag_status ag_keras_index(ag_keras_network *m, const cJSON *layers);
void ag_keras_free_index(ag_keras_network *m);
/* Append all references within `item` to refs, in order. */
ag_status ag_keras_collect(ag_keras_network *m, const cJSON *item);
/* How many references of `root` come before `item`; -1 if `item` is none, or not in there. */
int ag_keras_operand_index(const cJSON *root, const cJSON *item);
ag_status ag_keras_at_layer(const ag_keras_network *m, int layer, ag_status status);

/* keras_config.c: settings under any of their names ("new|old") */
const cJSON *ag_keras_field(const cJSON *config, const char *names);
/* A list of numbers, null = -1; the count, or -1 if it is no such list or longer than `limit`. */
int ag_keras_list(const cJSON *list, int64_t *out, int limit);
/* Of an activation: its name, also where it is an object. */
const char *ag_keras_activation_name(const cJSON *item);

/* keras_read.c */
ag_status ag_keras_make_input(ag_keras_import *im, const char *name, const cJSON *config,
                              int *value);

#endif
