/* The tokenizer: an alphabet of labels and merges over it.
 *
 * A token is a string of symbols. Encoding joins two neighbours when together they spell a token,
 * by whichever split (SentencePiece's rule), so each token enters the pair table once for every way
 * to cut its spelling into two tokens. The table is built here, once, for learned and loaded
 * tokenizers alike; it is all that encoding needs. */
#include "engine/mining/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/random.h"

ag_tokenizer_options ag_tokenizer_defaults(void) {
  return (ag_tokenizer_options){.vocabulary = 2000, .max_length = 16};
}

ag_status ag_tokenizer_check(const ag_tokenizer_options *options, ag_error *err) {
  if (options->vocabulary < 1 || options->vocabulary > AG_MAX_TOKENS)
    return ag_fail(err, AG_INVALID, "a vocabulary of %d tokens is outside 1 to %d",
                   options->vocabulary, AG_MAX_TOKENS);
  if (options->max_length < 1 || options->max_length > AG_MAX_TOKEN_LENGTH)
    return ag_fail(err, AG_INVALID, "a token length of %d is outside 1 to %d", options->max_length,
                   AG_MAX_TOKEN_LENGTH);
  return AG_OK;
}

/* --- making --------------------------------------------------------------------------- */

static ag_status index_labels(ag_tokenizer *t, int *where, ag_error *err) {
  for (*where = 0; *where < t->symbols; ++*where) {
    ag_label label;
    if (!ag_label_parse(t->labels[*where], &label))
      return ag_fail(err, AG_FORMAT, "\"%.200s\" is not a node label", t->labels[*where]);
    bool fresh;
    ag_map_put(&t->alphabet, ag_label_key(&t->terms, &label), *where, &fresh);
    if (!fresh) return ag_fail(err, AG_FORMAT, "label \"%.200s\" comes twice", t->labels[*where]);
  }
  return AG_OK;
}

static ag_hash spelling_key(const int32_t *symbols, int length) {
  return ag_hash_bytes(symbols, (size_t)length * sizeof *symbols);
}

/* Spell all tokens and remember them in `known`: spelling -> token. */
static ag_status spell_tokens(ag_tokenizer *t, ag_map *known, int *where, ag_error *err) {
  size_t capacity = (size_t)t->symbols + (size_t)(t->tokens - t->symbols) * (size_t)t->max_length;
  t->spell = AG_ARRAY(int32_t, capacity);
  t->spell_start = AG_ARRAY(int32_t, t->tokens + 1);
  for (int token = 0; token < t->tokens; token++) {
    int32_t at = t->spell_start[token];
    *where = token;
    int length = 1;
    if (token < t->symbols) {
      t->spell[at] = token;
    } else {
      ag_bpe_merge m = t->merges[token - t->symbols];
      if (m.left < 0 || m.left >= token || m.right < 0 || m.right >= token)
        return ag_fail(err, AG_FORMAT, "merge %d %d names a token not made before it", m.left,
                       m.right);
      int left = ag_tokenizer_length(t, m.left), right = ag_tokenizer_length(t, m.right);
      length = left + right;
      if (length > t->max_length)
        return ag_fail(err, AG_FORMAT, "merge %d %d is longer than %d", m.left, m.right,
                       t->max_length);
      memcpy(t->spell + at, ag_tokenizer_spelling(t, m.left), (size_t)left * sizeof(int32_t));
      memcpy(t->spell + at + left, ag_tokenizer_spelling(t, m.right),
             (size_t)right * sizeof(int32_t));
    }
    t->spell_start[token + 1] = at + length;
    bool fresh;
    ag_map_put(known, spelling_key(t->spell + at, length), token, &fresh);
    if (!fresh) return ag_fail(err, AG_FORMAT, "token %d spells an earlier one", token);
  }
  return AG_OK;
}

static void add_pair(ag_tokenizer *t, int32_t left, int32_t right, int32_t token) {
  uint32_t i = ag_pair_slot(left, right) & t->pair_mask;
  while (t->pairs[i].left >= 0) i = (i + 1) & t->pair_mask;
  t->pairs[i] = (ag_pair_row){left, right, token};
}

/* Visit every way to cut a token into two tokens; add it if asked. Returns how many there are. */
static int64_t for_each_split(ag_tokenizer *t, const ag_map *known, bool put) {
  int64_t splits = 0;
  for (int32_t token = t->symbols; token < t->tokens; token++) {
    const int32_t *symbols = ag_tokenizer_spelling(t, token);
    int length = ag_tokenizer_length(t, token);
    for (int cut = 1; cut < length; cut++) {
      const int64_t *left = ag_map_get(known, spelling_key(symbols, cut));
      if (!left) continue;
      const int64_t *right = ag_map_get(known, spelling_key(symbols + cut, length - cut));
      if (!right) continue;
      splits++;
      if (put) add_pair(t, (int32_t)*left, (int32_t)*right, token);
    }
  }
  return splits;
}

static void index_pairs(ag_tokenizer *t, const ag_map *known) {
  int64_t splits = for_each_split(t, known, false);
  uint32_t capacity = 16;
  while (capacity < 4 * splits) capacity *= 2;
  t->pair_mask = capacity - 1;
  t->pairs = AG_ARRAY(ag_pair_row, capacity);
  for (uint32_t i = 0; i < capacity; i++) t->pairs[i].left = -1;
  for_each_split(t, known, true);
}

ag_status ag_tokenizer_make(char **labels, int symbols, ag_bpe_merge *merges, int merge_count,
                            int max_length, ag_tokenizer **tokenizer, int *where, ag_error *err) {
  ag_tokenizer *t = AG_NEW(ag_tokenizer);
  t->terms = ag_label_terms_make();
  t->labels = labels;
  t->symbols = symbols;
  t->merges = merges;
  t->tokens = symbols + merge_count;
  t->max_length = max_length;
  ag_map known = {0};
  ag_status status = index_labels(t, where, err);
  if (!status) status = spell_tokens(t, &known, where, err);
  if (!status) {
    index_pairs(t, &known);
    *tokenizer = t;
  } else {
    ag_tokenizer_free(t);
  }
  ag_map_free(&known);
  return status;
}

void ag_tokenizer_free(ag_tokenizer *t) {
  if (!t) return;
  for (int i = 0; i < t->symbols; i++) free(t->labels[i]);
  free(t->labels);
  ag_map_free(&t->alphabet);
  free(t->merges);
  free(t->spell_start);
  free(t->spell);
  free(t->pairs);
  free(t);
}

/* --- asking --------------------------------------------------------------------------- */

int ag_tokenizer_symbols(const ag_tokenizer *t) {
  return t->symbols;
}

int ag_tokenizer_tokens(const ag_tokenizer *t) {
  return t->tokens;
}

int ag_tokenizer_length(const ag_tokenizer *t, int token) {
  return t->spell_start[token + 1] - t->spell_start[token];
}

const int32_t *ag_tokenizer_spelling(const ag_tokenizer *t, int token) {
  return t->spell + t->spell_start[token];
}

const char *ag_tokenizer_label(const ag_tokenizer *t, int symbol) {
  return t->labels[symbol];
}

int ag_tokenizer_find(const ag_tokenizer *t, const char *text) {
  ag_label label;
  if (!ag_label_parse(text, &label)) return -1;
  const int64_t *symbol = ag_map_get(&t->alphabet, ag_label_key(&t->terms, &label));
  return symbol ? (int)*symbol : -1;
}

void ag_tokenizer_sparse(const ag_tokenizer *t, double keep, uint64_t key, uint8_t *mask) {
  for (int token = 0; token < t->tokens; token++) {
    ag_random random = ag_random_stream(key, (uint64_t)token, 0, 0, 0);
    mask[token] = token < t->symbols || ag_random_unit(&random) < keep;
  }
}
