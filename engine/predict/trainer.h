/* Loss and exact gradient of a batch of cuts. */
#ifndef AG_PREDICT_TRAINER_H
#define AG_PREDICT_TRAINER_H

#include "engine/predict/states.h"

/* Errors: AG_INVALID, naming the option or the sample. */
ag_status ag_train_check(const ag_train_options *options, const ag_sample *samples, int count,
                         ag_error *err);

enum {
  AG_SHARDS = 2,                 /* a batch is cut into as many parts, whatever the threads */
  AG_INPUT_WIDTH = 2 * AG_WIDTH, /* of a layer: own state, sum over predecessors */
  AG_BLOCK_ROWS = 128 /* of a layer at a time: their numbers stay in the second-level cache */
};

/* A prediction to make: cut `cut` of a graph of the corpus (-1 = the whole graph: GNN). */
typedef struct ag_item {
  int32_t graph, cut;
} ag_item;

/* The parameters as a step needs them: both matrices of a layer side by side, the head folded
 * (head.c). All matrices by row. */
typedef struct ag_step_weights {
  const ag_layout *layout;
  const float *params;
  bool residual;
  float layer[AG_MAX_LAYERS][AG_WIDTH * AG_INPUT_WIDTH];   /* [out][own ++ sum] */
  float columns[AG_MAX_LAYERS][AG_WIDTH * AG_INPUT_WIDTH]; /* the same, transposed */
  float head[AG_JOINED_MAX * AG_JOINED_MAX];               /* A */
  float head_columns[AG_JOINED_MAX * AG_JOINED_MAX];       /* A' */
  float head_bias[AG_JOINED_MAX];                          /* a */
  float head_mid[AG_JOINED_MAX];                           /* W3' r */
  float head_weight[AG_JOINED_MAX];                        /* w */
  float head_offset;                                       /* b */
} ag_step_weights;

void ag_step_weights_make(ag_step_weights *weights, const ag_config *config,
                          const ag_layout *layout, const float *params);

/* A gradient: by parameter, but of the head only in its folded form. */
typedef struct ag_gradient {
  float *params; /* as ag_layout */
  float head[AG_JOINED_MAX * AG_JOINED_MAX];
  float head_bias[AG_JOINED_MAX];
  float head_weight[AG_JOINED_MAX];
  float head_offset;
} ag_gradient;

/* The gradient of the folded head as that of its layers, added to gradient->params. */
void ag_gradient_unfold(ag_gradient *gradient, const ag_step_weights *weights);

/* --- a shard: the part of a batch that is evaluated by one thread ---------------------------- */

typedef struct ag_shard_layer {
  int rows, capacity, preds_capacity;
  int32_t *id;  /* states of the corpus, one per row */
  int32_t *own; /* rows of the layer below */
  int32_t *start, *preds;
  float *hat, *scale; /* what LayerNorm computed */
  float *active;      /* [rows][32] after tanh */
  float *state;       /* [rows][32] */
} ag_shard_layer;

typedef struct ag_shard {
  const ag_training_set *corpus;
  int32_t *slot[AG_MAX_LAYERS + 1]; /* per state of the corpus its row, if it has one */
  ag_shard_layer layer[AG_MAX_LAYERS + 1];
  float *input, *delta; /* of a block: [rows][64], later its gradient; gradient before tanh */
  float *grad[2];       /* [rows][32]: gradients of states, for layers by turns */
  int grad_capacity;    /* rows */
  int items, capacity;
  ag_item *item;         /* cuts of one graph stand together, in order */
  float *joined;         /* [items][joined], later its gradient */
  float *hidden;         /* [items][joined] before the ReLU, later its gradient */
  float *raw, *raw_grad; /* [items] */
  ag_gradient gradient;
} ag_shard;

void ag_shard_init(ag_shard *shard, const ag_training_set *corpus, const ag_layout *layout);
void ag_shard_free(ag_shard *shard);
void ag_shard_set_items(ag_shard *shard, const ag_item *items, int count);
/* Fill the layers' rows: what the items refer to. */
void ag_shard_collect(ag_shard *shard);
/* The gradient of a layer's states; that of the layer two above is gone. */
static inline float *ag_shard_grad(const ag_shard *shard, int layer) {
  return shard->grad[layer % 2];
}
/* A layer of all rows (layer.c): its states from those below; the gradient of those below, and what
 * the layer adds to that of the parameters, from the gradient of its states. */
void ag_layer_forward(ag_shard *shard, const ag_step_weights *weights, int layer);
void ag_layer_backward(ag_shard *shard, const ag_step_weights *weights, int layer);
/* Fill raw. */
void ag_shard_forward(ag_shard *shard, const ag_step_weights *weights);
/* From raw_grad to gradient (overwritten). Needs the forward pass's values. */
void ag_shard_backward(ag_shard *shard, const ag_step_weights *weights);

/* Between the last layer's states and the embeddings of P, S and C (pooling.c). */
void ag_pool_forward(ag_shard *shard, int joined);
void ag_pool_backward(ag_shard *shard, int joined);

/* --- the loss --------------------------------------------------------------------------------- */

typedef struct ag_loss_weights {
  double hinge, consistency, huber;
} ag_loss_weights;

/* A batch as the loss sees it: numbers per item; items of one graph stand together. */
typedef struct ag_loss_batch {
  int count;
  float *raw, *target;
  int32_t *family, *graph;
} ag_loss_batch;

/* Mean squared error, along its tangents where it is beyond `huber` (0: nowhere), plus `hinge`
 * times the mean over pairs of one family with target[i] > target[j] of max(0, 0.1 - (raw[i] -
 * raw[j])), pairs among at most 256 samples, evenly taken, plus `consistency` times the mean square
 * of raw[i] less the mean over the items of its graph. */
double ag_loss(const ag_loss_batch *batch, const ag_loss_weights *weights, float *grad);

/* --- a batch --------------------------------------------------------------------------------- */

typedef struct ag_trainer ag_trainer;

/* `config` and `corpus` must outlive the trainer. */
ag_trainer *ag_trainer_new(const ag_config *config, const ag_training_set *corpus, int threads);
void ag_trainer_free(ag_trainer *trainer);
const ag_layout *ag_trainer_layout(const ag_trainer *trainer);

/* Raw predictions for `items` (cuts of one graph together). */
void ag_trainer_predict(ag_trainer *trainer, const float *params, const ag_item *items, int count,
                        float *raw);
/* The loss over `items` and its gradient by parameter. The same for any number of threads. */
double ag_trainer_gradient(ag_trainer *trainer, const float *params, const ag_item *items,
                           int count, const ag_loss_weights *weights, float *gradient);

#endif
