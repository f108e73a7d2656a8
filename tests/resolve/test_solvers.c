/* Three solvers that share little, a checker that shares nothing, and the true shape rules: on
 * random problems they must agree. AUTOGO_RESOLVE_CASES sets the number of problems. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/resolve.h"
#include "tests/support/random_segment.h"

enum { CASES = 1000, NODES = 16, LARGE = 64, WIDEST = 8192 };

static int cases(void) {
  const char *text = getenv("AUTOGO_RESOLVE_CASES");
  return text ? atoi(text) : CASES;
}

typedef struct outcome {
  ag_status status;
  double objective;
} outcome;

static void fail_case(int seed, const char *solver, ag_error *err) {
  char text[1024];
  fail_msg("problem %d, %s: %s", seed, solver, ag_error_text(err, text, sizeof text));
}

/* The result, written into the segment, must come out of the shape rules again. */
static void reproduce(int seed, const ag_resolve_problem *p, const ag_resolve_result *r) {
  ag_error err;
  ag_segment *copy = ag_segment_copy(p->segment);
  ag_resolve_apply(p, r, copy);
  for (int i = 0; i < copy->size; i++) {
    copy->nodes[i].in.h = copy->nodes[i].in.w = 0;
    copy->nodes[i].out.h = copy->nodes[i].out.w = 0;
  }
  if (ag_segment_infer(copy, p->inputs, &err)) fail_case(seed, "apply", &err);
  for (int i = 0; i < copy->size; i++) {
    assert_true(ag_shape_equal(copy->nodes[i].in, r->in[i]));
    assert_true(ag_shape_equal(copy->nodes[i].out, r->out[i]));
  }
  for (int q = 0; q < copy->outputs; q++)
    assert_true(ag_shape_equal(copy->nodes[copy->output_nodes[q]].out, p->outputs[q]));
  ag_segment_free(copy);
}

static outcome run(int seed, ag_solver *solver, const char *name, const ag_resolve_problem *p) {
  ag_resolve_result r;
  ag_error err;
  outcome o = {.status = ag_resolve(solver, p, &r, &err)};
  if (o.status != AG_OK) {
    if (o.status != AG_INFEASIBLE && o.status != AG_LIMIT) fail_case(seed, name, &err);
    return o;
  }
  o.objective = r.objective;
  if (ag_resolve_check(p, &r, &err)) fail_case(seed, name, &err);
  if (p->formulation == AG_RESOLVE_OURS) reproduce(seed, p, &r);
  return o;
}

static void compare(ag_formulation formulation) {
  ag_solver *exact = ag_solver_new(AG_RESOLVE_EXACT), *milp = ag_solver_new(AG_RESOLVE_MILP);
  ag_solver *exhaustive = ag_solver_new(AG_RESOLVE_EXHAUSTIVE);
  int feasible = 0, unfinished = 0, total = cases();
  for (int seed = 0; seed < total; seed++) {
    random_problem problem = random_problem_make((uint64_t)seed, NODES);
    ag_resolve_problem p = random_problem_view(&problem);
    p.formulation = formulation;
    outcome a = run(seed, exact, "exact", &p), b = run(seed, milp, "milp", &p);
    outcome c = run(seed, exhaustive, "exhaustive", &p);
    assert_true(a.status != AG_LIMIT && b.status != AG_LIMIT);
    unfinished += c.status == AG_LIMIT;
    feasible += a.status == AG_OK;
    if (a.status != b.status || a.objective != b.objective)
      fail_msg("problem %d: exact %d %.17g, milp %d %.17g", seed, (int)a.status, a.objective,
               (int)b.status, b.objective);
    if (c.status != AG_LIMIT && (a.status != c.status || a.objective != c.objective))
      fail_msg("problem %d: exact %d %.17g, exhaustive %d %.17g", seed, (int)a.status, a.objective,
               (int)c.status, c.objective);
    random_problem_free(&problem);
  }
  print_message("%d problems, %d feasible, %d beyond exhaustive search\n", total, feasible,
                unfinished);
  assert_true(feasible > total / 20 && feasible < total);
  assert_true(unfinished < total / 20);
  ag_solver_free(exact);
  ag_solver_free(milp);
  ag_solver_free(exhaustive);
}

static void test_ours(void **state) {
  (void)state;
  compare(AG_RESOLVE_OURS);
}

static void test_published(void **state) {
  (void)state;
  compare(AG_RESOLVE_PUBLISHED);
}

/* A place with `factor` times the channels, and so all widths in the segment; false if they do not
 * fit then, or are too wide. */
static bool widen(random_problem *problem, int32_t factor) {
  ag_segment *s = problem->segment;
  for (int p = 0; p < s->inputs; p++) {
    bool gate = problem->inputs[p].c == 1 || s->input_shapes[p].c == 1; /* of one channel */
    s->input_shapes[p].c *= gate ? 1 : factor;
    problem->inputs[p].c *= gate ? 1 : factor;
  }
  for (int i = 0; i < s->size; i++) {
    if (ag_op_weighted(s->nodes[i].op)) s->nodes[i].out.c *= factor;
    if (s->nodes[i].flags & AG_FLAG_SLICE) s->nodes[i].in.c *= factor;
  }
  for (int q = 0; q < s->outputs; q++) problem->outputs[q].c *= factor;
  ag_shape shapes[LARGE];
  memcpy(shapes, s->input_shapes, (size_t)s->inputs * sizeof *shapes);
  bool fits = ag_segment_infer(s, shapes, NULL) == AG_OK;
  for (int p = 0; p < s->inputs; p++) fits = fits && problem->inputs[p].c <= WIDEST;
  for (int i = 0; i < s->size; i++) fits = fits && s->nodes[i].out.c <= WIDEST;
  return fits; /* MACs can be counted of up to twice these channels */
}

/* Beyond exhaustive search: up to 64 nodes, and widths at which lp_solve must not round. */
static void test_large(void **state) {
  (void)state;
  ag_solver *exact = ag_solver_new(AG_RESOLVE_EXACT), *milp = ag_solver_new(AG_RESOLVE_MILP);
  int feasible = 0, total = cases();
  for (int seed = 0; seed < total; seed++) {
    random_problem problem = random_problem_make((uint64_t)seed, LARGE);
    if (widen(&problem, seed % 2 ? 1 : 250)) {
      ag_resolve_problem p = random_problem_view(&problem);
      p.formulation = seed % 4 < 2 ? AG_RESOLVE_OURS : AG_RESOLVE_PUBLISHED;
      outcome a = run(seed, exact, "exact", &p), b = run(seed, milp, "milp", &p);
      assert_true(a.status != AG_LIMIT);
      feasible += a.status == AG_OK;
      if (b.status != AG_LIMIT && (a.status != b.status || a.objective != b.objective))
        fail_msg("problem %d: exact %d %.17g, milp %d %.17g", seed, (int)a.status, a.objective,
                 (int)b.status, b.objective);
    }
    random_problem_free(&problem);
  }
  assert_true(feasible > total / 20);
  ag_solver_free(exact);
  ag_solver_free(milp);
}

enum { THREADS = 4, SHARED_CASES = 400 };

typedef struct crowd {
  ag_solver *solver[THREADS];
  outcome found[SHARED_CASES];
} crowd;

static void solve_one(void *context, int64_t index, int worker) {
  crowd *c = context;
  random_problem problem = random_problem_make((uint64_t)index, NODES);
  ag_resolve_problem p = random_problem_view(&problem);
  ag_resolve_result r;
  outcome o = {.status = ag_resolve(c->solver[worker], &p, &r, NULL)};
  if (!o.status) o.objective = r.objective;
  c->found[index] = o;
  random_problem_free(&problem);
}

/* A solver per thread: the same answers as one thread gives, lp_solve included. */
static void test_threads(void **state) {
  (void)state;
  for (int m = AG_RESOLVE_EXACT; m <= AG_RESOLVE_MILP; m++) {
    crowd alone = {{NULL}, {{AG_OK, 0}}}, many = alone;
    for (int t = 0; t < THREADS; t++) many.solver[t] = ag_solver_new((ag_method)m);
    alone.solver[0] = many.solver[0];
    ag_pool *pool = ag_pool_new(THREADS);
    ag_pool_run(pool, SHARED_CASES, solve_one, &many);
    for (int k = 0; k < SHARED_CASES; k++) {
      solve_one(&alone, k, 0);
      assert_int_equal(alone.found[k].status, many.found[k].status);
      assert_true(alone.found[k].objective == many.found[k].objective);
    }
    ag_pool_free(pool);
    for (int t = 0; t < THREADS; t++) ag_solver_free(many.solver[t]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ours),
      cmocka_unit_test(test_published),
      cmocka_unit_test(test_large),
      cmocka_unit_test(test_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
