/* Weights of TF.js models: groups of files beside the model, which end to end hold one tensor after
 * the other, as single-precision floats or quantised to 8 or 16 bits. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/formats/tfjs.h"
#include "engine/graph/json_node.h"

enum { MOST_BYTES = 1 << 30 };

/* Append the file to `all`; *found becomes false if it is not there. Names that lead elsewhere are
 * refused: a model must not be able to name any file of its reader. */
static ag_status append_shard(const char *directory, const char *path, ag_text *all, bool *found,
                              ag_error *err) {
  char *data;
  size_t size;
  ag_text full = {0};
  if (!path || !path[0] || path[0] == '/' || strstr(path, ".."))
    return ag_fail(err, AG_UNSUPPORTED, "a file of weights is not beside the model");
  ag_text_add(&full, "%s%s", directory, path);
  ag_status status = ag_file_read(full.data, MOST_BYTES - all->size, &data, &size, NULL);
  ag_text_free(&full);
  if (status == AG_LIMIT) return ag_fail(err, status, "more than 1 GiB of weights");
  if (status) return *found = false, AG_OK;
  ag_text_bytes(all, data, size);
  free(data);
  return AG_OK;
}

/* Bytes of an element in the file, of the type of its quantisation if there is one. */
static size_t element_size(const cJSON *weight) {
  const cJSON *quantised = ag_json_field(weight, "quantization");
  const char *type = cJSON_GetStringValue(ag_json_field(quantised ? quantised : weight, "dtype"));
  if (!type) return 0;
  if (strcmp(type, "float32") == 0 || strcmp(type, "int32") == 0) return 4;
  if (strcmp(type, "uint16") == 0 || strcmp(type, "float16") == 0) return 2;
  return strcmp(type, "uint8") == 0 || strcmp(type, "bool") == 0;
}

static bool read_count(const cJSON *weight, size_t *count) {
  const cJSON *size;
  int64_t value;
  *count = 1;
  cJSON_ArrayForEach(size, ag_json_field(weight, "shape")) {
    if (!ag_json_whole(size, 0, MOST_BYTES, &value)) return false;
    if (value && *count > MOST_BYTES / (size_t)value) return false;
    *count *= (size_t)value;
  }
  return true;
}

static float dequantised(const cJSON *quantised, const uint8_t *at, size_t size) {
  const cJSON *scale = ag_json_field(quantised, "scale"), *min = ag_json_field(quantised, "min");
  uint16_t wide = *at;
  if (size == 2) memcpy(&wide, at, 2);
  double x = wide * (cJSON_IsNumber(scale) ? scale->valuedouble : 1);
  return (float)(x + (cJSON_IsNumber(min) ? min->valuedouble : 0));
}

/* The elements as tensor_content of the type that the constant declares. */
static void give(ag_arena *arena, const cJSON *weight, const char *from, size_t count,
                 ag_tf_tensor *t) {
  const cJSON *quantised = ag_json_field(weight, "quantization");
  size_t size = element_size(weight), own = quantised ? 4 : size;
  uint8_t *data = ag_arena_alloc(arena, count * own + 4);
  for (size_t i = 0; quantised && i < count; i++) {
    float x = dequantised(quantised, (const uint8_t *)from + i * size, size);
    memcpy(data + 4 * i, &x, 4);
  }
  if (quantised) t->dtype = 1;
  if (!quantised && count) memcpy(data, from, count * size);
  t->tensor_content.len = count * own;
  t->tensor_content.data = data;
}

/* Constants of the graph by name. */
static void index_constants(const ag_tf_graph *graph, ag_map *names) {
  bool fresh;
  for (size_t i = 0; i < graph->n_node; i++) {
    const ag_tf_node *n = graph->node[i];
    if (n->name && n->op && strcmp(n->op, "Const") == 0)
      ag_map_put(names, ag_hash_bytes(n->name, strlen(n->name)), (int64_t)i, &fresh);
  }
}

static ag_tf_tensor *find_constant(const ag_tf_graph *graph, const ag_map *names,
                                   const cJSON *weight) {
  const char *name = cJSON_GetStringValue(ag_json_field(weight, "name"));
  const int64_t *node = name ? ag_map_get(names, ag_hash_bytes(name, strlen(name))) : NULL;
  const ag_tf_attribute *value = node ? ag_tf_attr(graph->node[*node], "value") : NULL;
  return value ? value->tensor : NULL;
}

static ag_status give_group(const cJSON *group, const ag_text *all, ag_arena *arena,
                            const ag_tf_graph *graph, const ag_map *names, ag_error *err) {
  const cJSON *weight;
  size_t at = 0, count;
  cJSON_ArrayForEach(weight, ag_json_field(group, "weights")) {
    size_t size = element_size(weight);
    if (!size || !read_count(weight, &count))
      return ag_fail(err, AG_UNSUPPORTED, "a weight has a type or shape that is not handled");
    if (count * size > all->size - at)
      return ag_fail(err, AG_FORMAT, "the files of weights are too short");
    ag_tf_tensor *t = find_constant(graph, names, weight);
    bool half = !ag_json_field(weight, "quantization") && size == 2;
    if (t && !half) give(arena, weight, all->data + at, count, t);
    at += count * size;
  }
  return AG_OK;
}

ag_status ag_tfjs_add_weights(const cJSON *root, const char *directory, ag_arena *arena,
                              ag_tf_graph *graph, ag_error *err) {
  const cJSON *group, *path;
  ag_map names = {0};
  ag_status status = AG_OK;
  index_constants(graph, &names);
  cJSON_ArrayForEach(group, ag_json_field(root, "weightsManifest")) {
    ag_text all = {0};
    bool found = true;
    cJSON_ArrayForEach(path, ag_json_field(group, "paths")) {
      if (!status && found)
        status = append_shard(directory, cJSON_GetStringValue(path), &all, &found, err);
    }
    if (!status && found) status = give_group(group, &all, arena, graph, &names, err);
    ag_text_free(&all);
    if (status) break;
  }
  ag_map_free(&names);
  return status;
}
