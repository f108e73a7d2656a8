/* The one call behind which the three solvers stand: check, look up, build and propagate, solve
 * what is left open, read the shapes off the variables, add up the objective. */
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/resolve/memo.h"
#include "engine/resolve/problem.h"

struct ag_solver {
  ag_method method;
  ag_scratch scratch;
  ag_memo memo;
  bool (*stop)(void *context);
  void *stop_context;
};

ag_solver *ag_solver_new(ag_method method) {
  ag_solver *solver = AG_NEW(ag_solver);
  solver->method = method;
  if (method == AG_RESOLVE_MILP) ag_resolve_milp_warm_up();
  return solver;
}

void ag_solver_free(ag_solver *solver) {
  if (!solver) return;
  ag_scratch_free(&solver->scratch);
  ag_memo_resize(&solver->memo, 0);
  free(solver);
}

void ag_solver_remember(ag_solver *solver, int entries) {
  ag_memo_resize(&solver->memo, entries);
}

int64_t ag_solver_remembered(const ag_solver *solver) {
  return solver->memo.hits;
}

void ag_solver_set_stop(ag_solver *solver, bool (*stop)(void *context), void *context) {
  solver->stop = stop;
  solver->stop_context = context;
}

static ag_shape shape_of(const ag_resolve_model *m, const int32_t *choice, int spatial,
                         int channels) {
  ag_size s = m->var[spatial].value[choice[spatial]];
  return (ag_shape){s.h, s.w, m->var[channels].value[choice[channels]].h};
}

/* EXACT and MILP: solve the model for its variables, and read the shapes off them. */
static ag_status solve_variables(ag_solver *solver, const ag_resolve_problem *p,
                                 ag_resolve_model *m, ag_resolve_result *r, ag_error *err) {
  ag_status status = ag_resolve_build(p, &solver->scratch, m, err);
  if (status) return status;
  m->stop = solver->stop;
  m->stop_context = solver->stop_context;
  int32_t *choice = AG_TAKE(&solver->scratch, int32_t, m->variables);
  status = solver->method == AG_RESOLVE_MILP ? ag_resolve_milp(m, choice, err)
                                             : ag_resolve_exact(m, choice, err);
  for (int i = 0; i < m->segment->size && !status; i++) {
    const ag_resolve_node *n = &m->node[i];
    r->in[i] = shape_of(m, choice, n->spatial_in, n->channel_in);
    r->out[i] = shape_of(m, choice, n->spatial_out, n->channel_out);
  }
  return status;
}

static ag_status solve_nodes(ag_solver *solver, const ag_resolve_problem *p, ag_resolve_model *m,
                             ag_resolve_result *r, ag_error *err) {
  ag_resolve_link(p, &solver->scratch, m);
  m->stop = solver->stop;
  m->stop_context = solver->stop_context;
  return ag_resolve_exhaustive(m, r->in, r->out, err);
}

static ag_status solve(ag_solver *solver, const ag_resolve_problem *p, ag_resolve_result *result,
                       ag_error *err) {
  ag_resolve_result r = {.size = p->segment->size};
  r.in = AG_TAKE(&solver->scratch, ag_shape, r.size);
  r.out = AG_TAKE(&solver->scratch, ag_shape, r.size);
  ag_resolve_model m;
  ag_status status = solver->method == AG_RESOLVE_EXHAUSTIVE
                         ? solve_nodes(solver, p, &m, &r, err)
                         : solve_variables(solver, p, &m, &r, err);
  if (status) return status;
  int64_t objective = 0;
  for (int i = 0; i < r.size; i++) objective += ag_node_charge(&m.node[i], r.in[i], r.out[i]);
  r.objective = (double)objective;
  *result = r;
  return AG_OK;
}

ag_status ag_resolve(ag_solver *solver, const ag_resolve_problem *p, ag_resolve_result *result,
                     ag_error *err) {
  ag_status status = ag_resolve_validate(p, err);
  if (status) return status;
  ag_scratch_rewind(&solver->scratch, (ag_scratch_mark){0, 0});
  if (!ag_memo_takes(&solver->memo, p)) return solve(solver, p, result, err);
  ag_hash key = ag_memo_key(p);
  if (ag_memo_get(&solver->memo, key, &status, result) && (!status || !err)) return status;
  status = solve(solver, p, result, err);
  if (status == AG_OK || status == AG_INFEASIBLE)
    ag_memo_put(&solver->memo, key, status, status ? NULL : result);
  return status;
}
