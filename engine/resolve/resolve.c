/* The one call behind which the three solvers stand: check, build and propagate, solve what is
 * left open, read the shapes off the variables, add up the objective. */
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/resolve/problem.h"

struct ag_solver {
  ag_method method;
  ag_scratch scratch;
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
  free(solver);
}

static ag_shape shape_of(const ag_resolve_model *m, const int32_t *choice, int spatial,
                         int channels) {
  ag_size s = m->var[spatial].value[choice[spatial]];
  return (ag_shape){s.h, s.w, m->var[channels].value[choice[channels]].h};
}

static ag_status solve_model(ag_solver *solver, const ag_resolve_problem *p, ag_resolve_model *m,
                             ag_shape *in, ag_shape *out, ag_error *err) {
  ag_status status = ag_resolve_build(p, &solver->scratch, m, err);
  if (status) return status;
  int32_t *choice = AG_TAKE(&solver->scratch, int32_t, m->variables);
  status = solver->method == AG_RESOLVE_MILP ? ag_resolve_milp(m, choice, err)
                                             : ag_resolve_exact(m, choice, err);
  for (int i = 0; i < m->segment->size && !status; i++) {
    const ag_resolve_node *n = &m->node[i];
    in[i] = shape_of(m, choice, n->spatial_in, n->channel_in);
    out[i] = shape_of(m, choice, n->spatial_out, n->channel_out);
  }
  return status;
}

ag_status ag_resolve(ag_solver *solver, const ag_resolve_problem *p, ag_resolve_result *result,
                     ag_error *err) {
  ag_status status = ag_resolve_validate(p, err);
  if (status) return status;
  ag_scratch_rewind(&solver->scratch, (ag_scratch_mark){0, 0});
  ag_shape *in = AG_TAKE(&solver->scratch, ag_shape, p->segment->size);
  ag_shape *out = AG_TAKE(&solver->scratch, ag_shape, p->segment->size);
  ag_resolve_model m;
  if (solver->method == AG_RESOLVE_EXHAUSTIVE) {
    ag_resolve_link(p, &solver->scratch, &m);
    status = ag_resolve_exhaustive(&m, in, out, err);
  } else {
    status = solve_model(solver, p, &m, in, out, err);
  }
  if (status) return status;
  int64_t objective = 0;
  for (int i = 0; i < p->segment->size; i++) objective += ag_node_charge(&m.node[i], in[i], out[i]);
  *result = (ag_resolve_result){p->segment->size, in, out, (double)objective};
  return AG_OK;
}
