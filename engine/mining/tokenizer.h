/* Inside a tokenizer and a segmentation, for the files of this module. */
#ifndef AG_MINING_TOKENIZER_H
#define AG_MINING_TOKENIZER_H

#include "autogo/mining.h"
#include "engine/base/map.h"
#include "engine/mining/bpe.h"
#include "engine/mining/labels.h"

/* A row of the pair table: neighbours `left`, `right` spell `token`. Empty: left = -1. */
typedef struct ag_pair_row {
  int32_t left, right, token;
} ag_pair_row;

struct ag_tokenizer {
  int symbols, tokens, max_length;
  char **labels; /* symbols */
  ag_label_terms terms;
  ag_map alphabet;      /* label key -> symbol */
  ag_bpe_merge *merges; /* tokens - symbols */
  int32_t *spell_start; /* tokens + 1 */
  int32_t *spell;
  ag_pair_row *pairs; /* open addressing, at most a quarter full */
  uint32_t pair_mask;
};

struct ag_segmentation {
  int nodes, pieces, roots;
  int32_t *root; /* pieces that are segments of the full vocabulary, in order */
  ag_piece *piece;
};

static inline uint32_t ag_pair_slot(int32_t left, int32_t right) {
  uint64_t x = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * UINT64_C(0x9e3779b97f4a7c15);
  return (uint32_t)(x >> 32);
}

/* Make a tokenizer of parts it takes over (labels and merges malloc'd). Errors: AG_FORMAT for a
 * label that is none or comes twice, a merge of tokens not yet made, too long, or that spells an
 * earlier token; *where receives the label or merge at fault, labels first. Frees the parts on
 * failure. */
ag_status ag_tokenizer_make(char **labels, int symbols, ag_bpe_merge *merges, int merge_count,
                            int max_length, ag_tokenizer **tokenizer, int *where, ag_error *err);

/* Range checks of the options and of files. */
ag_status ag_tokenizer_check(const ag_tokenizer_options *options, ag_error *err);

#endif
