/* Most nodes have one or two predecessors, so what a state follows from fits a word, 21 bits each:
 *
 *   | chain | second predecessor | first predecessor | own |
 *
 * A longer list is a chain: the first three codes give one of their own, which stands for `own` in
 * the next word. */
#include "engine/predict/numbers.h"

#include <stdlib.h>

#include "engine/base/alloc.h"

enum { BITS = 21, SMALLEST = 1024 };

void ag_rows_pair(const ag_rows *rows, int count, int32_t none) {
  for (int i = 0; i < count; i++) {
    int32_t from = rows->start[i], refs = rows->start[i + 1] - from;
    rows->one[i] = refs > 0 ? rows->refs[from] : none;
    rows->two[i] = refs > 1 ? rows->refs[from + 1] : none;
  }
}

/* --- the table -------------------------------------------------------------------------------- */

void ag_numbers_free(ag_numbers *t) {
  free(t->slots);
  *t = (ag_numbers){0};
}

static void resize(ag_numbers *t, uint32_t size) {
  t->slots = AG_ARRAY(ag_number_slot, size);
  t->size = size;
  t->shift = 64 - __builtin_ctz(size);
}

/* The number of a key, which is `fresh` if it is new. */
static inline int32_t find(ag_numbers *t, uint64_t key, int32_t fresh) {
  uint32_t at = (uint32_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> t->shift);
  for (;; at++) {
    ag_number_slot *s = &t->slots[at & (t->size - 1)];
    if (s->stamp != t->stamp) {
      *s = (ag_number_slot){key, fresh, t->stamp};
      t->used++;
      return fresh;
    }
    if (s->key == key) return s->number;
  }
}

static void grow(ag_numbers *t) {
  ag_number_slot *old = t->slots;
  uint32_t size = t->size;
  resize(t, 2 * size);
  t->used = 0;
  for (uint32_t i = 0; i < size; i++) {
    if (old[i].stamp == t->stamp) find(t, old[i].key, old[i].number);
  }
  free(old);
}

static inline uint64_t pack(uint64_t own, int32_t first, int32_t second) {
  return own | (uint64_t)first << BITS | (uint64_t)second << 2 * BITS;
}

/* The code of all predecessors but the last one or two, from `base` on. */
static uint64_t chain(ag_numbers *t, const ag_rows *rows, int32_t row, const int32_t *code,
                      int base, int *chained, int32_t *from) {
  uint64_t own = (uint64_t)code[row];
  *from = rows->start[row];
  for (; rows->start[row + 1] - *from > 2; *from += 2) {
    if (2 * t->used >= t->size) grow(t);
    const int32_t *ref = rows->refs + *from;
    uint64_t key = pack(own, code[ref[0]], code[ref[1]]) | UINT64_C(1) << 3 * BITS;
    int32_t number = find(t, key, *chained);
    *chained += number == *chained;
    own = (uint64_t)(base + number);
  }
  return own;
}

/* --- rows ------------------------------------------------------------------------------------- */

static void append(ag_state_list *list, const ag_rows *rows, int32_t row, const int32_t *code,
                   int offset) {
  int32_t *to = list->refs + list->start[list->count];
  list->own[list->count++] = code[row] - offset;
  for (int32_t e = rows->start[row]; e < rows->start[row + 1]; e++) {
    *to++ = code[rows->refs[e]] - offset;
  }
  list->start[list->count] = (int32_t)(to - list->refs);
}

void ag_number_rows(ag_numbers *t, const ag_rows *rows, int count, const int32_t *code, int offset,
                    int highest, ag_state_list *list, int32_t *found) {
  int chained = 0;
  list->count = 0;
  list->start[0] = 0;
  if ((int64_t)highest + rows->start[count] + 1 >= INT64_C(1) << BITS) t = NULL;
  if (t && !t->slots) resize(t, SMALLEST);
  if (t) t->used = 0, t->stamp++;
  for (int32_t i = 0; i < count; i++) {
    found[i] = list->count;
    if (t) {
      if (2 * t->used >= t->size) grow(t);
      uint64_t key = pack((uint64_t)code[i], code[rows->one[i]], code[rows->two[i]]);
      if (rows->start[i + 1] - rows->start[i] > 2) {
        int32_t from, end = rows->start[i + 1];
        uint64_t own = chain(t, rows, i, code, highest + 1, &chained, &from);
        key = pack(own, code[rows->refs[from]], end - from > 1 ? code[rows->refs[from + 1]] : 0);
      }
      found[i] = find(t, key, list->count);
    }
    if (found[i] == list->count) append(list, rows, i, code, offset);
  }
}
