/* The base module: maps against a plain array, random streams against their definition and
 * simple statistics, orders against what they must keep, the pool against a serial loop, files
 * against the file system. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "autogo/base.h"
#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/map.h"
#include "engine/base/order.h"
#include "engine/base/random.h"

static void map_agrees_with_an_array(void **state) {
  (void)state;
  enum { KEYS = 5000 };
  ag_map map = {0};
  int64_t expected[KEYS];
  memset(expected, -1, sizeof expected);
  ag_random random = ag_random_stream(1, 2, 3, 4, 5);
  for (int step = 0; step < 3 * KEYS; step++) {
    uint64_t k = ag_random_below(&random, KEYS);
    bool inserted;
    int64_t *value = ag_map_put(&map, ag_hash_mix(ag_hash_seed(0), k), step, &inserted);
    assert_int_equal(inserted, expected[k] < 0);
    if (inserted) expected[k] = step;
    assert_int_equal(*value, expected[k]);
  }
  size_t present = 0;
  for (uint64_t k = 0; k < KEYS; k++) {
    int64_t *value = ag_map_get(&map, ag_hash_mix(ag_hash_seed(0), k));
    assert_int_equal(value != NULL, expected[k] >= 0);
    if (value) assert_int_equal(*value, expected[k]);
    present += value != NULL;
  }
  assert_int_equal(map.count, present);
  ag_map_free(&map);
}

static void put_keys(ag_map *map, uint64_t first, uint64_t last) {
  for (uint64_t k = first; k < last; k++) ag_map_put(map, ag_hash_seed(k), 0, NULL);
}

static void map_grows_as_foretold(void **state) {
  (void)state;
  for (uint64_t before = 0; before < 200; before += 9)
    for (uint64_t more = 0; more < 200; more += 7) {
      ag_map map = {0};
      put_keys(&map, 0, before);
      size_t held = ag_map_bytes(&map, 0), bound = ag_map_bytes(&map, more);
      put_keys(&map, before, before + more);
      size_t now = ag_map_bytes(&map, 0), while_growing = map.count > 10 ? now + now / 2 : now;
      assert_int_equal(bound, now == held ? now : while_growing);
      ag_map_free(&map);
    }
}

static int compare_hashes(const void *a, const void *b) {
  return ag_hash_compare(*(const ag_hash *)a, *(const ag_hash *)b);
}

static void hashes_of_small_words_differ(void **state) {
  (void)state;
  enum { WORDS = 100000 };
  ag_hash *hashes = AG_ARRAY(ag_hash, WORDS);
  for (uint64_t i = 0; i < WORDS; i++)
    hashes[i] = ag_hash_mix(ag_hash_mix(ag_hash_seed(7), i / 300), i % 300);
  qsort(hashes, WORDS, sizeof *hashes, compare_hashes);
  for (int i = 1; i < WORDS; i++) {
    assert_true(hashes[i - 1].lo != hashes[i].lo);
    assert_true(hashes[i - 1].hi != hashes[i].hi);
  }
  free(hashes);
}

static void mixing_depends_on_order(void **state) {
  (void)state;
  ag_hash ab = ag_hash_mix(ag_hash_mix(ag_hash_seed(0), 1), 2);
  ag_hash ba = ag_hash_mix(ag_hash_mix(ag_hash_seed(0), 2), 1);
  assert_false(ag_hash_equal(ab, ba));
  assert_false(ag_hash_equal(ag_hash_bytes("ab", 2), ag_hash_bytes("ab\0", 3)));
}

static void streams_depend_on_every_part_of_their_key(void **state) {
  (void)state;
  for (int part = 0; part < 5; part++) {
    uint64_t k[5] = {1, 2, 3, 4, 5};
    ag_random a = ag_random_stream(k[0], k[1], k[2], k[3], k[4]);
    k[part]++;
    ag_random b = ag_random_stream(k[0], k[1], k[2], k[3], k[4]);
    assert_true(ag_random_next(&a) != ag_random_next(&b));
  }
}

static void draws_are_in_range_and_even(void **state) {
  (void)state;
  enum { SIDES = 7, THROWS = 70000 };
  int counts[SIDES] = {0};
  double sum = 0, squares = 0;
  ag_random random = ag_random_stream(9, 0, 0, 0, 0);
  for (int i = 0; i < THROWS; i++) {
    uint64_t side = ag_random_below(&random, SIDES);
    assert_true(side < SIDES);
    counts[side]++;
    double unit = ag_random_unit(&random), normal = ag_random_normal(&random);
    assert_true(unit >= 0 && unit < 1);
    sum += normal;
    squares += normal * normal;
  }
  /* Six standard deviations: sqrt(70000 * 1/7 * 6/7) is about 93. */
  for (int side = 0; side < SIDES; side++) assert_in_range(counts[side], 9440, 10560);
  assert_true(sum * sum < 36.0 * THROWS);
  assert_true(squares > 0.97 * THROWS && squares < 1.03 * THROWS);
}

static void shuffles_are_permutations(void **state) {
  (void)state;
  int32_t items[50], seen[50] = {0};
  for (int i = 0; i < 50; i++) items[i] = i;
  ag_random random = ag_random_stream(3, 1, 4, 1, 5);
  ag_random_shuffle(&random, items, 50);
  for (int i = 0; i < 50; i++) seen[items[i]]++;
  for (int i = 0; i < 50; i++) assert_int_equal(seen[i], 1);
}

static void square(void *context, int64_t index, int worker) {
  (void)worker;
  ((int64_t *)context)[index] += index * index;
}

static void pools_do_every_index_once(void **state) {
  (void)state;
  for (int threads = 1; threads <= 4; threads++) {
    ag_pool *pool = ag_pool_new(threads);
    for (int64_t count = 0; count < 2000; count = count * 3 + 1) {
      int64_t *results = AG_ARRAY(int64_t, count);
      ag_pool_run(pool, count, square, results);
      for (int64_t i = 0; i < count; i++) assert_int_equal(results[i], i * i);
      free(results);
    }
    ag_pool_free(pool);
  }
}

static const char *fifo_in(const char *folder) {
  static char path[64];
  snprintf(path, sizeof path, "%s/fifo", folder);
  return path;
}

static void files_are_written_whole_or_not_at_all(void **state) {
  (void)state;
  char folder[] = "/tmp/autogo-test-XXXXXX", path[64], missing[64];
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/file", folder);
  snprintf(missing, sizeof missing, "%s/absent/file", folder);
  ag_error err;
  assert_int_equal(ag_file_write(path, "first", 5, &err), AG_OK);
  assert_int_equal(ag_file_write(path, "second\0!", 8, &err), AG_OK);
  char *data;
  size_t size;
  assert_int_equal(ag_file_read(path, 100, &data, &size, &err), AG_OK);
  assert_int_equal(size, 8);
  assert_memory_equal(data, "second\0!", 9);
  free(data);
  assert_int_equal(ag_file_read(path, 7, &data, &size, &err), AG_LIMIT);
  assert_string_equal(err.file, path);

  assert_int_equal(ag_file_write(missing, "x", 1, &err), AG_IO);
  assert_int_equal(ag_file_read(missing, 100, &data, &size, &err), AG_IO);
  assert_non_null(strstr(err.message, strerror(ENOENT)));
  assert_int_equal(ag_file_read(folder, 100, &data, &size, &err), AG_IO);

  assert_int_equal(mkfifo(fifo_in(folder), 0600), 0); /* nobody will ever write to it */
  assert_int_equal(ag_file_read(fifo_in(folder), 100, &data, &size, &err), AG_IO);
  assert_non_null(strstr(err.message, "regular"));
  assert_int_equal(unlink(fifo_in(folder)), 0);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0); /* fails if a temporary file was left */
}

/* Neither a pipe nor a link is replaced by a file of its name. */
static void pipes_and_links_are_written_through(void **state) {
  (void)state;
  char folder[] = "/tmp/autogo-test-XXXXXX", path[64], link[64], got[8] = "";
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/file", folder);
  snprintf(link, sizeof link, "%s/link", folder);
  ag_error err;
  struct stat status;
  assert_int_equal(mkfifo(fifo_in(folder), 0600), 0);
  int reader = open(fifo_in(folder), O_RDONLY | O_NONBLOCK);
  assert_int_equal(ag_file_write(fifo_in(folder), "through", 7, &err), AG_OK);
  assert_int_equal(read(reader, got, sizeof got), 7);
  assert_string_equal(got, "through");
  assert_int_equal(lstat(fifo_in(folder), &status), 0);
  assert_true(S_ISFIFO(status.st_mode));
  close(reader);

  assert_int_equal(symlink("file", link), 0); /* that is not there yet */
  for (int i = 0; i < 2; i++) {
    assert_int_equal(ag_file_write(i ? link : path, i ? "new" : "old", 3, &err), AG_OK);
    char *data;
    size_t size;
    assert_int_equal(ag_file_read(path, 100, &data, &size, &err), AG_OK);
    assert_string_equal(data, i ? "new" : "old");
    free(data);
  }
  assert_int_equal(lstat(link, &status), 0);
  assert_true(S_ISLNK(status.st_mode));

  assert_int_equal(ag_file_write(folder, "x", 1, &err), AG_IO);
  assert_non_null(strstr(err.message, strerror(EISDIR)));
  assert_int_equal(unlink(fifo_in(folder)) | unlink(link) | unlink(path), 0);
  assert_int_equal(rmdir(folder), 0); /* fails if a temporary file was left */
}

/* What a file holds after appends, with a limit on its size in the middle: the first bytes never
 * change, and the rest of a write that failed never stays. */
static void files_grow_from_what_is_kept(void **state) {
  (void)state;
  char folder[] = "/tmp/autogo-test-XXXXXX", path[64], *data;
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/file", folder);
  ag_error err;
  size_t size;
  assert_int_equal(ag_file_append(path, 0, "one ", 4, &err), AG_OK);
  assert_int_equal(ag_file_append(path, 4, "two ", 4, &err), AG_OK);
  assert_int_equal(ag_file_append(path, 4, "2", 1, &err), AG_OK);
  assert_int_equal(ag_file_append(path, 6, "x", 1, &err), AG_IO); /* it has only five */
  assert_int_equal(ag_file_append(folder, 0, "x", 1, &err), AG_IO);

  struct rlimit before, limit;
  getrlimit(RLIMIT_FSIZE, &before);
  limit = before;
  limit.rlim_cur = 8;
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &limit);
  ag_status status = ag_file_append(path, 5, " and many more", 14, &err);
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  assert_int_equal(status, AG_IO);
  assert_string_equal(err.file, path);
  assert_non_null(strstr(err.message, strerror(EFBIG)));

  assert_int_equal(ag_file_read(path, 100, &data, &size, &err), AG_OK);
  assert_int_equal(size, 5);
  assert_memory_equal(data, "one 2", 6);
  free(data);
  assert_int_equal(mkfifo(fifo_in(folder), 0600), 0); /* nobody will ever write to it */
  assert_int_equal(ag_file_read(fifo_in(folder), 100, &data, &size, &err), AG_IO);
  assert_non_null(strstr(err.message, "regular"));
  assert_int_equal(unlink(fifo_in(folder)), 0);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
}

static void errors_are_one_line(void **state) {
  (void)state;
  ag_error err;
  char text[1024];
  ag_fail(&err, AG_FORMAT, "bad size %d", 7);
  err.offset = 12;
  ag_error_at_node(&err, AG_FORMAT, "conv\n1");
  ag_error_at_node(&err, AG_FORMAT, "outer");
  ag_error_in_file(&err, AG_FORMAT, "net.onnx");
  assert_string_equal(ag_error_text(&err, text, sizeof text),
                      "net.onnx: conv?1: bad size 7 (at byte 12)");
}

/* --- order ------------------------------------------------------------------------ */

enum { NODES = 40 };

typedef struct wires {
  int32_t start[NODES + 1], operands[3 * NODES];
} wires;

/* Up to three operands a node: of lower rank where the wires are to be free of cycles. */
static wires random_wires(ag_random *random, const int32_t *rank, bool acyclic) {
  wires w = {{0}, {0}};
  for (int i = 0; i < NODES; i++) {
    int count = (int)ag_random_below(random, 4), at = w.start[i];
    for (int k = 0; k < count; k++) {
      int32_t operand = (int32_t)ag_random_below(random, NODES + 1) - 1;
      if (operand < 0 || !acyclic || rank[operand] < rank[i]) w.operands[at++] = operand;
    }
    w.start[i + 1] = at;
  }
  return w;
}

/* reached[i][j]: i depends on j, by Warshall's closure. */
static void close_wires(const wires *w, bool reached[NODES][NODES]) {
  memset(reached, 0, NODES * sizeof *reached);
  for (int i = 0; i < NODES; i++)
    for (int k = w->start[i]; k < w->start[i + 1]; k++)
      if (w->operands[k] >= 0) reached[i][w->operands[k]] = true;
  for (int via = 0; via < NODES; via++)
    for (int i = 0; i < NODES; i++)
      for (int j = 0; j < NODES; j++)
        reached[i][j] = reached[i][j] || (reached[i][via] && reached[via][j]);
}

static void check_order(const wires *w, const int32_t *order) {
  int position[NODES];
  memset(position, -1, sizeof position);
  for (int i = 0; i < NODES; i++) position[order[i]] = i;
  for (int i = 0; i < NODES; i++) assert_true(position[i] >= 0);
  for (int i = 0; i < NODES; i++)
    for (int k = w->start[i]; k < w->start[i + 1]; k++)
      if (w->operands[k] >= 0) assert_true(position[w->operands[k]] < position[i]);
}

static void orders_are_topological_or_name_a_cycle(void **state) {
  (void)state;
  static bool reached[NODES][NODES];
  ag_random random = ag_random_stream(6, 0, 0, 0, 0);
  int32_t rank[NODES], order[NODES];
  int cycles = 0;
  for (int trial = 0; trial < 300; trial++) {
    for (int i = 0; i < NODES; i++) rank[i] = i;
    if (trial % 3) ag_random_shuffle(&random, rank, NODES);
    wires w = random_wires(&random, rank, trial % 3 < 2);
    int cycle = ag_topological_order(NODES, w.start, w.operands, order);
    close_wires(&w, reached);
    bool acyclic = true;
    for (int i = 0; i < NODES; i++) acyclic = acyclic && !reached[i][i];
    assert_int_equal(cycle < 0, acyclic);
    if (acyclic)
      check_order(&w, order);
    else
      assert_true(reached[cycle][cycle]);
    for (int i = 0; trial % 3 == 0 && i < NODES; i++) assert_int_equal(order[i], i);
    cycles += cycle >= 0;
  }
  assert_in_range(cycles, 50, 100);
}

static void directories_of_paths(void **state) {
  (void)state;
  const char *const cases[][2] = {
      {"net.onnx", ""}, {"a/net.onnx", "a/"}, {"/net.onnx", "/"}, {"../b/c", "../b/"}, {"", ""}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *directory = ag_file_directory(cases[i][0]);
    assert_string_equal(directory, cases[i][1]);
    free(directory);
  }
}

static void texts_grow(void **state) {
  (void)state;
  ag_text text = {0};
  for (int i = 0; i < 1000; i++) ag_text_add(&text, "%d,", i % 10);
  assert_int_equal(text.size, 2000);
  char *whole = ag_text_take(&text);
  for (int i = 0; i < 1000; i++) assert_int_equal(whole[2 * i], '0' + i % 10);
  assert_int_equal(strlen(whole), 2000);
  free(whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(map_agrees_with_an_array),
      cmocka_unit_test(map_grows_as_foretold),
      cmocka_unit_test(hashes_of_small_words_differ),
      cmocka_unit_test(mixing_depends_on_order),
      cmocka_unit_test(streams_depend_on_every_part_of_their_key),
      cmocka_unit_test(draws_are_in_range_and_even),
      cmocka_unit_test(shuffles_are_permutations),
      cmocka_unit_test(pools_do_every_index_once),
      cmocka_unit_test(files_are_written_whole_or_not_at_all),
      cmocka_unit_test(pipes_and_links_are_written_through),
      cmocka_unit_test(orders_are_topological_or_name_a_cycle),
      cmocka_unit_test(directories_of_paths),
      cmocka_unit_test(files_grow_from_what_is_kept),
      cmocka_unit_test(errors_are_one_line),
      cmocka_unit_test(texts_grow),
  };
  return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
