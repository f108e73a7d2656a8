/* Problem files: what they mean, by problems whose answer is known; and what is wrong with bad
 * ones, naming problem and node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/resolve.h"
#include "engine/base/random.h"

#define CONV "{\"op\":\"conv\",\"in\":[8,8,4],\"out\":[8,8,4]}"
#define RELU "{\"op\":\"relu\",\"in\":[8,8,4],\"out\":[8,8,4]}"
#define ADD "{\"op\":\"add\",\"in\":[8,8,4],\"out\":[8,8,4]}"
#define PROBLEM(nodes, edges, targets)                                                             \
  "{\"nodes\":[" nodes "],\"edges\":[" edges "],\"targets\":{" targets "}}"
#define CHAIN PROBLEM(CONV "," RELU, "[0,1]", "\"1\":[8,8,4]")

static ag_resolve_instances *parse(const char *text) {
  ag_resolve_instances *list;
  ag_error err;
  if (ag_resolve_parse(text, strlen(text), &list, &err))
    fail_msg("%s: %s (%s)", err.node, err.message, text);
  return list;
}

static ag_status solve(const ag_resolve_instances *list, ag_resolve_result *result) {
  static ag_solver *solver;
  ag_error err;
  if (!list) {
    ag_solver_free(solver);
    solver = NULL;
    return AG_OK;
  }
  if (!solver) solver = ag_solver_new(AG_RESOLVE_EXACT);
  ag_resolve_problem p = ag_resolve_instance_problem(&list->instance[0], AG_RESOLVE_OURS);
  ag_status status = ag_resolve(solver, &p, result, &err);
  if (!status) assert_int_equal(ag_resolve_check(&p, result, &err), AG_OK);
  return status;
}

static void assert_shape(ag_shape s, int h, int w, int c) {
  assert_true(ag_shape_equal(s, (ag_shape){h, w, c}));
}

/* algorithm.md section 5: two convolutions must both adapt. */
static void test_worked_example(void **state) {
  (void)state;
  ag_resolve_instances *list =
      parse("{\"nodes\":[{\"op\":\"conv\",\"in\":[32,32,16],\"out\":[32,32,16]},"
            "{\"op\":\"batchnorm\",\"in\":[32,32,16],\"out\":[32,32,16]},"
            "{\"op\":\"conv\",\"in\":[32,32,16],\"out\":[32,32,16]},"
            "{\"op\":\"add\",\"in\":[32,32,16],\"out\":[32,32,16]}],"
            "\"edges\":[[0,3],[1,2],[2,3]],\"targets\":{\"3\":[16,16,32]}}");
  const ag_segment *s = list->instance[0].segment;
  ag_resolve_result r;
  assert_int_equal(list->size, 1);
  assert_int_equal(s->inputs, 2);
  assert_false(list->instance[0].answered);
  assert_int_equal(solve(list, &r), AG_OK);
  assert_shape(r.out[0], 16, 16, 32);
  assert_shape(r.out[1], 32, 32, 16);
  assert_shape(r.out[2], 16, 16, 32);
  ag_resolve_instances_free(list);
}

/* What edges leave open comes from outside; a pair given twice is used twice. */
static void test_ports(void **state) {
  (void)state;
  ag_resolve_instances *list =
      parse("[" PROBLEM(CONV "," ADD, "[0,1]", "\"1\":[8,8,4]") "," PROBLEM(
          CONV "," ADD, "[0,1],[0,1]",
          "\"1\":[8,8,4]") "," PROBLEM(ADD, "",
                                       "\"0\":[8,8,4]") ","
                                                        "{\"nodes\":[" CONV
                                                        ",{\"op\":\"concat\",\"in\":[8,8,4],"
                                                        "\"out\":[8,8,9]}],"
                                                        "\"edges\":[[0,1]],\"targets\":{\"0\":[8,8,"
                                                        "4],\"1\":[8,8,9]},\"feasible\":false}]");
  static const int inputs[4] = {2, 1, 2, 2};
  assert_int_equal(list->size, 4);
  for (int k = 0; k < 4; k++) assert_int_equal(list->instance[k].segment->inputs, inputs[k]);
  const ag_segment *s = list->instance[1].segment;
  assert_int_equal(s->operands[s->operand_start[1]], 0);
  assert_int_equal(s->operands[s->operand_start[1] + 1], 0);
  s = list->instance[3].segment;
  assert_int_equal(s->input_shapes[1].c, 5);
  assert_int_equal(s->outputs, 2);
  assert_true(list->instance[3].answered && !list->instance[3].feasible);
  ag_resolve_instances_free(list);
}

static ag_node window(const char *attributes) {
  char text[400];
  snprintf(text, sizeof text,
           "{\"nodes\":[{\"op\":\"maxpool\",%s}],\"edges\":[],\"targets\":{\"0\":[1,1,1]}}",
           attributes);
  ag_resolve_instances *list = parse(text);
  ag_node n = list->instance[0].segment->nodes[0];
  ag_resolve_instances_free(list);
  return n;
}

/* Strides that the file leaves out: equal where one will do, the smallest, "same" before "valid".
 */
static void test_windows(void **state) {
  (void)state;
  ag_node n = window("\"in\":[8,8,1],\"out\":[4,4,1]");
  assert_int_equal(n.stride[0], 2);
  assert_int_equal(n.stride[1], 2);
  assert_int_equal(n.kernel[0], 3);
  assert_int_equal(n.padding, AG_PAD_SAME);
  n = window("\"in\":[5,8,1],\"out\":[2,2,1]");
  assert_int_equal(n.stride[0], 4); /* 3 would do for the height, but not for both */
  assert_int_equal(n.stride[1], 4);
  n = window("\"in\":[8,8,1],\"out\":[8,2,1]");
  assert_int_equal(n.stride[0], 1);
  assert_int_equal(n.stride[1], 4);
  n = window("\"in\":[32,32,1],\"out\":[30,30,1]"); /* only without padding */
  assert_int_equal(n.padding, AG_PAD_VALID);
  assert_int_equal(n.stride[0], 1);
  n = window("\"in\":[11,11,1],\"out\":[4,4,1],\"kernel\":[5,5],\"padding\":\"valid\"");
  assert_int_equal(n.stride[0], 2);
  n = window("\"in\":[8,8,1],\"out\":[4,4,1],\"kernel\":[2,2],\"pads\":[1,1,0,0],"
             "\"padding\":\"explicit\"");
  assert_int_equal(n.stride[0], 2);
}

/* Two branches without an edge between them are one problem. */
static void test_parts(void **state) {
  (void)state;
  ag_resolve_result r;
  ag_resolve_instances *list = parse(PROBLEM(CONV "," CONV, "", "\"0\":[4,4,8],\"1\":[8,8,2]"));
  assert_int_equal(solve(list, &r), AG_OK);
  assert_shape(r.out[0], 4, 4, 8);
  assert_shape(r.out[1], 8, 8, 2);
  ag_resolve_instances_free(list);
}

/* --- bad input -------------------------------------------------------------------------------- */

typedef struct bad {
  const char *text;
  ag_status status;
  const char *node;   /* as the error names it */
  const char *reason; /* part of it */
} bad;

#define SIZED(in, out)                                                                             \
  PROBLEM("{\"op\":\"relu\",\"in\":" in ",\"out\":" out "}", "", "\"0\":[1,1,1]")
#define OP(text) PROBLEM("{\"op\":" text "}", "", "\"0\":[8,8,4]")
#define ENDS PROBLEM(CONV, "", "\"0\":[8,8,4]")

static const bad BAD[] = {
    {"", AG_FORMAT, "", "not JSON"},
    {"[", AG_FORMAT, "", "not JSON"},
    {"3", AG_FORMAT, "problem 0", "must be an object"},
    {"[{}]", AG_FORMAT, "problem 0", "\"nodes\""},
    {"[" CHAIN ",[]]", AG_FORMAT, "problem 1", "must be an object"},
    {"{\"nodes\":[],\"edges\":[],\"targets\":{}}", AG_FORMAT, "problem 0", "no nodes"},
    {"{\"nodes\":[" CONV "]}", AG_FORMAT, "problem 0", "\"edges\""},
    {"{\"nodes\":[" CONV "],\"edges\":[]}", AG_FORMAT, "problem 0", "\"targets\""},
    {PROBLEM("7", "", ""), AG_FORMAT, "problem 0, node 0", "must be an object"},
    {OP("4"), AG_FORMAT, "problem 0, node 0", "\"op\" is missing"},
    {OP("\"convolve\""), AG_FORMAT, "problem 0, node 0", "op is unknown"},
    {OP("\"conv\""), AG_FORMAT, "problem 0, node 0", "\"in\" and \"out\""},
    /* edges: cycles, nodes that do not exist */
    {"[" CHAIN "," PROBLEM(CONV "," RELU, "[0,1],[1,0]", "\"1\":[8,8,4]") "]", AG_FORMAT,
     "problem 1, node 0", "a cycle?"},
    {PROBLEM(CONV "," RELU, "[0,1],[1,1]", "\"1\":[8,8,4]"), AG_FORMAT, "problem 0, node 1",
     "a cycle?"},
    {PROBLEM(CONV, "[0,1]", "\"0\":[8,8,4]"), AG_FORMAT, "problem 0", "edge 0 is not a pair"},
    {PROBLEM(CONV, "[-1,0]", "\"0\":[8,8,4]"), AG_FORMAT, "problem 0", "edge 0 is not a pair"},
    {PROBLEM(CONV "," RELU, "[0,1],[0,0.5]", ""), AG_FORMAT, "problem 0", "edge 1 is not a pair"},
    {PROBLEM(CONV "," RELU, "[0,1,1]", ""), AG_FORMAT, "problem 0", "edge 0 is not a pair"},
    {PROBLEM(CONV "," CONV "," RELU, "[0,2],[1,2]", "\"2\":[8,8,4]"), AG_INVALID,
     "problem 0, node 2 (relu)", "wrong number of operands"},
    /* a node that is cut off */
    {PROBLEM(CONV "," CONV "," RELU, "[0,2]", "\"2\":[8,8,4]"), AG_INVALID,
     "problem 0, node 1 (conv)", "dead end"},
    {PROBLEM(CONV "," RELU, "[0,1]", "\"0\":[8,8,4]"), AG_INVALID, "problem 0, node 1 (relu)",
     "dead end"},
    /* sizes */
    {SIZED("[0,8,4]", "[8,8,4]"), AG_FORMAT, "problem 0, node 0", "positive whole numbers"},
    {SIZED("[8,8,4]", "[8,8,-4]"), AG_FORMAT, "problem 0, node 0", "positive whole numbers"},
    {SIZED("[8,8,2147483648]", "[8,8,4]"), AG_FORMAT, "problem 0, node 0", "below 2^31"},
    {SIZED("[8,8,1e300]", "[8,8,4]"), AG_FORMAT, "problem 0, node 0", "below 2^31"},
    {SIZED("[8,8]", "[8,8,4]"), AG_FORMAT, "problem 0, node 0", "[H, W, C]"},
    {SIZED("[8,8,4]", "[8,8,5]"), AG_FORMAT, "problem 0, node 0", "its operands give"},
    {PROBLEM("{\"op\":\"maxpool\",\"in\":[8,8,4],\"out\":[9,9,4]}", "", "\"0\":[1,1,1]"), AG_FORMAT,
     "problem 0, node 0", "no stride"},
    {PROBLEM("{\"op\":\"maxpool\",\"in\":[2147483647,1,1],\"out\":[1,1,1],\"kernel\":[0,1],"
             "\"padding\":\"valid\"}",
             "", "\"0\":[1,1,1]"),
     AG_FORMAT, "problem 0, node 0", "no stride"},
    {PROBLEM("{\"op\":\"conv\",\"in\":[8,8,4],\"out\":[8,8,4],\"groups\":3}", "", "\"0\":[8,8,4]"),
     AG_FORMAT, "problem 0, node 0", "groups"},
    {PROBLEM("{\"op\":\"conv\",\"in\":[8,8,4],\"out\":[8,8,4],\"kernel\":[99999,1]}", "",
             "\"0\":[8,8,4]"),
     AG_INVALID, "problem 0, node 0 (conv)", "kernel outside"},
    {PROBLEM("{\"op\":\"conv\",\"in\":[8,8,4],\"out\":[8,8,4],\"strides\":[0,1]}", "",
             "\"0\":[8,8,4]"),
     AG_FORMAT, "problem 0, node 0", "\"strides\""},
    {PROBLEM("{\"op\":\"opaque\",\"in\":[8,8,4],\"out\":[8,8,4]}", "", "\"0\":[8,8,4]"),
     AG_UNSUPPORTED, "problem 0, node 0 (opaque)", "cannot be part"},
    /* targets */
    {PROBLEM(CONV, "", "\"1\":[8,8,4]"), AG_FORMAT, "problem 0", "node \"1\", but no such node"},
    {PROBLEM(CONV, "", "\"-1\":[8,8,4]"), AG_FORMAT, "problem 0", "but no such node"},
    {PROBLEM(CONV, "", "\"00\":[8,8,4]"), AG_FORMAT, "problem 0", "but no such node"},
    {PROBLEM(CONV, "", "\"\":[8,8,4]"), AG_FORMAT, "problem 0", "but no such node"},
    {PROBLEM(CONV, "", "\"99999999999999999999\":[8,8,4]"), AG_FORMAT, "problem 0", "no such node"},
    {PROBLEM(CONV, "", "\"0\":[8,8,0]"), AG_FORMAT, "problem 0, node 0", "its target must be"},
    {PROBLEM(CONV, "", "\"0\":[8,8,2147483648]"), AG_FORMAT, "problem 0, node 0", "below 2^31"},
    {PROBLEM(CONV, "", "\"0\":[8,8,4],\"0\":[8,8,4]"), AG_FORMAT, "problem 0, node 0",
     "two targets"},
    /* answers */
    {"{\"feasible\":1,\"nodes\":[" CONV "],\"edges\":[],\"targets\":{\"0\":[8,8,4]}}", AG_FORMAT,
     "problem 0", "\"feasible\""},
    {"{\"feasible\":true,\"nodes\":[" CONV "],\"edges\":[],\"targets\":{\"0\":[8,8,4]}}", AG_FORMAT,
     "problem 0", "\"objective\""},
};

static void test_bad(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof BAD / sizeof *BAD; k++) {
    ag_resolve_instances *list = NULL;
    ag_error err;
    ag_status status = ag_resolve_parse(BAD[k].text, strlen(BAD[k].text), &list, &err);
    if (status != BAD[k].status || strcmp(err.node, BAD[k].node) != 0 ||
        !strstr(err.message, BAD[k].reason))
      fail_msg("%s\nsays %d, \"%s\": \"%s\"", BAD[k].text, (int)status, status ? err.node : "",
               status ? err.message : "");
    assert_null(list);
    assert_int_equal(ag_resolve_parse(BAD[k].text, strlen(BAD[k].text), &list, NULL), status);
  }
}

static void test_too_many_nodes(void **state) {
  (void)state;
  enum { NODES = 1025 };
  char *text = malloc(NODES * sizeof RELU + 100), *at = text;
  at += sprintf(at, "{\"nodes\":[");
  for (int i = 0; i < NODES; i++) at += sprintf(at, "%s" RELU, i ? "," : "");
  sprintf(at, "],\"edges\":[],\"targets\":{}}");
  ag_resolve_instances *list;
  ag_error err;
  assert_int_equal(ag_resolve_parse(text, strlen(text), &list, &err), AG_LIMIT);
  assert_non_null(strstr(err.message, "problem 0 has 1025 nodes, more than 1024"));
  free(text);
}

static void test_no_file(void **state) {
  (void)state;
  ag_resolve_instances *list;
  ag_error err;
  assert_int_equal(ag_resolve_load("/nonexistent/problems.json", &list, &err), AG_IO);
  assert_string_equal(err.file, "/nonexistent/problems.json");
}

/* Valid text with bytes overwritten: no crash, and what is accepted can be solved or has a reason.
 */
static void test_damaged(void **state) {
  (void)state;
  static const char letters[] = "0123456789-,:[]{}\"eE. \\";
  ag_random random = ag_random_stream(7, 0, 0, 0, 0);
  int accepted = 0;
  for (int k = 0; k < 20000; k++) {
    char text[] = "[" CHAIN "," PROBLEM(CONV "," CONV "," ADD, "[0,2],[1,2]",
                                        "\"2\":[8,8,4],\"0\":[4,4,4]") "," ENDS "]";
    for (int times = 1 + k % 3; times > 0; times--)
      text[ag_random_below(&random, sizeof text - 1)] =
          letters[ag_random_below(&random, sizeof letters - 1)];
    ag_resolve_instances *list = NULL;
    ag_error err;
    ag_resolve_result r;
    ag_status status = ag_resolve_parse(text, sizeof text - 1, &list, &err);
    if (status) {
      assert_true(err.message[0]);
      continue;
    }
    accepted++;
    if (list->size) solve(list, &r);
    ag_resolve_instances_free(list);
  }
  assert_true(accepted > 100 && accepted < 19000);
}

static int release_solver(void **state) {
  (void)state;
  return (int)solve(NULL, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_worked_example),
      cmocka_unit_test(test_ports),
      cmocka_unit_test(test_windows),
      cmocka_unit_test(test_parts),
      cmocka_unit_test(test_bad),
      cmocka_unit_test(test_too_many_nodes),
      cmocka_unit_test(test_no_file),
      cmocka_unit_test(test_damaged),
  };
  return cmocka_run_group_tests(tests, NULL, release_solver);
}
