/* Loops over columns, with a number per row, which a search runs for every child it looks at: plain
 * sequences, or such as C keeps (column.c). Rows are numbered from 1. And one over the nodes of a
 * child. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/sort.h"
#include "engine/bind/bind.h"

static int check_length(lua_State *L, int arg) {
  const ag_lua_column *column = ag_lua_to_column(L, arg);
  if (column) return column->count;
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_Unsigned length = lua_rawlen(L, arg);
  if (length > INT_MAX) luaL_argerror(L, arg, "too long");
  return (int)length;
}

/* Push number k (from 1) of the sequence at `arg`, or of `column`, if that is one. */
static void push_at(lua_State *L, int arg, const ag_lua_column *column, lua_Integer k) {
  if (column)
    ag_lua_push_value(L, column, (int)k - 1);
  else
    lua_rawgeti(L, arg, k);
}

/* That number. */
static double number_at(lua_State *L, int arg, const ag_lua_column *column, lua_Integer k) {
  if (column) return column->values[k - 1];
  int is_number;
  lua_rawgeti(L, arg, k);
  double value = lua_tonumberx(L, -1, &is_number);
  if (!is_number) luaL_argerror(L, arg, "numbers expected");
  lua_pop(L, 1);
  return value;
}

/* That number, a row of a column that has `rows`. */
static lua_Integer row_at(lua_State *L, int arg, const ag_lua_column *column, lua_Integer k,
                          int rows) {
  int is_integer;
  push_at(L, arg, column, k);
  lua_Integer row = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || row < 1 || row > rows) luaL_argerror(L, arg, "numbers of rows expected");
  lua_pop(L, 1);
  return row;
}

int32_t *ag_lua_check_rows(lua_State *L, int arg, int limit, int *count) {
  *count = limit;
  if (lua_isnoneornil(L, arg)) return NULL;
  *count = check_length(L, arg);
  const ag_lua_column *column = ag_lua_to_column(L, arg);
  int32_t *rows = ag_lua_scratch(L, (size_t)*count, sizeof *rows);
  for (int k = 0; k < *count; k++) rows[k] = (int32_t)row_at(L, arg, column, k + 1, limit) - 1;
  return rows;
}

bool *ag_lua_mark_rows(lua_State *L, const int32_t *rows, int count, int limit) {
  if (!rows) return NULL;
  bool *marked = ag_lua_scratch(L, (size_t)limit, sizeof *marked);
  for (int k = 0; k < count; k++) marked[rows[k]] = true;
  return marked;
}

void ag_lua_push_rows(lua_State *L, const double *values, const int32_t *rows, int count) {
  lua_createtable(L, count, 0);
  for (int k = 0; k < count; k++) {
    lua_pushnumber(L, values[rows ? rows[k] : k]);
    lua_rawseti(L, -2, k + 1);
  }
}

enum comparison { BELOW, AT_MOST, ABOVE, AT_LEAST };

static bool holds(double value, enum comparison comparison, double bound) {
  switch (comparison) {
  case BELOW:
    return value < bound;
  case AT_MOST:
    return value <= bound;
  case ABOVE:
    return value > bound;
  default:
    return value >= bound;
  }
}

static const char *const signs[] = {"<", "<=", ">", ">=", NULL};

/* core.holds(column, "<" | "<=" | ">" | ">=", bound) -> true if every value compares so */
static int all_hold(lua_State *L) {
  int length = check_length(L, 1), sign = luaL_checkoption(L, 2, NULL, signs);
  double bound = luaL_checknumber(L, 3);
  const ag_lua_column *column = ag_lua_to_column(L, 1);
  bool all = true;
  for (lua_Integer k = 1; k <= length && all; k++)
    all = holds(number_at(L, 1, column, k), (enum comparison)sign, bound);
  lua_pushboolean(L, all);
  return 1;
}

/* core.floats(column) -> the same numbers, none of them an integer of Lua's */
static int floats(lua_State *L) {
  int length = check_length(L, 1);
  const ag_lua_column *column = ag_lua_to_column(L, 1);
  lua_createtable(L, length, 0);
  for (lua_Integer k = 1; k <= length; k++) {
    lua_pushnumber(L, number_at(L, 1, column, k));
    lua_rawseti(L, -2, k);
  }
  return 1;
}

/* core.where(column, "<" | "<=" | ">" | ">=", bound [, rows]) -> the rows (of those given) whose
 * value compares so, in their order; NaN never does */
static int where(lua_State *L) {
  int length = check_length(L, 1), sign = luaL_checkoption(L, 2, NULL, signs);
  double bound = luaL_checknumber(L, 3);
  bool all = lua_isnoneornil(L, 4);
  int count = all ? length : check_length(L, 4);
  const ag_lua_column *column = ag_lua_to_column(L, 1), *rows = ag_lua_to_column(L, 4);
  lua_settop(L, 4);
  lua_newtable(L);
  for (lua_Integer k = 1, n = 0; k <= count; k++) {
    lua_Integer row = all ? k : row_at(L, 4, rows, k, length);
    if (!holds(number_at(L, 1, column, row), (enum comparison)sign, bound)) continue;
    lua_pushinteger(L, row);
    lua_rawseti(L, 5, ++n);
  }
  return 1;
}

/* core.pick(column, rows) -> the values of these rows */
static int pick(lua_State *L) {
  int length = check_length(L, 1), count = check_length(L, 2);
  const ag_lua_column *column = ag_lua_to_column(L, 1), *rows = ag_lua_to_column(L, 2);
  lua_createtable(L, count, 0);
  for (lua_Integer k = 1; k <= count; k++) {
    push_at(L, 1, column, row_at(L, 2, rows, k, length));
    lua_rawseti(L, -2, k);
  }
  return 1;
}

/* core.order({column, ...} [, count]) -> the numbers of the first `count` rows (default: all),
 * ascending by the first column; of equal ones by the second, and so on; then by number. NaN comes
 * last. */
static int order(lua_State *L) {
  int columns = check_length(L, 1), rows = 0;
  lua_settop(L, 2);
  if (columns < 1) luaL_argerror(L, 1, "at least one column expected");
  luaL_checkstack(L, 2 * columns + LUA_MINSTACK, "too many columns");
  int32_t *sorted = NULL;
  for (int m = columns; m >= 1; m--) {
    int length;
    lua_rawgeti(L, 1, m);
    const double *keys = ag_lua_check_numbers(L, lua_gettop(L), &length);
    if (!sorted) {
      rows = length;
      sorted = ag_lua_scratch(L, (size_t)rows, sizeof *sorted);
      for (int i = 0; i < rows; i++) sorted[i] = i;
    } else if (length != rows) {
      luaL_argerror(L, 1, "columns of equal length expected");
    }
    ag_sort_rows(keys, 1, false, sorted, rows);
  }
  int count = lua_isnoneornil(L, 2) ? rows : (int)ag_lua_check_range(L, 2, 0, INT_MAX);
  if (count > rows) count = rows;
  lua_createtable(L, count, 0);
  for (int k = 0; k < count; k++) {
    lua_pushinteger(L, sorted[k] + 1);
    lua_rawseti(L, -2, k + 1);
  }
  return 1;
}

/* The order of a graph's nodes: a sequence, or the bytes of so many int32_t, which is how a search
 * keeps what it seldom needs. */
static const int32_t *check_order(lua_State *L, int arg, int *count) {
  size_t bytes;
  if (lua_type(L, arg) == LUA_TSTRING) {
    const char *packed = lua_tolstring(L, arg, &bytes);
    luaL_argcheck(L, bytes % sizeof(int32_t) == 0 && bytes <= INT_MAX, arg,
                  "4 bytes per node expected");
    int32_t *order = ag_lua_scratch(L, bytes / sizeof *order, sizeof *order);
    *count = (int)(bytes / sizeof *order);
    return memcpy(order, packed, bytes);
  }
  *count = check_length(L, arg);
  int32_t *order = ag_lua_scratch(L, (size_t)*count, sizeof *order);
  for (int i = 0; i < *count; i++) {
    lua_rawgeti(L, arg, i + 1);
    lua_Integer at = lua_tointeger(L, -1);
    luaL_argcheck(L, at >= 0 && at <= INT_MAX, arg, "positions expected");
    order[i] = (int32_t)at;
    lua_pop(L, 1);
  }
  return order;
}

/* core.follow(origin, first, last, added, order) -> the origin of a child's nodes: origin[i] of a
 * node of its parent that stayed, nil of one of the `added` in the place of [first, last); order[i]
 * is the position in P, replacement, C of the child's node i */
static int follow(lua_State *L) {
  int count;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer first = ag_lua_check_range(L, 2, 0, INT_MAX);
  lua_Integer removed = ag_lua_check_range(L, 3, first, INT_MAX) - first;
  lua_Integer added = ag_lua_check_range(L, 4, 0, INT_MAX);
  const int32_t *order = check_order(L, 5, &count);
  lua_createtable(L, count, 0);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_Integer at = order[i - 1];
    if (at >= first && at < first + added) continue;
    lua_rawgeti(L, 1, 1 + (at < first ? at : at - added + removed));
    lua_rawseti(L, -2, i);
  }
  return 1;
}

static const luaL_Reg functions[] = {{"where", where}, {"holds", all_hold}, {"floats", floats},
                                     {"pick", pick},   {"order", order},    {"follow", follow},
                                     {NULL, NULL}};

void ag_lua_open_columns(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
