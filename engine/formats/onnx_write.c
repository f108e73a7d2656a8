/* Export: plan, emit, pack (onnx_export.h). */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/formats/onnx_export.h"

enum { OPSET = 13 };

/* --- plan ------------------------------------------------------------------------- */

static int64_t batch_of(const ag_onnx_export *x) {
  return x->graph->dynamic_batch ? -1 : 1;
}

/* A result of that rank: (N, C, H, W), or (N, H * W * C). */
static void set_form(const ag_onnx_export *x, int node, int rank) {
  ag_onnx_result_tensor *r = &x->results[node];
  ag_shape s = x->graph->nodes[node].out;
  r->rank = rank;
  r->dims[0] = batch_of(x);
  if (ag_graph_arity(x->graph, node) > 0) {
    const ag_onnx_result_tensor *first = &x->results[ag_graph_operands(x->graph, node)[0]];
    if (first->rank) r->dims[0] = first->dims[0];
  }
  r->dims[1] = rank == 2 ? ag_shape_size(s) : s.c;
  r->dims[2] = s.h;
  r->dims[3] = s.w;
}

static bool is_vector(ag_shape s) {
  return s.h == 1 && s.w == 1;
}

/* The shape the source gave the tensor, if the node still has that shape. */
static bool form_from_origin(const ag_onnx_export *x, int node) {
  const ag_onnx_origin *origin = x->origins[node];
  ag_onnx_result_tensor *r = &x->results[node];
  if (!origin) return false;
  ag_tensor t = {.rank = (int)origin->n_shape};
  for (int d = 0; d < t.rank; d++)
    t.dims[d] = d == 0 && origin->shape[0] < 0 ? 1 : origin->shape[d];
  if (!ag_shape_equal(ag_onnx_shape(&t), x->graph->nodes[node].out)) return false;
  r->rank = t.rank;
  memcpy(r->dims, t.dims, sizeof r->dims);
  if (t.rank && origin->shape[0] < 0) r->dims[0] = batch_of(x);
  r->dtype = origin->elem_type;
  return true;
}

/* Joined tensors all have one form: the operands' own if they agree, else the larger. */
static void form_of_join(const ag_onnx_export *x, int node) {
  const int32_t *operands = ag_graph_operands(x->graph, node);
  const ag_onnx_result_tensor *first = &x->results[operands[0]];
  bool vectors = true, equal = true;
  for (int k = 0; k < ag_graph_arity(x->graph, node); k++) {
    const ag_onnx_result_tensor *r = &x->results[operands[k]];
    vectors = vectors && r->rank == 2;
    equal = equal && r->rank == first->rank &&
            memcmp(r->dims, first->dims, (size_t)r->rank * sizeof *r->dims) == 0;
  }
  bool reads_all = !(x->graph->nodes[node].flags & AG_FLAG_SLICE);
  bool join = ag_op_get(x->graph->nodes[node].op)->rule == AG_RULE_JOIN;
  set_form(x, node, vectors ? 2 : 4);
  if (equal && join && reads_all) {
    x->results[node].rank = first->rank;
    memcpy(x->results[node].dims, first->dims, sizeof first->dims);
  }
}

static void plan_form(const ag_onnx_export *x, int node) {
  const ag_node *n = &x->graph->nodes[node];
  x->results[node].dtype = AG_F32;
  switch (ag_op_get(n->op)->rule) {
  case AG_RULE_INPUT:
  case AG_RULE_OPAQUE:
    if (!form_from_origin(x, node)) set_form(x, node, 4);
    break;
  case AG_RULE_SAME: {
    const ag_onnx_result_tensor *from = &x->results[ag_graph_operands(x->graph, node)[0]];
    if (n->op == AG_OP_OUTPUT && form_from_origin(x, node)) break;
    x->results[node] = *from;
    if (n->op == AG_OP_CHANNEL_SHUFFLE) set_form(x, node, 4);
    break;
  }
  case AG_RULE_DENSE:
    set_form(x, node, is_vector(n->in) ? 2 : 4);
    break;
  case AG_RULE_FLATTEN:
    set_form(x, node, 2);
    break;
  case AG_RULE_JOIN:
  case AG_RULE_CONCAT:
    form_of_join(x, node);
    break;
  default:
    set_form(x, node, 4);
  }
}

static const char *end_name(const ag_onnx_export *x, int node, const char *otherwise) {
  const char *name = x->graph->names ? x->graph->names[node] : NULL;
  return name && name[0] ? name : otherwise;
}

/* Inputs and outputs keep their names. A tensor that is an output bears the output's name, unless
 * it is an input too, leaves twice, or has to change its form on the way out. */
static void plan_names(ag_onnx_export *x) {
  const ag_graph *g = x->graph;
  for (int i = 0; i < g->size; i++) {
    ag_onnx_result_tensor *r = &x->results[i];
    if (g->nodes[i].op == AG_OP_INPUT) r->name = ag_onnx_unique(x, "%s", end_name(x, i, "input"));
    if (g->nodes[i].op != AG_OP_OUTPUT) continue;
    ag_onnx_result_tensor *from = &x->results[ag_graph_operands(g, i)[0]];
    r->name = ag_onnx_unique(x, "%s", end_name(x, i, "output"));
    bool same = from->rank == r->rank &&
                memcmp(from->dims, r->dims, (size_t)r->rank * sizeof *r->dims) == 0;
    if (same && !from->name) from->name = r->name;
  }
  for (int i = 0; i < g->size; i++)
    if (!x->results[i].name) x->results[i].name = ag_onnx_unique(x, "t%d", i);
}

static void plan(ag_onnx_export *x) {
  x->results = ag_arena_alloc(&x->arena, (size_t)x->graph->size * sizeof *x->results);
  x->origins = ag_arena_alloc(&x->arena, (size_t)x->graph->size * sizeof *x->origins);
  x->opset = x->options->opset ? x->options->opset : OPSET;
  for (int i = 0; i < x->graph->size; i++) {
    x->origins[i] = ag_onnx_read_origin(x->graph, i);
    const ag_onnx_origin *origin = x->origins[i];
    bool standard = origin && origin->node && !(origin->node->domain && origin->node->domain[0]);
    int64_t needed = standard ? origin->opset : ag_onnx_needed_opset(&x->graph->nodes[i]);
    if (!x->options->opset && needed > x->opset) x->opset = needed;
    plan_form(x, i);
  }
  plan_names(x);
}

/* --- emit ------------------------------------------------------------------------- */

static void emit_inputs(ag_onnx_export *x) {
  for (int i = 0; i < x->graph->size; i++) {
    const ag_onnx_result_tensor *r = &x->results[i];
    if (x->graph->nodes[i].op == AG_OP_INPUT)
      ag_onnx_emit_graph_input(x, r->name, r->dtype, r->dims, r->rank);
  }
}

static ag_status emit_nodes(ag_onnx_export *x) {
  for (int i = 0; i < x->graph->size; i++) {
    int needed = ag_onnx_needed_opset(&x->graph->nodes[i]);
    ag_status status =
        needed > x->opset ? ag_fail(x->err, AG_UNSUPPORTED,
                                    "it needs operator set %d; ask for that or a newer one", needed)
                          : ag_onnx_emit_node(x, i);
    char label[256];
    if (status)
      return ag_error_at_node(x->err, status,
                              ag_graph_node_label(x->graph, i, label, sizeof label));
  }
  return AG_OK;
}

static void emit_outputs(ag_onnx_export *x, ag_onnx_graph *graph) {
  const ag_graph *g = x->graph;
  graph->output = ag_arena_alloc(&x->arena, (size_t)g->size * sizeof *graph->output);
  for (int i = 0; i < g->size; i++) {
    if (g->nodes[i].op != AG_OP_OUTPUT) continue;
    const ag_onnx_result_tensor *r = &x->results[i];
    const ag_onnx_result_tensor *from = &x->results[ag_graph_operands(g, i)[0]];
    if (from->name != r->name) ag_onnx_emit_reshape(x, from->name, from, r, r->name);
    graph->output[graph->n_output++] =
        ag_onnx_emit_value_info(x, r->name, r->dtype, r->dims, r->rank);
  }
}

/* --- pack ------------------------------------------------------------------------- */

/* The file format that came with the operator set. */
static int64_t format_version(int64_t opset) {
  static const int8_t versions[] = {3, 3, 4, 5, 6, 7, 7, 7, 8, 8, 8, 8, 9, 9, 10, 10};
  return versions[opset - AG_ONNX_OPSET_MIN];
}

/* Version 3 of the file format wants weights among the inputs. */
static void list_weights_as_inputs(ag_onnx_export *x) {
  for (size_t i = 0; i < x->initializer_count; i++) {
    const ag_onnx_tensor *t = x->initializers[i];
    ag_onnx_emit_graph_input(x, t->name, t->data_type, t->dims, (int)t->n_dims);
  }
}

static void fill_model(ag_onnx_export *x, ag_onnx_model *model, ag_onnx_graph *graph) {
  size_t sets = x->domain_count + 1;
  if (format_version(x->opset) < 4) list_weights_as_inputs(x);
  Ag__Onnx__OperatorSet *standard = ag_arena_alloc(&x->arena, sizeof *standard);
  ag__onnx__operator_set__init(standard);
  standard->domain = ag_onnx_keep(x, "");
  standard->has_version = 1;
  standard->version = x->opset;
  model->opset_import = ag_arena_alloc(&x->arena, sets * sizeof *model->opset_import);
  model->opset_import[0] = standard;
  for (size_t i = 1; i < sets; i++) model->opset_import[i] = x->domains[i - 1];
  model->n_opset_import = sets;
  model->has_ir_version = 1;
  model->ir_version = format_version(x->opset);
  model->producer_name = ag_onnx_keep(x, "AutoGO");
  model->producer_version = ag_onnx_keep(x, AG_VERSION);
  model->graph = graph;
  graph->name = ag_onnx_keep(x, x->graph->name[0] ? x->graph->name : "network");
  graph->node = x->nodes;
  graph->n_node = x->node_count;
  graph->initializer = x->initializers;
  graph->n_initializer = x->initializer_count;
  graph->input = x->inputs;
  graph->n_input = x->input_count;
}

static ag_status pack(ag_onnx_export *x, const ag_onnx_model *model, const char *path) {
  size_t size = 1 << 20;
  for (size_t i = 0; i < x->initializer_count; i++) size += x->initializers[i]->raw_data.len;
  if (size <= INT_MAX) size = ag__onnx__model__get_packed_size(model);
  if (size > INT_MAX)
    return ag_fail(x->err, AG_LIMIT, "an ONNX file cannot have 2 GiB or more of weights");
  uint8_t *bytes = ag_alloc(size, 1);
  ag__onnx__model__pack(model, bytes);
  ag_status status = ag_file_write(path, bytes, size, x->err);
  free(bytes);
  return status;
}

static ag_status export_graph(ag_onnx_export *x, const char *path) {
  ag_onnx_model model = AG__ONNX__MODEL__INIT;
  ag_onnx_graph graph = AG__ONNX__GRAPH__INIT;
  plan(x);
  emit_inputs(x);
  ag_status status = emit_nodes(x);
  if (status) return status;
  emit_outputs(x, &graph);
  fill_model(x, &model, &graph);
  return pack(x, &model, path);
}

ag_status ag_onnx_save(const ag_graph *graph, const char *path, const ag_onnx_options *options,
                       ag_error *err) {
  ag_error scratch;
  ag_onnx_export x = {.graph = graph, .options = options, .err = err ? err : &scratch};
  ag_status status = export_graph(&x, path);
  for (int i = 0; i < graph->size; i++) ag_onnx_free_origin(x.origins[i]);
  free(x.nodes);
  free(x.initializers);
  free(x.inputs);
  free(x.domains);
  ag_map_free(&x.used);
  ag_map_free(&x.used_nodes);
  ag_arena_free(&x.arena);
  return status ? ag_error_in_file(err, status, path) : AG_OK;
}
