/* What a predictor has seen in training: ops, kernels of the weighted ones, and the least and the
 * most of every size. Whatever lies outside is a guess of the network's, and is named as such.
 *
 * In the metadata of a weights file, all together or not at all:
 *
 *   range.height, range.width, range.channels   "LEAST MOST", of all tensors
 *   range.nodes                                 "LEAST MOST", of the graphs
 *   range.ops                                   "add batchnorm conv ..."
 *   range.kernels                               "conv 1x1 conv 3x3 ...": height x width
 */
#include "engine/predict/range.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/model.h"
#include "engine/predict/safetensors.h"

enum { TEXT_MAX = 4096, NAME_MAX_LENGTH = 32 };

static const char *const sizes[AG_RANGE_SIZES] = {"height", "width", "channels", "nodes"};

/* --- collecting ----------------------------------------------------------------------------- */

static void widen(ag_range *r, int size, int32_t value) {
  if (value < r->least[size]) r->least[size] = value;
  if (value > r->most[size]) r->most[size] = value;
}

static int find_kernel(const ag_range *r, const ag_range_kernel *k) {
  for (int i = 0; i < r->kernels; i++)
    if (r->kernel[i].op == k->op && r->kernel[i].h == k->h && r->kernel[i].w == k->w) return i;
  return -1;
}

static bool before(const ag_range_kernel *a, const ag_range_kernel *b) {
  if (a->op != b->op) return a->op < b->op;
  return a->h != b->h ? a->h < b->h : a->w < b->w;
}

/* Kept in order, so that the order of the graphs does not matter. With more kinds of kernels than
 * there is room for, the last are forgotten, and are then told to be outside. */
static void add_kernel(ag_range *r, ag_range_kernel kernel) {
  if (find_kernel(r, &kernel) >= 0) return;
  int i = r->kernels < AG_RANGE_KERNELS ? r->kernels++ : AG_RANGE_KERNELS - 1;
  for (; i > 0 && before(&kernel, &r->kernel[i - 1]); i--) r->kernel[i] = r->kernel[i - 1];
  r->kernel[i] = kernel;
}

static bool has_kernel(const ag_node *node) {
  return ag_op_weighted((ag_op)node->op) && node->kernel[0] > 0;
}

static ag_range_kernel kernel_of(const ag_node *node) {
  return (ag_range_kernel){node->op, node->kernel[0], node->kernel[1]};
}

static void add_shape(ag_range *r, ag_shape shape) {
  widen(r, 0, shape.h);
  widen(r, 1, shape.w);
  widen(r, 2, shape.c);
}

void ag_range_add(ag_range *r, const ag_graph *graph) {
  for (int s = 0; !r->known && s < AG_RANGE_SIZES; s++) {
    r->least[s] = INT32_MAX;
    r->most[s] = 0;
  }
  r->known = true;
  widen(r, AG_RANGE_SIZES - 1, graph->size);
  for (int i = 0; i < graph->size; i++) {
    const ag_node *node = &graph->nodes[i];
    r->op[node->op] = true;
    add_shape(r, node->in);
    add_shape(r, node->out);
    if (has_kernel(node)) add_kernel(r, kernel_of(node));
  }
}

void ag_range_meet(ag_range *r, const ag_range *other) {
  ag_range both = {.known = r->known && other->known};
  for (int s = 0; s < AG_RANGE_SIZES; s++) {
    both.least[s] = r->least[s] > other->least[s] ? r->least[s] : other->least[s];
    both.most[s] = r->most[s] < other->most[s] ? r->most[s] : other->most[s];
  }
  for (int op = 0; op < AG_OP_COUNT; op++) both.op[op] = r->op[op] && other->op[op];
  for (int i = 0; i < r->kernels; i++)
    if (find_kernel(other, &r->kernel[i]) >= 0) add_kernel(&both, r->kernel[i]);
  *r = both.known ? both : (ag_range){0};
}

ag_range ag_range_of_training(const ag_sample *train, int count, const ag_predictor *from) {
  ag_range r = {0};
  if (from) r = from->range;
  for (int i = 0; i < count && (!from || from->range.known); i++) ag_range_add(&r, train[i].graph);
  return r;
}

void ag_predictor_observe(ag_predictor *p, const ag_graph *const *graphs, int count) {
  ag_range r = {0};
  for (int i = 0; i < count; i++) ag_range_add(&r, graphs[i]);
  for (; p; p = p->next) p->range = r;
}

/* --- telling -------------------------------------------------------------------------------- */

/* Findings in the making. */
struct findings {
  ag_finding *list;
  int count, capacity;
};

static ag_finding *next_finding(struct findings *f) {
  AG_GROW(f->list, f->count, f->capacity);
  return &f->list[f->count++];
}

static void tell_size(struct findings *f, const ag_range *r, int size, int32_t value) {
  ag_finding *finding = next_finding(f);
  snprintf(finding->text, sizeof finding->text, "%s %d (%d to %d)", sizes[size], value,
           r->least[size], r->most[size]);
}

static void tell_kernel(struct findings *f, const ag_range_kernel *k) {
  ag_finding *finding = next_finding(f);
  snprintf(finding->text, sizeof finding->text, "%s kernel %dx%d", ag_op_get((ag_op)k->op)->name,
           k->h, k->w);
}

static void tell_op(struct findings *f, int op) {
  ag_finding *finding = next_finding(f);
  snprintf(finding->text, sizeof finding->text, "op %s", ag_op_get((ag_op)op)->name);
}

int ag_predictor_outside(const ag_predictor *p, const ag_graph *graph, ag_finding **findings) {
  const ag_range *r = &p->range;
  struct findings f = {0};
  *findings = NULL;
  if (!r->known) return -1;
  ag_range own = {0};
  ag_range_add(&own, graph);
  for (int op = 0; op < AG_OP_COUNT; op++)
    if (own.op[op] && !r->op[op]) tell_op(&f, op);
  for (int i = 0; i < own.kernels; i++)
    if (r->op[own.kernel[i].op] && find_kernel(r, &own.kernel[i]) < 0)
      tell_kernel(&f, &own.kernel[i]);
  for (int s = 0; s < AG_RANGE_SIZES; s++) {
    if (own.least[s] < r->least[s]) tell_size(&f, r, s, own.least[s]);
    if (own.most[s] > r->most[s]) tell_size(&f, r, s, own.most[s]);
  }
  *findings = f.list;
  return f.count;
}

/* --- the file ------------------------------------------------------------------------------- */

/* A text that only grows; what does not fit is cut off, and does not happen: TEXT_MAX is more than
 * all ops and kernels take. */
struct text {
  char bytes[TEXT_MAX];
  size_t length;
};

static void append(struct text *t, const char *word) {
  int written = snprintf(t->bytes + t->length, sizeof t->bytes - t->length, "%s%s",
                         t->length ? " " : "", word);
  if (written > 0 && t->length + (size_t)written < sizeof t->bytes) t->length += (size_t)written;
}

static void size_key(char *key, size_t room, int size) {
  snprintf(key, room, "range.%s", sizes[size]);
}

void ag_range_put(const ag_range *r, ag_st_writer *writer) {
  char key[NAME_MAX_LENGTH], word[2 * NAME_MAX_LENGTH];
  if (!r->known) return;
  for (int s = 0; s < AG_RANGE_SIZES; s++) {
    size_key(key, sizeof key, s);
    snprintf(word, sizeof word, "%d %d", r->least[s], r->most[s]);
    ag_st_put_metadata(writer, key, word);
  }
  struct text ops = {.length = 0}, kernels = {.length = 0};
  for (int op = 0; op < AG_OP_COUNT; op++)
    if (r->op[op]) append(&ops, ag_op_get((ag_op)op)->name);
  for (int i = 0; i < r->kernels; i++) {
    const ag_range_kernel *k = &r->kernel[i];
    snprintf(word, sizeof word, "%s %dx%d", ag_op_get((ag_op)k->op)->name, k->h, k->w);
    append(&kernels, word);
  }
  ag_st_put_metadata(writer, "range.ops", ops.bytes);
  ag_st_put_metadata(writer, "range.kernels", kernels.bytes);
}

static ag_status damaged(const char *key, ag_error *err) {
  return ag_fail(err, AG_FORMAT, "metadata %s is missing or damaged", key);
}

static ag_status read_size(const ag_st_file *file, int size, ag_range *r, ag_error *err) {
  char key[NAME_MAX_LENGTH], rest;
  size_key(key, sizeof key, size);
  const char *text = ag_st_metadata(file, key);
  if (!text || sscanf(text, "%9d %9d%c", &r->least[size], &r->most[size], &rest) != 2 ||
      r->least[size] < 0 || r->most[size] < r->least[size]) {
    return damaged(key, err);
  }
  return AG_OK;
}

/* The next word of a text, or false at its end or where it is too long. */
static bool next_word(const char **text, char word[NAME_MAX_LENGTH]) {
  int taken = 0;
  if (sscanf(*text, " %31s%n", word, &taken) != 1) return false;
  *text += taken;
  return **text == '\0' || **text == ' ';
}

static bool at_end(const char *text) {
  return text[strspn(text, " ")] == '\0';
}

static ag_status read_ops(const char *text, ag_range *r, ag_error *err) {
  char word[NAME_MAX_LENGTH];
  while (text && !at_end(text)) {
    int op = next_word(&text, word) ? ag_op_find(word) : -1;
    if (op < 0) return damaged("range.ops", err);
    r->op[op] = true;
  }
  return AG_OK;
}

static ag_status read_kernels(const char *text, ag_range *r, ag_error *err) {
  char word[NAME_MAX_LENGTH], rest;
  if (!text) return damaged("range.kernels", err);
  while (!at_end(text)) {
    ag_range_kernel k;
    int op = next_word(&text, word) ? ag_op_find(word) : -1;
    if (op < 0 || !next_word(&text, word) || r->kernels == AG_RANGE_KERNELS ||
        sscanf(word, "%9dx%9d%c", &k.h, &k.w, &rest) != 2) {
      return damaged("range.kernels", err);
    }
    k.op = (uint8_t)op;
    add_kernel(r, k);
  }
  return AG_OK;
}

ag_status ag_range_read(const ag_st_file *file, ag_range *r, ag_error *err) {
  *r = (ag_range){0};
  const char *ops = ag_st_metadata(file, "range.ops");
  if (!ops) return AG_OK;
  ag_status s = read_ops(ops, r, err);
  for (int i = 0; !s && i < AG_RANGE_SIZES; i++) s = read_size(file, i, r, err);
  if (!s) s = read_kernels(ag_st_metadata(file, "range.kernels"), r, err);
  r->known = !s;
  return s;
}
