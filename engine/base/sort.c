/* Radix sort, one byte at a time from the least significant one. The bits of a double, with its
 * sign bit flipped, or all bits of a negative one, are in the order of the numbers. */
#include "engine/base/sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

enum { BYTES = 8, VALUES = 256 };

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

static unsigned byte_of(struct item item, int byte) {
  return (unsigned)(item.bits >> 8 * byte) % VALUES;
}

/* Where the items of each value of a byte begin; false if all have the same. */
static bool find_places(const struct item *items, int count, int byte, int *places) {
  memset(places, 0, VALUES * sizeof *places);
  for (int i = 0; i < count; i++) places[byte_of(items[i], byte)]++;
  if (places[byte_of(items[0], byte)] == count) return false;
  for (int value = 0, next = 0; value < VALUES; value++) {
    int here = places[value];
    places[value] = next;
    next += here;
  }
  return true;
}

void ag_sort_rows(const double *keys, int stride, bool descending, int32_t *rows, int count) {
  if (count < 2) return;
  struct item *items = ag_resize(NULL, 2 * (size_t)count, sizeof *items), *other = items + count;
  struct item *block = items;
  int places[VALUES];
  for (int i = 0; i < count; i++) {
    double key = keys[(int64_t)stride * rows[i]];
    items[i] = (struct item){bits_in_order(key, descending), rows[i]};
  }
  for (int byte = 0; byte < BYTES; byte++) {
    if (!find_places(items, count, byte, places)) continue;
    for (int i = 0; i < count; i++) other[places[byte_of(items[i], byte)]++] = items[i];
    struct item *sorted = other;
    other = items;
    items = sorted;
  }
  for (int i = 0; i < count; i++) rows[i] = items[i].row;
  free(block);
}
