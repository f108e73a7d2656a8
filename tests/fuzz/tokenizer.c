/* Tokenizer files, and the node labels in them. */
#include "autogo/mining.h"
#include "tests/fuzz/fuzz.h"

static void use(const ag_tokenizer *t) {
  int symbols = ag_tokenizer_symbols(t), tokens = ag_tokenizer_tokens(t);
  for (int i = 0; i < symbols; i++)
    FUZZ_EXPECT(ag_tokenizer_find(t, ag_tokenizer_label(t, i)) == i);
  for (int i = 0; i < tokens; i++) {
    const int32_t *spelling = ag_tokenizer_spelling(t, i);
    for (int k = 0; k < ag_tokenizer_length(t, i); k++)
      FUZZ_EXPECT(spelling[k] >= 0 && spelling[k] < symbols);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ag_tokenizer *tokenizer;
  ag_error err;
  if (ag_tokenizer_load(fuzz_file(data, size), &tokenizer, &err)) {
    fuzz_expect_reason(&err);
    return 0;
  }
  use(tokenizer);
  ag_tokenizer_free(tokenizer);
  return 0;
}
