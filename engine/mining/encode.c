/* Encoding: from a graph to the forest of merges.
 *
 * Pieces that stand side by side find each other through two arrays over node positions: the piece
 * that begins here, the piece that ends here. A binary heap holds the joins on offer, lowest token
 * first, then leftmost; one is void when a piece in it has been joined meanwhile. Each merge makes
 * a piece, so there are less than 2n pieces and 3n offers, and all memory is one block taken once:
 *
 *   ag_segmentation | pieces | roots || keys | begins | ends | heap      (cut off after the ||) */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/mining/tokenizer.h"

typedef struct offer {
  uint64_t rank; /* token, then position of the left piece */
  int32_t left, right;
} offer;

typedef struct encoder {
  const ag_tokenizer *tokenizer;
  ag_segmentation *result;
  int32_t *begins, *ends; /* piece that begins at a node, that ends at it */
  offer *heap;
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
  offer moving = e->heap[i];
  for (int child; (child = 2 * i + 1) < e->heap_size; i = child) {
    child += child + 1 < e->heap_size && e->heap[child + 1].rank < e->heap[child].rank;
    if (e->heap[child].rank >= moving.rank) break;
    e->heap[i] = e->heap[child];
  }
  e->heap[i] = moving;
}

static void sift_up(encoder *e, int i) {
  offer moving = e->heap[i];
  for (; i > 0 && e->heap[(i - 1) / 2].rank > moving.rank; i = (i - 1) / 2)
    e->heap[i] = e->heap[(i - 1) / 2];
  e->heap[i] = moving;
}

/* Append the join of two neighbouring pieces, if there is one. */
static bool add_offer(encoder *e, int32_t left, int32_t right) {
  const ag_piece *piece = e->result->piece;
  int32_t token = spelled_by(e->tokenizer, piece[left].token, piece[right].token);
  if (token < 0) return false;
  uint64_t rank = (uint64_t)(uint32_t)token << 32 | (uint32_t)piece[left].first;
  e->heap[e->heap_size++] = (offer){rank, left, right};
  return true;
}

static void join(encoder *e, const offer *o) {
  ag_segmentation *s = e->result;
  int32_t first = s->piece[o->left].first, last = s->piece[o->right].last, made = s->pieces++;
  s->piece[made] = (ag_piece){(int32_t)(o->rank >> 32), first, last, o->left, o->right};
  e->begins[first] = made;
  e->ends[last - 1] = made;
  e->begins[s->piece[o->right].first] = -1;
  if (first > 0 && add_offer(e, e->ends[first - 1], made)) sift_up(e, e->heap_size - 1);
  if (last < s->nodes && add_offer(e, made, e->begins[last])) sift_up(e, e->heap_size - 1);
}

static void merge_all(encoder *e) {
  const ag_piece *piece = e->result->piece;
  for (int i = e->heap_size / 2 - 1; i >= 0; i--) sift_down(e, i);
  while (e->heap_size > 0) {
    offer best = e->heap[0];
    e->heap[0] = e->heap[--e->heap_size];
    if (e->heap_size > 0) sift_down(e, 0);
    if (e->begins[piece[best.left].first] == best.left &&
        e->begins[piece[best.right].first] == best.right)
      join(e, &best);
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
  for (int32_t i = 0; i + 1 < s->nodes; i++) add_offer(e, i, i + 1);
}

ag_segmentation *ag_tokenizer_encode(const ag_tokenizer *tokenizer, const ag_graph *graph) {
  size_t n = (size_t)graph->size, header = (sizeof(ag_segmentation) + 15) & ~(size_t)15;
  size_t kept = header + 2 * n * sizeof(ag_piece) + n * sizeof(int32_t);
  size_t scratch = n * (sizeof(ag_hash) + 2 * sizeof(int32_t)) + 3 * n * sizeof(offer) + 16;
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
