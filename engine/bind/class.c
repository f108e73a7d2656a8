/* Classes of the binding. A class is one metatable in the registry under its full name:
 *
 *   metatable  __index = lookup(methods, fields)   methods first, then fields (called)
 *              __newindex raises                   objects are read-only
 *              __gc, __close release               idempotent: the box is emptied first
 *              methods                             the table Lua may extend
 *
 * The class record itself is an upvalue of the metamethods, so one function serves all. */
#include <string.h>

#include "engine/bind/bind.h"

typedef struct box {
  void *object; /* first: a box is passed around as the address of this */
  bool pinned;
} box;

static const ag_lua_class *own_class(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}

static int class_release(lua_State *L) {
  const ag_lua_class *class = own_class(L);
  box *b = luaL_checkudata(L, 1, class->name);
  void *object = b->object;
  b->object = NULL;
  if (object) class->release(object);
  return 0;
}

/* Closing what others use waits for the garbage collector, which takes the users first. */
static int class_close(lua_State *L) {
  const ag_lua_class *class = own_class(L);
  const box *b = luaL_checkudata(L, 1, class->name);
  return b->pinned ? 0 : class_release(L);
}

static int class_describe(lua_State *L) {
  const ag_lua_class *class = own_class(L);
  const box *b = luaL_checkudata(L, 1, class->name);
  if (b->object)
    class->describe(L, b->object);
  else
    lua_pushfstring(L, "%s (closed)", class->name);
  return 1;
}

/* Upvalues: class, methods, fields. */
static int class_index(lua_State *L) {
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_gettable(L, lua_upvalueindex(2)) != LUA_TNIL) return 1;
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(3)) == LUA_TNIL) return 1;
  lua_CFunction field = lua_tocfunction(L, -1);
  lua_settop(L, 2);
  return field(L);
}

static int class_assign(lua_State *L) {
  const ag_lua_class *class = own_class(L);
  return luaL_error(L, "%s is read-only (assigning to '%s')", class->name,
                    luaL_tolstring(L, 2, NULL));
}

static void set_closure(lua_State *L, const ag_lua_class *class, const char *name,
                        lua_CFunction function) {
  lua_pushlightuserdata(L, (void *)class);
  lua_pushcclosure(L, function, 1);
  lua_setfield(L, -2, name);
}

/* With module and metatable on the stack: module.classes[short name] = methods on top. */
static void publish_methods(lua_State *L, const char *name) {
  const char *dot = strrchr(name, '.');
  luaL_getsubtable(L, -3, "classes");
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, dot ? dot + 1 : name);
  lua_pop(L, 1);
}

void ag_lua_register(lua_State *L, const ag_lua_class *class) {
  luaL_newmetatable(L, class->name);
  if (class->metamethods) luaL_setfuncs(L, class->metamethods, 0);
  set_closure(L, class, "__gc", class_release);
  set_closure(L, class, "__close", class_close);
  set_closure(L, class, "__tostring", class_describe);
  set_closure(L, class, "__newindex", class_assign);
  lua_pushstring(L, class->name);
  lua_setfield(L, -2, "__metatable");
  lua_newtable(L);
  if (class->methods) luaL_setfuncs(L, class->methods, 0);
  publish_methods(L, class->name);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "methods");
  lua_pushlightuserdata(L, (void *)class);
  lua_insert(L, -2);
  lua_newtable(L);
  if (class->fields) luaL_setfuncs(L, class->fields, 0);
  lua_pushcclosure(L, class_index, 3);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

void ag_lua_extend(lua_State *L, const char *class, const luaL_Reg *methods) {
  luaL_getmetatable(L, class);
  lua_getfield(L, -1, "methods");
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 2);
}

void **ag_lua_box(lua_State *L, const char *class) {
  box *b = lua_newuserdatauv(L, sizeof *b, 1);
  *b = (box){.object = NULL};
  luaL_setmetatable(L, class);
  return &b->object;
}

void *ag_lua_check(lua_State *L, int arg, const char *class) {
  const box *b = luaL_checkudata(L, arg, class);
  if (!b->object) luaL_argerror(L, arg, lua_pushfstring(L, "%s is closed", class));
  return b->object;
}

void *ag_lua_pin(lua_State *L, int arg, const char *class) {
  void *object = ag_lua_check(L, arg, class);
  ((box *)lua_touserdata(L, arg))->pinned = true;
  return object;
}

/* --- anchors: C memory owned by a value on the Lua stack ---------------------------------- */

typedef struct anchor {
  void *block;
  void (*release)(void *);
} anchor;

static int anchor_release(lua_State *L) {
  anchor *a = lua_touserdata(L, 1);
  void *block = a->block;
  a->block = NULL;
  if (block) a->release(block);
  return 0;
}

void **ag_lua_anchor(lua_State *L, void (*release)(void *)) {
  anchor *a = lua_newuserdatauv(L, sizeof *a, 0);
  *a = (anchor){.block = NULL, .release = release};
  if (luaL_newmetatable(L, "autogo.anchor")) {
    lua_pushcfunction(L, anchor_release);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return &a->block;
}

void *ag_lua_scratch(lua_State *L, size_t count, size_t size) {
  if (size > 0 && count > SIZE_MAX / 2 / size) luaL_error(L, "too many elements");
  size_t bytes = count * size;
  void *block = lua_newuserdatauv(L, bytes ? bytes : 1, 0);
  memset(block, 0, bytes ? bytes : 1);
  return block;
}
