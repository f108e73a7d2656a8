/* Deterministic random streams. A stream is a pure function of its key, so that results do
 * not depend on who draws first: ag_random_stream(seed, iteration, parent, source, candidate).
 * Generator: splitmix64 over a counter started at the mixed key (Steele, Lea, Flood 2014). */
#ifndef AG_BASE_RANDOM_H
#define AG_BASE_RANDOM_H

#include <stdint.h>

typedef struct ag_random {
  uint64_t state;
} ag_random;

ag_random ag_random_stream(uint64_t seed, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
uint64_t ag_random_next(ag_random *random);
uint64_t ag_random_below(ag_random *random, uint64_t bound); /* unbiased, bound > 0 */
double ag_random_unit(ag_random *random);                    /* [0, 1), 53 bits */
double ag_random_normal(ag_random *random);                  /* mean 0, deviation 1 */
void ag_random_shuffle(ag_random *random, int32_t *items, int count);

#endif
