/* Weights kept and drawn (weights.h). */
#include "engine/formats/weights.h"

#include <math.h>
#include <string.h>

#include "engine/base/random.h"

static const ag_record *record_of(const ag_graph *graph, int node) {
  return ag_store_get(graph->store, graph->nodes[node].record);
}

static bool set_shape(ag_tensor *t, int rank, int64_t a, int64_t b, int64_t c, int64_t d) {
  *t = (ag_tensor){.dtype = AG_F32, .rank = rank, .dims = {a, b, c, d}, .bytes = sizeof(float)};
  for (int i = 0; i < rank; i++) t->bytes *= (size_t)t->dims[i];
  return true;
}

static bool kernel_shape(const ag_graph *graph, int node, ag_tensor *t) {
  const ag_node *n = &graph->nodes[node];
  const ag_record *record = record_of(graph, node);
  bool transposed = record && record->has[AG_ROLE_KERNEL] && record->transposed;
  switch (n->op) {
  case AG_OP_CONV:
    return set_shape(t, 4, n->out.c, n->in.c / n->groups, n->kernel[0], n->kernel[1]);
  case AG_OP_DEPTHWISE:
    return set_shape(t, 4, n->out.c, 1, n->kernel[0], n->kernel[1]);
  case AG_OP_TRANSPOSED_CONV:
    return set_shape(t, 4, n->in.c, n->out.c / n->groups, n->kernel[0], n->kernel[1]);
  case AG_OP_MATMUL:
    return transposed ? set_shape(t, 2, n->in.c, n->out.c, 1, 1)
                      : set_shape(t, 2, n->out.c, n->in.c, 1, 1);
  default:
    return false;
  }
}

bool ag_weight_shape(const ag_graph *graph, int node, int role, ag_tensor *shape) {
  const ag_node *n = &graph->nodes[node];
  if (role == AG_ROLE_KERNEL) return kernel_shape(graph, node, shape);
  if (role == AG_ROLE_BIAS)
    return ag_op_weighted(n->op) && n->bias && set_shape(shape, 1, n->out.c, 1, 1, 1);
  bool has = n->op == AG_OP_BATCHNORM || (n->op == AG_OP_PRELU && role == AG_ROLE_SCALE);
  return has && set_shape(shape, 1, n->in.c, 1, 1, 1);
}

const ag_tensor *ag_weight_kept(const ag_graph *graph, int node, int role, const ag_tensor *shape,
                                bool values) {
  const ag_record *record = record_of(graph, node);
  if (!record || !record->has[role]) return NULL;
  const ag_tensor *t = &record->tensor[role];
  bool fits = t->dtype == AG_F32 && t->rank == shape->rank &&
              memcmp(t->dims, shape->dims, (size_t)shape->rank * sizeof *t->dims) == 0;
  return fits && (t->data || !values) ? t : NULL;
}

int64_t ag_weights_kept(const ag_graph *graph) {
  static const int trainable[] = {AG_ROLE_KERNEL, AG_ROLE_BIAS, AG_ROLE_SCALE, AG_ROLE_SHIFT};
  int64_t kept = 0;
  for (int i = 0; i < graph->size; i++)
    for (int k = 0; k < 4; k++) {
      ag_tensor shape;
      if (ag_weight_shape(graph, i, trainable[k], &shape) &&
          ag_weight_kept(graph, i, trainable[k], &shape, true))
        kept += (int64_t)(shape.bytes / sizeof(float));
    }
  return kept;
}

/* --- drawing ---------------------------------------------------------------------- */

static int64_t count_of(const ag_tensor *t) {
  int64_t count = 1;
  for (int i = 0; i < t->rank; i++) count *= t->dims[i];
  return count;
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
    return t->rank > 1 ? fmax(1, (double)count_of(t) / (double)t->dims[0]) : 1;
  }
}

static void fill(float *out, int64_t count, float value) {
  for (int64_t i = 0; i < count; i++) out[i] = value;
}

void ag_weight_draw(const ag_graph *graph, int node, int role, const ag_tensor *shape,
                    uint64_t seed, float *out) {
  const ag_node *n = &graph->nodes[node];
  int64_t count = count_of(shape);
  if (n->op == AG_OP_PRELU) {
    fill(out, count, 0.25f);
  } else if (role == AG_ROLE_SCALE || role == AG_ROLE_VARIANCE) {
    fill(out, count, 1);
  } else if (role == AG_ROLE_KERNEL || role >= AG_ROLE_COUNT) {
    ag_random random = ag_random_stream(seed, (uint64_t)node, (uint64_t)role, 0, 0);
    double bound = sqrt(6 / fan_in(n, shape));
    for (int64_t i = 0; i < count; i++) out[i] = (float)((2 * ag_random_unit(&random) - 1) * bound);
  } else {
    fill(out, count, 0);
  }
}
