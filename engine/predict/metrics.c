/* Rank and error metrics. Spearman is Pearson's correlation of mid-ranks, which is right with
 * ties; Kendall is tau-b, counted by sorting (Knight 1966): pairs tied in a or b are counted in
 * runs, discordant pairs are the exchanges of a merge sort. */
#include <math.h>
#include <stdlib.h>

#include "autogo/predict.h"
#include "engine/base/alloc.h"

typedef struct pair {
  double a, b;
} pair;

static int by_a_then_b(const void *x, const void *y) {
  const pair *p = x, *q = y;
  if (p->a != q->a) return p->a < q->a ? -1 : 1;
  return (p->b > q->b) - (p->b < q->b);
}

/* Mid-ranks: equal values share the mean of the ranks they cover. */
static void mid_ranks(const double *values, int count, double *ranks) {
  pair *sorted = AG_ARRAY(pair, count);
  for (int i = 0; i < count; i++) sorted[i] = (pair){values[i], i};
  if (count > 1) qsort(sorted, (size_t)count, sizeof *sorted, by_a_then_b);
  for (int i = 0, j; i < count; i = j) {
    for (j = i; j < count && sorted[j].a == sorted[i].a;) j++;
    for (int k = i; k < j; k++) ranks[(int)sorted[k].b] = (i + j + 1) / 2.0;
  }
  free(sorted);
}

static double pearson(const double *a, const double *b, int count) {
  double mean_a = 0, mean_b = 0, ab = 0, aa = 0, bb = 0;
  for (int i = 0; i < count; i++) {
    mean_a += a[i] / count;
    mean_b += b[i] / count;
  }
  for (int i = 0; i < count; i++) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

double ag_srcc(const double *a, const double *b, int count) {
  double *rank_a = AG_ARRAY(double, count), *rank_b = AG_ARRAY(double, count);
  mid_ranks(a, count, rank_a);
  mid_ranks(b, count, rank_b);
  double r = pearson(rank_a, rank_b, count);
  free(rank_a);
  free(rank_b);
  return r;
}

static double pairs_of(int64_t n) {
  return (double)n * (double)(n - 1) / 2;
}

/* Sort items[0..count) by b and return the number of exchanges of neighbours it takes. */
static double merge_sort(pair *items, pair *scratch, int count) {
  if (count < 2) return 0;
  int half = count / 2, i = 0, j = half;
  double swaps = merge_sort(items, scratch, half) + merge_sort(items + half, scratch, count - half);
  for (int k = 0; k < count; k++) {
    bool right = i == half || (j < count && items[j].b < items[i].b);
    if (right) swaps += half - i;
    scratch[k] = right ? items[j++] : items[i++];
  }
  for (int k = 0; k < count; k++) items[k] = scratch[k];
  return swaps;
}

/* Pairs tied in a; in both if `both`. Items are sorted by what is compared. */
static double tied(const pair *items, int count, bool a, bool b) {
  double pairs = 0;
  for (int i = 0, j; i < count; i = j) {
    for (j = i; j < count && (!a || items[j].a == items[i].a) && (!b || items[j].b == items[i].b);)
      j++;
    pairs += pairs_of(j - i);
  }
  return pairs;
}

double ag_kendall(const double *a, const double *b, int count) {
  pair *items = AG_ARRAY(pair, 2 * (count > 0 ? count : 1));
  for (int i = 0; i < count; i++) items[i] = (pair){a[i], b[i]};
  if (count > 1) qsort(items, (size_t)count, sizeof *items, by_a_then_b);
  double all = pairs_of(count), tied_a = tied(items, count, true, false);
  double tied_both = tied(items, count, true, true);
  double discordant = merge_sort(items, items + count, count);
  double tied_b = tied(items, count, false, true);
  free(items);
  double concordant_minus = all - tied_a - tied_b + tied_both - 2 * discordant;
  double scale = sqrt((all - tied_a) * (all - tied_b));
  return scale > 0 ? concordant_minus / scale : 0;
}

double ag_mae(const double *a, const double *b, int count) {
  double sum = 0;
  for (int i = 0; i < count; i++) sum += fabs(a[i] - b[i]);
  return count ? sum / count : 0;
}
