/* Costs of one node from the ops table, and of a graph as their sum.
 * Products are bounded where a node's shapes are inferred (shape.c), so 64 bits do. */
#include <stdlib.h>

#include "autogo/segment.h"
#include "engine/base/alloc.h"

enum macs_kind {
  MACS_NONE,
  MACS_CONV,
  MACS_DEPTHWISE,
  MACS_MATMUL,
  MACS_NORM,
  MACS_OUTPUT,
  MACS_TRANSPOSED
};

static const uint8_t macs_kind[AG_OP_COUNT] = {
#define OP(id, name, feature, min, max, rule, mutable, macs) [AG_OP_##id] = MACS_##macs,
#include "autogo/ops.def"
#undef OP
};

static int64_t kernel_area(const ag_node *n) {
  return (int64_t)n->kernel[0] * n->kernel[1];
}
static int64_t plane(ag_shape s) {
  return (int64_t)s.h * s.w;
}

int64_t ag_node_macs(const ag_node *n) {
  switch (macs_kind[n->op]) {
  case MACS_CONV:
    return kernel_area(n) * (n->in.c / n->groups) * ag_shape_size(n->out);
  case MACS_DEPTHWISE:
    return kernel_area(n) * n->in.c * plane(n->out);
  case MACS_MATMUL:
    return ag_shape_size(n->in) * n->out.c;
  case MACS_TRANSPOSED:
    return kernel_area(n) * ag_shape_size(n->in) * (n->out.c / n->groups);
  default:
    return n->macs;
  }
}

/* The published counter's idea of a MAC: norms cost two per element, element-wise ops one. */
static int64_t published_macs(const ag_node *n) {
  switch (macs_kind[n->op]) {
  case MACS_CONV:
  case MACS_DEPTHWISE:
  case MACS_TRANSPOSED:
    return ag_node_macs(n) + (n->bias ? ag_shape_size(n->out) : 0);
  case MACS_MATMUL:
    return ag_node_macs(n) + (n->bias ? n->out.c : 0);
  case MACS_NORM:
    return 2 * ag_shape_size(n->in);
  case MACS_OUTPUT:
    return ag_shape_size(n->out);
  default:
    return n->macs;
  }
}

int64_t ag_node_flops(const ag_node *n, int predecessors) {
  return 2 * published_macs(n) * (predecessors > 1 ? predecessors : 1);
}

int64_t ag_node_params(const ag_node *n) {
  int64_t bias = n->bias ? n->out.c : 0;
  switch (n->op) {
  case AG_OP_CONV:
    return kernel_area(n) * (n->in.c / n->groups) * n->out.c + bias;
  case AG_OP_DEPTHWISE:
    return kernel_area(n) * n->in.c + bias;
  case AG_OP_TRANSPOSED_CONV:
    return kernel_area(n) * (n->out.c / n->groups) * n->in.c + bias;
  case AG_OP_MATMUL:
    return (int64_t)n->in.c * n->out.c + bias;
  case AG_OP_BATCHNORM:
    return 2 * (int64_t)n->in.c;
  case AG_OP_PRELU:
    return n->in.c;
  default:
    return 0;
  }
}

int64_t ag_node_bytes(const ag_node *n, int operands) {
  int64_t read = n->op == AG_OP_CONCAT ? ag_shape_size(n->out) : ag_shape_size(n->in) * operands;
  return 4 * (read + ag_node_params(n) + ag_shape_size(n->out));
}

static int compare_tensors(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

/* Few operands are compared with each other, many (a file may ask for a million) are sorted. */
static int count_distinct(const int32_t *operands, int count) {
  int distinct = 0;
  if (count <= 32) {
    for (int i = 0; i < count; i++) {
      bool seen = false;
      for (int k = 0; k < i && !seen; k++) seen = operands[k] == operands[i];
      distinct += !seen;
    }
    return distinct;
  }
  int32_t *sorted = ag_memdup(operands, (size_t)count, sizeof *operands);
  qsort(sorted, (size_t)count, sizeof *sorted, compare_tensors);
  for (int i = 0; i < count; i++) distinct += i == 0 || sorted[i] != sorted[i - 1];
  free(sorted);
  return distinct;
}

int ag_graph_predecessors(const ag_graph *g, int node) {
  return count_distinct(ag_graph_operands(g, node), ag_graph_arity(g, node));
}

int ag_segment_predecessors(const ag_segment *s, int node) {
  return count_distinct(s->operands + s->operand_start[node], ag_segment_arity(s, node));
}

int ag_graph_edges(const ag_graph *g) {
  int edges = 0;
  for (int i = 0; i < g->size; i++) edges += ag_graph_predecessors(g, i);
  return edges;
}

int64_t ag_graph_flops(const ag_graph *g) {
  int64_t sum = 0;
  for (int i = 0; i < g->size; i++) sum += ag_node_flops(&g->nodes[i], ag_graph_predecessors(g, i));
  return sum;
}

int64_t ag_graph_params(const ag_graph *g) {
  int64_t sum = 0;
  for (int i = 0; i < g->size; i++) sum += ag_node_params(&g->nodes[i]);
  return sum;
}

/* A tensor lives from its node to its last user. */
int64_t ag_graph_peak_memory(const ag_graph *g) {
  int32_t *last_use = AG_ARRAY(int32_t, g->size);
  int64_t *dying = AG_ARRAY(int64_t, g->size + 1);
  for (int i = 0; i < g->size; i++) {
    last_use[i] = i;
    for (int k = g->user_start[i]; k < g->user_start[i + 1]; k++)
      if (g->users[k] > last_use[i]) last_use[i] = g->users[k];
    dying[last_use[i]] += ag_shape_size(g->nodes[i].out);
  }
  int64_t live = 0, peak = 0;
  for (int i = 0; i < g->size; i++) {
    live += ag_shape_size(g->nodes[i].out);
    if (live > peak) peak = live;
    live -= dying[i];
  }
  free(last_use);
  free(dying);
  return 4 * peak;
}
