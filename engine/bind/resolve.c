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

/* Shapes per node, objective, and the segment with its new shapes and strides.
 */
static int push_solution(lua_State *L, const ag_resolve_problem *problem,
                         const ag_resolve_result *result) {
  lua_createtable(L, result->size, 0);
  for (int i = 0; i < result->size; i++) {
    ag_lua_push_shape(L, result->out[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushnumber(L, result->objective);
  if (problem->formulation != AG_RESOLVE_OURS) return 2;
  void **box = ag_lua_box(L, AG_LUA_SEGMENT);
  ag_segment *resolved = ag_segment_copy(problem->segment);
  ag_resolve_apply(problem, result, resolved);
  *box = ag_lua_make_segment(resolved, -1);
  return 3;
}

static int solve(lua_State *L, const ag_segment *segment, int arg) {
  static const char *const known[] = {"from", "to", "solver", "formulation", NULL};
  static const char *const methods[] = {"exact", "milp", "exhaustive", NULL};
  static const char *const formulations[] = {"ours", "published", NULL};
  ag_error err;
  ag_resolve_result result;
  lua_settop(L, arg);
  ag_lua_options(L, arg, known);
  int method = ag_lua_option_choice(L, arg, "solver", AG_RESOLVE_EXACT, methods);
  ag_resolve_problem problem = {.segment = segment,
                                .inputs = port_shapes(L, arg, "from", segment, true),
                                .outputs = port_shapes(L, arg, "to", segment, false),
                                .formulation = (ag_formulation)ag_lua_option_choice(
                                    L, arg, "formulation", AG_RESOLVE_OURS, formulations)};
  void **solver = ag_lua_anchor(L, free_solver);
  *solver = ag_solver_new((ag_method)method);
  if (ag_resolve(*solver, &problem, &result, &err)) return ag_lua_fail(L, &err);
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

void ag_lua_open_resolve(lua_State *L) {
  lua_pushcfunction(L, resolve);
  lua_setfield(L, -2, "resolve");
}
