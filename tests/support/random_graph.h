/* Random valid CNN graphs and renumberings of a graph, from a seed, for property tests. */
#ifndef AG_TESTS_RANDOM_GRAPH_H
#define AG_TESTS_RANDOM_GRAPH_H

#include "autogo/graph.h"

/* A graph of at most `max_nodes` (>= 4) nodes: one input, one output, convolutions of several
 * kernels, strides, groups and paddings, depthwise convolutions, pools, batch norms,
 * activations, add, mul (also x + x and gates of 1x1xC), concat, equal branches. The caller
 * releases it. */
const ag_graph *random_graph(uint64_t seed, int max_nodes);

/* The same graph in another topological order, the operands of add and mul shuffled.
 * `order`, if not NULL, receives for each new position the old one. */
const ag_graph *renumbered_graph(const ag_graph *graph, uint64_t seed, int32_t *order);

/* The graph with the nodes in `order`; order[new] = old must be topological. */
const ag_graph *reordered_graph(const ag_graph *graph, const int32_t *order);

#endif
