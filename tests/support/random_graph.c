/* Graphs grow node by node from a pool of tensors, of which recent ones are drawn more often, so
 * that chains with branches come out. In the end the tensors nobody uses are averaged,
 * concatenated and classified. */
#include "tests/support/random_graph.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/base/random.h"

typedef struct maker {
  ag_builder *builder;
  ag_random random;
  int size, max_nodes;
  int32_t *uses; /* of each node */
} maker;

static int below(maker *m, int bound) {
  return (int)ag_random_below(&m->random, (uint64_t)bound);
}

static int add_node(maker *m, ag_node node, const int *operands, int count) {
  int id = ag_builder_add(m->builder, node, operands, count, NULL);
  if (id < 0) {
    const ag_graph *none;
    ag_error err;
    char text[1024];
    ag_builder_finish(m->builder, &none, &err);
    fprintf(stderr, "random_graph: %s\n", ag_error_text(&err, text, sizeof text));
    abort();
  }
  for (int i = 0; i < count; i++) m->uses[operands[i]]++;
  m->size = id + 1;
  return id;
}

static int add_unary(maker *m, ag_node node, int operand) {
  return add_node(m, node, &operand, 1);
}

/* A tensor of the pool, half of the time one of the last three. */
static int draw(maker *m) {
  if (m->size > 3 && below(m, 2)) return m->size - 1 - below(m, 3);
  return below(m, m->size);
}

static void draw_window(maker *m, ag_node *node, ag_shape in) {
  static const int32_t kernels[][2] = {{1, 1}, {3, 3}, {3, 3}, {5, 5}, {1, 3}, {3, 1}, {2, 2}};
  int k = below(m, 7);
  for (int d = 0; d < 2; d++) node->kernel[d] = kernels[k][d];
  if (in.h >= 4 && in.w >= 4 && below(m, 4) == 0) node->stride[0] = node->stride[1] = 2;
  if (below(m, 4) == 0 && in.h >= node->kernel[0] && in.w >= node->kernel[1])
    node->padding = AG_PAD_VALID;
}

static ag_node draw_conv(maker *m, ag_shape in) {
  ag_node node = ag_node_make(AG_OP_CONV);
  draw_window(m, &node, in);
  node.out.c = 8 * (1 + below(m, 4));
  node.bias = (uint8_t)below(m, 2);
  if (in.c % 2 == 0 && below(m, 5) == 0) node.groups = 2;
  return node;
}

static ag_node draw_unary(maker *m, ag_shape in) {
  static const ag_op pass[] = {AG_OP_BATCHNORM, AG_OP_BATCHNORM, AG_OP_RELU,    AG_OP_RELU,
                               AG_OP_RELU6,     AG_OP_SIGMOID,   AG_OP_IDENTITY};
  static const ag_op window[] = {AG_OP_DEPTHWISE, AG_OP_MAXPOOL, AG_OP_AVGPOOL};
  int kind = below(m, 10);
  if (kind < 5) return ag_node_make(pass[below(m, 7)]);
  if (kind < 8) return draw_conv(m, in);
  ag_node node = ag_node_make(window[below(m, 3)]);
  draw_window(m, &node, in);
  return node;
}

/* Add, mul or concat of tensors that fit; x with itself if no other does. */
static void add_join(maker *m) {
  static const ag_op joins[] = {AG_OP_ADD, AG_OP_ADD, AG_OP_MUL, AG_OP_CONCAT};
  ag_op op = joins[below(m, 4)];
  int first = draw(m), wanted = 2 + below(m, 2), count = 1, operands[3] = {first, first, first};
  ag_shape a = ag_builder_shape(m->builder, first);
  int start = below(m, m->size);
  for (int i = 0; i < m->size && count < wanted && below(m, 8); i++) {
    int other = (start + i) % m->size;
    ag_shape b = ag_builder_shape(m->builder, other);
    bool fits = a.h == b.h && a.w == b.w && (op == AG_OP_CONCAT || a.c == b.c);
    if (fits && other != first) operands[count++] = other;
  }
  if (count == 1) count = 2;
  if (op == AG_OP_CONCAT && a.c > 64) op = AG_OP_ADD, count = 2, operands[1] = first;
  add_node(m, ag_node_make(op), operands, count);
}

/* Two equal branches of one tensor, joined. */
static void add_twins(maker *m) {
  int from = draw(m), ends[2];
  ag_node conv = draw_conv(m, ag_builder_shape(m->builder, from));
  for (int i = 0; i < 2; i++) {
    ends[i] = add_unary(m, conv, from);
    ends[i] = add_unary(m, ag_node_make(AG_OP_BATCHNORM), ends[i]);
  }
  add_node(m, ag_node_make(AG_OP_ADD), ends, 2);
}

/* Squeeze and excite: x times a gate of 1x1xC. */
static void add_gate(maker *m) {
  int from = draw(m);
  ag_node conv = ag_node_make(AG_OP_CONV);
  conv.kernel[0] = conv.kernel[1] = 1;
  conv.out.c = ag_builder_shape(m->builder, from).c;
  int gate = add_unary(m, ag_node_make(AG_OP_MEAN), from);
  gate = add_unary(m, conv, gate);
  gate = add_unary(m, ag_node_make(AG_OP_SIGMOID), gate);
  add_node(m, ag_node_make(AG_OP_MUL), (int[]){from, gate}, 2);
}

static int loose_ends(const maker *m) {
  int count = 0;
  for (int i = 0; i < m->size; i++) count += m->uses[i] == 0;
  return count;
}

static void grow(maker *m) {
  int room = m->max_nodes - m->size - loose_ends(m) - 4;
  int kind = below(m, 12);
  if (kind == 0 && room >= 5) {
    add_twins(m);
  } else if (kind == 1 && room >= 4) {
    add_gate(m);
  } else if (kind < 5 && room >= 1) {
    add_join(m);
  } else {
    int from = draw(m);
    add_unary(m, draw_unary(m, ag_builder_shape(m->builder, from)), from);
  }
}

static void close_ends(maker *m) {
  int *ends = AG_ARRAY(int, m->size), count = 0, grown = m->size;
  for (int i = 0; i < grown; i++)
    if (m->uses[i] == 0) ends[count++] = i;
  int last = ends[0];
  if (count > 1) {
    for (int i = 0; i < count; i++) ends[i] = add_unary(m, ag_node_make(AG_OP_MEAN), ends[i]);
    last = add_node(m, ag_node_make(AG_OP_CONCAT), ends, count);
  }
  add_unary(m, ag_node_make(AG_OP_OUTPUT), last);
  free(ends);
}

static const ag_graph *finish(ag_builder *builder) {
  const ag_graph *graph = NULL;
  ag_error err;
  char text[1024];
  if (ag_builder_finish(builder, &graph, &err)) {
    fprintf(stderr, "random_graph: %s\n", ag_error_text(&err, text, sizeof text));
    abort();
  }
  return graph;
}

const ag_graph *random_graph(uint64_t seed, int max_nodes) {
  maker m = {.builder = ag_builder_new("random"), .max_nodes = max_nodes};
  m.random = ag_random_stream(seed, 0x67726170, (uint64_t)max_nodes, 0, 0);
  m.uses = AG_ARRAY(int32_t, max_nodes + 16);
  ag_node input = ag_node_make(AG_OP_INPUT);
  input.out = (ag_shape){8 << below(&m, 3), 8 << below(&m, 3), 8 * (1 + below(&m, 2))};
  add_node(&m, input, NULL, 0);
  /* A new node takes its own place and, as a loose end, that of its mean. */
  while (m.size + loose_ends(&m) + 4 <= max_nodes) grow(&m);
  close_ends(&m);
  free(m.uses);
  return finish(m.builder);
}

/* The nodes of `graph` in `order`; operands of add and mul shuffled if `random` is given. */
static const ag_graph *rebuild(const ag_graph *graph, const int32_t *order, ag_random *random) {
  ag_builder *builder = ag_builder_new(graph->name);
  ag_builder_set_family(builder, graph->family);
  ag_builder_set_normalisers(builder, graph->normalisers);
  int *position = AG_ARRAY(int, graph->size);
  int *operands = AG_ARRAY(int, graph->operand_start[graph->size]);
  for (int i = 0; i < graph->size; i++) {
    int count = ag_graph_arity(graph, order[i]);
    for (int k = 0; k < count; k++) operands[k] = position[ag_graph_operands(graph, order[i])[k]];
    ag_node node = graph->nodes[order[i]];
    node.record = -1;
    if (random && (node.op == AG_OP_ADD || node.op == AG_OP_MUL))
      ag_random_shuffle(random, operands, count);
    position[order[i]] = ag_builder_add(builder, node, operands, count,
                                        graph->names ? graph->names[order[i]] : NULL);
  }
  free(position);
  free(operands);
  return finish(builder);
}

const ag_graph *reordered_graph(const ag_graph *graph, const int32_t *order) {
  return rebuild(graph, order, NULL);
}

/* Kahn's algorithm, drawing among the nodes that are ready. */
static void random_order(const ag_graph *graph, ag_random *random, int32_t *order) {
  int *waiting = AG_ARRAY(int, graph->size);
  int32_t *ready = AG_ARRAY(int32_t, graph->size);
  int count = 0;
  for (int i = 0; i < graph->size; i++) {
    waiting[i] = ag_graph_arity(graph, i);
    if (waiting[i] == 0) ready[count++] = i;
  }
  for (int done = 0; count > 0; done++) {
    int pick = (int)ag_random_below(random, (uint64_t)count);
    int32_t node = ready[pick];
    ready[pick] = ready[--count];
    order[done] = node;
    for (int32_t u = graph->user_start[node]; u < graph->user_start[node + 1]; u++)
      if (--waiting[graph->users[u]] == 0) ready[count++] = graph->users[u];
  }
  free(waiting);
  free(ready);
}

const ag_graph *renumbered_graph(const ag_graph *graph, uint64_t seed, int32_t *order) {
  ag_random random = ag_random_stream(seed, 0x72656e75, 0, 0, 0);
  int32_t *own = order ? order : AG_ARRAY(int32_t, graph->size);
  random_order(graph, &random, own);
  const ag_graph *result = rebuild(graph, own, &random);
  if (own != order) free(own);
  return result;
}
