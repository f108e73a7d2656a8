/* Target transforms. Ranks spread the crowded top of a benchmark, where a search lives, as wide as
 * its thin bad tail: squared error then spends itself where it matters. Both transforms are
 * monotone, so a table of (raw, label) rows leads back.
 * Source: predictor.md, recipe X. */
#include "engine/predict/target.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"

double ag_normal_quantile(double p) {
  static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                             1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                             6.680131188771972e+01, -1.328068155288572e+01};
  static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                             -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                             3.754408661907416e+00};
  const double tail = 0.02425;
  if (p > 1 - tail) return -ag_normal_quantile(1 - p);
  if (p < tail) {
    double q = sqrt(-2 * log(p));
    return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
           ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  }
  double q = p - 0.5, r = q * q;
  return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
         (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

/* The training graphs of one family, ascending by label. */
typedef struct column {
  ag_graph_states **graph;
  double *value; /* the transform */
  int count;
} column;

static int by_label(const void *x, const void *y) {
  double a = (*(ag_graph_states *const *)x)->label, b = (*(ag_graph_states *const *)y)->label;
  return (a > b) - (a < b);
}

static column gather(ag_training_set *corpus, int count, int family) {
  column c = {.graph = AG_ARRAY(ag_graph_states *, count), .value = AG_ARRAY(double, count)};
  for (int i = 0; i < count; i++) {
    if (corpus->graph[i].family == family) c.graph[c.count++] = &corpus->graph[i];
  }
  if (c.count > 1) qsort(c.graph, (size_t)c.count, sizeof *c.graph, by_label);
  return c;
}

static void rank_values(column *c) {
  for (int i = 0, j; i < c->count; i = j) {
    for (j = i; j < c->count && c->graph[j]->label == c->graph[i]->label;) j++;
    double rank = (i + j + 1) / 2.0;
    for (int k = i; k < j; k++) c->value[k] = ag_normal_quantile(rank / (c->count + 1));
  }
}

static void standardise(column *c, double *mean, double *deviation) {
  double sum = 0, squares = 0;
  for (int i = 0; i < c->count; i++) sum += c->value[i];
  *mean = c->count ? sum / c->count : 0;
  for (int i = 0; i < c->count; i++) squares += (c->value[i] - *mean) * (c->value[i] - *mean);
  *deviation = c->count ? sqrt(squares / c->count) : 0;
  if (*deviation <= 0) *deviation = 1;
  for (int i = 0; i < c->count; i++) c->value[i] = (c->value[i] - *mean) / *deviation;
}

static void add_row(ag_target *t, double raw, double label) {
  float x = (float)raw, y = (float)label;
  if (t->rows > 0 && (x <= t->table[2 * t->rows - 2] || y < t->table[2 * t->rows - 1])) return;
  t->table[2 * t->rows] = x;
  t->table[2 * t->rows + 1] = y;
  t->rows++;
}

/* Rows at evenly spaced ranks, both ends included. */
static void fill_rank_table(const column *c, ag_target *t) {
  int rows = c->count < AG_TABLE_MAX ? c->count : AG_TABLE_MAX;
  for (int i = 0; i < rows; i++) {
    int at = rows > 1 ? (int)((int64_t)i * (c->count - 1) / (rows - 1)) : 0;
    add_row(t, c->value[at], c->graph[at]->label);
  }
}

static void fit(column *c, ag_transform transform, ag_target *t) {
  double mean, deviation;
  bool logarithm = transform == AG_TRANSFORM_LOG;
  for (int i = 0; i < c->count; i++) {
    c->value[i] = logarithm ? log(c->graph[i]->label) : c->graph[i]->label;
  }
  if (transform == AG_TRANSFORM_RANK) rank_values(c);
  standardise(c, &mean, &deviation);
  for (int i = 0; i < c->count; i++) c->graph[i]->target = c->value[i];
  t->transform = transform;
  t->table = AG_ARRAY(float, 2 * AG_TABLE_MAX);
  if (transform == AG_TRANSFORM_RANK) fill_rank_table(c, t);
  if (t->rows > 0) return;
  add_row(t, 0, mean);
  add_row(t, 1, mean + deviation);
}

ag_target *ag_targets_fit(ag_training_set *corpus, int count, ag_transform transform,
                          const char *const *families, int family_count) {
  ag_target *targets = AG_ARRAY(ag_target, family_count);
  for (int f = 0; f < family_count; f++) {
    column c = gather(corpus, count, f);
    targets[f].family = ag_strdup(families[f]);
    fit(&c, transform, &targets[f]);
    free(c.graph);
    free(c.value);
  }
  return targets;
}

void ag_target_rescale(ag_training_set *corpus, int count, int family, double mean,
                       double deviation, ag_target *t) {
  for (int i = 0; i < count; i++) {
    ag_graph_states *g = &corpus->graph[i];
    if (g->family == family) g->target = mean + deviation * g->target;
  }
  for (int r = 0; r < t->rows; r++) {
    t->table[2 * r] = (float)(mean + deviation * (double)t->table[2 * r]);
  }
}
