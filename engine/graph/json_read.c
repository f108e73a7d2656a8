/* JSON to computation graphs. The text is measured, then parsed by cJSON; every node becomes a
 * draft (attributes and shapes as the file says them, operands as indices into the drafts), and
 * json_build.c makes the graph of the drafts. A draft's text stays in the cJSON tree. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/graph/json_draft.h"

/* cJSON takes some 80 bytes per value: values are counted before it is let loose on a file. The
 * largest graph within the limits has 7 million. */
enum { MAX_NODES = 100000, MAX_EDGES = 1000000, MAX_FILE = 1 << 28 };
enum { MAX_VALUES = 8000000, MAX_DEPTH = 64 };

const char *ag_json_label(const struct json_draft *d) {
  return d->name && d->name[0] ? d->name : d->label;
}

ag_status ag_json_fail_at(const struct json_reader *r, const struct json_draft *d,
                          const char *reason) {
  ag_fail(r->err, AG_FORMAT, "%s", reason);
  return ag_error_at_node(r->err, AG_FORMAT, ag_json_label(d));
}

/* --- values -------------------------------------------------------------------------------- */

static const cJSON *field(const cJSON *object, const char *key) {
  return cJSON_GetObjectItemCaseSensitive(object, key);
}

static bool whole(const cJSON *item, double low, double high, int64_t *value) {
  if (!cJSON_IsNumber(item)) return false;
  double v = item->valuedouble;
  if (!(v >= low && v <= high) || v != floor(v)) return false;
  *value = (int64_t)v;
  return true;
}

/* An array of exactly `count` whole numbers in [low, INT_MAX]. */
static bool whole_array(const cJSON *array, int count, int low, int32_t *values) {
  if (!cJSON_IsArray(array)) return false;
  int n = 0;
  const cJSON *item;
  cJSON_ArrayForEach(item, array) {
    int64_t value;
    if (n == count || !whole(item, low, INT_MAX, &value)) return false;
    values[n++] = (int32_t)value;
  }
  return n == count;
}

/* An optional array: true when absent (values untouched) or well-formed. */
static bool optional_array(const cJSON *object, const char *key, int count, int low,
                           int32_t *values) {
  const cJSON *array = field(object, key);
  return !array || cJSON_IsNull(array) || whole_array(array, count, low, values);
}

static bool read_shape(const cJSON *object, const char *key, ag_shape *shape) {
  int32_t values[3];
  if (!whole_array(field(object, key), 3, 1, values)) return false;
  *shape = (ag_shape){values[0], values[1], values[2]};
  return true;
}

static int find_name(const char *const *names, int count, const char *name) {
  for (int i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0) return i;
  return -1;
}

/* --- nodes ---------------------------------------------------------------------------------- */

static bool read_padding(const cJSON *object, ag_node *n) {
  static const char *const names[] = {"same", "valid", "explicit", "same_lower"};
  const cJSON *padding = field(object, "padding");
  if (!padding || cJSON_IsNull(padding)) return true;
  int kind = cJSON_IsString(padding) ? find_name(names, 4, padding->valuestring) : -1;
  if (kind >= 0) n->padding = (uint8_t)kind;
  return kind >= 0;
}

static bool read_flags(const cJSON *object, ag_node *n) {
  static const char *const names[] = {"ceil", "count_pads", "align", "linear", "slice"};
  const cJSON *flags = field(object, "flags"), *item;
  if (!flags) return true;
  if (!cJSON_IsArray(flags)) return false;
  cJSON_ArrayForEach(item, flags) {
    int flag = cJSON_IsString(item) ? find_name(names, 5, item->valuestring) : -1;
    if (flag < 0) return false;
    n->flags |= (uint8_t)(1 << flag);
  }
  return true;
}

static bool read_scalars(const cJSON *object, ag_node *n) {
  const cJSON *bias = field(object, "bias"), *groups = field(object, "groups");
  const cJSON *alpha = field(object, "alpha");
  int64_t value = 1;
  if (bias && !cJSON_IsBool(bias)) return false;
  n->bias = cJSON_IsTrue(bias) ? 1 : 0;
  if (groups && !whole(groups, 1, INT_MAX, &value)) return false;
  n->groups = (int32_t)value;
  if (alpha && !(cJSON_IsNumber(alpha) && fabs(alpha->valuedouble) < 1e30)) return false;
  n->alpha = alpha ? (float)alpha->valuedouble : 0;
  return true;
}

/* Published files say nothing of the ratio of these ops; it follows from the shapes. */
static void infer_ratio(ag_node *n, ag_shape in, ag_shape out) {
  ag_rule rule = ag_op_get(n->op)->rule;
  if (rule == AG_RULE_UNFOLD || rule == AG_RULE_UPSAMPLE) {
    n->stride[0] = out.h / in.h > 0 ? out.h / in.h : 1;
    n->stride[1] = out.w / in.w > 0 ? out.w / in.w : 1;
  } else if (rule == AG_RULE_FOLD) {
    n->stride[0] = in.h / out.h > 0 ? in.h / out.h : 1;
    n->stride[1] = in.w / out.w > 0 ? in.w / out.w : 1;
  }
}

/* Attributes that an op does not have say nothing, and must not tell nodes apart. */
static void drop_foreign_attributes(ag_node *n) {
  const ag_node plain = ag_node_make(n->op);
  ag_rule rule = ag_op_get(n->op)->rule;
  if (rule == AG_RULE_OPAQUE) return;
  bool window = rule == AG_RULE_STRIDED || n->op == AG_OP_TRANSPOSED_CONV;
  bool ratio = rule == AG_RULE_FOLD || rule == AG_RULE_UNFOLD || rule == AG_RULE_UPSAMPLE;
  bool pads = rule == AG_RULE_PAD || (window && n->padding == AG_PAD_EXPLICIT);
  if (!window) {
    n->padding = plain.padding;
    memcpy(n->kernel, plain.kernel, sizeof n->kernel);
    memcpy(n->dilation, plain.dilation, sizeof n->dilation);
  }
  if (!window && !ratio) memcpy(n->stride, plain.stride, sizeof n->stride);
  if (!pads) memset(n->pads, 0, sizeof n->pads);
  if (!ag_op_weighted(n->op)) n->bias = 0;
  bool grouped = n->op == AG_OP_CONV || n->op == AG_OP_TRANSPOSED_CONV;
  if (!grouped && n->op != AG_OP_CHANNEL_SHUFFLE) n->groups = plain.groups;
}

static const char *read_attributes(const cJSON *object, struct json_draft *d) {
  ag_node *n = &d->node;
  if (!read_shape(object, "in", &d->in) || !read_shape(object, "out", &d->out))
    return "\"in\" and \"out\" must be [H, W, C] of positive whole numbers";
  if (!field(object, "strides")) infer_ratio(n, d->in, d->out);
  if (!optional_array(object, "kernel", 2, 0, n->kernel)) return "\"kernel\" must be [h, w]";
  if (!optional_array(object, "strides", 2, 1, n->stride)) return "\"strides\" must be [h, w]";
  if (!optional_array(object, "dilations", 2, 1, n->dilation))
    return "\"dilations\" must be [h, w]";
  if (!optional_array(object, "pads", 4, 0, n->pads))
    return "\"pads\" must be [top, left, bottom, right]";
  if (!read_padding(object, n)) return "\"padding\" must be same, same_lower, valid or explicit";
  if (!read_flags(object, n)) return "\"flags\" has an unknown entry";
  if (!read_scalars(object, n)) return "\"bias\", \"groups\" or \"alpha\" is malformed";
  drop_foreign_attributes(n);
  n->out = d->out;
  if (n->flags & AG_FLAG_SLICE) n->in.c = d->in.c;
  return NULL;
}

static const char *text_of(const cJSON *object, const char *key) {
  return cJSON_GetStringValue(field(object, key));
}

static ag_hash id_key(int64_t id) {
  return ag_hash_mix(ag_hash_seed(0), (uint64_t)id);
}

static ag_status read_node(struct json_reader *r, const cJSON *object, int index) {
  struct json_draft *d = &r->drafts[index];
  snprintf(d->label, sizeof d->label, "node %d", index);
  if (!cJSON_IsObject(object)) return ag_json_fail_at(r, d, "a node must be an object");
  d->name = text_of(object, "name");
  int64_t id = index;
  if (field(object, "id") && !whole(field(object, "id"), -9e15, 9e15, &id))
    return ag_json_fail_at(r, d, "\"id\" must be a whole number");
  snprintf(d->label, sizeof d->label, "node %lld", (long long)id);
  bool fresh;
  ag_map_put(&r->ids, id_key(id), index, &fresh);
  if (!fresh) return ag_json_fail_at(r, d, "its id is used twice");
  const char *op_name = text_of(object, "op");
  if (!op_name) return ag_json_fail_at(r, d, "\"op\" is missing");
  int op = ag_op_find(op_name);
  if (op < 0)
    return ag_json_fail_at(r, d, "its op is unknown; write \"opaque\" with a \"source_op\"");
  snprintf(d->label, sizeof d->label, "node %lld (%s)", (long long)id, ag_op_get((ag_op)op)->name);
  d->node = ag_node_make((ag_op)op);
  d->source_op = text_of(object, "source_op");
  const char *reason = read_attributes(object, d);
  return reason ? ag_json_fail_at(r, d, reason) : AG_OK;
}

static ag_status read_nodes(struct json_reader *r) {
  const cJSON *nodes = field(r->root, "nodes"), *node;
  if (!cJSON_IsArray(nodes)) return ag_fail(r->err, AG_FORMAT, "\"nodes\" must be an array");
  cJSON_ArrayForEach(node, nodes) r->size++;
  if (r->size > MAX_NODES)
    return ag_fail(r->err, AG_LIMIT, "%d nodes are more than %d", r->size, MAX_NODES);
  r->drafts = AG_ARRAY(struct json_draft, r->size);
  int index = 0;
  ag_status status = AG_OK;
  cJSON_ArrayForEach(node, nodes) {
    status = read_node(r, node, index++);
    if (status) break;
  }
  return status;
}

/* --- edges ------------------------------------------------------------------------------------ */

/* Index of the draft whose id `item` is, or -1. */
static int resolve(const struct json_reader *r, const cJSON *item) {
  int64_t id;
  if (!whole(item, -9e15, 9e15, &id)) return -1;
  const int64_t *index = ag_map_get(&r->ids, id_key(id));
  return index ? (int)*index : -1;
}

static ag_hash pair_key(const struct json_reader *r, const struct json_draft *consumer,
                        int producer) {
  return ag_hash_mix(id_key(consumer - r->drafts), (uint64_t)producer);
}

static ag_status add_operand(struct json_reader *r, struct json_draft *d, int operand) {
  if (operand < 0) return ag_json_fail_at(r, d, "an operand does not exist");
  if (&r->drafts[operand] == d) return ag_json_fail_at(r, d, "it is its own operand");
  if (d->has_operands) ag_map_put(&r->pairs, pair_key(r, d, operand), 1, NULL);
  r->drafts[operand].used = true;
  AG_GROW(d->operands, d->count, d->capacity);
  d->operands[d->count++] = operand;
  return AG_OK;
}

static ag_status read_operands(struct json_reader *r) {
  int index = 0, total = 0;
  const cJSON *node, *item;
  cJSON_ArrayForEach(node, field(r->root, "nodes")) {
    struct json_draft *d = &r->drafts[index++];
    const cJSON *operands = field(node, "operands");
    if (!operands) continue;
    if (!cJSON_IsArray(operands))
      return ag_json_fail_at(r, d, "\"operands\" must be an array of ids");
    d->has_operands = true;
    cJSON_ArrayForEach(item, operands) {
      if (++total > MAX_EDGES) return ag_fail(r->err, AG_LIMIT, "more than %d operands", MAX_EDGES);
      ag_status status = add_operand(r, d, resolve(r, item));
      if (status) return status;
    }
  }
  return AG_OK;
}

static ag_status read_edges(struct json_reader *r) {
  const cJSON *edges = field(r->root, "edges"), *edge;
  if (!edges) return AG_OK;
  if (!cJSON_IsArray(edges)) return ag_fail(r->err, AG_FORMAT, "\"edges\" must be an array");
  int number = 0;
  cJSON_ArrayForEach(edge, edges) {
    const cJSON *from = cJSON_IsArray(edge) ? edge->child : NULL, *to = from ? from->next : NULL;
    int producer = to && !to->next ? resolve(r, from) : -1, consumer = to ? resolve(r, to) : -1;
    if (producer < 0 || consumer < 0)
      return ag_fail(r->err, AG_FORMAT, "edge %d is not a pair of ids of nodes", number);
    if (++number > MAX_EDGES) return ag_fail(r->err, AG_LIMIT, "more than %d edges", MAX_EDGES);
    struct json_draft *d = &r->drafts[consumer];
    if (d->has_operands && !ag_map_get(&r->pairs, pair_key(r, d, producer)))
      return ag_json_fail_at(r, d, "\"edges\" has a tensor that its \"operands\" lack");
    ag_status status = d->has_operands ? AG_OK : add_operand(r, d, producer);
    if (status) return status;
  }
  return AG_OK;
}

static int compare_indices(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

enum { MOST_REPEATS = 64 };

/* Edge lists are sets, x + x has one edge: a join of one tensor takes it twice, a concat as
 * often as fills its channels. */
static ag_status repeat_lone_operand(struct json_reader *r, struct json_draft *d) {
  int times = d->node.op == AG_OP_ADD || d->node.op == AG_OP_MUL ? 2 : 1;
  int32_t channels = r->drafts[d->operands[0]].out.c;
  if (d->node.op == AG_OP_CONCAT && d->out.c % channels == 0) times = d->out.c / channels;
  ag_status status = AG_OK;
  for (int k = 1; k < times && times <= MOST_REPEATS && !status; k++)
    status = add_operand(r, d, d->operands[0]);
  return status;
}

/* The operands of edge lists come in the order of their producers in the file. */
static ag_status complete_edge_operands(struct json_reader *r) {
  ag_status status = AG_OK;
  for (int i = 0; i < r->size && !status; i++) {
    struct json_draft *d = &r->drafts[i];
    if (d->has_operands || d->count == 0) continue;
    qsort(d->operands, (size_t)d->count, sizeof *d->operands, compare_indices);
    if (d->count == 1) status = repeat_lone_operand(r, d);
  }
  return status;
}

static ag_status check_version(const struct json_reader *r) {
  const cJSON *format = field(r->root, "format"), *version = field(r->root, "version");
  const char *name = cJSON_GetStringValue(format);
  if (format && (!name || strcmp(name, "autogo-cg") != 0))
    return ag_fail(r->err, AG_FORMAT, "\"format\" is not autogo-cg");
  if (version && !(cJSON_IsNumber(version) && version->valuedouble == 1))
    return ag_fail(r->err, AG_UNSUPPORTED, "only version 1 of the format is known");
  return AG_OK;
}

static void set_properties(const struct json_reader *r, ag_builder *b) {
  const char *family = text_of(r->root, "family");
  int64_t h = 0, w = 0, c = 0;
  if (family) ag_builder_set_family(b, family);
  if (whole(field(r->root, "max_derived_H"), 1, INT_MAX, &h) &&
      whole(field(r->root, "max_derived_W"), 1, INT_MAX, &w) &&
      whole(field(r->root, "max_hidden_size"), 1, INT_MAX, &c))
    ag_builder_set_normalisers(b, (ag_shape){(int32_t)h, (int32_t)w, (int32_t)c});
  ag_builder_set_dynamic_batch(b, cJSON_IsTrue(field(r->root, "dynamic_batch")));
}

static ag_status read_graph(struct json_reader *r, const ag_graph **graph) {
  if (!cJSON_IsObject(r->root)) return ag_fail(r->err, AG_FORMAT, "a graph must be a JSON object");
  ag_status status = check_version(r);
  if (!status) status = read_nodes(r);
  if (!status) status = read_operands(r);
  if (!status) status = read_edges(r);
  if (!status) status = complete_edge_operands(r);
  if (status) return status;
  const char *name = text_of(r->root, "name");
  ag_builder *builder = ag_builder_new(name ? name : "graph");
  set_properties(r, builder);
  return ag_json_build(r, builder, graph);
}

/* --- text ------------------------------------------------------------------------------------ */

static ag_status fail_in_text(ag_error *err, ag_status code, size_t offset, const char *reason) {
  ag_fail(err, code, "%s", reason);
  if (err) err->offset = (int64_t)offset;
  return code;
}

/* Depth and number of values, before the parser recurses and allocates. */
static ag_status measure(const char *text, size_t length, ag_error *err) {
  int depth = 0, values = 0;
  bool quoted = false;
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (quoted && c == '\\')
      i++;
    else if (c == '"')
      quoted = !quoted;
    if (quoted) continue;
    if (c == '[' || c == '{') depth++;
    if (c == ']' || c == '}') depth--;
    if (c == '[' || c == '{' || c == ',') values++;
    if (depth > MAX_DEPTH) return fail_in_text(err, AG_LIMIT, i, "nested too deeply");
    if (values > MAX_VALUES) return fail_in_text(err, AG_LIMIT, i, "too many values");
  }
  return AG_OK;
}

static ag_status parse(const char *text, size_t length, cJSON **root, ag_error *err) {
  ag_status status = measure(text, length, err);
  if (status) return status;
  const char *end = text;
  *root = cJSON_ParseWithLengthOpts(text, length, &end, false);
  size_t offset = (size_t)(end - text);
  if (!*root) return fail_in_text(err, AG_FORMAT, offset, "not JSON, or cut short");
  while (offset < length && (unsigned char)text[offset] <= ' ') offset++;
  if (offset == length) return AG_OK;
  cJSON_Delete(*root);
  return fail_in_text(err, AG_FORMAT, offset, "not JSON: something follows the graph");
}

ag_status ag_graph_parse_json(const char *text, size_t length, const ag_graph **graph,
                              ag_error *err) {
  cJSON *root;
  ag_status status = parse(text, length, &root, err);
  if (status) return status;
  struct json_reader r = {.root = root, .err = err};
  status = read_graph(&r, graph);
  for (int i = 0; r.drafts && i < r.size; i++) free(r.drafts[i].operands);
  free(r.drafts);
  ag_map_free(&r.ids);
  ag_map_free(&r.pairs);
  cJSON_Delete(root);
  return status;
}

ag_status ag_graph_load_json(const char *path, const ag_graph **graph, ag_error *err) {
  char *text;
  size_t size;
  ag_status status = ag_file_read(path, MAX_FILE, &text, &size, err);
  if (status) return status;
  status = ag_graph_parse_json(text, size, graph, err);
  free(text);
  return status ? ag_error_in_file(err, status, path) : AG_OK;
}
