/* Class Tokenizer: labels and byte-pair encoding, and segmenting graphs with it. Classes Corpus
 * and Miner learn and mine graph by graph, so that Lua need never hold a whole corpus. */
#include <limits.h>
#include <stdlib.h>

#include "autogo/mining.h"
#include "engine/bind/bind.h"

#define AG_LUA_CORPUS "autogo.Corpus"

static ag_tokenizer *check_tokenizer(lua_State *L, int arg) {
  return ag_lua_check(L, arg, AG_LUA_TOKENIZER);
}

/* --- learning ----------------------------------------------------------------------------- */

static ag_tokenizer_options read_options(lua_State *L, int arg) {
  static const char *const known[] = {"vocab", "max_length", NULL};
  ag_tokenizer_options o = ag_tokenizer_defaults();
  ag_lua_options(L, arg, known);
  o.vocabulary = (int)ag_lua_option_integer(L, arg, "vocab", o.vocabulary, 1, AG_MAX_TOKENS);
  o.max_length =
      (int)ag_lua_option_integer(L, arg, "max_length", o.max_length, 1, AG_MAX_TOKEN_LENGTH);
  return o;
}

/* train_tokenizer({graphs}, {vocab=, max_length=}) -> Tokenizer | nil, message */
static int train_tokenizer(lua_State *L) {
  int count;
  ag_error err;
  lua_settop(L, 2);
  ag_tokenizer_options options = read_options(L, 2);
  const ag_graph **graphs = ag_lua_check_graphs(L, 1, &count);
  void **box = ag_lua_box(L, AG_LUA_TOKENIZER);
  ag_tokenizer *t;
  if (ag_tokenizer_train(graphs, count, &options, &t, &err)) return ag_lua_fail(L, &err);
  *box = t;
  return 1;
}

static int new_corpus(lua_State *L) {
  void **box = ag_lua_box(L, AG_LUA_CORPUS);
  *box = ag_corpus_new();
  return 1;
}

static int corpus_add(lua_State *L) {
  ag_error err;
  ag_corpus *corpus = ag_lua_check(L, 1, AG_LUA_CORPUS);
  return ag_lua_result(L, ag_corpus_add(corpus, ag_lua_check_graph(L, 2), &err), &err);
}

/* corpus:train({vocab=, max_length=}) -> Tokenizer | nil, message */
static int corpus_train(lua_State *L) {
  ag_error err;
  const ag_corpus *corpus = ag_lua_check(L, 1, AG_LUA_CORPUS);
  lua_settop(L, 2);
  ag_tokenizer_options options = read_options(L, 2);
  void **box = ag_lua_box(L, AG_LUA_TOKENIZER);
  ag_tokenizer *t;
  if (ag_corpus_train(corpus, &options, &t, &err)) return ag_lua_fail(L, &err);
  *box = t;
  return 1;
}

static int load_tokenizer(lua_State *L) {
  ag_error err;
  const char *path = luaL_checkstring(L, 1);
  void **box = ag_lua_box(L, AG_LUA_TOKENIZER);
  ag_tokenizer *t;
  if (ag_tokenizer_load(path, &t, &err)) return ag_lua_fail(L, &err);
  *box = t;
  return 1;
}

static int tokenizer_save(lua_State *L) {
  ag_error err;
  const ag_tokenizer *t = check_tokenizer(L, 1);
  return ag_lua_result(L, ag_tokenizer_save(t, luaL_checkstring(L, 2), &err), &err);
}

/* --- segmenting --------------------------------------------------------------------------- */

/* The mask of a sparse vocabulary drawn by {keep=, seed=}, or NULL for the full one. */
static const uint8_t *read_mask(lua_State *L, int arg, const ag_tokenizer *t) {
  static const char *const known[] = {"keep", "seed", NULL};
  ag_lua_options(L, arg, known);
  double keep = ag_lua_option_number(L, arg, "keep", 1, 0, 1);
  lua_Integer seed = ag_lua_option_integer(L, arg, "seed", 1, LLONG_MIN, LLONG_MAX);
  if (keep >= 1) return NULL;
  uint8_t *mask = ag_lua_scratch(L, (size_t)ag_tokenizer_tokens(t), 1);
  ag_tokenizer_sparse(t, keep, (uint64_t)seed, mask);
  return mask;
}

/* Bounds and tokens of a segmentation, in memory that Lua owns: pushes bounds, then tokens. */
static int segment_bounds(lua_State *L, const ag_tokenizer *t, const ag_graph *g,
                          const uint8_t *mask, int32_t **bounds, int32_t **tokens) {
  *bounds = ag_lua_scratch(L, (size_t)g->size + 1, sizeof **bounds);
  *tokens = ag_lua_scratch(L, (size_t)g->size, sizeof **tokens);
  ag_segmentation *segmentation = ag_tokenizer_encode(t, g);
  int count = ag_segmentation_tokens(segmentation, mask, *bounds, *tokens);
  ag_segmentation_free(segmentation);
  return count;
}

/* t:encode(graph, {keep=, seed=}) -> bounds {0, ..., size}, tokens (-1 = unknown label). The
 * graph is taken in the order it stands in: canonical for all that was learned. */
static int tokenizer_encode(lua_State *L) {
  int32_t *bounds, *tokens;
  const ag_tokenizer *t = check_tokenizer(L, 1);
  const ag_graph *g = ag_lua_check_graph(L, 2);
  lua_settop(L, 3);
  const uint8_t *mask = read_mask(L, 3, t);
  int count = segment_bounds(L, t, g, mask, &bounds, &tokens);
  ag_lua_push_integers(L, bounds, count + 1);
  ag_lua_push_integers(L, tokens, count);
  return 2;
}

/* Upvalues: graph, bounds, count, next. */
static int next_segment(lua_State *L) {
  ag_error err;
  const ag_graph *g = ag_lua_check(L, lua_upvalueindex(1), AG_LUA_GRAPH);
  const int32_t *bounds = lua_touserdata(L, lua_upvalueindex(2));
  lua_Integer count = lua_tointeger(L, lua_upvalueindex(3));
  lua_Integer i = lua_tointeger(L, lua_upvalueindex(4));
  if (i >= count) return 0;
  lua_pushinteger(L, i + 1);
  lua_replace(L, lua_upvalueindex(4));
  void **box = ag_lua_box(L, AG_LUA_SEGMENT);
  ag_segment *segment;
  if (ag_segment_cut(g, bounds[i], bounds[i + 1], &segment, NULL, NULL, &err))
    return ag_lua_raise(L, &err);
  *box = ag_lua_make_segment(segment, bounds[i]);
  return 1;
}

/* graph:segments(tokenizer, {keep=, seed=}): iterator over Segments */
static int graph_segments(lua_State *L) {
  int32_t *bounds, *tokens;
  const ag_graph *g = ag_lua_check_graph(L, 1);
  const ag_tokenizer *t = check_tokenizer(L, 2);
  lua_settop(L, 3);
  const uint8_t *mask = read_mask(L, 3, t);
  int count = segment_bounds(L, t, g, mask, &bounds, &tokens);
  lua_pop(L, 1);
  lua_pushvalue(L, 1);
  lua_insert(L, -2);
  lua_pushinteger(L, count);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, next_segment, 4);
  return 1;
}

/* --- what it knows ------------------------------------------------------------------------ */

/* graph:token_label(i) -> label of a node in the tokenizer's alphabet */
static int graph_token_label(lua_State *L) {
  char buffer[1024];
  const ag_graph *g = ag_lua_check_graph(L, 1);
  int node = (int)ag_lua_check_range(L, 2, 0, g->size - 1);
  lua_pushstring(L, ag_node_token_label(g, node, buffer, sizeof buffer));
  return 1;
}

/* t:spelling(token) -> {labels} */
static int tokenizer_spelling(lua_State *L) {
  const ag_tokenizer *t = check_tokenizer(L, 1);
  int token = (int)ag_lua_check_range(L, 2, 0, ag_tokenizer_tokens(t) - 1);
  int length = ag_tokenizer_length(t, token);
  const int32_t *symbols = ag_tokenizer_spelling(t, token);
  lua_createtable(L, length, 0);
  for (int i = 0; i < length; i++) {
    lua_pushstring(L, ag_tokenizer_label(t, symbols[i]));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int field_symbols(lua_State *L) {
  lua_pushinteger(L, ag_tokenizer_symbols(check_tokenizer(L, 1)));
  return 1;
}

static int field_tokens(lua_State *L) {
  lua_pushinteger(L, ag_tokenizer_tokens(check_tokenizer(L, 1)));
  return 1;
}

/* --- classes ------------------------------------------------------------------------------ */

static void release_tokenizer(void *object) {
  ag_tokenizer_free(object);
}

static void describe_tokenizer(lua_State *L, void *object) {
  lua_pushfstring(L, "Tokenizer (%d symbols, %d tokens)", ag_tokenizer_symbols(object),
                  ag_tokenizer_tokens(object));
}

static void release_corpus(void *object) {
  ag_corpus_free(object);
}

static void describe_corpus(lua_State *L, void *object) {
  (void)object;
  lua_pushliteral(L, "Corpus");
}

static const luaL_Reg methods[] = {{"encode", tokenizer_encode},
                                   {"spelling", tokenizer_spelling},
                                   {"save", tokenizer_save},
                                   {NULL, NULL}};

static const luaL_Reg fields[] = {
    {"symbols", field_symbols}, {"tokens", field_tokens}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__len", field_tokens}, {NULL, NULL}};

static const ag_lua_class tokenizer_class = {.name = AG_LUA_TOKENIZER,
                                             .release = release_tokenizer,
                                             .describe = describe_tokenizer,
                                             .methods = methods,
                                             .fields = fields,
                                             .metamethods = metamethods};

static const luaL_Reg corpus_methods[] = {
    {"add", corpus_add}, {"train", corpus_train}, {NULL, NULL}};

static const ag_lua_class corpus_class = {.name = AG_LUA_CORPUS,
                                          .release = release_corpus,
                                          .describe = describe_corpus,
                                          .methods = corpus_methods};

static const luaL_Reg graph_methods[] = {
    {"segments", graph_segments}, {"token_label", graph_token_label}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"train_tokenizer", train_tokenizer},
                                     {"load_tokenizer", load_tokenizer},
                                     {"corpus", new_corpus},
                                     {NULL, NULL}};

void ag_lua_open_tokenizer(lua_State *L) {
  ag_lua_register(L, &tokenizer_class);
  ag_lua_register(L, &corpus_class);
  ag_lua_extend(L, AG_LUA_GRAPH, graph_methods);
  luaL_setfuncs(L, functions, 0);
}
