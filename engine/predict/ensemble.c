/* An ensemble is a chain of predictors of one model that ends in NULL; a single predictor is a
 * chain of one. Every inference function walks the chain and combines the values here, so that
 * whoever uses a predictor, a search above all, need not know how many members it has. */
#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/model.h"

int ag_predictor_members(const ag_predictor *p) {
  int count = 0;
  for (; p; p = p->next) count++;
  return count;
}

static ag_predictor *copy(const ag_predictor *p) {
  float *params = ag_memdup(p->params, (size_t)p->layout.size, sizeof *params);
  ag_predictor *made =
      ag_predictor_make(&p->config, params, ag_targets_copy(p->target, p->families), p->families);
  made->range = p->range;
  return made;
}

/* A predictor's target for the family of t, if it leads to the labels of t; else NULL. */
static const ag_target *counterpart(const ag_predictor *p, const ag_target *t) {
  for (int i = 0; i < p->families; i++) {
    const ag_target *own = &p->target[i];
    if (strcmp(own->family, t->family) != 0) continue;
    bool alike = own->transform == t->transform && own->rows == t->rows;
    for (int r = 0; alike && r < t->rows; r++) alike = own->table[2 * r + 1] == t->table[2 * r + 1];
    return alike ? own : NULL;
  }
  return NULL;
}

/* Members that were fine-tuned have each a raw number of their own for a label; the ensemble's
 * number for it is their mean. Trained from nothing, they agree, and it stays. */
static void average_target(const ag_predictor *first, ag_target *t) {
  const ag_target *own[AG_MEMBERS_MAX];
  int count = 0;
  for (const ag_predictor *p = first; p; p = p->next) {
    if (!(own[count++] = counterpart(p, t))) return;
  }
  for (int r = 0; r < t->rows; r++) {
    double sum = 0;
    for (int i = 0; i < count; i++) sum += (double)own[i]->table[2 * r];
    t->table[2 * r] = (float)(sum / count);
  }
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
  for (int i = 0; i < (*ensemble)->families; i++) {
    average_target(*ensemble, &(*ensemble)->target[i]);
  }
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
