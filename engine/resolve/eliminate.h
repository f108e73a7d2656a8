/* Taking variables and sums out of a network, and bringing their values back.
 *
 * A variable with at most two neighbours is eliminated: its best value becomes a function of
 * theirs, its cost a table between them. A sum whose terms depend on one common variable at most
 * is eliminated by dynamic programming over its partial sums. Both are exact, and together they
 * consume every network whose graph is series-parallel: chains, residual blocks, cells of
 * branches.
 *
 * Invariant: constant + costs of the remaining network = cost of the original one, for every
 * assignment of the remaining variables and the best one of the eliminated. The log of
 * eliminations, read backwards, gives that best assignment. */
#ifndef AG_RESOLVE_ELIMINATE_H
#define AG_RESOLVE_ELIMINATE_H

#include "engine/resolve/network.h"

typedef struct ag_elimination {
  const ag_network *root;    /* whose variables they are; copies number them alike */
  struct ag_eliminated *log; /* the last one first; in the networks' scratch */
  int64_t work;              /* cells of tables visited so far ... */
  int64_t limit;             /* ... and how many may be */
} ag_elimination;

/* Eliminate all that can be. AG_LIMIT past the limit on work, or on the length of a sum. */
ag_status ag_eliminate(ag_elimination *elimination, ag_network *net);

/* Log that x has its value number `value`. */
void ag_eliminate_fixed(ag_elimination *elimination, ag_network *net, int x, int32_t value);

/* The values of all variables in the log, into choice[variables]. */
void ag_eliminate_replay(const ag_elimination *elimination, int32_t *choice);

#endif
