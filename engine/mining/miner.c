/* The miner: from graphs to forms.
 *
 * The same few thousand pieces of network occur millions of times. A local key, the hash of a range
 * of nodes with their shapes, the operands relative to it and the tensors that enter and leave,
 * tells whether such a range was cut before, at a few nanoseconds per node; only new ones are cut.
 * Equal keys mean equal cuts, so what is kept does not depend on who came first. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/map.h"
#include "engine/mining/database.h"

enum { NOT_MINABLE = -1 };

struct ag_miner {
  const ag_tokenizer *tokenizer;
  char *family[AG_MAX_FAMILIES];
  int families;
  ag_map seen; /* range key -> form, or NOT_MINABLE */
  ag_form *forms;
  int64_t form_count, form_capacity;
};

/* What a graph's ranges are judged and hashed by. */
typedef struct scan {
  const ag_graph *graph;
  ag_hash *node_key;
  int32_t *last_user; /* -1 = none */
  int32_t *barred;    /* nodes before this one that may not be in a segment; size + 1 */
} scan;

ag_miner *ag_miner_new(const ag_tokenizer *tokenizer) {
  ag_miner *miner = AG_NEW(ag_miner);
  miner->tokenizer = tokenizer;
  return miner;
}

void ag_miner_free(ag_miner *m) {
  if (!m) return;
  for (int i = 0; i < m->families; i++) free(m->family[i]);
  for (int64_t i = 0; i < m->form_count; i++) ag_segment_free(m->forms[i].segment);
  free(m->forms);
  ag_map_free(&m->seen);
  free(m);
}

/* --- what may be in a segment --------------------------------------------------------- */

static bool op_is_minable(ag_op op) {
  switch (ag_op_get(op)->rule) {
  case AG_RULE_OPAQUE:
  case AG_RULE_INPUT:
  case AG_RULE_GLOBAL:
  case AG_RULE_DENSE:
  case AG_RULE_FLATTEN:
    return false;
  default:
    return op != AG_OP_OUTPUT && op != AG_OP_SOFTMAX;
  }
}

/* Also barred: a node that reads only part of an operand, or stretches one over another. */
bool ag_node_minable(const ag_node *n, const ag_shape *operands, int count) {
  if (!op_is_minable(n->op) || (n->flags & AG_FLAG_SLICE) || count > AG_MAX_ARITY) return false;
  int checked = ag_op_get(n->op)->rule == AG_RULE_JOIN ? count : 1;
  for (int k = 0; k < checked; k++)
    if (!ag_shape_equal(operands[k], n->in)) return false;
  return true;
}

static bool is_minable(const ag_graph *g, int node) {
  ag_shape small[16];
  int count = ag_graph_arity(g, node);
  ag_shape *shapes = count <= 16 ? small : AG_ARRAY(ag_shape, count);
  for (int k = 0; k < count; k++) shapes[k] = g->nodes[ag_graph_operands(g, node)[k]].out;
  bool minable = count > 0 && ag_node_minable(&g->nodes[node], shapes, count);
  if (shapes != small) free(shapes);
  return minable;
}

static scan scan_graph(const ag_graph *g) {
  scan s = {.graph = g};
  s.node_key = AG_ARRAY(ag_hash, g->size);
  s.last_user = AG_ARRAY(int32_t, g->size);
  s.barred = AG_ARRAY(int32_t, g->size + 1);
  for (int i = 0; i < g->size; i++) {
    s.node_key[i] = ag_form_node_key(&g->nodes[i]);
    s.barred[i + 1] = s.barred[i] + !is_minable(g, i);
    s.last_user[i] = -1;
    for (int k = g->user_start[i]; k < g->user_start[i + 1]; k++)
      if (g->users[k] > s.last_user[i]) s.last_user[i] = g->users[k];
  }
  return s;
}

static void free_scan(scan *s) {
  free(s->node_key);
  free(s->last_user);
  free(s->barred);
}

/* --- cutting what is new -------------------------------------------------------------- */

/* The key of nodes [first, last); false if more than AG_MAX_PORTS tensors enter. */
static bool range_key(const scan *s, int first, int last, ag_hash *key) {
  const ag_graph *g = s->graph;
  int32_t ports[AG_MAX_PORTS];
  int port_count = 0;
  ag_hash h = ag_hash_seed((uint64_t)(last - first));
  for (int i = first; i < last; i++) {
    h = ag_hash_mix_hash(h, s->node_key[i]);
    const int32_t *operands = ag_graph_operands(g, i);
    uint64_t arity = (uint64_t)ag_graph_arity(g, i);
    h = ag_hash_mix(h, arity << 1 | (s->last_user[i] >= last));
    for (uint64_t k = 0; k < arity; k++) {
      int port = 0;
      if (operands[k] >= first) {
        h = ag_hash_mix(h, (uint64_t)(operands[k] - first));
        continue;
      }
      while (port < port_count && ports[port] != operands[k]) port++;
      h = ag_hash_mix(h, ~(uint64_t)port);
      if (port < port_count) continue;
      if (port_count == AG_MAX_PORTS) return false;
      ports[port_count++] = operands[k];
      ag_shape shape = g->nodes[operands[k]].out;
      h = ag_hash_mix(h, (uint64_t)(uint32_t)shape.h << 32 | (uint32_t)shape.w);
      h = ag_hash_mix(h, (uint64_t)(uint32_t)shape.c);
    }
  }
  *key = h;
  return true;
}

/* A segment must follow from its inputs and what a file stores of it, or nothing can be moved into
 * other shapes. */
static bool reproduces_itself(const ag_segment *segment) {
  ag_segment *copy = ag_segment_copy(segment);
  for (int i = 0; i < copy->size; i++) copy->nodes[i] = ag_node_skeleton(&segment->nodes[i]);
  bool same = !ag_segment_infer(copy, segment->input_shapes, NULL) &&
              ag_hash_equal(ag_form_key(copy), ag_form_key(segment));
  ag_segment_free(copy);
  return same;
}

static int64_t cut(ag_miner *m, const ag_graph *g, int first, int last) {
  ag_segment *segment;
  if (ag_segment_cut(g, first, last, &segment, NULL, NULL, NULL)) return NOT_MINABLE;
  if (segment->inputs == 0 || segment->outputs == 0 || !reproduces_itself(segment)) {
    ag_segment_free(segment);
    return NOT_MINABLE;
  }
  AG_GROW(m->forms, m->form_count, m->form_capacity);
  m->forms[m->form_count] = (ag_form){.segment = segment, .key = ag_form_key(segment)};
  return m->form_count++;
}

static void count_range(ag_miner *m, const scan *s, int first, int last, uint32_t family) {
  ag_hash key;
  if (s->barred[last] > s->barred[first] || !range_key(s, first, last, &key)) return;
  bool fresh;
  int64_t *form = ag_map_put(&m->seen, key, NOT_MINABLE, &fresh);
  if (fresh) *form = cut(m, s->graph, first, last);
  if (*form == NOT_MINABLE) return;
  m->forms[*form].count++;
  m->forms[*form].families |= family;
}

/* --- graphs --------------------------------------------------------------------------- */

static ag_status family_bit(ag_miner *m, const char *name, uint32_t *bit, ag_error *err) {
  *bit = 0;
  if (!name || !name[0]) return AG_OK;
  int i = 0;
  while (i < m->families && strcmp(m->family[i], name)) i++;
  if (i == AG_MAX_FAMILIES) return ag_fail(err, AG_LIMIT, "more than %d families", AG_MAX_FAMILIES);
  if (i == m->families) m->family[m->families++] = ag_strdup(name);
  *bit = UINT32_C(1) << i;
  return AG_OK;
}

ag_status ag_miner_add(ag_miner *m, const ag_graph *graph, ag_error *err) {
  uint32_t family;
  ag_status status = family_bit(m, graph->family, &family, err);
  if (status) return status;
  ag_segmentation *segmentation = ag_tokenizer_encode(m->tokenizer, graph);
  scan s = scan_graph(graph);
  int pieces;
  const ag_piece *piece = ag_segmentation_pieces(segmentation, &pieces);
  for (int i = 0; i < pieces; i++) count_range(m, &s, piece[i].first, piece[i].last, family);
  free_scan(&s);
  ag_segmentation_free(segmentation);
  return AG_OK;
}

ag_status ag_miner_finish(ag_miner *m, ag_database **database, ag_error *err) {
  (void)err;
  *database = ag_database_build(m->forms, m->form_count, m->family, m->families);
  m->form_count = m->families = 0;
  ag_miner_free(m);
  return AG_OK;
}

ag_status ag_database_mine(const ag_tokenizer *tokenizer, const ag_graph *const *graphs, int count,
                           ag_database **database, ag_error *err) {
  ag_miner *miner = ag_miner_new(tokenizer);
  for (int i = 0; i < count; i++) {
    ag_status status = ag_miner_add(miner, graphs[i], err);
    if (!status) continue;
    ag_miner_free(miner);
    return status;
  }
  return ag_miner_finish(miner, database, err);
}
