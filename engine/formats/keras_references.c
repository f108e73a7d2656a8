/* How calls of layers refer to what they read: [name, call, result] in Keras 1 and 2, with keyword
 * arguments behind it, which may hold references too, and an object around that in Keras 3.
 * Constants may stand in the place of a reference. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/formats/keras.h"
#include "engine/graph/json_node.h"

enum { MOST_REFS = 1 << 20 };

const char *ag_keras_class(const cJSON *layer) {
  const char *class = cJSON_GetStringValue(ag_json_field(layer, "class_name"));
  return class ? class : "";
}

const char *ag_keras_name(const cJSON *layer) {
  const char *name = cJSON_GetStringValue(ag_json_field(layer, "name"));
  if (!name) name = cJSON_GetStringValue(ag_json_field(ag_json_field(layer, "config"), "name"));
  return name ? name : ag_keras_class(layer);
}

ag_status ag_keras_at_layer(const ag_keras_network *m, int layer, ag_status status) {
  char place[256];
  const cJSON *item = m->layers[layer];
  snprintf(place, sizeof place, "%s (%s)", ag_keras_name(item), ag_keras_class(item));
  return ag_error_at_node(m->im->err, status, place);
}

/* --- the walk --------------------------------------------------------------------- */

/* `item` is what refers (the list, or the object around it), `name` the first of the list. */
typedef ag_status (*visitor)(void *context, const cJSON *item, const cJSON *name);

static bool is_reference(const cJSON *item) {
  const cJSON *name = cJSON_IsArray(item) ? item->child : NULL, *node = name ? name->next : NULL;
  return cJSON_IsString(name) && cJSON_IsNumber(node) && cJSON_IsNumber(node->next) &&
         strcmp(name->valuestring, "_CONSTANT_VALUE") != 0;
}

/* Stops where `visit` does not return AG_OK, and returns that. */
static ag_status walk(const cJSON *item, visitor visit, void *context) {
  const cJSON *child = cJSON_IsArray(item) || cJSON_IsObject(item) ? item->child : NULL;
  ag_status status = AG_OK;
  if (cJSON_IsObject(item) && strcmp(ag_keras_class(item), "__keras_tensor__") == 0) {
    const cJSON *history = ag_json_field(ag_json_field(item, "config"), "keras_history");
    return is_reference(history) ? visit(context, item, history->child) : AG_OK;
  }
  if (is_reference(item)) {
    status = visit(context, item, child);
    child = child->next->next->next;
  }
  for (; child && !status; child = child->next) status = walk(child, visit, context);
  return status;
}

/* --- references of a network ------------------------------------------------------- */

static ag_status add_reference(void *context, const cJSON *item, const cJSON *first) {
  ag_keras_network *m = context;
  const char *name = first->valuestring;
  const int64_t *layer = ag_map_get(&m->index, ag_hash_bytes(name, strlen(name)));
  int64_t which = -1, port = -1;
  (void)item;
  ag_json_whole(first->next, 0, MOST_REFS, &which);
  ag_json_whole(first->next->next, 0, MOST_REFS, &port);
  if (!layer) return ag_fail(m->im->err, AG_FORMAT, "reads '%s', which is no layer", name);
  int calls = m->first_call[*layer + 1] - m->first_call[*layer];
  if (which < 0 || which >= calls || port < 0)
    return ag_fail(m->im->err, AG_FORMAT, "reads a call of '%s' that does not exist", name);
  if (m->ref_count == MOST_REFS) return ag_fail(m->im->err, AG_LIMIT, "too many operands");
  AG_GROW(m->refs, m->ref_count, m->ref_capacity);
  m->refs[m->ref_count++] = (ag_keras_reference){m->first_call[*layer] + (int)which, (int)port};
  return AG_OK;
}

ag_status ag_keras_collect(ag_keras_network *m, const cJSON *item) {
  return walk(item, add_reference, m);
}

/* --- references of a call ----------------------------------------------------------- */

typedef struct search {
  const cJSON *wanted;
  int seen;
  bool found;
} search;

static ag_status look(void *context, const cJSON *item, const cJSON *name) {
  search *s = context;
  (void)name;
  s->found = item == s->wanted;
  s->seen += !s->found;
  return s->found ? AG_INVALID : AG_OK; /* ends the walk */
}

int ag_keras_operand_index(const cJSON *root, const cJSON *item) {
  search s = {.wanted = item};
  walk(root, look, &s);
  return s.found ? s.seen : -1;
}

/* --- the index --------------------------------------------------------------------- */

static int call_count(const cJSON *layer) {
  int own = cJSON_GetArraySize(ag_json_field(layer, "inbound_nodes"));
  return own ? own : 1; /* an input counts as called once */
}

static ag_status index_layers(ag_keras_network *m, const cJSON *layers) {
  const cJSON *layer;
  int calls = 0, i = 0;
  m->layer_count = cJSON_GetArraySize(layers);
  if (m->layer_count > AG_KERAS_MOST_LAYERS)
    return ag_fail(m->im->err, AG_LIMIT, "more than %d layers", AG_KERAS_MOST_LAYERS);
  size_t count = (size_t)m->layer_count;
  m->layers = ag_arena_alloc(&m->im->arena, count * sizeof *m->layers);
  m->first_call = ag_arena_alloc(&m->im->arena, (count + 1) * sizeof *m->first_call);
  cJSON_ArrayForEach(layer, layers) {
    bool fresh;
    const char *name = ag_keras_name(layer);
    ag_map_put(&m->index, ag_hash_bytes(name, strlen(name)), i, &fresh);
    if (!fresh) return ag_fail(m->im->err, AG_FORMAT, "two layers are called '%s'", name);
    m->layers[i] = layer;
    calls += call_count(layer);
    m->first_call[++i] = calls;
    if (calls > MOST_REFS) return ag_fail(m->im->err, AG_LIMIT, "too many calls of layers");
  }
  m->call_count = calls;
  return AG_OK;
}

static ag_status index_calls(ag_keras_network *m) {
  m->calls = ag_arena_alloc(&m->im->arena, (size_t)m->call_count * sizeof *m->calls);
  for (int i = 0; i < m->layer_count; i++) {
    const cJSON *nodes = ag_json_field(m->layers[i], "inbound_nodes");
    const cJSON *item = cJSON_IsArray(nodes) || cJSON_IsObject(nodes) ? nodes->child : NULL;
    for (int k = m->first_call[i]; k < m->first_call[i + 1]; k++) {
      ag_keras_call *c = &m->calls[k];
      *c = (ag_keras_call){.layer = i, .item = item, .first = m->ref_count};
      ag_status status = ag_keras_collect(m, item);
      if (status) return ag_keras_at_layer(m, i, status);
      c->count = m->ref_count - c->first;
      if (item) item = item->next;
    }
  }
  return AG_OK;
}

ag_status ag_keras_index(ag_keras_network *m, const cJSON *layers) {
  ag_status status = index_layers(m, layers);
  return status ? status : index_calls(m);
}

void ag_keras_free_index(ag_keras_network *m) {
  ag_map_free(&m->index);
  free(m->refs);
}
