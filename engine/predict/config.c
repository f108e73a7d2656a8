/* A configuration as metadata of a weights file; the list of keys is at the head of predictor.c. A
 * member of an ensemble says of itself only what the first member has otherwise, as member.K.KEY.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/predict/model.h"
#include "engine/predict/safetensors.h"

enum { KEYS = 10, KEY_MAX = 32 };

static const char *const keys[KEYS] = {"kind",  "hops",  "activation", "layer",   "features",
                                       "edges", "joins", "sums",       "pooling", "messages"};

/* --- reading -------------------------------------------------------------------------------- */

typedef struct source {
  const ag_st_file *file;
  int member;
} source;

static void member_key(char text[KEY_MAX], int member, const char *key) {
  snprintf(text, KEY_MAX, "member.%d.%s", member, key);
}

static const char *lookup(const source *from, const char *key) {
  char own[KEY_MAX];
  member_key(own, from->member, key);
  const char *text = from->member ? ag_st_metadata(from->file, own) : NULL;
  return text ? text : ag_st_metadata(from->file, key);
}

/* One of two words; the second is what silence means (NULL: silence is an error). */
static ag_status choice(const source *from, const char *key, const char *yes, const char *no,
                        bool silence, bool *value, ag_error *err) {
  const char *text = lookup(from, key);
  if (!text && silence) {
    *value = false;
    return AG_OK;
  }
  if (!text) return ag_fail(err, AG_FORMAT, "metadata %s is missing", key);
  *value = strcmp(text, yes) == 0;
  if (*value || strcmp(text, no) == 0) return AG_OK;
  return ag_fail(err, AG_UNSUPPORTED, "metadata %s is \"%.40s\", expected %s or %s", key, text, yes,
                 no);
}

static ag_status read_hops(const source *from, int *layers, ag_error *err) {
  const char *hops = lookup(from, "hops");
  char *end = NULL;
  long count = hops ? strtol(hops, &end, 10) : 0;
  if (!hops || *end != '\0' || count < 1 || count > AG_MAX_LAYERS) {
    return ag_fail(err, AG_FORMAT, "metadata hops is not a number from 1 to %d", AG_MAX_LAYERS);
  }
  *layers = (int)count;
  return AG_OK;
}

ag_status ag_config_read(const ag_st_file *file, int member, ag_config *config, ag_error *err) {
  source from = {file, member};
  bool psc, list, keep, tanh_only;
  ag_status s;
  if ((s = choice(&from, "kind", "psc", "gnn", false, &psc, err)) ||
      (s = choice(&from, "activation", "tanh", "tanh", true, &tanh_only, err)) ||
      (s = choice(&from, "layer", "residual", "plain", true, &config->residual, err)) ||
      (s = choice(&from, "features", "log2", "normalised", true, &config->log_features, err)) ||
      (s = choice(&from, "edges", "list", "set", true, &list, err)) ||
      (s = choice(&from, "joins", "keep", "bypass", true, &keep, err)) ||
      (s = choice(&from, "sums", "flatten", "keep", true, &config->flatten, err)) ||
      (s = choice(&from, "messages", "backward", "forward", true, &config->backward, err)) ||
      (s = choice(&from, "pooling", "mean+sum", "mean", true, &config->sum_pooling, err))) {
    return s;
  }
  config->model = psc ? AG_MODEL_PSC : AG_MODEL_GNN;
  config->distinct_edges = !list;
  config->bypass_joins = !keep;
  if ((config->flatten || config->backward) && !(list && keep)) {
    return ag_fail(
        err, AG_UNSUPPORTED,
        "sums are flattened and messages go backward with edges = list and joins = keep");
  }
  if (config->sum_pooling && psc) {
    return ag_fail(err, AG_UNSUPPORTED, "sum pooling is for gnn alone");
  }
  return read_hops(&from, &config->layers, err);
}

/* --- writing -------------------------------------------------------------------------------- */

/* The words for `keys`; the number of layers into `hops`. */
static void describe(const ag_config *c, char hops[16], const char *text[KEYS]) {
  snprintf(hops, 16, "%d", c->layers);
  const char *words[KEYS] = {c->model == AG_MODEL_PSC ? "psc" : "gnn",
                             hops,
                             "tanh",
                             c->residual ? "residual" : "plain",
                             c->log_features ? "log2" : "normalised",
                             c->distinct_edges ? "set" : "list",
                             c->bypass_joins ? "bypass" : "keep",
                             c->flatten ? "flatten" : "keep",
                             c->sum_pooling ? "mean+sum" : "mean",
                             c->backward ? "backward" : "forward"};
  memcpy(text, words, sizeof words);
}

void ag_config_put(const ag_config *config, ag_st_writer *writer) {
  char hops[16];
  const char *text[KEYS];
  describe(config, hops, text);
  for (int i = 0; i < KEYS; i++) ag_st_put_metadata(writer, keys[i], text[i]);
}

void ag_config_put_member(const ag_config *config, const ag_config *first, int member,
                          ag_st_writer *writer) {
  char hops[2][16], key[KEY_MAX];
  const char *text[KEYS], *usual[KEYS];
  describe(config, hops[0], text);
  describe(first, hops[1], usual);
  for (int i = 0; i < KEYS; i++) {
    if (strcmp(text[i], usual[i]) == 0) continue;
    member_key(key, member, keys[i]);
    ag_st_put_metadata(writer, key, text[i]);
  }
}
