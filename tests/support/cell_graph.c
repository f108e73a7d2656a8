#include "tests/support/cell_graph.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/random.h"

static int unary(ag_builder *b, ag_op op, int x) {
  return ag_builder_add(b, ag_node_make(op), &x, 1, NULL);
}

static int window(ag_builder *b, ag_op op, int kernel, int stride, int channels, int x) {
  ag_node node = ag_node_make(op);
  node.kernel[0] = node.kernel[1] = kernel;
  node.stride[0] = node.stride[1] = stride;
  if (op == AG_OP_CONV) node.out.c = channels;
  return ag_builder_add(b, node, &x, 1, NULL);
}

static int add(ag_builder *b, int x, int y) {
  if (x == y) return x;
  int operands[2] = {x, y};
  return ag_builder_add(b, ag_node_make(AG_OP_ADD), operands, 2, NULL);
}

static int edge(ag_builder *b, int kind, int channels, int x) {
  if (kind == 0) return x;
  if (kind == 1) return unary(b, AG_OP_BATCHNORM, window(b, AG_OP_AVGPOOL, 3, 1, 0, x));
  x = unary(b, AG_OP_RELU, x);
  return unary(b, AG_OP_BATCHNORM, window(b, AG_OP_CONV, kind == 2 ? 1 : 3, 1, channels, x));
}

static int cell(ag_builder *b, const int kinds[6], int channels, int x) {
  int first = edge(b, kinds[0], channels, x), second = edge(b, kinds[1], channels, x);
  int third = edge(b, kinds[2], channels, first), fourth = edge(b, kinds[3], channels, x);
  int fifth = edge(b, kinds[4], channels, first);
  int middle = add(b, second, third);
  return add(b, add(b, edge(b, kinds[5], channels, middle), fifth), fourth);
}

static int reduction(ag_builder *b, int channels, int x) {
  int main = window(b, AG_OP_CONV, 3, 1, channels / 2, x);
  main = window(b, AG_OP_CONV, 3, 2, channels, unary(b, AG_OP_RELU, main));
  int shortcut = window(b, AG_OP_CONV, 1, 1, channels, window(b, AG_OP_AVGPOOL, 3, 2, 0, x));
  return unary(b, AG_OP_RELU, add(b, main, shortcut));
}

const ag_graph *cell_graph(uint64_t seed, int cells, const char *family) {
  ag_random random = ag_random_stream(seed, 0, 0, 0, 0);
  int kinds[6], channels = 8 << ag_random_below(&random, 2);
  for (int i = 0; i < 6; i++) kinds[i] = (int)ag_random_below(&random, 4);
  ag_builder *b = ag_builder_new("cells");
  ag_builder_set_family(b, family);
  ag_node input = ag_node_make(AG_OP_INPUT);
  input.out = (ag_shape){32, 32, 3};
  int x = ag_builder_add(b, input, NULL, 0, NULL);
  x = unary(b, AG_OP_BATCHNORM, window(b, AG_OP_CONV, 3, 1, channels, x));
  for (int stage = 0; stage < 3; stage++) {
    if (stage > 0) x = reduction(b, channels *= 2, x);
    for (int i = 0; i < cells; i++) x = cell(b, kinds, channels, x);
  }
  ag_node dense = ag_node_make(AG_OP_MATMUL);
  dense.out.c = 10;
  x = unary(b, AG_OP_MEAN, x);
  x = ag_builder_add(b, dense, &x, 1, NULL);
  unary(b, AG_OP_OUTPUT, x);
  const ag_graph *graph;
  ag_error err;
  if (ag_builder_finish(b, &graph, &err)) {
    fprintf(stderr, "cell_graph: %s\n", err.message);
    abort();
  }
  return graph;
}
