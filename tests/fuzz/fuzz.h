/* What the fuzz targets share. A target is one file with one LLVMFuzzerTestOneInput: it gives the
 * bytes to a reader and, where that accepts them, does with the result what the program would. Any
 * crash, leak, hang or failed expectation is a finding. NAME.corpus beside it makes its seeds. */
#ifndef AG_TESTS_FUZZ_H
#define AG_TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "autogo/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert, whatever NDEBUG says. */
#define FUZZ_EXPECT(condition)                                                                     \
  do {                                                                                             \
    if (condition) break;                                                                          \
    fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                        \
    abort();                                                                                       \
  } while (0)

/* A refusal says why, in one line. */
static inline void fuzz_expect_reason(const ag_error *err) {
  char text[1024];
  FUZZ_EXPECT(err->code != AG_OK && err->message[0]);
  for (const char *c = ag_error_text(err, text, sizeof text); *c; c++) FUZZ_EXPECT(*c != '\n');
}

/* The path of a file in memory with these bytes, the same one each time; for readers that take
 * no bytes. */
static inline const char *fuzz_file(const uint8_t *data, size_t size) {
  static int file = -1;
  static char path[32];
  if (file < 0) {
    file = memfd_create("fuzz", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  }
  FUZZ_EXPECT(file >= 0 && ftruncate(file, 0) == 0);
  FUZZ_EXPECT(pwrite(file, data, size, 0) == (ssize_t)size);
  return path;
}

#endif
