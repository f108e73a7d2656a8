/* autogo/predict.h - the k-GNN performance predictor: inference and training.
 *
 * Two models share one encoder: GNN embeds the whole graph, PSC embeds predecessor, segment
 * and successor of a cut separately and joins them in the head.
 * Source: algorithm.md section 6, predictor.md, published.md. */
#ifndef AUTOGO_PREDICT_H
#define AUTOGO_PREDICT_H

#include "autogo/segment.h"

typedef enum ag_model { AG_MODEL_GNN, AG_MODEL_PSC } ag_model;

typedef struct ag_predictor ag_predictor;

/* Weights in safetensors: the published checkpoints and our own. The metadata says which model,
 * features and layers they are for (engine/predict/predictor.c lists it); what it leaves out is
 * as published. A predictor is immutable: any number of threads may use one. Errors: AG_IO,
 * AG_FORMAT or AG_UNSUPPORTED, naming file and tensor. */
ag_status ag_predictor_load(const char *path, ag_predictor **predictor, ag_error *err);
/* Atomic; loading gives back every bit. */
ag_status ag_predictor_save(const ag_predictor *predictor, const char *path, ag_error *err);
void ag_predictor_free(ag_predictor *predictor);
ag_model ag_predictor_model(const ag_predictor *predictor);

/* --- ensembles: a predictor of up to 8 members, used, saved and loaded like one ----------------
 */

enum { AG_MEMBERS_MAX = 8 };
int ag_predictor_members(const ag_predictor *predictor);
/* An ensemble of copies of predictors of one model, which may differ in all else; labels are told
 * by the first, for the mean of what all say where they know the family's same labels. Errors:
 * AG_INVALID for another number of members, mixed models, or members that are ensembles. */
ag_status ag_predictor_join(const ag_predictor *const *members, int count, ag_predictor **ensemble,
                            ag_error *err);
/* A copy of member number `index` (from 0), a predictor by itself. */
ag_predictor *ag_predictor_member(const ag_predictor *predictor, int index);
/* From now on all numbers are mean - caution * spread over the members (0 at first: the mean). Set
 * it before threads share the predictor. It is not saved. */
void ag_predictor_set_caution(ag_predictor *predictor, double caution);
double ag_predictor_caution(const ag_predictor *predictor);
/* Mean over the members of the score of an architecture (ag_predict_score) and its standard
 * deviation: how far they disagree. Caution plays no part. */
ag_status ag_predict_spread(const ag_predictor *predictor, const ag_graph *graph,
                            const int32_t *bounds, int count, double *mean, double *spread,
                            ag_error *err);

/* The raw number for one cut [first, last) (PSC) or the whole graph (GNN; the cut is ignored).
 * Slow and plain, in double: the oracle of the fast paths. AG_INVALID if the cut is empty or not
 * within the graph. O((nodes + edges) * layers). */
ag_status ag_predict(const ag_predictor *predictor, const ag_graph *graph, int first, int last,
                     double *value, ag_error *err);

/* The score of an architecture: mean over the cuts bounds[0..count] of its full segmentation
 * (PSC), or the GNN's number. `bounds` has count + 1 entries; AG_INVALID unless they ascend
 * within the graph. One pass over the graph serves all cuts; each adds its segment and the nodes
 * within six hops after it. */
ag_status ag_predict_score(const ag_predictor *predictor, const ag_graph *graph,
                           const int32_t *bounds, int count, double *value, ag_error *err);

/* A graph's node states, worked out once for all places in it. Immutable after creation; keeps the
 * graph alive; the predictor must outlive it. O(nodes * layers). */
typedef struct ag_encoding ag_encoding;
ag_encoding *ag_encoding_new(const ag_predictor *predictor, const ag_graph *graph);
void ag_encoding_free(ag_encoding *encoding);

/* What ag_predict_score averages, cut by cut (PSC only): values[0..count). */
ag_status ag_predict_cuts(const ag_predictor *predictor, const ag_graph *graph,
                          const int32_t *bounds, int count, double *values, ag_error *err);

/* A place: graph and cut [first, last), a non-empty range of the graph's nodes, with everything
 * that stays while segments are tried there. Immutable after creation, so that many threads may
 * score at once. A place of an encoding must not outlive it; ag_place_new makes one of its own. */
typedef struct ag_place ag_place;
ag_place *ag_encoding_place(const ag_encoding *encoding, int first, int last);
ag_place *ag_place_new(const ag_predictor *predictor, const ag_graph *graph, int first, int last);
void ag_place_free(ag_place *place);

/* The raw number with `segment` (shapes resolved) spliced into the place by the maps of
 * ag_graph_splice. Equals ag_predict on the materialised child to 1e-5. Results do not depend
 * on threads, batches or processors. O(nodes of the segment) for PSC; for GNN also those within six
 * hops after it. */
double ag_place_predict(const ag_place *place, const ag_segment *segment, const int32_t *input_map,
                        const int32_t *output_map);

/* What of a graph lies outside of what the predictor was trained on, as texts ("conv kernel 7x7",
 * "height 224 (1 to 32)"), into a malloc'd array; returns their number, or -1 if the weights do not
 * say what they were trained on. Ops and kernels by their order, then sizes. O(nodes). */
typedef struct ag_finding {
  char text[80];
} ag_finding;
int ag_predictor_outside(const ag_predictor *predictor, const ag_graph *graph,
                         ag_finding **findings);
/* Say that these graphs are what it was trained on, as training does by itself. Before threads
 * share the predictor. */
void ag_predictor_observe(ag_predictor *predictor, const ag_graph *const *graphs, int count);

/* A raw number in the unit of the label the predictor was trained on, for a family it knows
 * ("" = its only one, if so); the raw number itself otherwise. */
double ag_predictor_label(const ag_predictor *predictor, const char *family, double raw);

/* --- training ------------------------------------------------------------------------ */

/* What is learnt of a label: the normal quantile of its rank, its z-score, or the z-score of its
 * logarithm (labels above 0: latencies). */
typedef enum ag_transform {
  AG_TRANSFORM_RANK,
  AG_TRANSFORM_Z_SCORE,
  AG_TRANSFORM_LOG
} ag_transform;

typedef struct ag_sample {
  const ag_graph *graph; /* in canonical order */
  const int32_t *bounds; /* its segmentation, ag_segmentation_bounds */
  int segments;
  double target;
  int family; /* targets are transformed per family; 0 .. families-1 */
} ag_sample;

typedef struct ag_train_options {
  ag_model model;
  int epochs;        /* at least 1 */
  int batch, splits; /* graphs per batch, random splits per graph (PSC); 1 .. 8192 */
  double learning_rate;
  double warmup;      /* steps of linear warm-up, a quarter of all at most; then cosine
                         to `final_rate` of it */
  double final_rate;  /* 0 < .. <= 1; 1 = constant */
  double hinge;       /* weight of the pairwise hinge; 0 = MSE only */
  double consistency; /* PSC: weight of the variance of a graph's cuts about their mean */
  double huber;       /* errors beyond it count linearly, not squared; 0 = none do */
  double clip;        /* longest gradient (Euclidean norm); 0 = any */
  int patience;       /* stop after so many epochs without a better validation; 0 = never */
  ag_transform transform;
  bool residual;     /* residual + LayerNorm layers (recipe X) or published layers */
  bool log_features; /* log2 sizes or published normalised ones */
  bool flatten;      /* additions are no nodes: who uses one hears of its terms, so that networks
                        that differ in the order of additions alone are one */
  bool backward;     /* nodes hear of what is made of them instead of what they were made from */
  bool sum_pooling;  /* GNN: sum of the states beside their mean (costs add up) */
  uint64_t seed;
  int threads;                 /* the result does not depend on them */
  const char *const *families; /* names for the weights file */
  int family_count;            /* 1 .. 64 */
  const ag_predictor *from;    /* fine-tune: starts from these weights, with their model, layers and
                                  features; NULL = from random ones */
  const char *checkpoint;      /* file written every `checkpoint_every` epochs and on interruption,
                                  atomically; NULL = none. It is a weights file too: the best
                                  weights so far. */
  int checkpoint_every;        /* at least 1 */
  const char *resume;          /* checkpoint to go on from, of the same samples and options (threads
                                  aside); the result is that of a run without interruption */
} ag_train_options;

ag_train_options ag_train_defaults(ag_model model); /* recipe X */
/* As published: plain layers, normalised sizes, z-score, MSE, Adam 1e-4, 40 epochs, batches of 32.
 */
ag_train_options ag_train_published(ag_model model);
/* To fit known weights to few new labels: `from` is to be set. Targets are the labels scaled to
 * mean and deviation of the weights' own predictions, so that only what they got wrong is learnt.
 */
ag_train_options ag_train_fine_tuning(const ag_predictor *from);

typedef struct ag_train_progress {
  int epoch, epochs;
  double loss, srcc; /* srcc on the validation part */
  double samples_per_second;
  double seconds_left; /* to the last epoch, at the pace of the last one */
} ag_train_progress;

/* Train on train[], keep the weights of the epoch that is best on valid[] by SRCC, averaged over
 * families (valid_count = 0: those of the last). Samples are read before the first epoch and not
 * needed after. `progress` may be NULL; returning false from it stops (AG_INTERRUPTED, best weights
 * so far are still returned). Errors: AG_INVALID, naming the option or the sample;
 * AG_LIMIT for additions that cannot be flattened.
 * Every distinct node state of a batch is evaluated once, however many cuts and graphs share it.
 * Source: predictor.md, recipe X. */
ag_status ag_train(const ag_sample *train, int train_count, const ag_sample *valid, int valid_count,
                   const ag_train_options *options,
                   bool (*progress)(void *context, const ag_train_progress *progress),
                   void *context, ag_predictor **predictor, ag_error *err);

/* --- metrics ---------------------------------------------------------------------------- */

double ag_srcc(const double *a, const double *b, int count); /* Spearman, mid-ranks for ties */
double ag_kendall(const double *a, const double *b, int count);
double ag_mae(const double *a, const double *b, int count);

#endif
