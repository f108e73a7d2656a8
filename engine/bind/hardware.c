/* Class Device: an accelerator from a device file, with its memory of nodes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "autogo/search.h"
#include "engine/bind/bind.h"

static ag_npu *check_device(lua_State *L) {
  return ag_lua_check(L, 1, AG_LUA_DEVICE);
}

static void release_device(void *object) {
  ag_npu_free(object);
}

static void describe_device(lua_State *L, void *object) {
  lua_pushfstring(L, AG_LUA_DEVICE " (%s)", ag_npu_device(object)->name);
}

/* load_device(path) -> Device | nil, message */
static int load_device(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  void **box = ag_lua_box(L, AG_LUA_DEVICE);
  ag_device device;
  ag_error err;
  if (ag_device_load(path, &device, &err)) return ag_lua_fail(L, &err);
  *box = ag_npu_new(&device);
  return 1;
}

/* parse_device(json) -> Device | nil, message */
static int parse_device(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  void **box = ag_lua_box(L, AG_LUA_DEVICE);
  ag_device device;
  ag_error err;
  if (ag_device_parse(text, length, &device, &err)) return ag_lua_fail(L, &err);
  *box = ag_npu_new(&device);
  return 1;
}

/* --- cost ------------------------------------------------------------------------------------ */

static void set_counts(lua_State *L, const ag_counts *c) {
  ag_lua_set_integer(L, "macs", c->macs);
  ag_lua_set_integer(L, "array_cycles", c->array);
  ag_lua_set_integer(L, "vector_cycles", c->vector);
  lua_createtable(L, 0, 5);
  ag_lua_set_integer(L, "operand", c->operand);
  ag_lua_set_integer(L, "output", c->output);
  ag_lua_set_integer(L, "shared", c->shared);
  ag_lua_set_integer(L, "dram_read", c->dram_read);
  ag_lua_set_integer(L, "dram_written", c->dram_written);
  lua_setfield(L, -2, "bytes");
}

static void set_tiling(lua_State *L, const ag_tiling *t) {
  static const char *const orders[] = {"os", "ws", "is"};
  lua_createtable(L, 0, 6);
  ag_lua_set_integer(L, "height", t->height);
  ag_lua_set_integer(L, "width", t->width);
  ag_lua_set_integer(L, "channels", t->channels);
  ag_lua_set_integer(L, "depth", t->depth);
  lua_pushboolean(L, t->split);
  lua_setfield(L, -2, "split");
  lua_pushstring(L, orders[t->order]);
  lua_setfield(L, -2, "order");
  lua_setfield(L, -2, "tiling");
}

static void push_row(lua_State *L, const ag_graph *g, int i, const ag_npu_node *n) {
  lua_createtable(L, 0, 14);
  ag_lua_set_integer(L, "node", i);
  lua_pushstring(L, ag_op_get((ag_op)g->nodes[i].op)->name);
  lua_setfield(L, -2, "op");
  if (n->group >= 0) ag_lua_set_integer(L, "group", n->group);
  if (n->group != i) return;
  set_counts(L, &n->counts);
  if (n->tiling.height > 0) set_tiling(L, &n->tiling);
  ag_lua_set_number(L, "cycles", n->cycles);
  ag_lua_set_number(L, "memory_cycles", n->memory);
  ag_lua_set_number(L, "exposed_cycles", n->exposed);
  ag_lua_set_number(L, "utilisation", n->utilisation);
  ag_lua_set_number(L, "ms", n->ms);
  ag_lua_set_number(L, "mj", n->mj);
}

static void push_cost(lua_State *L, const ag_npu_cost *c) {
  lua_createtable(L, 0, 24);
  set_counts(L, &c->counts);
  ag_lua_set_number(L, "cycles", c->cycles);
  ag_lua_set_number(L, "memory_cycles", c->memory);
  ag_lua_set_number(L, "exposed_cycles", c->exposed);
  ag_lua_set_number(L, "ms", c->ms);
  ag_lua_set_number(L, "mj", c->mj);
  ag_lua_set_number(L, "mw", c->mw);
  ag_lua_set_number(L, "mj_system", c->mj_system);
  ag_lua_set_number(L, "mw_system", c->mw_system);
  ag_lua_set_number(L, "static_mj", c->static_mj);
  ag_lua_set_number(L, "utilisation", c->utilisation);
  ag_lua_set_number(L, "mapping", c->mapping);
  ag_lua_set_integer(L, "shared_peak", c->shared_peak);
  ag_lua_set_integer(L, "evicted", c->evicted);
  ag_lua_set_integer(L, "reread", c->reread);
  ag_lua_set_number(L, "evicted_ms", c->evicted_ms);
  ag_lua_set_number(L, "evicted_mj", c->evicted_mj);
  ag_lua_set_integer(L, "groups", c->groups);
}

/* device:cost(graph) -> table of totals, with `nodes`, a row per node: node, op, group (the node
 * that leads it; absent where nothing runs) and, for leaders, the numbers of the group | nil,
 * message */
static int device_cost(lua_State *L) {
  ag_npu *npu = check_device(L);
  const ag_graph *g = ag_lua_check_graph(L, 2);
  ag_npu_node *nodes = ag_lua_scratch(L, (size_t)g->size, sizeof *nodes);
  ag_npu_cost cost;
  ag_error err;
  if (ag_npu_graph(npu, g, &cost, nodes, &err)) return ag_lua_fail(L, &err);
  push_cost(L, &cost);
  lua_createtable(L, g->size, 0);
  for (int i = 0; i < g->size; i++) {
    push_row(L, g, i, &nodes[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "nodes");
  return 1;
}

/* --- one number ------------------------------------------------------------------------------ */

enum { LATENCY, ENERGY, POWER };
static const char *const measures[] = {"latency", "energy", "power", NULL};

/* ms, mJ or mW. With fps, power at that frame rate; NaN if a frame takes longer. */
static double measured(const ag_device *d, int measure, double fps, double ms, double mj) {
  if (measure == LATENCY) return ms;
  if (measure == ENERGY) return mj;
  if (fps == 0) return ms > 0 ? mj / ms * 1e3 : NAN;
  ag_npu_cost cost = {.ms = ms, .mj = mj, .static_mj = d->static_mw * ms * 1e-3};
  return ag_npu_power_at(&cost, d, fps);
}

static double check_fps(lua_State *L, int arg) {
  double fps = luaL_optnumber(L, arg, 0);
  luaL_argcheck(L, fps >= 0 && fps <= 1e9, arg, "frames per second expected");
  return fps;
}

/* device:of(graph, "latency" | "energy" | "power" [, fps]) -> ms, mJ or mW | nil, message */
static int device_of(lua_State *L) {
  ag_npu *npu = check_device(L);
  const ag_graph *g = ag_lua_check_graph(L, 2);
  int measure = luaL_checkoption(L, 3, NULL, measures);
  double fps = check_fps(L, 4);
  ag_npu_cost cost;
  ag_error err;
  if (ag_npu_graph(npu, g, &cost, NULL, &err)) return ag_lua_fail(L, &err);
  double value = measured(ag_npu_device(npu), measure, fps, cost.ms, cost.mj);
  if (isnan(value)) {
    lua_pushnil(L);
    char text[200];
    snprintf(text, sizeof text, "%s: a frame takes %.4g ms, too long for %.10g frames per second",
             ag_npu_device(npu)->name, cost.ms, fps);
    lua_pushstring(L, text);
    return 2;
  }
  lua_pushnumber(L, value);
  return 1;
}

/* device:column(batch, measure [, fps [, rows]]) -> sequence (for these rows), NaN where a child
 * does not fit */
static int device_column(lua_State *L) {
  ag_npu *npu = check_device(L);
  const ag_batch *b = ag_lua_check(L, 2, AG_LUA_BATCH);
  int measure = luaL_checkoption(L, 3, NULL, measures);
  double fps = check_fps(L, 4);
  int count;
  const int32_t *rows = ag_lua_check_rows(L, 5, b->size, &count);
  const bool *wanted = ag_lua_mark_rows(L, rows, count, b->size);
  double *ms = ag_lua_scratch(L, (size_t)b->size, sizeof *ms);
  double *mj = ag_lua_scratch(L, (size_t)b->size, sizeof *mj);
  ag_batch_npu(b, npu, ag_lua_batch_pool(L, 2), wanted, ms, mj);
  for (int i = 0; i < b->size; i++)
    ms[i] = measured(ag_npu_device(npu), measure, fps, ms[i], mj[i]);
  ag_lua_push_rows(L, ms, rows, count);
  return 1;
}

/* --- fields ---------------------------------------------------------------------------------- */

static int device_name(lua_State *L) {
  lua_pushstring(L, ag_npu_device(check_device(L))->name);
  return 1;
}

static int device_engine(lua_State *L) {
  static const char *const engines[] = {"cube", "systolic", "block-dot", "atomic"};
  lua_pushstring(L, engines[ag_npu_device(check_device(L))->engine]);
  return 1;
}

static int device_peak(lua_State *L) {
  lua_pushinteger(L, ag_device_peak(ag_npu_device(check_device(L))));
  return 1;
}

static int device_clock(lua_State *L) {
  lua_pushnumber(L, ag_npu_device(check_device(L))->clock_ghz);
  return 1;
}

static int device_shared(lua_State *L) {
  lua_pushinteger(L, ag_npu_device(check_device(L))->shared_buffer);
  return 1;
}

static int device_tops(lua_State *L) {
  lua_pushnumber(L, ag_device_tops_per_watt(ag_npu_device(check_device(L))));
  return 1;
}

static const luaL_Reg methods[] = {
    {"cost", device_cost}, {"of", device_of}, {"column", device_column}, {NULL, NULL}};

static const luaL_Reg fields[] = {{"name", device_name},
                                  {"engine", device_engine},
                                  {"macs_per_cycle", device_peak},
                                  {"clock_ghz", device_clock},
                                  {"shared_bytes", device_shared},
                                  {"tops_per_watt", device_tops},
                                  {NULL, NULL}};

static const ag_lua_class device_class = {AG_LUA_DEVICE, release_device, describe_device,
                                          methods,       fields,         NULL};

static const luaL_Reg functions[] = {
    {"load_device", load_device}, {"parse_device", parse_device}, {NULL, NULL}};

void ag_lua_open_hardware(lua_State *L) {
  ag_lua_register(L, &device_class);
  luaL_setfuncs(L, functions, 0);
}
