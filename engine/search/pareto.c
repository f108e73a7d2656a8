/* Pareto fronts, hypervolume and rank sums over plain tables of values. Everything is turned
 * into maximisation by a sign first. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "autogo/search.h"
#include "engine/base/alloc.h"
#include "engine/base/sort.h"

/* A copy of the table with every objective to be maximised. */
static double *oriented(const double *values, int count, int objectives, const bool *maximise) {
  double *copy = AG_ARRAY(double, (size_t)count *(size_t)objectives + 1);
  for (int i = 0; i < count; i++)
    for (int m = 0; m < objectives; m++) {
      size_t k = (size_t)i * (size_t)objectives + (size_t)m;
      copy[k] = maximise[m] ? values[k] : -values[k];
    }
  return copy;
}

static bool has_nan(const double *row, int objectives) {
  for (int m = 0; m < objectives; m++)
    if (isnan(row[m])) return true;
  return false;
}

/* Row a is at least as good as row b everywhere: it dominates b or equals it. */
static bool covers(const double *a, const double *b, int objectives) {
  for (int m = 0; m < objectives; m++)
    if (a[m] < b[m]) return false;
  return true;
}

struct row {
  const double *values;
  int objectives, index;
};

/* Lexicographically best first, equal rows by index. */
static int compare_rows(const void *x, const void *y) {
  const struct row *a = x, *b = y;
  for (int m = 0; m < a->objectives; m++)
    if (a->values[m] != b->values[m]) return a->values[m] > b->values[m] ? -1 : 1;
  return (a->index > b->index) - (a->index < b->index);
}

/* Add to each row's sum its rank in an objective: how many rows are better. `order` has the best
 * first; a NaN is as bad as can be. */
static void add_ranks(const double *column, int objectives, const int32_t *order, int count,
                      int32_t *sums) {
  double above = NAN;
  for (int i = 0, rank = 0; i < count; i++) {
    double value = column[(size_t)order[i] * (size_t)objectives];
    if (isnan(value)) value = -INFINITY;
    if (value < above) rank = i;
    above = value;
    sums[order[i]] += rank;
  }
}

/* The rows as compare_rows has them, a NaN last. Sorting goes by one objective after the other, so
 * ranks come with it: added to sums[count], unless NULL. */
static int32_t *sort_table(const double *table, int count, int objectives, int32_t *sums) {
  int32_t *order = AG_ARRAY(int32_t, count);
  for (int i = 0; i < count; i++) order[i] = i;
  for (int m = objectives - 1; m >= 0; m--) {
    ag_sort_rows(table + m, objectives, true, order, count);
    if (sums) add_ranks(table + m, objectives, order, count, sums);
  }
  return order;
}

/* Those without a NaN for which allowed[] holds (NULL: all), in the order of sort_table. */
static struct row *pick_rows(const double *table, int count, int objectives, const bool *allowed,
                             const int32_t *order, int *picked) {
  struct row *rows = AG_ARRAY(struct row, count);
  int n = 0;
  for (int k = 0; k < count; k++) {
    const double *values = table + (size_t)order[k] * (size_t)objectives;
    if ((!allowed || allowed[order[k]]) && !has_nan(values, objectives))
      rows[n++] = (struct row){values, objectives, order[k]};
  }
  *picked = n;
  return rows;
}

/* Mark the rows that break constraints least. */
static bool *least_violating(const double *violations, int count) {
  bool *allowed = AG_ARRAY(bool, count);
  double least = INFINITY;
  for (int i = 0; i < count; i++)
    if (violations[i] < least) least = violations[i];
  for (int i = 0; i < count; i++) allowed[i] = violations[i] <= least;
  return allowed;
}

/* In lexicographic order a row can only be covered by an earlier one; with two objectives the
 * last member of the front decides alone. */
static void mark_front(const double *table, int count, int objectives, const int32_t *order,
                       const double *violations, bool *front) {
  bool *allowed = violations ? least_violating(violations, count) : NULL;
  int n;
  struct row *rows = pick_rows(table, count, objectives, allowed, order, &n);
  const double **members = AG_ARRAY(const double *, n);
  int size = 0;
  for (int i = 0; i < n; i++) {
    bool covered = false;
    for (int k = objectives == 2 && size > 0 ? size - 1 : 0; k < size && !covered; k++)
      covered = covers(members[k], rows[i].values, objectives);
    if (covered) continue;
    members[size++] = rows[i].values;
    front[rows[i].index] = true;
  }
  free(members);
  free(rows);
  free(allowed);
}

void ag_pareto_front(const double *values, int count, int objectives, const bool *maximise,
                     const double *violations, bool *front) {
  double *table = oriented(values, count, objectives, maximise);
  int32_t *order = sort_table(table, count, objectives, NULL);
  memset(front, 0, (size_t)count * sizeof *front);
  mark_front(table, count, objectives, order, violations, front);
  free(order);
  free(table);
}

static double sweep(const struct row *rows, int count, const double *reference) {
  double volume = 0, height = reference[1];
  for (int i = 0; i < count; i++) {
    const double *v = rows[i].values;
    if (v[0] <= reference[0] || v[1] <= height) continue;
    volume += (v[0] - reference[0]) * (v[1] - height);
    height = v[1];
  }
  return volume;
}

static int by_last_descending(const void *x, const void *y) {
  const struct row *a = x, *b = y;
  double u = a->values[a->objectives - 1], v = b->values[b->objectives - 1];
  if (u != v) return u > v ? -1 : 1;
  return (a->index > b->index) - (a->index < b->index);
}

/* Slice along the last objective: between two neighbouring levels the cross-section is the
 * lower-dimensional volume of all rows at or above the upper level. */
static double slice(struct row *rows, int count, int objectives, const double *reference) {
  for (int i = 0; i < count; i++) rows[i].objectives = objectives;
  if (objectives == 1) {
    double best = reference[0];
    for (int i = 0; i < count; i++) best = fmax(best, rows[i].values[0]);
    return best - reference[0];
  }
  if (objectives == 2) {
    qsort(rows, (size_t)count, sizeof *rows, compare_rows);
    return sweep(rows, count, reference);
  }
  qsort(rows, (size_t)count, sizeof *rows, by_last_descending);
  struct row *part = AG_ARRAY(struct row, count);
  double volume = 0;
  int last = objectives - 1;
  for (int i = 0; i < count; i++) {
    double upper = rows[i].values[last];
    if (upper <= reference[last]) break;
    double lower = i + 1 < count ? rows[i + 1].values[last] : reference[last];
    if (lower < reference[last]) lower = reference[last];
    if (upper <= lower) continue;
    memcpy(part, rows, (size_t)(i + 1) * sizeof *part);
    volume += (upper - lower) * slice(part, i + 1, last, reference);
  }
  free(part);
  return volume;
}

double ag_hypervolume(const double *values, int count, int objectives, const bool *maximise,
                      const double *reference) {
  double *table = oriented(values, count, objectives, maximise);
  double *origin = oriented(reference, 1, objectives, maximise);
  int n;
  int32_t *order = sort_table(table, count, objectives, NULL);
  struct row *rows = pick_rows(table, count, objectives, NULL, order, &n);
  double volume = n > 0 ? slice(rows, n, objectives, origin) : 0;
  free(rows);
  free(order);
  free(origin);
  free(table);
  return volume;
}

void ag_rank_sums(const double *values, int count, int objectives, const bool *maximise,
                  int32_t *sums) {
  double *table = oriented(values, count, objectives, maximise);
  memset(sums, 0, (size_t)count * sizeof *sums);
  free(sort_table(table, count, objectives, sums));
  free(table);
}

/* Sums of ranks by size, in so many steps up to the largest there can be. */
enum { STEPS = 1024 };

static int step_of(int32_t sum, int count, int objectives) {
  return (int)((int64_t)sum * STEPS / ((int64_t)count * objectives + 1));
}

/* The first step up to which there are at least `wanted` rows off the front. */
static int step_for(const int32_t *sums, const bool *front, int count, int objectives,
                    int64_t wanted) {
  int rows[STEPS] = {0}, step = 0;
  for (int i = 0; i < count; i++)
    if (!front[i]) rows[step_of(sums[i], count, objectives)]++;
  for (int64_t all = rows[0]; all < wanted && step < STEPS - 1; all += rows[step]) step++;
  return step;
}

/* Put rows off the front behind the `size` on it: at least enough for `wanted` in all, if there are
 * so many. Returns how many there are of both. */
static int fill(const double *violations, const int32_t *sums, const bool *front, int count,
                int objectives, int size, int wanted, int32_t *rows) {
  int last = STEPS, others = 0; /* only few need be sorted, but what breaks least may be any */
  if (!violations) last = step_for(sums, front, count, objectives, (int64_t)wanted - size);
  double *keys = AG_ARRAY(double, count);
  int32_t *rest = rows + size;
  for (int i = 0; i < count; i++) {
    if (front[i] || step_of(sums[i], count, objectives) > last) continue;
    keys[i] = sums[i];
    rest[others++] = i;
  }
  ag_sort_rows(keys, 1, false, rest, others);
  if (violations) ag_sort_rows(violations, 1, false, rest, others);
  free(keys);
  return size + others;
}

int ag_pareto_best(const double *values, int count, int objectives, const bool *maximise,
                   const double *violations, int wanted, int32_t *rows) {
  bool *front = AG_ARRAY(bool, count);
  int32_t *sums = AG_ARRAY(int32_t, count);
  double *table = oriented(values, count, objectives, maximise);
  int32_t *order = sort_table(table, count, objectives, sums);
  int size = 0;
  mark_front(table, count, objectives, order, violations, front);
  for (int i = 0; i < count; i++)
    if (front[i]) rows[size++] = i;
  if (size < wanted) {
    int all = fill(violations, sums, front, count, objectives, size, wanted, rows);
    size = all < wanted ? all : wanted;
  }
  free(order);
  free(table);
  free(sums);
  free(front);
  return size;
}
