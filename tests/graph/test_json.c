/* CG JSON: the published graphs read with the counts they state; what is written reads back as the
 * same graph; bad input is refused with a reason and never crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <cJSON.h>

#include "autogo/graph.h"
#include "engine/base/file.h"
#include "engine/base/random.h"
#include "tests/support/random_graph.h"

static const char *shared_folder(void) {
  const char *folder = getenv("AUTOGO_SHARED");
  return folder ? folder : "../shared";
}

static const char *const published[] = {
    "edsr_arch1",     "edsr_base",    "fsrcnn3",    "fsrcnn4",  "hiaml_best",
    "inception_best", "nb101_best",   "nb201_best", "resnet50", "resnet50_autogo_arch2",
    "two_path_best",  "unet_denoise", "vgg16_bn",
};

static cJSON *decode(const char *path) {
  char *text;
  size_t size;
  if (ag_file_read(path, 1 << 20, &text, &size, NULL)) return NULL;
  cJSON *root = cJSON_Parse(text);
  free(text);
  return root;
}

static void check_published(const char *path) {
  const ag_graph *g;
  ag_error err;
  char text[1024];
  if (ag_graph_load_json(path, &g, &err)) fail_msg("%s", ag_error_text(&err, text, sizeof text));
  cJSON *root = decode(path);
  assert_int_equal(g->size, cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(root, "nodes")));
  assert_int_equal(ag_graph_edges(g),
                   cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(root, "edges")));
  double flops = cJSON_GetObjectItemCaseSensitive(root, "flops")->valuedouble;
  assert_true((double)ag_graph_flops(g) == flops);
  cJSON_Delete(root);
  ag_graph_release(g);
}

static void published_graphs_have_the_counts_they_state(void **state) {
  (void)state;
  char path[512];
  snprintf(path, sizeof path, "%s/data/cg", shared_folder());
  FILE *probe = fopen(path, "rb");
  if (!probe) {
    puts("skipped: no published graphs");
    skip();
  }
  fclose(probe);
  for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
    snprintf(path, sizeof path, "%s/data/cg/%s.json", shared_folder(), published[i]);
    check_published(path);
  }
}

static void written_graphs_read_back(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 300; seed++) {
    const ag_graph *g = random_graph(seed, 60), *back;
    char *text = ag_graph_to_json(g);
    ag_error err;
    char message[1024];
    if (ag_graph_parse_json(text, strlen(text), &back, &err))
      fail_msg("seed %d: %s", (int)seed, ag_error_text(&err, message, sizeof message));
    assert_true(ag_graph_isomorphic(g, back, AG_EQUAL_SHAPES, NULL));
    assert_int_equal(ag_graph_flops(g), ag_graph_flops(back));
    char *again = ag_graph_to_json(back);
    assert_string_equal(text, again);
    free(again);
    free(text);
    ag_graph_release(back);
    ag_graph_release(g);
  }
}

/* Nodes listed backwards are put in order. */
static void order_is_found_where_the_file_has_none(void **state) {
  (void)state;
  const char *text =
      "{\"name\":\"r\",\"nodes\":[{\"id\":9,\"op\":\"output\",\"in\":[4,4,2],\"out\":[4,4,2]},"
      "{\"id\":5,\"op\":\"add\",\"in\":[4,4,2],\"out\":[4,4,2],\"operands\":[3,3]},"
      "{\"id\":3,\"op\":\"input\",\"in\":[4,4,2],\"out\":[4,4,2]}],\"edges\":[[5,9],[3,5]]}";
  const ag_graph *g;
  assert_int_equal(ag_graph_parse_json(text, strlen(text), &g, NULL), AG_OK);
  assert_int_equal(g->nodes[0].op, AG_OP_INPUT);
  assert_int_equal(g->nodes[1].op, AG_OP_ADD);
  assert_int_equal(ag_graph_arity(g, 1), 2);
  assert_int_equal(ag_graph_predecessors(g, 1), 1);
  ag_graph_release(g);
}

#define IN "{\"id\":0,\"op\":\"input\",\"in\":[4,4,2],\"out\":[4,4,2]}"
#define OUT "{\"id\":1,\"op\":\"output\",\"in\":[4,4,2],\"out\":[4,4,2]}"
#define RELU(id, more) "{\"id\":" id ",\"op\":\"relu\",\"in\":[4,4,2],\"out\":[4,4,2]" more "}"
#define NODES(list) "{\"nodes\":[" list "]"

static const struct {
  const char *text, *reason;
} bad[] = {
    {"", "not JSON"},
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
    {NODES(IN "," OUT "," RELU("2", "")) ",\"edges\":[[0,1],[0,2]]}", "not used"},
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

static void deep_nesting_is_refused(void **state) {
  (void)state;
  enum { DEPTH = 100000 };
  char *text = malloc(DEPTH);
  memset(text, '[', DEPTH);
  const ag_graph *g;
  assert_int_equal(ag_graph_parse_json(text, DEPTH, &g, NULL), AG_FORMAT);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(published_graphs_have_the_counts_they_state),
      cmocka_unit_test(written_graphs_read_back),
      cmocka_unit_test(order_is_found_where_the_file_has_none),
      cmocka_unit_test(bad_files_are_refused_with_a_reason),
      cmocka_unit_test(damaged_files_never_crash),
      cmocka_unit_test(deep_nesting_is_refused),
  };
  return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
