/* Times of single calls, and what a table says of them. */
#ifndef AG_BENCH_SAMPLES_H
#define AG_BENCH_SAMPLES_H

#include <stdlib.h>
#include <time.h>

#include "engine/base/alloc.h"

typedef struct samples {
  double *us;
  int count, capacity;
} samples; /* {0} is empty */

static inline double bench_now(void) { /* microseconds */
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* The least time of `passes` runs of a statement: what it takes when nothing else disturbs it. */
#define BENCH_LEAST(passes, statement)                                                             \
  __extension__({                                                                                  \
    double bench_least = 1e300;                                                                    \
    for (int bench_pass = 0; bench_pass < (passes); bench_pass++) {                                \
      double bench_start = bench_now();                                                            \
      statement;                                                                                   \
      double bench_took = bench_now() - bench_start;                                               \
      if (bench_took < bench_least) bench_least = bench_took;                                      \
    }                                                                                              \
    bench_least;                                                                                   \
  })

static inline void samples_add(samples *s, double us) {
  AG_GROW(s->us, s->count, s->capacity);
  s->us[s->count++] = us;
}

static inline int samples_compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The value that a share of the samples does not exceed; 1 = the largest. Sorts them. */
static inline double samples_quantile(samples *s, double share) {
  if (s->count == 0) return 0;
  qsort(s->us, (size_t)s->count, sizeof *s->us, samples_compare);
  int at = (int)(share * s->count + 0.999999) - 1;
  return s->us[at < 0 ? 0 : at];
}

static inline void samples_free(samples *s) {
  free(s->us);
  *s = (samples){0};
}

#endif
