/* The canonical order of a graph's nodes, without building the graph (canonical.c). */
#ifndef AG_GRAPH_CANONICAL_H
#define AG_GRAPH_CANONICAL_H

#include "autogo/graph.h"

/* order[new] = old. */
void ag_canonical_order(const ag_graph *graph, int32_t *order);

#endif
