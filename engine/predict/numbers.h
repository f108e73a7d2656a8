/* States of a layer by what they follow from, and their numbers. */
#ifndef AG_PREDICT_NUMBERS_H
#define AG_PREDICT_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

/* A state follows from states of the layer below, by number: the node's own and its predecessors'.
 * State i reads refs[start[i] .. start[i + 1]). */
typedef struct ag_state_list {
  int count;
  int32_t *own, *start, *refs;
} ag_state_list;

/* The rows of a layer: row i is fed by itself and by rows refs[start[i] .. start[i + 1]), the first
 * two of which are also at one[i] and two[i]; `none` where there are not so many. */
typedef struct ag_rows {
  const int32_t *start, *refs;
  int32_t *one, *two;
} ag_rows;
void ag_rows_pair(const ag_rows *rows, int count, int32_t none);

typedef struct ag_number_slot {
  uint64_t key;
  int32_t number;
  uint32_t stamp; /* of the list it belongs to */
} ag_number_slot;

/* An open-addressed table, at most half full. */
typedef struct ag_numbers {
  ag_number_slot *slots;
  uint32_t size, used, stamp; /* size: a power of two */
  int shift;
} ag_numbers; /* {0} is empty */

void ag_numbers_free(ag_numbers *numbers);

/* found[i] = the number of row i's state, for `count` rows; distinct states are listed. code[row]
 * is the number of a row's state below plus `offset`, from 1 to `highest`; code[none] = 0. Without
 * `numbers` every row has a state of its own. O(references). */
void ag_number_rows(ag_numbers *numbers, const ag_rows *rows, int count, const int32_t *code,
                    int offset, int highest, ag_state_list *list, int32_t *found);

#endif
