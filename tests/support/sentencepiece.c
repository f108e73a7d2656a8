#include "tests/support/sentencepiece.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "sentencepiece: %s failed\n", what);
  abort();
}

bool spm_available(void) {
  bool there = !system("command -v spm_train >/dev/null && command -v spm_encode >/dev/null");
  if (!there) puts("spm_train and spm_encode (Debian package sentencepiece) are absent");
  return there;
}

bool spm_counts_overlaps_once(void) {
  return !system("spm_train --version 2>&1 | grep -q ' 0\\.1\\.[1-8]\\|0\\.1\\.9[0-8]$'");
}

void spm_folder(char folder[32]) {
  strcpy(folder, "/tmp/autogo-spm-XXXXXX");
  must(mkdtemp(folder) != NULL, "mkdtemp");
}

void spm_remove(const char *folder) {
  char command[96];
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  must(!system(command), command);
}

static FILE *open_in(const char *folder, const char *name, const char *mode) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, mode);
  must(file != NULL, path);
  return file;
}

void spm_train(const char *folder, const int32_t *text, int length, int vocabulary) {
  FILE *file = open_in(folder, "text", "w");
  for (int i = 0; i < length; i++) {
    int c = 0x4E00 + text[i];
    if (text[i] < 0)
      fputc('\n', file);
    else
      fprintf(file, "%c%c%c", 0xE0 | c >> 12, 0x80 | (c >> 6 & 63), 0x80 | (c & 63));
  }
  fclose(file);
  char command[1400];
  snprintf(command, sizeof command,
           "spm_train --input='%s/text' --model_prefix='%s/model' --model_type=bpe --vocab_size=%d "
           "--character_coverage=1.0 --normalization_rule_name=identity --add_dummy_prefix=false "
           "--remove_extra_whitespaces=false --split_by_whitespace=false --split_by_number=false "
           "--split_by_unicode_script=false --max_sentencepiece_length=%d --hard_vocab_limit=false "
           "--bos_id=-1 --eos_id=-1 --max_sentence_length=100000 >/dev/null 2>&1",
           folder, folder, vocabulary + 1, SPM_MAX_LENGTH); /* one more: the unknown piece */
  must(!system(command), command);
}

/* Reads one piece, up to a byte that belongs to no symbol; that byte into *end. */
static spm_piece read_piece(FILE *file, int *end) {
  spm_piece piece = {0};
  int byte;
  while ((byte = fgetc(file)) >= 0xE0) {
    int c = (byte & 15) << 12 | (fgetc(file) & 63) << 6;
    c |= fgetc(file) & 63;
    must(piece.length < SPM_MAX_LENGTH, "reading a piece");
    piece.symbols[piece.length++] = c - 0x4E00;
  }
  *end = byte;
  return piece;
}

int spm_pieces(const char *folder, spm_piece *pieces, int room) {
  FILE *file = open_in(folder, "model.vocab", "r");
  int count = 0, byte = 0;
  while (count < room && byte != EOF) {
    pieces[count] = read_piece(file, &byte);
    count += pieces[count].length > 1;
    while (byte != '\n' && byte != EOF) byte = fgetc(file); /* the score */
  }
  fclose(file);
  return count;
}

int spm_encode(const char *folder, int32_t *lengths, int room) {
  char command[400];
  snprintf(command, sizeof command,
           "spm_encode --model='%s/model.model' --output_format=piece < '%s/text' > '%s/cut' "
           "2>/dev/null",
           folder, folder, folder);
  must(!system(command), command);
  FILE *file = open_in(folder, "cut", "r");
  int count = 0, byte = 0;
  while (count < room - 1) {
    spm_piece piece = read_piece(file, &byte);
    if (piece.length) lengths[count++] = piece.length;
    if (byte == '\n') lengths[count++] = 0;
    if (byte == EOF) break;
  }
  fclose(file);
  return count;
}
