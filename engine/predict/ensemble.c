/* An ensemble is a chain of predictors of one model that ends in NULL; a single predictor is a
 * chain of one. Every inference function walks the chain and combines the values here, so that
 * whoever uses a predictor, a search above all, need not know how many members it has. */
#include <math.h>

#include "engine/base/alloc.h"
#include "engine/predict/model.h"

int ag_predictor_members(const ag_predictor *p) {
  int count = 0;
  for (; p; p = p->next) count++;
  return count;
}

bool ag_config_equal(const ag_config *a, const ag_config *b) {
  return a->model == b->model && a->layers == b->layers && a->residual == b->residual &&
         a->log_features == b->log_features && a->distinct_edges == b->distinct_edges &&
         a->bypass_joins == b->bypass_joins && a->flatten == b->flatten &&
         a->sum_pooling == b->sum_pooling;
}

static ag_predictor *copy(const ag_predictor *p) {
  float *params = ag_memdup(p->params, (size_t)p->layout.size, sizeof *params);
  ag_predictor *made =
      ag_predictor_make(&p->config, params, ag_targets_copy(p->target, p->families), p->families);
  made->range = p->range;
  return made;
}

ag_status ag_predictor_join(const ag_predictor *const *members, int count, ag_predictor **ensemble,
                            ag_error *err) {
  if (count < 1 || count > AG_MEMBERS_MAX) {
    return ag_fail(err, AG_INVALID, "%d members; 1 to %d can be joined", count, AG_MEMBERS_MAX);
  }
  for (int i = 0; i < count; i++) {
    if (members[i]->next) {
      return ag_fail(err, AG_INVALID, "member %d is an ensemble", i + 1);
    }
    if (members[i]->config.model != members[0]->config.model) {
      return ag_fail(err, AG_INVALID, "members 1 and %d differ in model (psc, gnn)", i + 1);
    }
  }
  ag_predictor **end = ensemble;
  for (int i = 0; i < count; i++, end = &(*end)->next) *end = copy(members[i]);
  ag_range all = (*ensemble)->range;
  for (ag_predictor *p = *ensemble; p; p = p->next) ag_range_meet(&all, &p->range);
  for (ag_predictor *p = *ensemble; p; p = p->next) p->range = all;
  return AG_OK;
}

ag_predictor *ag_predictor_member(const ag_predictor *p, int index) {
  for (; index > 0; index--) p = p->next;
  return copy(p);
}

void ag_predictor_set_caution(ag_predictor *p, double caution) {
  p->caution = caution;
}

double ag_predictor_caution(const ag_predictor *p) {
  return p->caution;
}

void ag_ensemble_moments(const ag_predictor *p, const double *values, double *mean,
                         double *spread) {
  int count = ag_predictor_members(p);
  double sum = 0, squares = 0;
  for (int i = 0; i < count; i++) sum += values[i];
  *mean = sum / count;
  for (int i = 0; i < count; i++) squares += (values[i] - *mean) * (values[i] - *mean);
  *spread = sqrt(squares / count);
}

double ag_ensemble_value(const ag_predictor *p, const double *values) {
  if (!p->next) return values[0];
  double mean, spread;
  ag_ensemble_moments(p, values, &mean, &spread);
  return mean - p->caution * spread;
}
