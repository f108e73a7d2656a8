/* Weights of an exported model: those of the node's record bit by bit, the others initialised
 * (weights.h). */
#include <stdio.h>
#include <string.h>

#include "engine/formats/onnx_export.h"
#include "engine/formats/weights.h"

static const char *const role_name[AG_ROLE_COUNT] = {"weight", "bias", "scale",
                                                     "shift",  "mean", "variance"};

static void initialise(ag_onnx_export *x, int node, int role, ag_tensor *t) {
  int64_t count = ag_onnx_elements(t);
  t->bytes = (size_t)count * ag_onnx_element_size((int)t->dtype);
  t->data = ag_arena_alloc(&x->arena, t->bytes);
  if (t->dtype != AG_F32) return; /* a constant of an opaque node: zeros */
  ag_weight_draw(x->graph, node, role, t, x->options->seed, (float *)(uintptr_t)t->data);
}

/* Values, or without `weights` a typed input of the graph. */
static char *emit(ag_onnx_export *x, int node, int role, const char *name, ag_tensor t) {
  if (!x->options->weights) {
    char *input = ag_onnx_unique(x, "%s", name);
    ag_onnx_emit_graph_input(x, input, (int)t.dtype, t.dims, t.rank);
    return input;
  }
  if (!t.data) initialise(x, node, role, &t);
  return ag_onnx_emit_tensor(x, name, &t);
}

char *ag_onnx_emit_weight(ag_onnx_export *x, int node, int role, const int64_t *dims, int rank) {
  ag_tensor t = {.dtype = AG_F32, .rank = rank};
  memcpy(t.dims, dims, (size_t)rank * sizeof *dims);
  const ag_tensor *kept = ag_weight_kept(x->graph, node, role, &t, false);
  if (kept) t = *kept;
  char label[256], name[300];
  ag_onnx_node_label(x, node, label, sizeof label);
  snprintf(name, sizeof name, "%s.%s", label, role_name[role]);
  return emit(x, node, role, name, t);
}

char *ag_onnx_emit_constant(ag_onnx_export *x, int node, int index) {
  const ag_record *record = ag_store_get(x->graph->store, x->graph->nodes[node].record);
  const ag_tensor *t = &record->constant[index];
  char label[256], name[300];
  ag_onnx_node_label(x, node, label, sizeof label);
  snprintf(name, sizeof name, "%s.constant%d", label, index);
  if (t->data) return ag_onnx_emit_tensor(x, name, t);
  return emit(x, node, AG_ROLE_COUNT + index, name, *t);
}
