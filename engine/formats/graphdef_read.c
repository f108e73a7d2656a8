/* TensorFlow's frozen GraphDefs (graphdef.h): nodes in topological order are handed to the
 * translators, inputs and outputs made of what the file and the caller say. */
#include <limits.h>
#include <string.h>

#include "engine/formats/graphdef.h"
#include "engine/formats/wire.h"

ag_tf_value *ag_tf_set_results(ag_tf_op *op, int count) {
  ag_tf_value *results = ag_arena_alloc(&op->im->arena, (size_t)count * sizeof *results);
  op->im->results[op->index] = results;
  op->im->result_count[op->index] = count;
  return results;
}

/* --- inputs ----------------------------------------------------------------------- */

/* What the file says of the shape of a node's first result, -1 = open. */
static bool declared_shape(ag_tf_import *im, int node, ag_tensor *shape) {
  const ag_tf_node *n = im->graph->node[node];
  const ag_tf_attribute *a = ag_tf_attr(n, "shape"), *all = ag_tf_attr(n, "_output_shapes");
  if (a && a->shape && ag_tf_shape(a->shape, shape) && shape->rank > 0) return true;
  if (all && all->list && all->list->n_shape && ag_tf_shape(all->list->shape[0], shape))
    return true;
  if (strcmp(ag_wire_text(n->op), "Reshape") != 0) return false;
  *shape = (ag_tensor){.dtype = AG_F32};
  return ag_tf_constant_list(im, node, 1, shape->dims, AG_MAX_RANK, &shape->rank);
}

static ag_status bind_sizes(ag_tf_op *op, ag_tensor *shape) {
  static const char *const what[] = {"batch", "height", "width", "channels"};
  bool first = op->im->channels_first;
  const ag_shape bind = op->im->options->bind;
  int32_t bound[4] = {0, first ? bind.c : bind.h, first ? bind.h : bind.w, first ? bind.w : bind.c};
  for (int d = 1; d < shape->rank; d++) {
    int name = first ? (d == 1 ? 3 : d - 1) : d;
    int64_t *size = &shape->dims[d];
    if (shape->rank != 4 && *size > 0) continue;
    if (shape->rank != 4)
      return ag_neutral_fail(op->n, AG_UNSUPPORTED, "leaves dimension %d of %d open", d,
                             shape->rank);
    if (bound[d] > 0 && *size > 0 && *size != bound[d])
      return ag_neutral_fail(op->n, AG_INVALID, "has %s %d, not %d", what[name], (int)*size,
                             bound[d]);
    if (bound[d] > 0) *size = bound[d];
    if (*size <= 0)
      return ag_neutral_fail(op->n, AG_UNSUPPORTED,
                             "leaves its %s open; give it with --input HxWxC", what[name]);
  }
  return AG_OK;
}

static ag_status make_input(ag_tf_op *op) {
  ag_tensor shape;
  const ag_tf_attribute *type = ag_tf_attr(op->node, "dtype");
  const ag_shape bind = op->im->options->bind;
  if (type && type->type == 7)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED,
                           "its input is text; begin behind the decoding with --start NODE");
  if (!declared_shape(op->im, op->index, &shape)) {
    if (bind.c <= 0)
      return ag_neutral_fail(op->n, AG_UNSUPPORTED,
                             "the file gives no shape for the input; give it with --input HxWxC");
    shape = (ag_tensor){.dtype = AG_F32, .rank = 4, .dims = {-1, -1, -1, -1}};
  }
  if (shape.rank == 0)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "an input of a single number is not handled");
  ag_status status = bind_sizes(op, &shape);
  if (status) return status;
  ag_tensor own = shape;
  ag_tf_default_layout(op->im, op->out, shape.rank);
  for (int d = 0; d < shape.rank; d++) own.dims[d] = shape.dims[op->out->layout[d]];
  if (own.dims[0] < 0) own.dims[0] = 0;
  if (!ag_onnx_bounded(&own)) return ag_neutral_fail(op->n, AG_LIMIT, "its shape is too large");
  op->out->value = ag_neutral_input(op->n, op->name, &own);
  ag_neutral_fate(op->n, AG_ONNX_KEPT, NULL);
  return AG_OK;
}

/* --- nodes ------------------------------------------------------------------------ */

static ag_status make_constant(ag_tf_op *op) {
  const ag_tf_attribute *value = ag_tf_attr(op->node, "value");
  ag_tensor t;
  ag_status status = ag_tf_read_tensor(op->im, value ? value->tensor : NULL, &t);
  if (status) return status;
  op->out->constant = true;
  op->out->value = ag_neutral_constant(op->n, op->name, &t, false);
  ag_neutral_fate(op->n, AG_ONNX_FOLDED, "constant");
  return AG_OK;
}

/* An op without a rule is carried as it is, if the file says what shape comes out. */
static ag_status make_opaque(ag_tf_op *op) {
  const ag_tf_attribute *all = ag_tf_attr(op->node, "_output_shapes");
  ag_tensor shape;
  int *operands = ag_arena_alloc(&op->im->arena, (size_t)(op->count + 1) * sizeof *operands);
  if (!all || !all->list || !all->list->n_shape || !ag_tf_shape(all->list->shape[0], &shape))
    return ag_neutral_fail(op->n, AG_UNSUPPORTED,
                           "no rule for this op, and the file does not say what shape comes out; "
                           "leave it out with --start or --stop NODE");
  ag_status status = ag_tf_need(op, op->count);
  for (int k = 0; k < op->count && !status; k++) {
    ag_tf_value v = op->in[k];
    if (!v.constant) status = ag_tf_unflatten(op, &v);
    operands[k] = v.value;
  }
  if (status) return status;
  ag_tf_default_layout(op->im, op->out, shape.rank);
  ag_tensor own = shape;
  for (int d = 0; d < shape.rank; d++) own.dims[d] = shape.dims[op->out->layout[d]];
  ag_onnx_node *node =
      ag_neutral_begin(op->n, ag_neutral_print(op->n, "tensorflow.%s", op->node->op), op->name);
  return ag_neutral_end_many(op->n, node, operands, op->count, &op->out->value, 1, &own);
}

/* One result until the translator says otherwise. */
ag_status ag_tf_translate(ag_tf_op *op, const ag_tf_rule *rule) {
  op->out = ag_tf_set_results(op, 1);
  op->out->value = -1;
  ag_tf_identity_layout(op->out);
  op->onnx = rule->onnx;
  return rule->translate(op);
}

static const ag_tf_rule *rule_of(const ag_tf_op *op) {
  static const ag_tf_rule input = {"Placeholder", make_input, NULL};
  static const ag_tf_rule constant = {"Const", make_constant, NULL};
  static const ag_tf_rule any = {"", make_opaque, NULL};
  const char *type = op->node->op;
  if (op->index == op->im->start || strcmp(type, input.type) == 0) return &input;
  if (strcmp(type, constant.type) == 0) return &constant;
  const ag_tf_rule *found = ag_tf_find(type);
  return found ? found : &any;
}

/* The first of several results is the only one of most ops; of others the first has a meaning. */
static ag_status translate_node(ag_tf_import *im, int node) {
  static const ag_tf_value none = {.value = -1};
  ag_tf_op op = {.im = im, .n = im->n, .node = im->graph->node[node], .index = node};
  op.name = ag_wire_text(op.node->name);
  op.count = im->input_start[node + 1] - im->input_start[node];
  ag_tf_value *in = ag_arena_alloc(&im->arena, (size_t)op.count * sizeof *in);
  for (int k = 0; k < op.count; k++) {
    int at = im->input_start[node] + k, producer = im->inputs[at];
    bool known = im->ports[at] < im->result_count[producer];
    in[k] = known ? im->results[producer][im->ports[at]] : none;
  }
  op.in = in;
  return ag_tf_translate(&op, rule_of(&op));
}

static ag_status translate_nodes(ag_tf_import *im) {
  for (int i = 0; i < im->nodes; i++) {
    int node = im->order[i];
    const ag_tf_node *n = im->graph->node[node];
    ag_neutral_source(im->n, ag_wire_text(n->name), ag_wire_text(n->op));
    if (!n->op || !n->op[0]) return ag_neutral_fail(im->n, AG_FORMAT, "a node has no op");
    if (!im->live[node]) {
      ag_neutral_fate(im->n, AG_ONNX_FOLDED, "does not contribute to an output");
      continue;
    }
    ag_status status = translate_node(im, node);
    if (status) return status;
  }
  return AG_OK;
}

/* --- outputs ---------------------------------------------------------------------- */

/* Images leave as N, C, H, W, all others in the order of the source. */
static ag_status make_output(ag_tf_import *im, int node, int *value) {
  ag_tf_op op = {.im = im, .n = im->n, .node = im->graph->node[node], .index = node};
  op.name = ag_wire_text(op.node->name);
  ag_tf_value v = im->results[node][0], wanted = v;
  ag_status status = ag_tf_unflatten(&op, &v);
  if (status) return status;
  *value = v.value;
  int rank = ag_tf_tensor_of(&op, &v)->rank;
  ag_tf_identity_layout(&wanted);
  if (rank == 4 && memcmp(v.layout, wanted.layout, 4) == 0) return AG_OK;
  ag_tf_default_layout(im, &wanted, rank);
  return ag_tf_arrange(&op, &v, wanted.layout, value);
}

/* Live nodes that no live node reads. */
static ag_status collect_outputs(ag_tf_import *im, int *outputs, int *count) {
  bool *read = ag_arena_alloc(&im->arena, (size_t)im->nodes);
  ag_status status = AG_OK;
  for (int i = 0; i < im->nodes; i++)
    for (int k = im->input_start[i]; im->live[i] && k < im->input_start[i + 1]; k++)
      read[im->inputs[k]] = true;
  for (int i = 0; i < im->nodes && !status; i++) {
    bool wanted = im->stop >= 0 ? i == im->stop : im->live[i] && !read[i];
    if (!wanted || im->results[i][0].value < 0 || im->results[i][0].constant) continue;
    status = make_output(im, i, &outputs[(*count)++]);
  }
  if (!status && *count == 0)
    return ag_fail(im->err, AG_UNSUPPORTED, "the graph has no output that depends on an input");
  return status;
}

/* --- the whole -------------------------------------------------------------------- */

static void find_channels_first(ag_tf_import *im) {
  for (int i = 0; i < im->nodes; i++) {
    const ag_tf_node *n = im->graph->node[i];
    const char *type = ag_wire_text(n->op);
    if (strncmp(type, "Conv2D", 6) != 0 && strcmp(type, "_FusedConv2D") != 0) continue;
    im->channels_first = ag_tf_attr_is(n, "data_format", "NCHW", "NHWC");
    return;
  }
}

static ag_status run(ag_tf_import *im, const ag_graph **result, ag_import_report *report) {
  ag_status status = ag_tf_index(im);
  if (status) return status;
  find_channels_first(im);
  im->results = ag_arena_alloc(&im->arena, (size_t)im->nodes * sizeof *im->results);
  im->result_count = ag_arena_alloc(&im->arena, (size_t)im->nodes * sizeof *im->result_count);
  int *outputs = ag_arena_alloc(&im->arena, (size_t)im->nodes * sizeof *outputs), count = 0;
  ag_tf_find_dilations(im);
  status = translate_nodes(im);
  if (!status) status = collect_outputs(im, outputs, &count);
  return status ? status : ag_neutral_finish(im->n, outputs, count, result, report);
}

ag_status ag_tf_import_graph(const ag_tf_graph *graph, size_t file_size, bool weightless,
                             const ag_import_options *options, const ag_graph **result,
                             ag_import_report *report, ag_error *err) {
  static const ag_import_options none = {.start = NULL};
  ag_error scratch;
  ag_tf_import im = {.graph = graph,
                     .options = options ? options : &none,
                     .weightless = weightless,
                     .err = err ? err : &scratch,
                     .start = -1,
                     .stop = -1,
                     .file_size = file_size};
  im.n = ag_neutral_new("tensorflow", "graph", file_size, im.err);
  ag_status status = run(&im, result, report);
  ag_neutral_free(im.n);
  ag_map_free(&im.names);
  ag_arena_free(&im.arena);
  return status;
}
