/* JSON to computation graphs. Three steps: every node of the file becomes a draft (attributes,
 * shapes as the file says them, operands as indices into the drafts); drafts are put into
 * topological order, keeping the file's order where it is one; a builder makes the graph. What the
 * builder infers must be what the file said, so a file cannot smuggle in shapes that do not follow
 * from its ops. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

#include "autogo/graph.h"
#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/map.h"

enum { MAX_NODES = 100000, MAX_EDGES = 1000000, MAX_FILE = 1 << 28 };

struct draft {
  ag_node node;
  ag_shape in, out; /* as in the file */
  const char *name; /* in the cJSON tree, or NULL */
  const char *source_op;
  char label[32]; /* how messages call it */
  bool has_operands;
  int32_t *operands; /* indices of drafts */
  int count, capacity;
  int waiting; /* operands not yet placed, while sorting */
};

struct reader {
  const cJSON *root;
  struct draft *drafts;
  int size;
  ag_map ids; /* id -> index of the draft */
  ag_error *err;
};

static ag_status fail_at(const struct reader *r, const struct draft *d, const char *reason) {
  ag_fail(r->err, AG_FORMAT, "%s", reason);
  return ag_error_at_node(r->err, AG_FORMAT, d->name && d->name[0] ? d->name : d->label);
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

static const char *read_attributes(const cJSON *object, struct draft *d) {
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

static ag_status read_node(struct reader *r, const cJSON *object, int index) {
  struct draft *d = &r->drafts[index];
  snprintf(d->label, sizeof d->label, "node %d", index);
  if (!cJSON_IsObject(object)) return fail_at(r, d, "a node must be an object");
  d->name = text_of(object, "name");
  int64_t id = index;
  if (field(object, "id") && !whole(field(object, "id"), -9e15, 9e15, &id))
    return fail_at(r, d, "\"id\" must be a whole number");
  snprintf(d->label, sizeof d->label, "node %lld", (long long)id);
  bool fresh;
  ag_map_put(&r->ids, id_key(id), index, &fresh);
  if (!fresh) return fail_at(r, d, "its id is used twice");
  const char *op_name = text_of(object, "op");
  if (!op_name) return fail_at(r, d, "\"op\" is missing");
  int op = ag_op_find(op_name);
  if (op < 0) return fail_at(r, d, "its op is unknown; write \"opaque\" with a \"source_op\"");
  snprintf(d->label, sizeof d->label, "node %lld (%s)", (long long)id, ag_op_get((ag_op)op)->name);
  d->node = ag_node_make((ag_op)op);
  d->source_op = text_of(object, "source_op");
  const char *reason = read_attributes(object, d);
  return reason ? fail_at(r, d, reason) : AG_OK;
}

static ag_status read_nodes(struct reader *r) {
  const cJSON *nodes = field(r->root, "nodes"), *node;
  if (!cJSON_IsArray(nodes)) return ag_fail(r->err, AG_FORMAT, "\"nodes\" must be an array");
  cJSON_ArrayForEach(node, nodes) r->size++;
  if (r->size > MAX_NODES)
    return ag_fail(r->err, AG_LIMIT, "%d nodes are more than %d", r->size, MAX_NODES);
  r->drafts = AG_ARRAY(struct draft, r->size);
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
static int resolve(const struct reader *r, const cJSON *item) {
  int64_t id;
  if (!whole(item, -9e15, 9e15, &id)) return -1;
  const int64_t *index = ag_map_get(&r->ids, id_key(id));
  return index ? (int)*index : -1;
}

static ag_status add_operand(struct reader *r, struct draft *d, int operand) {
  if (operand < 0) return fail_at(r, d, "an operand does not exist");
  if (&r->drafts[operand] == d) return fail_at(r, d, "it is its own operand");
  if (d->count == MAX_EDGES) return fail_at(r, d, "too many operands");
  AG_GROW(d->operands, d->count, d->capacity);
  d->operands[d->count++] = operand;
  return AG_OK;
}

static ag_status read_operands(struct reader *r) {
  int index = 0, total = 0;
  const cJSON *node, *item;
  cJSON_ArrayForEach(node, field(r->root, "nodes")) {
    struct draft *d = &r->drafts[index++];
    const cJSON *operands = field(node, "operands");
    if (!operands) continue;
    if (!cJSON_IsArray(operands)) return fail_at(r, d, "\"operands\" must be an array of ids");
    d->has_operands = true;
    cJSON_ArrayForEach(item, operands) {
      if (++total > MAX_EDGES) return fail_at(r, d, "too many operands in the file");
      ag_status status = add_operand(r, d, resolve(r, item));
      if (status) return status;
    }
  }
  return AG_OK;
}

static ag_status read_edges(struct reader *r) {
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
    struct draft *d = &r->drafts[consumer];
    ag_status status = d->has_operands ? AG_OK : add_operand(r, d, producer);
    if (status) return status;
  }
  return AG_OK;
}

static int compare_indices(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

/* Edge lists are sets: their operands come in the order of their producers. */
static void sort_edge_operands(struct reader *r) {
  for (int i = 0; i < r->size; i++) {
    struct draft *d = &r->drafts[i];
    if (!d->has_operands && d->count > 1)
      qsort(d->operands, (size_t)d->count, sizeof *d->operands, compare_indices);
  }
}

/* --- order ---------------------------------------------------------------------------------------
 */

static bool in_order(const struct reader *r) {
  for (int i = 0; i < r->size; i++)
    for (int k = 0; k < r->drafts[i].count; k++)
      if (r->drafts[i].operands[k] >= i) return false;
  return true;
}

/* A heap of draft indices, least first. */
static void push(int32_t *heap, int *count, int32_t value) {
  int i = (*count)++;
  for (; i > 0 && heap[(i - 1) / 2] > value; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
  heap[i] = value;
}

static int32_t pop(int32_t *heap, int *count) {
  int32_t least = heap[0], value = heap[--*count];
  int i = 0;
  for (int child = 1; child < *count; child = 2 * i + 1) {
    if (child + 1 < *count && heap[child + 1] < heap[child]) child++;
    if (heap[child] >= value) break;
    heap[i] = heap[child];
    i = child;
  }
  heap[i] = value;
  return least;
}

/* Rows of users, as in a graph. */
static int32_t *index_users(const struct reader *r, int32_t *start) {
  for (int i = 0; i < r->size; i++)
    for (int k = 0; k < r->drafts[i].count; k++) start[r->drafts[i].operands[k] + 1]++;
  for (int i = 0; i < r->size; i++) start[i + 1] += start[i];
  int32_t *users = AG_ARRAY(int32_t, start[r->size]);
  int32_t *cursor = ag_memdup(start, (size_t)r->size + 1, sizeof *start);
  for (int i = 0; i < r->size; i++)
    for (int k = 0; k < r->drafts[i].count; k++) users[cursor[r->drafts[i].operands[k]]++] = i;
  free(cursor);
  return users;
}

/* order[position] = draft: least index first among the drafts whose operands are placed. */
static ag_status sort(struct reader *r, int32_t *order) {
  int32_t *start = AG_ARRAY(int32_t, r->size + 1), *heap = AG_ARRAY(int32_t, r->size);
  int32_t *users = index_users(r, start);
  int ready = 0, placed = 0;
  for (int i = 0; i < r->size; i++) {
    r->drafts[i].waiting = r->drafts[i].count;
    if (r->drafts[i].waiting == 0) push(heap, &ready, i);
  }
  while (ready > 0) {
    int32_t i = pop(heap, &ready);
    order[placed++] = i;
    for (int k = start[i]; k < start[i + 1]; k++)
      if (--r->drafts[users[k]].waiting == 0) push(heap, &ready, users[k]);
  }
  ag_status status = AG_OK;
  for (int i = 0; i < r->size && placed < r->size; i++)
    if (r->drafts[i].waiting > 0) {
      status = fail_at(r, &r->drafts[i], "it is part of, or behind, a cycle");
      break;
    }
  free(users);
  free(heap);
  free(start);
  return status;
}

/* --- building
 * --------------------------------------------------------------------------------------- */

/* NB-101 consumers read only the first channels of an operand (families.md 4.4): seen in a file
 * by fewer input channels than the operands have. */
static void detect_slice(const ag_builder *b, struct draft *d, const int *operands) {
  ag_rule rule = ag_op_get(d->node.op)->rule;
  if (d->count == 0 || rule == AG_RULE_OPAQUE || rule == AG_RULE_CONCAT) return;
  int32_t least = INT_MAX, most = 0;
  for (int k = 0; k < d->count; k++) {
    ag_shape s = ag_builder_shape(b, operands[k]);
    if (s.h != d->in.h || s.w != d->in.w) return;
    if (s.c < least) least = s.c;
    if (s.c > most) most = s.c;
  }
  if (d->in.c == most || d->in.c > least) return;
  d->node.flags |= AG_FLAG_SLICE;
  d->node.in.c = d->in.c;
}

static ag_status check_shapes(const struct reader *r, const struct draft *d, const ag_node *n) {
  if (ag_shape_equal(n->in, d->in) && ag_shape_equal(n->out, d->out)) return AG_OK;
  char reason[160];
  snprintf(reason, sizeof reason,
           "the file says %dx%dx%d -> %dx%dx%d, its operands give %dx%dx%d -> %dx%dx%d", d->in.h,
           d->in.w, d->in.c, d->out.h, d->out.w, d->out.c, n->in.h, n->in.w, n->in.c, n->out.h,
           n->out.w, n->out.c);
  return fail_at(r, d, reason);
}

static ag_status add_node(struct reader *r, ag_builder *b, struct draft *d, int *position) {
  int *operands = AG_ARRAY(int, d->count);
  for (int k = 0; k < d->count; k++) operands[k] = position[d->operands[k]];
  detect_slice(b, d, operands);
  if (d->node.op == AG_OP_OPAQUE) {
    ag_store *store = ag_builder_store(b);
    ag_record record = {.source_op = ag_store_string(store, d->source_op ? d->source_op : "?")};
    d->node.record = ag_store_add(store, &record);
    d->node.in = d->in;
  }
  const char *name = d->name && d->name[0] ? d->name : NULL;
  int added = ag_builder_add(b, d->node, operands, d->count, name);
  free(operands);
  if (added < 0) return AG_OK; /* the builder reports its own first error */
  position[d - r->drafts] = added;
  return check_shapes(r, d, ag_builder_node(b, added));
}

static void set_properties(const struct reader *r, ag_builder *b) {
  const char *family = text_of(r->root, "family");
  int64_t h = 0, w = 0, c = 0;
  if (family) ag_builder_set_family(b, family);
  if (whole(field(r->root, "max_derived_H"), 1, INT_MAX, &h) &&
      whole(field(r->root, "max_derived_W"), 1, INT_MAX, &w) &&
      whole(field(r->root, "max_hidden_size"), 1, INT_MAX, &c))
    ag_builder_set_normalisers(b, (ag_shape){(int32_t)h, (int32_t)w, (int32_t)c});
  ag_builder_set_dynamic_batch(b, cJSON_IsTrue(field(r->root, "dynamic_batch")));
}

static ag_status build(struct reader *r, const int32_t *order, const ag_graph **graph) {
  const char *name = text_of(r->root, "name");
  ag_builder *b = ag_builder_new(name ? name : "graph");
  set_properties(r, b);
  int *position = AG_ARRAY(int, r->size);
  ag_status status = AG_OK;
  for (int i = 0; i < r->size && !status; i++)
    status = add_node(r, b, &r->drafts[order[i]], position);
  free(position);
  if (status)
    ag_builder_free(b);
  else
    status = ag_builder_finish(b, graph, r->err);
  return status;
}

static ag_status read_graph(struct reader *r, const ag_graph **graph) {
  if (!cJSON_IsObject(r->root)) return ag_fail(r->err, AG_FORMAT, "a graph must be a JSON object");
  ag_status status = read_nodes(r);
  if (!status) status = read_operands(r);
  if (!status) status = read_edges(r);
  if (status) return status;
  sort_edge_operands(r);
  int32_t *order = AG_ARRAY(int32_t, r->size);
  for (int i = 0; i < r->size; i++) order[i] = i;
  if (!in_order(r)) status = sort(r, order);
  if (!status) status = build(r, order, graph);
  free(order);
  return status;
}

ag_status ag_graph_parse_json(const char *text, size_t length, const ag_graph **graph,
                              ag_error *err) {
  const char *end = NULL;
  cJSON *root = cJSON_ParseWithLengthOpts(text, length, &end, false);
  if (!root) {
    ag_fail(err, AG_FORMAT, "not JSON, or nested too deeply");
    if (err && end) err->offset = end - text;
    return AG_FORMAT;
  }
  struct reader r = {.root = root, .err = err};
  ag_status status = read_graph(&r, graph);
  for (int i = 0; r.drafts && i < r.size; i++) free(r.drafts[i].operands);
  free(r.drafts);
  ag_map_free(&r.ids);
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
