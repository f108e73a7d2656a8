/* Sorting rows of a table by a column of numbers. */
#ifndef AG_BASE_SORT_H
#define AG_BASE_SORT_H

#include <stdbool.h>
#include <stdint.h>

/* Sort row numbers by keys[stride * row], ascending or descending; equal keys (0 and -0 too) keep
 * the order they are in, so that sorting by the last of several keys first sorts by all of them.
 * NaN comes last. O(count). */
void ag_sort_rows(const double *keys, int stride, bool descending, int32_t *rows, int count);

#endif
