/* Node states, each distinct one once, and the samples of a corpus in terms of them. */
#ifndef AG_PREDICT_STATES_H
#define AG_PREDICT_STATES_H

#include "engine/base/map.h"
#include "engine/predict/model.h"

/* The distinct states of one layer. State i follows from states of the layer below: the node's
 * own and the multiset of its predecessors'. */
typedef struct ag_state_layer {
  int count, own_capacity, start_capacity, preds_capacity;
  int32_t *own;
  int32_t *start; /* count + 1 */
  int32_t *preds; /* ascending per state */
  ag_map map;
} ag_state_layer;

typedef struct ag_states {
  int layers;
  int features, feature_capacity;
  ag_feature *feature; /* the states of layer 0 */
  ag_map feature_map;
  ag_state_layer layer[AG_MAX_LAYERS + 1]; /* 1 .. layers */
} ag_states;

void ag_states_free(ag_states *states);
int ag_states_count(const ag_states *states, int layer);
/* The number of a feature (layer 0) or of a state; `preds` is sorted in place. Amortised O(1)
 * per predecessor. Equal keys are recognised by a 128-bit hash. */
int32_t ag_states_feature(ag_states *states, const ag_feature *feature);
int32_t ag_states_find(ag_states *states, int layer, int32_t own, int32_t *preds, int count);

/* --- corpus ------------------------------------------------------------------------------- */

/* A cut of a graph in states of the last layer:
 *
 *   P   whole[0 .. first)
 *   S   `last - first` states from ids[segment] on
 *   C   whole[last .. size), but with `window` pairs (state lost, state gained) from
 *       ids[changes] on */
typedef struct ag_cut_states {
  int32_t first, last, window;
  size_t segment, changes;
} ag_cut_states;

typedef struct ag_graph_states {
  int size, cuts, family;
  size_t whole;         /* into ids: the last layer's state of every node */
  size_t cut;           /* into cuts; they ascend among the nodes that the model sees: flat.h */
  double label, target; /* as given; transformed */
} ag_graph_states;

typedef struct ag_training_set {
  const ag_config *config;
  ag_states states;
  ag_graph_states *graph;
  int graphs;
  ag_cut_states *cuts;
  size_t cut_count, cut_capacity;
  int32_t *ids;
  size_t id_count, id_capacity;
} ag_training_set;

/* Add samples, in order. PSC: with a cut per segment; GNN: bounds are not looked at. Errors:
 * AG_INVALID for bounds that are no segmentation, a target that is not finite or a family out
 * of range, naming the sample. O(nodes * (segments + layers)) per graph. */
ag_status ag_training_set_add(ag_training_set *corpus, const ag_sample *samples, int count,
                              int families, ag_error *err);
void ag_training_set_free(ag_training_set *corpus);

#endif
