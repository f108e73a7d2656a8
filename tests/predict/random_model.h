/* Random graphs and random weights for the predictor's tests. */
#ifndef TESTS_PREDICT_RANDOM_MODEL_H
#define TESTS_PREDICT_RANDOM_MODEL_H

#include "engine/base/alloc.h"
#include "engine/predict/model.h"
#include "tests/predict/support.h"

static inline int below(ag_random *random, int bound) {
  return (int)ag_random_below(random, (uint64_t)bound);
}

static inline ag_node random_plain(ag_random *random) {
  static const ag_op ops[] = {AG_OP_RELU,     AG_OP_BATCHNORM, AG_OP_SIGMOID,
                              AG_OP_IDENTITY, AG_OP_CONV,      AG_OP_CONV};
  ag_node node = ag_node_make(ops[below(random, 6)]);
  if (node.op != AG_OP_CONV) return node;
  node.kernel[0] = 1 + below(random, 9);
  node.kernel[1] = 1 + below(random, 3);
  node.bias = (uint8_t)below(random, 2);
  node.out.c = 16;
  return node;
}

/* A graph of about `size` nodes, all tensors 8 x 8 x 16, half of the nodes joins, some x + x. */
static inline const ag_graph *random_graph(ag_random *random, int size) {
  ag_builder *b = ag_builder_new("random");
  int *unused = AG_ARRAY(int, size + 1), loose = 0, nodes = 0;
  bool *used = AG_ARRAY(bool, size + 1);
  ag_node node = ag_node_make(AG_OP_INPUT);
  node.out = (ag_shape){8, 8, 16};
  for (; nodes < size; nodes++) {
    int operands[3], count = nodes == 0 ? 0 : 1, recent = nodes < 6 ? nodes : 6;
    for (int i = 0; i < 3 && nodes; i++) operands[i] = nodes - 1 - below(random, recent);
    if (nodes > 0) node = random_plain(random);
    if (nodes > 0 && below(random, 2)) {
      node = ag_node_make(below(random, 3) ? AG_OP_ADD : AG_OP_MUL);
      count = 2 + below(random, 2);
    }
    for (int i = 0; i < count; i++) used[operands[i]] = true;
    ag_builder_add(b, node, operands, count, NULL);
  }
  for (int i = 0; i < nodes; i++) {
    if (!used[i]) unused[loose++] = i;
  }
  if (loose > 1) unused[0] = ag_builder_add(b, ag_node_make(AG_OP_ADD), unused, loose, NULL);
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), unused, 1, NULL);
  free(unused);
  free(used);
  const ag_graph *graph;
  ag_error err;
  if (ag_builder_finish(b, &graph, &err)) fail_msg("%s: %s", err.node, err.message);
  return graph;
}

/* Parameters large enough that every part of the model matters. */
static inline float *random_params(ag_random *random, const ag_config *config) {
  ag_layout layout;
  ag_layout_make(config, &layout);
  float *params = AG_ARRAY(float, layout.size);
  for (int i = 0; i < layout.params; i++) {
    const ag_param *p = &layout.param[i];
    double scale = p->rank == 2 ? 1.5 / sqrt((double)p->dims[1]) : 0.3;
    for (int k = 0; k < p->size; k++) {
      params[p->offset + k] = (float)(scale * ag_random_normal(random));
    }
  }
  return params;
}

static inline ag_predictor *random_predictor(ag_random *random, const ag_config *config) {
  return ag_predictor_make(config, random_params(random, config), NULL, 0);
}

/* Variant 0 .. 16 of a configuration: model, layer kind with its features, rules of edges; 8 and 9
 * are GNNs with sum pooling; from 10 on additions are no nodes: PSC, GNN, GNN with sum pooling;
 * from 13 on messages go backward: PSC and GNN, the same without additions. */
enum { VARIANTS = 17, UNFLATTENED = 10 };
static inline ag_config variant_config(int variant) {
  bool backward = variant >= 13;
  if (backward) variant = variant < 15 ? variant - 13 : variant - 5;
  bool sum = variant == 8 || variant == 9 || variant == 12, flatten = variant >= 10;
  if (sum) variant = variant == 9 ? 7 : 1;
  if (flatten) variant = variant == 10 ? 0 : 1;
  bool plain = variant & 2;
  return (ag_config){.model = variant & 1 ? AG_MODEL_GNN : AG_MODEL_PSC,
                     .layers = 6,
                     .residual = !plain,
                     .log_features = !plain,
                     .distinct_edges = (variant & 4) != 0,
                     .bypass_joins = (variant & 4) != 0,
                     .flatten = flatten,
                     .backward = backward,
                     .sum_pooling = sum};
}

#endif
