/* Networks of repeated random cells, for tests of mining: small alphabets and many recurring
 * runs, as in the NAS benchmarks. */
#ifndef TESTS_CELL_GRAPH_H
#define TESTS_CELL_GRAPH_H

#include "autogo/graph.h"

/* A network of three stages with `cells` cells each, all of one random kind (families.md 5 with
 * the six edge ops drawn from conv 1x1, conv 3x3, average pool, and skip), widths and ops a pure
 * function of `seed`. Ends in mean, matmul, output. The caller releases it. */
const ag_graph *cell_graph(uint64_t seed, int cells, const char *family);

#endif
