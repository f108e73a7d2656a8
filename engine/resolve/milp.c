/* The resolution problem as a mixed-integer linear program for lp_solve, reduced: only variables
 * that union-find and propagation left open are in it.
 *
 *   one-hot    a binary per candidate of a variable, adding up to 1
 *   count      a channel variable with many candidates (sums of concats): one integer, divided by
 *              what its readers require
 *   gap        per adapting node, |h + w + c - reference|, as a column above both signs
 *   support    choosing a value of one side requires one of its partners on the other
 *
 * The literal model (integer in and out variables for every node) is a hundred times slower and
 * does not return on infeasible chains. Work is bounded by a count of lp_solve's calls for abortion
 * rather than by the clock, so that a result never depends on the machine's load. */
#include <lpsolve/lp_lib.h>
#include <pthread.h>
#include <string.h>

#include "engine/resolve/problem.h"

/* lp_solve asks about once per simplex iteration. */
enum { ONE_HOT_LIMIT = 16, ABORT_CALLS = 200000 };

typedef struct milp {
  const ag_resolve_model *model;
  lprec *lp;
  int columns;
  int *first;    /* first column of a variable; 0 = decided */
  double *cost;  /* objective, by column from 1 */
  double *value; /* one row under construction */
  int *column;
  int entries;
  double constant; /* its part that is decided */
  int calls;
  bool stopped;
} milp;

static bool is_count(const ag_resolve_var *v) {
  return !v->spatial && v->count > ONE_HOT_LIMIT;
}

static double size_of(const ag_resolve_var *v, int k) {
  return (double)v->value[k].h + (double)v->value[k].w;
}

/* --- rows ---------------------------------------------------------------------------------- */

static void begin_row(milp *x) {
  x->entries = 0;
  x->constant = 0;
}

static void put(milp *x, int column, double value) {
  x->column[x->entries] = column;
  x->value[x->entries++] = value;
}

/* factor * (h + w, or c) of a variable. */
static void put_size(milp *x, int var, double factor) {
  const ag_resolve_var *v = &x->model->var[var];
  if (!x->first[var])
    x->constant += factor * size_of(v, 0);
  else if (is_count(v))
    put(x, x->first[var], factor * (double)v->divisor);
  else
    for (int k = 0; k < v->count; k++) put(x, x->first[var] + k, factor * size_of(v, k));
}

/* lp_solve wants each column once per row. */
static void end_row(milp *x, int type, double right) {
  int kept = 0;
  for (int e = 0; e < x->entries; e++) {
    int k = 0;
    while (k < kept && x->column[k] != x->column[e]) k++;
    if (k < kept) {
      x->value[k] += x->value[e];
    } else {
      x->column[kept] = x->column[e];
      x->value[kept++] = x->value[e];
    }
  }
  add_constraintex(x->lp, kept, x->value, x->column, type, right - x->constant);
}

/* --- objective ----------------------------------------------------------------------------- */

static void charge_size(milp *x, int var, double factor) {
  const ag_resolve_var *v = &x->model->var[var];
  if (!x->first[var]) return;
  if (is_count(v))
    x->cost[x->first[var]] += factor * (double)v->divisor;
  else
    for (int k = 0; k < v->count; k++) x->cost[x->first[var] + k] += factor * size_of(v, k);
}

/* A column bounded below by max(0, ...) of the row that follows. */
static int add_gap(milp *x, double weight) {
  int column = ++x->columns;
  x->cost[column] = weight;
  return column;
}

static void charge_narrowing(milp *x, const ag_resolve_node *n) {
  const ag_resolve_var *c = &x->model->var[n->channel_out];
  int first = x->first[n->channel_out];
  if (!first) return;
  if (is_count(c)) {
    begin_row(x);
    put_size(x, n->channel_out, 1);
    put(x, add_gap(x, n->weight), 1);
    end_row(x, GE, n->reference.c);
    return;
  }
  for (int k = 0; k < c->count; k++)
    if (c->value[k].h < n->reference.c)
      x->cost[first + k] += (double)n->weight * (n->reference.c - c->value[k].h);
}

static void charge_change(milp *x, const ag_resolve_node *n) {
  if (!x->first[n->spatial_out] && !x->first[n->channel_out]) return;
  ag_shape r = n->reference;
  double reference = (double)r.h + r.w + r.c;
  int gap = add_gap(x, n->weight);
  for (int sign = -1; sign <= 1; sign += 2) {
    begin_row(x);
    put_size(x, n->spatial_out, sign);
    put_size(x, n->channel_out, sign);
    put(x, gap, -1);
    end_row(x, LE, sign * reference);
  }
}

static void charge_node(milp *x, const ag_resolve_node *n) {
  if (!n->weight) return;
  charge_size(x, n->spatial_in, n->weight);
  if (!n->adapts) {
    charge_size(x, n->channel_in, n->weight);
    return;
  }
  charge_size(x, n->spatial_out, -(double)n->weight);
  charge_narrowing(x, n);
  charge_change(x, n);
}

/* --- relations ----------------------------------------------------------------------------- */

/* partner[a][b]: value a of `from` goes with value b of `to`. */
static bool *partners(milp *x, const ag_relation *r) {
  const ag_resolve_var *from = &x->model->var[r->from], *to = &x->model->var[r->to];
  bool *partner = AG_TAKE(x->model->scratch, bool, from->count * to->count);
  memset(partner, 0, (size_t)(from->count * to->count));
  ag_size images[AG_RESOLVE_MAX_IMAGES];
  for (int a = 0; a < from->count; a++) {
    int count = ag_relation_images(x->model, r, from->value[a], images);
    for (int j = 0; j < count; j++) {
      int b = ag_var_find(to, images[j]);
      if (b >= 0) partner[a * to->count + b] = true;
    }
  }
  return partner;
}

static void require_support(milp *x, const ag_relation *r) {
  const ag_resolve_var *from = &x->model->var[r->from], *to = &x->model->var[r->to];
  int first_from = x->first[r->from], first_to = x->first[r->to];
  if (!first_from || !first_to || r->from == r->to) return; /* propagation has seen to it */
  const bool *partner = partners(x, r);
  for (int a = 0; a < from->count; a++) {
    begin_row(x);
    put(x, first_from + a, 1);
    for (int b = 0; b < to->count; b++)
      if (partner[a * to->count + b]) put(x, first_to + b, -1);
    end_row(x, LE, 0);
  }
  for (int b = 0; b < to->count; b++) {
    begin_row(x);
    put(x, first_to + b, 1);
    for (int a = 0; a < from->count; a++)
      if (partner[a * to->count + b]) put(x, first_from + a, -1);
    end_row(x, LE, 0);
  }
}

/* den * to = num * from, or up to den - 1 less (slices round down). */
static void require_ratio(milp *x, const ag_relation *r) {
  for (int side = 0; side < 2; side++) {
    begin_row(x);
    put_size(x, r->from, (double)r->num);
    put_size(x, r->to, -(double)r->den);
    end_row(x, side ? GE : LE, side || r->kind == AG_RELATION_RATIO ? 0 : (double)(r->den - 1));
  }
}

static void require_sum(milp *x, const ag_relation *r) {
  begin_row(x);
  for (int t = 0; t < r->terms; t++) put_size(x, r->term[t].var, r->term[t].times);
  put_size(x, r->to, -1);
  if (x->entries) end_row(x, EQ, 0);
}

static void require(milp *x, const ag_relation *r) {
  if (r->kind == AG_RELATION_CHOICE) return;
  if (r->kind == AG_RELATION_SUM)
    require_sum(x, r);
  else if (is_count(&x->model->var[r->from]) || is_count(&x->model->var[r->to]))
    require_ratio(x, r);
  else
    require_support(x, r);
}

/* --- columns ------------------------------------------------------------------------------- */

static int count_columns(milp *x) {
  const ag_resolve_model *m = x->model;
  int columns = 0;
  for (int v = 0; v < m->variables; v++) {
    x->first[v] = m->var[v].count > 1 ? columns + 1 : 0;
    if (m->var[v].count > 1) columns += is_count(&m->var[v]) ? 1 : m->var[v].count;
  }
  return columns;
}

static void declare_variable(milp *x, int var) {
  const ag_resolve_var *v = &x->model->var[var];
  int first = x->first[var];
  if (is_count(v)) {
    set_int(x->lp, first, TRUE);
    set_bounds(x->lp, first, (double)(v->value[0].h / v->divisor),
               (double)(v->value[v->count - 1].h / v->divisor));
    return;
  }
  for (int k = 0; k < v->count; k++) set_binary(x->lp, first + k, TRUE);
}

static void require_one(milp *x, int var) {
  const ag_resolve_var *v = &x->model->var[var];
  if (!x->first[var] || is_count(v)) return;
  begin_row(x);
  for (int k = 0; k < v->count; k++) put(x, x->first[var] + k, 1);
  end_row(x, EQ, 1);
}

/* --- solving ------------------------------------------------------------------------------- */

static int __WINAPI out_of_calls(lprec *lp, void *context) {
  (void)lp;
  milp *x = context;
  x->stopped = x->stopped || ag_resolve_stopped(x->model);
  return x->stopped || ++x->calls > ABORT_CALLS;
}

static void formulate(milp *x, int total) {
  const ag_resolve_model *m = x->model;
  int gaps = x->columns + 1;
  set_verbose(x->lp, NEUTRAL);
  set_add_rowmode(x->lp, TRUE);
  for (int v = 0; v < m->variables; v++) require_one(x, v);
  for (int k = 0; k < m->relations; k++) require(x, &m->relation[k]);
  for (int i = 0; i < m->segment->size; i++) charge_node(x, &m->node[i]);
  set_add_rowmode(x->lp, FALSE);
  x->entries = 0;
  for (int c = 1; c <= total; c++)
    if (x->cost[c] != 0) put(x, c, x->cost[c]);
  set_obj_fnex(x->lp, x->entries, x->value, x->column);
  for (int v = 0; v < m->variables; v++)
    if (x->first[v]) declare_variable(x, v);
  set_minim(x->lp);
  set_bb_floorfirst(x->lp, BRANCH_FLOOR);
  set_bb_rule(x->lp, NODE_PSEUDOCOSTSELECT);
  for (int c = gaps; c <= x->columns; c++) set_int(x->lp, c, TRUE);
  put_abortfunc(x->lp, out_of_calls, x);
}

static ag_status read_choice(milp *x, int32_t *choice, ag_error *err) {
  double *solution;
  get_ptr_variables(x->lp, &solution);
  for (int v = 0; v < x->model->variables; v++) {
    const ag_resolve_var *var = &x->model->var[v];
    if (!x->first[v]) continue;
    const double *at = solution + x->first[v] - 1;
    if (is_count(var)) {
      int32_t c = (int32_t)((int64_t)(at[0] + 0.5) * var->divisor);
      choice[v] = ag_var_find(var, (ag_size){c, 0});
      if (choice[v] < 0) return ag_fail(err, AG_LIMIT, "lp_solve lost its precision");
    } else {
      for (int k = 0; k < var->count; k++)
        if (at[k] > at[choice[v]]) choice[v] = k;
    }
  }
  return AG_OK;
}

/* The program in x->lp, NULL where no variable is open. */
static ag_status open_program(milp *x, const ag_resolve_model *m, ag_error *err) {
  *x = (milp){.model = m, .first = AG_TAKE(m->scratch, int, m->variables)};
  x->columns = count_columns(x);
  if (x->columns == 0) return AG_OK;
  int total = x->columns + 2 * m->segment->size;
  x->cost = AG_TAKE(m->scratch, double, total + 1);
  memset(x->cost, 0, ((size_t)total + 1) * sizeof *x->cost);
  x->value = AG_TAKE(m->scratch, double, 2 * total + 2);
  x->column = AG_TAKE(m->scratch, int, 2 * total + 2);
  x->lp = make_lp(0, total);
  if (!x->lp) return ag_fail(err, AG_LIMIT, "lp_solve cannot take %d columns", total);
  formulate(x, total);
  return AG_OK;
}

ag_status ag_resolve_milp(const ag_resolve_model *m, int32_t *choice, ag_error *err) {
  milp x;
  memset(choice, 0, (size_t)m->variables * sizeof *choice);
  ag_status status = open_program(&x, m, err);
  if (status || !x.lp) return status;
  int outcome = solve(x.lp);
  if (outcome == OPTIMAL || outcome == PRESOLVED)
    status = read_choice(&x, choice, err);
  else if (outcome == INFEASIBLE)
    status = ag_fail(err, AG_INFEASIBLE, "no combination of candidates fits");
  else if (x.stopped)
    status = ag_fail(err, AG_INTERRUPTED, "stopped on request");
  else
    status = ag_fail(err, AG_LIMIT, "lp_solve gave up (code %d)", outcome);
  delete_lp(x.lp);
  return status;
}

/* Some readers take integers without an upper bound for binary: gaps get one, above any three
 * sizes. */
bool ag_resolve_milp_write(const ag_resolve_model *m, const char *path) {
  milp x;
  if (open_program(&x, m, NULL) || !x.lp) return false;
  for (int c = 1; c <= x.columns; c++)
    if (get_upbo(x.lp, c) > 1e10) set_upbo(x.lp, c, 1e10);
  bool written = write_freemps(x.lp, (char *)path);
  delete_lp(x.lp);
  return written;
}

/* lp_solve fills globals on first use: do that once before threads meet there. */
static void warm_up(void) {
  lprec *lp = make_lp(0, 1);
  if (!lp) return;
  set_verbose(lp, NEUTRAL);
  set_binary(lp, 1, TRUE);
  solve(lp);
  delete_lp(lp);
}

void ag_resolve_milp_warm_up(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, warm_up);
}
