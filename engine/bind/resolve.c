/* Resolution: making the shapes of a segment fit a place. */
#include "autogo/resolve.h"
#include "engine/bind/bind.h"

static void free_segment(void *segment) {
  ag_segment_free(segment);
}

static void free_solver(void *solver) {
  ag_solver_free(solver);
}

/* The shapes of option `name`, one per port, or those the segment has. */
static const ag_shape *port_shapes(lua_State *L, int arg, const char *name, const ag_segment *s,
                                   bool inputs) {
  int count, ports = inputs ? s->inputs : s->outputs;
  if (ag_lua_option(L, arg, name) != LUA_TNIL) {
    const ag_shape *shapes = ag_lua_to_shapes(L, -1, name, &count);
    if (count != ports)
      luaL_error(L, "bad option '%s' (%d shapes expected, got %d)", name, ports, count);
    return shapes;
  }
  ag_shape *own = ag_lua_scratch(L, (size_t)ports, sizeof *own);
  for (int p = 0; p < ports; p++)
    own[p] = inputs ? s->input_shapes[p] : s->nodes[s->output_nodes[p]].out;
  return own;
}

static void push_shapes(lua_State *L, const ag_shape *shapes, int count) {
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    ag_lua_push_shape(L, shapes[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* Shapes per node, objective, and the segment with its new shapes and strides. */
static int push_solution(lua_State *L, const ag_resolve_problem *problem,
                         const ag_resolve_result *result) {
  push_shapes(L, result->out, result->size);
  lua_pushnumber(L, result->objective);
  if (problem->formulation != AG_RESOLVE_OURS) return 2;
  void **box = ag_lua_box(L, AG_LUA_SEGMENT);
  ag_segment *resolved = ag_segment_copy(problem->segment);
  ag_resolve_apply(problem, result, resolved);
  *box = ag_lua_make_segment(resolved, -1);
  return 3;
}

static bool interrupted(void *context) {
  (void)context;
  return ag_lua_interrupted();
}

/* A solver by option `solver` of the table at `arg`; Lua owns it (pushes it). */
static ag_solver *push_solver(lua_State *L, int arg) {
  static const char *const methods[] = {"exact", "milp", "exhaustive", NULL};
  int method = ag_lua_option_choice(L, arg, "solver", AG_RESOLVE_EXACT, methods);
  void **solver = ag_lua_anchor(L, free_solver);
  *solver = ag_solver_new((ag_method)method);
  ag_solver_set_stop(*solver, interrupted, NULL);
  return *solver;
}

static ag_formulation formulation_option(lua_State *L, int arg) {
  static const char *const formulations[] = {"ours", "published", NULL};
  return (ag_formulation)ag_lua_option_choice(L, arg, "formulation", AG_RESOLVE_OURS, formulations);
}

static int solve(lua_State *L, const ag_segment *segment, int arg) {
  static const char *const known[] = {"from", "to", "solver", "formulation", NULL};
  ag_error err;
  ag_resolve_result result;
  lua_settop(L, arg);
  ag_lua_options(L, arg, known);
  ag_resolve_problem problem = {.segment = segment,
                                .inputs = port_shapes(L, arg, "from", segment, true),
                                .outputs = port_shapes(L, arg, "to", segment, false),
                                .formulation = formulation_option(L, arg)};
  ag_solver *solver = push_solver(L, arg);
  if (ag_resolve(solver, &problem, &result, &err)) return ag_lua_fail(L, &err);
  return push_solution(L, &problem, &result);
}

/* resolve(segment, options) or resolve(graph, first, last, options)
 * -> {shape of each node}, objective, Segment | nil, why
 * options: from, to = shapes at the ports (default: as they are); solver =
 * "exact", "milp", "exhaustive"; formulation = "ours", "published" (which gives
 * no segment) */
static int resolve(lua_State *L) {
  if (!luaL_testudata(L, 1, AG_LUA_GRAPH)) return solve(L, ag_lua_check_segment(L, 1), 2);
  int first, last;
  ag_error err;
  lua_settop(L, 4);
  const ag_graph *g = ag_lua_check_graph(L, 1);
  ag_lua_check_cut(L, 2, g->size, &first, &last);
  void **owner = ag_lua_anchor(L, free_segment);
  ag_segment *segment;
  if (ag_segment_cut(g, first, last, &segment, NULL, NULL, &err)) return ag_lua_raise(L, &err);
  *owner = segment;
  lua_replace(L, 1); /* the anchor stays below the options */
  lua_pushvalue(L, 4);
  return solve(L, segment, 5);
}

/* --- problem files ------------------------------------------------------------------------ */

static void free_instances(void *instances) {
  ag_resolve_instances_free(instances);
}

/* A table that says what came of one problem. */
static void push_answer(lua_State *L, ag_status status, const ag_resolve_result *result,
                        const ag_error *err) {
  char text[1200];
  lua_createtable(L, 0, 4);
  if (status == AG_OK || status == AG_INFEASIBLE) {
    lua_pushboolean(L, status == AG_OK);
    lua_setfield(L, -2, "feasible");
  }
  if (status != AG_OK) {
    lua_pushstring(L, ag_error_text(err, text, sizeof text));
    lua_setfield(L, -2, "reason");
    return;
  }
  lua_pushnumber(L, result->objective);
  lua_setfield(L, -2, "objective");
  push_shapes(L, result->in, result->size);
  lua_setfield(L, -2, "in");
  push_shapes(L, result->out, result->size);
  lua_setfield(L, -2, "out");
}

static int solve_instances(lua_State *L, const ag_resolve_instances *list,
                           ag_formulation formulation, ag_solver *solver) {
  lua_createtable(L, list->size, 0);
  for (int i = 0; i < list->size; i++) {
    ag_resolve_problem problem = ag_resolve_instance_problem(&list->instance[i], formulation);
    ag_resolve_result result;
    ag_error err;
    ag_status status = ag_resolve(solver, &problem, &result, &err);
    if (ag_lua_interrupted()) status = ag_fail(&err, AG_INTERRUPTED, "interrupted");
    if (status == AG_INTERRUPTED) return ag_lua_fail(L, &err);
    push_answer(L, status, &result, &err);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int resolve_instances(lua_State *L, bool from_file) {
  static const char *const known[] = {"solver", "formulation", NULL};
  size_t length;
  ag_error err;
  ag_resolve_instances *list;
  const char *text = luaL_checklstring(L, 1, &length);
  lua_settop(L, 2);
  ag_lua_options(L, 2, known);
  ag_formulation formulation = formulation_option(L, 2);
  ag_solver *solver = push_solver(L, 2);
  void **owner = ag_lua_anchor(L, free_instances);
  ag_status status =
      from_file ? ag_resolve_load(text, &list, &err) : ag_resolve_parse(text, length, &list, &err);
  if (status) return ag_lua_fail(L, &err);
  *owner = list;
  return solve_instances(L, list, formulation, solver);
}

/* resolve_file(path, options), resolve_text(json, options) -> a list with an answer per problem
 * (autogo/resolve.h says what a file looks like) | nil, why
 * options: solver, formulation, as of resolve
 * answer: { feasible = true, objective, in = {shape of each node}, out = {...} }, or
 * { feasible = false, reason }, or { reason } where a limit was met first */
static int resolve_file(lua_State *L) {
  return resolve_instances(L, true);
}

static int resolve_text(lua_State *L) {
  return resolve_instances(L, false);
}

static const luaL_Reg functions[] = {{"resolve", resolve},
                                     {"resolve_file", resolve_file},
                                     {"resolve_text", resolve_text},
                                     {NULL, NULL}};

void ag_lua_open_resolve(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
