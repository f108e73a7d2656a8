/* Calls of a Keras model in order. A functional model says for each layer which results each of its
 * calls reads: [name, call, result] in Keras 1 and 2, an object around that in Keras 3. A
 * depth-first walk from the outputs translates what they need. A sequential model is a chain, and
 * a model that is a layer of another is translated in place. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/formats/keras.h"
#include "engine/graph/json_node.h"

enum { MOST_DEPTH = 16, MOST_LAYERS = 50000, MOST_REFS = 1 << 20 };

typedef struct reference {
  int call, result;
} reference;

typedef struct call {
  int layer;
  const cJSON *item; /* of inbound_nodes, or NULL */
  int first, count;  /* in refs */
  int state, next;   /* of the walk */
  int *results, result_count;
} call;

typedef struct network {
  ag_keras_import *im;
  const cJSON **layers;
  const char **names;
  int layer_count;
  int *first_call; /* layer_count + 1 */
  call *calls;
  int call_count;
  reference *refs;
  int ref_count, ref_capacity;
  ag_map index; /* hash of a name -> layer */
  const cJSON *model;
} network;

static const char *class_of(const cJSON *layer) {
  const char *class = cJSON_GetStringValue(ag_json_field(layer, "class_name"));
  return class ? class : "";
}

static const char *name_of(const cJSON *layer) {
  const char *name = cJSON_GetStringValue(ag_json_field(layer, "name"));
  if (!name) name = cJSON_GetStringValue(ag_json_field(ag_json_field(layer, "config"), "name"));
  return name ? name : class_of(layer);
}

static bool is_model(const char *class) {
  return strcmp(class, "Model") == 0 || strcmp(class, "Functional") == 0 ||
         strcmp(class, "Sequential") == 0;
}

/* --- one call --------------------------------------------------------------------- */

static ag_status translate_one(ag_keras_import *im, const cJSON *item, const cJSON *invocation,
                               const int *in, int count, int **results, int *result_count) {
  const char *class = class_of(item);
  ag_keras_layer layer = {.im = im,
                          .n = im->n,
                          .name = name_of(item),
                          .type = class,
                          .config = ag_json_field(item, "config"),
                          .call = invocation,
                          .in = in,
                          .count = count};
  if (++im->layers > MOST_LAYERS)
    return ag_fail(im->err, AG_LIMIT, "more than %d calls of layers", MOST_LAYERS);
  if (is_model(class)) return ag_keras_translate_model(im, item, in, count, results, result_count);
  ag_neutral_source(im->n, layer.name, class);
  *results = ag_arena_alloc(&im->arena, sizeof **results);
  *result_count = 1;
  ag_status status = strcmp(class, "InputLayer") == 0
                         ? ag_keras_make_input(im, layer.name, layer.config, &layer.out)
                         : ag_keras_translate_layer(&layer);
  (*results)[0] = layer.out;
  return status;
}

/* --- sequential ------------------------------------------------------------------- */

static ag_status translate_sequence(ag_keras_import *im, const cJSON *config, const cJSON *layers,
                                    const int *inputs, int input_count, int **outputs,
                                    int *output_count) {
  ag_status status = AG_OK;
  const cJSON *layer;
  int *value = ag_arena_alloc(&im->arena, sizeof *value), one = 1;
  bool begun = input_count > 0;
  if (begun) *value = inputs[0];
  cJSON_ArrayForEach(layer, layers) {
    bool input = strcmp(class_of(layer), "InputLayer") == 0;
    bool makes_input = !begun && (input || is_model(class_of(layer)));
    if (begun && input) continue;
    if (!begun && !makes_input) {
      const cJSON *own = ag_json_field(layer, "config");
      bool stated = ag_keras_field(own, "batch_shape|batch_input_shape|input_shape") != NULL;
      ag_neutral_source(im->n, "input", "Sequential");
      status = ag_keras_make_input(im, "input", stated ? own : config, value);
      if (status) return status;
    }
    int *results = NULL, in = *value;
    status = translate_one(im, layer, NULL, &in, !makes_input, &results, &one);
    if (status) return status;
    if (one != 1) return ag_neutral_fail(im->n, AG_UNSUPPORTED, "it gives several results");
    *value = results[0];
    begun = true;
  }
  if (!begun) return ag_fail(im->err, AG_FORMAT, "the model has no layers");
  *outputs = value;
  *output_count = 1;
  return AG_OK;
}

/* --- functional ------------------------------------------------------------------- */

static ag_status add_reference(network *m, const char *name, const cJSON *node,
                               const cJSON *result) {
  const int64_t *layer = ag_map_get(&m->index, ag_hash_bytes(name, strlen(name)));
  int64_t which = -1, port = -1;
  ag_json_whole(node, 0, MOST_REFS, &which);
  ag_json_whole(result, 0, MOST_REFS, &port);
  if (!layer) return ag_fail(m->im->err, AG_FORMAT, "reads '%s', which is no layer", name);
  int calls = m->first_call[*layer + 1] - m->first_call[*layer];
  if (which < 0 || which >= calls || port < 0)
    return ag_fail(m->im->err, AG_FORMAT, "reads a call of '%s' that does not exist", name);
  if (m->ref_count == MOST_REFS) return ag_fail(m->im->err, AG_LIMIT, "too many operands");
  AG_GROW(m->refs, m->ref_count, m->ref_capacity);
  m->refs[m->ref_count++] = (reference){m->first_call[*layer] + (int)which, (int)port};
  return AG_OK;
}

/* Everything in `item` that refers to a result, in order. */
static ag_status collect(network *m, const cJSON *item) {
  ag_status status = AG_OK;
  const cJSON *child;
  if (cJSON_IsArray(item)) {
    const cJSON *name = item->child, *node = name ? name->next : NULL;
    const cJSON *result = node ? node->next : NULL;
    if (cJSON_IsString(name) && cJSON_IsNumber(node) && cJSON_IsNumber(result)) {
      status = add_reference(m, name->valuestring, node, result);
      return status ? status : collect(m, result->next);
    }
  } else if (!cJSON_IsObject(item)) {
    return AG_OK;
  } else if (strcmp(class_of(item), "__keras_tensor__") == 0) {
    return collect(m, ag_json_field(ag_json_field(item, "config"), "keras_history"));
  }
  cJSON_ArrayForEach(child, item) {
    status = collect(m, child);
    if (status) return status;
  }
  return AG_OK;
}

/* A layer without inbound nodes (an input) counts as called once. */
static ag_status index_layers(network *m, const cJSON *layers) {
  const cJSON *layer, *item;
  int calls = 0, i = 0;
  m->layer_count = cJSON_GetArraySize(layers);
  if (m->layer_count > MOST_LAYERS)
    return ag_fail(m->im->err, AG_LIMIT, "more than %d layers", MOST_LAYERS);
  size_t count = (size_t)m->layer_count;
  m->layers = ag_arena_alloc(&m->im->arena, count * sizeof *m->layers);
  m->first_call = ag_arena_alloc(&m->im->arena, (count + 1) * sizeof *m->first_call);
  cJSON_ArrayForEach(layer, layers) {
    bool fresh;
    const char *name = name_of(layer);
    ag_map_put(&m->index, ag_hash_bytes(name, strlen(name)), i, &fresh);
    if (!fresh) return ag_fail(m->im->err, AG_FORMAT, "two layers are called '%s'", name);
    m->layers[i] = layer;
    int own = cJSON_GetArraySize(ag_json_field(layer, "inbound_nodes"));
    calls += own ? own : 1;
    m->first_call[++i] = calls;
    if (calls > MOST_REFS) return ag_fail(m->im->err, AG_LIMIT, "too many calls of layers");
  }
  m->calls = ag_arena_alloc(&m->im->arena, (size_t)calls * sizeof *m->calls);
  for (i = 0; i < m->layer_count; i++) {
    call *c = m->calls + m->first_call[i];
    c->layer = i;
    cJSON_ArrayForEach(item, ag_json_field(m->layers[i], "inbound_nodes")) {
      c->layer = i;
      c++->item = item;
    }
  }
  m->call_count = calls;
  return AG_OK;
}

static ag_status at_layer(network *m, int layer, ag_status status) {
  char place[256];
  snprintf(place, sizeof place, "%s (%s)", name_of(m->layers[layer]), class_of(m->layers[layer]));
  return ag_error_at_node(m->im->err, status, place);
}

static ag_status index_calls(network *m) {
  for (int i = 0; i < m->call_count; i++) {
    call *c = &m->calls[i];
    c->first = c->next = m->ref_count;
    ag_status status = collect(m, c->item);
    if (status) return at_layer(m, c->layer, status);
    c->count = m->ref_count - c->first;
  }
  return AG_OK;
}

static ag_status result_of(network *m, const reference *r, int *value) {
  const call *c = &m->calls[r->call];
  if (r->result >= c->result_count) {
    ag_fail(m->im->err, AG_FORMAT, "has no result %d", r->result);
    return at_layer(m, c->layer, AG_FORMAT);
  }
  *value = c->results[r->result];
  return AG_OK;
}

static ag_status translate_call(network *m, call *c) {
  int *in = ag_arena_alloc(&m->im->arena, (size_t)(c->count + 1) * sizeof *in);
  for (int k = 0; k < c->count; k++) {
    ag_status status = result_of(m, &m->refs[c->first + k], &in[k]);
    if (status) return status;
  }
  return translate_one(m->im, m->layers[c->layer], c->item, in, c->count, &c->results,
                       &c->result_count);
}

enum { WHITE, GREY, BLACK };

/* All that `root` needs, then itself. */
static ag_status walk(network *m, int root, int *stack) {
  int depth = 0;
  if (m->calls[root].state == BLACK) return AG_OK;
  stack[depth++] = root;
  m->calls[root].state = GREY;
  while (depth) {
    call *c = &m->calls[stack[depth - 1]];
    if (c->next < c->first + c->count) {
      int producer = m->refs[c->next++].call;
      call *p = &m->calls[producer];
      if (p->state == BLACK) continue;
      if (p->state == GREY) {
        ag_fail(m->im->err, AG_FORMAT, "the layers form a cycle");
        return at_layer(m, p->layer, AG_FORMAT);
      }
      p->state = GREY;
      stack[depth++] = producer;
      continue;
    }
    ag_status status = translate_call(m, c);
    if (status) return status;
    c->state = BLACK;
    depth--;
  }
  return AG_OK;
}

/* The inputs of a model within a model are what its call reads. */
static ag_status give_inputs(network *m, const cJSON *list, const int *inputs, int count) {
  int first = m->ref_count;
  ag_status status = collect(m, list);
  if (status) return status;
  if (m->ref_count - first != count)
    return ag_fail(m->im->err, AG_FORMAT, "a model of %d inputs is called with %d",
                   m->ref_count - first, count);
  for (int k = 0; k < count; k++) {
    call *c = &m->calls[m->refs[first + k].call];
    c->results = ag_arena_alloc(&m->im->arena, sizeof *c->results);
    c->results[0] = inputs[k];
    c->result_count = 1;
    c->state = BLACK;
  }
  return AG_OK;
}

static void account_for_the_rest(network *m) {
  for (int i = 0; i < m->call_count; i++) {
    const cJSON *layer = m->layers[m->calls[i].layer];
    if (m->calls[i].state == BLACK) continue;
    ag_neutral_source(m->im->n, name_of(layer), class_of(layer));
    ag_neutral_fate(m->im->n, AG_ONNX_FOLDED, "does not contribute to an output");
  }
}

static ag_status translate_network(network *m, const cJSON *config, const cJSON *layers,
                                   const int *inputs, int input_count, int **outputs,
                                   int *output_count) {
  ag_status status = index_layers(m, layers);
  if (!status) status = index_calls(m);
  if (!status && input_count)
    status = give_inputs(m, ag_json_field(config, "input_layers"), inputs, input_count);
  int first = m->ref_count;
  if (!status) status = collect(m, ag_json_field(config, "output_layers"));
  if (status) return status;
  int count = m->ref_count - first;
  if (count == 0) return ag_fail(m->im->err, AG_FORMAT, "the model has no 'output_layers'");
  int *stack = ag_arena_alloc(&m->im->arena, (size_t)m->call_count * sizeof *stack);
  *outputs = ag_arena_alloc(&m->im->arena, (size_t)count * sizeof **outputs);
  *output_count = count;
  for (int k = 0; k < count && !status; k++) {
    status = walk(m, m->refs[first + k].call, stack);
    if (!status) status = result_of(m, &m->refs[first + k], &(*outputs)[k]);
  }
  if (!status) account_for_the_rest(m);
  return status;
}

ag_status ag_keras_translate_model(ag_keras_import *im, const cJSON *model, const int *inputs,
                                   int input_count, int **outputs, int *output_count) {
  const cJSON *config = ag_json_field(model, "config");
  const cJSON *layers = cJSON_IsArray(config) ? config : ag_json_field(config, "layers");
  network m = {.im = im, .model = model};
  if (!cJSON_IsArray(layers)) return ag_fail(im->err, AG_FORMAT, "the model has no 'layers'");
  if (im->depth == MOST_DEPTH) return ag_fail(im->err, AG_LIMIT, "models nest too deeply");
  im->depth++;
  ag_status status =
      strcmp(class_of(model), "Sequential") == 0
          ? translate_sequence(im, config, layers, inputs, input_count, outputs, output_count)
          : translate_network(&m, config, layers, inputs, input_count, outputs, output_count);
  im->depth--;
  ag_map_free(&m.index);
  free(m.refs);
  return status;
}
