/* Which node of one graph is which of another, where nobody kept account of what was changed.
 *
 * Nodes with the same everything above them are the same, and so are nodes with the same
 * everything below them. What lies between is the longest common subsequence by worth: nodes of
 * one label may be matched, those of equal shapes rather. */
#include <stdlib.h>
#include <string.h>

#include "autogo/graph.h"
#include "engine/base/alloc.h"
#include "engine/base/map.h"

enum {
  TAG_LABEL = 0x6c61626c,
  TAG_WITH_SHAPES = 0x73686170,
  TAG_ABOVE = 0x61626f76,
  TAG_BELOW = 0x62656c6f
};

/* Beyond this many pairs what lies between stays unmatched. */
enum { MOST_PAIRS = 4000000 };

/* What a pair of nodes of one label is worth. */
enum { ALIKE = 2, EQUAL = 3 };

/* A graph with what its nodes are, and what became of them. */
typedef struct side {
  const ag_graph *graph;
  ag_hash *labels; /* op and attributes */
  ag_hash *kinds;  /* and all shapes */
  ag_hash *identities;
  int32_t *other; /* the node of the other graph; -1 where there is none (yet) */
} side;

/* --- what nodes are ------------------------------------------------------------------------ */

static ag_hash mix_pair(ag_hash h, int32_t a, int32_t b) {
  return ag_hash_mix(h, (uint64_t)(uint32_t)a << 32 | (uint32_t)b);
}

static ag_hash label_of(const ag_graph *g, const ag_node *n) {
  ag_hash h = mix_pair(ag_hash_seed(TAG_LABEL), n->op, n->bias);
  if (n->op == AG_OP_OPAQUE && n->record >= 0) {
    const char *source = ag_store_get(g->store, n->record)->source_op;
    if (source) h = ag_hash_mix_hash(h, ag_hash_bytes(source, strlen(source)));
  }
  h = mix_pair(h, n->kernel[0], n->kernel[1]);
  h = mix_pair(h, n->stride[0], n->stride[1]);
  h = mix_pair(h, n->dilation[0], n->dilation[1]);
  return ag_hash_mix(h, (uint32_t)n->groups);
}

static ag_hash kind_of(ag_hash label, const ag_node *n) {
  ag_hash h = ag_hash_mix_hash(ag_hash_seed(TAG_WITH_SHAPES), label);
  h = mix_pair(mix_pair(h, n->in.h, n->in.w), n->in.c, n->out.h);
  return mix_pair(h, n->out.w, n->out.c);
}

static side side_of(const ag_graph *g) {
  side s = {.graph = g,
            .labels = AG_ARRAY(ag_hash, g->size),
            .kinds = AG_ARRAY(ag_hash, g->size),
            .identities = AG_ARRAY(ag_hash, g->size),
            .other = AG_ARRAY(int32_t, g->size)};
  for (int i = 0; i < g->size; i++) {
    s.labels[i] = label_of(g, &g->nodes[i]);
    s.kinds[i] = kind_of(s.labels[i], &g->nodes[i]);
    s.other[i] = -1;
  }
  return s;
}

static void side_free(side *s) {
  free(s->labels);
  free(s->kinds);
  free(s->identities);
  free(s->other);
}

/* What each node is with all above it. */
static void look_up(side *s) {
  const ag_graph *g = s->graph;
  for (int i = 0; i < g->size; i++) {
    const int32_t *operands = ag_graph_operands(g, i);
    ag_hash h = ag_hash_mix_hash(ag_hash_seed(TAG_ABOVE), s->kinds[i]);
    for (int k = 0; k < ag_graph_arity(g, i); k++)
      h = ag_hash_mix_hash(h, s->identities[operands[k]]);
    s->identities[i] = h;
  }
}

/* What each node is with all below it; the order of its users says nothing. */
static void look_down(side *s) {
  const ag_graph *g = s->graph;
  for (int i = g->size - 1; i >= 0; i--) {
    ag_hash sum = {0, 0};
    for (int k = g->user_start[i]; k < g->user_start[i + 1]; k++)
      sum = ag_hash_add(sum, ag_hash_multiset_term(s->identities[g->users[k]]));
    s->identities[i] =
        ag_hash_mix_hash(ag_hash_mix_hash(ag_hash_seed(TAG_BELOW), s->kinds[i]), sum);
  }
}

/* --- equal identities ---------------------------------------------------------------------- */

static void join(side *a, int i, side *b, int j) {
  a->other[i] = j;
  b->other[j] = i;
}

/* Match what is left and has equal identities, each of `b` with the first of `a` that is left. */
static void match_equal(side *a, side *b) {
  ag_map first = {0}; /* node of `a` that is next, -1 after the last */
  int32_t *next = AG_ARRAY(int32_t, a->graph->size);
  for (int i = a->graph->size - 1; i >= 0; i--) {
    if (a->other[i] >= 0) continue;
    bool inserted;
    int64_t *head = ag_map_put(&first, a->identities[i], i, &inserted);
    next[i] = inserted ? -1 : (int32_t)*head;
    *head = i;
  }
  for (int j = 0; j < b->graph->size; j++) {
    int64_t *head = b->other[j] < 0 ? ag_map_get(&first, b->identities[j]) : NULL;
    if (!head || *head < 0) continue;
    int i = (int)*head;
    *head = next[i];
    join(a, i, b, j);
  }
  free(next);
  ag_map_free(&first);
}

/* --- what lies between --------------------------------------------------------------------- */

/* The nodes without one of the other graph, and how many. */
static int32_t *unmatched(const side *s, int *count) {
  int32_t *list = AG_ARRAY(int32_t, s->graph->size);
  *count = 0;
  for (int i = 0; i < s->graph->size; i++)
    if (s->other[i] < 0) list[(*count)++] = i;
  return list;
}

static int worth(const side *a, int i, const side *b, int j) {
  if (!ag_hash_equal(a->labels[i], b->labels[j])) return 0;
  return ag_hash_equal(a->kinds[i], b->kinds[j]) ? EQUAL : ALIKE;
}

/* best[x * (n + 1) + y]: the most that nodes left[x..] and right[y..] can be worth together. */
static void fill_table(const side *a, const int32_t *left, int m, const side *b,
                       const int32_t *right, int n, int32_t *best) {
  size_t breadth = (size_t)n + 1;
  memset(best + (size_t)m * breadth, 0, breadth * sizeof *best);
  for (int x = m - 1; x >= 0; x--) {
    int32_t *row = best + (size_t)x * breadth, *below = row + breadth;
    row[n] = 0;
    for (int y = n - 1; y >= 0; y--) {
      int32_t most = below[y] > row[y + 1] ? below[y] : row[y + 1];
      int gain = worth(a, left[x], b, right[y]);
      row[y] = gain && below[y + 1] + gain > most ? below[y + 1] + gain : most;
    }
  }
}

static void follow_table(side *a, const int32_t *left, int m, side *b, const int32_t *right, int n,
                         const int32_t *best) {
  size_t breadth = (size_t)n + 1;
  for (int x = 0, y = 0; x < m && y < n;) {
    const int32_t *at = best + (size_t)x * breadth + y;
    int gain = worth(a, left[x], b, right[y]);
    if (gain && *at == at[breadth + 1] + gain)
      join(a, left[x++], b, right[y++]);
    else if (*at == at[breadth])
      x++;
    else
      y++;
  }
}

static void match_in_order(side *a, side *b) {
  int m, n;
  int32_t *left = unmatched(a, &m), *right = unmatched(b, &n);
  if (m > 0 && n > 0 && (int64_t)m * n <= MOST_PAIRS) {
    int32_t *best = AG_ARRAY(int32_t, ((size_t)m + 1) * ((size_t)n + 1));
    fill_table(a, left, m, b, right, n, best);
    follow_table(a, left, m, b, right, n, best);
    free(best);
  }
  free(left);
  free(right);
}

/* --- public -------------------------------------------------------------------------------- */

void ag_graph_match(const ag_graph *a, const ag_graph *b, int32_t *origin) {
  side p = side_of(a), q = side_of(b);
  look_up(&p);
  look_up(&q);
  match_equal(&p, &q);
  look_down(&p);
  look_down(&q);
  match_equal(&p, &q);
  match_in_order(&p, &q);
  memcpy(origin, q.other, (size_t)b->size * sizeof *origin);
  side_free(&p);
  side_free(&q);
}
