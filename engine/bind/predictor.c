/* Class Predictor: inference with the k-GNN, and rank metrics. */
#include <math.h>
#include <stdlib.h>

#include "autogo/mining.h"
#include "autogo/predict.h"
#include "engine/bind/bind.h"

static ag_predictor *check_predictor(lua_State *L, int arg) {
  return ag_lua_check(L, arg, AG_LUA_PREDICTOR);
}

static int load_predictor(lua_State *L) {
  ag_error err;
  const char *path = luaL_checkstring(L, 1);
  void **box = ag_lua_box(L, AG_LUA_PREDICTOR);
  ag_predictor *p;
  if (ag_predictor_load(path, &p, &err)) return ag_lua_fail(L, &err);
  *box = p;
  return 1;
}

/* join_predictors({p, ...}) -> Predictor, an ensemble of copies of them | nil, message */
static int join_predictors(lua_State *L) {
  ag_error err;
  const ag_predictor *members[AG_MEMBERS_MAX];
  ag_predictor *ensemble = NULL;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Unsigned count = lua_rawlen(L, 1);
  luaL_argcheck(L, count >= 1 && count <= AG_MEMBERS_MAX, 1, "1 to 8 predictors expected");
  for (lua_Unsigned i = 0; i < count; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    void **box = luaL_testudata(L, -1, AG_LUA_PREDICTOR);
    luaL_argcheck(L, box && *box, 1, "1 to 8 predictors expected");
    members[i] = *box;
    lua_pop(L, 1);
  }
  void **box = ag_lua_box(L, AG_LUA_PREDICTOR);
  if (ag_predictor_join(members, (int)count, &ensemble, &err)) return ag_lua_fail(L, &err);
  *box = ensemble;
  return 1;
}

/* p:member(i) -> Predictor, a copy of a member of an ensemble (the only one is number 1) */
static int predictor_member(lua_State *L) {
  const ag_predictor *p = check_predictor(L, 1);
  int index = (int)ag_lua_check_range(L, 2, 1, ag_predictor_members(p)) - 1;
  void **box = ag_lua_box(L, AG_LUA_PREDICTOR);
  *box = ag_predictor_member(p, index);
  return 1;
}

/* p:caution([k]) -> k, the number of spreads that all numbers are below the mean of an ensemble's
 * members; with an argument, from now on. */
static int predictor_caution(lua_State *L) {
  ag_predictor *p = check_predictor(L, 1);
  if (!lua_isnoneornil(L, 2)) {
    double caution = luaL_checknumber(L, 2);
    luaL_argcheck(L, isfinite(caution), 2, "finite number expected");
    ag_predictor_set_caution(p, caution);
  }
  lua_pushnumber(L, ag_predictor_caution(p));
  return 1;
}

static int predictor_save(lua_State *L) {
  ag_error err;
  const ag_predictor *p = check_predictor(L, 1);
  return ag_lua_result(L, ag_predictor_save(p, luaL_checkstring(L, 2), &err), &err);
}

static int push_value(lua_State *L, ag_status status, double value, const ag_error *err) {
  if (status != AG_OK) return ag_lua_fail(L, err);
  lua_pushnumber(L, value);
  return 1;
}

/* p:predict(graph [, first, last]) -> raw number of the cut [first, last) |
 * nil, message A GNN looks at the whole graph and needs no cut. */
static int predictor_predict(lua_State *L) {
  ag_error err;
  double value = 0;
  const ag_predictor *p = check_predictor(L, 1);
  const ag_graph *g = ag_lua_check_graph(L, 2);
  int first = 0, last = g->size;
  if (ag_predictor_model(p) == AG_MODEL_PSC || !lua_isnoneornil(L, 3))
    ag_lua_check_cut(L, 3, g->size, &first, &last);
  ag_status status = ag_predict(p, g, first, last, &value, &err);
  return push_value(L, status, value, &err);
}

/* Bounds of the full segmentation by the tokenizer at `arg`, in memory that Lua frees. */
static int32_t *segment(lua_State *L, const ag_graph *g, int arg, int *count) {
  const ag_tokenizer *t = ag_lua_check(L, arg, AG_LUA_TOKENIZER);
  int32_t *bounds = ag_lua_scratch(L, (size_t)g->size + 1, sizeof *bounds);
  ag_segmentation *segmentation = ag_tokenizer_encode(t, g);
  *count = ag_segmentation_bounds(segmentation, NULL, bounds);
  ag_segmentation_free(segmentation);
  return bounds;
}

/* p:score(graph [, tokenizer]) -> raw number of the architecture | nil, message: the mean over the
 * cuts of its full segmentation (PSC), or the GNN's number, which needs no tokenizer. The graph in
 * canonical order. */
static int predictor_score(lua_State *L) {
  ag_error err;
  double value = 0;
  const ag_predictor *p = check_predictor(L, 1);
  const ag_graph *g = ag_lua_check_graph(L, 2);
  int32_t *bounds = NULL;
  int count = 0;
  if (ag_predictor_model(p) == AG_MODEL_PSC) bounds = segment(L, g, 3, &count);
  ag_status status = ag_predict_score(p, g, bounds, count, &value, &err);
  return push_value(L, status, value, &err);
}

/* p:spread(graph [, tokenizer]) -> mean and standard deviation over the members of the score of an
 * architecture | nil, message */
static int predictor_spread(lua_State *L) {
  ag_error err;
  double mean = 0, spread = 0;
  const ag_predictor *p = check_predictor(L, 1);
  const ag_graph *g = ag_lua_check_graph(L, 2);
  int32_t *bounds = NULL;
  int count = 0;
  if (ag_predictor_model(p) == AG_MODEL_PSC) bounds = segment(L, g, 3, &count);
  if (ag_predict_spread(p, g, bounds, count, &mean, &spread, &err)) return ag_lua_fail(L, &err);
  lua_pushnumber(L, mean);
  lua_pushnumber(L, spread);
  return 2;
}

/* p:outside(graph) -> sequence of what the training did not see, as text | nil, message where the
 * weights do not say what they were trained on */
static int predictor_outside(lua_State *L) {
  const ag_predictor *p = check_predictor(L, 1);
  const ag_graph *g = ag_lua_check_graph(L, 2);
  void **owner = ag_lua_anchor(L, free);
  ag_finding *findings;
  int count = ag_predictor_outside(p, g, &findings);
  *owner = findings;
  if (count < 0) {
    lua_pushnil(L);
    lua_pushliteral(L, "the weights do not say what they were trained on");
    return 2;
  }
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    lua_pushstring(L, findings[i].text);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* p:observe({graph, ...}): these are what it was trained on */
static int predictor_observe(lua_State *L) {
  int count;
  ag_predictor *p = check_predictor(L, 1);
  const ag_graph **graphs = ag_lua_check_graphs(L, 2, &count);
  ag_predictor_observe(p, graphs, count);
  return 0;
}

/* p:cuts(graph, tokenizer) -> sequence: the value of every cut of the full segmentation (PSC) |
 * nil, message */
static int predictor_cuts(lua_State *L) {
  ag_error err;
  const ag_predictor *p = check_predictor(L, 1);
  const ag_graph *g = ag_lua_check_graph(L, 2);
  int count;
  const int32_t *bounds = segment(L, g, 3, &count);
  double *values = ag_lua_scratch(L, (size_t)count, sizeof *values);
  if (ag_predict_cuts(p, g, bounds, count, values, &err)) return ag_lua_fail(L, &err);
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    lua_pushnumber(L, values[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* p:label(family, raw) -> number in the unit of the family's labels */
static int predictor_label(lua_State *L) {
  const ag_predictor *p = check_predictor(L, 1);
  const char *family = luaL_checkstring(L, 2);
  lua_pushnumber(L, ag_predictor_label(p, family, luaL_checknumber(L, 3)));
  return 1;
}

/* --- metrics ------------------------------------------------------------------------------- */

static int metric(lua_State *L, double (*function)(const double *, const double *, int)) {
  int count, other;
  const double *a = ag_lua_check_numbers(L, 1, &count), *b = ag_lua_check_numbers(L, 2, &other);
  luaL_argcheck(L, count == other, 2, "as many numbers as in the first expected");
  luaL_argcheck(L, count > 0, 1, "numbers expected, got none");
  lua_pushnumber(L, function(a, b, count));
  return 1;
}

static int srcc(lua_State *L) {
  return metric(L, ag_srcc);
}

static int kendall(lua_State *L) {
  return metric(L, ag_kendall);
}

static int mae(lua_State *L) {
  return metric(L, ag_mae);
}

/* --- class --------------------------------------------------------------------------------- */

static const char *model_name(const ag_predictor *p) {
  return ag_predictor_model(p) == AG_MODEL_PSC ? "psc" : "gnn";
}

static int field_model(lua_State *L) {
  lua_pushstring(L, model_name(check_predictor(L, 1)));
  return 1;
}

static int field_members(lua_State *L) {
  lua_pushinteger(L, ag_predictor_members(check_predictor(L, 1)));
  return 1;
}

static void release_predictor(void *object) {
  ag_predictor_free(object);
}

static void describe_predictor(lua_State *L, void *object) {
  lua_pushfstring(L, "Predictor (%s)", model_name(object));
}

static const luaL_Reg methods[] = {{"predict", predictor_predict},
                                   {"score", predictor_score},
                                   {"label", predictor_label},
                                   {"save", predictor_save},
                                   {"caution", predictor_caution},
                                   {"spread", predictor_spread},
                                   {"cuts", predictor_cuts},
                                   {"member", predictor_member},
                                   {"outside", predictor_outside},
                                   {"observe", predictor_observe},
                                   {NULL, NULL}};

static const luaL_Reg fields[] = {{"model", field_model}, {"members", field_members}, {NULL, NULL}};

static const ag_lua_class predictor_class = {.name = AG_LUA_PREDICTOR,
                                             .release = release_predictor,
                                             .describe = describe_predictor,
                                             .methods = methods,
                                             .fields = fields};

static const luaL_Reg functions[] = {{"load_predictor", load_predictor},
                                     {"join_predictors", join_predictors},
                                     {"srcc", srcc},
                                     {"kendall", kendall},
                                     {"mae", mae},
                                     {NULL, NULL}};

void ag_lua_open_predictor(lua_State *L) {
  ag_lua_register(L, &predictor_class);
  luaL_setfuncs(L, functions, 0);
}
