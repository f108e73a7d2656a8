/* Evaluation of a view in which equal states are computed once. */
#ifndef AG_PREDICT_KINDS_H
#define AG_PREDICT_KINDS_H

#include "engine/predict/view.h"

/* kind[r] for every row of a view: rows of equal features have equal kinds, below view->size. With
 * their states of layer 0. */
void ag_kinds_embed(const ag_view *view, const ag_predictor *predictor, const ag_node *nodes,
                    ag_shape normalisers, int32_t *kind, float *states);

/* As ag_view_encode, to the last bit. kind[layer][row] of layer 0 must be filled like the states,
 * with the base's numbers or ones from base_size on; those of the layers above are filled: equal
 * numbers in a layer stand for equal states. base_kind[layer][p] are the base's, below base_size;
 * NULL if there is no base. O(rows + references) per layer. */
void ag_kinds_encode(const ag_view *view, const ag_predictor *predictor, const int8_t *first,
                     const float *base, const int32_t *base_kind, int base_size, float *states,
                     int32_t *kind);

#endif
