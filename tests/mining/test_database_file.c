/* A database's file: what is saved is loaded, damage is found, forgeries do no harm. */
#include "engine/base/map.h"
#include "tests/mining/mined.h"

static ag_status load_bytes(const char *data, size_t size, ag_error *err) {
  char path[64];
  temporary_with(path, data, size);
  ag_database *d = NULL;
  ag_status status = ag_database_load(path, &d, err);
  if (status) {
    assert_null(d);
    assert_string_equal(err->file, path);
  }
  for (int i = 0; d && i < ag_database_size(d); i++) { /* what passes can be used */
    const ag_entry *e = ag_database_get(d, i);
    for (int v = 0; v < e->variants; v++) ag_segment_free(ag_segment_copy(e->variant[v]));
  }
  ag_database_free(d);
  unlink(path);
  return status;
}

static void test_saved_and_loaded(void **state) {
  (void)state;
  char path[64];
  ag_error err;
  ag_database *loaded;
  temporary(path);
  assert_int_equal(ag_database_save(database, path, &err), AG_OK);
  assert_int_equal(ag_database_load(path, &loaded, &err), AG_OK);
  assert_same_bytes(database, loaded);
  assert_int_equal(ag_database_size(loaded), ag_database_size(database));
  for (int i = 0; i < ag_database_size(database); i++) {
    const ag_entry *a = ag_database_get(database, i), *b = ag_database_get(loaded, i);
    assert_true(ag_hash_equal(a->hash, b->hash));
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->families, b->families);
    assert_int_equal(a->ops, b->ops);
    assert_int_equal(a->variants, b->variants);
    for (int v = 0; v < a->variants; v++)
      assert_true(slow_isomorphic(a->variant[v], b->variant[v], AG_EQUAL_SHAPES));
  }
  ag_database_free(loaded);
  unlink(path);
  assert_int_equal(ag_database_load(path, &loaded, &err), AG_IO);

  ag_database *empty;
  assert_int_equal(ag_database_mine(tokenizer, NULL, 0, &empty, &err), AG_OK);
  char *data;
  size_t size;
  bytes_of(empty, &data, &size);
  assert_int_equal(load_bytes(data, size, &err), AG_OK);
  ag_database_free(empty);
  free(data);
}

/* A small database's bytes. */
static void small_file(char **data, size_t *size) {
  ag_database_filter filter = {.max_size = 6, .min_count = 6, .max_variants = 2};
  ag_database *small = ag_database_select(database, &filter);
  assert_true(ag_database_size(small) > 10);
  bytes_of(small, data, size);
  ag_database_free(small);
}

static void test_damage_is_found(void **state) {
  (void)state;
  char *data;
  size_t size;
  ag_error err;
  small_file(&data, &size);
  assert_int_equal(load_bytes(data, size, &err), AG_OK);
  for (size_t cut = 0; cut < size; cut += 1 + size / 300)
    assert_int_equal(load_bytes(data, cut, &err), AG_FORMAT);
  ag_random random = ag_random_stream(3, 0, 0, 0, 0);
  for (int i = 0; i < 300; i++) {
    size_t at = (size_t)ag_random_below(&random, size);
    char bit = (char)(1 << ag_random_below(&random, 8));
    data[at] = (char)(data[at] ^ bit);
    ag_status status = load_bytes(data, size, &err);
    assert_int_equal(status, at >= 4 && at < 8 ? AG_UNSUPPORTED : AG_FORMAT);
    data[at] = (char)(data[at] ^ bit);
  }
  data[4] = 0; /* an older version */
  assert_int_equal(load_bytes(data, size, &err), AG_UNSUPPORTED);
  free(data);
}

static void forge_checksum(char *data, size_t size) {
  ag_hash checksum = ag_hash_bytes(data + 32, size - 32);
  for (int i = 0; i < 8; i++) {
    data[8 + i] = (char)((size - 32) >> (8 * i));
    data[16 + i] = (char)(checksum.hi >> (8 * i));
    data[24 + i] = (char)(checksum.lo >> (8 * i));
  }
}

/* With a valid checksum every number must stand for itself: refused or harmless. */
static void test_forged_files_do_no_harm(void **state) {
  (void)state;
  char *original;
  size_t size;
  ag_error err;
  int refused = 0;
  small_file(&original, &size);
  char *data = ag_alloc(size, 1);
  for (uint64_t seed = 0; seed < 3000; seed++) {
    ag_random random = ag_random_stream(seed, 1, 0, 0, 0);
    memcpy(data, original, size);
    size_t kept = size;
    for (uint64_t i = 0, n = 1 + ag_random_below(&random, 3); i < n; i++) {
      size_t at = 32 + (size_t)ag_random_below(&random, size - 32);
      uint64_t how = ag_random_below(&random, 4);
      data[at] = (char)(how == 0   ? 255
                        : how == 1 ? data[at] + 1
                        : how == 2 ? data[at] - 1
                                   : (int)ag_random_below(&random, 256));
    }
    if (seed % 8 == 0) kept = 32 + (size_t)ag_random_below(&random, size - 32);
    forge_checksum(data, kept);
    refused += load_bytes(data, kept, &err) != AG_OK;
  }
  assert_true(refused > 1500);
  free(data);
  free(original);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_saved_and_loaded),
      cmocka_unit_test(test_damage_is_found),
      cmocka_unit_test(test_forged_files_do_no_harm),
  };
  return cmocka_run_group_tests(tests, make_corpus, free_corpus);
}
