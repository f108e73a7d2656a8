/* Memory that never fails: when the system has none left, the process ends with one line.
 * Sizes are checked for overflow; sizes from files must be bounded by the caller first. */
#ifndef AG_BASE_ALLOC_H
#define AG_BASE_ALLOC_H

#include <stddef.h>

void *ag_alloc(size_t count, size_t size);               /* zeroed; count 0 gives a valid block */
void *ag_resize(void *block, size_t count, size_t size); /* new bytes are not zeroed */
/* On a boundary of `alignment` bytes, a power of two; not zeroed. To be freed, never resized. */
void *ag_alloc_aligned(size_t count, size_t size, size_t alignment);
char *ag_strdup(const char *text);
void *ag_memdup(const void *data, size_t count, size_t size);

#define AG_NEW(type) ((type *)ag_alloc(1, sizeof(type)))
#define AG_ARRAY(type, count) ((type *)ag_alloc((size_t)(count), sizeof(type)))

/* Make room in a growing array for one more element: AG_GROW(items, count, capacity). */
#define AG_GROW(items, count, capacity)                                                            \
  do {                                                                                             \
    if ((count) == (capacity)) {                                                                   \
      (capacity) = (capacity) ? (capacity)*2 : 8;                                                  \
      (items) = ag_resize((items), (size_t)(capacity), sizeof *(items));                           \
    }                                                                                              \
  } while (0)

/* An arena: many small blocks that die together. Blocks are zeroed and aligned for any type. */
typedef struct ag_arena {
  struct ag_arena_block *head;
} ag_arena; /* {0} is an empty arena */

void *ag_arena_alloc(ag_arena *arena, size_t size);
char *ag_arena_strdup(ag_arena *arena, const char *text);
void ag_arena_free(ag_arena *arena);

#endif
