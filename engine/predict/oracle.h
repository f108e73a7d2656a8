/* The plain way, for what the fast ones leave to it. */
#ifndef AG_PREDICT_ORACLE_H
#define AG_PREDICT_ORACLE_H

#include "engine/predict/model.h"

/* Mean state of nodes [first, last) by themselves and, unless NULL, their sum. */
void ag_oracle_embed(const ag_predictor *predictor, const ag_node *nodes,
                     const int32_t *operand_start, const int32_t *operands, int first, int last,
                     ag_shape normalisers, double *mean, double *total);
/* ag_predict of one member. */
ag_status ag_oracle_value(const ag_predictor *member, const ag_graph *graph, int first, int last,
                          double *value, ag_error *err);

#endif
