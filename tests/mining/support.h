/* What the tests of mining share: files and their bytes. */
#ifndef TESTS_MINING_SUPPORT_H
#define TESTS_MINING_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "autogo/mining.h"
#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/random.h"
#include "tests/support/cell_graph.h"
#include "tests/support/random_graph.h"

/* An empty file of its own. */
static inline void temporary(char path[64]) {
  strcpy(path, "/tmp/autogo-mining-XXXXXX");
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
}

static inline void temporary_with(char path[64], const char *data, size_t size) {
  temporary(path);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  fclose(file);
}

static inline void read_all(const char *path, char **data, size_t *size) {
  assert_int_equal(ag_file_read(path, 1 << 28, data, size, NULL), AG_OK);
}

#endif
