/* Inside a predictor: what its options mean, where its parameters lie, what inference derives
 * from them. */
#ifndef AG_PREDICT_MODEL_H
#define AG_PREDICT_MODEL_H

#include "autogo/predict.h"
#include "engine/predict/kernels.h"
#include "engine/predict/range.h"

enum {
  AG_MAX_LAYERS = 16,
  AG_JOINED_MAX = 3 * AG_WIDTH,
  AG_OP_ROWS = 32,    /* rows of the op embeddings */
  AG_KERNEL_ROWS = 8, /* larger kernels share the last row */
  AG_REGULAR_WIDTH = 24,
  AG_WEIGHTED_WIDTH = 14,
  AG_KERNEL_WIDTH = 4,
  AG_SHAPE_WIDTH = 8,
  AG_SIZES = 6, /* H in, H out, W in, W out, C in, C out */
  AG_BIAS_WIDTH = 2,
  AG_HEAD_LAYERS = 4,
  AG_MAX_PARAMS = 20 + 5 * AG_MAX_LAYERS,
  AG_FAMILIES_MAX = 64,
  AG_TABLE_MAX = 1024 /* rows of a family's target table */
};

typedef struct ag_config {
  ag_model model;
  int layers;
  bool residual;       /* x + tanh(LayerNorm(...)) instead of tanh(...) */
  bool log_features;   /* log2(size)/4 - 0.5 instead of size / normaliser */
  bool distinct_edges; /* the same tensor used twice counts once */
  bool bypass_joins;   /* joins left with one predecessor are removed */
  bool flatten;        /* additions are no nodes: flat.h; without the two above */
  bool backward;       /* messages go from users to operands: flat.h; without those two, too */
  bool sum_pooling;    /* GNN: the scaled sum of states beside their mean */
} ag_config;

/* How a tensor starts: normal(0, 1); uniform within 1 / sqrt(inputs); ones; zeros. */
typedef enum ag_initial {
  AG_INITIAL_NORMAL,
  AG_INITIAL_UNIFORM,
  AG_INITIAL_ONE,
  AG_INITIAL_ZERO
} ag_initial;

typedef struct ag_param {
  char name[48];
  ag_initial initial;
  int inputs; /* of the linear map it belongs to */
  int rank;
  int64_t dims[2];
  int offset, size; /* floats */
} ag_param;

/* Offsets of all tensors in one flat array of floats, in the order of the published files. */
typedef struct ag_layout {
  int regular, weighted, kernel;        /* embeddings: op of plain and weighted nodes, kernel */
  int shape_w, shape_b, bias_w, bias_b; /* linear maps of sizes and of the bias flag */
  struct {
    int left_w, left_b, right_w; /* of the sum over predecessors; of the node itself */
    int norm_w, norm_b;          /* residual layers only */
  } layer[AG_MAX_LAYERS];
  int head_w[AG_HEAD_LAYERS], head_b[AG_HEAD_LAYERS];
  int out_w, out_b;
  int joined; /* width of the head: 32 (GNN), 64 (GNN with sum pooling) or 96 (PSC) */
  int size;   /* floats in all */
  int params;
  ag_param param[AG_MAX_PARAMS];
} ag_layout;

void ag_layout_make(const ag_config *config, ag_layout *layout);

/* The head folded: y = w . relu(A h + a) + b, exact because its layers are linear but one. */
typedef struct ag_head {
  int joined;
  /* A, by column: matrix[in * joined + out] */
  _Alignas(AG_ALIGNMENT) float matrix[AG_JOINED_MAX * AG_JOINED_MAX];
  float bias[AG_JOINED_MAX];
  float weight[AG_JOINED_MAX];
  float offset;
} ag_head;

void ag_head_fold(const ag_layout *layout, const float *params, ag_head *head);
/* The GNN's embedding from the sum over `count` last-layer states: their mean and, with sum
 * pooling, the sum over AG_SUM_UNIT. */
enum { AG_SUM_UNIT = 64 };
static inline void ag_embed_graph(const ag_layout *layout, const double *sum, int count,
                                  float *joined) {
  for (int j = 0; j < AG_WIDTH; j++) joined[j] = count ? (float)(sum[j] / count) : 0;
  if (layout->joined != 2 * AG_WIDTH) return;
  for (int j = 0; j < AG_WIDTH; j++) joined[AG_WIDTH + j] = (float)(sum[j] / AG_SUM_UNIT);
}
/* The numbers for rows of joined embeddings. */
void ag_head_values(const ag_predictor *predictor, const float *joined, int rows, double *values);
/* acc += A[:, from .. from+32) h; acc starts as a copy of head->bias. */
void ag_head_accumulate(const ag_predictor *predictor, int from, const float *h, float *acc);
/* w . relu(acc) + b. */
double ag_head_finish(const ag_predictor *predictor, const float *acc);

/* How predictions of one family map back to labels: rows (raw, label), both ascending. Beyond the
 * ends ranks stay at the end, the others extend the line; labels of AG_TRANSFORM_LOG are
 * logarithms. */
typedef struct ag_target {
  char *family;
  ag_transform transform;
  int rows;
  float *table;
} ag_target;

struct ag_predictor {
  ag_config config;
  ag_layout layout;
  float *params;
  int families;
  ag_target *target;
  const ag_kernels *kernels; /* for this processor */
  ag_layer_weights *layers;  /* packed for the kernels */
  ag_head head;
  ag_predictor *next; /* of an ensemble: the other members, owned */
  double caution;     /* of an ensemble: the first member's holds */
  ag_range range;     /* of the training; of an ensemble: what all have seen */
};

/* A predictor around `params` (taken over) and `targets` (taken over), with everything derived. */
ag_predictor *ag_predictor_make(const ag_config *config, float *params, ag_target *targets,
                                int families);
ag_target *ag_targets_copy(const ag_target *targets, int families);
void ag_targets_free(ag_target *targets, int families);

struct ag_st_file;
struct ag_st_writer;
/* What ag_predictor_save writes and ag_predictor_load reads. */
void ag_predictor_put(const ag_predictor *predictor, struct ag_st_writer *writer);
ag_status ag_predictor_parse(const struct ag_st_file *file, ag_predictor **predictor,
                             ag_error *err);
/* The configuration of a file's member number `member`, from 0. */
ag_status ag_config_read(const struct ag_st_file *file, int member, ag_config *config,
                         ag_error *err);
void ag_config_put(const ag_config *config, struct ag_st_writer *writer);
/* What member number `member` >= 1 has otherwise than the first. */
void ag_config_put_member(const ag_config *config, const ag_config *first, int member,
                          struct ag_st_writer *writer);

/* Mean and standard deviation of the members' values. */
void ag_ensemble_moments(const ag_predictor *predictor, const double *values, double *mean,
                         double *spread);
/* One number from the members' values, in their order: mean - caution * spread. */
double ag_ensemble_value(const ag_predictor *predictor, const double *values);

/* --- features ----------------------------------------------------------------------------- */

/* What the first state of a node depends on: sizes as fed to their linear map, rows of the
 * embeddings. Two nodes of equal keys share their state. */
typedef struct ag_feature {
  float sizes[AG_SIZES];
  int32_t op, weighted, kernel[2], bias;
} ag_feature;

/* The maxima sizes are divided by: the graph's own where set, else 256, 256, 512. */
ag_shape ag_feature_normalisers(const ag_graph *graph);
ag_feature ag_feature_make(bool log_sizes, const ag_node *node, ag_shape normalisers);
/* The 32 numbers: weighted nodes op (14), sizes (8), kernel height (4), kernel width (4),
 * bias (2); others op (24), sizes (8). Source: published.md. */
void ag_feature_embed(const ag_layout *layout, const float *params, const ag_feature *feature,
                      float *state);

/* The way back: add the gradient of the 32 numbers to that of the parameters. */
void ag_feature_backward(const ag_layout *layout, const ag_feature *feature,
                         const float *state_grad, float *grad);

static inline void ag_predictor_embed(const ag_predictor *p, const ag_node *node,
                                      ag_shape normalisers, float *state) {
  ag_feature f = ag_feature_make(p->config.log_features, node, normalisers);
  ag_feature_embed(&p->layout, p->params, &f, state);
}

#endif
