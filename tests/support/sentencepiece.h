/* SentencePiece's programs as a peer: strings of symbols in, pieces out. Symbol i is written as the
 * character U+4E00 + i. */
#ifndef TESTS_SENTENCEPIECE_H
#define TESTS_SENTENCEPIECE_H

#include <stdbool.h>
#include <stdint.h>

enum { SPM_MAX_LENGTH = 16 };

typedef struct spm_piece {
  int length;
  int32_t symbols[SPM_MAX_LENGTH];
} spm_piece;

/* Whether spm_train and spm_encode are there; prints a message if not. */
bool spm_available(void);

/* Whether it counts overlapping pairs once, as releases up to 0.1.98 do. */
bool spm_counts_overlaps_once(void);

/* Train on text[length] (strings ended by -1) for `vocabulary` tokens of at most 16 symbols, in a
 * folder made for it. */
void spm_train(const char *folder, const int32_t *text, int length, int vocabulary);
/* The pieces of more than one symbol in the order learned; returns how many, at most `room`. */
int spm_pieces(const char *folder, spm_piece *pieces, int room);
/* The lengths of the pieces that the strings trained on are cut into, each string ended by 0;
 * returns how many numbers, at most `room`. */
int spm_encode(const char *folder, int32_t *lengths, int room);

/* A new folder under /tmp, and its removal. */
void spm_folder(char folder[32]);
void spm_remove(const char *folder);

#endif
