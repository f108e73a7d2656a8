/* JSON for scripts. Text is deterministic: keys sorted by bytes, numbers in their shortest exact
 * form, so equal values give equal bytes on every machine.
 *
 *   JSON     Lua
 *   object   table with string keys
 *   array    table 1..n; an empty one carries the metatable core.array, so that it stays an array
 *   number   integer when whole and within 2^53, else float
 *   null     absent in an object; core.null elsewhere
 *
 * The cJSON tree of a text being decoded is anchored in Lua while tables are made from it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

#include "engine/base/file.h"
#include "engine/base/locale.h"
#include "engine/base/utf8.h"
#include "engine/bind/bind.h"
#include "engine/graph/json_node.h"

enum { DECODE_LIMIT = 64 << 20, DEPTH_LIMIT = 200 };

#define ARRAY_MARK "autogo.array"
#define EXACT 9007199254740992.0 /* 2^53 */

/* --- decoding ----------------------------------------------------------------------------- */

static void push_value(lua_State *L, const cJSON *item);

static void push_number(lua_State *L, double value) {
  if (fabs(value) <= EXACT && value == floor(value))
    lua_pushinteger(L, (lua_Integer)value);
  else
    lua_pushnumber(L, value);
}

static void push_array(lua_State *L, const cJSON *array) {
  lua_newtable(L);
  lua_Integer n = 0;
  const cJSON *item;
  cJSON_ArrayForEach(item, array) {
    push_value(L, item);
    lua_rawseti(L, -2, ++n);
  }
  if (n == 0) luaL_setmetatable(L, ARRAY_MARK);
}

static void push_object(lua_State *L, const cJSON *object) {
  lua_newtable(L);
  const cJSON *item;
  cJSON_ArrayForEach(item, object) {
    if (cJSON_IsNull(item)) continue;
    lua_pushstring(L, item->string);
    push_value(L, item);
    lua_rawset(L, -3);
  }
}

static void push_value(lua_State *L, const cJSON *item) {
  luaL_checkstack(L, 4, "JSON is nested too deeply");
  if (cJSON_IsObject(item))
    push_object(L, item);
  else if (cJSON_IsArray(item))
    push_array(L, item);
  else if (cJSON_IsString(item))
    lua_pushstring(L, item->valuestring);
  else if (cJSON_IsNumber(item))
    push_number(L, item->valuedouble);
  else if (cJSON_IsBool(item))
    lua_pushboolean(L, cJSON_IsTrue(item));
  else
    lua_pushlightuserdata(L, NULL);
}

static void delete_tree(void *tree) {
  cJSON_Delete(tree);
}

static int decode_error(lua_State *L, const char *format, long long n) {
  char text[80];
  snprintf(text, sizeof text, format, n);
  lua_pushnil(L);
  lua_pushstring(L, text);
  return 2;
}

/* json_decode(text) -> value | nil, message */
static int json_decode(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length), *end = text;
  if (length > DECODE_LIMIT) return decode_error(L, "JSON longer than %lld bytes", DECODE_LIMIT);
  ag_error err;
  if (ag_json_measure(text, length, DEPTH_LIMIT, DECODE_LIMIT, &err)) return ag_lua_fail(L, &err);
  void **tree = ag_lua_anchor(L, delete_tree);
  *tree = cJSON_ParseWithLengthOpts(text, length + 1, &end, 1);
  if (!*tree) return decode_error(L, "not JSON (at byte %lld)", (long long)(end - text));
  push_value(L, *tree);
  return 1;
}

/* --- encoding ----------------------------------------------------------------------------- */

typedef struct writer {
  lua_State *L;
  ag_text *text; /* owned by an anchor */
  int depth;
  bool indent;
} writer;

static void write_value(writer *w, int index);

static void new_line(writer *w) {
  if (w->indent) ag_text_add(w->text, "\n%*s", 2 * w->depth, "");
}

static void write_number(writer *w, int index) {
  if (lua_isinteger(w->L, index)) {
    lua_Integer value = lua_tointeger(w->L, index);
    if (value > (lua_Integer)EXACT || value < -(lua_Integer)EXACT)
      luaL_error(w->L, "cannot write %I as JSON: beyond 2^53", (LUAI_UACINT)value);
    ag_text_add(w->text, "%lld", (long long)value);
    return;
  }
  double value = lua_tonumber(w->L, index) + 0.0; /* -0 would not come back as it went */
  if (!isfinite(value)) luaL_error(w->L, "cannot write a number that is not finite as JSON");
  char digits[40];
  locale_t host = ag_plain_numbers();
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(digits, sizeof digits, "%.*g", precision, value);
    if (strtod(digits, NULL) == value) break;
  }
  ag_plain_numbers_end(host);
  ag_text_add(w->text, "%s", digits);
}

/* Bytes that are not UTF-8 (names in a hostile model file) become U+FFFD, so that what is
 * written is always JSON. */
static void write_string(writer *w, const char *s, size_t length) {
  ag_text_bytes(w->text, "\"", 1);
  for (size_t i = 0, n; i < length; i += n ? n : 1) {
    n = ag_utf8_length(s + i, length - i);
    if (n == 0)
      ag_text_add(w->text, "\\ufffd");
    else if (s[i] == '"' || s[i] == '\\')
      ag_text_add(w->text, "\\%c", s[i]);
    else if (s[i] == '\n')
      ag_text_add(w->text, "\\n");
    else if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
      ag_text_add(w->text, "\\u%04x", (unsigned)s[i]);
    else
      ag_text_bytes(w->text, s + i, n);
  }
  ag_text_bytes(w->text, "\"", 1);
}

static void write_array(writer *w, int index, lua_Integer length) {
  ag_text_add(w->text, "[");
  w->depth++;
  for (lua_Integer i = 1; i <= length; i++) {
    if (i > 1) ag_text_add(w->text, ",");
    new_line(w);
    lua_rawgeti(w->L, index, i);
    write_value(w, lua_gettop(w->L));
    lua_pop(w->L, 1);
  }
  w->depth--;
  if (length > 0) new_line(w);
  ag_text_add(w->text, "]");
}

typedef struct key {
  const char *text; /* owned by the table being written */
  size_t length;
} key;

static int compare_keys(const void *a, const void *b) {
  const key *x = a, *y = b;
  int order = memcmp(x->text, y->text, x->length < y->length ? x->length : y->length);
  return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* Push the table's keys in order; raises if one is not a string. */
static const key *sorted_keys(lua_State *L, int index, size_t count) {
  key *keys = ag_lua_scratch(L, count, sizeof *keys);
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, index) != 0 && n < count; lua_pop(L, 1), n++) {
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "cannot write a table as JSON: its keys are neither 1..n nor all strings");
    keys[n].text = lua_tolstring(L, -2, &keys[n].length);
  }
  qsort(keys, n, sizeof *keys, compare_keys);
  return keys;
}

static void write_object(writer *w, int index, size_t count) {
  const key *keys = sorted_keys(w->L, index, count);
  ag_text_add(w->text, "{");
  w->depth++;
  for (size_t i = 0; i < count; i++) {
    if (i > 0) ag_text_add(w->text, ",");
    new_line(w);
    write_string(w, keys[i].text, keys[i].length);
    ag_text_add(w->text, w->indent ? ": " : ":");
    lua_pushlstring(w->L, keys[i].text, keys[i].length);
    lua_rawget(w->L, index);
    write_value(w, lua_gettop(w->L));
    lua_pop(w->L, 1);
  }
  w->depth--;
  if (count > 0) new_line(w);
  ag_text_add(w->text, "}");
  lua_pop(w->L, 1);
}

static bool is_marked(lua_State *L, int index) {
  if (!lua_getmetatable(L, index)) return false;
  luaL_getmetatable(L, ARRAY_MARK);
  bool marked = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return marked;
}

static void write_table(writer *w, int index) {
  if (w->depth >= DEPTH_LIMIT)
    luaL_error(w->L, "cannot write as JSON: nested deeper than %d, or a cycle", DEPTH_LIMIT);
  size_t count = 0, length = lua_rawlen(w->L, index);
  for (lua_pushnil(w->L); lua_next(w->L, index) != 0; lua_pop(w->L, 1)) count++;
  if (count == length && (count > 0 || is_marked(w->L, index)))
    write_array(w, index, (lua_Integer)length);
  else
    write_object(w, index, count);
}

static void write_value(writer *w, int index) {
  luaL_checkstack(w->L, 8, "too deep for JSON");
  int type = lua_type(w->L, index);
  size_t length;
  if (type == LUA_TTABLE)
    write_table(w, index);
  else if (type == LUA_TSTRING) {
    const char *string = lua_tolstring(w->L, index, &length);
    write_string(w, string, length);
  } else if (type == LUA_TNUMBER)
    write_number(w, index);
  else if (type == LUA_TBOOLEAN)
    ag_text_add(w->text, lua_toboolean(w->L, index) ? "true" : "false");
  else if (type == LUA_TLIGHTUSERDATA && !lua_touserdata(w->L, index))
    ag_text_add(w->text, "null");
  else
    luaL_error(w->L, "cannot write a %s as JSON", luaL_typename(w->L, index));
}

static void free_text(void *text) {
  ag_text_free(text);
  free(text);
}

/* json_encode(value [, indented]) -> text; raises on what JSON cannot say */
static int json_encode(lua_State *L) {
  luaL_checkany(L, 1);
  writer w = {.L = L, .indent = lua_toboolean(L, 2)};
  void **owner = ag_lua_anchor(L, free_text);
  *owner = w.text = calloc(1, sizeof *w.text);
  if (!w.text) return luaL_error(L, "out of memory");
  write_value(&w, 1);
  lua_pushlstring(L, w.text->data, w.text->size);
  return 1;
}

static const luaL_Reg functions[] = {
    {"json_decode", json_decode}, {"json_encode", json_encode}, {NULL, NULL}};

void ag_lua_open_json(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  luaL_newmetatable(L, ARRAY_MARK);
  lua_setfield(L, -2, "array");
}
