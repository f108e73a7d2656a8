/* Pareto fronts, hypervolumes and rank sums of columns of numbers; rows are numbered from 1. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "autogo/search.h"
#include "engine/bind/bind.h"

/* A table of rows in memory that Lua owns. */
struct table {
  double *values;
  bool *maximise;
  int count, objectives;
};

/* Rows of the column on top of the stack; -1: it is none. */
static int length_of(lua_State *L) {
  const ag_lua_column *column = ag_lua_to_column(L, -1);
  if (column) return column->count;
  return lua_istable(L, -1) ? (int)lua_rawlen(L, -1) : -1;
}

static void read_column(lua_State *L, struct table *t, int m) {
  lua_rawgeti(L, 1, m + 1);
  if (length_of(L) != t->count) luaL_argerror(L, 1, "columns of equal length expected");
  const ag_lua_column *column = ag_lua_to_column(L, -1);
  for (int i = 0; column && i < t->count; i++)
    t->values[(size_t)i * (size_t)t->objectives + (size_t)m] = column->values[i];
  for (int i = 0; !column && i < t->count; i++) {
    int is_number;
    lua_rawgeti(L, -1, i + 1);
    double value = lua_tonumberx(L, -1, &is_number);
    if (!is_number) luaL_argerror(L, 1, "columns of numbers expected");
    t->values[(size_t)i * (size_t)t->objectives + (size_t)m] = value;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static bool read_sense(lua_State *L, int m) {
  static const char *const senses[] = {"min", "max", NULL};
  lua_rawgeti(L, 2, m + 1);
  const char *sense = lua_tostring(L, -1);
  for (int i = 0; sense && senses[i]; i++)
    if (strcmp(sense, senses[i]) == 0) {
      lua_pop(L, 1);
      return i == 1;
    }
  return luaL_argerror(L, 2, "one \"min\" or \"max\" per column expected");
}

/* Arguments 1 and 2: {column, ...}, {"max" or "min", ...}. */
static struct table check_table(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  struct table t = {.objectives = (int)lua_rawlen(L, 1)};
  if (t.objectives < 1) luaL_argerror(L, 1, "at least one column expected");
  lua_rawgeti(L, 1, 1);
  t.count = length_of(L);
  if (t.count < 0) t.count = 0; /* reading it raises */
  lua_pop(L, 1);
  t.values = ag_lua_scratch(L, (size_t)t.count * (size_t)t.objectives, sizeof *t.values);
  t.maximise = ag_lua_scratch(L, (size_t)t.objectives, sizeof *t.maximise);
  for (int m = 0; m < t.objectives; m++) {
    read_column(L, &t, m);
    t.maximise[m] = read_sense(L, m);
  }
  return t;
}

/* core.pareto_front({columns}, {senses} [, violations]) -> sequence of row numbers, ascending */
static int pareto_front(lua_State *L) {
  lua_settop(L, 3);
  struct table t = check_table(L);
  bool *front = ag_lua_scratch(L, (size_t)t.count, sizeof *front);
  const double *violations = NULL;
  int length = t.count;
  if (!lua_isnil(L, 3)) violations = ag_lua_check_numbers(L, 3, &length);
  if (length != t.count) return luaL_argerror(L, 3, "one number per row expected");
  ag_pareto_front(t.values, t.count, t.objectives, t.maximise, violations, front);
  lua_newtable(L);
  for (int i = 0, n = 0; i < t.count; i++) {
    if (!front[i]) continue;
    lua_pushinteger(L, i + 1);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* core.pareto_best({columns}, {senses}, violations or nil, count) -> row numbers: the front,
 * ascending; if that is fewer than `count`, filled up by least violation, least sum of ranks,
 * number */
static int pareto_best(lua_State *L) {
  lua_settop(L, 4);
  struct table t = check_table(L);
  int wanted = (int)ag_lua_check_range(L, 4, 0, INT_MAX), length = t.count;
  int32_t *rows = ag_lua_scratch(L, (size_t)t.count, sizeof *rows);
  const double *violations = NULL;
  if (!lua_isnil(L, 3)) violations = ag_lua_check_numbers(L, 3, &length);
  if (length != t.count) return luaL_argerror(L, 3, "one number per row expected");
  int count = ag_pareto_best(t.values, t.count, t.objectives, t.maximise, violations, wanted, rows);
  for (int i = 0; i < count; i++) rows[i]++;
  ag_lua_push_integers(L, rows, count);
  return 1;
}

/* core.hypervolume({columns}, {senses}, {reference}) -> number */
static int hypervolume(lua_State *L) {
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  struct table t = check_table(L);
  double *reference = ag_lua_scratch(L, (size_t)t.objectives, sizeof *reference);
  for (int m = 0; m < t.objectives; m++) {
    lua_rawgeti(L, 3, m + 1);
    if (lua_type(L, -1) != LUA_TNUMBER)
      return luaL_argerror(L, 3, "one number per column expected");
    reference[m] = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  lua_pushnumber(L, ag_hypervolume(t.values, t.count, t.objectives, t.maximise, reference));
  return 1;
}

/* core.rank_sums({columns}, {senses}) -> sequence */
static int rank_sums(lua_State *L) {
  lua_settop(L, 2);
  struct table t = check_table(L);
  int32_t *sums = ag_lua_scratch(L, (size_t)t.count, sizeof *sums);
  ag_rank_sums(t.values, t.count, t.objectives, t.maximise, sums);
  ag_lua_push_integers(L, sums, t.count);
  return 1;
}

static const luaL_Reg functions[] = {{"pareto_front", pareto_front},
                                     {"pareto_best", pareto_best},
                                     {"hypervolume", hypervolume},
                                     {"rank_sums", rank_sums},
                                     {NULL, NULL}};

void ag_lua_open_fronts(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
