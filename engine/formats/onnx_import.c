/* Import: one pass over the nodes of the file makes drafts, a backward sweep finds the live ones,
 * and these are built. See onnx_internal.h for the vocabulary.
 *
 * Invariant of the pass: when a node is reached, each of its inputs is a constant or an
 * activation with a known shape; otherwise the import fails and names the node. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/formats/load.h"
#include "engine/formats/onnx_internal.h"
#include "engine/formats/wire.h"

/* --- inputs ----------------------------------------------------------------------- */

static const Ag__Onnx__Shape *declared_shape(const ag_onnx_value *v) {
  if (!v->info || !v->info->type || !v->info->type->tensor_type) return NULL;
  return v->info->type->tensor_type->shape;
}

static int declared_type(const ag_onnx_value *v) {
  const Ag__Onnx__TensorType *t = v->info && v->info->type ? v->info->type->tensor_type : NULL;
  int type = t && t->has_elem_type ? t->elem_type : AG_F32;
  return ag_onnx_is_half(type) ? AG_F32 : type;
}

/* For messages: the op type of the first node that reads a value. O(nodes). */
static const char *reader_of(const ag_onnx_import *im, const ag_onnx_value *v) {
  for (int node = 0; node < im->nodes; node++)
    for (int k = im->input_start[node]; k < im->input_start[node + 1]; k++)
      if (im->inputs[k] == v - im->values && im->graph->node[node]->op_type)
        return im->graph->node[node]->op_type;
  return "an output";
}

/* Rank and sizes as declared, open ones as 0. Errors: no shape, too many dimensions. */
static ag_status read_declared(ag_onnx_import *im, ag_onnx_value *v) {
  const Ag__Onnx__Shape *shape = declared_shape(v);
  if (v->info && v->info->type && !v->info->type->tensor_type)
    return ag_fail(im->err, AG_UNSUPPORTED, "the input '%s', which %s reads, is not a tensor",
                   v->name, reader_of(im, v));
  if (!shape)
    return ag_fail(im->err, AG_UNSUPPORTED,
                   "the file gives no shape for the input '%s', which %s reads", v->name,
                   reader_of(im, v));
  if (shape->n_dim > AG_MAX_RANK)
    return ag_fail(im->err, AG_LIMIT, "input '%s' has %zu dimensions; at most %d are handled",
                   v->name, shape->n_dim, AG_MAX_RANK);
  v->tensor = (ag_tensor){.dtype = (ag_dtype)declared_type(v), .rank = (int)shape->n_dim};
  for (size_t i = 0; i < shape->n_dim; i++) {
    int64_t dim = shape->dim[i]->has_dim_value ? shape->dim[i]->dim_value : 0;
    if (dim > INT32_MAX)
      return ag_fail(im->err, AG_FORMAT, "input '%s' has a size out of range", v->name);
    v->tensor.dims[i] = dim > 0 ? dim : 0;
  }
  if (!ag_onnx_bounded(&v->tensor))
    return ag_fail(im->err, AG_FORMAT, "input '%s' has a size out of range", v->name);
  return AG_OK;
}

/* Settle one dimension of an image input (batch, channels, height, width). */
static ag_status bind_dimension(ag_onnx_import *im, ag_onnx_value *v, int dim, int32_t bound) {
  static const char *const what[] = {"batch", "channels", "height", "width"};
  int64_t *size = &v->tensor.dims[dim];
  if (bound > 0 && *size > 0 && *size != bound)
    return ag_fail(im->err, AG_INVALID, "input '%s' has %s %" PRId64 ", not %d", v->name, what[dim],
                   *size, bound);
  if (bound > 0) *size = bound;
  if (*size > 0) return AG_OK;
  const char *param = declared_shape(v)->dim[dim]->dim_param;
  return ag_fail(im->err, AG_UNSUPPORTED,
                 "input '%s' leaves its %s open (dimension %d%s%s); give it with --input HxWxC",
                 v->name, what[dim], dim, param ? ", " : "", param ? param : "");
}

static ag_status bind_input(ag_onnx_import *im, ag_onnx_value *v) {
  int64_t *dims = v->tensor.dims;
  int rank = v->tensor.rank;
  if (rank > 0 && dims[0] == 0) {
    dims[0] = 1;
    im->dynamic_batch = true;
  }
  int32_t bound[4] = {0, im->bind.c, im->bind.h, im->bind.w};
  for (int i = 1; i < rank; i++) {
    ag_status status = AG_OK;
    if (rank == 4)
      status = bind_dimension(im, v, i, bound[i]);
    else if (dims[i] == 0)
      status = ag_fail(im->err, AG_UNSUPPORTED,
                       "input '%s', which %s reads, leaves dimension %d of %d open", v->name,
                       reader_of(im, v), i, rank);
    if (status) return status;
  }
  return AG_OK;
}

static ag_status add_input(ag_onnx_import *im, int value) {
  ag_onnx_value *v = &im->values[value];
  ag_status status = bind_input(im, v);
  if (status) return status;
  ag_node node = ag_node_make(AG_OP_INPUT);
  node.out = ag_onnx_shape(&v->tensor);
  if (node.out.c == 0) return ag_fail(im->err, AG_UNSUPPORTED, "input '%s' is too large", v->name);
  node.in = node.out;
  ag_record record = {.source_op = "Input"};
  ag_onnx_set_origin(im, NULL, &v->tensor, &record);
  node.record = ag_store_add(im->store, &record);
  v->kind = AG_ONNX_ACTIVATION;
  v->draft = ag_onnx_add_draft(im, &node, NULL, 0, value, -1);
  return AG_OK;
}

/* A list of sizes or axes may have none; elsewhere exporters write 0 for an open size. */
static bool is_empty_list(const ag_onnx_value *v) {
  const Ag__Onnx__Shape *shape = declared_shape(v);
  return shape->n_dim == 1 && shape->dim[0]->has_dim_value && v->tensor.dtype == AG_I64;
}

/* An input is data if some op reads it where no weight belongs; the other inputs are weights
 * without values. Where that leaves no data, the first one is. */
static ag_status add_inputs(ag_onnx_import *im) {
  int first = -1, data = 0;
  for (int i = 0; i < im->value_count; i++) {
    ag_onnx_value *v = &im->values[i];
    if (!v->graph_input || !v->uses) continue;
    ag_status status = read_declared(im, v);
    if (status) return status;
    if (first < 0) first = i;
    data += v->used_as_data && v->tensor.rank > 1;
  }
  for (int i = 0; i < im->value_count; i++) {
    ag_onnx_value *v = &im->values[i];
    if (!v->graph_input || !v->uses) continue;
    if (data ? v->used_as_data && v->tensor.rank > 1 : i == first) {
      ag_status status = add_input(im, i);
      if (status) return status;
      continue;
    }
    v->kind = AG_ONNX_CONSTANT;
    for (int d = 0; d < v->tensor.rank; d++)
      if (v->tensor.dims[d] == 0 && !is_empty_list(v))
        return ag_fail(im->err, AG_UNSUPPORTED, "weight '%s', which %s reads, has an open shape",
                       v->name, reader_of(im, v));
  }
  return AG_OK;
}

/* --- nodes ------------------------------------------------------------------------ */

static ag_status check_operands(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_node *n = op->node;
  for (int k = 0; k < op->inputs; k++)
    if (op->in[k] >= 0 && im->values[op->in[k]].kind == AG_ONNX_NONE)
      return ag_fail(im->err, AG_FORMAT, "reads '%s', which nothing defines",
                     im->values[op->in[k]].name);
  for (size_t i = 0; i < n->n_attribute; i++)
    if (n->attribute[i]->type == AG_ONNX_ATTRIBUTE_GRAPH ||
        n->attribute[i]->type == AG_ONNX_ATTRIBUTE_GRAPHS)
      return ag_fail(im->err, AG_UNSUPPORTED, "%s contains a sub-graph", n->op_type);
  return AG_OK;
}

static ag_onnx_result translate(ag_onnx_import *im, const ag_onnx_op *op) {
  const char *type = op->node->op_type;
  ag_onnx_translate function = NULL;
  if (ag_onnx_standard_domain(op->node)) {
    function = ag_onnx_find_op(type);
    if (!function) function = ag_onnx_find_shape_op(type);
  }
  if (!function) return ag_onnx_decline(im, "no CG op corresponds");
  if (op->outputs < 1 || op->out[0] < 0) return ag_onnx_decline(im, "its first output is unnamed");
  for (int k = 1; k < op->outputs; k++)
    if (op->out[k] >= 0 && im->values[op->out[k]].uses)
      return ag_onnx_decline(im, "its output '%s' is used", im->values[op->out[k]].name);
  return function(im, op);
}

ag_status ag_onnx_import_node(ag_onnx_import *im, int index) {
  ag_onnx_op op = {.index = index, .node = im->graph->node[index]};
  op.inputs = im->input_start[index + 1] - im->input_start[index];
  op.outputs = im->output_start[index + 1] - im->output_start[index];
  op.in = im->inputs + im->input_start[index];
  op.out = im->outputs + im->output_start[index];
  if (!op.node->op_type || !op.node->op_type[0])
    return ag_fail(im->err, AG_FORMAT, "a node has no op type");
  ag_status status = check_operands(im, &op);
  if (status) return status;
  if (ag_onnx_standard_domain(op.node) && ag_onnx_fold(im, &op)) return AG_OK;
  switch (translate(im, &op)) {
  case AG_ONNX_DONE:
    return AG_OK;
  case AG_ONNX_DECLINED:
    return ag_onnx_make_opaque(im, &op, im->why);
  default:
    return im->err->code;
  }
}

static ag_status import_nodes(ag_onnx_import *im) {
  for (int i = 0; i < im->nodes; i++) {
    int node = im->order[i];
    if (!im->live[node]) {
      ag_onnx_set_fate(im, node, AG_ONNX_FOLDED, "does not contribute to an output");
      continue;
    }
    ag_status status = ag_onnx_import_node(im, node);
    if (status) return ag_error_at_node(im->err, status, ag_onnx_place(im, node));
  }
  return AG_OK;
}

static ag_status add_outputs(ag_onnx_import *im) {
  for (size_t i = 0; i < im->graph->n_output; i++) {
    int value = ag_onnx_find(im, im->graph->output[i]->name);
    ag_onnx_value *v = &im->values[value];
    if (v->kind != AG_ONNX_ACTIVATION)
      return ag_fail(im->err, AG_UNSUPPORTED, "the output '%s', of %s, is a constant", v->name,
                     v->producer >= 0 ? im->graph->node[v->producer]->op_type : "the file");
    ag_node node = ag_node_make(AG_OP_OUTPUT);
    node.in = node.out = ag_onnx_shape(&v->tensor);
    ag_record record = {.source_op = "Output"};
    ag_onnx_set_origin(im, NULL, &v->tensor, &record);
    node.record = ag_store_add(im->store, &record);
    ag_onnx_add_draft(im, &node, &v->draft, 1, value, -1);
  }
  return AG_OK;
}

/* --- building --------------------------------------------------------------------- */

/* Operands precede their users, so one backward sweep finds what outputs need. A node of the file
 * all of whose drafts died was replaced by a pattern or read around. */
static void sweep(ag_onnx_import *im) {
  bool *alive = ag_arena_alloc(&im->arena, (size_t)im->nodes);
  for (int i = im->draft_count - 1; i >= 0; i--) {
    ag_onnx_draft *d = &im->drafts[i];
    d->live = d->live || d->node.op == AG_OP_OUTPUT;
    for (int k = 0; d->live && k < d->operands; k++)
      im->drafts[im->draft_operands[d->first_operand + k]].live = true;
    if (d->live && d->source >= 0) alive[d->source] = true;
  }
  for (int i = 0; i < im->nodes; i++)
    if (!alive[i] && (im->fate[i] == AG_ONNX_KEPT || im->fate[i] == AG_ONNX_OPAQUE))
      ag_onnx_set_fate(im, i, AG_ONNX_MERGED, "only its shape or a part of it is read");
}

static const char *draft_name(const ag_onnx_import *im, const ag_onnx_draft *d) {
  const char *node = d->source >= 0 ? im->graph->node[d->source]->name : NULL;
  return node && node[0] ? node : im->values[d->value].name;
}

static ag_status build(ag_onnx_import *im, const ag_graph **graph) {
  int capacity = 0, *operands = NULL;
  for (int i = 0; i < im->draft_count; i++) {
    ag_onnx_draft *d = &im->drafts[i];
    if (!d->live) continue;
    if (d->operands > capacity) {
      capacity = d->operands;
      operands = ag_resize(operands, (size_t)capacity, sizeof *operands);
    }
    for (int k = 0; k < d->operands; k++)
      operands[k] = im->drafts[im->draft_operands[d->first_operand + k]].built;
    d->built = ag_builder_add(im->builder, d->node, operands, d->operands, draft_name(im, d));
  }
  free(operands);
  ag_builder_set_dynamic_batch(im->builder, im->dynamic_batch);
  ag_builder *builder = im->builder;
  im->builder = NULL;
  return ag_builder_finish(builder, graph, im->err);
}

static ag_status read_opset(ag_onnx_import *im) {
  for (size_t i = 0; i < im->model->n_opset_import; i++) {
    const Ag__Onnx__OperatorSet *set = im->model->opset_import[i];
    bool standard = !set->domain || !set->domain[0] || strcmp(set->domain, "ai.onnx") == 0;
    if (standard && set->version > im->opset) im->opset = set->version;
  }
  if (im->opset == 0) im->opset = 1; /* IR 1 and 2 have no opset field */
  return AG_OK;
}

static ag_status import_model(ag_onnx_import *im, const ag_graph **graph,
                              ag_import_report *report) {
  ag_status status = read_opset(im);
  if (!status) status = ag_onnx_index(im);
  if (!status) status = add_inputs(im);
  if (!status) status = import_nodes(im);
  if (!status) status = add_outputs(im);
  if (status) return status;
  sweep(im);
  const ag_graph *g;
  status = build(im, &g);
  if (status) return status;
  if (report) ag_onnx_report(im, report);
  *graph = g;
  return AG_OK;
}

/* Imports the model, which lies in `memory`, and frees all but the graph. */
static ag_status run(ag_onnx_import *im, void *memory, void (*release)(void *, size_t),
                     const ag_graph **graph, ag_import_report *report) {
  im->graph = im->model->graph;
  im->builder = ag_builder_new(ag_wire_text(im->graph->name));
  im->store = ag_builder_store(im->builder);
  ag_store_adopt(im->store, memory, im->file_size, release);
  ag_status status = import_model(im, graph, report);
  ag_builder_free(im->builder);
  ag_map_free(&im->names);
  ag_map_free(&im->fills);
  free(im->values);
  free(im->drafts);
  free(im->draft_operands);
  ag_arena_free(&im->arena);
  return status;
}

static ag_status parse(const void *data, size_t size, const char *directory, ag_shape bind,
                       const ag_graph **graph, ag_import_report *report, ag_error *err) {
  ag_error scratch;
  ag_onnx_import im = {
      .directory = directory, .bind = bind, .file_size = size, .err = err ? err : &scratch};
  ag_onnx_model *model;
  ag_status status = ag_onnx_unpack(data, size, &model, im.err);
  if (status) return status;
  im.model = model;
  return run(&im, model, ag_onnx_free_model, graph, report);
}

ag_status ag_onnx_import_translation(const ag_onnx_translation *t, const ag_graph **graph,
                                     ag_import_report *report, ag_error *err) {
  ag_error scratch;
  ag_onnx_import im = {
      .model = t->model, .translation = t, .file_size = t->file_size, .err = err ? err : &scratch};
  return run(&im, t->memory, t->release, graph, report);
}

/* --- public ----------------------------------------------------------------------- */

ag_status ag_onnx_parse(const void *data, size_t size, ag_shape bind, const ag_graph **graph,
                        ag_import_report *report, ag_error *err) {
  return parse(data, size, NULL, bind, graph, report, err);
}

typedef struct request {
  ag_shape bind;
  const ag_graph **graph;
  ag_import_report *report;
  ag_error *err;
} request;

static ag_status parse_file(void *context, const void *data, size_t size, const char *directory) {
  const request *r = context;
  return parse(data, size, directory, r->bind, r->graph, r->report, r->err);
}

ag_status ag_onnx_load(const char *path, ag_shape bind, const ag_graph **graph,
                       ag_import_report *report, ag_error *err) {
  request r = {bind, graph, report, err};
  return ag_format_load(path, parse_file, &r, err);
}
