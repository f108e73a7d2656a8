/* Every addition's terms are listed once, from its operands' lists, and handed to its users; then,
 * if asked for, nodes and edges are turned round. */
#include "engine/predict/flat.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

typedef struct range {
  const ag_node *nodes;
  const int32_t *start, *operands;
  int first, last;
  bool flatten;
} range;

static bool is_sum(const range *r, int node) {
  return r->flatten && r->nodes[node].op == AG_OP_ADD;
}

/* terms[i]: how many operands node i has once sums are taken apart. Returns those of kept nodes
 * and of sums together; more than AG_FLAT_TERMS are not counted to the end. */
static int count_terms(const range *r, int32_t *terms) {
  int all = 0, most = r->flatten ? AG_FLAT_TERMS : INT_MAX;
  for (int i = r->first; i < r->last && all <= most; i++) {
    int count = 0;
    for (int32_t e = r->start[i]; e < r->start[i + 1]; e++) {
      int32_t u = r->operands[e];
      if (u >= r->first && u < r->last) count += is_sum(r, u) ? terms[u - r->first] : 1;
      if (count > most) return count;
    }
    terms[i - r->first] = count;
    all += count;
  }
  return all;
}

/* Write the terms of node i to `to`; sums have theirs in `list` from at[sum] on. */
static int32_t *put_terms(const range *r, int i, const ag_flat *flat, const int32_t *terms,
                          int32_t *const *list, int32_t *to) {
  for (int32_t e = r->start[i]; e < r->start[i + 1]; e++) {
    int32_t u = r->operands[e] - r->first;
    if (u < 0 || u >= r->last - r->first) continue;
    if (!is_sum(r, u + r->first)) {
      *to++ = flat->place[u];
      continue;
    }
    memcpy(to, list[u], (size_t)terms[u] * sizeof *to);
    to += terms[u];
  }
  return to;
}

static void fill(const range *r, const int32_t *terms, int all, ag_flat *flat) {
  int n = r->last - r->first;
  int32_t *sums = ag_resize(NULL, (size_t)all + 1, sizeof *sums), *free_sum = sums;
  int32_t **list = AG_ARRAY(int32_t *, n);
  int32_t *to = flat->operands;
  for (int i = 0; i < n; i++) {
    flat->place[i] = flat->size;
    if (is_sum(r, r->first + i)) {
      list[i] = free_sum;
      free_sum = put_terms(r, r->first + i, flat, terms, list, free_sum);
      continue;
    }
    to = put_terms(r, r->first + i, flat, terms, list, to);
    flat->nodes[flat->size++] = r->nodes[r->first + i];
    flat->start[flat->size] = (int32_t)(to - flat->operands);
  }
  flat->place[n] = flat->size;
  free(sums);
  free(list);
}

/* Node i becomes node size - 1 - i, and an operand's user its operand. */
static void turn_round(ag_flat *flat) {
  int n = flat->size, edges = flat->start[n];
  int32_t *start = AG_ARRAY(int32_t, n + 1), *next = AG_ARRAY(int32_t, n + 1);
  int32_t *users = AG_ARRAY(int32_t, edges);
  for (int e = 0; e < edges; e++) start[n - flat->operands[e]]++;
  for (int i = 0; i < n; i++) next[i + 1] = start[i + 1] += start[i];
  for (int i = n - 1; i >= 0; i--) {
    for (int32_t e = flat->start[i]; e < flat->start[i + 1]; e++) {
      users[next[n - 1 - flat->operands[e]]++] = n - 1 - i;
    }
  }
  memcpy(flat->start, start, ((size_t)n + 1) * sizeof *start);
  memcpy(flat->operands, users, (size_t)edges * sizeof *users);
  for (int i = 0; i < n / 2; i++) {
    ag_node node = flat->nodes[i];
    flat->nodes[i] = flat->nodes[n - 1 - i];
    flat->nodes[n - 1 - i] = node;
  }
  free(start);
  free(next);
  free(users);
}

ag_flat *ag_flat_new(const ag_config *config, const ag_node *nodes, const int32_t *operand_start,
                     const int32_t *operands, int first, int last) {
  range r = {nodes, operand_start, operands, first, last, config->flatten};
  size_t n = (size_t)(last - first);
  int32_t *terms = ag_resize(NULL, n + 1, sizeof *terms);
  int all = count_terms(&r, terms);
  ag_flat *flat = NULL;
  if (!config->flatten || all <= AG_FLAT_TERMS) {
    flat = AG_NEW(ag_flat);
    flat->place = ag_resize(NULL, 2 * n + 2 + (size_t)all, sizeof *flat->place);
    flat->start = flat->place + n + 1;
    flat->operands = flat->start + n + 1;
    flat->nodes = ag_resize(NULL, n + 1, sizeof *flat->nodes);
    flat->start[0] = 0;
    fill(&r, terms, all, flat);
    flat->backward = config->backward;
    if (flat->backward) turn_round(flat);
  }
  free(terms);
  return flat;
}

void ag_flat_free(ag_flat *flat) {
  if (!flat) return;
  free(flat->place);
  free(flat->nodes);
  free(flat);
}

ag_graph ag_flat_graph(const ag_flat *flat, ag_shape normalisers) {
  return (ag_graph){.size = flat->size,
                    .nodes = flat->nodes,
                    .operand_start = flat->start,
                    .operands = flat->operands,
                    .normalisers = normalisers};
}
