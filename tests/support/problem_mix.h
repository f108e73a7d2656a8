/* The resolution problems that a search meets: segments of the database in the places it would cut
 * out of a network, with ports assigned at random. */
#ifndef AG_TESTS_PROBLEM_MIX_H
#define AG_TESTS_PROBLEM_MIX_H

#include "autogo/search.h"

typedef struct problem_mix {
  ag_resolve_problem *problem; /* formulation OURS; segments are the database's */
  int count, capacity;
} problem_mix; /* {0} is empty */

/* Search options with the bundled assets; ends the program with a message where they are not there.
 */
ag_space_options problem_mix_assets(void);
void problem_mix_free_assets(ag_space_options *options);

/* Permit the ops of a network and those that a search always may use, as evolve does. */
void problem_mix_permit(ag_space_options *options, const ag_graph *graph);

/* Add what `generations` mutations of the network (canonical order) look at. */
void problem_mix_add(problem_mix *mix, const ag_space *space, const ag_graph *graph,
                     int generations);

/* Keep `count` of the problems, evenly spaced. */
void problem_mix_thin(problem_mix *mix, int count);
void problem_mix_free(problem_mix *mix);

#endif
