/* Settings of Keras layers. Names that changed between versions are given together, newest first.
 */
#include <math.h>
#include <string.h>

#include "engine/formats/keras_layer.h"
#include "engine/graph/json_node.h"

const cJSON *ag_keras_field(const cJSON *config, const char *names) {
  char name[64];
  while (*names) {
    size_t length = strcspn(names, "|");
    if (length < sizeof name) {
      memcpy(name, names, length);
      name[length] = '\0';
      const cJSON *item = ag_json_field(config, name);
      if (item && !cJSON_IsNull(item)) return item;
    }
    names += length + (names[length] == '|');
  }
  return NULL;
}

int64_t ag_keras_int(const ag_keras_layer *layer, const char *names, int64_t otherwise) {
  int64_t value = otherwise;
  ag_json_whole(ag_keras_field(layer->config, names), -2147483648.0, 2147483647.0, &value);
  return value;
}

double ag_keras_number(const ag_keras_layer *layer, const char *names, double otherwise) {
  const cJSON *item = ag_keras_field(layer->config, names);
  return cJSON_IsNumber(item) && isfinite(item->valuedouble) ? item->valuedouble : otherwise;
}

bool ag_keras_bool(const ag_keras_layer *layer, const char *names, bool otherwise) {
  const cJSON *item = ag_keras_field(layer->config, names);
  if (cJSON_IsBool(item)) return cJSON_IsTrue(item);
  return otherwise;
}

const char *ag_keras_text(const ag_keras_layer *layer, const char *names, const char *otherwise) {
  const char *text = cJSON_GetStringValue(ag_keras_field(layer->config, names));
  return text ? text : otherwise;
}

bool ag_keras_pair(const ag_keras_layer *layer, const char *names, int64_t otherwise,
                   int64_t *pair) {
  const cJSON *item = ag_keras_field(layer->config, names);
  pair[0] = pair[1] = otherwise;
  if (!item) return true;
  if (ag_json_whole(item, 0, 1 << 15, &pair[0])) return pair[1] = pair[0], true;
  const cJSON *first = cJSON_IsArray(item) ? item->child : NULL;
  return first && first->next && !first->next->next && ag_json_whole(first, 0, 1 << 15, &pair[0]) &&
         ag_json_whole(first->next, 0, 1 << 15, &pair[1]);
}

int ag_keras_list(const cJSON *list, int64_t *out, int limit) {
  int count = 0;
  const cJSON *item;
  if (!cJSON_IsArray(list)) return -1;
  cJSON_ArrayForEach(item, list) {
    if (count == limit) return -1;
    out[count] = -1;
    if (!cJSON_IsNull(item) && !ag_json_whole(item, -1, 2147483647.0, &out[count])) return -1;
    count++;
  }
  return count;
}

const char *ag_keras_activation_name(const cJSON *item) {
  const char *name = cJSON_GetStringValue(item);
  if (name || !cJSON_IsObject(item)) return name;
  const char *class = cJSON_GetStringValue(ag_json_field(item, "class_name"));
  const cJSON *config = ag_json_field(item, "config");
  if (class && strcmp(class, "function") == 0) return cJSON_GetStringValue(config);
  return class;
}
