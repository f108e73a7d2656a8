/* Byte-pair encoding against a quadratic one that recounts everything at each step, and against
 * SentencePiece's spm_train. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/random.h"
#include "engine/mining/bpe.h"
#include "tests/support/sentencepiece.h"

enum { MAX_TEXT = 4096, MAX_TOKENS = 400, MAX_SPELL = 64 };

/* --- the naive trainer ---------------------------------------------------------------- */

typedef struct naive {
  int32_t spell[MAX_TOKENS][MAX_SPELL];
  int length[MAX_TOKENS];
  ag_bpe_merge merges[MAX_TOKENS];
  int tokens, symbols;
  int32_t text[MAX_TEXT];
  int size;
  /* The merge from which SentencePiece may differ: it breaks a tie of equal spellings at random, or
   * may have lost an occurrence of a pair in a run of three equal tokens (up to release 0.1.98). */
  int doubtful;
} naive;

static int concatenate(const naive *n, int left, int right, int32_t *out) {
  memcpy(out, n->spell[left], (size_t)n->length[left] * sizeof *out);
  memcpy(out + n->length[left], n->spell[right], (size_t)n->length[right] * sizeof *out);
  return n->length[left] + n->length[right];
}

static int is_token(const naive *n, const int32_t *spell, int length) {
  for (int t = 0; t < n->tokens; t++)
    if (n->length[t] == length && !memcmp(n->spell[t], spell, (size_t)length * sizeof *spell))
      return 1;
  return 0;
}

static int compare(const int32_t *a, int a_length, const int32_t *b, int b_length) {
  if (a_length != b_length) return a_length - b_length;
  for (int i = 0; i < a_length; i++)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}

static int count_pair(const naive *n, int left, int right) {
  int count = 0;
  for (int i = 0; i + 1 < n->size; i++)
    if (n->text[i] == left && n->text[i + 1] == right) count++, i += left == right;
  return count;
}

static int has_run(const naive *n) {
  for (int i = 0; i + 2 < n->size; i++)
    if (n->text[i] >= 0 && n->text[i] == n->text[i + 1] && n->text[i] == n->text[i + 2]) return 1;
  return 0;
}

/* One step: the best pair by (count, shorter, spelling, left token); 0 when none occurs twice. */
static int naive_step(naive *n, int max_length) {
  int best_count = 0, best_length = 0, best_left = -1, best_right = -1, tie = 0;
  int32_t best[2 * MAX_SPELL], spell[2 * MAX_SPELL];
  for (int left = 0; left < n->tokens; left++)
    for (int right = 0; right < n->tokens; right++) {
      int count = count_pair(n, left, right);
      if (count < 2 || n->length[left] + n->length[right] > max_length) continue;
      int length = concatenate(n, left, right, spell);
      if (is_token(n, spell, length) || count < best_count) continue;
      int order = count > best_count ? -1 : compare(spell, length, best, best_length);
      if (order == 0) tie = 1;
      if (order >= 0) continue;
      tie = 0;
      best_count = count, best_length = length, best_left = left, best_right = right;
      memcpy(best, spell, (size_t)length * sizeof *spell);
    }
  if (best_count == 0) return 0;
  int token = n->tokens++;
  if ((tie || has_run(n)) && token - n->symbols < n->doubtful) n->doubtful = token - n->symbols;
  n->merges[token - n->symbols] = (ag_bpe_merge){best_left, best_right};
  n->length[token] = best_length;
  memcpy(n->spell[token], best, (size_t)best_length * sizeof *best);
  int size = 0;
  for (int i = 0; i < n->size; i++) {
    bool here = i + 1 < n->size && n->text[i] == best_left && n->text[i + 1] == best_right;
    n->text[size++] = here ? token : n->text[i];
    i += here;
  }
  n->size = size;
  return 1;
}

static naive *naive_train(const int32_t *text, int size, int symbols, int vocabulary,
                          int max_length) {
  naive *n = AG_NEW(naive);
  n->tokens = n->symbols = symbols;
  n->doubtful = INT32_MAX;
  for (int i = 0; i < symbols; i++) n->spell[i][0] = i, n->length[i] = 1;
  memcpy(n->text, text, (size_t)size * sizeof *text);
  n->size = size;
  while (n->tokens < vocabulary && naive_step(n, max_length)) {
  }
  return n;
}

/* --- random corpora ------------------------------------------------------------------- */

/* Strings that repeat phrases of a small stock, with noise. */
static int random_text(ag_random *random, int32_t *text, int size, int symbols) {
  int32_t stock[8][12];
  int stock_length[8], at = 0;
  for (int i = 0; i < 8; i++) {
    stock_length[i] = 1 + (int)ag_random_below(random, 12);
    for (int k = 0; k < 12; k++) stock[i][k] = (int32_t)ag_random_below(random, (uint64_t)symbols);
  }
  while (at < size - 16) {
    int what = (int)ag_random_below(random, 12);
    if (what < 8)
      for (int k = 0; k < stock_length[what]; k++) text[at++] = stock[what][k];
    else if (what < 11)
      text[at++] = (int32_t)ag_random_below(random, (uint64_t)symbols);
    else if (at > 0 && text[at - 1] >= 0)
      text[at++] = -1;
  }
  text[at++] = -1;
  return at;
}

static void assert_naive(const int32_t *text, int length, int symbols, int vocabulary,
                         int max_length) {
  naive *expected = naive_train(text, length, symbols, vocabulary, max_length);
  ag_bpe_merge *merges;
  int count = ag_bpe_train(text, length, symbols, vocabulary, max_length, &merges);
  assert_int_equal(count, expected->tokens - symbols);
  for (int i = 0; i < count; i++) {
    assert_int_equal(merges[i].left, expected->merges[i].left);
    assert_int_equal(merges[i].right, expected->merges[i].right);
  }
  free(merges);
  free(expected);
}

static void test_merges_equal_the_naive_ones(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 150; seed++) {
    ag_random random = ag_random_stream(seed, 0, 0, 0, 0);
    int symbols = 1 + (int)ag_random_below(&random, 12);
    int size = 40 + (int)ag_random_below(&random, 400);
    int max_length = 2 + (int)ag_random_below(&random, 20);
    int32_t text[MAX_TEXT];
    int length = random_text(&random, text, size, symbols);
    assert_naive(text, length, symbols, symbols + 40, max_length);
  }
}

/* Runs of one symbol, periods, Thue and Morse's sequence, few symbols: counts that are equal, pairs
 * that overlap. */
static int32_t regular(int kind, int at, int period, int symbols) {
  switch (kind) {
  case 0:
    return 0;
  case 1:
    return at / period % symbols;
  case 2:
    return at % symbols;
  case 3:
    return __builtin_popcount((unsigned)at) % symbols;
  default:
    return at * 7 % (period + 3) < 2 ? symbols - 1 : 0;
  }
}

static void test_ties_and_overlaps(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 600; seed++) {
    ag_random random = ag_random_stream(seed, 1, 0, 0, 0);
    int symbols = 1 + (int)ag_random_below(&random, 4), kind = (int)(seed % 5);
    int length = 2 + (int)ag_random_below(&random, 250);
    int period = 1 + (int)ag_random_below(&random, 6), cuts = 5 + (int)ag_random_below(&random, 60);
    int32_t text[MAX_TEXT];
    for (int i = 0; i < length; i++) {
      bool end = i == length - 1 || ag_random_below(&random, (uint64_t)cuts) == 0;
      text[i] = end ? -1 : regular(kind, i, period, symbols);
    }
    assert_naive(text, length, symbols, symbols + (int)ag_random_below(&random, 25),
                 1 + (int)ag_random_below(&random, 20));
  }
}

static void test_edge_cases(void **state) {
  (void)state;
  ag_bpe_merge *merges;
  assert_int_equal(ag_bpe_train(NULL, 0, 0, 100, 16, &merges), 0);
  free(merges);
  int32_t empty[] = {-1, -1, -1};
  assert_int_equal(ag_bpe_train(empty, 3, 3, 100, 16, &merges), 0);
  free(merges);
  int32_t once[] = {0, 1, 2, -1};
  assert_int_equal(ag_bpe_train(once, 4, 3, 100, 16, &merges), 0);
  free(merges);
  int32_t apart[] = {0, -1, 1, -1, 0, -1, 1, -1}; /* no pair crosses the end of a string */
  assert_int_equal(ag_bpe_train(apart, 8, 2, 100, 16, &merges), 0);
  free(merges);
  int32_t full[] = {0, 1, 0, 1, -1};
  assert_int_equal(ag_bpe_train(full, 5, 2, 1, 16, &merges), 0); /* vocabulary below alphabet */
  free(merges);
  assert_int_equal(ag_bpe_train(full, 5, 2, 100, 1, &merges), 0);
  free(merges);
}

/* --- SentencePiece -------------------------------------------------------------------- */

static int drop_repetitions(int32_t *text, int size) {
  int kept = 1;
  for (int i = 1; i < size; i++)
    if (text[i] != text[kept - 1]) text[kept++] = text[i];
  return kept;
}

/* Ours against SentencePiece's pieces, as far as those are certain; returns how many merges. */
static int compare_with_spm(const char *folder, const int32_t *text, int length, int symbols) {
  static spm_piece pieces[MAX_TOKENS];
  int vocabulary = symbols + 60;
  naive *named = naive_train(text, length, symbols, vocabulary, 16);
  ag_bpe_merge *merges;
  int count = ag_bpe_train(text, length, symbols, vocabulary, 16, &merges);
  spm_train(folder, text, length, vocabulary);
  int spm_count = spm_pieces(folder, pieces, MAX_TOKENS);
  if (count > named->doubtful) count = named->doubtful;
  assert_true(spm_count >= count); /* it goes on to pairs that occur once */
  for (int i = 0; i < count; i++) {
    assert_int_equal(pieces[i].length, named->length[symbols + i]);
    assert_memory_equal(pieces[i].symbols, named->spell[symbols + i],
                        (size_t)pieces[i].length * sizeof(int32_t));
  }
  free(merges);
  free(named);
  return count;
}

static int random_corpora(const char *folder) {
  int compared = 0;
  for (uint64_t seed = 0; seed < 12; seed++) {
    ag_random random = ag_random_stream(seed, 7, 0, 0, 0);
    int symbols = 20 + (int)ag_random_below(&random, 20);
    int32_t text[MAX_TEXT];
    int length = drop_repetitions(text, random_text(&random, text, 1200, symbols));
    compared += compare_with_spm(folder, text, length, symbols);
  }
  return compared;
}

/* a, aa, aaa, ... and the like of b, c, d: overlapping pairs, and nothing else to lose them to. */
static int runs(const char *folder) {
  int compared = 0;
  for (int longest = 3; longest < 10; longest++) {
    int32_t text[MAX_TEXT];
    int length = 0;
    for (int symbol = 0; symbol < 4; symbol++)
      for (int run = 1; run <= longest + 2 * symbol; run++) {
        for (int i = 0; i < run; i++) text[length++] = symbol;
        text[length++] = -1;
      }
    ag_bpe_merge *merges;
    assert_true(ag_bpe_train(text, length, 4, 8, 16, &merges) == 4);
    spm_piece pieces[5];
    spm_train(folder, text, length, 8);
    assert_int_equal(spm_pieces(folder, pieces, 5), 4);
    naive *named = naive_train(text, length, 4, 8, 16);
    for (int i = 0; i < 4; i++, compared++) {
      assert_int_equal(merges[i].left, named->merges[i].left);
      assert_int_equal(pieces[i].length, named->length[4 + i]);
      assert_memory_equal(pieces[i].symbols, named->spell[4 + i],
                          (size_t)pieces[i].length * sizeof(int32_t));
    }
    free(named);
    free(merges);
  }
  return compared;
}

static void test_merges_equal_those_of_sentencepiece(void **state) {
  (void)state;
  if (!spm_available()) skip();
  char folder[32];
  spm_folder(folder);
  assert_true(random_corpora(folder) > 300);
  if (spm_counts_overlaps_once()) assert_true(runs(folder) > 20);
  spm_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_merges_equal_the_naive_ones),
      cmocka_unit_test(test_ties_and_overlaps),
      cmocka_unit_test(test_edge_cases),
      cmocka_unit_test(test_merges_equal_those_of_sentencepiece),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
