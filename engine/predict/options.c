/* Training presets, and the limits within which options make sense. */
#include "engine/predict/trainer.h"

enum { MAX_BATCH = 8192 };

ag_train_options ag_train_defaults(ag_model model) {
  static const char *const unnamed[] = {""};
  bool psc = model == AG_MODEL_PSC; /* larger batches share more states, mostly of cuts */
  return (ag_train_options){.model = model,
                            .epochs = 100,
                            .batch = psc ? 64 : 32,
                            .splits = 8,
                            .learning_rate = psc ? 4e-3 : 3e-3,
                            .warmup = 100,
                            .final_rate = 0.01,
                            .hinge = 1,
                            .consistency = 2,
                            .transform = AG_TRANSFORM_RANK,
                            .residual = true,
                            .log_features = true,
                            .seed = 1,
                            .threads = 1,
                            .checkpoint_every = 10,
                            .families = unnamed,
                            .family_count = 1};
}

ag_train_options ag_train_published(ag_model model) {
  ag_train_options o = ag_train_defaults(model);
  o.epochs = 40;
  o.batch = 32;
  o.learning_rate = 1e-4;
  o.warmup = 0;
  o.final_rate = 1;
  o.hinge = o.consistency = 0;
  o.transform = AG_TRANSFORM_Z_SCORE;
  o.residual = o.log_features = false;
  return o;
}

ag_train_options ag_train_fine_tuning(const ag_predictor *from) {
  ag_train_options o = ag_train_defaults(from->config.model);
  o.from = from;
  o.epochs = 40;
  o.batch = 8;
  o.learning_rate = 5e-4;
  o.warmup = 10;
  o.consistency = 0;
  o.clip = 1;
  o.transform = AG_TRANSFORM_Z_SCORE;
  return o;
}

static ag_status check_options(const ag_train_options *o, ag_error *err) {
  if (o->epochs < 1 || o->threads < 1) {
    return ag_fail(err, AG_INVALID, "epochs and threads must be at least 1");
  }
  if (o->batch < 1 || o->batch > MAX_BATCH || o->splits < 1 || o->splits > MAX_BATCH) {
    return ag_fail(err, AG_INVALID, "batch and splits must be from 1 to %d", MAX_BATCH);
  }
  if (!(o->learning_rate > 0) || !(o->warmup >= 0) || !(o->hinge >= 0) || !(o->consistency >= 0) ||
      !(o->huber >= 0)) {
    return ag_fail(err, AG_INVALID,
                   "the learning rate must be positive, warm-up, hinge, consistency and huber "
                   "not negative");
  }
  if (!(o->final_rate > 0 && o->final_rate <= 1) || !(o->clip >= 0) || o->patience < 0) {
    return ag_fail(err, AG_INVALID,
                   "the final rate must be above 0 and at most 1, clip and patience not negative");
  }
  if (o->sum_pooling && o->model == AG_MODEL_PSC && !o->from) {
    return ag_fail(err, AG_INVALID, "sum pooling is for the GNN alone");
  }
  if (o->checkpoint && o->checkpoint_every < 1) {
    return ag_fail(err, AG_INVALID, "checkpoints must be at least 1 epoch apart");
  }
  if (o->family_count < 1 || o->family_count > AG_FAMILIES_MAX) {
    return ag_fail(err, AG_INVALID, "%d families; 1 to %d can be told apart", o->family_count,
                   AG_FAMILIES_MAX);
  }
  return AG_OK;
}

static ag_status check_positive(const ag_sample *samples, int count, ag_error *err) {
  for (int i = 0; i < count; i++) {
    if (samples[i].target > 0) continue;
    return ag_fail(err, AG_INVALID, "sample %d: its target %g has no logarithm", i,
                   samples[i].target);
  }
  return AG_OK;
}

ag_status ag_train_check(const ag_train_options *options, const ag_sample *samples, int count,
                         ag_error *err) {
  if (count < 1) return ag_fail(err, AG_INVALID, "there is no training sample");
  ag_status s = check_options(options, err);
  if (s || options->transform != AG_TRANSFORM_LOG) return s;
  return check_positive(samples, count, err);
}
