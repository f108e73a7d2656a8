/* Problems from JSON. A problem is read into one segment: the nodes as they stand, operands by a
 * counting sort of the edges, an input port for every operand that no edge gives, an output port
 * for every target. Then each node's shapes are derived anew from its operands and must be those
 * of the file, and the whole must pass the check that ag_resolve itself starts with.
 *
 * Invariant of the list: its first `size` problems own their memory, also while one is being read.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/graph/json_node.h"
#include "engine/resolve/problem.h"

/* One problem under construction. */
struct reader {
  const cJSON *root;
  int index; /* of the problem in its file */
  int nodes;
  int edges;
  int32_t (*edge)[2];
  ag_resolve_instance *instance;
  ag_error *err;
};

/* --- errors ----------------------------------------------------------------------------------- */

/* `node` may be -1: the error is about the problem. */
static ag_status fail_at(const struct reader *r, int node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static ag_status fail_at(const struct reader *r, int node, const char *format, ...) {
  char reason[200], label[64];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  snprintf(label, sizeof label, node < 0 ? "problem %d" : "problem %d, node %d", r->index, node);
  ag_fail(r->err, AG_FORMAT, "%s", reason);
  return ag_error_at_node(r->err, AG_FORMAT, label);
}

/* An error of another module, about a node of this problem. */
static ag_status in_problem(const struct reader *r, ag_status code) {
  if (!r->err) return code;
  char label[sizeof r->err->node];
  snprintf(label, sizeof label, "problem %d, %.90s", r->index, r->err->node);
  memcpy(r->err->node, label, sizeof label);
  return code;
}

/* --- nodes ------------------------------------------------------------------------------------ */

/* The least stride that takes `in` to `out` in dimension `dim`, 0 if none does. */
static int32_t stride_between(const ag_node *n, int dim, int32_t in, int32_t out) {
  int64_t window = ((int64_t)n->kernel[dim] - 1) * n->dilation[dim] + 1;
  int64_t reach = in + (int64_t)n->pads[dim] + n->pads[dim + 2] - window;
  if (n->padding == AG_PAD_SAME || n->padding == AG_PAD_SAME_LOWER) reach = in - (int64_t)1;
  int64_t stride = reach / out + 1; /* floor(reach / stride) + 1 = out */
  if (reach < 0 || stride > INT32_MAX) return 0;
  ag_node probe = *n;
  probe.stride[dim] = (int32_t)stride;
  return ag_strided_size(&probe, dim, in) == out ? probe.stride[dim] : 0;
}

/* Both strides equal where one serves both dimensions. */
static bool set_strides(ag_node *n, ag_shape in, ag_shape out) {
  int32_t h = stride_between(n, 0, in.h, out.h), w = stride_between(n, 1, in.w, out.w);
  if (!h || !w) return false;
  n->stride[0] = n->stride[1] = h > w ? h : w;
  if (ag_strided_size(n, 0, in.h) == out.h && ag_strided_size(n, 1, in.w) == out.w) return true;
  n->stride[0] = h;
  n->stride[1] = w;
  return true;
}

/* What a window op leaves unsaid: published problems have no kernels, strides and padding. */
static bool complete_window(const cJSON *json, ag_node *n, ag_shape in, ag_shape out) {
  if (!ag_json_field(json, "kernel")) n->kernel[0] = n->kernel[1] = 3;
  if (ag_json_field(json, "strides")) return true;
  if (set_strides(n, in, out)) return true;
  if (ag_json_field(json, "padding")) return false;
  n->padding = AG_PAD_VALID;
  return set_strides(n, in, out);
}

static ag_status read_node(const struct reader *r, const cJSON *json, int i) {
  if (!cJSON_IsObject(json)) return fail_at(r, i, "a node must be an object");
  const char *name = cJSON_GetStringValue(ag_json_field(json, "op"));
  int op = name ? ag_op_find(name) : -1;
  if (op < 0) return fail_at(r, i, "%s", name ? "its op is unknown" : "\"op\" is missing");
  ag_node *n = &r->instance->segment->nodes[i];
  *n = ag_node_make((ag_op)op);
  ag_shape in, out;
  const char *reason = ag_json_attributes(json, n, &in, &out);
  if (reason) return fail_at(r, i, "%s", reason);
  if (ag_op_get(n->op)->rule == AG_RULE_STRIDED && !complete_window(json, n, in, out))
    return fail_at(r, i, "no stride takes \"in\" to \"out\"; say more of its window");
  n->in = in;
  n->out = out;
  return AG_OK;
}

/* --- edges ------------------------------------------------------------------------------------ */

static bool read_index(const cJSON *item, int count, int32_t *index) {
  int64_t value;
  if (!ag_json_whole(item, 0, count - 1, &value)) return false;
  *index = (int32_t)value;
  return true;
}

static ag_status read_edges(struct reader *r) {
  const cJSON *edges = ag_json_field(r->root, "edges"), *item;
  if (!cJSON_IsArray(edges)) return fail_at(r, -1, "\"edges\" must be an array");
  r->edge = ag_alloc((size_t)cJSON_GetArraySize(edges), sizeof *r->edge);
  cJSON_ArrayForEach(item, edges) {
    const cJSON *from = cJSON_IsArray(item) ? item->child : NULL, *to = from ? from->next : NULL;
    int32_t *edge = r->edge[r->edges];
    if (!to || to->next || !read_index(from, r->nodes, &edge[0]) ||
        !read_index(to, r->nodes, &edge[1]))
      return fail_at(r, -1, "edge %d is not a pair of nodes of the problem", r->edges);
    if (edge[0] >= edge[1])
      return fail_at(r, edge[1], "an edge comes from a node that is not before it (a cycle?)");
    r->edges++;
  }
  return AG_OK;
}

/* Ports that node i needs beside the `given` edges, of which it has at least one in all. */
static int ports_needed(const ag_node *n, int given, int64_t channels) {
  int least = ag_op_get(n->op)->min_operands;
  int missing = given < least ? least - given : 0;
  return n->op == AG_OP_CONCAT && !missing && channels < n->out.c ? 1 : missing;
}

/* A port for what the edges leave open; for a concat, the last one has the channels that are
 * missing. */
static void add_ports(ag_segment *s, int i, int *slot) {
  const ag_node *n = &s->nodes[i];
  int64_t channels = 0;
  for (int k = s->operand_start[i]; k < *slot; k++) channels += s->nodes[s->operands[k]].out.c;
  for (int left = ports_needed(n, *slot - s->operand_start[i], channels); left > 0; left--) {
    ag_shape shape = n->in;
    if (n->op == AG_OP_CONCAT && left == 1)
      shape.c = n->out.c > channels ? (int32_t)(n->out.c - channels) : 1;
    channels += shape.c;
    s->input_shapes[s->inputs] = shape;
    s->operands[(*slot)++] = ~s->inputs++;
  }
}

/* Edges into operand lists: in the order of the file, per consumer. */
static void link_operands(const struct reader *r) {
  ag_segment *s = r->instance->segment;
  int32_t *start = AG_ARRAY(int32_t, r->nodes + 1), *sorted = AG_ARRAY(int32_t, r->edges);
  for (int e = 0; e < r->edges; e++) start[r->edge[e][1] + 1]++;
  for (int i = 0; i < r->nodes; i++) start[i + 1] += start[i];
  for (int e = 0; e < r->edges; e++) sorted[start[r->edge[e][1]]++] = r->edge[e][0];
  int slot = 0, e = 0;
  for (int i = 0; i < r->nodes; i++) { /* start[i] is now where i ends */
    s->operand_start[i] = slot;
    while (e < start[i]) s->operands[slot++] = sorted[e++];
    add_ports(s, i, &slot);
  }
  s->operand_start[r->nodes] = slot;
  free(start);
  free(sorted);
}

/* --- targets ---------------------------------------------------------------------------------- */

/* The node that a key names: its number as it is usually written, or -1. */
static int node_of_key(const struct reader *r, const char *key) {
  char text[16];
  long value = strtol(key, NULL, 10);
  snprintf(text, sizeof text, "%ld", value >= 0 && value < r->nodes ? value : -1);
  return strcmp(text, key) == 0 ? (int)value : -1;
}

static ag_status read_target(const struct reader *r, const cJSON *item, ag_shape *wanted) {
  int node = node_of_key(r, item->string);
  if (node < 0)
    return fail_at(r, -1, "there is a target for node \"%.20s\", but no such node", item->string);
  if (wanted[node].h) return fail_at(r, node, "it has two targets");
  if (!ag_json_shape(item, &wanted[node]))
    return fail_at(r, node, "its target must be [H, W, C] of positive whole numbers below 2^31");
  return AG_OK;
}

static ag_status read_targets(const struct reader *r) {
  const cJSON *targets = ag_json_field(r->root, "targets"), *item;
  if (!cJSON_IsObject(targets)) return fail_at(r, -1, "\"targets\" must be an object");
  ag_shape *wanted = AG_ARRAY(ag_shape, r->nodes);
  ag_segment *s = r->instance->segment;
  ag_status status = AG_OK;
  cJSON_ArrayForEach(item, targets) {
    status = read_target(r, item, wanted);
    if (status) break;
  }
  for (int i = 0; i < r->nodes && !status; i++) {
    if (!wanted[i].h) continue;
    s->output_nodes[s->outputs] = i;
    r->instance->outputs[s->outputs++] = wanted[i];
  }
  free(wanted);
  return status;
}

static ag_status read_answer(const struct reader *r) {
  const cJSON *feasible = ag_json_field(r->root, "feasible");
  const cJSON *objective = ag_json_field(r->root, "objective");
  ag_resolve_instance *instance = r->instance;
  if (!feasible) return AG_OK;
  instance->answered = true;
  instance->feasible = cJSON_IsTrue(feasible);
  if (cJSON_IsNumber(objective)) instance->objective = objective->valuedouble;
  if (!cJSON_IsBool(feasible) || (instance->feasible && !cJSON_IsNumber(objective)))
    return fail_at(r, -1, "\"feasible\" must be true, with an \"objective\", or false");
  return AG_OK;
}

/* --- proof ------------------------------------------------------------------------------------ */

static ag_status check_shapes(const struct reader *r, int i, ag_shape *operands) {
  ag_segment *s = r->instance->segment;
  ag_node *n = &s->nodes[i];
  int count = ag_segment_arity(s, i);
  for (int k = 0; k < count; k++) {
    int32_t o = s->operands[s->operand_start[i] + k];
    operands[k] = o < 0 ? s->input_shapes[~o] : s->nodes[o].out;
  }
  ag_shape in = n->in, out = n->out;
  ag_error why;
  if (ag_node_infer(n, operands, count, &why)) return fail_at(r, i, "%s", why.message);
  if (ag_shape_equal(in, n->in) && ag_shape_equal(out, n->out)) return AG_OK;
  return fail_at(r, i, "the file says %dx%dx%d -> %dx%dx%d, its operands give %dx%dx%d -> %dx%dx%d",
                 in.h, in.w, in.c, out.h, out.w, out.c, n->in.h, n->in.w, n->in.c, n->out.h,
                 n->out.w, n->out.c);
}

/* Structure first: rules that have no place in a segment need not infer. */
static ag_status check_problem(const struct reader *r) {
  ag_segment *s = r->instance->segment;
  ag_resolve_problem p = ag_resolve_instance_problem(r->instance, AG_RESOLVE_OURS);
  ag_status status = ag_resolve_validate(&p, r->err);
  if (status) return in_problem(r, status);
  ag_shape *operands = AG_ARRAY(ag_shape, s->operand_start[s->size]);
  for (int i = 0; i < s->size && !status; i++) status = check_shapes(r, i, operands);
  free(operands);
  return status;
}

/* --- problems --------------------------------------------------------------------------------- */

static ag_status read_nodes(struct reader *r) {
  const cJSON *nodes = ag_json_field(r->root, "nodes"), *item;
  int index = 0;
  ag_status status = AG_OK;
  cJSON_ArrayForEach(item, nodes) {
    status = read_node(r, item, index++);
    if (status) break;
  }
  return status;
}

static ag_status begin_problem(struct reader *r) {
  if (!cJSON_IsObject(r->root)) return fail_at(r, -1, "a problem must be an object");
  const cJSON *nodes = ag_json_field(r->root, "nodes");
  if (!cJSON_IsArray(nodes)) return fail_at(r, -1, "\"nodes\" must be an array");
  r->nodes = cJSON_GetArraySize(nodes);
  if (r->nodes < 1) return fail_at(r, -1, "it has no nodes");
  if (r->nodes > AG_RESOLVE_MAX_NODES)
    return ag_fail(r->err, AG_LIMIT, "problem %d has %d nodes, more than %d", r->index, r->nodes,
                   AG_RESOLVE_MAX_NODES);
  return read_edges(r);
}

/* Room for two ports per node: no op needs more operands than that. */
static ag_status read_problem(struct reader *r) {
  ag_status status = begin_problem(r);
  if (status) return status;
  int ports = 2 * r->nodes;
  ag_segment *s = ag_segment_new(r->nodes, r->edges + ports, ports, r->nodes);
  s->inputs = s->outputs = 0;
  r->instance->segment = s;
  r->instance->outputs = AG_ARRAY(ag_shape, r->nodes);
  status = read_nodes(r);
  if (!status) link_operands(r);
  if (!status) status = read_targets(r);
  if (!status) status = read_answer(r);
  return status ? status : check_problem(r);
}

static ag_status read_item(const cJSON *item, ag_resolve_instances *list, ag_error *err) {
  struct reader r = {.root = item, .index = list->size, .err = err};
  r.instance = &list->instance[list->size++];
  ag_status status = read_problem(&r);
  free(r.edge);
  return status;
}

ag_status ag_resolve_parse(const char *text, size_t length, ag_resolve_instances **list,
                           ag_error *err) {
  cJSON *root;
  ag_status status = ag_json_parse(text, length, &root, err);
  if (status) return status;
  bool many = cJSON_IsArray(root);
  ag_resolve_instances *read = AG_NEW(ag_resolve_instances);
  read->instance = AG_ARRAY(ag_resolve_instance, many ? cJSON_GetArraySize(root) : 1);
  for (const cJSON *item = many ? root->child : root; item && !status; item = item->next)
    status = read_item(item, read, err);
  cJSON_Delete(root);
  if (status)
    ag_resolve_instances_free(read);
  else
    *list = read;
  return status;
}

ag_status ag_resolve_load(const char *path, ag_resolve_instances **list, ag_error *err) {
  char *text;
  size_t size;
  ag_status status = ag_file_read(path, AG_JSON_MAX_FILE, &text, &size, err);
  if (status) return status;
  status = ag_resolve_parse(text, size, list, err);
  free(text);
  return status ? ag_error_in_file(err, status, path) : AG_OK;
}

void ag_resolve_instances_free(ag_resolve_instances *list) {
  if (!list) return;
  for (int i = 0; i < list->size; i++) {
    ag_segment_free(list->instance[i].segment);
    free(list->instance[i].outputs);
  }
  free(list->instance);
  free(list);
}
