/* Segment databases. Size and checksum are set right, so that what lies behind them is reached. */
#include <string.h>

#include "autogo/mining.h"
#include "engine/base/map.h"
#include "tests/fuzz/fuzz.h"

enum { SIZE_AT = 8, CHECKSUM_AT = 16, HEADER = 32 };

static void put_fixed(uint8_t *at, uint64_t value) {
  for (int i = 0; i < 8; i++) at[i] = (uint8_t)(value >> (8 * i));
}

static void use(const ag_database *d) {
  for (int i = 0; i < ag_database_size(d); i++) {
    const ag_entry *e = ag_database_get(d, i);
    int first = ag_database_find(d, e->size, e->hash); /* hashes may collide */
    FUZZ_EXPECT(first >= 0 && first <= i);
    FUZZ_EXPECT(ag_hash_equal(ag_database_get(d, first)->hash, e->hash));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ag_database *database;
  ag_error err;
  if (size < HEADER) return -1;
  uint8_t *sealed = malloc(size);
  memcpy(sealed, data, size);
  ag_hash checksum = ag_hash_bytes(data + HEADER, size - HEADER);
  put_fixed(sealed + SIZE_AT, size - HEADER);
  put_fixed(sealed + CHECKSUM_AT, checksum.hi);
  put_fixed(sealed + CHECKSUM_AT + 8, checksum.lo);
  ag_status status = ag_database_load(fuzz_file(sealed, size), &database, &err);
  free(sealed);
  if (status) {
    fuzz_expect_reason(&err);
    return 0;
  }
  use(database);
  ag_database_free(database);
  return 0;
}
