/* The model under construction (neutral.h) in two parts: the messages, in an arena that the graph's
 * store takes over, and the *probe*, an import that never ends. The probe holds every value with
 * its shape and, for constants, elements; each node is run through it alone. Every value counts as
 * used more than once there, so that no pattern of several nodes is taken for one.
 *
 * Names of values are those of nodes and weights, made unique. */
#ifndef AG_FORMATS_NEUTRAL_MODEL_H
#define AG_FORMATS_NEUTRAL_MODEL_H

#include "engine/formats/neutral.h"

typedef struct ag_neutral_facts {
  bool lasting; /* its data lives as long as the graph */
  bool emitted; /* it is an initializer of the model */
} ag_neutral_facts;

struct ag_neutral {
  const char *format;
  ag_arena *arena;
  ag_onnx_model model;
  ag_onnx_graph graph;
  Ag__Onnx__OperatorSet opset;
  Ag__Onnx__OperatorSet *opsets[1];

  ag_onnx_node **nodes;
  int32_t *node_source;
  int node_count, node_capacity, node_source_capacity;
  ag_onnx_tensor **initializers;
  int initializer_count, initializer_capacity;
  ag_onnx_value_info **inputs, **infos;
  int input_count, input_capacity, info_count, info_capacity;

  ag_onnx_source *sources;
  int source_count, source_capacity;

  ag_onnx_import probe;
  ag_onnx_graph probe_graph;
  ag_neutral_facts *facts; /* of each value */
  int facts_count, facts_capacity;
  uint8_t fate;
  const char *reason;
  int32_t ends[4]; /* input_start and output_start of the probe's only node */
  unsigned serial;
};

/* neutral.c: the error is about the current element of the file */
ag_status ag_neutral_at_source(ag_neutral *n, ag_status code);

/* neutral_values.c */
int ag_neutral_add_value(ag_neutral *n, const char *name); /* of no kind yet */
ag_onnx_value_info *ag_neutral_make_info(ag_neutral *n, const char *name, const ag_tensor *t);
/* Constants that a node of the model uses, or that are outputs, become initializers. */
void ag_neutral_emit_constant(ag_neutral *n, int value);

#endif
