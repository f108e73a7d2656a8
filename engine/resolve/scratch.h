/* Working memory that is used again and again: blocks are kept when it is rewound, so a warm
 * scratch never asks the system for memory. Contents are not zeroed. */
#ifndef AG_RESOLVE_SCRATCH_H
#define AG_RESOLVE_SCRATCH_H

#include <stddef.h>

typedef struct ag_scratch {
  char **block;
  size_t *capacity;
  int blocks, room;
  int current; /* block in use */
  size_t used; /* bytes of it */
} ag_scratch;  /* {0} is empty */

typedef struct ag_scratch_mark {
  int current;
  size_t used;
} ag_scratch_mark;

void *ag_scratch_take(ag_scratch *scratch, size_t count, size_t size);
ag_scratch_mark ag_scratch_now(const ag_scratch *scratch);
void ag_scratch_rewind(ag_scratch *scratch, ag_scratch_mark mark); /* {0, 0}: everything */
void ag_scratch_free(ag_scratch *scratch);

#define AG_TAKE(scratch, type, count)                                                              \
  ((type *)ag_scratch_take((scratch), (size_t)(count), sizeof(type)))

#endif
