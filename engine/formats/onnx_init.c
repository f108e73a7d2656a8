/* Weights of an exported model: those of the node's record bit by bit, the others initialised.
 *
 * Kernels are drawn from He's uniform distribution (He et al. 2015: variance 2 / fan in, so
 * +-sqrt(6 / fan in)); a stream per node position and role makes each tensor independent of the
 * others. Uniform rather than normal, because it needs no logarithm: the same bits everywhere. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/random.h"
#include "engine/formats/onnx_export.h"

static const char *const role_name[AG_ROLE_COUNT] = {"weight", "bias", "scale",
                                                     "shift",  "mean", "variance"};

static void fill_he(float *out, int64_t count, double fan_in, ag_random *random) {
  double bound = sqrt(6 / fan_in);
  for (int64_t i = 0; i < count; i++) out[i] = (float)((2 * ag_random_unit(random) - 1) * bound);
}

static void fill(float *out, int64_t count, float value) {
  for (int64_t i = 0; i < count; i++) out[i] = value;
}

/* Inputs that one output of the kernel sums over. */
static double fan_in(const ag_node *n, const ag_tensor *t) {
  double area = (double)n->kernel[0] * n->kernel[1];
  switch (n->op) {
  case AG_OP_CONV:
    return area * n->in.c / n->groups;
  case AG_OP_DEPTHWISE:
    return area;
  case AG_OP_TRANSPOSED_CONV:
    return fmax(1, area * n->in.c / n->groups / ((double)n->stride[0] * n->stride[1]));
  case AG_OP_MATMUL:
    return n->in.c;
  default:
    return t->rank > 1 ? fmax(1, (double)ag_onnx_elements(t) / (double)t->dims[0]) : 1;
  }
}

static void initialise(ag_onnx_export *x, int node, int role, ag_tensor *t) {
  int64_t count = ag_onnx_elements(t);
  t->bytes = (size_t)count * ag_onnx_element_size((int)t->dtype);
  t->data = ag_arena_alloc(&x->arena, t->bytes);
  if (t->dtype != AG_F32) return; /* a constant of an opaque node: zeros */
  float *out = (float *)(uintptr_t)t->data;
  const ag_node *n = &x->graph->nodes[node];
  ag_random random = ag_random_stream(x->options->seed, (uint64_t)node, (uint64_t)role, 0, 0);
  if (n->op == AG_OP_PRELU)
    fill(out, count, 0.25f);
  else if (role == AG_ROLE_SCALE || role == AG_ROLE_VARIANCE)
    fill(out, count, 1);
  else if (role == AG_ROLE_KERNEL || role >= AG_ROLE_COUNT)
    fill_he(out, count, fan_in(n, t), &random);
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

static bool fits(const ag_tensor *t, const int64_t *dims, int rank) {
  return t->dtype == AG_F32 && t->rank == rank &&
         memcmp(t->dims, dims, (size_t)rank * sizeof *dims) == 0;
}

char *ag_onnx_emit_weight(ag_onnx_export *x, int node, int role, const int64_t *dims, int rank) {
  const ag_record *record = ag_store_get(x->graph->store, x->graph->nodes[node].record);
  ag_tensor t = {.dtype = AG_F32, .rank = rank};
  memcpy(t.dims, dims, (size_t)rank * sizeof *dims);
  if (record && record->has[role] && fits(&record->tensor[role], dims, rank))
    t = record->tensor[role];
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
