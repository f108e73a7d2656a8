/* Arguments in, results out: the conversions every class of the binding uses. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "autogo/mining.h"
#include "engine/bind/bind.h"

/* --- results ------------------------------------------------------------------------------ */

static void push_error(lua_State *L, const ag_error *err) {
  char text[1200];
  lua_pushstring(L, ag_error_text(err, text, sizeof text));
}

int ag_lua_fail(lua_State *L, const ag_error *err) {
  lua_pushnil(L);
  push_error(L, err);
  return 2;
}

int ag_lua_raise(lua_State *L, const ag_error *err) {
  luaL_where(L, 1);
  push_error(L, err);
  lua_concat(L, 2);
  return lua_error(L);
}

int ag_lua_result(lua_State *L, ag_status status, const ag_error *err) {
  if (status != AG_OK) return ag_lua_fail(L, err);
  lua_pushboolean(L, 1);
  return 1;
}

void ag_lua_set_integer(lua_State *L, const char *key, int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, key);
}

void ag_lua_set_number(lua_State *L, const char *key, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, key);
}

void ag_lua_push_integers(lua_State *L, const int32_t *items, int count) {
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    lua_pushinteger(L, items[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

void ag_lua_push_shape(lua_State *L, ag_shape shape) {
  const int32_t sizes[3] = {shape.h, shape.w, shape.c};
  ag_lua_push_integers(L, sizes, 3);
}

void ag_lua_push_pair(lua_State *L, const int32_t *pair) {
  ag_lua_push_integers(L, pair, 2);
}

void ag_lua_push_hash(lua_State *L, ag_hash hash) {
  char text[33];
  snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)hash.hi,
           (unsigned long long)hash.lo);
  lua_pushstring(L, text);
}

/* --- arguments ---------------------------------------------------------------------------- */

lua_Integer ag_lua_check_range(lua_State *L, int arg, lua_Integer min, lua_Integer max) {
  lua_Integer value = luaL_checkinteger(L, arg);
  if (value < min || value > max)
    luaL_argerror(L, arg,
                  lua_pushfstring(L, "%I is outside %I to %I", (LUAI_UACINT)value, (LUAI_UACINT)min,
                                  (LUAI_UACINT)max));
  return value;
}

void ag_lua_check_cut(lua_State *L, int arg, int size, int *first, int *last) {
  *first = (int)ag_lua_check_range(L, arg, 0, size - 1);
  *last = (int)ag_lua_check_range(L, arg + 1, *first + 1, size);
}

const ag_graph **ag_lua_check_graphs(lua_State *L, int arg, int *count) {
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_Unsigned length = lua_rawlen(L, arg);
  if (length > INT_MAX) luaL_argerror(L, arg, "too many graphs");
  const ag_graph **graphs = ag_lua_scratch(L, length, sizeof *graphs);
  for (lua_Unsigned i = 0; i < length; i++) {
    lua_rawgeti(L, arg, (lua_Integer)i + 1);
    void **box = luaL_testudata(L, -1, AG_LUA_GRAPH);
    if (!box || !*box)
      luaL_argerror(L, arg,
                    lua_pushfstring(L, "%s expected at [%d], got %s", AG_LUA_GRAPH, (int)i + 1,
                                    box ? "a closed one" : luaL_typename(L, -1)));
    graphs[i] = *box;
    lua_pop(L, 1);
  }
  *count = (int)length;
  return graphs;
}

static int32_t shape_size(lua_State *L, int index, int position, const char *what) {
  int exact;
  lua_rawgeti(L, index, position);
  lua_Integer value = lua_tointegerx(L, -1, &exact);
  if (!exact || value < 1 || value > INT32_MAX)
    luaL_error(L, "bad %s ({H, W, C} of positive integers expected)", what);
  lua_pop(L, 1);
  return (int32_t)value;
}

ag_shape ag_lua_to_shape(lua_State *L, int index, const char *what) {
  index = lua_absindex(L, index);
  if (lua_type(L, index) != LUA_TTABLE || lua_rawlen(L, index) != 3)
    luaL_error(L, "bad %s ({H, W, C} expected, got %s)", what,
               lua_istable(L, index) ? "a table of another length" : luaL_typename(L, index));
  return (ag_shape){.h = shape_size(L, index, 1, what),
                    .w = shape_size(L, index, 2, what),
                    .c = shape_size(L, index, 3, what)};
}

ag_shape *ag_lua_to_shapes(lua_State *L, int index, const char *what, int *count) {
  index = lua_absindex(L, index);
  if (lua_type(L, index) != LUA_TTABLE)
    luaL_error(L, "bad %s (list of {H, W, C} expected, got %s)", what, luaL_typename(L, index));
  lua_Unsigned length = lua_rawlen(L, index);
  if (length > INT_MAX) luaL_error(L, "bad %s (too many)", what);
  ag_shape *shapes = ag_lua_scratch(L, length, sizeof *shapes);
  for (lua_Unsigned i = 0; i < length; i++) {
    lua_rawgeti(L, index, (lua_Integer)i + 1);
    shapes[i] = ag_lua_to_shape(L, -1, what);
    lua_pop(L, 1);
  }
  *count = (int)length;
  return shapes;
}

const double *ag_lua_check_numbers(lua_State *L, int arg, int *count) {
  const ag_lua_column *column = ag_lua_to_column(L, arg);
  if (column) {
    lua_pushvalue(L, arg);
    *count = column->count;
    return column->values;
  }
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_Unsigned length = lua_rawlen(L, arg);
  if (length > INT_MAX) luaL_argerror(L, arg, "too many numbers");
  double *numbers = ag_lua_scratch(L, length, sizeof *numbers);
  for (lua_Unsigned i = 0; i < length; i++) {
    if (lua_rawgeti(L, arg, (lua_Integer)i + 1) != LUA_TNUMBER)
      luaL_argerror(
          L, arg,
          lua_pushfstring(L, "number expected at [%d], got %s", (int)i + 1, luaL_typename(L, -1)));
    numbers[i] = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  *count = (int)length;
  return numbers;
}

/* --- options ------------------------------------------------------------------------------ */

static bool is_known(const char *name, const void *names) {
  for (const char *const *known = names; *known; known++)
    if (strcmp(name, *known) == 0) return true;
  return false;
}

static bool is_op(const char *name, const void *unused) {
  (void)unused;
  return ag_op_find(name) >= 0;
}

static const char *push_list(lua_State *L, const char *const *names, const char *separator) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (const char *const *name = names; *name; name++) {
    if (name != names) luaL_addstring(&b, separator);
    luaL_addstring(&b, *name);
  }
  luaL_pushresult(&b);
  return lua_tostring(L, -1);
}

/* The first of the keys of the table at `at`, by bytes, that `good` does not accept, whatever the
 * order in which the table has them; one that is no string comes before all. Pushes it, or nothing
 * where all are good. */
static bool push_bad_key(lua_State *L, int at, bool (*good)(const char *key, const void *context),
                         const void *context) {
  const char *first = NULL; /* the table holds the string */
  for (lua_pushnil(L); lua_next(L, at) != 0;) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING) return true;
    const char *key = lua_tostring(L, -1);
    if (!good(key, context) && (!first || strcmp(key, first) < 0)) first = key;
  }
  if (first) lua_pushstring(L, first);
  return first != NULL;
}

/* The option's key is at the top of the stack. */
static int unknown_option(lua_State *L, int arg, const char *const *known) {
  const char *name = luaL_tolstring(L, -1, NULL);
  const char *list = push_list(L, known, ", ");
  return luaL_argerror(L, arg, lua_pushfstring(L, "unknown option '%s'; known: %s", name, list));
}

void ag_lua_options(lua_State *L, int arg, const char *const *known) {
  if (lua_isnoneornil(L, arg)) {
    if (lua_gettop(L) < arg) lua_settop(L, arg);
    lua_newtable(L);
    lua_replace(L, arg);
    return;
  }
  luaL_checktype(L, arg, LUA_TTABLE);
  if (push_bad_key(L, arg, is_known, known)) unknown_option(L, arg, known);
}

int ag_lua_option(lua_State *L, int arg, const char *name) {
  lua_pushstring(L, name);
  return lua_rawget(L, arg);
}

int ag_lua_option_error(lua_State *L, int index, const char *name, const char *expected) {
  const char *got = luaL_typename(L, index);
  if (lua_type(L, index) == LUA_TNUMBER)
    got = luaL_tolstring(L, index, NULL);
  else if (lua_type(L, index) == LUA_TSTRING)
    got = lua_pushfstring(L, "\"%s\"", lua_tostring(L, index));
  return luaL_error(L, "bad option '%s' (%s expected, got %s)", name, expected, got);
}

lua_Integer ag_lua_option_integer(lua_State *L, int arg, const char *name, lua_Integer otherwise,
                                  lua_Integer min, lua_Integer max) {
  int exact, type = ag_lua_option(L, arg, name), value = lua_gettop(L);
  if (type != LUA_TNIL) {
    otherwise = lua_tointegerx(L, value, &exact);
    if (type != LUA_TNUMBER || !exact) ag_lua_option_error(L, value, name, "integer");
    if (otherwise < min || otherwise > max)
      ag_lua_option_error(
          L, value, name,
          lua_pushfstring(L, "integer from %I to %I", (LUAI_UACINT)min, (LUAI_UACINT)max));
  }
  lua_settop(L, value - 1);
  return otherwise;
}

double ag_lua_option_number(lua_State *L, int arg, const char *name, double otherwise, double min,
                            double max) {
  int type = ag_lua_option(L, arg, name), value = lua_gettop(L);
  if (type != LUA_TNIL) {
    if (type != LUA_TNUMBER) ag_lua_option_error(L, value, name, "number");
    otherwise = lua_tonumber(L, value);
    if (!(otherwise >= min && otherwise <= max))
      ag_lua_option_error(L, value, name, lua_pushfstring(L, "number from %f to %f", min, max));
  }
  lua_settop(L, value - 1);
  return otherwise;
}

bool ag_lua_option_boolean(lua_State *L, int arg, const char *name, bool otherwise) {
  int type = ag_lua_option(L, arg, name);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN) ag_lua_option_error(L, -1, name, "boolean");
  if (type == LUA_TBOOLEAN) otherwise = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return otherwise;
}

uint64_t ag_lua_option_ops(lua_State *L, int arg, const char *name, uint64_t otherwise) {
  int type = ag_lua_option(L, arg, name), at = lua_gettop(L);
  if (type != LUA_TNIL && type != LUA_TTABLE) ag_lua_option_error(L, at, name, "set of op names");
  if (type == LUA_TTABLE && push_bad_key(L, at, is_op, NULL))
    ag_lua_option_error(L, -1, name, "names of ops as keys");
  uint64_t ops = 0;
  if (type == LUA_TTABLE)
    for (lua_pushnil(L); lua_next(L, at) != 0; lua_pop(L, 1))
      if (lua_toboolean(L, -1)) ops |= ag_op_bit((ag_op)ag_op_find(lua_tostring(L, -2)));
  lua_settop(L, at - 1);
  return type == LUA_TNIL ? otherwise : ops;
}

int ag_lua_option_choice(lua_State *L, int arg, const char *name, int otherwise,
                         const char *const *choices) {
  int type = ag_lua_option(L, arg, name), value = lua_gettop(L);
  if (type != LUA_TNIL) {
    const char *text = type == LUA_TSTRING ? lua_tostring(L, value) : "";
    for (otherwise = 0; choices[otherwise]; otherwise++)
      if (strcmp(text, choices[otherwise]) == 0) break;
    if (!choices[otherwise]) ag_lua_option_error(L, value, name, push_list(L, choices, " or "));
  }
  lua_settop(L, value - 1);
  return otherwise;
}
