/* Radix sort by the bits that tell the keys apart. The bits of a double, with its sign bit flipped,
 * or all bits of a negative one, are in the order of the numbers. Sorting goes by the first
 * 24 of the bits that are not alike in all keys, one byte at a time from the least significant
 * one; that leaves few keys with the same 24 bits, and runs of these are sorted by what follows. */
#include "engine/base/sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

enum { BITS = 8, VALUES = 1 << BITS, DIGITS = 3, FEW = 24 };

struct item {
  uint64_t bits;
  int32_t row;
};

static uint64_t bits_in_order(double key, bool descending) {
  const uint64_t sign = UINT64_C(1) << 63;
  uint64_t bits;
  if (isnan(key)) return UINT64_MAX;
  key += 0.0; /* -0 becomes 0 */
  memcpy(&bits, &key, sizeof bits);
  bits = bits & sign ? ~bits : bits | sign;
  return descending ? ~bits : bits;
}

static void insert_each(struct item *items, int count) {
  for (int i = 1; i < count; i++) {
    struct item item = items[i];
    int k = i;
    for (; k > 0 && items[k - 1].bits > item.bits; k--) items[k] = items[k - 1];
    items[k] = item;
  }
}

static unsigned digit_of(struct item item, int shift) {
  return (unsigned)(item.bits >> shift) % VALUES;
}

/* Sort by one digit, from `items` into `sorted`. places[value]: how many have it. */
static void sort_by_digit(const struct item *items, int count, int shift, int *places,
                          struct item *sorted) {
  for (int value = 0, next = 0; value < VALUES; value++) {
    int here = places[value];
    places[value] = next;
    next += here;
  }
  for (int i = 0; i < count; i++) sorted[places[digit_of(items[i], shift)]++] = items[i];
}

/* The lowest of the bits to sort by, if the highest that is not alike in all keys is among them. */
static int lowest_bit(const struct item *items, int count) {
  uint64_t differing = 0;
  int above = 0;
  for (int i = 1; i < count; i++) differing |= items[i].bits ^ items[0].bits;
  while (differing >> above > 1) above++;
  return above < DIGITS * BITS ? 0 : above + 1 - DIGITS * BITS;
}

static void sort_by_digits(struct item *items, struct item *other, int count, int shift) {
  int places[DIGITS][VALUES] = {{0}};
  for (int i = 0; i < count; i++)
    for (int d = 0; d < DIGITS; d++) places[d][digit_of(items[i], shift + d * BITS)]++;
  struct item *from = items, *to = other;
  for (int d = 0; d < DIGITS; d++) {
    int first = shift + d * BITS;
    if (places[d][digit_of(from[0], first)] == count) continue; /* all alike */
    sort_by_digit(from, count, first, places[d], to);
    struct item *sorted = to;
    to = from;
    from = sorted;
  }
  if (from != items) memcpy(items, from, (size_t)count * sizeof *items);
}

/* `other` has as much room. */
static void sort_items(struct item *items, struct item *other, int count) {
  if (count <= FEW) {
    insert_each(items, count);
    return;
  }
  int shift = lowest_bit(items, count);
  sort_by_digits(items, other, count, shift);
  for (int first = 0, last; shift > 0 && first < count; first = last) {
    for (last = first + 1; last < count; last++)
      if (items[last].bits >> shift != items[first].bits >> shift) break;
    sort_items(items + first, other, last - first);
  }
}

void ag_sort_rows(const double *keys, int stride, bool descending, int32_t *rows, int count) {
  if (count < 2) return;
  struct item *items = ag_resize(NULL, 2 * (size_t)count, sizeof *items);
  for (int i = 0; i < count; i++) {
    double key = keys[(int64_t)stride * rows[i]];
    items[i] = (struct item){bits_in_order(key, descending), rows[i]};
  }
  sort_items(items, items + count, count);
  for (int i = 0; i < count; i++) rows[i] = items[i].row;
  free(items);
}
