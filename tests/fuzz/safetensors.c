/* safetensors, and the predictors in them. */
#include "engine/predict/model.h"
#include "engine/predict/safetensors.h"
#include "tests/fuzz/tensors.h"

static void use(const ag_st_file *file, size_t size) {
  ag_predictor *predictor;
  ag_error err;
  size_t bytes = 0;
  for (int i = 0; i < file->count; i++) {
    FUZZ_EXPECT(ag_st_find(file, file->tensors[i].name) == &file->tensors[i]);
    bytes += file->tensors[i].bytes;
  }
  FUZZ_EXPECT(bytes <= size);
  if (ag_predictor_parse(file, &predictor, &err))
    fuzz_expect_reason(&err);
  else
    ag_predictor_free(predictor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ag_st_file file = {0};
  ag_error err;
  uint8_t *bytes = fuzz_tensors(data, &size);
  if (!bytes) return -1;
  if (ag_st_parse(bytes, size, &file, &err))
    fuzz_expect_reason(&err);
  else
    use(&file, size);
  ag_st_free(&file);
  free(bytes);
  return 0;
}
