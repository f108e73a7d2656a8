/* Class Predictor: inference with the k-GNN, and rank metrics. */
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

/* p:score(graph [, tokenizer]) -> raw number of the architecture | nil, message: the mean over the
 * cuts of its full segmentation (PSC), or the GNN's number, which needs no tokenizer. The graph in
 * canonical order. */
static int predictor_score(lua_State *L) {
  ag_error err;
  double value = 0;
  const ag_predictor *p = check_predictor(L, 1);
  const ag_graph *g = ag_lua_check_graph(L, 2);
  if (ag_predictor_model(p) == AG_MODEL_GNN) {
    ag_status scored = ag_predict_score(p, g, NULL, 0, &value, &err);
    return push_value(L, scored, value, &err);
  }
  const ag_tokenizer *t = ag_lua_check(L, 3, AG_LUA_TOKENIZER);
  int32_t *bounds = ag_lua_scratch(L, (size_t)g->size + 1, sizeof *bounds);
  ag_segmentation *segmentation = ag_tokenizer_encode(t, g);
  int count = ag_segmentation_bounds(segmentation, NULL, bounds);
  ag_segmentation_free(segmentation);
  ag_status status = ag_predict_score(p, g, bounds, count, &value, &err);
  return push_value(L, status, value, &err);
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
                                   {NULL, NULL}};

static const luaL_Reg fields[] = {{"model", field_model}, {NULL, NULL}};

static const ag_lua_class predictor_class = {.name = AG_LUA_PREDICTOR,
                                             .release = release_predictor,
                                             .describe = describe_predictor,
                                             .methods = methods,
                                             .fields = fields};

static const luaL_Reg functions[] = {{"load_predictor", load_predictor},
                                     {"srcc", srcc},
                                     {"kendall", kendall},
                                     {"mae", mae},
                                     {NULL, NULL}};

void ag_lua_open_predictor(lua_State *L) {
  ag_lua_register(L, &predictor_class);
  luaL_setfuncs(L, functions, 0);
}
