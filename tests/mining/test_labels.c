/* Labels of nodes: by hand, as keys and as texts, and what is none. */
#include "engine/mining/labels.h"
#include "tests/mining/support.h"

static int add_node(ag_builder *b, ag_op op, int height, int width, const int *operands,
                    int count) {
  ag_node node = ag_node_make(op);
  node.kernel[0] = height;
  node.kernel[1] = width;
  if (op == AG_OP_INPUT) node.out = (ag_shape){8, 8, 4};
  if (op == AG_OP_CONV) node.out.c = 4;
  return ag_builder_add(b, node, operands, count, NULL);
}

static void test_labels_by_hand(void **state) {
  (void)state;
  ag_builder *b = ag_builder_new("labels");
  int input = add_node(b, AG_OP_INPUT, 0, 0, NULL, 0);
  int conv = add_node(b, AG_OP_CONV, 3, 3, &input, 1);
  int relu = add_node(b, AG_OP_RELU, 0, 0, &conv, 1);
  int relu6 = add_node(b, AG_OP_RELU6, 0, 0, &conv, 1);
  int twice = add_node(b, AG_OP_ADD, 0, 0, (int[]){relu, relu}, 2);
  int wide = add_node(b, AG_OP_CONV, 1, 3, &relu6, 1);
  int pool = add_node(b, AG_OP_MAXPOOL, 2, 2, &relu6, 1);
  int sum = add_node(b, AG_OP_ADD, 0, 0, (int[]){wide, twice, conv}, 3);
  int last = add_node(b, AG_OP_CONCAT, 0, 0, (int[]){sum, sum, sum}, 3);
  last = add_node(b, AG_OP_OUTPUT, 0, 0, &last, 1);
  last = add_node(b, AG_OP_OUTPUT, 0, 0, &pool, 1);
  const ag_graph *graph;
  ag_error err;
  assert_int_equal(ag_builder_finish(b, &graph, &err), AG_OK);
  const char *expected[] = {"input,in,out,conv",
                            "conv,3,in,input,out,add,relu,relu6",
                            "relu,in,conv,out,add",
                            "relu6,in,conv,out,conv,maxpool",
                            "add,in,relu,out,add",
                            "conv,1x3,in,relu6,out,add",
                            "maxpool,2,in,relu6,out,output",
                            "add,in,add,conv,conv,out,concat",
                            "concat,in,add,out,output",
                            "output,in,concat,out",
                            "output,in,maxpool,out"};
  assert_int_equal(graph->size, 11);
  char buffer[64];
  for (int i = 0; i < graph->size; i++)
    assert_string_equal(ag_node_token_label(graph, i, buffer, sizeof buffer), expected[i]);
  assert_string_equal(ag_node_token_label(graph, 1, buffer, 10), "conv,3,in");
  ag_graph_release(graph);
}

/* Keys, texts and parsed texts say the same of any two nodes. */
static void test_keys_and_texts_agree(void **state) {
  (void)state;
  ag_label_terms terms = ag_label_terms_make();
  for (uint64_t seed = 0; seed < 60; seed++) {
    const ag_graph *g = random_graph(seed, 60);
    ag_hash *keys = AG_ARRAY(ag_hash, g->size);
    char(*texts)[2048] = ag_alloc((size_t)g->size, sizeof *texts);
    ag_label_keys(&terms, g, keys);
    for (int i = 0; i < g->size; i++) {
      ag_label label;
      ag_node_token_label(g, i, texts[i], sizeof texts[i]);
      assert_true(ag_label_parse(texts[i], &label));
      assert_true(ag_hash_equal(ag_label_key(&terms, &label), keys[i]));
      for (int k = 0; k < i; k++)
        assert_int_equal(ag_hash_equal(keys[i], keys[k]), !strcmp(texts[i], texts[k]));
    }
    free(keys);
    free(texts);
    ag_graph_release(g);
  }
}

static void test_what_is_no_label(void **state) {
  (void)state;
  const char *bad[] = {"",
                       ",",
                       "conv",
                       "conv,in",
                       "conv,in,relu",
                       "conv,out,in",
                       "conv2d,3,in,out",
                       "conv,03,in,out",
                       "conv,3x3,in,out",
                       "conv,0,in,out",
                       "conv,-1,in,out",
                       "conv,3,in,relu,add,out",
                       "conv,3,in,out,",
                       "conv,3,in,out,nonsense",
                       "conv,3,in,out,add,in,add",
                       "conv,99999999999999999999,in,out",
                       "conv,3,3,in,out",
                       "relu,in,,out"};
  ag_label label;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (ag_label_parse(bad[i], &label)) fail_msg("\"%s\" passed", bad[i]);
  assert_true(ag_label_parse("conv,3,in,out", &label));
  assert_true(ag_label_parse("conv,1x3,in,add,relu,out,relu6,relu6", &label));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_labels_by_hand),
      cmocka_unit_test(test_keys_and_texts_agree),
      cmocka_unit_test(test_what_is_no_label),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
