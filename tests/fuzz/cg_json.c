/* Computation graphs in JSON: what is read is written so that it reads as the same. */
#include <string.h>

#include "autogo/graph.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const ag_graph *g, *again;
  ag_error err;
  if (ag_graph_parse_json((const char *)data, size, &g, &err)) {
    fuzz_expect_reason(&err);
    return 0;
  }
  FUZZ_EXPECT(ag_graph_check(g, NULL) == AG_OK);
  char *text = ag_graph_to_json(g);
  FUZZ_EXPECT(ag_graph_parse_json(text, strlen(text), &again, NULL) == AG_OK);
  char *repeated = ag_graph_to_json(again);
  FUZZ_EXPECT(strcmp(text, repeated) == 0);
  FUZZ_EXPECT(ag_hash_equal(ag_graph_hash(g), ag_graph_hash(again)));
  free(text);
  free(repeated);
  ag_graph_release(g);
  ag_graph_release(again);
  return 0;
}
