/* The nodes of a GraphDef as numbers: names, data operands (control inputs are dropped), a
 * topological order, and what the outputs need. A start node has no operands: its result is the
 * input. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/order.h"
#include "engine/formats/graphdef.h"
#include "engine/formats/wire.h"

static ag_status fail_at(ag_tf_import *im, int node, ag_status code, const char *message) {
  char place[256];
  ag_fail(im->err, code, "%s", message);
  snprintf(place, sizeof place, "%s (%s)", ag_wire_text(im->graph->node[node]->name),
           ag_wire_text(im->graph->node[node]->op));
  return ag_error_at_node(im->err, code, place);
}

static int find(const ag_tf_import *im, const char *name, size_t length) {
  const int64_t *slot = ag_map_get(&im->names, ag_hash_bytes(name, length));
  return slot ? (int)*slot : -1;
}

static ag_status index_names(ag_tf_import *im) {
  for (int i = 0; i < im->nodes; i++) {
    const char *name = ag_wire_text(im->graph->node[i]->name);
    bool fresh;
    ag_map_put(&im->names, ag_hash_bytes(name, strlen(name)), i, &fresh);
    if (!fresh) return fail_at(im, i, AG_FORMAT, "two nodes have this name");
  }
  return AG_OK;
}

/* "name", "name:port"; "^name" is a control input. */
static ag_status resolve(ag_tf_import *im, int node, const char *input, int32_t *producer,
                         int32_t *port) {
  const char *colon = strrchr(input, ':');
  size_t length = colon ? (size_t)(colon - input) : strlen(input);
  *port = colon ? atoi(colon + 1) : 0;
  *producer = find(im, input, length);
  if (*producer < 0 || *port < 0) {
    char message[256];
    snprintf(message, sizeof message, "reads '%.180s', which nothing defines", input);
    return fail_at(im, node, AG_FORMAT, message);
  }
  return AG_OK;
}

static ag_status index_inputs(ag_tf_import *im) {
  int total = 0;
  im->input_start = ag_arena_alloc(&im->arena, (size_t)(im->nodes + 1) * sizeof(int32_t));
  for (int i = 0; i < im->nodes; i++) {
    const ag_tf_node *n = im->graph->node[i];
    if (n->n_input > (size_t)(INT_MAX - total)) return ag_fail(im->err, AG_LIMIT, "too many edges");
    for (size_t k = 0; k < n->n_input && i != im->start; k++) total += n->input[k][0] != '^';
    im->input_start[i + 1] = total;
  }
  im->inputs = ag_arena_alloc(&im->arena, (size_t)total * sizeof(int32_t));
  im->ports = ag_arena_alloc(&im->arena, (size_t)total * sizeof(int32_t));
  for (int i = 0, at = 0; i < im->nodes; i++) {
    const ag_tf_node *n = im->graph->node[i];
    for (size_t k = 0; k < n->n_input && i != im->start; k++) {
      if (n->input[k][0] == '^') continue;
      ag_status status = resolve(im, i, n->input[k], &im->inputs[at], &im->ports[at]);
      if (status) return status;
      at++;
    }
  }
  return AG_OK;
}

/* --- order ------------------------------------------------------------------------ */

static ag_status sort_nodes(ag_tf_import *im) {
  im->order = ag_arena_alloc(&im->arena, (size_t)im->nodes * sizeof *im->order);
  int cycle = ag_topological_order(im->nodes, im->input_start, im->inputs, im->order);
  if (cycle < 0) return AG_OK;
  return fail_at(im, cycle, AG_UNSUPPORTED, "the graph has a cycle (a loop?)");
}

/* --- what is needed --------------------------------------------------------------- */

bool ag_tf_is_front_end(const char *type) {
  static const char *const list[] = {"DecodeWav", "AudioSpectrogram", "Mfcc",     "DecodeJpeg",
                                     "DecodePng", "DecodeImage",      "ReadFile", "DecodeRaw",
                                     "DecodeBmp", "DecodeGif",        NULL};
  return ag_onnx_is_one_of(type, list);
}

/* Nodes that nobody reads and that are no results: constants, and what runs for its effects. */
static bool is_loose(const char *type) {
  static const char *const list[] = {"Const",  "NoOp",         "Assert", "Placeholder",
                                     "SaveV2", "MergeSummary", NULL};
  return ag_onnx_is_one_of(type, list);
}

/* What feeds the start node is read, too, and so no output. */
static void mark_outputs(ag_tf_import *im) {
  bool *read = ag_arena_alloc(&im->arena, (size_t)im->nodes);
  for (int k = 0; k < im->input_start[im->nodes]; k++) read[im->inputs[k]] = true;
  const ag_tf_node *start = im->start < 0 ? NULL : im->graph->node[im->start];
  for (size_t k = 0; start && k < start->n_input; k++) {
    int32_t producer, port;
    if (start->input[k][0] != '^' && !resolve(im, im->start, start->input[k], &producer, &port))
      read[producer] = true;
  }
  for (int i = 0; i < im->nodes; i++)
    im->live[i] =
        im->stop >= 0 ? i == im->stop : !read[i] && !is_loose(ag_wire_text(im->graph->node[i]->op));
}

static void mark_live(ag_tf_import *im) {
  im->live = ag_arena_alloc(&im->arena, (size_t)im->nodes);
  mark_outputs(im);
  for (int i = im->nodes - 1; i >= 0; i--) {
    int node = im->order[i];
    for (int k = im->input_start[node]; im->live[node] && k < im->input_start[node + 1]; k++)
      im->live[im->inputs[k]] = true;
  }
}

/* The constant that a node reads, directly or as a frozen variable: through one Identity. */
static const ag_tf_node *constant_operand(const ag_tf_import *im, int node, int slot) {
  for (int step = 0; step < 2; step++) {
    const ag_tf_node *n = im->graph->node[node];
    node = slot < (int)n->n_input ? find(im, n->input[slot], strlen(n->input[slot])) : -1;
    if (node < 0) return NULL;
    const char *type = ag_wire_text(im->graph->node[node]->op);
    if (strcmp(type, "Const") == 0) return im->graph->node[node];
    if (strcmp(type, "Identity") != 0) return NULL;
    slot = 0;
  }
  return NULL;
}

bool ag_tf_constant_list(ag_tf_import *im, int node, int slot, int64_t *out, int limit,
                         int *count) {
  const ag_tf_node *p = constant_operand(im, node, slot);
  const ag_tf_attribute *value = p ? ag_tf_attr(p, "value") : NULL;
  ag_tensor t;
  if (!value || !value->tensor || value->tensor->dtype == 1 ||
      !ag_tf_shape(value->tensor->tensor_shape, &t) || t.rank < 1 || t.rank > 2 ||
      !ag_onnx_bounded(&t) || ag_onnx_elements(&t) > limit)
    return false;
  if (ag_tf_read_tensor(im, value->tensor, &t) || !t.data) return false;
  *count = (int)ag_onnx_elements(&t);
  memcpy(out, t.data, t.bytes);
  return true;
}

/* An image made of what came before: a Reshape to four dimensions. */
static bool makes_image(ag_tf_import *im, int node) {
  int64_t dims[4];
  int count;
  if (strcmp(ag_wire_text(im->graph->node[node]->op), "Reshape") != 0 ||
      !ag_tf_constant_list(im, node, 1, dims, 4, &count) || count != 4)
    return false;
  return dims[1] > 0 && dims[2] > 0 && dims[3] > 0;
}

static ag_status refuse_front_end(ag_tf_import *im, int node) {
  char message[400];
  int last = node;
  for (int i = 0; i < im->nodes; i++) {
    int other = im->order[i];
    if (!im->live[other]) continue;
    if (ag_tf_is_front_end(ag_wire_text(im->graph->node[other]->op))) last = other;
    if (!makes_image(im, other)) continue;
    snprintf(message, sizeof message,
             "decoding of data is no part of a network; begin behind it with --start %.200s",
             ag_wire_text(im->graph->node[other]->name));
    return fail_at(im, node, AG_UNSUPPORTED, message);
  }
  snprintf(message, sizeof message,
           "decoding of data is no part of a network; begin behind it with --start %.200s "
           "--input HxWxC",
           ag_wire_text(im->graph->node[last]->name));
  return fail_at(im, node, AG_UNSUPPORTED, message);
}

static ag_status find_ends(ag_tf_import *im) {
  const char *name[2] = {im->options->start, im->options->stop};
  int found[2] = {-1, -1};
  for (int k = 0; k < 2; k++) {
    if (!name[k]) continue;
    found[k] = find(im, name[k], strlen(name[k]));
    if (found[k] < 0)
      return ag_fail(im->err, AG_INVALID, "no node is called '%s', which is to be the %s", name[k],
                     k ? "last" : "first");
  }
  im->start = found[0];
  im->stop = found[1];
  return AG_OK;
}

ag_status ag_tf_index(ag_tf_import *im) {
  if (im->graph->n_node > INT_MAX / 4) return ag_fail(im->err, AG_LIMIT, "too many nodes");
  im->nodes = (int)im->graph->n_node;
  ag_status status = index_names(im);
  if (!status) status = find_ends(im);
  if (!status) status = index_inputs(im);
  if (!status) status = sort_nodes(im);
  if (status) return status;
  mark_live(im);
  for (int i = 0; i < im->nodes; i++) {
    int node = im->order[i];
    if (im->live[node] && node != im->start &&
        ag_tf_is_front_end(ag_wire_text(im->graph->node[node]->op)))
      return refuse_front_end(im, node);
  }
  return AG_OK;
}
