/* Training a predictor from Lua.
 *
 * Everything training reads is copied out of the Lua tables and retained first,
 * into one block that an anchor owns: the progress function may do to those
 * tables and graphs what it likes. It runs on the main thread under lua_pcall;
 * what it raises stops the training and is raised again once the library has
 * returned. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "autogo/mining.h"
#include "autogo/predict.h"
#include "engine/base/alloc.h"
#include "engine/bind/bind.h"

/* --- samples ------------------------------------------------------------------------------- */

typedef struct part {
  ag_sample *samples;
  int count;
} part;

typedef struct training_set {
  part train, valid;
  char **families; /* index = ag_sample.family */
  int family_count, family_capacity;
} training_set;

static void free_part(part *p) {
  for (int i = 0; i < p->count; i++) {
    ag_graph_release(p->samples[i].graph);
    free((void *)p->samples[i].bounds);
  }
  free(p->samples);
}

static void free_set(void *object) {
  training_set *set = object;
  free_part(&set->train);
  free_part(&set->valid);
  for (int i = 0; i < set->family_count; i++) free(set->families[i]);
  free(set->families);
  free(set);
}

/* The number of a family; families are numbered as they come. */
static int family_number(training_set *set, const char *name) {
  for (int i = 0; i < set->family_count; i++)
    if (strcmp(set->families[i], name) == 0) return i;
  AG_GROW(set->families, set->family_count, set->family_capacity);
  set->families[set->family_count] = ag_strdup(name);
  return set->family_count++;
}

static int sample_error(lua_State *L, const char *what, int number, const char *expected) {
  return luaL_error(L, "bad option '%s' (%s expected in [%d])", what, expected, number);
}

static int32_t *segment(const ag_tokenizer *t, const ag_graph *g, int *count) {
  int32_t *bounds = AG_ARRAY(int32_t, g->size + 1);
  ag_segmentation *segmentation = ag_tokenizer_encode(t, g);
  *count = ag_segmentation_bounds(segmentation, NULL, bounds);
  ag_segmentation_free(segmentation);
  return bounds;
}

/* One sample {graph=, target=, family=} at the top of the stack. The family's
 * default is that of the graph. */
static void read_sample(lua_State *L, training_set *set, part *p, const ag_tokenizer *t,
                        const char *what) {
  int exact, number = p->count + 1, at = lua_gettop(L);
  if (!lua_istable(L, at)) sample_error(L, what, number, "{graph=, target=, family=}");
  ag_lua_option(L, at, "graph");
  void **graph = luaL_testudata(L, -1, AG_LUA_GRAPH);
  if (!graph || !*graph) sample_error(L, what, number, "graph = Graph");
  ag_lua_option(L, at, "target");
  double target = lua_tonumberx(L, -1, &exact);
  if (!exact || !isfinite(target)) sample_error(L, what, number, "target = finite number");
  int type = ag_lua_option(L, at, "family");
  if (type != LUA_TNIL && type != LUA_TSTRING) sample_error(L, what, number, "family = string");
  const ag_graph *g = *graph;
  ag_sample *s = &p->samples[p->count++];
  s->graph = ag_graph_retain(g);
  s->bounds = segment(t, g, &s->segments);
  s->target = target;
  s->family = family_number(set, type == LUA_TSTRING ? lua_tostring(L, -1) : g->family);
  lua_settop(L, at);
}

static void read_part(lua_State *L, training_set *set, part *p, const ag_tokenizer *t,
                      const char *what) {
  int type = ag_lua_option(L, 1, what), at = lua_gettop(L);
  if (type == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  if (type != LUA_TTABLE) ag_lua_option_error(L, at, what, "list of samples");
  lua_Unsigned length = lua_rawlen(L, at);
  if (length > INT_MAX) ag_lua_option_error(L, at, what, "shorter list");
  p->samples = AG_ARRAY(ag_sample, length);
  for (lua_Unsigned i = 0; i < length; i++) {
    lua_rawgeti(L, at, (lua_Integer)i + 1);
    read_sample(L, set, p, t, what);
    lua_pop(L, 1);
  }
  lua_settop(L, at - 1);
}

/* --- progress ------------------------------------------------------------------------------ */

typedef struct listener {
  lua_State *L;
  int function; /* stack index, 0 = none */
  bool raised;  /* the error is at the top of the stack */
} listener;

/* (function, progress) -> what the function returned */
static int call_listener(lua_State *L) {
  const ag_train_progress *p = lua_touserdata(L, 2);
  lua_settop(L, 1);
  lua_createtable(L, 0, 6);
  lua_pushinteger(L, p->epoch);
  lua_setfield(L, -2, "epoch");
  lua_pushinteger(L, p->epochs);
  lua_setfield(L, -2, "epochs");
  ag_lua_set_number(L, "loss", p->loss);
  ag_lua_set_number(L, "srcc", p->srcc);
  ag_lua_set_number(L, "samples_per_second", p->samples_per_second);
  ag_lua_set_number(L, "seconds_left", p->seconds_left);
  lua_call(L, 1, 1);
  return 1;
}

static bool listen(void *context, const ag_train_progress *progress) {
  listener *l = context;
  lua_State *L = l->L;
  if (ag_lua_interrupted()) return false;
  if (!l->function) return true;
  lua_pushcfunction(L, call_listener);
  lua_pushvalue(L, l->function);
  lua_pushlightuserdata(L, (void *)progress);
  l->raised = lua_pcall(L, 2, 1, 0) != LUA_OK;
  if (l->raised) return false;
  bool stop = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
  lua_pop(L, 1);
  return !stop;
}

/* --- training ------------------------------------------------------------------------------ */

static ag_train_options preset(lua_State *L) {
  static const char *const models[] = {"gnn", "psc", NULL};
  static const char *const presets[] = {"default", "published", NULL};
  ag_model model = (ag_model)ag_lua_option_choice(L, 1, "model", AG_MODEL_PSC, models);
  bool published = ag_lua_option_choice(L, 1, "preset", 0, presets) == 1;
  if (ag_lua_option(L, 1, "from") == LUA_TNIL) {
    lua_pop(L, 1);
    return published ? ag_train_published(model) : ag_train_defaults(model);
  }
  void **box = luaL_testudata(L, -1, AG_LUA_PREDICTOR);
  if (!box || !*box) ag_lua_option_error(L, -1, "from", AG_LUA_PREDICTOR);
  return ag_train_fine_tuning(ag_lua_pin(L, lua_gettop(L), AG_LUA_PREDICTOR));
}

/* A path, or NULL; the string lives in the table of options, which stays at 1. */
static const char *read_path(lua_State *L, const char *name) {
  int type = ag_lua_option(L, 1, name);
  if (type != LUA_TNIL && type != LUA_TSTRING) ag_lua_option_error(L, -1, name, "path");
  return type == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
}

static ag_train_options read_options(lua_State *L) {
  static const char *const transforms[] = {"rank-normal", "z-score", "log", NULL};
  static const char *const sums[] = {"keep", "flatten", NULL};
  static const char *const messages[] = {"forward", "backward", NULL};
  ag_train_options o = preset(L);
  o.epochs = (int)ag_lua_option_integer(L, 1, "epochs", o.epochs, 1, 1000000);
  o.batch = (int)ag_lua_option_integer(L, 1, "batch", o.batch, 1, 1000000);
  o.splits = (int)ag_lua_option_integer(L, 1, "splits", o.splits, 1, 1000000);
  o.learning_rate = ag_lua_option_number(L, 1, "learning_rate", o.learning_rate, 0, 1000);
  o.warmup = ag_lua_option_number(L, 1, "warmup", o.warmup, 0, 1e9);
  o.final_rate = ag_lua_option_number(L, 1, "final_rate", o.final_rate, 0, 1);
  o.hinge = ag_lua_option_number(L, 1, "hinge", o.hinge, 0, 1e9);
  o.consistency = ag_lua_option_number(L, 1, "consistency", o.consistency, 0, 1e9);
  o.huber = ag_lua_option_number(L, 1, "huber", o.huber, 0, 1e9);
  o.clip = ag_lua_option_number(L, 1, "clip", o.clip, 0, 1e9);
  o.patience = (int)ag_lua_option_integer(L, 1, "patience", o.patience, 0, 1000000);
  o.transform = (ag_transform)ag_lua_option_choice(L, 1, "transform", (int)o.transform, transforms);
  o.residual = ag_lua_option_boolean(L, 1, "residual", o.residual);
  o.log_features = ag_lua_option_boolean(L, 1, "log_features", o.log_features);
  o.flatten = ag_lua_option_choice(L, 1, "sums", o.flatten, sums) == 1;
  o.backward = ag_lua_option_choice(L, 1, "messages", o.backward, messages) == 1;
  o.sum_pooling = ag_lua_option_boolean(L, 1, "sum_pooling", o.sum_pooling);
  o.seed = (uint64_t)ag_lua_option_integer(L, 1, "seed", (lua_Integer)o.seed, LLONG_MIN, LLONG_MAX);
  o.threads = (int)ag_lua_option_integer(L, 1, "threads", 1, 1, 256);
  o.checkpoint = read_path(L, "checkpoint");
  o.checkpoint_every = (int)ag_lua_option_integer(L, 1, "every", o.checkpoint_every, 1, 1000000);
  o.resume = read_path(L, "resume");
  return o;
}

static const ag_tokenizer *read_tokenizer(lua_State *L) {
  ag_lua_option(L, 1, "tokenizer");
  void **box = luaL_testudata(L, -1, AG_LUA_TOKENIZER);
  if (!box || !*box) ag_lua_option_error(L, -1, "tokenizer", AG_LUA_TOKENIZER);
  lua_pop(L, 1);
  return *box;
}

static training_set *read_set(lua_State *L) {
  const ag_tokenizer *tokenizer = read_tokenizer(L);
  void **owner = ag_lua_anchor(L, free_set);
  training_set *set = *owner = AG_NEW(training_set);
  read_part(L, set, &set->train, tokenizer, "samples");
  read_part(L, set, &set->valid, tokenizer, "valid");
  return set;
}

static int read_progress(lua_State *L) {
  int type = ag_lua_option(L, 1, "progress");
  if (type != LUA_TNIL && type != LUA_TFUNCTION) ag_lua_option_error(L, -1, "progress", "function");
  return type == LUA_TFUNCTION ? lua_gettop(L) : 0;
}

/* train{samples={{graph=, target=, family=}, ...}, valid={...}, tokenizer=,
 * model="psc" | "gnn", preset="default" | "published", from=Predictor (fine-tuning), epochs=,
 * batch=, splits=, learning_rate=, warmup=, final_rate=, hinge=, consistency=, huber=, clip=,
 * patience=, transform="rank-normal" | "z-score" | "log", residual=, log_features=, sums="keep" |
 * "flatten", messages="forward" | "backward", sum_pooling=, seed=, threads=, checkpoint=FILE,
 * every=EPOCHS, resume=FILE, progress=function({epoch, epochs, loss, srcc, samples_per_second,
 * seconds_left}) -> false to stop}
 * -> Predictor [, "interrupted"] | nil, message. Graphs in canonical order. What ag_train_options
 * says of an option holds here. */
static int train(lua_State *L) {
  static const char *const known[] = {
      "samples",      "valid",       "tokenizer",   "model",         "preset",     "from",
      "epochs",       "batch",       "splits",      "learning_rate", "warmup",     "final_rate",
      "hinge",        "clip",        "consistency", "patience",      "transform",  "residual",
      "log_features", "sum_pooling", "seed",        "threads",       "checkpoint", "every",
      "resume",       "progress",    "huber",       "sums",          "messages",   NULL};
  ag_error err = {.offset = -1};
  lua_settop(L, 1);
  luaL_checktype(L, 1, LUA_TTABLE);
  ag_lua_options(L, 1, known);
  ag_train_options options = read_options(L);
  training_set *set = read_set(L);
  options.families = (const char *const *)set->families;
  options.family_count = set->family_count;
  void **box = ag_lua_box(L, AG_LUA_PREDICTOR);
  int result = lua_gettop(L);
  listener l = {.L = L, .function = read_progress(L)};
  ag_predictor *p = NULL;
  ag_status status = ag_train(set->train.samples, set->train.count, set->valid.samples,
                              set->valid.count, &options, listen, &l, &p, &err);
  *box = p;
  if (l.raised) return lua_error(L);
  if (!p) return ag_lua_fail(L, &err);
  lua_pushvalue(L, result);
  if (status != AG_INTERRUPTED) return 1;
  lua_pushliteral(L, "interrupted");
  return 2;
}

void ag_lua_open_training(lua_State *L) {
  lua_pushcfunction(L, train);
  lua_setfield(L, -2, "train");
}
