/* GraphDef in proto-JSON: names in camel case, 64-bit integers as texts, bytes in base 64,
 * enumerations by name. */
#include "engine/formats/tfjs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/json_node.h"

/* --- values ----------------------------------------------------------------------- */

static bool read_integer(const cJSON *item, int64_t *value) {
  const char *text = cJSON_GetStringValue(item);
  char *end;
  if (!text) return ag_json_whole(item, -9e15, 9e15, value);
  *value = strtoll(text, &end, 10);
  return end != text && *end == '\0';
}

static int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

/* Whatever is no digit ends the text. */
static ProtobufCBinaryData read_bytes(ag_arena *arena, const cJSON *item) {
  const char *text = cJSON_GetStringValue(item);
  ProtobufCBinaryData data = {0, NULL};
  if (!text) return data;
  uint32_t bits = 0;
  int held = 0;
  data.data = ag_arena_alloc(arena, strlen(text) / 4 * 3 + 4);
  for (; base64_digit(*text) >= 0; text++) {
    bits = bits << 6 | (uint32_t)base64_digit(*text);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    data.data[data.len++] = (uint8_t)(bits >> held);
  }
  return data;
}

static int32_t read_type(const cJSON *item) {
  static const struct {
    const char *name;
    int32_t type;
  } types[] = {{"DT_FLOAT", 1}, {"DT_DOUBLE", 2}, {"DT_INT32", 3},     {"DT_UINT8", 4},
               {"DT_INT16", 5}, {"DT_INT8", 6},   {"DT_STRING", 7},    {"DT_INT64", 9},
               {"DT_BOOL", 10}, {"DT_HALF", 19},  {"DT_BFLOAT16", 14}, {"DT_RESOURCE", 20}};
  const char *name = cJSON_GetStringValue(item);
  int64_t number = 0;
  for (size_t i = 0; name && i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i].name, name) == 0) return types[i].type;
  if (!name) ag_json_whole(item, 0, 1000, &number);
  return (int32_t)number;
}

static Ag__Tf__Shape *read_shape(ag_arena *arena, const cJSON *item) {
  const cJSON *dims = ag_json_field(item, "dim"), *dim;
  Ag__Tf__Shape *shape = ag_arena_alloc(arena, sizeof *shape);
  ag__tf__shape__init(shape);
  shape->unknown_rank = cJSON_IsTrue(ag_json_field(item, "unknownRank"));
  size_t count = (size_t)cJSON_GetArraySize(dims);
  shape->dim = ag_arena_alloc(arena, count * sizeof *shape->dim);
  cJSON_ArrayForEach(dim, dims) {
    Ag__Tf__Dimension *d = ag_arena_alloc(arena, sizeof *d);
    ag__tf__dimension__init(d);
    read_integer(ag_json_field(dim, "size"), &d->size);
    shape->dim[shape->n_dim++] = d;
  }
  return shape;
}

static int64_t *read_integers(ag_arena *arena, const cJSON *list, size_t *count) {
  const cJSON *item;
  int64_t *out = ag_arena_alloc(arena, (size_t)cJSON_GetArraySize(list) * sizeof *out);
  *count = 0;
  cJSON_ArrayForEach(item, list) read_integer(item, &out[(*count)++]);
  return out;
}

static float *read_floats(ag_arena *arena, const cJSON *list, size_t *count) {
  const cJSON *item;
  float *out = ag_arena_alloc(arena, (size_t)cJSON_GetArraySize(list) * sizeof *out);
  *count = 0;
  cJSON_ArrayForEach(item, list) {
    double x = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    out[(*count)++] = fabs(x) < 1e38 ? (float)x : NAN;
  }
  return out;
}

/* Integers of any width as int64_val, floats as float_val. */
static ag_tf_tensor *read_tensor(ag_arena *arena, const cJSON *item) {
  ag_tf_tensor *t = ag_arena_alloc(arena, sizeof *t);
  ag__tf__tensor__init(t);
  t->dtype = read_type(ag_json_field(item, "dtype"));
  t->tensor_shape = read_shape(arena, ag_json_field(item, "tensorShape"));
  t->tensor_content = read_bytes(arena, ag_json_field(item, "tensorContent"));
  t->float_val = read_floats(arena, ag_json_field(item, "floatVal"), &t->n_float_val);
  const cJSON *wide = ag_json_field(item, "int64Val"), *narrow = ag_json_field(item, "intVal");
  t->int64_val = read_integers(arena, wide ? wide : narrow, &t->n_int64_val);
  if (t->n_int64_val) t->dtype = 9;
  return t;
}

static Ag__Tf__List *read_list(ag_arena *arena, const cJSON *item) {
  const cJSON *child, *texts = ag_json_field(item, "s"), *shapes = ag_json_field(item, "shape");
  Ag__Tf__List *list = ag_arena_alloc(arena, sizeof *list);
  ag__tf__list__init(list);
  list->i = read_integers(arena, ag_json_field(item, "i"), &list->n_i);
  list->f = read_floats(arena, ag_json_field(item, "f"), &list->n_f);
  list->s = ag_arena_alloc(arena, (size_t)cJSON_GetArraySize(texts) * sizeof *list->s);
  cJSON_ArrayForEach(child, texts) list->s[list->n_s++] = read_bytes(arena, child);
  list->shape = ag_arena_alloc(arena, (size_t)cJSON_GetArraySize(shapes) * sizeof *list->shape);
  cJSON_ArrayForEach(child, shapes) list->shape[list->n_shape++] = read_shape(arena, child);
  return list;
}

static ag_tf_attribute *read_value(ag_arena *arena, const cJSON *item) {
  ag_tf_attribute *v = ag_arena_alloc(arena, sizeof *v);
  const cJSON *f = ag_json_field(item, "f"), *s = ag_json_field(item, "s");
  const cJSON *shape = ag_json_field(item, "shape"), *tensor = ag_json_field(item, "tensor");
  const cJSON *list = ag_json_field(item, "list");
  ag__tf__value__init(v);
  read_integer(ag_json_field(item, "i"), &v->i);
  v->f = cJSON_IsNumber(f) && fabs(f->valuedouble) < 1e38 ? (float)f->valuedouble : 0;
  v->b = cJSON_IsTrue(ag_json_field(item, "b"));
  v->type = read_type(ag_json_field(item, "type"));
  v->has_s = s != NULL;
  v->s = read_bytes(arena, s);
  if (shape) v->shape = read_shape(arena, shape);
  if (tensor) v->tensor = read_tensor(arena, tensor);
  if (list) v->list = read_list(arena, list);
  return v;
}

/* --- nodes ------------------------------------------------------------------------ */

static char *text_of(const cJSON *object, const char *key) {
  return cJSON_GetStringValue(ag_json_field(object, key));
}

ag_tf_node *ag_tfjs_read_node(ag_arena *arena, const cJSON *item) {
  const cJSON *inputs = ag_json_field(item, "input"), *attrs = ag_json_field(item, "attr"), *child;
  ag_tf_node *n = ag_arena_alloc(arena, sizeof *n);
  ag__tf__node__init(n);
  n->name = text_of(item, "name");
  n->op = text_of(item, "op");
  n->input = ag_arena_alloc(arena, (size_t)cJSON_GetArraySize(inputs) * sizeof *n->input);
  cJSON_ArrayForEach(child, inputs)
    if (cJSON_IsString(child)) n->input[n->n_input++] = child->valuestring;
  n->attr = ag_arena_alloc(arena, (size_t)cJSON_GetArraySize(attrs) * sizeof *n->attr);
  cJSON_ArrayForEach(child, attrs) {
    Ag__Tf__Attribute *a = ag_arena_alloc(arena, sizeof *a);
    ag__tf__attribute__init(a);
    a->key = child->string;
    a->value = read_value(arena, child);
    n->attr[n->n_attr++] = a;
  }
  return n;
}

ag_status ag_tfjs_read(const cJSON *root, ag_arena *arena, ag_tf_graph *graph, ag_error *err) {
  const cJSON *topology = ag_json_field(root, "modelTopology"), *item;
  const cJSON *nodes = ag_json_field(topology ? topology : root, "node");
  ag__tf__graph__init(graph);
  if (!cJSON_IsArray(nodes) || !nodes->child)
    return ag_fail(err, AG_FORMAT,
                   "this JSON is no TF.js graph model (model.json): it has no nodes");
  graph->node = ag_arena_alloc(arena, (size_t)cJSON_GetArraySize(nodes) * sizeof *graph->node);
  cJSON_ArrayForEach(item, nodes) {
    if (!cJSON_IsObject(item)) return ag_fail(err, AG_FORMAT, "a node is no object");
    graph->node[graph->n_node++] = ag_tfjs_read_node(arena, item);
  }
  return AG_OK;
}
