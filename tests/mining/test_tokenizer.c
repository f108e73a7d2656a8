/* Training over graphs; files of tokenizers, sound and damaged. */
#include "tests/mining/tokenized.h"

static void assert_same_files(const ag_tokenizer *a, const ag_tokenizer *b) {
  char first[64], second[64], *x, *y;
  size_t x_size, y_size;
  temporary(first);
  temporary(second);
  assert_int_equal(ag_tokenizer_save(a, first, NULL), AG_OK);
  assert_int_equal(ag_tokenizer_save(b, second, NULL), AG_OK);
  read_all(first, &x, &x_size);
  read_all(second, &y, &y_size);
  assert_int_equal(x_size, y_size);
  assert_memory_equal(x, y, x_size);
  free(x);
  free(y);
  unlink(first);
  unlink(second);
}

static void test_order_of_graphs_does_not_matter(void **state) {
  (void)state;
  const ag_graph *shuffled[CORPUS];
  ag_tokenizer_options options = {.vocabulary = 1600, .max_length = 16};
  for (uint64_t seed = 0; seed < 5; seed++) {
    int32_t order[CORPUS];
    for (int i = 0; i < CORPUS; i++) order[i] = i;
    ag_random random = ag_random_stream(seed, 0, 0, 0, 0);
    ag_random_shuffle(&random, order, CORPUS);
    for (int i = 0; i < CORPUS; i++) shuffled[i] = graphs[order[i]];
    ag_tokenizer *other;
    assert_int_equal(ag_tokenizer_train(shuffled, CORPUS, &options, &other, NULL), AG_OK);
    assert_same_files(tokenizer, other);
    ag_tokenizer_free(other);
  }
}

static void test_alphabet_is_that_of_the_graphs(void **state) {
  (void)state;
  int64_t *counts = AG_ARRAY(int64_t, ag_tokenizer_symbols(tokenizer));
  char label[2048];
  for (int i = 0; i < CORPUS; i++)
    for (int k = 0; k < graphs[i]->size; k++) {
      int symbol = ag_tokenizer_find(tokenizer, ag_node_token_label(graphs[i], k, label, 2048));
      assert_in_range(symbol, 0, ag_tokenizer_symbols(tokenizer) - 1);
      assert_string_equal(ag_tokenizer_label(tokenizer, symbol), label);
      counts[symbol]++;
    }
  for (int i = 0; i < ag_tokenizer_symbols(tokenizer); i++) {
    assert_true(counts[i] > 0);
    if (i == 0) continue;
    assert_true(counts[i - 1] >= counts[i]);
    if (counts[i - 1] == counts[i])
      assert_true(strcmp(ag_tokenizer_label(tokenizer, i - 1), ag_tokenizer_label(tokenizer, i)) <
                  0);
  }
  assert_int_equal(ag_tokenizer_find(tokenizer, "swish,in,zero,out,zero"), -1);
  assert_int_equal(ag_tokenizer_find(tokenizer, "no label"), -1);
  free(counts);
}

static void test_limits_of_options(void **state) {
  (void)state;
  ag_tokenizer *none = NULL;
  ag_tokenizer_options bad[] = {
      {0, 16}, {AG_MAX_TOKENS + 1, 16}, {100, 0}, {100, AG_MAX_TOKEN_LENGTH + 1}};
  for (int i = 0; i < 4; i++)
    assert_int_equal(ag_tokenizer_train(graphs, CORPUS, &bad[i], &none, NULL), AG_INVALID);
  assert_null(none);
  ag_tokenizer_options published = ag_tokenizer_defaults();
  assert_int_equal(ag_tokenizer_train(NULL, 0, &published, &none, NULL), AG_OK);
  assert_int_equal(ag_tokenizer_tokens(none), 0);
  ag_tokenizer_free(none);
  for (int i = 0; i < ag_tokenizer_tokens(tokenizer); i++)
    assert_in_range(ag_tokenizer_length(tokenizer, i), 1, 16);
  assert_true(ag_tokenizer_tokens(tokenizer) <= 1600);
}

/* --- files ---------------------------------------------------------------------------- */

static void test_saved_and_loaded(void **state) {
  (void)state;
  char path[64];
  ag_tokenizer *loaded;
  ag_error err;
  temporary(path);
  assert_int_equal(ag_tokenizer_save(tokenizer, path, &err), AG_OK);
  assert_int_equal(ag_tokenizer_load(path, &loaded, &err), AG_OK);
  assert_same_files(tokenizer, loaded);
  for (int i = 0; i < CORPUS; i++) {
    ag_segmentation *a = ag_tokenizer_encode(tokenizer, graphs[i]);
    ag_segmentation *b = ag_tokenizer_encode(loaded, graphs[i]);
    int a_count, b_count;
    const ag_piece *x = ag_segmentation_pieces(a, &a_count);
    const ag_piece *y = ag_segmentation_pieces(b, &b_count);
    assert_int_equal(a_count, b_count);
    assert_memory_equal(x, y, (size_t)a_count * sizeof *x);
    ag_segmentation_free(a);
    ag_segmentation_free(b);
  }
  ag_tokenizer_free(loaded);
  unlink(path);
  assert_int_equal(ag_tokenizer_load(path, &loaded, &err), AG_IO);
  assert_string_equal(err.file, path);
}

static ag_status load_text(const char *text, size_t size, ag_error *err) {
  char path[64];
  temporary_with(path, text, size);
  ag_tokenizer *t = NULL;
  ag_status status = ag_tokenizer_load(path, &t, err);
  if (status) {
    assert_null(t);
    assert_int_equal(err->code, status);
    assert_string_equal(err->file, path);
  }
  ag_tokenizer_free(t);
  unlink(path);
  return status;
}

static void test_damaged_files(void **state) {
  (void)state;
  struct {
    const char *text;
    ag_status status;
    int64_t offset;
  } cases[] = {
      {"", AG_FORMAT, 0},
      {"hello\n", AG_FORMAT, 0},
      {"autogo tokenizer 2\nlength 16\nsymbols 0\nmerges 0\n", AG_UNSUPPORTED, -1},
      {"autogo tokenizer 1\nlength 65\nsymbols 0\nmerges 0\n", AG_FORMAT, 19},
      {"autogo tokenizer 1\nlength 16\nsymbols 0\nmerges 0\n", AG_OK, -1},
      {"autogo tokenizer 1\nlength 16\nsymbols 9999\nmerges 0\n", AG_FORMAT, 29},
      {"autogo tokenizer 1\nlength 16\nsymbols 1\nnonsense\nmerges 0\n", AG_FORMAT, 39},
      {"autogo tokenizer 1\nlength 16\nsymbols 2\nrelu,in,out\nrelu,in,out\nmerges 0\n", AG_FORMAT,
       51},
      {"autogo tokenizer 1\nlength 16\nsymbols 1\nrelu,in,out\nmerges 1\n0 1\n", AG_FORMAT, 60},
      {"autogo tokenizer 1\nlength 16\nsymbols 1\nrelu,in,out\nmerges 1\n0 0\n", AG_OK, -1},
      {"autogo tokenizer 1\nlength 2\nsymbols 1\nrelu,in,out\nmerges 2\n0 0\n0 1\n", AG_FORMAT, 63},
      {"autogo tokenizer 1\nlength 9\nsymbols 1\nrelu,in,out\nmerges 3\n0 0\n0 1\n1 0\n", AG_FORMAT,
       67},
      {"autogo tokenizer 1\nlength 9\nsymbols 1\nrelu,in,out\nmerges 1\n0 -1\n", AG_FORMAT, 59},
      {"autogo tokenizer 1\nlength 9\nsymbols 1\nrelu,in,out\nmerges 1\n0 0\n\n", AG_FORMAT, 63},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ag_error err = {0};
    ag_status status = load_text(cases[i].text, strlen(cases[i].text), &err);
    if (status != cases[i].status || (status && err.offset != cases[i].offset))
      fail_msg("case %d: status %d, offset %d: %s", (int)i, status, (int)err.offset, err.message);
  }
}

/* Cut anywhere, a file is refused; with any byte changed it may pass, but never does harm. */
static void test_mutilated_files(void **state) {
  (void)state;
  ag_tokenizer *small;
  ag_tokenizer_options options = {.vocabulary = 60, .max_length = 16};
  assert_int_equal(ag_tokenizer_train(&graphs[0], 1, &options, &small, NULL), AG_OK);
  char path[64], *data;
  size_t size;
  temporary(path);
  assert_int_equal(ag_tokenizer_save(small, path, NULL), AG_OK);
  read_all(path, &data, &size);
  ag_error err;
  assert_int_equal(load_text(data, size, &err), AG_OK);
  for (size_t cut = 0; cut < size; cut++) assert_int_not_equal(load_text(data, cut, &err), AG_OK);
  ag_random random = ag_random_stream(1, 2, 3, 4, 5);
  for (int i = 0; i < 2000; i++) {
    size_t at = (size_t)ag_random_below(&random, size);
    char saved = data[at];
    data[at] = (char)ag_random_below(&random, 256);
    load_text(data, size, &err);
    data[at] = saved;
  }
  free(data);
  unlink(path);
  ag_tokenizer_free(small);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order_of_graphs_does_not_matter),
      cmocka_unit_test(test_alphabet_is_that_of_the_graphs),
      cmocka_unit_test(test_limits_of_options),
      cmocka_unit_test(test_saved_and_loaded),
      cmocka_unit_test(test_damaged_files),
      cmocka_unit_test(test_mutilated_files),
  };
  return cmocka_run_group_tests(tests, make_corpus, free_corpus);
}
