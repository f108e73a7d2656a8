/* A predictor is its configuration, one flat array of parameters laid out by ag_layout, the
 * tables that lead predictions back to labels, and what inference derives from them: layers
 * packed by column, the folded head. Files are safetensors; what a file's metadata does not say
 * is as in the published checkpoints.
 *
 * metadata  kind      psc | gnn                       needed
 *           hops      number of layers                needed
 *           layer     residual | plain                plain
 *           features  log2 | normalised               normalised
 *           edges     list | set                      set: a tensor used twice counts once
 *           joins     keep | bypass                   bypass: joins left with one predecessor
 *                                                     vanish
 *           sums      keep | flatten                  keep; flatten: additions are no nodes, for
 *                                                     edges = list and joins = keep
 *           messages  forward | backward              forward; backward: a node hears of its users,
 *                                                     for edges = list and joins = keep
 *           pooling   mean | mean+sum                 mean
 *           members   2 .. 8: an ensemble             1; tensors of member K >= 1 are called
 *                                                     member.K.NAME
 *           member.K.KEY  one of the keys above, of member K >= 1 alone; not its kind
 *           range.*   what the training saw           unknown; range.c
 *           family.N  name of family N                with tensor target.N: rows (raw, label)
 *           target.N  rank-normal | z-score | log     log: the rows hold logarithms of labels
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/predict/model.h"
#include "engine/predict/safetensors.h"

enum { MAX_FILE = 256 << 20 };

/* Subtract the mean of 32 numbers. */
static void centre(float *v) {
  double mean = 0;
  for (int o = 0; o < AG_WIDTH; o++) mean += (double)v[o] / AG_WIDTH;
  for (int o = 0; o < AG_WIDTH; o++) v[o] = (float)((double)v[o] - mean);
}

static void pack_layer(const ag_predictor *p, int l, ag_layer_weights *w) {
  const ag_layout *t = &p->layout;
  const float *right = p->params + t->layer[l].right_w, *left = p->params + t->layer[l].left_w;
  size_t row = AG_WIDTH * sizeof(float);
  *w = (ag_layer_weights){.residual = p->config.residual};
  for (int i = 0; i < AG_WIDTH; i++) {
    float *column = w->matrix + i * AG_PROJECTED;
    for (int o = 0; o < AG_WIDTH; o++) {
      column[o] = right[o * AG_WIDTH + i];
      column[AG_WIDTH + o] = left[o * AG_WIDTH + i];
    }
  }
  memcpy(w->bias, p->params + t->layer[l].left_b, row);
  if (!w->residual) return;
  memcpy(w->norm_weight, p->params + t->layer[l].norm_w, row);
  memcpy(w->norm_bias, p->params + t->layer[l].norm_b, row);
  centre(w->bias);
  for (int i = 0; i < 2 * AG_WIDTH; i++) centre(w->matrix + i * AG_WIDTH);
}

ag_predictor *ag_predictor_make(const ag_config *config, float *params, ag_target *targets,
                                int families) {
  ag_predictor *p = ag_alloc_aligned(1, sizeof *p, AG_ALIGNMENT);
  memset(p, 0, sizeof *p);
  p->config = *config;
  p->params = params;
  p->target = targets;
  p->families = families;
  ag_layout_make(config, &p->layout);
  p->kernels = ag_kernels_best();
  p->layers = ag_alloc_aligned((size_t)config->layers, sizeof *p->layers, AG_ALIGNMENT);
  for (int l = 0; l < config->layers; l++) pack_layer(p, l, &p->layers[l]);
  ag_head_fold(&p->layout, params, &p->head);
  return p;
}

void ag_targets_free(ag_target *targets, int families) {
  for (int i = 0; targets && i < families; i++) {
    free(targets[i].family);
    free(targets[i].table);
  }
  free(targets);
}

ag_target *ag_targets_copy(const ag_target *targets, int families) {
  ag_target *copy = AG_ARRAY(ag_target, families);
  for (int i = 0; i < families; i++) {
    copy[i] = targets[i];
    copy[i].family = ag_strdup(targets[i].family);
    copy[i].table = ag_memdup(targets[i].table, 2 * (size_t)targets[i].rows, sizeof(float));
  }
  return copy;
}

void ag_predictor_free(ag_predictor *p) {
  if (!p) return;
  ag_predictor_free(p->next);
  ag_targets_free(p->target, p->families);
  free(p->params);
  free(p->layers);
  free(p);
}

ag_model ag_predictor_model(const ag_predictor *p) {
  return p->config.model;
}

/* --- labels --------------------------------------------------------------------------------- */

static const ag_target *find_target(const ag_predictor *p, const char *family) {
  if (family[0] == '\0') return p->families == 1 ? &p->target[0] : NULL;
  for (int i = 0; i < p->families; i++) {
    if (strcmp(p->target[i].family, family) == 0) return &p->target[i];
  }
  return NULL;
}

/* Piecewise linear through the rows (raw, label). */
static double interpolate(const ag_target *t, double raw) {
  const float *row = t->table;
  int low = 0, high = t->rows - 1;
  if (high == 0) return (double)row[1];
  if (t->transform == AG_TRANSFORM_RANK)
    raw = fmin(fmax(raw, (double)row[0]), (double)row[2 * high]);
  while (high - low > 1) {
    int middle = (low + high) / 2;
    if ((double)row[2 * middle] <= raw)
      low = middle;
    else
      high = middle;
  }
  double x0 = (double)row[2 * low], x1 = (double)row[2 * high];
  double y0 = (double)row[2 * low + 1], y1 = (double)row[2 * high + 1];
  return x1 > x0 ? y0 + (y1 - y0) * (raw - x0) / (x1 - x0) : y0;
}

double ag_predictor_label(const ag_predictor *p, const char *family, double raw) {
  const ag_target *t = find_target(p, family ? family : "");
  if (!t) return raw;
  double label = interpolate(t, raw);
  return t->transform == AG_TRANSFORM_LOG ? ag_exp_exact(label) : label;
}

/* --- loading -------------------------------------------------------------------------------- */

/* A tensor's name in the file. */
static void member_name(int member, const ag_param *param, char name[64]) {
  if (member)
    snprintf(name, 64, "member.%d.%s", member, param->name);
  else
    snprintf(name, 64, "%s", param->name);
}

static ag_status read_params(const ag_st_file *file, const ag_config *config, int member,
                             float **params, ag_error *err) {
  ag_layout layout;
  ag_layout_make(config, &layout);
  float *values = ag_alloc((size_t)layout.size, sizeof *values);
  for (int i = 0; i < layout.params; i++) {
    const ag_param *t = &layout.param[i];
    char name[64];
    member_name(member, t, name);
    ag_status s = ag_st_floats(file, name, t->rank, t->dims, values + t->offset, err);
    if (s) {
      free(values);
      return s;
    }
  }
  *params = values;
  return AG_OK;
}

static const char *const transforms[] = {"rank-normal", "z-score", "log"};

static ag_status read_transform(const ag_st_file *file, const char *key, ag_transform *transform,
                                ag_error *err) {
  const char *text = ag_st_metadata(file, key);
  for (int i = 0; text && i < 3; i++) {
    *transform = (ag_transform)i;
    if (strcmp(text, transforms[i]) == 0) return AG_OK;
  }
  return ag_fail(err, AG_UNSUPPORTED,
                 "metadata %s is \"%.40s\", expected rank-normal, z-score or log", key,
                 text ? text : "");
}

static ag_status read_target(const ag_st_file *file, int index, const char *family, ag_target *t,
                             ag_error *err) {
  char name[32];
  snprintf(name, sizeof name, "target.%d", index);
  ag_status s = read_transform(file, name, &t->transform, err);
  if (s) return s;
  const ag_st_tensor *tensor = ag_st_find(file, name);
  if (!tensor || tensor->rank != 2 || tensor->dims[0] < 1 || tensor->dims[0] > AG_TABLE_MAX) {
    return ag_fail(err, AG_FORMAT, "tensor %s is not a table of 1 to %d rows", name, AG_TABLE_MAX);
  }
  int64_t dims[2] = {tensor->dims[0], 2};
  t->family = ag_strdup(family);
  t->rows = (int)dims[0];
  t->table = AG_ARRAY(float, 2 * t->rows);
  if ((s = ag_st_floats(file, name, 2, dims, t->table, err))) return s;
  for (int i = 1; i < t->rows; i++) {
    if (t->table[2 * i] <= t->table[2 * i - 2] || t->table[2 * i + 1] < t->table[2 * i - 1]) {
      return ag_fail(err, AG_FORMAT, "tensor %s: row %d is not above the one before", name, i);
    }
  }
  return AG_OK;
}

static ag_status read_targets(const ag_st_file *file, ag_target **targets, int *families,
                              ag_error *err) {
  *targets = AG_ARRAY(ag_target, AG_FAMILIES_MAX);
  for (*families = 0; *families < AG_FAMILIES_MAX;) {
    char key[32];
    snprintf(key, sizeof key, "family.%d", *families);
    const char *family = ag_st_metadata(file, key);
    if (!family) break;
    ag_status s = read_target(file, *families, family, &(*targets)[*families], err);
    ++*families;
    if (s) return s;
  }
  return AG_OK;
}

static ag_status read_member(const ag_st_file *file, int index, const ag_predictor *first,
                             ag_predictor **member, ag_error *err) {
  ag_config config;
  float *params;
  ag_status s = ag_config_read(file, index, &config, err);
  if (s) return s;
  if (config.model != first->config.model) {
    return ag_fail(err, AG_UNSUPPORTED, "members 1 and %d differ in model (psc, gnn)", index + 1);
  }
  if ((s = read_params(file, &config, index, &params, err))) return s;
  *member = ag_predictor_make(&config, params, NULL, 0);
  (*member)->range = first->range;
  return AG_OK;
}

/* The other members of an ensemble, appended to the first. */
static ag_status read_members(const ag_st_file *file, ag_predictor *first, ag_error *err) {
  const char *text = ag_st_metadata(file, "members");
  char *end = NULL;
  long members = text ? strtol(text, &end, 10) : 1;
  if (text && (*end != '\0' || members < 1 || members > AG_MEMBERS_MAX)) {
    return ag_fail(err, AG_FORMAT, "metadata members is not a number from 1 to %d", AG_MEMBERS_MAX);
  }
  for (int i = 1; i < members; i++) {
    ag_status s = read_member(file, i, first, &first->next, err);
    if (s) return s;
    first = first->next;
  }
  return AG_OK;
}

ag_status ag_predictor_parse(const ag_st_file *file, ag_predictor **predictor, ag_error *err) {
  ag_config config;
  float *params = NULL;
  ag_target *targets = NULL;
  int families = 0;
  ag_status s;
  if ((s = ag_config_read(file, 0, &config, err)) ||
      (s = read_params(file, &config, 0, &params, err)) ||
      (s = read_targets(file, &targets, &families, err))) {
    free(params);
    ag_targets_free(targets, families);
    return s;
  }
  *predictor = ag_predictor_make(&config, params, targets, families);
  if (!(s = ag_range_read(file, &(*predictor)->range, err)) &&
      !(s = read_members(file, *predictor, err))) {
    return AG_OK;
  }
  ag_predictor_free(*predictor);
  *predictor = NULL;
  return s;
}

static ag_status parse(const void *data, size_t size, ag_predictor **predictor, ag_error *err) {
  ag_st_file file = {0};
  ag_status s = ag_st_parse(data, size, &file, err);
  if (s) return s;
  s = ag_predictor_parse(&file, predictor, err);
  ag_st_free(&file);
  return s;
}

ag_status ag_predictor_load(const char *path, ag_predictor **predictor, ag_error *err) {
  char *data;
  size_t size;
  ag_status s = ag_file_read(path, MAX_FILE, &data, &size, err);
  if (s) return s;
  s = parse(data, size, predictor, err);
  free(data);
  return s ? ag_error_in_file(err, s, path) : AG_OK;
}

/* --- saving --------------------------------------------------------------------------------- */

static void put_targets(const ag_predictor *p, ag_st_writer *writer) {
  for (int i = 0; i < p->families; i++) {
    const ag_target *t = &p->target[i];
    char key[32];
    snprintf(key, sizeof key, "family.%d", i);
    ag_st_put_metadata(writer, key, t->family);
    snprintf(key, sizeof key, "target.%d", i);
    ag_st_put_metadata(writer, key, transforms[t->transform]);
    ag_st_put_floats(writer, key, 2, (int64_t[]){t->rows, 2}, t->table);
  }
}

static void put_members(const ag_predictor *p, ag_st_writer *writer) {
  char name[64];
  int member = 0;
  if (!p->next) return;
  snprintf(name, sizeof name, "%d", ag_predictor_members(p));
  ag_st_put_metadata(writer, "members", name);
  const ag_config *first = &p->config;
  for (p = p->next; p; p = p->next) {
    ag_config_put_member(&p->config, first, ++member, writer);
    for (int i = 0; i < p->layout.params; i++) {
      const ag_param *t = &p->layout.param[i];
      member_name(member, t, name);
      ag_st_put_floats(writer, name, t->rank, t->dims, p->params + t->offset);
    }
  }
}

void ag_predictor_put(const ag_predictor *p, ag_st_writer *writer) {
  ag_config_put(&p->config, writer);
  for (int i = 0; i < p->layout.params; i++) {
    const ag_param *t = &p->layout.param[i];
    ag_st_put_floats(writer, t->name, t->rank, t->dims, p->params + t->offset);
  }
  put_targets(p, writer);
  ag_range_put(&p->range, writer);
  put_members(p, writer);
}

ag_status ag_predictor_save(const ag_predictor *p, const char *path, ag_error *err) {
  ag_st_writer writer = {0};
  ag_predictor_put(p, &writer);
  return ag_st_write(&writer, path, err);
}
