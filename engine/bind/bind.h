/* What the files of the Lua binding share: classes, arguments, results.
 *
 * A C object lives in Lua as a *box*: a full userdata with one pointer, NULL until the object
 * exists and again after it was closed. A constructor pushes the empty box first and lets the
 * library write into it, so no Lua error (out of memory included) can leak an object:
 *
 *   void **box = ag_lua_box(L, AG_LUA_GRAPH);
 *   const ag_graph *graph;
 *   if (ag_graph_load_json(path, &graph, &err)) return ag_lua_fail(L, &err);
 *   *box = (void *)graph;
 *   return 1;
 *
 * Misuse (wrong types, ranges, unknown options) raises and names the argument; what the
 * environment does to a program (files, infeasible problems) returns nil and a message.
 * Raising is a longjmp: never raise while C memory is held by a local alone. */
#ifndef AG_BIND_BIND_H
#define AG_BIND_BIND_H

#include <lauxlib.h>
#include <lua.h>

#include "autogo/segment.h"

/* --- classes ---------------------------------------------------------------------------- */

#define AG_LUA_GRAPH "autogo.Graph"
#define AG_LUA_BUILDER "autogo.Builder"
#define AG_LUA_SEGMENT "autogo.Segment"
#define AG_LUA_TOKENIZER "autogo.Tokenizer"
#define AG_LUA_DATABASE "autogo.Database"
#define AG_LUA_PREDICTOR "autogo.Predictor"
#define AG_LUA_SPACE "autogo.Space"
#define AG_LUA_BATCH "autogo.Batch"
#define AG_LUA_PRICES "autogo.Prices"
#define AG_LUA_DEVICE "autogo.Device"

typedef struct ag_lua_class {
  const char *name;
  void (*release)(void *object);
  void (*describe)(lua_State *L, void *object); /* pushes what tostring gives */
  const luaL_Reg *methods;                      /* NULL or {NULL}-terminated, as all below */
  const luaL_Reg *fields;      /* read-only fields: called with (object, key), give one value */
  const luaL_Reg *metamethods; /* beyond __index, __newindex, __gc, __close, __tostring */
} ag_lua_class;

/* Register a class (must have static lifetime). With the module table on top of the stack,
 * its methods appear as module.classes[short name], where Lua may add more. */
void ag_lua_register(lua_State *L, const ag_lua_class *class);

/* Add methods to a registered class. */
void ag_lua_extend(lua_State *L, const char *class, const luaL_Reg *methods);

/* Push an empty box of a class. */
void **ag_lua_box(lua_State *L, const char *class);

/* The object at `arg`; raises when it is of another class or closed. */
void *ag_lua_check(lua_State *L, int arg, const char *class);

/* The same for an object that another one will go on using, or that must outlast a call back
 * into Lua: from now on closing it early does nothing, only the garbage collector takes it. The
 * user keeps it reachable (lua_setiuservalue). */
void *ag_lua_pin(lua_State *L, int arg, const char *class);

static inline const ag_graph *ag_lua_check_graph(lua_State *L, int arg) {
  return ag_lua_check(L, arg, AG_LUA_GRAPH);
}

/* Zeroed memory of at least `count` x `size` bytes that lives as long as the value pushed for
 * it: the way to hold arrays while arguments that may raise are still being read. */
void *ag_lua_scratch(lua_State *L, size_t count, size_t size);

/* Push a box that will call `release` on the pointer put into it, unless it is NULL. */
void **ag_lua_anchor(lua_State *L, void (*release)(void *));

/* --- results ------------------------------------------------------------------------------ */

/* nil and the text of the error; `return ag_lua_fail(L, &err)`. */
int ag_lua_fail(lua_State *L, const ag_error *err);

/* Raise the text of an error that is the caller's mistake. */
int ag_lua_raise(lua_State *L, const ag_error *err);

/* true, or nil and the text of the error. */
int ag_lua_result(lua_State *L, ag_status status, const ag_error *err);

/* Set a field of the table on top of the stack. */
void ag_lua_set_integer(lua_State *L, const char *key, int64_t value);
void ag_lua_set_number(lua_State *L, const char *key, double value);

void ag_lua_push_shape(lua_State *L, ag_shape shape); /* {H, W, C} */
struct ag_import_report *ag_lua_report(lua_State *L); /* an empty one that Lua owns (pushes it) */
void ag_lua_push_report(lua_State *L, const struct ag_import_report *report);
void ag_lua_push_pair(lua_State *L, const int32_t *pair);
void ag_lua_push_integers(lua_State *L, const int32_t *items, int count);
void ag_lua_push_hash(lua_State *L, ag_hash hash);

const ag_segment *ag_lua_check_segment(lua_State *L, int arg);

/* What a box of class Segment holds; takes the segment. first = -1: it has no place in a graph. */
void *ag_lua_make_segment(ag_segment *segment, int first);

/* A node as a plain table: what a per-node cost can depend on. `predecessors` counts distinct
 * operands. */
void ag_lua_push_node(lua_State *L, const ag_node *node, int predecessors);

/* --- arguments ---------------------------------------------------------------------------- */

/* An integer argument in [min, max]. */
lua_Integer ag_lua_check_range(lua_State *L, int arg, lua_Integer min, lua_Integer max);

/* first and last arguments: a range 0 <= first < last <= size. */
void ag_lua_check_cut(lua_State *L, int arg, int size, int *first, int *last);

/* A sequence of graphs at `arg`: their pointers in memory that Lua owns (pushes it). */
const ag_graph **ag_lua_check_graphs(lua_State *L, int arg, int *count);

/* A shape {H, W, C} at `index`; `what` names it in the message. */
ag_shape ag_lua_to_shape(lua_State *L, int index, const char *what);

/* A sequence of shapes at `index` in memory that Lua owns (pushes it). */
ag_shape *ag_lua_to_shapes(lua_State *L, int index, const char *what, int *count);

/* A sequence of numbers at `arg`, or a column, in memory that Lua owns (pushes it). */
const double *ag_lua_check_numbers(lua_State *L, int arg, int *count);

/* A sequence at `arg` of numbers of rows, 1 to `limit`: from 0, in memory that Lua owns (pushes
 * it). Of nil: NULL, and `limit` for their number. */
int32_t *ag_lua_check_rows(lua_State *L, int arg, int limit, int *count);

/* Which of `limit` children they are, in memory that Lua owns (pushes it); NULL of NULL. */
bool *ag_lua_mark_rows(lua_State *L, const int32_t *rows, int count, int limit);

/* A sequence of the numbers of these rows; all of them of NULL. */
void ag_lua_push_rows(lua_State *L, const double *values, const int32_t *rows, int count);

/* A column of numbers in memory that Lua owns: goes where a sequence of numbers may, and is read
 * there without a copy. */
typedef struct ag_lua_column {
  int count;
  bool integers; /* as Lua is to see them */
  double values[];
} ag_lua_column;
ag_lua_column *ag_lua_push_column(lua_State *L, int count, bool integers); /* of zeros */
const ag_lua_column *ag_lua_to_column(lua_State *L, int index); /* NULL if it is something else */
void ag_lua_push_value(lua_State *L, const ag_lua_column *column, int k); /* number k, from 0 */

/* The threads of the space that a batch at `arg` came from; NULL if it was closed. */
ag_pool *ag_lua_batch_pool(lua_State *L, int arg);

/* Options: a table at `arg`, or nothing. `known` lists the names allowed, NULL at the end;
 * any other raises. Afterwards index `arg` holds a table, empty if there was none. Options are read
 * raw: no metamethod may run, and close an object that is in use, while arguments are read. */
void ag_lua_options(lua_State *L, int arg, const char *const *known);
int ag_lua_option(lua_State *L, int arg, const char *name); /* pushes it, returns its type */
lua_Integer ag_lua_option_integer(lua_State *L, int arg, const char *name, lua_Integer otherwise,
                                  lua_Integer min, lua_Integer max);
double ag_lua_option_number(lua_State *L, int arg, const char *name, double otherwise, double min,
                            double max);
bool ag_lua_option_boolean(lua_State *L, int arg, const char *name, bool otherwise);
/* Index of the option's value in `choices` (NULL at the end). */
int ag_lua_option_choice(lua_State *L, int arg, const char *name, int otherwise,
                         const char *const *choices);
/* The bits (ag_op_bit) of a set {name = true, ...} of ops. */
uint64_t ag_lua_option_ops(lua_State *L, int arg, const char *name, uint64_t otherwise);
/* Raise "bad option 'name' (... expected, got ...)" for the value at `index`. */
int ag_lua_option_error(lua_State *L, int index, const char *name, const char *expected);

/* --- interruption --------------------------------------------------------------------------- */

/* Set from a signal handler by the host program; long work in C polls it. */
void ag_lua_interrupt(void);
bool ag_lua_interrupted(void);

/* --- the parts of the module: each adds to the module table on top of the stack ----------- */

void ag_lua_open_system(lua_State *L);
void ag_lua_open_json(lua_State *L);
void ag_lua_open_graph(lua_State *L);
void ag_lua_open_identity(lua_State *L);
void ag_lua_open_builder(lua_State *L);
void ag_lua_open_onnx(lua_State *L);
void ag_lua_open_import(lua_State *L);
void ag_lua_open_weights(lua_State *L);
void ag_lua_open_segment(lua_State *L);
void ag_lua_open_resolve(lua_State *L);
void ag_lua_open_tokenizer(lua_State *L);
void ag_lua_open_database(lua_State *L);
void ag_lua_open_wl(lua_State *L);
void ag_lua_open_predictor(lua_State *L);
void ag_lua_open_training(lua_State *L);
void ag_lua_open_space(lua_State *L);
void ag_lua_open_batch(lua_State *L);
void ag_lua_open_prices(lua_State *L);
void ag_lua_open_fronts(lua_State *L);
void ag_lua_open_column(lua_State *L);
void ag_lua_open_columns(lua_State *L);
void ag_lua_open_hardware(lua_State *L);

int luaopen_autogo(lua_State *L);
int luaopen_autogo_core(lua_State *L);

#endif
