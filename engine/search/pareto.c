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

/* The rows without a NaN for which allowed[] holds (NULL: all), as compare_rows has them. */
static struct row *sorted_rows(const double *table, int count, int objectives, const bool *allowed,
                               int *sorted) {
  int32_t *order = AG_ARRAY(int32_t, count);
  int n = 0;
  for (int i = 0; i < count; i++)
    if ((!allowed || allowed[i]) && !has_nan(table + (size_t)i * (size_t)objectives, objectives))
      order[n++] = i;
  for (int m = objectives - 1; m >= 0; m--) ag_sort_rows(table + m, objectives, true, order, n);
  struct row *rows = AG_ARRAY(struct row, n);
  for (int k = 0; k < n; k++)
    rows[k] = (struct row){table + (size_t)order[k] * (size_t)objectives, objectives, order[k]};
  free(order);
  *sorted = n;
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
void ag_pareto_front(const double *values, int count, int objectives, const bool *maximise,
                     const double *violations, bool *front) {
  memset(front, 0, (size_t)count * sizeof *front);
  double *table = oriented(values, count, objectives, maximise);
  bool *allowed = violations ? least_violating(violations, count) : NULL;
  int n;
  struct row *rows = sorted_rows(table, count, objectives, allowed, &n);
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
  struct row *rows = sorted_rows(table, count, objectives, NULL, &n);
  double volume = n > 0 ? slice(rows, n, objectives, origin) : 0;
  free(rows);
  free(origin);
  free(table);
  return volume;
}

void ag_rank_sums(const double *values, int count, int objectives, const bool *maximise,
                  int32_t *sums) {
  double *table = oriented(values, count, objectives, maximise);
  int32_t *order = AG_ARRAY(int32_t, count);
  memset(sums, 0, (size_t)count * sizeof *sums);
  for (int k = 0; k < count * objectives; k++)
    if (isnan(table[k])) table[k] = -INFINITY;
  for (int m = 0; m < objectives; m++) {
    const double *column = table + m;
    for (int i = 0; i < count; i++) order[i] = i;
    ag_sort_rows(column, objectives, true, order, count);
    for (int i = 0, rank = 0; i < count; i++) {
      if (i > 0 && column[order[i] * objectives] < column[order[i - 1] * objectives]) rank = i;
      sums[order[i]] += rank;
    }
  }
  free(order);
  free(table);
}
