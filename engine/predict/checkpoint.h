/* Where a training stands, in memory and in a file. */
#ifndef AG_PREDICT_CHECKPOINT_H
#define AG_PREDICT_CHECKPOINT_H

#include "engine/predict/model.h"

/* All that changes while a training runs; random draws are keyed by epoch and need no state. */
typedef struct ag_train_state {
  int size; /* of each array below */
  float *params, *best;
  float *first_moment, *second_moment; /* of Adam */
  int64_t step;
  int epoch, idle; /* epochs done; of these, since the best */
  double best_srcc;
} ag_train_state;

void ag_train_state_init(ag_train_state *state, int size);
void ag_train_state_free(ag_train_state *state);

/* `best` is the predictor of state->best; `key` says which samples and options it is of. Atomic. */
ag_status ag_checkpoint_write(const ag_train_state *state, const ag_predictor *best, ag_hash key,
                              const char *path, ag_error *err);
/* Into an initialised state. Errors: AG_INVALID for a checkpoint of another key, AG_FORMAT for
 * weights without one. */
ag_status ag_checkpoint_read(ag_train_state *state, ag_hash key, const char *path, ag_error *err);

#endif
