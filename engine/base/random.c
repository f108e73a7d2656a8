/* Random streams: splitmix64, whose state is a counter, started at a hash of the key. */
#include "engine/base/random.h"

#include <math.h>

#include "engine/base/map.h"

ag_random ag_random_stream(uint64_t seed, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  ag_hash h = ag_hash_seed(seed);
  h = ag_hash_mix(ag_hash_mix(ag_hash_mix(ag_hash_mix(h, a), b), c), d);
  return (ag_random){h.hi ^ h.lo};
}

uint64_t ag_random_next(ag_random *random) {
  return ag_hash_scramble(random->state += UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t ag_random_below(ag_random *random, uint64_t bound) {
  uint64_t threshold = (0 - bound) % bound; /* 2^64 mod bound: the part that would bias */
  for (;;) {
    uint64_t x = ag_random_next(random);
    if (x >= threshold) return x % bound;
  }
}

double ag_random_unit(ag_random *random) {
  return (double)(ag_random_next(random) >> 11) * 0x1p-53;
}

/* Box and Muller; the second value is dropped to keep the stream stateless. */
double ag_random_normal(ag_random *random) {
  double radius = sqrt(-2.0 * log(1.0 - ag_random_unit(random)));
  return radius * cos(6.283185307179586 * ag_random_unit(random));
}

void ag_random_shuffle(ag_random *random, int32_t *items, int count) {
  for (int i = count - 1; i > 0; i--) {
    int j = (int)ag_random_below(random, (uint64_t)i + 1);
    int32_t t = items[i];
    items[i] = items[j];
    items[j] = t;
  }
}
