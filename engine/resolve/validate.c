/* Does a problem make sense? Segments and shapes may come from a file or from a script: nothing
 * is taken on trust, and every later stage may rely on what is checked here. */
#include <stdio.h>

#include "engine/resolve/problem.h"

void ag_resolve_node_label(const ag_segment *s, int node, char *label, size_t size) {
  uint8_t op = s->nodes[node].op;
  snprintf(label, size, "node %d (%s)", node, op < AG_OP_COUNT ? ag_op_get(op)->name : "?");
}

static ag_status fail_at(const ag_segment *s, int node, ag_status code, const char *reason,
                         ag_error *err) {
  char label[64];
  ag_resolve_node_label(s, node, label, sizeof label);
  ag_fail(err, code, "%s", reason);
  return ag_error_at_node(err, code, label);
}

static bool positive(ag_shape s) {
  return s.h >= 1 && s.w >= 1 && s.c >= 1;
}

static const char *attribute_fault(const ag_node *n) {
  const ag_op_info *op = ag_op_get(n->op);
  for (int d = 0; d < 2; d++) {
    if (n->stride[d] < 1 || n->dilation[d] < 1) return "stride and dilation must be at least 1";
    if (n->dilation[d] > 1 << 15) return "dilation above 32768";
    bool windowed = op->rule == AG_RULE_STRIDED;
    if (windowed && (n->kernel[d] < 1 || n->kernel[d] > 1 << 15))
      return "kernel outside 1 to 32768";
  }
  for (int k = 0; k < 4; k++)
    if (n->pads[k] < 0 || n->pads[k] > 1 << 20) return "pad outside 0 to 1048576";
  if (n->groups < 1) return "groups must be at least 1";
  if (!positive(n->in) || !positive(n->out)) return "mined sizes must be at least 1";
  return NULL;
}

static const char *operand_fault(const ag_segment *s, int node, bool strict) {
  int arity = ag_segment_arity(s, node);
  const ag_op_info *op = ag_op_get(s->nodes[node].op);
  if (arity < (strict ? op->min_operands : 1) || arity > op->max_operands)
    return "wrong number of operands";
  for (int k = 0; k < arity; k++) {
    int32_t o = s->operands[s->operand_start[node] + k];
    if (o >= node) return "an operand does not come before its user (a cycle?)";
    if (o < 0 && ~o >= s->inputs) return "an operand names an input port that does not exist";
  }
  return NULL;
}

static ag_status check_node(const ag_segment *s, int i, ag_formulation formulation, ag_error *err) {
  const ag_node *n = &s->nodes[i];
  if (n->op >= AG_OP_COUNT) return fail_at(s, i, AG_INVALID, "unknown op", err);
  ag_rule rule = ag_op_get(n->op)->rule;
  if (rule == AG_RULE_OPAQUE || rule == AG_RULE_INPUT || rule == AG_RULE_FLATTEN)
    return fail_at(s, i, AG_UNSUPPORTED, "cannot be part of a segment", err);
  const char *fault = attribute_fault(n);
  if (!fault) fault = operand_fault(s, i, formulation == AG_RESOLVE_OURS);
  return fault ? fail_at(s, i, AG_INVALID, fault, err) : AG_OK;
}

/* Every node must be read by another or leave the segment. */
static ag_status check_uses(const ag_segment *s, ag_error *err) {
  bool used[AG_RESOLVE_MAX_NODES] = {false};
  for (int k = 0; k < s->operand_start[s->size]; k++)
    if (s->operands[k] >= 0) used[s->operands[k]] = true;
  for (int q = 0; q < s->outputs; q++) used[s->output_nodes[q]] = true;
  for (int i = 0; i < s->size; i++)
    if (!used[i]) return fail_at(s, i, AG_INVALID, "dead end: no user and no output port", err);
  return AG_OK;
}

static ag_status check_ports(const ag_resolve_problem *p, ag_error *err) {
  const ag_segment *s = p->segment;
  char label[64];
  for (int k = 0; k < s->inputs; k++) {
    if (positive(p->inputs[k]) && positive(s->input_shapes[k])) continue;
    snprintf(label, sizeof label, "input port %d", k);
    ag_fail(err, AG_INVALID, "sizes must be at least 1");
    return ag_error_at_node(err, AG_INVALID, label);
  }
  for (int q = 0; q < s->outputs; q++) {
    bool exists = s->output_nodes[q] >= 0 && s->output_nodes[q] < s->size;
    if (exists && positive(p->outputs[q])) continue;
    snprintf(label, sizeof label, "output port %d", q);
    if (!exists)
      ag_fail(err, AG_INVALID, "there is no node %d in a segment of %d", s->output_nodes[q],
              s->size);
    else
      ag_fail(err, AG_INVALID, "sizes must be at least 1");
    return ag_error_at_node(err, AG_INVALID, label);
  }
  return AG_OK;
}

ag_status ag_resolve_validate(const ag_resolve_problem *p, ag_error *err) {
  const ag_segment *s = p->segment;
  if (p->formulation != AG_RESOLVE_OURS && p->formulation != AG_RESOLVE_PUBLISHED)
    return ag_fail(err, AG_INVALID, "unknown formulation %d", (int)p->formulation);
  if (s->size < 1) return ag_fail(err, AG_INVALID, "the segment has no nodes");
  if (s->size > AG_RESOLVE_MAX_NODES)
    return ag_fail(err, AG_LIMIT, "the segment has %d nodes, more than %d", s->size,
                   AG_RESOLVE_MAX_NODES);
  for (int i = 0; i < s->size; i++) {
    ag_status status = check_node(s, i, p->formulation, err);
    if (status) return status;
  }
  ag_status status = check_ports(p, err);
  return status ? status : check_uses(s, err);
}
