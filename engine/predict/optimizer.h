/* One step from a gradient. */
#ifndef AG_PREDICT_OPTIMIZER_H
#define AG_PREDICT_OPTIMIZER_H

#include "engine/predict/checkpoint.h"

/* Update state->params by `gradient` (clipped in place) and count the step; `steps` is how many
 * there will be in all. Of the options: learning_rate, warmup, final_rate, clip. O(parameters). */
void ag_optimizer_step(ag_train_state *state, float *gradient, const ag_train_options *options,
                       int64_t steps);

#endif
