/* The tensors and nodes of a file as numbers.
 *
 * Names are interned once (a map from the name's 128-bit hash); from then on nodes refer to
 * values by index, in compressed rows. Files should list nodes in topological order; where one
 * does not, they are put into one. A backward sweep then marks what contributes to an output and
 * counts uses. */
#include <limits.h>
#include <string.h>

#include "engine/base/order.h"
#include "engine/formats/onnx_internal.h"
#include "engine/formats/wire.h"

static int intern(ag_onnx_import *im, const char *name) {
  bool inserted;
  int64_t *slot =
      ag_map_put(&im->names, ag_hash_bytes(name, strlen(name)), im->value_count, &inserted);
  if (!inserted) return (int)*slot;
  AG_GROW(im->values, im->value_count, im->value_capacity);
  im->values[im->value_count] =
      (ag_onnx_value){.name = name, .producer = -1, .draft = -1, .sliced_from = -1};
  return im->value_count++;
}

int ag_onnx_find(const ag_onnx_import *im, const char *name) {
  const char *text = ag_wire_text(name);
  const int64_t *slot = ag_map_get(&im->names, ag_hash_bytes(text, strlen(text)));
  return slot ? (int)*slot : -1;
}

/* Initializers are constants; graph inputs that are initializers too (IR 3) stay constants. */
static ag_status index_ends(ag_onnx_import *im) {
  const ag_onnx_graph *g = im->graph;
  for (size_t i = 0; i < g->n_initializer; i++) {
    const char *name = ag_wire_text(g->initializer[i]->name);
    int index = intern(im, name);
    ag_onnx_value *v = &im->values[index];
    if (v->kind != AG_ONNX_NONE)
      return ag_fail(im->err, AG_FORMAT, "two initializers are named '%s'", name);
    ag_status status = ag_onnx_read_tensor(im, g->initializer[i], &v->tensor);
    if (status) return status;
    v->kind = AG_ONNX_CONSTANT;
  }
  for (size_t i = 0; i < g->n_input; i++) {
    int index = intern(im, ag_wire_text(g->input[i]->name));
    ag_onnx_value *v = &im->values[index];
    v->info = g->input[i];
    v->graph_input = v->kind == AG_ONNX_NONE;
  }
  return AG_OK;
}

static ag_status index_outputs(ag_onnx_import *im, int node) {
  const ag_onnx_node *n = im->graph->node[node];
  for (size_t k = 0; k < n->n_output; k++) {
    int32_t *slot = &im->outputs[im->output_start[node] + (int)k];
    *slot = -1;
    if (!n->output[k][0]) continue;
    *slot = intern(im, n->output[k]);
    ag_onnx_value *v = &im->values[*slot];
    if (v->producer >= 0 || v->kind != AG_ONNX_NONE || v->graph_input)
      return ag_fail(im->err, AG_FORMAT, "two nodes or inputs define '%s'", v->name);
    v->producer = node;
  }
  return AG_OK;
}

static void index_inputs(ag_onnx_import *im, int node) {
  const ag_onnx_node *n = im->graph->node[node];
  for (size_t k = 0; k < n->n_input; k++)
    im->inputs[im->input_start[node] + (int)k] = n->input[k][0] ? intern(im, n->input[k]) : -1;
}

static ag_status index_nodes(ag_onnx_import *im) {
  const ag_onnx_graph *g = im->graph;
  if (g->n_node > INT_MAX / 4) return ag_fail(im->err, AG_LIMIT, "too many nodes");
  im->nodes = (int)g->n_node;
  im->input_start = ag_arena_alloc(&im->arena, (g->n_node + 1) * sizeof(int32_t));
  im->output_start = ag_arena_alloc(&im->arena, (g->n_node + 1) * sizeof(int32_t));
  for (int i = 0; i < im->nodes; i++) {
    im->input_start[i + 1] = im->input_start[i] + (int)g->node[i]->n_input;
    im->output_start[i + 1] = im->output_start[i] + (int)g->node[i]->n_output;
  }
  im->inputs = ag_arena_alloc(&im->arena, (size_t)im->input_start[im->nodes] * sizeof(int32_t));
  im->outputs = ag_arena_alloc(&im->arena, (size_t)im->output_start[im->nodes] * sizeof(int32_t));
  for (int i = 0; i < im->nodes; i++) {
    ag_status status = index_outputs(im, i);
    if (status) return ag_error_at_node(im->err, status, ag_onnx_label(im, i));
  }
  for (int i = 0; i < im->nodes; i++) index_inputs(im, i);
  return AG_OK;
}

static void index_info(ag_onnx_import *im) {
  const ag_onnx_graph *g = im->graph;
  for (size_t i = 0; i < g->n_value_info; i++) {
    int v = ag_onnx_find(im, g->value_info[i]->name);
    if (v >= 0) im->values[v].info = g->value_info[i];
  }
  for (size_t i = 0; i < g->n_output; i++) {
    int v = ag_onnx_find(im, g->output[i]->name);
    if (v >= 0) im->values[v].info = g->output[i];
  }
}

/* --- order ------------------------------------------------------------------------ */

static ag_status sort_nodes(ag_onnx_import *im) {
  int edges = im->input_start[im->nodes];
  int32_t *producers = ag_arena_alloc(&im->arena, (size_t)edges * sizeof *producers);
  for (int k = 0; k < edges; k++)
    producers[k] = im->inputs[k] < 0 ? -1 : im->values[im->inputs[k]].producer;
  im->order = ag_arena_alloc(&im->arena, (size_t)im->nodes * sizeof *im->order);
  int cycle = ag_topological_order(im->nodes, im->input_start, producers, im->order);
  if (cycle < 0) return AG_OK;
  ag_status status = ag_fail(im->err, AG_FORMAT, "the graph has a cycle");
  return ag_error_at_node(im->err, status, ag_onnx_label(im, cycle));
}

/* --- use -------------------------------------------------------------------------- */

/* Operands that only a weight can fill in a network that is a CG. */
static bool is_weight_slot(const char *op, int slot) {
  static const char *const weighted[] = {"Conv",
                                         "ConvTranspose",
                                         "Gemm",
                                         "BatchNormalization",
                                         "InstanceNormalization",
                                         "LayerNormalization",
                                         "MatMul",
                                         "PRelu",
                                         NULL};
  return slot > 0 && ag_onnx_is_one_of(op, weighted);
}

/* A weight that several ops share reaches them through Identity: what its alias is used for,
 * it is used for. */
static void mark_uses(ag_onnx_import *im, int node) {
  const ag_onnx_node *n = im->graph->node[node];
  const char *op = ag_wire_text(n->op_type);
  bool alias = strcmp(op, "Identity") == 0 && im->output_start[node + 1] > im->output_start[node];
  int result = alias ? im->outputs[im->output_start[node]] : -1;
  for (int k = im->input_start[node]; k < im->input_start[node + 1]; k++) {
    if (im->inputs[k] < 0) continue;
    ag_onnx_value *v = &im->values[im->inputs[k]];
    v->uses++;
    if (alias ? result >= 0 && im->values[result].used_as_data
              : !is_weight_slot(op, k - im->input_start[node]))
      v->used_as_data = true;
  }
}

static ag_status mark_live(ag_onnx_import *im) {
  const ag_onnx_graph *g = im->graph;
  im->live = ag_arena_alloc(&im->arena, (size_t)im->nodes);
  for (size_t i = 0; i < g->n_output; i++) {
    if (!ag_wire_text(g->output[i]->name)[0])
      return ag_fail(im->err, AG_FORMAT, "an output has no name");
    int v = ag_onnx_find(im, g->output[i]->name);
    if (v < 0)
      return ag_fail(im->err, AG_FORMAT, "nothing produces the output '%s'", g->output[i]->name);
    im->values[v].uses++;
    im->values[v].used_as_data = true;
  }
  for (int i = im->nodes - 1; i >= 0; i--) {
    int node = im->order[i];
    for (int k = im->output_start[node]; k < im->output_start[node + 1]; k++)
      if (im->outputs[k] >= 0 && im->values[im->outputs[k]].uses) im->live[node] = true;
    if (im->live[node]) mark_uses(im, node);
  }
  return AG_OK;
}

ag_status ag_onnx_index(ag_onnx_import *im) {
  ag_status status = index_ends(im);
  if (!status) status = index_nodes(im);
  if (status) return status;
  index_info(im);
  im->fate = ag_arena_alloc(&im->arena, (size_t)im->nodes);
  im->reason = ag_arena_alloc(&im->arena, (size_t)im->nodes * sizeof *im->reason);
  status = sort_nodes(im);
  return status ? status : mark_live(im);
}
