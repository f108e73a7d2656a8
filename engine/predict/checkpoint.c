/* A checkpoint is the weights file of the best epoch so far with the rest of the state beside it:
 * current parameters and Adam's moments as tensors, the counters as metadata. So an interrupted
 * training leaves something that predicts, and nothing else needs to know the format. The key, a
 * hash of samples and options, keeps a training from going on with another's state. */
#include "engine/predict/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/locale.h"
#include "engine/predict/safetensors.h"

enum { MAX_FILE = 256 << 20, TENSORS = 3 };

static const char *const names[TENSORS] = {"training.params", "training.first_moment",
                                           "training.second_moment"};

void ag_train_state_init(ag_train_state *s, int size) {
  *s = (ag_train_state){.size = size, .best_srcc = -2};
  s->params = AG_ARRAY(float, size);
  s->best = AG_ARRAY(float, size);
  s->first_moment = AG_ARRAY(float, size);
  s->second_moment = AG_ARRAY(float, size);
}

void ag_train_state_free(ag_train_state *s) {
  free(s->params);
  free(s->best);
  free(s->first_moment);
  free(s->second_moment);
  *s = (ag_train_state){0};
}

static void format_key(ag_hash key, char text[33]) {
  snprintf(text, 33, "%016llx%016llx", (unsigned long long)key.hi, (unsigned long long)key.lo);
}

ag_status ag_checkpoint_write(const ag_train_state *s, const ag_predictor *best, ag_hash key,
                              const char *path, ag_error *err) {
  ag_st_writer writer = {0};
  char text[64];
  ag_predictor_put(best, &writer);
  const float *tensors[TENSORS] = {s->params, s->first_moment, s->second_moment};
  for (int i = 0; i < TENSORS; i++) {
    ag_st_put_floats(&writer, names[i], 1, (int64_t[]){s->size}, tensors[i]);
  }
  format_key(key, text);
  ag_st_put_metadata(&writer, "training.key", text);
  locale_t host = ag_plain_numbers();
  snprintf(text, sizeof text, "%d %d %lld %a", s->epoch, s->idle, (long long)s->step, s->best_srcc);
  ag_plain_numbers_end(host);
  ag_st_put_metadata(&writer, "training.state", text);
  return ag_st_write(&writer, path, err);
}

static ag_status read_counters(const ag_st_file *file, ag_train_state *s, ag_error *err) {
  const char *text = ag_st_metadata(file, "training.state");
  long long step;
  char rest;
  locale_t host = ag_plain_numbers();
  int read = sscanf(text ? text : "", "%d %d %lld %la%c", &s->epoch, &s->idle, &step, &s->best_srcc,
                    &rest);
  ag_plain_numbers_end(host);
  if (read != 4 || s->epoch < 1 || s->idle < 0 || step < 1 || !isfinite(s->best_srcc)) {
    return ag_fail(err, AG_FORMAT, "metadata training.state is damaged");
  }
  s->step = step;
  return AG_OK;
}

static ag_status restore(const ag_st_file *file, ag_train_state *s, ag_hash key, ag_error *err) {
  const char *given = ag_st_metadata(file, "training.key");
  char expected[33];
  format_key(key, expected);
  if (!given) return ag_fail(err, AG_FORMAT, "these are weights, not a checkpoint");
  if (strcmp(given, expected) != 0) {
    return ag_fail(err, AG_INVALID, "a checkpoint of other samples or options");
  }
  float *tensors[TENSORS] = {s->params, s->first_moment, s->second_moment};
  for (int i = 0; i < TENSORS; i++) {
    ag_status status = ag_st_floats(file, names[i], 1, (int64_t[]){s->size}, tensors[i], err);
    if (status) return status;
  }
  return read_counters(file, s, err);
}

ag_status ag_checkpoint_read(ag_train_state *s, ag_hash key, const char *path, ag_error *err) {
  ag_st_file file = {0};
  ag_predictor *best = NULL;
  char *data;
  size_t bytes;
  ag_status status = ag_file_read(path, MAX_FILE, &data, &bytes, err);
  if (status) return status;
  if (!(status = ag_st_parse(data, bytes, &file, err)) && !(status = restore(&file, s, key, err)) &&
      !(status = ag_predictor_parse(&file, &best, err))) {
    if (best->layout.size == s->size)
      memcpy(s->best, best->params, (size_t)s->size * sizeof *s->best);
    else
      status = ag_fail(err, AG_FORMAT, "its weights have another shape");
  }
  ag_predictor_free(best);
  ag_st_free(&file);
  free(data);
  return status ? ag_error_in_file(err, status, path) : AG_OK;
}
