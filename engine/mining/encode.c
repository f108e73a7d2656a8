/* Encoding: from a graph to the forest of merges.
 *
 * Pieces that stand side by side find each other through two arrays over node positions: the piece
 * that begins here, the piece that ends here. A binary heap holds the joins on offer, lowest token
 * first, then leftmost, each in one word; an offer is void when the pieces now at its place are not
 * as long as its token. Each merge makes a piece, so there are less than 2n pieces and 3n offers,
 * and all memory is one block taken once:
 *
 *   ag_segmentation | pieces | roots || keys | begins | ends | heap      (cut off after the ||) */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/mining/tokenizer.h"

typedef struct encoder {
  const ag_tokenizer *tokenizer;
  ag_segmentation *result;
  int32_t *begins, *ends; /* piece that begins at a node, that ends at it */
  uint64_t *heap;         /* token, then first node of the left piece */
  int heap_size;
} encoder;

static int32_t spelled_by(const ag_tokenizer *t, int32_t left, int32_t right) {
  if (left < 0 || right < 0) return -1;
  for (uint32_t i = ag_pair_slot(left, right) & t->pair_mask; t->pairs[i].left >= 0;
       i = (i + 1) & t->pair_mask)
    if (t->pairs[i].left == left && t->pairs[i].right == right) return t->pairs[i].token;
  return -1;
}

static void sift_down(encoder *e, int i) {
  uint64_t moving = e->heap[i];
  for (int child; (child = 2 * i + 1) < e->heap_size; i = child) {
    child += child + 1 < e->heap_size && e->heap[child + 1] < e->heap[child];
    if (e->heap[child] >= moving) break;
    e->heap[i] = e->heap[child];
  }
  e->heap[i] = moving;
}

static void sift_up(encoder *e, int i) {
  uint64_t moving = e->heap[i];
  for (; i > 0 && e->heap[(i - 1) / 2] > moving; i = (i - 1) / 2) e->heap[i] = e->heap[(i - 1) / 2];
  e->heap[i] = moving;
}

/* Append the join of two neighbouring pieces, if there is one. */
static bool add_offer(encoder *e, const ag_piece *left, const ag_piece *right) {
  int32_t token = spelled_by(e->tokenizer, left->token, right->token);
  if (token < 0) return false;
  e->heap[e->heap_size++] = (uint64_t)(uint32_t)token << 32 | (uint32_t)left->first;
  return true;
}

static void join(encoder *e, int32_t token, int32_t left, int32_t right) {
  ag_segmentation *s = e->result;
  int32_t first = s->piece[left].first, last = s->piece[right].last, index = s->pieces++;
  ag_piece *made = &s->piece[index];
  *made = (ag_piece){token, first, last, left, right};
  e->begins[s->piece[right].first] = -1;
  e->begins[first] = e->ends[last - 1] = index;
  if (first > 0 && add_offer(e, &s->piece[e->ends[first - 1]], made)) sift_up(e, e->heap_size - 1);
  if (last < s->nodes && add_offer(e, made, &s->piece[e->begins[last]]))
    sift_up(e, e->heap_size - 1);
}

static void take_offer(encoder *e, int32_t token, int32_t first) {
  const ag_piece *piece = e->result->piece;
  int32_t left = e->begins[first];
  if (left < 0 || piece[left].last == e->result->nodes) return;
  int32_t right = e->begins[piece[left].last];
  if (piece[right].last - first == ag_tokenizer_length(e->tokenizer, token))
    join(e, token, left, right);
}

static void merge_all(encoder *e) {
  for (int i = e->heap_size / 2 - 1; i >= 0; i--) sift_down(e, i);
  while (e->heap_size > 0) {
    uint64_t best = e->heap[0];
    e->heap[0] = e->heap[--e->heap_size];
    if (e->heap_size > 0) sift_down(e, 0);
    take_offer(e, (int32_t)(best >> 32), (int32_t)(best & INT32_MAX));
  }
}

/* One piece per node, then an offer per pair that spells a token. */
static void begin(encoder *e, const ag_graph *graph, ag_hash *keys) {
  ag_segmentation *s = e->result;
  ag_label_keys(&e->tokenizer->terms, graph, keys);
  for (int32_t i = 0; i < s->nodes; i++) {
    const int64_t *symbol = ag_map_get(&e->tokenizer->alphabet, keys[i]);
    s->piece[i] = (ag_piece){symbol ? (int32_t)*symbol : -1, i, i + 1, -1, -1};
    e->begins[i] = e->ends[i] = i;
  }
  s->pieces = s->nodes;
  for (int32_t i = 0; i + 1 < s->nodes; i++) add_offer(e, &s->piece[i], &s->piece[i + 1]);
}

ag_segmentation *ag_tokenizer_encode(const ag_tokenizer *tokenizer, const ag_graph *graph) {
  size_t n = (size_t)graph->size, header = (sizeof(ag_segmentation) + 15) & ~(size_t)15;
  size_t kept = header + 2 * n * sizeof(ag_piece) + n * sizeof(int32_t);
  size_t scratch = n * (sizeof(ag_hash) + 2 * sizeof(int32_t)) + 3 * n * sizeof(uint64_t) + 16;
  char *block = ag_alloc(1, kept + scratch);
  encoder e = {.tokenizer = tokenizer, .result = (void *)block};
  ag_segmentation *s = e.result;
  s->nodes = graph->size;
  s->piece = (void *)(block + header);
  s->root = (void *)(s->piece + 2 * n);
  e.heap = (void *)(block + ((kept + 15) & ~(size_t)15));
  ag_hash *keys = (void *)(e.heap + 3 * n);
  e.begins = (void *)(keys + n);
  e.ends = e.begins + n;

  begin(&e, graph, keys);
  merge_all(&e);
  for (int i = 0; i < s->nodes; i = s->piece[e.begins[i]].last) s->root[s->roots++] = e.begins[i];
  s = ag_resize(block, kept, 1);
  s->piece = (void *)((char *)s + header);
  s->root = (void *)(s->piece + 2 * n);
  return s;
}

void ag_segmentation_free(ag_segmentation *segmentation) {
  free(segmentation);
}

const ag_piece *ag_segmentation_pieces(const ag_segmentation *segmentation, int *count) {
  *count = segmentation->pieces;
  return segmentation->piece;
}

/* Un-merge from the roots down. The stack holds right siblings still to come: at most one per
 * level of a tree, and a tree is no deeper than its token is long. */
int ag_segmentation_tokens(const ag_segmentation *s, const uint8_t *keep, int32_t *bounds,
                           int32_t *tokens) {
  int32_t stack[AG_MAX_TOKEN_LENGTH];
  int count = 0;
  bounds[0] = 0;
  for (int r = 0; r < s->roots; r++) {
    int depth = 0;
    stack[depth++] = s->root[r];
    while (depth > 0) {
      const ag_piece *piece = &s->piece[stack[--depth]];
      if (piece->left >= 0 && keep && !keep[piece->token]) {
        stack[depth++] = piece->right;
        stack[depth++] = piece->left;
        continue;
      }
      if (tokens) tokens[count] = piece->token;
      bounds[++count] = piece->last;
    }
  }
  return count;
}

int ag_segmentation_bounds(const ag_segmentation *segmentation, const uint8_t *keep,
                           int32_t *bounds) {
  return ag_segmentation_tokens(segmentation, keep, bounds, NULL);
}
