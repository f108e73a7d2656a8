/* Fronts, hypervolumes and rank sums against their definitions, written out slowly, and the
 * worked example of the publication (table 8). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/search.h"
#include "engine/base/random.h"

enum { MAX_ROWS = 60, MAX_OBJECTIVES = 4 };

/* Small integers, so that ties and equal rows are common. */
static int random_table(ag_random *random, int objectives, double *values, bool *maximise) {
  int rows = (int)ag_random_below(random, MAX_ROWS) + 1;
  for (int k = 0; k < rows * objectives; k++) values[k] = (double)ag_random_below(random, 8);
  for (int m = 0; m < objectives; m++) maximise[m] = ag_random_below(random, 2);
  return rows;
}

static bool better(double a, double b, bool maximise) {
  return maximise ? a > b : a < b;
}

static bool dominates(const double *a, const double *b, int objectives, const bool *maximise) {
  bool somewhere = false;
  for (int m = 0; m < objectives; m++) {
    if (better(b[m], a[m], maximise[m])) return false;
    somewhere = somewhere || better(a[m], b[m], maximise[m]);
  }
  return somewhere;
}

static bool on_front(const double *values, int rows, int objectives, const bool *maximise, int i) {
  const double *own = values + i * objectives;
  for (int k = 0; k < rows; k++) {
    const double *other = values + k * objectives;
    bool equal = memcmp(own, other, sizeof *own * (size_t)objectives) == 0;
    if (dominates(other, own, objectives, maximise) || (equal && k < i)) return false;
  }
  return true;
}

static void fronts_match_the_definition(void **state) {
  (void)state;
  double values[MAX_ROWS * MAX_OBJECTIVES];
  bool maximise[MAX_OBJECTIVES], front[MAX_ROWS];
  ag_random random = ag_random_stream(11, 0, 0, 0, 0);
  for (int round = 0; round < 2000; round++) {
    int objectives = round % MAX_OBJECTIVES + 1;
    int rows = random_table(&random, objectives, values, maximise);
    ag_pareto_front(values, rows, objectives, maximise, NULL, front);
    for (int i = 0; i < rows; i++)
      assert_int_equal(front[i], on_front(values, rows, objectives, maximise, i));
  }
}

static void rows_that_cannot_be_measured_are_never_on_the_front(void **state) {
  (void)state;
  const double values[] = {1, NAN, 0, 5, NAN, 9};
  const bool maximise[] = {true, true};
  bool front[3];
  ag_pareto_front(values, 3, 2, maximise, NULL, front);
  assert_false(front[0]);
  assert_true(front[1]);
  assert_false(front[2]);
}

/* Of rows that break constraints only the least violating compete: the front of the table without
 * the others. */
static void violations_come_before_values(void **state) {
  (void)state;
  double values[MAX_ROWS * MAX_OBJECTIVES], kept[MAX_ROWS * MAX_OBJECTIVES], violations[MAX_ROWS];
  bool maximise[MAX_OBJECTIVES], front[MAX_ROWS], expected[MAX_ROWS];
  ag_random random = ag_random_stream(13, 0, 0, 0, 0);
  for (int round = 0; round < 1000; round++) {
    int objectives = round % MAX_OBJECTIVES + 1, count = 0;
    int rows = random_table(&random, objectives, values, maximise);
    double least = INFINITY;
    for (int i = 0; i < rows; i++) {
      violations[i] = round % 10 ? (double)ag_random_below(&random, 4) / 4 : INFINITY;
      least = fmin(least, violations[i]);
    }
    for (int i = 0; i < rows; i++)
      if (violations[i] == least)
        memcpy(kept + objectives * count++, values + objectives * i,
               (size_t)objectives * sizeof *values);
    ag_pareto_front(kept, count, objectives, maximise, NULL, expected);
    ag_pareto_front(values, rows, objectives, maximise, violations, front);
    for (int i = 0, k = 0; i < rows; i++)
      assert_int_equal(front[i], violations[i] == least && expected[k++]);
  }
}

/* Rank sums by counting the better rows. */
static void rank_sums_count_the_better_rows(void **state) {
  (void)state;
  double values[MAX_ROWS * MAX_OBJECTIVES];
  bool maximise[MAX_OBJECTIVES];
  int32_t sums[MAX_ROWS];
  ag_random random = ag_random_stream(14, 0, 0, 0, 0);
  for (int round = 0; round < 500; round++) {
    int objectives = round % MAX_OBJECTIVES + 1;
    int rows = random_table(&random, objectives, values, maximise);
    ag_rank_sums(values, rows, objectives, maximise, sums);
    for (int i = 0; i < rows; i++) {
      int sum = 0;
      for (int k = 0; k < rows * objectives; k++) {
        int m = k % objectives;
        sum += better(values[k], values[i * objectives + m], maximise[m]);
      }
      assert_int_equal(sums[i], sum);
    }
  }
}

/* The best of many, whose sums of ranks go far: here two objectives at odds but for some noise. */
static void the_best_of_many_are_the_least_beaten(void **state) {
  (void)state;
  enum { MANY = 3000, WANTED = 500 };
  static double values[2 * MANY];
  static int32_t sums[MANY], best[MANY];
  static bool taken[MANY];
  const bool maximise[] = {true, true};
  ag_random random = ag_random_stream(15, 0, 0, 0, 0);
  for (int i = 0; i < MANY; i++) {
    double x = ag_random_unit(&random), noise = ag_random_unit(&random);
    values[2 * i] = x * x;
    values[2 * i + 1] = -x - 4 * noise;
  }
  assert_int_equal(ag_pareto_best(values, MANY, 2, maximise, NULL, WANTED, best), WANTED);
  ag_pareto_front(values, MANY, 2, maximise, NULL, taken);
  ag_rank_sums(values, MANY, 2, maximise, sums);
  int size = 0;
  for (int i = 0; i < MANY; i++) size += taken[i];
  assert_true(size > 1 && size < WANTED);
  for (int k = size; k < WANTED; k++) {
    int least = -1;
    for (int i = 0; i < MANY; i++)
      if (!taken[i] && (least < 0 || sums[i] < sums[least])) least = i;
    assert_int_equal(best[k], least);
    taken[least] = true;
  }
}

/* The best are the front, then the others by violation, sum of ranks and number. */
static void the_best_are_the_front_and_the_least_beaten(void **state) {
  (void)state;
  double values[MAX_ROWS * MAX_OBJECTIVES], violations[MAX_ROWS];
  bool maximise[MAX_OBJECTIVES], front[MAX_ROWS];
  int32_t sums[MAX_ROWS], best[MAX_ROWS];
  ag_random random = ag_random_stream(13, 0, 0, 0, 0);
  for (int round = 0; round < 400; round++) {
    int objectives = round % MAX_OBJECTIVES + 1;
    int rows = random_table(&random, objectives, values, maximise), size = 0;
    for (int i = 0; i < rows; i++) violations[i] = (double)ag_random_below(&random, 3);
    const double *broken = round % 2 ? violations : NULL;
    int wanted = (int)ag_random_below(&random, (uint64_t)rows + 3);
    int count = ag_pareto_best(values, rows, objectives, maximise, broken, wanted, best);
    ag_pareto_front(values, rows, objectives, maximise, broken, front);
    ag_rank_sums(values, rows, objectives, maximise, sums);
    for (int i = 0; i < rows; i++)
      if (front[i]) assert_int_equal(best[size++], i);
    assert_int_equal(count, size > wanted ? size : wanted < rows ? wanted : rows);
    for (int k = size; k < count; k++) { /* the least of what is left */
      int least = -1;
      for (int i = 0; i < rows; i++) {
        if (front[i]) continue;
        double more = least < 0 || !broken ? 0 : broken[i] - broken[least];
        if (least < 0 || more < 0 || (more == 0 && sums[i] < sums[least])) least = i;
      }
      assert_int_equal(best[k], least);
      front[least] = true;
    }
  }
}

/* Count the unit cells of the grid that some row dominates: values are small integers. */
static double cells(const double *values, int rows, int objectives, const bool *maximise,
                    const double *reference) {
  int volume = 0, total = 1;
  for (int m = 0; m < objectives; m++) total *= 8;
  for (int cell = 0; cell < total; cell++) {
    bool covered = false;
    for (int i = 0; i < rows && !covered; i++) {
      covered = true;
      int rest = cell;
      for (int m = 0; m < objectives && covered; m++, rest /= 8) {
        double centre = rest % 8 + 0.5, v = values[i * objectives + m];
        covered =
            maximise[m] ? centre < v && centre > reference[m] : centre > v && centre < reference[m];
      }
    }
    volume += covered;
  }
  return volume;
}

static void hypervolumes_count_the_dominated_cells(void **state) {
  (void)state;
  double values[MAX_ROWS * MAX_OBJECTIVES], reference[MAX_OBJECTIVES];
  bool maximise[MAX_OBJECTIVES];
  ag_random random = ag_random_stream(12, 0, 0, 0, 0);
  for (int round = 0; round < 400; round++) {
    int objectives = round % MAX_OBJECTIVES + 1;
    int rows = random_table(&random, objectives, values, maximise);
    for (int m = 0; m < objectives; m++) reference[m] = (double)ag_random_below(&random, 9);
    double volume = ag_hypervolume(values, rows, objectives, maximise, reference);
    double expected = cells(values, rows, objectives, maximise, reference);
    assert_true(fabs(volume - expected) < 1e-9);
  }
}

static void rank_sums_are_those_of_table_8(void **state) {
  (void)state;
  const double values[] = {91.21, 260, 91.10, 215, 91.02, 200, 90.75, 210, 90.35, 220, 89.05, 250};
  const bool maximise[] = {true, false};
  const int32_t published[] = {5, 3, 2, 4, 7, 9};
  int32_t sums[6];
  ag_rank_sums(values, 6, 2, maximise, sums);
  assert_memory_equal(sums, published, sizeof published);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fronts_match_the_definition),
      cmocka_unit_test(rows_that_cannot_be_measured_are_never_on_the_front),
      cmocka_unit_test(violations_come_before_values),
      cmocka_unit_test(rank_sums_count_the_better_rows),
      cmocka_unit_test(the_best_are_the_front_and_the_least_beaten),
      cmocka_unit_test(the_best_of_many_are_the_least_beaten),
      cmocka_unit_test(hypervolumes_count_the_dominated_cells),
      cmocka_unit_test(rank_sums_are_those_of_table_8),
  };
  return cmocka_run_group_tests_name("pareto", tests, NULL, NULL);
}
