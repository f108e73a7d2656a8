/* A solver that remembers answers as one that does not; memory is bounded; a stop is heard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "autogo/resolve.h"
#include "tests/support/random_segment.h"

static void test_same_answers(void **state) {
  (void)state;
  for (int entries = 1; entries <= 1000; entries *= 10) {
    ag_solver *plain = ag_solver_new(AG_RESOLVE_EXACT), *other = ag_solver_new(AG_RESOLVE_EXACT);
    ag_solver_remember(other, entries);
    for (int k = 0; k < 2000; k++) {
      random_problem problem = random_problem_make((uint64_t)(k % 200), 12);
      ag_resolve_problem p = random_problem_view(&problem);
      ag_resolve_result a, b;
      ag_error err;
      ag_status status = ag_resolve(plain, &p, &a, NULL);
      assert_int_equal(ag_resolve(other, &p, &b, k % 3 ? NULL : &err), status);
      if (status && k % 3 == 0) assert_true(err.message[0]);
      for (int i = 0; i < p.segment->size && !status; i++) {
        assert_true(ag_shape_equal(a.in[i], b.in[i]));
        assert_true(ag_shape_equal(a.out[i], b.out[i]));
      }
      if (!status) assert_true(a.objective == b.objective);
      random_problem_free(&problem);
    }
    if (entries == 1000) assert_true(ag_solver_remembered(other) > 1000);
    assert_int_equal(ag_solver_remembered(plain), 0);
    ag_solver_free(plain);
    ag_solver_free(other);
  }
}

/* Everything a result depends on is in the key. */
static void test_key(void **state) {
  (void)state;
  ag_solver *solver = ag_solver_new(AG_RESOLVE_EXACT);
  ag_solver_remember(solver, 16);
  random_problem problem = random_problem_make(3, 6);
  ag_resolve_problem p = random_problem_view(&problem);
  ag_resolve_result r;
  int64_t hits = 0;
  ag_resolve(solver, &p, &r, NULL);
  ag_resolve(solver, &p, &r, NULL);
  assert_int_equal(ag_solver_remembered(solver), ++hits);
  problem.inputs[0].h++;
  ag_resolve(solver, &p, &r, NULL);
  problem.outputs[0].c++;
  ag_resolve(solver, &p, &r, NULL);
  problem.segment->nodes[0].in.c++;
  ag_resolve(solver, &p, &r, NULL);
  problem.segment->nodes[0].pads[3]++;
  ag_resolve(solver, &p, &r, NULL);
  p.formulation = AG_RESOLVE_PUBLISHED;
  ag_resolve(solver, &p, &r, NULL);
  assert_int_equal(ag_solver_remembered(solver), hits);
  random_problem_free(&problem);
  ag_solver_free(solver);
}

static bool always(void *context) {
  ++*(int *)context;
  return true;
}

static void test_stop(void **state) {
  (void)state;
  ag_solver *solver = ag_solver_new(AG_RESOLVE_EXHAUSTIVE);
  int asked = 0;
  ag_solver_set_stop(solver, always, &asked);
  random_problem problem = random_problem_make(1, 16);
  ag_resolve_problem p = random_problem_view(&problem);
  ag_resolve_result r;
  assert_int_equal(ag_resolve(solver, &p, &r, NULL), AG_INTERRUPTED);
  assert_int_equal(asked, 1);
  random_problem_free(&problem);
  ag_solver_free(solver);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_answers),
      cmocka_unit_test(test_key),
      cmocka_unit_test(test_stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
