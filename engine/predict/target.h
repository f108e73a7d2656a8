/* What the model is trained to say: labels transformed per family. */
#ifndef AG_PREDICT_TARGET_H
#define AG_PREDICT_TARGET_H

#include "engine/predict/states.h"

/* The value below which a standard normal variable falls with probability p in (0, 1); relative
 * error about 1e-9. Source: P. J. Acklam's rational approximation. */
double ag_normal_quantile(double p);

/* Set the targets of the first `count` graphs of the corpus from their labels, and return the
 * tables that lead back, one per family. Ranks: normal quantile of rank / (n + 1), ties by
 * mid-rank. All are scaled to mean 0 and deviation 1. */
ag_target *ag_targets_fit(ag_training_set *corpus, int count, ag_transform transform,
                          const char *const *families, int family_count);

/* Move the targets of one family and its table from mean 0 and deviation 1 to these. */
void ag_target_rescale(ag_training_set *corpus, int count, int family, double mean,
                       double deviation, ag_target *target);

#endif
