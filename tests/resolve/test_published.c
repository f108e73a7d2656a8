/* The problems the published search met, with the optima that glpk and cbc agree on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "autogo/resolve.h"

static ag_resolve_instances *load(void) {
  const char *shared = getenv("AUTOGO_SHARED");
  char path[512];
  ag_error err;
  ag_resolve_instances *list = NULL;
  snprintf(path, sizeof path, "%s/data/resolve/published_instances.json",
           shared ? shared : "../shared");
  ag_status status = ag_resolve_load(path, &list, &err);
  if (status == AG_IO) {
    print_message("published_instances.json is not there\n");
    skip();
  }
  if (status) fail_msg("%s: %s: %s", err.file, err.node, err.message);
  return list;
}

static void check_instance(ag_solver *solver, int number, const ag_resolve_instance *it) {
  ag_resolve_problem problem = ag_resolve_instance_problem(it, AG_RESOLVE_PUBLISHED);
  ag_resolve_result result;
  ag_error err;
  assert_true(it->answered);
  ag_status status = ag_resolve(solver, &problem, &result, &err);
  if (status != (it->feasible ? AG_OK : AG_INFEASIBLE))
    fail_msg("instance %d: status %d (%s)", number, (int)status, status ? err.message : "");
  if (!it->feasible) return;
  if (result.objective != it->objective)
    fail_msg("instance %d: %g instead of %g", number, result.objective, it->objective);
  if (ag_resolve_check(&problem, &result, &err)) fail_msg("instance %d: %s", number, err.message);
}

static void agree(ag_method method) {
  ag_resolve_instances *list = load();
  ag_solver *solver = ag_solver_new(method);
  assert_int_equal(list->size, 601);
  for (int i = 0; i < list->size; i++) check_instance(solver, i, &list->instance[i]);
  ag_solver_free(solver);
  ag_resolve_instances_free(list);
}

static void test_exact(void **state) {
  (void)state;
  agree(AG_RESOLVE_EXACT);
}

static void test_milp(void **state) {
  (void)state;
  agree(AG_RESOLVE_MILP);
}

static void test_exhaustive(void **state) {
  (void)state;
  agree(AG_RESOLVE_EXHAUSTIVE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_exact),
      cmocka_unit_test(test_milp),
      cmocka_unit_test(test_exhaustive),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
