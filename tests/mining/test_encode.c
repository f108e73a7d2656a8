/* Segmentations against a plain encoder, and against those of SentencePiece. */
#include "tests/mining/tokenized.h"
#include "tests/support/sentencepiece.h"

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_encoding_is_the_plain_one),
      cmocka_unit_test(test_segmentations_are_those_of_sentencepiece),
      cmocka_unit_test(test_unknown_labels_stand_alone),
      cmocka_unit_test(test_sparse_vocabularies),
  };
  return cmocka_run_group_tests(tests, make_corpus, free_corpus);
}
