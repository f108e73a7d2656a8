/* Calls of a Keras model in order. A functional model says for each layer which results each of its
 * calls reads; what the outputs need is translated. A sequential model is a chain, and a model that
 * is a layer of another is translated in place. */
#include <string.h>

#include "engine/base/order.h"
#include "engine/formats/keras_layer.h"
#include "engine/graph/json_node.h"

enum { MOST_DEPTH = 16 };

static bool is_model(const char *class) {
  return strcmp(class, "Model") == 0 || strcmp(class, "Functional") == 0 ||
         strcmp(class, "Sequential") == 0;
}

static bool is_input(const cJSON *layer) {
  return strcmp(ag_keras_class(layer), "InputLayer") == 0;
}

/* --- values ----------------------------------------------------------------------- */

ag_tf_value ag_keras_value(const ag_keras_import *im, int value) {
  ag_tf_value v = {.value = value, .constant = ag_neutral_is_constant(im->n, value)};
  ag_tf_default_layout(&im->functions, &v, ag_neutral_tensor(im->n, value)->rank);
  return v;
}

/* The elements of a flattened image stay in whatever order: the files hold no weights that would
 * meet them. */
ag_status ag_keras_arrange(ag_keras_import *im, const char *name, const ag_tf_value *from,
                           int *value) {
  ag_tf_op op = {.im = &im->functions, .n = im->n, .name = name};
  ag_tf_value wanted = *from;
  if (from->value < 0 || from->constant)
    return ag_neutral_fail(im->n, AG_UNSUPPORTED, "it reads a constant");
  ag_tf_default_layout(&im->functions, &wanted, ag_tf_tensor_of(&op, from)->rank);
  return ag_tf_arrange(&op, from, wanted.layout, value);
}

static ag_keras_values single(ag_keras_import *im, int value) {
  ag_keras_values one = {ag_arena_alloc(&im->arena, sizeof *one.at), 1};
  one.at[0] = ag_keras_value(im, value);
  return one;
}

/* --- one call --------------------------------------------------------------------- */

static ag_status call_layer(ag_keras_layer *l, ag_keras_values in) {
  int *operands = ag_arena_alloc(&l->im->arena, (size_t)in.count * sizeof *operands);
  ag_status status = AG_OK;
  for (int k = 0; k < in.count && !status; k++)
    status = ag_keras_arrange(l->im, l->name, &in.at[k], &operands[k]);
  l->in = operands;
  if (!status) status = ag_keras_translate_layer(l);
  if (!status) l->results = single(l->im, l->out);
  return status;
}

static ag_status make_input(ag_keras_import *im, const char *name, const cJSON *config,
                            ag_keras_values *results) {
  int value;
  ag_status status = ag_keras_make_input(im, name, config, &value);
  if (!status) *results = single(im, value);
  return status;
}

static ag_status translate_one(ag_keras_import *im, const cJSON *item, const cJSON *invocation,
                               ag_keras_values in, ag_keras_values *results) {
  ag_keras_layer layer = {.im = im,
                          .n = im->n,
                          .name = ag_keras_name(item),
                          .type = ag_keras_class(item),
                          .config = ag_json_field(item, "config"),
                          .call = invocation,
                          .values = in.at,
                          .count = in.count};
  if (++im->layers > AG_KERAS_MOST_LAYERS)
    return ag_fail(im->err, AG_LIMIT, "more than %d calls of layers", AG_KERAS_MOST_LAYERS);
  if (is_model(layer.type)) return ag_keras_translate_model(im, item, in, results);
  ag_neutral_source(im->n, layer.name, layer.type);
  if (is_input(item)) return make_input(im, layer.name, layer.config, results);
  ag_status status = ag_keras_is_function(item) ? ag_keras_translate_function(&layer, item)
                                                : call_layer(&layer, in);
  *results = layer.results;
  return status;
}

/* --- sequential ------------------------------------------------------------------- */

/* The shape of the input is a setting of the first layer, or of the model. */
static ag_status begin_sequence(ag_keras_import *im, const cJSON *config, const cJSON *first,
                                ag_keras_values *value) {
  const cJSON *own = ag_json_field(first, "config");
  bool stated = ag_keras_field(own, "batch_shape|batch_input_shape|input_shape") != NULL;
  ag_neutral_source(im->n, "input", "Sequential");
  return make_input(im, "input", stated ? own : config, value);
}

static ag_status translate_sequence(ag_keras_import *im, const cJSON *config, const cJSON *layers,
                                    ag_keras_values value, ag_keras_values *outputs) {
  const cJSON *layer;
  cJSON_ArrayForEach(layer, layers) {
    bool makes_input = !value.count && (is_input(layer) || is_model(ag_keras_class(layer)));
    if (value.count && is_input(layer)) continue;
    ag_status status = AG_OK;
    if (!value.count && !makes_input) status = begin_sequence(im, config, layer, &value);
    if (!status) status = translate_one(im, layer, NULL, value, &value);
    if (status) return status;
    if (value.count != 1) return ag_neutral_fail(im->n, AG_UNSUPPORTED, "it gives several results");
  }
  if (!value.count) return ag_fail(im->err, AG_FORMAT, "the model has no layers");
  *outputs = value;
  return AG_OK;
}

/* --- functional ------------------------------------------------------------------- */

static ag_status result_of(const ag_keras_network *m, int ref, ag_tf_value *value) {
  const ag_keras_reference *r = &m->refs[ref];
  const ag_keras_call *c = &m->calls[r->call];
  if (r->result >= c->results.count) {
    ag_fail(m->im->err, AG_FORMAT, "has no result %d", r->result);
    return ag_keras_at_layer(m, c->layer, AG_FORMAT);
  }
  *value = c->results.at[r->result];
  return AG_OK;
}

/* What references first .. first + count - 1 refer to. */
static ag_status read_values(const ag_keras_network *m, int first, int count,
                             ag_keras_values *values) {
  ag_status status = AG_OK;
  values->count = count;
  values->at = ag_arena_alloc(&m->im->arena, (size_t)count * sizeof *values->at);
  for (int k = 0; k < count && !status; k++) status = result_of(m, first + k, &values->at[k]);
  return status;
}

/* Calls in the order of the file, as far as that is one. */
static ag_status sort_calls(ag_keras_network *m, int32_t *order) {
  int32_t *start = ag_arena_alloc(&m->im->arena, (size_t)(m->call_count + 1) * sizeof *start);
  int32_t *operands = ag_arena_alloc(&m->im->arena, (size_t)m->ref_count * sizeof *operands);
  for (int i = 0; i < m->call_count; i++) start[i] = m->calls[i].first;
  start[m->call_count] = m->ref_count;
  for (int k = 0; k < m->ref_count; k++) operands[k] = m->refs[k].call;
  int cycle = ag_topological_order(m->call_count, start, operands, order);
  if (cycle < 0) return AG_OK;
  ag_fail(m->im->err, AG_FORMAT, "the layers form a cycle");
  return ag_keras_at_layer(m, m->calls[cycle].layer, AG_FORMAT);
}

/* The inputs of a model within a model are what its call reads. */
static ag_status give_inputs(ag_keras_network *m, const cJSON *list, ag_keras_values inputs) {
  int first = m->ref_count;
  ag_status status = ag_keras_collect(m, list);
  if (status) return status;
  if (m->ref_count - first != inputs.count)
    return ag_fail(m->im->err, AG_FORMAT, "a model of %d inputs is called with %d",
                   m->ref_count - first, inputs.count);
  for (int k = 0; k < inputs.count; k++) {
    ag_keras_call *c = &m->calls[m->refs[first + k].call];
    c->results = (ag_keras_values){&inputs.at[k], 1};
    c->given = true;
  }
  return AG_OK;
}

static bool *mark_needed(const ag_keras_network *m, const int32_t *order, int first_output) {
  bool *needed = ag_arena_alloc(&m->im->arena, (size_t)m->call_count);
  for (int k = first_output; k < m->ref_count; k++) needed[m->refs[k].call] = true;
  for (int i = m->call_count - 1; i >= 0; i--) {
    const ag_keras_call *c = &m->calls[order[i]];
    for (int k = 0; needed[order[i]] && !c->given && k < c->count; k++)
      needed[m->refs[c->first + k].call] = true;
  }
  return needed;
}

static ag_status translate_calls(ag_keras_network *m, const int32_t *order, const bool *needed) {
  for (int i = 0; i < m->call_count; i++) {
    ag_keras_call *c = &m->calls[order[i]];
    const cJSON *layer = m->layers[c->layer];
    ag_keras_values in;
    if (c->given) continue;
    if (!needed[order[i]]) {
      ag_neutral_source(m->im->n, ag_keras_name(layer), ag_keras_class(layer));
      ag_neutral_fate(m->im->n, AG_ONNX_FOLDED, "does not contribute to an output");
      continue;
    }
    ag_status status = read_values(m, c->first, c->count, &in);
    if (!status) status = translate_one(m->im, layer, c->item, in, &c->results);
    if (status) return status;
  }
  return AG_OK;
}

static ag_status translate_network(ag_keras_network *m, const cJSON *config, const cJSON *layers,
                                   ag_keras_values inputs, ag_keras_values *outputs) {
  ag_status status = ag_keras_index(m, layers);
  if (status) return status;
  int32_t *order = ag_arena_alloc(&m->im->arena, (size_t)m->call_count * sizeof *order);
  status = sort_calls(m, order);
  if (!status && inputs.count)
    status = give_inputs(m, ag_json_field(config, "input_layers"), inputs);
  int first = m->ref_count;
  if (!status) status = ag_keras_collect(m, ag_json_field(config, "output_layers"));
  if (status) return status;
  if (m->ref_count == first)
    return ag_fail(m->im->err, AG_FORMAT, "the model has no 'output_layers'");
  status = translate_calls(m, order, mark_needed(m, order, first));
  return status ? status : read_values(m, first, m->ref_count - first, outputs);
}

ag_status ag_keras_translate_model(ag_keras_import *im, const cJSON *model, ag_keras_values inputs,
                                   ag_keras_values *outputs) {
  const cJSON *config = ag_json_field(model, "config");
  const cJSON *layers = cJSON_IsArray(config) ? config : ag_json_field(config, "layers");
  ag_keras_network m = {.im = im};
  if (!cJSON_IsArray(layers)) return ag_fail(im->err, AG_FORMAT, "the model has no 'layers'");
  if (im->depth == MOST_DEPTH) return ag_fail(im->err, AG_LIMIT, "models nest too deeply");
  im->depth++;
  ag_status status = strcmp(ag_keras_class(model), "Sequential") == 0
                         ? translate_sequence(im, config, layers, inputs, outputs)
                         : translate_network(&m, config, layers, inputs, outputs);
  im->depth--;
  ag_keras_free_index(&m);
  return status;
}
