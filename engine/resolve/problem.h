/* The internal form of a resolution problem, shared by the exact solver and the MILP.
 *
 * Tensors that must have equal H and W share one spatial variable, tensors that must have equal C
 * one channel variable. Each variable has a short list of candidate values; relations tie them:
 *
 *   conv       spatial in --strided--> spatial out        channels out: free candidates
 *   fold, pad  spatial in --function--> spatial out       channels in --ratio--> channels out
 *   concat     one spatial variable                       channels out = sum of channels in
 *
 * Relations stand in node order, so a value is generated before it is needed. */
#ifndef AG_RESOLVE_PROBLEM_H
#define AG_RESOLVE_PROBLEM_H

#include "autogo/resolve.h"
#include "engine/resolve/scratch.h"

enum {
  AG_RESOLVE_MAX_NODES = 1024,
  AG_RESOLVE_MAX_SUMS = 4096,
  AG_RESOLVE_MAX_STRIDES = 5, /* per dimension */
  AG_RESOLVE_MAX_IMAGES = AG_RESOLVE_MAX_STRIDES * AG_RESOLVE_MAX_STRIDES,
};

/* One value of a variable: a spatial size, or a channel count as {c, 0}. */
typedef struct ag_size {
  int32_t h, w;
} ag_size;

static inline int ag_size_compare(ag_size a, ag_size b) {
  if (a.h != b.h) return a.h < b.h ? -1 : 1;
  return (a.w > b.w) - (a.w < b.w);
}

typedef struct ag_resolve_var {
  ag_size *value; /* candidates, ascending; NULL until generated */
  int32_t count;
  bool spatial;
  bool pinned; /* a port gives its value, in `fixed` */
  ag_size fixed;
  int32_t mined;            /* channels its tensors were mined with */
  int64_t divisor;          /* channels must be a multiple of this */
  int32_t goal, goal_mined; /* pinned and mined channels of the tensor it runs into; 0 = none */
} ag_resolve_var;

typedef enum ag_relation_kind {
  AG_RELATION_STRIDED, /* spatial: one of several strides */
  AG_RELATION_SPATIAL, /* spatial: a function of the node */
  AG_RELATION_RATIO,   /* channels: to = from * num / den, exactly */
  AG_RELATION_SLICE,   /* channels: to = floor(from * num / den) */
  AG_RELATION_SUM,     /* channels: to = sum over terms of times * variable */
  AG_RELATION_CHOICE   /* channels: to is one of the candidates of a convolution */
} ag_relation_kind;

typedef struct ag_term {
  int32_t var;
  int32_t times;
} ag_term;

typedef struct ag_relation {
  ag_relation_kind kind;
  int32_t node;
  int32_t from, to; /* variables */
  int64_t num, den;
  int32_t terms;
  ag_term *term; /* SUM: distinct variables */
} ag_relation;

typedef struct ag_resolve_node {
  int32_t spatial_in, spatial_out, channel_in, channel_out; /* variables */
  ag_shape reference;                                       /* pushed forward */
  int32_t weight;                                           /* descendants */
  bool adapts;                                              /* charged for change, not for size */
  int32_t strides[2]; /* number of candidate strides per dimension; 0 = not strided */
  int32_t stride[2][AG_RESOLVE_MAX_STRIDES];
} ag_resolve_node;

typedef struct ag_resolve_model {
  const ag_resolve_problem *problem;
  const ag_segment *segment;
  ag_formulation formulation;
  int tensors; /* input ports, then nodes */
  ag_resolve_node *node;
  ag_resolve_var *var; /* indexed by the representative of a class */
  int32_t *parent;     /* union-find over tensors (spatial), tensors (channels), slices */
  int variables;       /* length of `var`; only representatives are used */
  ag_relation *relation;
  int relations;
  ag_scratch *scratch;
  bool (*stop)(void *context); /* may be NULL */
  void *stop_context;
} ag_resolve_model;

/* Check a problem: structure, attributes and sizes. Errors name the node or port. */
ag_status ag_resolve_validate(const ag_resolve_problem *problem, ag_error *err);

/* reference.c. The shape a tensor was mined with; the operand whose shape a node's input shape is
 * (ports count in the published model only where there is no other; a 1x1 scale of a join never
 * does); whether a node reads only the first channels of an operand. */
ag_shape ag_mined_shape(const ag_segment *segment, int32_t operand);
int32_t ag_lead_operand(const ag_resolve_model *model, int node);
bool ag_reads_slice(const ag_segment *segment, int node, int32_t operand);
/* Fill reference, or adapts and strides, of the model's nodes. */
void ag_resolve_push(ag_resolve_model *model);
void ag_resolve_describe(ag_resolve_model *model, int node);

/* Variables, relations and references, without candidates. */
void ag_resolve_link(const ag_resolve_problem *problem, ag_scratch *scratch,
                     ag_resolve_model *model);

/* Build the model with all candidates, and propagate to a fixed point. AG_INFEASIBLE and AG_LIMIT
 * as ag_resolve. Everything lives in `scratch`. The problem must be valid. */
ag_status ag_resolve_build(const ag_resolve_problem *problem, ag_scratch *scratch,
                           ag_resolve_model *model, ag_error *err);

/* domains.c: generate the candidates of every variable, then remove those without support. */
ag_status ag_resolve_domains(ag_resolve_model *model, ag_error *err);

/* The values of `to` that a relation with one source allows for `from`; returns their number, at
 * most AG_RESOLVE_MAX_IMAGES. Values outside the candidates of `to` may be among them. */
int ag_relation_images(const ag_resolve_model *model, const ag_relation *relation, ag_size from,
                       ag_size *images);

/* sums.c. Index of a value in an ascending list, or -1. */
int ag_sums_find(const int64_t *list, int count, int64_t value);

/* Distinct values of before[] + times * values[], ascending, from the scratch. Both lists are
 * ascending. NULL if there are more than AG_RESOLVE_MAX_SUMS. */
int64_t *ag_prefix_sums(ag_scratch *scratch, const int64_t *before, int before_count,
                        const ag_size *values, int value_count, int32_t times, int *count);

/* Index of a value among the candidates, or -1. */
int ag_var_find(const ag_resolve_var *var, ag_size value);

/* s, s/2, 1, 2s, 4s without repetition, in this order of preference; returns their number. */
int ag_stride_candidates(int32_t s, int32_t *list);

/* Candidate output channels of a convolution, ascending; 5 at most. */
int ag_conv_channels(const ag_resolve_model *model, int node, int32_t *list);

/* Cost of one node by its shapes; the objective is the sum over nodes. */
int64_t ag_node_charge(const ag_resolve_node *node, ag_shape in, ag_shape out);

/* Solvers: each fills `choice`, for each variable the index of its value. */
ag_status ag_resolve_exact(const ag_resolve_model *model, int32_t *choice, ag_error *err);
ag_status ag_resolve_milp(const ag_resolve_model *model, int32_t *choice, ag_error *err);
void ag_resolve_milp_warm_up(void);
/* The program that ag_resolve_milp would solve, as free MPS for other solvers; false where no
 * variable is open or the file cannot be written. */
bool ag_resolve_milp_write(const ag_resolve_model *model, const char *path);

/* The baseline works on nodes, not on the model's variables. */
ag_status ag_resolve_exhaustive(const ag_resolve_model *model, ag_shape *in, ag_shape *out,
                                ag_error *err);

static inline bool ag_resolve_stopped(const ag_resolve_model *m) {
  return m->stop && m->stop(m->stop_context);
}

/* AG_INFEASIBLE, naming the node. */
ag_status ag_infeasible_at(const ag_resolve_model *model, int node, const char *reason,
                           ag_error *err);

void ag_resolve_node_label(const ag_segment *segment, int node, char *label, size_t size);

#endif
