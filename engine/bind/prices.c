/* Class Prices: per-node costs asked of Lua once per node signature. */
#include <math.h>
#include <stdlib.h>

#include "autogo/search.h"
#include "engine/bind/bind.h"

static ag_prices *check_prices(lua_State *L) {
  return ag_lua_check(L, 1, AG_LUA_PRICES);
}

static void release_prices(void *object) {
  ag_prices_free(object);
}

static void describe_prices(lua_State *L, void *object) {
  (void)object;
  lua_pushliteral(L, AG_LUA_PRICES);
}

static int prices_new(lua_State *L) {
  void **box = ag_lua_box(L, AG_LUA_PRICES);
  *box = ag_prices_new();
  return 1;
}

/* Ask the function at 3 for one price: a number, or nil for "cannot be measured". */
static double ask_price(lua_State *L, const ag_unpriced *u) {
  lua_pushvalue(L, 3);
  ag_lua_push_node(L, &u->node, u->predecessors);
  lua_call(L, 1, 1);
  double price = NAN;
  if (!lua_isnil(L, -1)) {
    if (lua_type(L, -1) != LUA_TNUMBER)
      luaL_error(L, "returned a %s for a %s node, expected a number or nil", luaL_typename(L, -1),
                 ag_op_get(u->node.op)->name);
    price = lua_tonumber(L, -1);
  }
  lua_pop(L, 1);
  return price;
}

/* Ask the function at 3 for the prices of `count` nodes. */
static void ask_prices(lua_State *L, ag_prices *prices, const ag_unpriced *nodes, int count) {
  for (int i = 0; i < count; i++)
    ag_prices_set(prices, &nodes[i].node, nodes[i].predecessors, ask_price(L, &nodes[i]));
}

/* prices:learn(graph, function(node) -> number or nil): calls the function once for every node
 * signature without a price; returns how many there were. */
static int prices_learn(lua_State *L) {
  ag_prices *prices = ag_lua_pin(L, 1, AG_LUA_PRICES); /* whatever the function closes */
  const ag_graph *graph = ag_lua_check_graph(L, 2);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  void **nodes = ag_lua_anchor(L, free); /* the function may raise */
  ag_unpriced *missing;
  int count = ag_prices_missing_graph(prices, graph, &missing);
  *nodes = missing;
  ask_prices(L, prices, missing, count);
  lua_pushinteger(L, count);
  return 1;
}

/* prices:cost(graph) -> number, or nil if it cannot be measured */
static int prices_cost(lua_State *L) {
  double cost = ag_graph_cost(check_prices(L), ag_lua_check_graph(L, 2));
  if (isnan(cost))
    lua_pushnil(L);
  else
    lua_pushnumber(L, cost);
  return 1;
}

/* prices:column(batch, function(node) -> number or nil [, rows]) -> sequence of costs (of these
 * rows), NaN where one cannot be measured. The function is called once for every node signature
 * without a price. */
static int prices_column(lua_State *L) {
  ag_prices *prices = ag_lua_pin(L, 1, AG_LUA_PRICES); /* whatever the function closes */
  const ag_batch *batch = ag_lua_pin(L, 2, AG_LUA_BATCH);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  int count;
  const int32_t *rows = ag_lua_check_rows(L, 4, batch->size, &count);
  double *costs = ag_lua_scratch(L, (size_t)batch->size, sizeof *costs);
  bool *wanted = ag_lua_scratch(L, (size_t)batch->size, sizeof *wanted);
  for (int k = 0; k < count; k++) wanted[rows ? rows[k] : k] = true;
  if (ag_batch_cost(prices, batch, ag_lua_batch_pool(L, 2), wanted, costs)) {
    void **nodes = ag_lua_anchor(L, free); /* the function may raise */
    ag_unpriced *missing;
    int unpriced = ag_prices_missing_batch(prices, batch, wanted, &missing);
    *nodes = missing;
    ask_prices(L, prices, missing, unpriced);
    ag_batch_cost(prices, batch, ag_lua_batch_pool(L, 2), wanted, costs);
  }
  ag_lua_push_rows(L, costs, rows, count);
  return 1;
}

static const luaL_Reg prices_methods[] = {
    {"learn", prices_learn}, {"cost", prices_cost}, {"column", prices_column}, {NULL, NULL}};

static const ag_lua_class prices_class = {AG_LUA_PRICES,  release_prices, describe_prices,
                                          prices_methods, NULL,           NULL};

static const luaL_Reg functions[] = {{"prices", prices_new}, {NULL, NULL}};

void ag_lua_open_prices(lua_State *L) {
  ag_lua_register(L, &prices_class);
  luaL_setfuncs(L, functions, 0);
}
