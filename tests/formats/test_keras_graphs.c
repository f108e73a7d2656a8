/* Models of Keras that are more than chains: branches, shared layers, models within models; layouts
 * and open sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/formats/keras_maker.h"

static const ag_graph *two_branches(ag_op join) {
  chain c = begin(8, 6, 4);
  int input = c.x;
  add(&c, conv_node(AG_OP_CONV, 4, 3, 1, AG_PAD_SAME, 1));
  int operands[2] = {c.x, input};
  c.x = ag_builder_add(c.b, ag_node_make(join), operands, 2, NULL);
  return finish(&c);
}

/* The convolution's result and its input into a layer, in the words of each version. */
static char *joined(int version, const char *join) {
  static const char *const calls[][2] = {
      {"c Convolution2D {'nb_filter':4,'nb_row':3,'nb_col':3,'border_mode':'same'} [[['x',0,0]]]",
       "[[['c',0,0],['x',0,0]]]"},
      {"c Conv2D {'filters':4,'kernel_size':[3,3],'padding':'same'} [[['x',0,0,{}]]]",
       "[[['c',0,0,{}],['x',0,0,{}]]]"},
      {"c Conv2D {'filters':4,'kernel_size':[3,3],'padding':'same'} [{'args':[@x],'kwargs':{}}]",
       "[{'args':[[@c,@x]],'kwargs':{}}]"}};
  char layers[1200];
  snprintf(layers, sizeof layers, "%s\nj %s %s", calls[version - 1][0], join,
           calls[version - 1][1]);
  return called(version, layers);
}

static void joins(void **state) {
  (void)state;
  static const struct {
    ag_op op;
    const char *join[3]; /* of each version */
  } kinds[] = {
      {AG_OP_ADD, {"Merge {'mode':'sum'}", "Add {}", "Add {}"}},
      {AG_OP_MUL, {"Merge {'mode':'mul'}", "Multiply {}", "Multiply {}"}},
      {AG_OP_CONCAT,
       {"Merge {'mode':'concat','concat_axis':-1}", "Concatenate {'axis':3}", "Concatenate {}"}}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    const ag_graph *expected = two_branches(kinds[i].op);
    for (int version = 1; version <= 3; version++) {
      char *text = joined(version, kinds[i].join[version - 1]);
      compare(text, expected);
      free(text);
    }
    ag_graph_release(expected);
  }
}

static void compare_quoted(const char *text, const ag_graph *expected) {
  char *copy = quoted(text);
  compare(copy, expected);
  free(copy);
}

#define SMALL_CONV "{'filters':4,'kernel_size':[1,1]}"

/* A layer that is called twice, and a model as a layer; what TF.js puts around a model. */
static void shared_and_nested(void **state) {
  (void)state;
  chain c = begin(8, 6, 4);
  add(&c, conv_node(AG_OP_CONV, 4, 1, 1, AG_PAD_SAME, 1));
  add(&c, ag_node_make(AG_OP_RELU));
  add(&c, conv_node(AG_OP_CONV, 4, 1, 1, AG_PAD_SAME, 1));
  const ag_graph *expected = finish(&c);
  compare_quoted(
      "{'modelTopology':{'keras_version':'2.2.4','model_config':{'class_name':'Model','config':{"
      "'layers':[{'class_name':'InputLayer','name':'x','config':{'batch_input_shape':[null,8,6,4]},"
      "'inbound_nodes':[]},{'class_name':'Conv2D','name':'c','config':" SMALL_CONV ","
      "'inbound_nodes':[[['x',0,0,{}]],[['r',0,0,{}]]]},{'class_name':'ReLU','name':'r','config':{}"
      ","
      "'inbound_nodes':[[['c',0,0,{}]]]}],'output_layers':[['c',1,0]]}}}}",
      expected);
  char *inner = called(3, "c Conv2D {'filters':4,'kernel_size':[1,1],'activation':'relu'} "
                          "[{'args':[@x],'kwargs':{}}]"),
       text[2000];
  snprintf(text, sizeof text,
           "{'class_name':'Sequential','config':{'name':'s','layers':[%s,{'class_name':'Conv2D',"
           "'config':" SMALL_CONV "}],'build_input_shape':[null,8,6,4]}}",
           inner);
  compare_quoted(text, expected);
  compare_quoted(
      "{'class_name':'Sequential','keras_version':'1.0.0','config':["
      "{'class_name':'Convolution2D','config':{'name':'a','nb_filter':4,'nb_row':1,'nb_col':1,"
      "'batch_input_shape':[null,8,6,4],'activation':'relu'}},{'class_name':'Convolution2D',"
      "'config':{'name':'b','nb_filter':4,'nb_row':1,'nb_col':1}}]}",
      expected);
  free(inner);
  ag_graph_release(expected);
}

static void channels_first(void **state) {
  (void)state;
  chain c = begin(8, 6, 4);
  add(&c, conv_node(AG_OP_CONV, 5, 3, 1, AG_PAD_SAME, 1));
  add(&c, ag_node_make(AG_OP_BATCHNORM));
  const ag_graph *expected = finish(&c);
  char *text = functional(2, "[null,4,8,6]",
                          "Conv2D {\"filters\":5,\"kernel_size\":[3,3],\"padding\":\"same\","
                          "\"data_format\":\"channels_first\"}\nBatchNormalization {\"axis\":1}");
  compare(text, expected);
  free(text);
  ag_graph_release(expected);
}

static void open_sizes_are_bound(void **state) {
  (void)state;
  ag_import_options options = {.bind = {8, 6, 4}};
  ag_error err;
  const ag_graph *g;
  char *text = functional(2, "[null,null,null,4]", "ReLU {}");
  assert_int_equal(ag_keras_parse(text, strlen(text), NULL, &g, NULL, &err), AG_UNSUPPORTED);
  assert_string_equal(err.node, "n0 (InputLayer)");
  assert_non_null(strstr(err.message, "--input"));
  g = parse(text, &options, NULL);
  assert_true(ag_shape_equal(g->nodes[0].out, options.bind));
  assert_true(g->dynamic_batch);
  ag_graph_release(g);
  free(text);
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--write") == 0) folder = argv[2];
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(joins),
      cmocka_unit_test(shared_and_nested),
      cmocka_unit_test(channels_first),
      cmocka_unit_test(open_sizes_are_bound),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
