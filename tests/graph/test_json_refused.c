/* CG JSON that is none: refused with a reason, and without harm. */
#include "engine/base/random.h"
#include "tests/graph/json_text.h"
#include "tests/support/random_graph.h"

static const struct {
  const char *text, *reason;
} bad[] = {
    {"", "not JSON"},
    {"{} {}", "something follows (at byte 3)"},
    {"{\"nodes\":[1,,2]}", "not JSON, or cut short (at byte 12)"},
    {"{\"format\":\"dot\"}", "\"format\" is not autogo-cg"},
    {"{\"version\":2}", "only version 1"},
    {"{\"nodes\":[", "not JSON"},
    {"[1,2]", "must be a JSON object"},
    {"{}", "\"nodes\" must be an array"},
    {"{\"nodes\":7}", "\"nodes\" must be an array"},
    {"{\"nodes\":[]}", "no input"},
    {NODES("3") "}", "node 0: a node must be an object"},
    {NODES("{\"op\":\"relu\"}") "}", "node 0 (relu): \"in\" and \"out\""},
    {NODES("{\"id\":4,\"op\":\"flux\"}") "}", "node 4: its op is unknown"},
    {NODES("{\"id\":4}") "}", "\"op\" is missing"},
    {NODES("{\"id\":0.5,\"op\":\"relu\"}") "}", "\"id\" must be"},
    {NODES("{\"id\":0,\"op\":\"input\",\"in\":[4,4],\"out\":[4,4,2]}") "}", "[H, W, C]"},
    {NODES("{\"id\":0,\"op\":\"input\",\"in\":[4,4,2],\"out\":[4,4,0]}") "}", "[H, W, C]"},
    {NODES("{\"id\":0,\"op\":\"input\",\"in\":[4,4,2],\"out\":[4,4,1e99]}") "}", "[H, W, C]"},
    {NODES(IN "," IN) "}", "its id is used twice"},
    {NODES(IN "," OUT) ",\"edges\":[[0,7]]}", "edge 0"},
    {NODES(IN "," OUT) ",\"edges\":[[0,1,1]]}", "edge 0"},
    {NODES(IN "," OUT) ",\"edges\":[0]}", "edge 0"},
    {NODES(IN "," OUT "," RELU("2", "")) ",\"edges\":[[0,1],[2,2]]}", "its own operand"},
    {NODES(IN "," OUT "," RELU("2", ",\"operands\":[3]") "," RELU(
         "3", ",\"operands\":[2]")) ",\"edges\":[[0,1]]}",
     "cycle"},
    {NODES(IN "," OUT "," RELU("2", "")) ",\"edges\":[[0,1]]}", "node 2 (relu): relu takes"},
    {NODES(IN "," OUT "," RELU("2", "")) ",\"edges\":[[0,1],[0,2]]}",
     "node 2 (relu): its tensor is not"},
    {NODES(IN "," OUT "," RELU("-70", "")) ",\"edges\":[[0,1],[0,-70]]}", "node -70 (relu): its"},
    {NODES(IN "," OUT "," RELU("70", ",\"operands\":[]")) "}", "node 1 (output): output takes"},
    {NODES(RELU("70", ",\"name\":\"act/1\"") "," IN) ",\"edges\":[[0,70]]}", "act/1: its tensor"},
    {NODES(IN "," RELU("5", ",\"operands\":[0,0]") "," OUT) ",\"edges\":[[5,1]]}",
     "node 5 (relu): relu takes at most 1"},
    {NODES(IN "," RELU("5", ",\"operands\":[0]") "," OUT) ",\"edges\":[[0,5],[1,5],[5,1]]}",
     "node 5 (relu): \"edges\" has a tensor that its \"operands\" lack"},
    {NODES(IN "," OUT "," RELU("3", ",\"bias\":1")) "}", "node 3 (relu): \"bias\""},
    {NODES(IN "," OUT "," RELU("3", ",\"pads\":[1,1]")) "}", "\"pads\" must be"},
    {NODES(IN "," OUT "," RELU("3", ",\"pads\":[1,1,1,-1]")) "}", "\"pads\" must be"},
    {NODES(IN "," OUT "," RELU("3", ",\"dilations\":[1,1e10]")) "}", "\"dilations\" must be"},
    {NODES("{\"id\":0,\"op\":\"input\",\"in\":[2147483647,2147483647,2147483647],"
           "\"out\":[2147483647,2147483647,2147483647]}") "}",
     "node 0 (input): input of 2147483647x"},
    {NODES(IN "," RELU("2", ",\"strides\":[0,1]")) "}", "\"strides\""},
    {NODES(IN "," RELU("2", ",\"padding\":\"most\"")) "}", "\"padding\""},
    {NODES(IN "," RELU("2", ",\"flags\":[\"x\"]")) "}", "\"flags\""},
    {NODES(IN "," RELU("2", ",\"operands\":7")) "}", "\"operands\""},
    {NODES(IN ",{\"id\":1,\"op\":\"relu\",\"in\":[4,4,2],\"out\":[8,8,2]}"
              ",{\"id\":2,\"op\":\"output\",\"in\":[8,8,2],\"out\":[8,8,2]}") ",\"edges\":[[0,1],["
                                                                              "1,2]]}",
     "node 1 (relu): the file says"},
};

static void bad_files_are_refused_with_a_reason(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const ag_graph *g = NULL;
    ag_error err;
    char text[1024];
    ag_status status = ag_graph_parse_json(bad[i].text, strlen(bad[i].text), &g, &err);
    if (status == AG_OK) fail_msg("accepted: %s", bad[i].text);
    if (!strstr(ag_error_text(&err, text, sizeof text), bad[i].reason))
      fail_msg("%s\n  expected: %s\n  said: %s", bad[i].text, bad[i].reason, text);
    assert_null(g);
  }
}

/* Nothing but the whole text is a graph. */
static void truncated_files_are_refused(void **state) {
  (void)state;
  const ag_graph *g = random_graph(4, 12), *back;
  char *text = ag_graph_to_json(g);
  size_t length = strlen(text);
  for (size_t cut = 0; cut + 1 < length; cut++) {
    char *copy = malloc(cut + 1);
    memcpy(copy, text, cut);
    assert_int_not_equal(ag_graph_parse_json(copy, cut, &back, NULL), AG_OK);
    free(copy);
  }
  free(text);
  ag_graph_release(g);
}

static void damaged_files_never_crash(void **state) {
  (void)state;
  const ag_graph *g = random_graph(3, 30), *back;
  char *text = ag_graph_to_json(g);
  size_t length = strlen(text);
  ag_random random = ag_random_stream(31, 0, 0, 0, 0);
  for (int round = 0; round < 4000; round++) {
    char *copy = malloc(length);
    memcpy(copy, text, length);
    size_t cut = round % 2 ? length : ag_random_below(&random, length);
    for (int flips = 0; flips < 3; flips++)
      copy[ag_random_below(&random, length)] = (char)ag_random_below(&random, 256);
    if (ag_graph_parse_json(copy, cut, &back, NULL) == AG_OK) {
      assert_int_equal(ag_graph_check(back, NULL), AG_OK);
      ag_graph_release(back);
    }
    free(copy);
  }
  free(text);
  ag_graph_release(g);
}

static void too_many_values_are_refused(void **state) {
  (void)state;
  enum { VALUES = 20000000 };
  char *text = malloc(2 * VALUES);
  for (int i = 0; i < VALUES; i++) memcpy(text + 2 * i, i ? "1," : "[ ", 2);
  const ag_graph *g;
  assert_int_equal(ag_graph_parse_json(text, 2 * (size_t)VALUES, &g, NULL), AG_LIMIT);
  free(text);
}

static void deep_nesting_is_refused(void **state) {
  (void)state;
  enum { DEPTH = 100000 };
  char *text = malloc(DEPTH);
  memset(text, '[', DEPTH);
  const ag_graph *g;
  assert_int_equal(ag_graph_parse_json(text, DEPTH, &g, NULL), AG_LIMIT);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_files_are_refused_with_a_reason),
      cmocka_unit_test(truncated_files_are_refused),
      cmocka_unit_test(damaged_files_never_crash),
      cmocka_unit_test(too_many_values_are_refused),
      cmocka_unit_test(deep_nesting_is_refused),
  };
  return cmocka_run_group_tests_name("json refused", tests, NULL, NULL);
}
