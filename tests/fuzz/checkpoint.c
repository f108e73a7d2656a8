/* Checkpoints of a training. Key and size, by which another training's checkpoint is told apart,
 * are taken from the file itself, so that what lies behind them is reached. */
#include "engine/predict/checkpoint.h"
#include "engine/predict/safetensors.h"
#include "tests/fuzz/tensors.h"

enum { MAX_PARAMS = 1 << 18 };

static ag_hash key_of(const ag_st_file *file) {
  const char *text = ag_st_metadata(file, "training.key");
  char half[17] = "";
  if (!text || strlen(text) != 32) return (ag_hash){0, 0};
  memcpy(half, text, 16);
  return (ag_hash){strtoull(half, NULL, 16), strtoull(text + 16, NULL, 16)};
}

static void use(const ag_st_file *file, const uint8_t *bytes, size_t size) {
  ag_train_state state;
  ag_error err;
  const ag_st_tensor *params = ag_st_find(file, "training.params");
  int64_t count = params && params->rank == 1 ? params->dims[0] : 1;
  ag_train_state_init(&state, count < MAX_PARAMS ? (int)count : MAX_PARAMS);
  if (ag_checkpoint_read(&state, key_of(file), fuzz_file(bytes, size), &err))
    fuzz_expect_reason(&err);
  ag_train_state_free(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ag_st_file file = {0};
  uint8_t *bytes = fuzz_tensors(data, &size);
  if (!bytes) return -1;
  if (!ag_st_parse(bytes, size, &file, NULL)) use(&file, bytes, size);
  ag_st_free(&file);
  free(bytes);
  return 0;
}
