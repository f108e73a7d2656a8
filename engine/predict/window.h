/* Rows that cuts of a graph need evaluated, of any number of cuts at once. */
#ifndef AG_PREDICT_WINDOW_H
#define AG_PREDICT_WINDOW_H

#include "engine/predict/whole.h"

typedef struct ag_window {
  ag_view view;
  int8_t *first; /* per row: layer from which on it differs from the whole graph */
  int capacity;
  int32_t *ref; /* per node behind the cut at hand: its reference in the view */
  int ref_capacity;
  int32_t *list; /* operands of the node at hand */
  int list_capacity;
  float *states;
  int32_t *kind; /* as the states, by layer and row (kinds.h) */
  int rows;      /* that both have room for */
} ag_window;     /* {0} is empty; for one predictor */

void ag_window_free(ag_window *window);

/* Add the nodes behind a cut at `last` that it changes; `sum` and `count` receive the last layer's
 * sum over all others behind it, and how many they are. Returns the node from which on nothing
 * changes; until the next call, nodes before it have their reference in window->ref. O(span of the
 * window). */
int ag_window_add_after(ag_window *window, const ag_whole *whole, int last, double *sum,
                        int *count);

/* Evaluate: the last layer's states of all rows, valid until the next call. */
const float *ag_window_encode(ag_window *window, const ag_whole *whole);

/* Drop the rows, keep the memory. */
static inline void ag_window_clear(ag_window *window) {
  window->view.size = 0;
}

#endif
