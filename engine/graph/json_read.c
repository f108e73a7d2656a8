/* JSON to computation graphs. Every node of the tree (json_node.c) becomes a draft (attributes and
 * shapes as the file says them, operands as indices into the drafts), and json_build.c makes the
 * graph of the drafts. A draft's text stays in the cJSON tree. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/graph/json_draft.h"
#include "engine/graph/json_node.h"

enum { MAX_NODES = 100000, MAX_EDGES = 1000000 };

const char *ag_json_label(const struct json_draft *d) {
  return d->name && d->name[0] ? d->name : d->label;
}

ag_status ag_json_fail_at(const struct json_reader *r, const struct json_draft *d,
                          const char *reason) {
  ag_fail(r->err, AG_FORMAT, "%s", reason);
  return ag_error_at_node(r->err, AG_FORMAT, ag_json_label(d));
}

static const char *text_of(const cJSON *object, const char *key) {
  return cJSON_GetStringValue(ag_json_field(object, key));
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
  if (ag_json_field(object, "id") && !ag_json_whole(ag_json_field(object, "id"), -9e15, 9e15, &id))
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
  const char *reason = ag_json_attributes(object, &d->node, &d->in, &d->out);
  return reason ? ag_json_fail_at(r, d, reason) : AG_OK;
}

static ag_status read_nodes(struct json_reader *r) {
  const cJSON *nodes = ag_json_field(r->root, "nodes"), *node;
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
  if (!ag_json_whole(item, -9e15, 9e15, &id)) return -1;
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
  cJSON_ArrayForEach(node, ag_json_field(r->root, "nodes")) {
    struct json_draft *d = &r->drafts[index++];
    const cJSON *operands = ag_json_field(node, "operands");
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
  const cJSON *edges = ag_json_field(r->root, "edges"), *edge;
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
  const cJSON *format = ag_json_field(r->root, "format"),
              *version = ag_json_field(r->root, "version");
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
  if (ag_json_whole(ag_json_field(r->root, "max_derived_H"), 1, INT_MAX, &h) &&
      ag_json_whole(ag_json_field(r->root, "max_derived_W"), 1, INT_MAX, &w) &&
      ag_json_whole(ag_json_field(r->root, "max_hidden_size"), 1, INT_MAX, &c))
    ag_builder_set_normalisers(b, (ag_shape){(int32_t)h, (int32_t)w, (int32_t)c});
  ag_builder_set_dynamic_batch(b, cJSON_IsTrue(ag_json_field(r->root, "dynamic_batch")));
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

ag_status ag_graph_parse_json(const char *text, size_t length, const ag_graph **graph,
                              ag_error *err) {
  cJSON *root;
  ag_status status = ag_json_parse(text, length, &root, err);
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
  ag_status status = ag_file_read(path, AG_JSON_MAX_FILE, &text, &size, err);
  if (status) return status;
  status = ag_graph_parse_json(text, size, graph, err);
  free(text);
  return status ? ag_error_in_file(err, status, path) : AG_OK;
}
