/* Byte-pair encoding, trained in near-linear time.
 *
 * The text is an array in which a token of length n owns n slots: the first holds the token, the
 * last its length, so that both neighbours are found without links. Slots in between are -1.
 *
 *   token   7 . . | 2 | -1        (7 spells three symbols, -1 ends the string)
 *   back    . . 3 | 1 |  0
 *
 * Invariant: every adjacent pair of tokens has a row in `pairs` with its exact count (occurrences
 * that do not overlap), and a list of positions that contains all its occurrences (and stale ones,
 * told apart by looking at the text). All occurrences of a pair arise in the one pass that made its
 * younger token, so a list is a slice written once; afterwards counts only fall. That is what makes
 * a lazy heap exact: an outdated top is put back with its present count. */
#include "engine/mining/bpe.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/map.h"

typedef struct pair {
  int32_t left, right;
  int64_t count;
  int64_t slots;      /* positions to reserve: the count, overlaps included */
  int64_t start, end; /* slice of positions */
  int64_t taken;      /* right half of the last pair counted */
} pair;

typedef struct entry {
  int64_t count;
  int32_t pair;
  int32_t length;
} entry;

typedef struct trainer {
  int32_t *token; /* the text */
  uint8_t *back;
  int64_t length;
  int max_length;

  int tokens, symbols;
  ag_bpe_merge *merges;
  uint8_t *token_length;
  ag_map spellings; /* of all tokens made */

  pair *pairs;
  int64_t pair_count, pair_capacity;
  ag_map pair_index; /* (left, right) -> pair */
  int32_t *positions;
  int64_t position_count, position_capacity;

  entry *heap;
  int64_t heap_size, heap_capacity;

  int32_t *made; /* positions of the newest token */
  int64_t made_count, made_capacity;
} trainer;

/* --- spelling ------------------------------------------------------------------------- */

static int32_t *spell(const trainer *t, int32_t token, int32_t *out) {
  if (token < t->symbols) {
    *out = token;
    return out + 1;
  }
  const ag_bpe_merge *m = &t->merges[token - t->symbols];
  return spell(t, m->right, spell(t, m->left, out));
}

static int spell_pair(const trainer *t, const pair *p, int32_t out[256]) {
  return (int)(spell(t, p->right, spell(t, p->left, out)) - out);
}

static ag_hash spelling_key(const trainer *t, const pair *p) {
  int32_t symbols[256];
  int length = spell_pair(t, p, symbols);
  return ag_hash_bytes(symbols, (size_t)length * sizeof *symbols);
}

static int compare_spelling(const trainer *t, const pair *p, const pair *q) {
  int32_t a[256], b[256];
  int length = spell_pair(t, p, a);
  spell_pair(t, q, b); /* compared only at equal length */
  for (int i = 0; i < length; i++)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return p->left < q->left ? -1 : p->left > q->left;
}

/* --- the heap ------------------------------------------------------------------------- */

static bool before(const trainer *t, const entry *a, const entry *b) {
  if (a->count != b->count) return a->count > b->count;
  if (a->length != b->length) return a->length < b->length;
  return compare_spelling(t, &t->pairs[a->pair], &t->pairs[b->pair]) < 0;
}

static void sift_down(trainer *t, int64_t i) {
  entry moving = t->heap[i];
  for (int64_t child; (child = 2 * i + 1) < t->heap_size; i = child) {
    if (child + 1 < t->heap_size && before(t, &t->heap[child + 1], &t->heap[child])) child++;
    if (!before(t, &t->heap[child], &moving)) break;
    t->heap[i] = t->heap[child];
  }
  t->heap[i] = moving;
}

static void push(trainer *t, entry e) {
  AG_GROW(t->heap, t->heap_size, t->heap_capacity);
  int64_t i = t->heap_size++;
  for (; i > 0 && before(t, &e, &t->heap[(i - 1) / 2]); i = (i - 1) / 2)
    t->heap[i] = t->heap[(i - 1) / 2];
  t->heap[i] = e;
}

static void pop(trainer *t) {
  t->heap[0] = t->heap[--t->heap_size];
  if (t->heap_size > 0) sift_down(t, 0);
}

/* The best pair that occurs at least twice and spells something new, or NULL. */
static pair *best_pair(trainer *t) {
  while (t->heap_size > 0) {
    entry *top = &t->heap[0];
    pair *p = &t->pairs[top->pair];
    if (p->count < 2) {
      pop(t);
    } else if (top->count != p->count) {
      top->count = p->count;
      sift_down(t, 0);
    } else {
      pop(t);
      bool fresh;
      ag_map_put(&t->spellings, spelling_key(t, p), 1, &fresh);
      if (fresh) return p;
    }
  }
  return NULL;
}

/* --- pairs ---------------------------------------------------------------------------- */

static ag_hash pair_key(int32_t left, int32_t right) {
  return ag_hash_mix(ag_hash_seed((uint64_t)left), (uint64_t)right);
}

static pair *find_pair(trainer *t, int32_t left, int32_t right) {
  int64_t *index = ag_map_get(&t->pair_index, pair_key(left, right));
  return index ? &t->pairs[*index] : NULL;
}

static pair *make_pair(trainer *t, int32_t left, int32_t right) {
  bool fresh;
  int64_t *index = ag_map_put(&t->pair_index, pair_key(left, right), t->pair_count, &fresh);
  if (fresh) {
    AG_GROW(t->pairs, t->pair_count, t->pair_capacity);
    t->pairs[t->pair_count++] = (pair){.left = left, .right = right, .taken = -1};
  }
  return &t->pairs[*index];
}

/* Position of the token after the one at `p`; its token is -1 at the end of the string. */
static int64_t following(const trainer *t, int64_t p) {
  return p + t->token_length[t->token[p]];
}

/* Position of the token before the one at `p`, -1 at the beginning of the string. */
static int64_t preceding(const trainer *t, int64_t p) {
  return p > 0 && t->back[p - 1] ? p - t->back[p - 1] : -1;
}

static void reserve_positions(trainer *t, int64_t count) {
  int64_t needed = t->position_count + count;
  if (needed <= t->position_capacity) return;
  t->position_capacity = needed + needed / 2;
  t->positions = ag_resize(t->positions, (size_t)t->position_capacity, sizeof *t->positions);
}

/* Give pairs[from ..] their slices of positions, still empty. */
static void open_slices(trainer *t, int64_t from) {
  int64_t total = 0;
  for (int64_t i = from; i < t->pair_count; i++) total += t->pairs[i].slots;
  reserve_positions(t, total);
  for (int64_t i = from; i < t->pair_count; i++) {
    t->pairs[i].start = t->pairs[i].end = t->position_count;
    t->position_count += t->pairs[i].slots;
  }
}

static void offer(trainer *t, int64_t from) {
  for (int64_t i = from; i < t->pair_count; i++) {
    const pair *p = &t->pairs[i];
    int length = t->token_length[p->left] + t->token_length[p->right];
    if (p->count >= 2 && length <= t->max_length)
      push(t, (entry){p->count, (int32_t)i, (int32_t)length});
  }
}

/* Visits to each adjacent pair that the newest token is part of, in ascending order: first to
 * count, then to note the position. Of overlapping pairs, as in a a a, every other counts. */
static void count_visit(trainer *t, int64_t at, int64_t next) {
  pair *p = make_pair(t, t->token[at], t->token[next]);
  p->slots++;
  if (p->left == p->right && p->taken == at) return;
  p->taken = next;
  p->count++;
}

static void place_visit(trainer *t, int64_t at, int64_t next) {
  pair *p = find_pair(t, t->token[at], t->token[next]);
  t->positions[p->end++] = (int32_t)at;
}

static void visit_made(trainer *t, void (*visit)(trainer *, int64_t, int64_t)) {
  int32_t newest = t->tokens - 1;
  for (int64_t k = 0; k < t->made_count; k++) {
    int64_t at = t->made[k], previous = preceding(t, at), next = following(t, at);
    if (previous >= 0) visit(t, previous, at);
    /* Two neighbours of the newest kind are one pair, seen from the right one. */
    if (t->token[next] >= 0 && t->token[next] != newest) visit(t, at, next);
  }
}

static void visit_all(trainer *t, void (*visit)(trainer *, int64_t, int64_t)) {
  for (int64_t i = 0; i + 1 < t->length; i++)
    if (t->token[i] >= 0 && t->token[i + 1] >= 0) visit(t, i, i + 1);
}

/* --- merging -------------------------------------------------------------------------- */

static void drop(trainer *t, int32_t left, int32_t right) {
  find_pair(t, left, right)->count--;
}

/* The pair of the token at `at` with its predecessor breaks: the token is about to be joined with
 * its successor. In a run of equals, which counts half its length, that costs one when it is even.
 */
static void drop_before(trainer *t, int64_t at) {
  int32_t token = t->token[at];
  int64_t previous = preceding(t, at), run = 1;
  if (previous < 0 || t->token[previous] == t->tokens - 1) return;
  if (t->token[previous] != token) {
    drop(t, t->token[previous], token);
    return;
  }
  for (; previous >= 0 && t->token[previous] == token; previous = preceding(t, previous)) run++;
  if (run % 2 == 0) drop(t, token, token);
}

static void drop_after(trainer *t, int64_t at) {
  int32_t token = t->token[at];
  int64_t next = following(t, at), run = 1;
  if (t->token[next] < 0) return;
  if (t->token[next] != token) {
    drop(t, token, t->token[next]);
    return;
  }
  for (; t->token[next] == token; next = following(t, next)) run++;
  if (run % 2 == 0) drop(t, token, token);
}

/* Join the tokens at `at` and `middle`; counts of the pairs this breaks go down. The newest token's
 * own pairs are counted later, once all its occurrences stand; the joined pair's count is void. */
static void join(trainer *t, int64_t at, int64_t middle) {
  int32_t newest = t->tokens - 1;
  int64_t end = following(t, middle);
  bool equal = t->token[at] == t->token[middle];
  drop_before(t, at);
  if (!equal || t->token[end] != t->token[middle]) drop_after(t, middle);
  t->token[middle] = -1;
  t->token[at] = newest;
  t->back[end - 1] = t->token_length[newest];
  AG_GROW(t->made, t->made_count, t->made_capacity);
  t->made[t->made_count++] = (int32_t)at;
}

static void merge(trainer *t, pair chosen) {
  t->merges[t->tokens - t->symbols] = (ag_bpe_merge){chosen.left, chosen.right};
  t->token_length[t->tokens++] =
      (uint8_t)(t->token_length[chosen.left] + t->token_length[chosen.right]);
  t->made_count = 0;
  for (int64_t k = chosen.start; k < chosen.end; k++) {
    int64_t at = t->positions[k];
    if (t->token[at] != chosen.left) continue;
    int64_t middle = following(t, at);
    if (t->token[middle] == chosen.right) join(t, at, middle);
  }
  find_pair(t, chosen.left, chosen.right)->count = 0;
  int64_t from = t->pair_count;
  visit_made(t, count_visit);
  open_slices(t, from);
  visit_made(t, place_visit);
  offer(t, from);
}

static void set_up(trainer *t, const int32_t *text, int64_t length, int symbols, int vocabulary) {
  t->length = length;
  t->token = ag_memdup(text, (size_t)length, sizeof *text);
  t->back = AG_ARRAY(uint8_t, length);
  for (int64_t i = 0; i < length; i++) t->back[i] = text[i] >= 0;
  t->symbols = t->tokens = symbols;
  int room = vocabulary > symbols ? vocabulary - symbols : 0;
  t->merges = AG_ARRAY(ag_bpe_merge, room);
  t->token_length = AG_ARRAY(uint8_t, symbols + room);
  memset(t->token_length, 1, (size_t)symbols);
  visit_all(t, count_visit);
  open_slices(t, 0);
  visit_all(t, place_visit);
  offer(t, 0);
}

int ag_bpe_train(const int32_t *text, int64_t length, int symbols, int vocabulary, int max_length,
                 ag_bpe_merge **merges) {
  trainer t = {.max_length = max_length};
  set_up(&t, text, length, symbols, vocabulary);
  while (t.tokens < vocabulary) {
    pair *chosen = best_pair(&t);
    if (!chosen) break;
    merge(&t, *chosen);
  }
  free(t.token);
  free(t.back);
  free(t.token_length);
  free(t.pairs);
  free(t.positions);
  free(t.heap);
  free(t.made);
  ag_map_free(&t.pair_index);
  ag_map_free(&t.spellings);
  *merges = t.merges;
  return t.tokens - symbols;
}
