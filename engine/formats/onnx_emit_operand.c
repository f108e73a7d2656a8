/* Operands of the ONNX nodes that stand for a CG node: brought into the form the node needs, and
 * cut to the channels it reads. */
#include "engine/formats/onnx_export.h"

static const ag_node *cg_node(const ag_onnx_export *x, int node) {
  return &x->graph->nodes[node];
}

static int operand(const ag_onnx_export *x, int node, int slot) {
  return ag_graph_operands(x->graph, node)[slot];
}

/* NB-101: the first `channels` of a tensor. */
static char *emit_slice(ag_onnx_export *x, char *name, ag_onnx_result_tensor *form,
                        int32_t channels) {
  int64_t zero = 0, end = channels, axis = 1;
  char *output = ag_onnx_fresh(x);
  ag_onnx_node *slice = ag_onnx_emit(x, "Slice", 4, output);
  ag_onnx_emit_input(slice, name);
  ag_onnx_emit_int_setting(x, slice, "starts", &zero, 1);
  ag_onnx_emit_int_setting(x, slice, "ends", &end, 1);
  ag_onnx_emit_int_setting(x, slice, "axes", &axis, 1);
  form->dims[1] = channels;
  return output;
}

char *ag_onnx_read_operand(ag_onnx_export *x, int node, int slot, int rank) {
  const ag_node *n = cg_node(x, node);
  const ag_node *source = cg_node(x, operand(x, node, slot));
  ag_onnx_result_tensor form = x->results[operand(x, node, slot)];
  char *name = form.name;
  if ((n->flags & AG_FLAG_SLICE) && form.rank >= 2 && source->out.c > n->in.c)
    name = emit_slice(x, name, &form, n->in.c);
  if (rank == 0 || rank == form.rank) return name;
  ag_onnx_result_tensor to = form;
  to.rank = rank;
  to.dims[1] = rank == 2 ? ag_shape_size(source->out) : source->out.c;
  if (rank == 4) {
    to.dims[1] = (n->flags & AG_FLAG_SLICE) && source->out.c > n->in.c ? n->in.c : source->out.c;
    to.dims[2] = source->out.h;
    to.dims[3] = source->out.w;
  }
  return ag_onnx_emit_reshape(x, name, &form, &to, NULL);
}

ag_onnx_node *ag_onnx_emit_main(ag_onnx_export *x, int node, const char *type, int inputs,
                                int rank) {
  char *first = ag_onnx_read_operand(x, node, 0, rank);
  ag_onnx_node *main_node = ag_onnx_emit(x, type, inputs, x->results[node].name);
  ag_onnx_name_node(x, main_node, x->graph->names ? x->graph->names[node] : NULL);
  ag_onnx_emit_input(main_node, first);
  return main_node;
}

char *ag_onnx_emit_step(ag_onnx_export *x, const char *type, char *a, char *b) {
  char *output = ag_onnx_fresh(x);
  ag_onnx_node *step = ag_onnx_emit(x, type, 2, output);
  ag_onnx_emit_input(step, a);
  if (b) ag_onnx_emit_input(step, b);
  return output;
}

char *ag_onnx_emit_scalar(ag_onnx_export *x, float value) {
  return ag_onnx_emit_float_list(x, &value, 1, true);
}
