/* What a cut changes of a graph's states, for any number of cuts at once. */
#ifndef AG_PREDICT_WINDOW_H
#define AG_PREDICT_WINDOW_H

#include "engine/predict/whole.h"

typedef struct ag_window {
  ag_view view;
  int8_t *first; /* per row: layer from which on it differs from its node in the whole graph */
  int capacity;
  int32_t *ref;  /* per node behind the cut at hand: its reference in the view */
  int32_t *node; /* and the node of the whole graph that this is the state of */
  int32_t *kept; /* states of those that stay as they are */
  int span;      /* that these have room for */
  ag_numbers numbers;
  ag_room room;
} ag_window; /* {0} is empty; for one predictor and graph */

void ag_window_free(ag_window *window);

/* A boundary between segments: rows [first, inner) lie in the segment behind it, [inner, end)
 * behind that; the parts are the nodes that stay as they are, of the segment and of all behind the
 * boundary. */
typedef struct ag_boundary {
  int first, inner, end;
  ag_part segment, after;
} ag_boundary;

/* Add the nodes behind `at` that change when all before are lost; the segment ends at `next`.
 * O(span of the window). */
void ag_window_add(ag_window *window, const ag_whole *whole, int at, int next,
                   ag_boundary *boundary);

/* Evaluate all rows. */
void ag_window_encode(ag_window *window, const ag_whole *whole);

/* The means over the segment and over all behind the boundary, after evaluation. */
void ag_window_finish(const ag_window *window, ag_boundary *boundary, float *segment, float *after);

/* Drop the rows, keep the memory. */
static inline void ag_window_clear(ag_window *window) {
  window->view.size = 0;
}

#endif
