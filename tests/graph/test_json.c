/* CG JSON: the published graphs read with the counts they state; what is written reads back as the
 * same graph. */
#include <cJSON.h>
#include <time.h>

#include "engine/base/file.h"
#include "tests/graph/json_text.h"
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

#define JOIN(op, out) "{\"id\":2,\"op\":\"" op "\",\"in\":[4,4,2],\"out\":" out "}"
#define END(out) "{\"id\":1,\"op\":\"output\",\"in\":" out ",\"out\":" out "}"

/* Edge lists are sets: x + x has one edge. */
static void a_join_of_one_edge_takes_its_tensor_twice(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int arity;
  } cases[] = {
      {NODES(IN "," JOIN("add", "[4,4,2]") "," END("[4,4,2]")) ",\"edges\":[[0,2],[2,1]]}", 2},
      {NODES(IN "," JOIN("mul", "[4,4,2]") "," END("[4,4,2]")) ",\"edges\":[[0,2],[2,1]]}", 2},
      {NODES(IN "," JOIN("concat", "[4,4,6]") "," END("[4,4,6]")) ",\"edges\":[[0,2],[2,1]]}", 3},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const ag_graph *g = read_text(cases[i].text);
    assert_int_equal(ag_graph_arity(g, 1), cases[i].arity);
    assert_int_equal(ag_graph_predecessors(g, 1), 1);
    ag_graph_release(g);
  }
}

/* Operands in the file's order and multiplicity; edges give ascending producers. */
static void operands_keep_their_order(void **state) {
  (void)state;
  const char *head = "{\"nodes\":[" IN "," RELU("7", "") ",{\"id\":4,\"op\":\"concat\",";
  const char *tail = "\"in\":[4,4,2],\"out\":[4,4,6]}," END("[4,4,6]") "],\"edges\":[[0,7],[4,1]";
  char text[1024];
  snprintf(text, sizeof text, "%s\"operands\":[7,0,7],%s,[7,4],[0,4]]}", head, tail);
  const ag_graph *g = read_text(text);
  const int32_t want[] = {1, 0, 1};
  assert_memory_equal(ag_graph_operands(g, 2), want, sizeof want);
  ag_graph_release(g);
}

/* NB-101 (families.md 4.4): a consumer of fewer channels than its operand has reads the first. */
static void fewer_input_channels_are_a_slice(void **state) {
  (void)state;
  const ag_graph *g = read_text(
      NODES(IN ",{\"id\":2,\"op\":\"conv\",\"in\":[4,4,1],\"out\":[4,4,2],\"kernel\":[1,1]},"
               "{\"id\":3,\"op\":\"add\",\"in\":[4,4,1],\"out\":[4,4,1]},"
               "{\"id\":4,\"op\":\"output\",\"in\":[4,4,1],\"out\":[4,4,1]}") ",\"edges\":[[0,2],["
                                                                              "0,3],[2,3],[3,4]]}");
  assert_int_equal(g->nodes[1].flags, AG_FLAG_SLICE);
  assert_int_equal(ag_graph_flops(g),
                   2 * (4 * 4 * 2 + 2 * 4 * 4)); /* conv 1 -> 2; add, two edges */
  char *text = ag_graph_to_json(g);
  const ag_graph *back = read_text(text);
  assert_true(ag_graph_isomorphic(g, back, AG_EQUAL_SHAPES, NULL));
  free(text);
  ag_graph_release(back);
  ag_graph_release(g);
}

/* Attributes an op does not have do not tell graphs apart; those it has do. */
static void attributes_count_where_they_belong(void **state) {
  (void)state;
  const ag_graph *plain =
      read_text(NODES(IN "," RELU("2", "") "," OUT) ",\"edges\":[[0,2],[2,1]]}");
  const ag_graph *noisy = read_text(NODES(IN "," RELU(
      "2",
      ",\"kernel\":[3,3],\"strides\":[2,2],\"padding\":\"valid\",\"groups\":2,"
      "\"pads\":[1,1,1,1],\"dilations\":[2,2],\"bias\":true,\"extra\":{}") "," OUT) ",\"edges\":[["
                                                                                    "0,2],[2,1]]}");
  assert_true(ag_hash_equal(ag_graph_hash(plain), ag_graph_hash(noisy)));
  ag_graph_release(plain);
  ag_graph_release(noisy);
}

/* All that a node can carry, through text and back. */
static const ag_graph *rich_graph(const char *name) {
  ag_builder *b = ag_builder_new(name);
  ag_builder_set_family(b, "odd");
  ag_builder_set_normalisers(b, (ag_shape){9, 8, 7});
  ag_builder_set_dynamic_batch(b, true);
  ag_node input = ag_node_make(AG_OP_INPUT);
  input.out = (ag_shape){12, 10, 8};
  int x = ag_builder_add(b, input, NULL, 0, name);
  ag_node conv = ag_node_make(AG_OP_CONV);
  conv.kernel[0] = 3, conv.kernel[1] = 2, conv.dilation[1] = 2, conv.groups = 2, conv.bias = 1;
  conv.padding = AG_PAD_EXPLICIT, conv.pads[0] = 1, conv.pads[3] = 2, conv.out.c = 16;
  int y = ag_builder_add(b, conv, &x, 1, name);
  ag_node pool = ag_node_make(AG_OP_AVGPOOL);
  pool.kernel[0] = pool.kernel[1] = 3, pool.stride[0] = 2, pool.padding = AG_PAD_SAME_LOWER;
  pool.flags = AG_FLAG_CEIL | AG_FLAG_COUNT_PADS;
  y = ag_builder_add(b, pool, &y, 1, NULL);
  ag_node leaky = ag_node_make(AG_OP_LEAKYRELU);
  leaky.alpha = 0.1f;
  y = ag_builder_add(b, leaky, &y, 1, NULL);
  ag_node opaque = ag_node_make(AG_OP_OPAQUE);
  ag_record record = {.source_op = "LayerNormalization"};
  opaque.record = ag_store_add(ag_builder_store(b), &record);
  opaque.out = (ag_shape){3, 3, 3};
  opaque.macs = INT64_C(1) << 40;
  y = ag_builder_add(b, opaque, (int[]){y, x, y}, 3, NULL);
  ag_node resize = ag_node_make(AG_OP_RESIZE);
  resize.stride[0] = 2, resize.stride[1] = 4, resize.flags = AG_FLAG_LINEAR | AG_FLAG_ALIGN;
  y = ag_builder_add(b, resize, &y, 1, NULL);
  ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &y, 1, NULL);
  const ag_graph *g = NULL;
  ag_error err;
  char text[1024];
  if (ag_builder_finish(b, &g, &err)) fail_msg("%s", ag_error_text(&err, text, sizeof text));
  return g;
}

static void everything_a_node_carries_is_kept(void **state) {
  (void)state;
  const char *name = "a \"b\\c\n\x01\xc3\xa4/\xf0\x9f\x90\xa7";
  const ag_graph *g = rich_graph(name);
  char *text = ag_graph_to_json(g);
  const ag_graph *back = read_text(text);
  assert_string_equal(back->name, name);
  assert_string_equal(back->names[1], name);
  assert_null(back->names[2]);
  assert_string_equal(back->family, "odd");
  assert_true(ag_shape_equal(back->normalisers, g->normalisers));
  assert_true(back->dynamic_batch);
  for (int i = 0; i < g->size; i++) {
    ag_node a = g->nodes[i], b = back->nodes[i];
    a.record = b.record = -1;
    assert_memory_equal(&a, &b, sizeof a);
  }
  const ag_record *record = ag_store_get(back->store, back->nodes[4].record);
  assert_string_equal(record->source_op, "LayerNormalization");
  free(text);
  ag_graph_release(back);
  ag_graph_release(g);
}

/* What is not UTF-8 does not get into a JSON file; a decimal comma neither. */
static void the_text_is_json_whatever_the_names(void **state) {
  (void)state;
  static const char *const names[] = {"\xff",     "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xe4\xb8", "a\x80z"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const ag_graph *g = rich_graph(names[i]);
    char *text = ag_graph_to_json(g);
    assert_non_null(strstr(text, "\xef\xbf\xbd"));
    for (const char *c = text; *c; c++) assert_true((unsigned char)*c < 0xf8);
    assert_non_null(strstr(text, "\"alpha\":0.1"));
    ag_graph_release(read_text(text));
    free(text);
    ag_graph_release(g);
  }
}

/* Files on disk: the error names the file; a saved graph loads. */
static void files_are_named_and_saved(void **state) {
  (void)state;
  char path[] = "/tmp/autogo-json-XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  assert_int_equal(write(file, "{}", 2), 2);
  close(file);
  const ag_graph *g = NULL, *back;
  ag_error err;
  char text[1024];
  assert_int_equal(ag_graph_load_json(path, &g, &err), AG_FORMAT);
  assert_non_null(strstr(ag_error_text(&err, text, sizeof text), path));
  g = random_graph(1, 20);
  assert_int_equal(ag_graph_save_json(g, path, &err), AG_OK);
  assert_int_equal(ag_graph_load_json(path, &back, &err), AG_OK);
  assert_true(ag_hash_equal(ag_graph_hash(g), ag_graph_hash(back)));
  ag_graph_release(back);
  ag_graph_release(g);
  unlink(path);
  assert_int_equal(ag_graph_load_json(path, &g, &err), AG_IO);
}

/* As many nodes and edges as are allowed, all on one wide join: no step may be quadratic. */
static void the_largest_graph_is_read_in_seconds(void **state) {
  (void)state;
  enum { WIDE = 99997 };
  ag_text text = {0};
  ag_text_add(&text, "{\"nodes\":[" IN);
  for (int i = 2; i < WIDE + 2; i++)
    ag_text_add(&text,
                ",{\"id\":%d,\"op\":\"relu\",\"in\":[4,4,2],\"out\":[4,4,2],\"operands\":[0]}", i);
  ag_text_add(&text, ",{\"id\":1,\"op\":\"add\",\"in\":[4,4,2],\"out\":[4,4,2],\"operands\":[2");
  for (int k = 1; k < 9 * WIDE; k++) ag_text_add(&text, ",%d", 2 + k % WIDE);
  ag_text_add(&text,
              "]},{\"id\":-1,\"op\":\"output\",\"in\":[4,4,2],\"out\":[4,4,2],\"operands\":[1]}]}");
  clock_t begin = clock();
  const ag_graph *g = NULL;
  assert_int_equal(ag_graph_parse_json(text.data, text.size, &g, NULL), AG_OK);
  assert_int_equal(ag_graph_edges(g), 2 * WIDE + 1);
  free(ag_graph_to_json(g));
  assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 30);
  ag_graph_release(g);
  ag_text_free(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(published_graphs_have_the_counts_they_state),
      cmocka_unit_test(written_graphs_read_back),
      cmocka_unit_test(order_is_found_where_the_file_has_none),
      cmocka_unit_test(operands_keep_their_order),
      cmocka_unit_test(a_join_of_one_edge_takes_its_tensor_twice),
      cmocka_unit_test(fewer_input_channels_are_a_slice),
      cmocka_unit_test(attributes_count_where_they_belong),
      cmocka_unit_test(everything_a_node_carries_is_kept),
      cmocka_unit_test(the_text_is_json_whatever_the_names),
      cmocka_unit_test(files_are_named_and_saved),
      cmocka_unit_test(the_largest_graph_is_read_in_seconds),
  };
  return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
