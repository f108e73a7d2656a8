/* The order of candidates: a permutation without weights, sequential Poisson sampling with them.
 * For two candidates the chance that the heavier comes first has a closed form. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/search/search_internal.h"

static void fill(struct fit *fits, int count) {
  for (int i = 0; i < count; i++) fits[i] = (struct fit){.entry = i, .variant = i % 3};
}

static void it_is_a_permutation(void **state) {
  (void)state;
  enum { COUNT = 50, ROUNDS = 20000 };
  int first[COUNT] = {0};
  for (uint64_t round = 0; round < ROUNDS; round++) {
    struct fit fits[COUNT];
    bool seen[COUNT] = {false};
    ag_random random = ag_random_stream(7, round, 0, 0, 0);
    fill(fits, COUNT);
    assert_int_equal(ag_order_candidates(fits, COUNT, NULL, &random), COUNT);
    for (int i = 0; i < COUNT; i++) seen[fits[i].entry] = true;
    for (int i = 0; i < COUNT; i++) assert_true(seen[i]);
    first[fits[0].entry]++;
  }
  double expected = (double)ROUNDS / COUNT, squares = 0;
  for (int i = 0; i < COUNT; i++) squares += (first[i] - expected) * (first[i] - expected);
  assert_true(squares / expected < 94); /* chi-squared with 49 degrees of freedom: p = 0.0001 */
}

/* u1 / heavy < u2 / light with probability 1 - light / (2 heavy). */
static void the_heavier_comes_first_as_often_as_it_should(void **state) {
  (void)state;
  enum { ROUNDS = 40000 };
  const double ratios[] = {1, 2, 5, 20};
  for (size_t k = 0; k < sizeof ratios / sizeof *ratios; k++) {
    const double weights[] = {0.125, 0.125 * ratios[k]};
    int heavy = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
      struct fit fits[2];
      ag_random random = ag_random_stream(11, round, k, 0, 0);
      fill(fits, 2);
      assert_int_equal(ag_order_candidates(fits, 2, weights, &random), 2);
      heavy += fits[0].entry == 1;
    }
    double chance = 1 - 1 / (2 * ratios[k]);
    double deviation = sqrt(chance * (1 - chance) / ROUNDS);
    assert_true(fabs((double)heavy / ROUNDS - chance) < 4 * deviation);
  }
}

static void entries_without_weight_are_dropped(void **state) {
  (void)state;
  const double weights[] = {0, 1, 0, 1e-300, 1e300, 0};
  struct fit fits[6];
  ag_random random = ag_random_stream(1, 2, 3, 4, 5);
  fill(fits, 6);
  assert_int_equal(ag_order_candidates(fits, 6, weights, &random), 3);
  assert_int_equal(fits[0].entry, 4);
  assert_int_equal(fits[2].entry, 3);
  assert_int_equal(ag_order_candidates(fits, 0, weights, &random), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_a_permutation),
      cmocka_unit_test(the_heavier_comes_first_as_often_as_it_should),
      cmocka_unit_test(entries_without_weight_are_dropped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
