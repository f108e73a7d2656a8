/* Ascending lists of distinct sums: the channel counts that the first operands of a concat can add
 * up to. */
#include "engine/resolve/problem.h"

int ag_sums_find(const int64_t *list, int count, int64_t value) {
  int low = 0, high = count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (list[middle] < value)
      low = middle + 1;
    else
      high = middle;
  }
  return low < count && list[low] == value ? low : -1;
}

/* Union of two ascending lists without repetition. */
static int merge_sums(const int64_t *a, int na, const int64_t *b, int nb, int64_t *out) {
  int i = 0, j = 0, count = 0;
  while (i < na || j < nb) {
    int64_t x = j == nb || (i < na && a[i] <= b[j]) ? a[i++] : b[j++];
    if (count == 0 || out[count - 1] != x) out[count++] = x;
  }
  return count;
}

int64_t *ag_prefix_sums(ag_scratch *scratch, const int64_t *before, int before_count,
                        const ag_size *values, int value_count, int32_t times, int *count) {
  int64_t product = (int64_t)before_count * value_count;
  int64_t room = (product < AG_RESOLVE_MAX_SUMS ? product : AG_RESOLVE_MAX_SUMS) + before_count;
  int64_t *sums = AG_TAKE(scratch, int64_t, room);
  int64_t *next = AG_TAKE(scratch, int64_t, room);
  int64_t *shifted = AG_TAKE(scratch, int64_t, before_count);
  *count = 0;
  for (int k = 0; k < value_count; k++) {
    for (int p = 0; p < before_count; p++) shifted[p] = before[p] + (int64_t)times * values[k].h;
    int merged = merge_sums(sums, *count, shifted, before_count, next);
    if (merged > AG_RESOLVE_MAX_SUMS) return NULL;
    int64_t *swap = sums;
    sums = next, next = swap;
    *count = merged;
  }
  return sums;
}
