/* Labels. A node's key is a sum of 128-bit terms, one for its op and kernel and one per distinct
 * neighbour: sums do not care about order, so nothing is sorted and one pass over the operand lists
 * serves both ends of every edge. Text is made only for labels that are new. */
#include "engine/mining/labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autogo/mining.h"
#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/map.h"

enum { SIDE_OWN = 1, SIDE_IN = 2, SIDE_OUT = 3 };

/* --- text --------------------------------------------------------------------------- */

static int compare_ops(const void *a, const void *b) {
  return strcmp(ag_op_get(*(const uint8_t *)a)->name, ag_op_get(*(const uint8_t *)b)->name);
}

static void add_neighbours(ag_text *text, const char *side, const int32_t *counts,
                           const uint8_t *sorted) {
  ag_text_add(text, ",%s", side);
  for (int i = 0; i < AG_OP_COUNT; i++)
    for (int32_t k = 0; k < counts[sorted[i]]; k++)
      ag_text_add(text, ",%s", ag_op_get(sorted[i])->name);
}

char *ag_label_text(const ag_label *label) {
  uint8_t sorted[AG_OP_COUNT];
  for (int i = 0; i < AG_OP_COUNT; i++) sorted[i] = (uint8_t)i;
  qsort(sorted, AG_OP_COUNT, 1, compare_ops);

  ag_text text = {0};
  ag_text_add(&text, "%s", ag_op_get(label->op)->name);
  if (label->kernel[0] != label->kernel[1])
    ag_text_add(&text, ",%dx%d", label->kernel[0], label->kernel[1]);
  else if (label->kernel[0])
    ag_text_add(&text, ",%d", label->kernel[0]);
  add_neighbours(&text, "in", label->in, sorted);
  add_neighbours(&text, "out", label->out, sorted);
  return ag_text_take(&text);
}

const char *ag_node_token_label(const ag_graph *graph, int node, char *buffer, size_t size) {
  ag_label label;
  ag_label_of_node(graph, node, &label);
  char *text = ag_label_text(&label);
  snprintf(buffer, size, "%s", text);
  free(text);
  return buffer;
}

/* The op named by `length` characters at `text`; no aliases. */
static int find_op(const char *text, size_t length) {
  for (int op = 0; op < AG_OP_COUNT; op++) {
    const char *name = ag_op_get((ag_op)op)->name;
    if (strlen(name) == length && !memcmp(name, text, length)) return op;
  }
  return -1;
}

static bool parse_kernel(const char *word, int32_t kernel[2]) {
  char *end;
  long height = strtol(word, &end, 10);
  long width = *end == 'x' ? strtol(end + 1, &end, 10) : height;
  if (height < 0 || height > 1 << 16 || width < 0 || width > 1 << 16) return false;
  kernel[0] = (int32_t)height;
  kernel[1] = (int32_t)width;
  return true;
}

/* Words are taken leniently; writing the label again and comparing decides. */
bool ag_label_parse(const char *text, ag_label *label) {
  *label = (ag_label){0};
  int32_t *side = NULL;
  for (const char *word = text;; word++) {
    size_t length = strcspn(word, ",");
    int op = find_op(word, length);
    if (word == text) {
      if (op < 0) return false;
      label->op = (ag_op)op;
    } else if (length == 2 && !memcmp(word, "in", 2))
      side = label->in;
    else if (length == 3 && !memcmp(word, "out", 3))
      side = label->out;
    else if (side && op >= 0)
      side[op]++;
    else if (side || !parse_kernel(word, label->kernel))
      return false;
    word += length;
    if (!*word) break;
  }
  char *again = ag_label_text(label);
  bool same = !strcmp(again, text);
  free(again);
  return same;
}

/* --- keys ----------------------------------------------------------------------------- */

ag_label_terms ag_label_terms_make(void) {
  ag_label_terms t;
  for (uint64_t op = 0; op < AG_OP_COUNT; op++) {
    t.seed[op] = ag_hash_seed(SIDE_OWN << 8 | op);
    t.own[op] = ag_hash_mix(t.seed[op], 0);
    t.in[op] = ag_hash_seed(SIDE_IN << 8 | op);
    t.out[op] = ag_hash_seed(SIDE_OUT << 8 | op);
  }
  return t;
}

static ag_hash own_term(const ag_label_terms *t, ag_op op, const int32_t kernel[2]) {
  uint64_t window = (uint64_t)(uint32_t)kernel[0] << 32 | (uint32_t)kernel[1];
  return window ? ag_hash_mix(t->seed[op], window) : t->own[op];
}

ag_hash ag_label_key(const ag_label_terms *t, const ag_label *label) {
  ag_hash key = own_term(t, label->op, label->kernel);
  for (int op = 0; op < AG_OP_COUNT; op++) {
    for (int32_t k = 0; k < label->in[op]; k++) key = ag_hash_add(key, t->in[op]);
    for (int32_t k = 0; k < label->out[op]; k++) key = ag_hash_add(key, t->out[op]);
  }
  return key;
}

static int compare_positions(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

/* The distinct members of a list, in place. Short lists, which is nearly all, by looking back. */
static int make_distinct(int32_t *list, int count) {
  int kept = 0;
  if (count > 16) qsort(list, (size_t)count, sizeof *list, compare_positions);
  for (int i = 0; i < count; i++) {
    int k = count > 16 && kept ? kept - 1 : 0;
    while (k < kept && list[k] != list[i]) k++;
    if (k == kept) list[kept++] = list[i];
  }
  return kept;
}

/* A copy of a neighbour list without repetitions, in `small` if it fits, else malloc'd. */
static int32_t *distinct(const int32_t *list, int count, int32_t small[16], int *kept) {
  int32_t *copy = count <= 16 ? small : AG_ARRAY(int32_t, count);
  memcpy(copy, list, (size_t)count * sizeof *list);
  *kept = make_distinct(copy, count);
  return copy;
}

static void count_ops(const ag_graph *g, const int32_t *list, int count, int32_t *counts) {
  int32_t small[16];
  int kept;
  int32_t *nodes = distinct(list, count, small, &kept);
  for (int k = 0; k < kept; k++) counts[g->nodes[nodes[k]].op]++;
  if (nodes != small) free(nodes);
}

void ag_label_of_node(const ag_graph *g, int node, ag_label *label) {
  const ag_node *n = &g->nodes[node];
  *label = (ag_label){.op = n->op, .kernel = {n->kernel[0], n->kernel[1]}};
  count_ops(g, ag_graph_operands(g, node), ag_graph_arity(g, node), label->in);
  count_ops(g, g->users + g->user_start[node], g->user_start[node + 1] - g->user_start[node],
            label->out);
}

void ag_label_keys(const ag_label_terms *t, const ag_graph *g, ag_hash *keys) {
  for (int i = 0; i < g->size; i++) {
    const ag_node *node = &g->nodes[i];
    keys[i] = own_term(t, (ag_op)node->op, node->kernel);
    int32_t small[16];
    int kept;
    int32_t *operands = distinct(ag_graph_operands(g, i), ag_graph_arity(g, i), small, &kept);
    for (int k = 0; k < kept; k++) {
      keys[i] = ag_hash_add(keys[i], t->in[g->nodes[operands[k]].op]);
      keys[operands[k]] = ag_hash_add(keys[operands[k]], t->out[node->op]);
    }
    if (operands != small) free(operands);
  }
}
