/* Random resolution problems: segments of every op that may stand in one, and shapes around them
 * that match the mined ones, a wider or narrower place, or nothing in particular. */
#ifndef AG_TESTS_RANDOM_SEGMENT_H
#define AG_TESTS_RANDOM_SEGMENT_H

#include "autogo/resolve.h"

typedef struct random_problem {
  ag_segment *segment;
  ag_shape *inputs, *outputs;
} random_problem;

/* At most `max_nodes` (>= 2) nodes; a pure function of the seed. */
random_problem random_problem_make(uint64_t seed, int max_nodes);
void random_problem_free(random_problem *problem);

/* The problem of a set, in formulation OURS. */
ag_resolve_problem random_problem_view(const random_problem *problem);

#endif
