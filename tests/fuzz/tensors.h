/* safetensors files from few bytes. The header is what a reader has to understand, but the data are
 * almost all of a file; so an input is a kind and
 *
 *   'r'  a file as it is
 *   'h'  size of the data u32 (little endian) | header: its length is put before it, data behind it
 */
#ifndef AG_TESTS_FUZZ_TENSORS_H
#define AG_TESTS_FUZZ_TENSORS_H

#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { FUZZ_MAX_DATA = 1 << 20, FUZZ_LENGTH = 8 };

/* The file, malloc'd, its size in *size; NULL if the input is of no kind. */
static inline uint8_t *fuzz_tensors(const uint8_t *data, size_t *size) {
  uint32_t body = 0;
  if (*size >= 1 && data[0] == 'r') {
    uint8_t *file = malloc(*size);
    memcpy(file, data + 1, *size -= 1);
    return file;
  }
  if (*size < 1 + sizeof body || data[0] != 'h') return NULL;
  memcpy(&body, data + 1, sizeof body);
  body %= FUZZ_MAX_DATA;
  uint64_t header = *size - 1 - sizeof body;
  uint8_t *file = calloc(1, FUZZ_LENGTH + header + body + 1);
  memcpy(file, &header, FUZZ_LENGTH);
  memcpy(file + FUZZ_LENGTH, data + 1 + sizeof body, header);
  *size = FUZZ_LENGTH + header + body;
  return file;
}

#endif
