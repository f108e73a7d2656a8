/* Byte-pair encoding over strings of small integers. */
#ifndef AG_MINING_BPE_H
#define AG_MINING_BPE_H

#include <stdint.h>

typedef struct ag_bpe_merge {
  int32_t left, right;
} ag_bpe_merge;

/* Learn merges from text[length]: symbols in [0, symbols), each string followed by -1, length
 * below 2^31. Stops at `vocabulary` tokens in all, or when no pair occurs twice. Order of
 * merges, limit and duplicates as ag_tokenizer_train has them; a last tie, of two pairs that spell
 * the same, goes to the lower left token. Returns the number of merges and the merges, malloc'd.
 * O(length log length); about ten bytes of memory per symbol of text beside the text. */
int ag_bpe_train(const int32_t *text, int64_t length, int symbols, int vocabulary, int max_length,
                 ag_bpe_merge **merges);

#endif
