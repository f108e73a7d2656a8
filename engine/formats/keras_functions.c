/* Functions in Keras's files, each as an op of a GraphDef. Three kinds of elements hold them:
 * TFOpLambda and SlicingOpLambda (Keras 2.4 and later) name one of TensorFlow's Python functions,
 * TensorFlowOpLayer (before) holds the node of a graph, and operations of Keras 3 are classes in
 * its module of operations. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "engine/formats/keras_function.h"
#include "engine/formats/tfjs.h"
#include "engine/graph/json_node.h"

enum { MOST_OPERANDS = 1000 };

static bool is_operation(const cJSON *layer) {
  const char *module = cJSON_GetStringValue(ag_json_field(layer, "module"));
  return module && strncmp(module, "keras", 5) == 0 && strstr(module, ".ops.");
}

bool ag_keras_is_function(const cJSON *layer) {
  static const char *const classes[] = {"TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", NULL};
  return ag_onnx_is_one_of(ag_keras_class(layer), classes) || is_operation(layer);
}

/* --- the op ------------------------------------------------------------------------ */

ag_status ag_keras_finish_function(ag_keras_function *f) {
  ag_tf_import *im = &f->l->im->functions;
  im->results = ag_arena_alloc(&im->arena, sizeof *im->results);
  im->result_count = ag_arena_alloc(&im->arena, sizeof *im->result_count);
  f->node->op = (char *)(uintptr_t)f->op;
  ag_tf_op op = {
      .im = im, .n = f->l->n, .node = f->node, .name = f->l->name, .count = f->count, .in = f->in};
  const ag_tf_rule *rule = ag_tf_find(f->op);
  if (!rule)
    return ag_neutral_fail(f->l->n, AG_UNSUPPORTED,
                           "no rule for the op '%s'; put a layer of Keras in its place, or export "
                           "the model to ONNX",
                           f->op);
  ag_status status = ag_tf_translate(&op, rule);
  f->l->results = (ag_keras_values){im->results[0], im->result_count[0]};
  return status;
}

static ag_keras_function begin(ag_keras_layer *l) {
  ag_keras_function f = {.l = l, .node = ag_arena_alloc(&l->im->arena, sizeof *f.node)};
  ag__tf__node__init(f.node);
  return f;
}

/* --- by name ----------------------------------------------------------------------- */

/* Without its module, and as both "reduce_mean" and "ReduceMean" are written in small letters. */
static void simplify(const char *function, char *name, size_t size) {
  const char *dot = strrchr(function, '.');
  size_t length = 0;
  for (const char *c = dot ? dot + 1 : function; *c && length + 1 < size; c++)
    if (*c != '_') name[length++] = (char)tolower((unsigned char)*c);
  name[length] = '\0';
}

/* Modules of functions on dense tensors; others have functions of the same names. */
static bool is_known_module(const char *function) {
  static const char *const modules[] = {
      "math",           "nn",           "image",           "linalg", "__operators__", "compat.v1",
      "compat.v1.math", "compat.v1.nn", "compat.v1.image", NULL};
  char module[32];
  const char *dot = strrchr(function, '.');
  if (!dot) return true;
  size_t length = (size_t)(dot - function);
  if (length >= sizeof module) return false;
  memcpy(module, function, length);
  module[length] = '\0';
  return strncmp(module, "keras", 5) == 0 || ag_onnx_is_one_of(module, modules);
}

static ag_status translate_named(ag_keras_layer *l, const char *function) {
  ag_keras_function f = begin(l);
  char name[48];
  simplify(function, name, sizeof name);
  ag_keras_rule rule = is_known_module(function) ? ag_keras_find_rule(name, &f.op) : NULL;
  if (rule) return rule(&f);
  return ag_neutral_fail(l->n, AG_UNSUPPORTED,
                         "no rule for the function '%s'; put a layer of Keras in its place, or "
                         "export the model to ONNX",
                         function);
}

/* --- as nodes of a graph ------------------------------------------------------------- */

/* Constants of these are numbers; all others' that are whole are sizes, axes and the like. */
static bool takes_numbers(const char *op, int slot) {
  static const char *const element_wise[] = {
      "Add",     "AddV2", "BiasAdd",           "Sub",         "Mul", "Div", "RealDiv", "Maximum",
      "Minimum", "Pow",   "SquaredDifference", "ClipByValue", NULL};
  return ag_onnx_is_one_of(op, element_wise) || (strcmp(op, "PadV2") == 0 && slot == 2);
}

static ag_status translate_node(ag_keras_layer *l) {
  const cJSON *message = ag_json_field(l->config, "node_def");
  const cJSON *constants = ag_json_field(l->config, "constants");
  ag_keras_function f = begin(l);
  if (!cJSON_IsObject(message))
    return ag_neutral_fail(l->n, AG_UNSUPPORTED,
                           "its node is not written as JSON; save the model with TensorFlow 2.1 "
                           "or newer");
  f.node = ag_tfjs_read_node(&l->im->arena, message);
  f.op = f.node->op ? f.node->op : "";
  int inputs = (int)f.node->n_input, next = 0;
  for (int slot = 0; slot < inputs && slot < MOST_OPERANDS; slot++) {
    char key[16];
    snprintf(key, sizeof key, "%d", slot);
    const cJSON *item = ag_json_field(constants, key);
    ag_status status = AG_OK;
    if (item)
      status = ag_keras_add_item(&f, item, !takes_numbers(f.op, slot));
    else if (next < l->count)
      ag_keras_add_value(&f, l->values[next++]);
    if (status) return status;
  }
  return ag_keras_finish_function(&f);
}

ag_status ag_keras_translate_function(ag_keras_layer *l, const cJSON *layer) {
  const char *function = cJSON_GetStringValue(ag_json_field(l->config, "function"));
  if (l->count < 1) return ag_neutral_fail(l->n, AG_FORMAT, "it reads nothing");
  if (l->count > MOST_OPERANDS)
    return ag_neutral_fail(l->n, AG_LIMIT, "more than %d operands", MOST_OPERANDS);
  if (strcmp(l->type, "TensorFlowOpLayer") == 0) return translate_node(l);
  if (is_operation(layer)) return translate_named(l, l->type);
  if (!function) return ag_neutral_fail(l->n, AG_FORMAT, "it does not say which function it is");
  return translate_named(l, function);
}
