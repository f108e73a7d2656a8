/* Numbers of rows: equal if and only if what the rows follow from is, in the same order. */
#include "engine/predict/numbers.h"
#include "tests/predict/random_model.h"

enum { ROWS = 900, CODES = 1200, MOST = 9 };

typedef struct table {
  int32_t start[ROWS + 1], refs[ROWS * MOST], one[ROWS], two[ROWS], code[CODES + 1];
  int32_t own[ROWS], list_start[ROWS + 1], list_refs[ROWS * MOST], found[ROWS];
} table;

/* Rows of up to MOST predecessors, many of them alike. */
static void fill(ag_random *random, table *t, int kinds, int most) {
  for (int i = 0; i < CODES; i++) t->code[i] = 1 + below(random, kinds);
  t->code[CODES] = 0;
  for (int i = 0; i < ROWS; i++) {
    int count = below(random, most + 1);
    t->start[i + 1] = t->start[i] + count;
    for (int k = 0; k < count; k++) t->refs[t->start[i] + k] = below(random, CODES);
  }
}

static bool alike(const table *t, int i, int j) {
  int count = t->start[i + 1] - t->start[i];
  if (t->code[i] != t->code[j] || t->start[j + 1] - t->start[j] != count) return false;
  for (int k = 0; k < count; k++) {
    if (t->code[t->refs[t->start[i] + k]] != t->code[t->refs[t->start[j] + k]]) return false;
  }
  return true;
}

/* The list says of a number what the row it was found for follows from. */
static void check_listed(const table *t, const ag_state_list *list, int row, int offset) {
  int32_t state = t->found[row], from = t->start[row];
  assert_in_range(state, 0, list->count - 1);
  assert_int_equal(list->own[state], t->code[row] - offset);
  assert_int_equal(list->start[state + 1] - list->start[state], t->start[row + 1] - from);
  for (int k = 0; k < t->start[row + 1] - from; k++) {
    assert_int_equal(list->refs[list->start[state] + k], t->code[t->refs[from + k]] - offset);
  }
}

static void test_equal_rows(void **state) {
  (void)state;
  ag_numbers numbers = {0};
  for (int round = 0; round < 12; round++) {
    ag_random random = ag_random_stream(1, (uint64_t)round, 0, 0, 0);
    table *t = AG_NEW(table);
    int kinds = 1 + below(&random, round < 6 ? 4 : 500), offset = below(&random, 20);
    fill(&random, t, kinds, 1 + round % MOST);
    ag_rows rows = {t->start, t->refs, t->one, t->two};
    ag_rows_pair(&rows, ROWS, CODES);
    ag_state_list list = {.own = t->own, .start = t->list_start, .refs = t->list_refs};
    ag_number_rows(&numbers, &rows, ROWS, t->code, offset, kinds, &list, t->found);
    for (int i = 0; i < ROWS; i++) {
      check_listed(t, &list, i, offset);
      for (int j = 0; j < i; j++) assert_int_equal(t->found[i] == t->found[j], alike(t, i, j));
    }
    /* Without a table, and where codes do not fit one, every row has its own. */
    for (int full = 0; full < 2; full++) {
      ag_number_rows(full ? &numbers : NULL, &rows, ROWS, t->code, offset, full ? 1 << 21 : kinds,
                     &list, t->found);
      assert_int_equal(list.count, ROWS);
      for (int i = 0; i < ROWS; i++) check_listed(t, &list, i, offset);
    }
    free(t);
  }
  ag_numbers_free(&numbers);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_equal_rows)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
