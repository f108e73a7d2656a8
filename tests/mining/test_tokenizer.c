/* Labels, training over graphs, encoding and files, against plain versions of the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "autogo/mining.h"
#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/random.h"
#include "engine/mining/labels.h"
#include "tests/support/cell_graph.h"
#include "tests/support/random_graph.h"
#include "tests/support/sentencepiece.h"

enum { CORPUS = 24 };

static const ag_graph *graphs[CORPUS];
static ag_tokenizer *tokenizer;

/* Even ones are cell networks, odd ones anything. */
static int make_corpus(void **state) {
  (void)state;
  for (int i = 0; i < CORPUS; i++)
    graphs[i] = i % 2 ? random_graph((uint64_t)i, 120) : cell_graph((uint64_t)i, 3, "cells");
  ag_tokenizer_options options = {.vocabulary = 1600, .max_length = 16};
  return ag_tokenizer_train(graphs, CORPUS, &options, &tokenizer, NULL) != AG_OK;
}

static int free_corpus(void **state) {
  (void)state;
  for (int i = 0; i < CORPUS; i++) ag_graph_release(graphs[i]);
  ag_tokenizer_free(tokenizer);
  return 0;
}

/* --- labels --------------------------------------------------------------------------- */

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

/* --- training ------------------------------------------------------------------------- */

static void read_all(const char *path, char **data, size_t *size) {
  assert_int_equal(ag_file_read(path, 1 << 28, data, size, NULL), AG_OK);
}

static void temporary(char path[64]) {
  strcpy(path, "/tmp/autogo-tokenizer-XXXXXX");
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
}

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

/* --- encoding ------------------------------------------------------------------------- */

/* Segments as (first, tree): the token a run of symbols spells, found by searching all tokens. */
static int token_of(const int32_t *symbols, int length) {
  for (int t = 0; t < ag_tokenizer_tokens(tokenizer); t++)
    if (ag_tokenizer_length(tokenizer, t) == length &&
        !memcmp(ag_tokenizer_spelling(tokenizer, t), symbols, (size_t)length * sizeof *symbols))
      return t;
  return -1;
}

typedef struct plain {
  int32_t bounds[4096];
  int count;
  int32_t cut[4096]; /* of a joined run [first, last): where its halves meet, by (first, last) */
  int32_t first[4096], last[4096];
  int cuts;
} plain;

static void plain_encode(const ag_graph *g, plain *p) {
  int32_t symbols[2048];
  char label[2048];
  for (int i = 0; i < g->size; i++)
    symbols[i] = ag_tokenizer_find(tokenizer, ag_node_token_label(g, i, label, sizeof label));
  p->count = g->size;
  p->cuts = 0;
  for (int i = 0; i <= g->size; i++) p->bounds[i] = i;
  for (;;) {
    int best = -1, at = -1;
    for (int i = 0; i + 2 <= p->count; i++) {
      int length = p->bounds[i + 2] - p->bounds[i];
      if (length > 16) continue;
      int token = token_of(symbols + p->bounds[i], length);
      if (token >= 0 && (best < 0 || token < best)) best = token, at = i;
    }
    if (best < 0) return;
    p->first[p->cuts] = p->bounds[at];
    p->cut[p->cuts] = p->bounds[at + 1];
    p->last[p->cuts++] = p->bounds[at + 2];
    memmove(p->bounds + at + 1, p->bounds + at + 2,
            (size_t)(p->count - at - 1) * sizeof *p->bounds);
    p->count--;
  }
}

static int plain_cut(const plain *p, int first, int last) {
  for (int i = 0; i < p->cuts; i++)
    if (p->first[i] == first && p->last[i] == last) return p->cut[i];
  return -1;
}

/* Un-merge [first, last) until every piece is kept; appends ends to bounds. */
static int plain_split(const ag_graph *g, const plain *p, const uint8_t *keep, int first, int last,
                       int32_t *bounds, int count) {
  int32_t symbols[64];
  char label[2048];
  if (last - first > 1) {
    for (int i = first; i < last; i++)
      symbols[i - first] =
          ag_tokenizer_find(tokenizer, ag_node_token_label(g, i, label, sizeof label));
    if (!keep[token_of(symbols, last - first)]) {
      int cut = plain_cut(p, first, last);
      count = plain_split(g, p, keep, first, cut, bounds, count);
      return plain_split(g, p, keep, cut, last, bounds, count);
    }
  }
  bounds[count + 1] = last;
  return count + 1;
}

static void check_forest(const ag_graph *g, const ag_segmentation *s, const plain *p) {
  int count;
  const ag_piece *piece = ag_segmentation_pieces(s, &count);
  assert_int_equal(count, g->size + p->cuts);
  for (int i = g->size; i < count; i++) {
    assert_int_equal(piece[i].first, piece[piece[i].left].first);
    assert_int_equal(piece[i].last, piece[piece[i].right].last);
    assert_int_equal(plain_cut(p, piece[i].first, piece[i].last), piece[piece[i].left].last);
    assert_int_equal(ag_tokenizer_length(tokenizer, piece[i].token),
                     piece[i].last - piece[i].first);
  }
}

static void check_sparse(const ag_graph *g, const ag_segmentation *s, const plain *p,
                         uint64_t seed) {
  int tokens = ag_tokenizer_tokens(tokenizer);
  uint8_t *mask = AG_ARRAY(uint8_t, tokens);
  int32_t *bounds = AG_ARRAY(int32_t, g->size + 1), *expected = AG_ARRAY(int32_t, g->size + 1);
  int32_t *token = AG_ARRAY(int32_t, g->size);
  for (uint64_t k = 0; k < 5; k++) {
    ag_tokenizer_sparse(tokenizer, 0.25 * (double)k, seed * 8 + k, mask);
    int count = ag_segmentation_tokens(s, mask, bounds, token), wanted = 0;
    for (int i = 0; i < p->count; i++)
      wanted = plain_split(g, p, mask, p->bounds[i], p->bounds[i + 1], expected, wanted);
    assert_int_equal(count, wanted);
    assert_memory_equal(bounds, expected, (size_t)(count + 1) * sizeof *bounds);
    for (int i = 0; i < count; i++) {
      assert_true(bounds[i + 1] - bounds[i] == 1 || mask[token[i]]);
      if (token[i] >= 0)
        assert_int_equal(ag_tokenizer_length(tokenizer, token[i]), bounds[i + 1] - bounds[i]);
    }
    if (k == 0) assert_int_equal(count, g->size);
    if (k == 4) assert_int_equal(count, p->count);
  }
  free(mask);
  free(bounds);
  free(expected);
  free(token);
}

/* Graphs of the corpus and others, with labels the tokenizer has never seen. */
static void test_encoding_is_the_plain_one(void **state) {
  (void)state;
  static plain p;
  int32_t bounds[4096];
  int joins = 0;
  for (int i = 0; i < CORPUS + 20; i++) {
    const ag_graph *g =
        i < CORPUS ? ag_graph_retain(graphs[i]) : random_graph(1000 + (uint64_t)i, 80);
    plain_encode(g, &p);
    ag_segmentation *s = ag_tokenizer_encode(tokenizer, g);
    int count = ag_segmentation_bounds(s, NULL, bounds);
    assert_int_equal(count, p.count);
    assert_memory_equal(bounds, p.bounds, (size_t)(count + 1) * sizeof *bounds);
    check_forest(g, s, &p);
    check_sparse(g, s, &p, (uint64_t)i);
    joins += p.cuts;
    ag_segmentation_free(s);
    ag_graph_release(g);
  }
  assert_true(joins > 500);
}

/* The corpus as one text of symbol numbers, each graph ended by -1. */
static int text_of(const ag_tokenizer *t, int32_t *text) {
  int length = 0;
  char label[2048];
  for (int i = 0; i < CORPUS; i++) {
    for (int k = 0; k < graphs[i]->size; k++)
      text[length++] = ag_tokenizer_find(t, ag_node_token_label(graphs[i], k, label, sizeof label));
    text[length++] = -1;
  }
  return length;
}

/* How many of the first pieces are the first merges. */
static int common_merges(const ag_tokenizer *t, const spm_piece *pieces, int count) {
  int symbols = ag_tokenizer_symbols(t), i = 0;
  if (count > ag_tokenizer_tokens(t) - symbols) count = ag_tokenizer_tokens(t) - symbols;
  while (i < count && pieces[i].length == ag_tokenizer_length(t, symbols + i) &&
         !memcmp(pieces[i].symbols, ag_tokenizer_spelling(t, symbols + i),
                 (size_t)pieces[i].length * sizeof(int32_t)))
    i++;
  return i;
}

/* With a vocabulary cut where the merges agree, so do all segmentations. */
static void test_segmentations_are_those_of_sentencepiece(void **state) {
  (void)state;
  if (!spm_available()) skip();
  static int32_t text[16384], lengths[16384];
  static spm_piece pieces[400];
  char folder[32];
  spm_folder(folder);
  int symbols = ag_tokenizer_symbols(tokenizer), length = text_of(tokenizer, text);
  spm_train(folder, text, length, symbols + 400);
  int merges = common_merges(tokenizer, pieces, spm_pieces(folder, pieces, 400));
  assert_true(merges > 30);
  spm_train(folder, text, length, symbols + merges);
  int count = spm_encode(folder, lengths, 16384), at = 0;
  spm_remove(folder);

  ag_tokenizer *cut;
  ag_tokenizer_options options = {.vocabulary = symbols + merges, .max_length = 16};
  assert_int_equal(ag_tokenizer_train(graphs, CORPUS, &options, &cut, NULL), AG_OK);
  for (int i = 0; i < CORPUS; i++) {
    int32_t bounds[4096];
    ag_segmentation *s = ag_tokenizer_encode(cut, graphs[i]);
    int segments = ag_segmentation_bounds(s, NULL, bounds);
    for (int k = 0; k < segments; k++) assert_int_equal(lengths[at++], bounds[k + 1] - bounds[k]);
    assert_int_equal(lengths[at++], 0);
    ag_segmentation_free(s);
  }
  assert_int_equal(at, count);
  ag_tokenizer_free(cut);
}

static void test_unknown_labels_stand_alone(void **state) {
  (void)state;
  ag_tokenizer *blind;
  ag_tokenizer_options options = ag_tokenizer_defaults();
  assert_int_equal(ag_tokenizer_train(&graphs[0], 1, &options, &blind, NULL), AG_OK);
  int unknown = 0;
  for (int i = 1; i < CORPUS; i += 2) {
    int32_t bounds[2048], tokens[2048];
    ag_segmentation *s = ag_tokenizer_encode(blind, graphs[i]);
    int count = ag_segmentation_tokens(s, NULL, bounds, tokens);
    for (int k = 0; k < count; k++) {
      if (tokens[k] >= 0) continue;
      char label[2048];
      assert_int_equal(bounds[k + 1] - bounds[k], 1);
      ag_node_token_label(graphs[i], bounds[k], label, sizeof label);
      assert_int_equal(ag_tokenizer_find(blind, label), -1);
      unknown++;
    }
    ag_segmentation_free(s);
  }
  assert_true(unknown > 0);
  ag_tokenizer_free(blind);
}

static void test_sparse_vocabularies(void **state) {
  (void)state;
  int tokens = ag_tokenizer_tokens(tokenizer), symbols = ag_tokenizer_symbols(tokenizer);
  uint8_t *a = AG_ARRAY(uint8_t, tokens), *b = AG_ARRAY(uint8_t, tokens);
  int kept = 0, differ = 0;
  for (uint64_t key = 0; key < 50; key++) {
    ag_tokenizer_sparse(tokenizer, 0.5, key, a);
    ag_tokenizer_sparse(tokenizer, 0.5, key, b);
    assert_memory_equal(a, b, (size_t)tokens);
    ag_tokenizer_sparse(tokenizer, 0.5, key + 1, b);
    for (int t = 0; t < tokens; t++) {
      if (t < symbols) assert_int_equal(a[t], 1);
      if (t >= symbols) kept += a[t], differ += a[t] != b[t];
    }
  }
  double all = 50.0 * (tokens - symbols);
  assert_true(kept > 0.45 * all && kept < 0.55 * all);
  assert_true(differ > 0.45 * all && differ < 0.55 * all);
  free(a);
  free(b);
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
  temporary(path);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  fwrite(text, 1, size, file);
  fclose(file);
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
      cmocka_unit_test(test_labels_by_hand),
      cmocka_unit_test(test_keys_and_texts_agree),
      cmocka_unit_test(test_what_is_no_label),
      cmocka_unit_test(test_order_of_graphs_does_not_matter),
      cmocka_unit_test(test_alphabet_is_that_of_the_graphs),
      cmocka_unit_test(test_limits_of_options),
      cmocka_unit_test(test_encoding_is_the_plain_one),
      cmocka_unit_test(test_segmentations_are_those_of_sentencepiece),
      cmocka_unit_test(test_unknown_labels_stand_alone),
      cmocka_unit_test(test_sparse_vocabularies),
      cmocka_unit_test(test_saved_and_loaded),
      cmocka_unit_test(test_damaged_files),
      cmocka_unit_test(test_mutilated_files),
  };
  return cmocka_run_group_tests(tests, make_corpus, free_corpus);
}
