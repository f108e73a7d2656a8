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

/* The slot of a key, or the free one where it belongs. */
static inline ag_number_slot *find(const ag_numbers *t, uint64_t key) {
  uint32_t at = (uint32_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> t->shift);
  for (;; at++) {
    ag_number_slot *s = &t->slots[at & (t->size - 1)];
    if (s->stamp != t->stamp || s->key == key) return s;
  }
}

static void grow(ag_numbers *t) {
  ag_number_slot *old = t->slots;
  uint32_t size = t->size;
  resize(t, 2 * size);
  for (uint32_t i = 0; i < size; i++) {
    if (old[i].stamp == t->stamp) *find(t, old[i].key) = old[i];
  }
  free(old);
}

static void insert(ag_numbers *t, ag_number_slot *free_slot, uint64_t key, int32_t number) {
  *free_slot = (ag_number_slot){key, number, t->stamp};
  if (2 * ++t->used > t->size) grow(t);
}

/* The number of a key, which is `fresh` if it is new. */
static int32_t number_of(ag_numbers *t, uint64_t key, int32_t fresh) {
  ag_number_slot *slot = find(t, key);
  if (slot->stamp == t->stamp) return slot->number;
  insert(t, slot, key, fresh);
  return fresh;
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
    const int32_t *ref = rows->refs + *from;
    uint64_t key = pack(own, code[ref[0]], code[ref[1]]) | UINT64_C(1) << 3 * BITS;
    int32_t number = number_of(t, key, *chained);
    *chained += number == *chained;
    own = (uint64_t)(base + number);
  }
  return own;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* The word of a row with more than two predecessors. */
static uint64_t pack_chain(ag_numbers *t, const ag_rows *rows, int32_t row, const int32_t *code,
                           int base, int *chained) {
  int32_t from, end = rows->start[row + 1];
  uint64_t own = chain(t, rows, row, code, base, chained, &from);
  return pack(own, code[rows->refs[from]], end - from > 1 ? code[rows->refs[from + 1]] : 0);
}

static inline void append(ag_state_list *list, const ag_rows *rows, int32_t row,
                          const int32_t *code, int offset) {
  int32_t *to = list->refs + list->start[list->count];
  list->own[list->count++] = code[row] - offset;
  for (int32_t e = rows->start[row]; e < rows->start[row + 1]; e++) {
    *to++ = code[rows->refs[e]] - offset;
  }
  list->start[list->count] = (int32_t)(to - list->refs);
}

static void list_rows(const ag_rows *rows, int count, const int32_t *code, int offset,
                      ag_state_list *list, int32_t *found) {
  for (int32_t i = 0; i < count; i++) {
    found[i] = i;
    append(list, rows, i, code, offset);
  }
}

/* What is read in every turn is copied: behind a pointer, every store to an array could change it.
 */
void ag_number_rows(ag_numbers *numbers, const ag_rows *rows, int count, const int32_t *code,
                    int offset, int highest, ag_state_list *list, int32_t *found) {
  int chained = 0;
  list->count = 0;
  list->start[0] = 0;
  if (!numbers || (int64_t)highest + rows->start[count] + 1 >= INT64_C(1) << BITS) {
    list_rows(rows, count, code, offset, list, found);
    return;
  }
  if (!numbers->slots) resize(numbers, SMALLEST);
  numbers->used = 0, numbers->stamp++;
  ag_numbers table = *numbers;
  ag_state_list states = *list;
  const ag_rows in = *rows;
  for (int32_t i = 0; i < count; i++) {
    uint64_t word = pack((uint64_t)code[i], code[in.one[i]], code[in.two[i]]);
    if (in.start[i + 1] - in.start[i] > 2) {
      word = pack_chain(numbers, rows, i, code, highest + 1, &chained);
      table = *numbers;
    }
    ag_number_slot *slot = find(&table, word);
    if (slot->stamp == table.stamp) {
      found[i] = slot->number;
      continue;
    }
    found[i] = states.count;
    insert(numbers, slot, word, states.count);
    table = *numbers;
    append(&states, &in, i, code, offset);
  }
  *list = states;
}
