/* The order in which candidates are tried: uniformly at random, or in favour of entries that a
 * policy has given weights. With weights each candidate gets the rank u / weight, u uniform, and
 * the least ranks come first: sequential Poisson sampling, whose chances of being among the
 * first n are close to proportional to the weights. It needs one division per candidate and no
 * library function whose last bit depends on the processor.
 * Source: Ohlsson, "Sequential Poisson sampling", 1998. */
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/search/search_internal.h"

struct ranked {
  double rank;
  struct fit fit;
};

static int compare_ranks(const void *x, const void *y) {
  const struct ranked *a = x, *b = y;
  if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
  if (a->fit.entry != b->fit.entry) return a->fit.entry < b->fit.entry ? -1 : 1;
  return (a->fit.variant > b->fit.variant) - (a->fit.variant < b->fit.variant);
}

static void shuffle(struct fit *fits, int count, ag_random *random) {
  for (int i = count - 1; i > 0; i--) {
    int k = (int)ag_random_below(random, (uint64_t)i + 1);
    struct fit t = fits[i];
    fits[i] = fits[k];
    fits[k] = t;
  }
}

static int order_by_weight(struct fit *fits, int count, const double *weights, ag_random *random) {
  struct ranked *ranked = AG_ARRAY(struct ranked, count);
  int kept = 0;
  for (int i = 0; i < count; i++) {
    double weight = weights[fits[i].entry], u = ag_random_unit(random);
    if (weight > 0) ranked[kept++] = (struct ranked){u / weight, fits[i]};
  }
  if (kept) qsort(ranked, (size_t)kept, sizeof *ranked, compare_ranks);
  for (int i = 0; i < kept; i++) fits[i] = ranked[i].fit;
  free(ranked);
  return kept;
}

int ag_order_candidates(struct fit *fits, int count, const double *weights, ag_random *random) {
  if (weights) return order_by_weight(fits, count, weights, random);
  shuffle(fits, count, random);
  return count;
}
