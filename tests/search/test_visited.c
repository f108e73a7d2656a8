/* Sets of hashes, and the list of what was seen, against a plain list searched from end to end.
 * Hashes are drawn from few, and few low words, so that they are often equal and often meet in the
 * same slot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "engine/search/visited.h"

enum { ROUNDS = 200, HASHES = 400 };

struct list {
  ag_hash hash[HASHES];
  int count;
};

static bool listed(const struct list *list, ag_hash hash) {
  for (int i = 0; i < list->count; i++)
    if (ag_hash_equal(list->hash[i], hash)) return true;
  return false;
}

static ag_hash draw(ag_random *random) {
  return (ag_hash){ag_random_below(random, 16) << 32 | ag_random_below(random, 3),
                   ag_random_below(random, 9) * 0x10001};
}

static void a_set_has_what_was_added(void **state) {
  (void)state;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    ag_random random = ag_random_stream(3, round, 0, 0, 0);
    struct hash_set set = {0};
    struct list list = {.count = 0};
    for (int i = 0; i < HASHES; i++) {
      ag_hash hash = draw(&random), other = draw(&random);
      if (ag_random_below(&random, 50) == 0) ag_set_reserve(&set, ag_random_below(&random, 300));
      ag_set_prefetch(&set, other);
      bool fresh = !listed(&list, hash);
      assert_int_equal(ag_set_has(&set, hash), !fresh);
      assert_int_equal(ag_set_add(&set, hash), fresh);
      if (fresh) list.hash[list.count++] = hash;
      assert_int_equal(ag_set_has(&set, other), listed(&list, other));
    }
    ag_set_free(&set);
    assert_false(ag_set_has(&set, list.hash[0]));
  }
}

static void room_once_made_is_not_made_again(void **state) {
  (void)state;
  for (size_t most = 1; most < 2000; most = 2 * most + 1) {
    struct hash_set set = {0};
    ag_set_reserve(&set, most);
    const ag_hash *slots = set.slots;
    for (uint64_t i = 1; i <= most; i++) assert_true(ag_set_add(&set, (ag_hash){0, i}));
    assert_ptr_equal(set.slots, slots);
    assert_true(3 * set.count <= 2 * set.capacity);
    ag_set_free(&set);
  }
}

/* One at a time, or many at a time into room at the end, which is what a batch does. */
static void the_list_is_in_the_order_of_sight(void **state) {
  (void)state;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    ag_random random = ag_random_stream(4, round, 0, 0, 0);
    struct visited visited = {0};
    struct list list = {.count = 0};
    while (list.count < HASHES / 2) {
      int before = list.count, more = (int)ag_random_below(&random, 40);
      for (int i = 0; i < more; i++) {
        ag_hash hash = draw(&random);
        bool fresh = !listed(&list, hash);
        assert_int_equal(ag_visited_has(&visited, hash), !fresh);
        bool added = round % 2 ? ag_visited_add(&visited, hash)
                               : ag_set_add(&visited.shard[ag_shard_of(hash)], hash);
        assert_int_equal(added, fresh);
        if (fresh) list.hash[list.count++] = hash;
      }
      ag_hash *room = round % 2 ? NULL : ag_visited_extend(&visited, list.count - before);
      for (int i = before; room && i < list.count; i++) room[i - before] = list.hash[i];
    }
    assert_int_equal(visited.count, list.count);
    assert_memory_equal(visited.list, list.hash, (size_t)list.count * sizeof *list.hash);
    ag_visited_free(&visited);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_set_has_what_was_added),
      cmocka_unit_test(room_once_made_is_not_made_again),
      cmocka_unit_test(the_list_is_in_the_order_of_sight),
  };
  return cmocka_run_group_tests_name("visited", tests, NULL, NULL);
}
