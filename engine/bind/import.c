/* Models of TensorFlow and Keras in, and what every import reports. */
#include "autogo/import.h"

#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/bind/bind.h"

/* --- reports ---------------------------------------------------------------------- */

static void free_report(void *report) {
  ag_import_report_free(report);
  free(report);
}

ag_import_report *ag_lua_report(lua_State *L) {
  void **owner = ag_lua_anchor(L, free_report);
  return *owner = AG_NEW(ag_import_report);
}

static void set_lines(lua_State *L, const char *key, char **lines, int count) {
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    lua_pushstring(L, lines[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, key);
}

void ag_lua_push_report(lua_State *L, const ag_import_report *report) {
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, report->kept);
  lua_setfield(L, -2, "kept");
  set_lines(L, "merged", report->merged_lines, report->merged);
  set_lines(L, "folded", report->folded_lines, report->folded);
  set_lines(L, "opaque", report->opaque_lines, report->opaque);
}

/* --- models ----------------------------------------------------------------------- */

typedef ag_status (*loader)(const char *, const ag_import_options *, const ag_graph **,
                            ag_import_report *, ag_error *);

/* A name of a node, or NULL. The text stays in the options' table. */
static const char *node_option(lua_State *L, const char *name) {
  const char *text = NULL;
  int type = ag_lua_option(L, 2, name);
  if (type == LUA_TSTRING)
    text = lua_tostring(L, -1);
  else if (type != LUA_TNIL)
    ag_lua_option_error(L, -1, name, "string");
  lua_pop(L, 1);
  return text;
}

/* (path [, {input = {H, W, C}, start = NODE, stop = NODE}]) -> Graph, report | nil, message */
static int load(lua_State *L, loader function) {
  static const char *const known[] = {"input", "start", "stop", NULL};
  ag_error err;
  ag_import_options options = {.start = NULL};
  const char *path = luaL_checkstring(L, 1);
  lua_settop(L, 2);
  ag_lua_options(L, 2, known);
  options.start = node_option(L, "start");
  options.stop = node_option(L, "stop");
  if (ag_lua_option(L, 2, "input") != LUA_TNIL)
    options.bind = ag_lua_to_shape(L, -1, "input shape");
  ag_import_report *report = ag_lua_report(L);
  void **box = ag_lua_box(L, AG_LUA_GRAPH);
  const ag_graph *g;
  if (function(path, &options, &g, report, &err)) return ag_lua_fail(L, &err);
  *box = (void *)g;
  ag_lua_push_report(L, report);
  return 2;
}

static int load_tensorflow(lua_State *L) {
  return load(L, ag_tensorflow_load);
}

static int load_keras(lua_State *L) {
  return load(L, ag_keras_load);
}

/* (text) -> "graph" | "keras" | "tensorflow" | nil, message: what a JSON text holds */
static int json_kind(lua_State *L) {
  static const char *const names[] = {"graph", "keras", "tensorflow"};
  size_t length;
  ag_error err;
  ag_json_kind kind;
  const char *text = luaL_checklstring(L, 1, &length);
  if (ag_import_json_kind(text, length, &kind, &err)) return ag_lua_fail(L, &err);
  lua_pushstring(L, names[kind]);
  return 1;
}

static const luaL_Reg functions[] = {{"load_tensorflow", load_tensorflow},
                                     {"load_keras", load_keras},
                                     {"json_kind", json_kind},
                                     {NULL, NULL}};

void ag_lua_open_import(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
