/* Sorting rows against the definition of the order, written out for qsort. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "engine/base/sort.h"

enum { MOST = 400 };

struct keyed {
  double key;
  int32_t row;
  int place;
};

/* NaN last; equal keys as they were. */
static int compare(const void *x, const void *y) {
  const struct keyed *a = x, *b = y;
  if (isnan(a->key) != isnan(b->key)) return isnan(a->key) ? 1 : -1;
  if (!isnan(a->key) && a->key != b->key) return a->key < b->key ? -1 : 1;
  return a->place - b->place;
}

/* Any bits at all; or some bits only, at the beginning, end or anywhere, so that many keys begin
 * alike; or few values, so that ties are common. */
static double random_key(ag_random *random, int kind) {
  static const uint64_t masks[] = {UINT64_MAX, 0x8000000000000fff, 0x3000001000001007,
                                   0xfff,      0xc000000000000000, 0x4000300800000001};
  static const double few[] = {0, -0.0, 1, -1, 1e300, -1e-300, INFINITY, -INFINITY, NAN, 5e-324};
  double key;
  uint64_t bits = ag_random_next(random);
  if (kind >= (int)(sizeof masks / sizeof *masks)) return few[bits % (sizeof few / sizeof *few)];
  bits &= masks[kind];
  memcpy(&key, &bits, sizeof key);
  return key;
}

static void rows_are_in_the_order_of_their_keys(void **state) {
  (void)state;
  double keys[2 * MOST];
  int32_t rows[MOST];
  struct keyed expected[MOST];
  ag_random random = ag_random_stream(31, 0, 0, 0, 0);
  for (int round = 0; round < 2000; round++) {
    int count = (int)ag_random_below(&random, MOST), stride = 1 + round % 2;
    bool descending = round % 3 == 0;
    for (int k = 0; k < stride * count; k++) keys[k] = random_key(&random, round % 7);
    for (int i = 0; i < count; i++) rows[i] = i;
    ag_random_shuffle(&random, rows, count);
    for (int i = 0; i < count; i++) {
      double key = keys[stride * rows[i]];
      expected[i] = (struct keyed){descending ? -key : key, rows[i], i};
    }
    qsort(expected, (size_t)count, sizeof *expected, compare);
    ag_sort_rows(keys, stride, descending, rows, count);
    for (int i = 0; i < count; i++) assert_int_equal(rows[i], expected[i].row);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows_are_in_the_order_of_their_keys)};
  return cmocka_run_group_tests_name("sort", tests, NULL, NULL);
}
