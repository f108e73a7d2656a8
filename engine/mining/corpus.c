/* The corpus: the graphs of a training set as one string of symbols, each graph ended by -1.
 * Symbols are numbered as labels appear and renumbered at the end by (frequency, label), so that
 * the tokenizer does not depend on the order of the graphs. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/mining/tokenizer.h"

typedef struct symbol {
  char *label;
  int64_t count;
  int32_t number; /* in order of appearance */
} symbol;

struct ag_corpus {
  ag_label_terms terms;
  ag_map alphabet; /* label key -> place in `symbols` */
  symbol *symbols;
  int symbol_count, symbol_capacity;
  int32_t *text;
  int64_t length, capacity;
};

ag_corpus *ag_corpus_new(void) {
  ag_corpus *corpus = AG_NEW(ag_corpus);
  corpus->terms = ag_label_terms_make();
  return corpus;
}

void ag_corpus_free(ag_corpus *c) {
  if (!c) return;
  for (int i = 0; i < c->symbol_count; i++) free(c->symbols[i].label);
  free(c->symbols);
  free(c->text);
  ag_map_free(&c->alphabet);
  free(c);
}

static int32_t intern(ag_corpus *c, const ag_graph *graph, int node, ag_hash key) {
  bool fresh;
  int32_t number = (int32_t)*ag_map_put(&c->alphabet, key, c->symbol_count, &fresh);
  if (fresh) {
    ag_label label;
    ag_label_of_node(graph, node, &label);
    AG_GROW(c->symbols, c->symbol_count, c->symbol_capacity);
    c->symbols[c->symbol_count++] = (symbol){.label = ag_label_text(&label), .number = number};
  }
  c->symbols[number].count++;
  return number;
}

ag_status ag_corpus_add(ag_corpus *c, const ag_graph *graph, ag_error *err) {
  int64_t needed = c->length + graph->size + 1;
  if (needed >= INT32_MAX) return ag_fail(err, AG_LIMIT, "a corpus has at most 2^31 nodes");
  if (c->symbol_count > AG_MAX_TOKENS - graph->size)
    return ag_fail(err, AG_LIMIT, "a corpus has at most %d distinct labels", AG_MAX_TOKENS);
  if (needed > c->capacity) {
    c->capacity = needed + needed / 2;
    c->text = ag_resize(c->text, (size_t)c->capacity, sizeof *c->text);
  }
  ag_hash *keys = AG_ARRAY(ag_hash, graph->size);
  ag_label_keys(&c->terms, graph, keys);
  for (int i = 0; i < graph->size; i++) c->text[c->length++] = intern(c, graph, i, keys[i]);
  c->text[c->length++] = -1;
  free(keys);
  return AG_OK;
}

static int by_frequency(const void *a, const void *b) {
  const symbol *x = a, *y = b;
  if (x->count != y->count) return x->count > y->count ? -1 : 1;
  return strcmp(x->label, y->label);
}

/* The text in final symbol numbers; labels, in their order, into a new array. */
static int32_t *renumber(const ag_corpus *c, char ***labels) {
  symbol *sorted = ag_memdup(c->symbols, (size_t)c->symbol_count, sizeof *sorted);
  int32_t *rank = AG_ARRAY(int32_t, c->symbol_count);
  *labels = AG_ARRAY(char *, c->symbol_count);
  qsort(sorted, (size_t)c->symbol_count, sizeof *sorted, by_frequency);
  for (int i = 0; i < c->symbol_count; i++) {
    rank[sorted[i].number] = i;
    (*labels)[i] = ag_strdup(sorted[i].label);
  }
  int32_t *text = AG_ARRAY(int32_t, c->length);
  for (int64_t i = 0; i < c->length; i++) text[i] = c->text[i] < 0 ? -1 : rank[c->text[i]];
  free(sorted);
  free(rank);
  return text;
}

ag_status ag_corpus_train(const ag_corpus *c, const ag_tokenizer_options *options,
                          ag_tokenizer **tokenizer, ag_error *err) {
  ag_status status = ag_tokenizer_check(options, err);
  if (status) return status;
  char **labels;
  int32_t *text = renumber(c, &labels);
  ag_bpe_merge *merges;
  int count = ag_bpe_train(text, c->length, c->symbol_count, options->vocabulary,
                           options->max_length, &merges);
  free(text);
  int where;
  return ag_tokenizer_make(labels, c->symbol_count, merges, count, options->max_length, tokenizer,
                           &where, err);
}

ag_status ag_tokenizer_train(const ag_graph *const *graphs, int count,
                             const ag_tokenizer_options *options, ag_tokenizer **tokenizer,
                             ag_error *err) {
  ag_corpus *corpus = ag_corpus_new();
  ag_status status = AG_OK;
  for (int i = 0; i < count && !status; i++) status = ag_corpus_add(corpus, graphs[i], err);
  if (!status) status = ag_corpus_train(corpus, options, tokenizer, err);
  ag_corpus_free(corpus);
  return status;
}
