/* From a segment and its port shapes to variables and relations (problem.h).
 *
 * Union-find over tensors, once for H and W and once for C, merges what must be equal; the smallest
 * id represents a class, so the model depends on nothing but the problem. Ids: spatial variable
 * of tensor t: t; channels of tensor t: tensors + t; channels that node i reads of a wider tensor:
 * 2 tensors + i. Tensors are the input ports and then the nodes. */
#include "engine/resolve/problem.h"

#include <string.h>

static int find(int32_t *parent, int x) {
  while (parent[x] != x) x = parent[x] = parent[parent[x]];
  return x;
}

static void unite(int32_t *parent, int x, int y) {
  x = find(parent, x);
  y = find(parent, y);
  if (x < y)
    parent[y] = x;
  else
    parent[x] = y;
}

static int tensor_of(const ag_resolve_model *m, int32_t operand) {
  return operand < 0 ? ~operand : m->segment->inputs + operand;
}
static int channels_of(const ag_resolve_model *m, int tensor) {
  return m->tensors + tensor;
}
static int slice_of(const ag_resolve_model *m, int node) {
  return 2 * m->tensors + node;
}

/* --- classes ------------------------------------------------------------------------------ */

static bool keeps_spatial(ag_rule rule) {
  return rule == AG_RULE_SAME || rule == AG_RULE_DENSE || rule == AG_RULE_JOIN ||
         rule == AG_RULE_CONCAT;
}

static bool keeps_channels(const ag_node *n) {
  ag_rule rule = ag_op_get(n->op)->rule;
  if (rule == AG_RULE_STRIDED) return n->op != AG_OP_CONV;
  if (rule == AG_RULE_UPSAMPLE) return n->op != AG_OP_TRANSPOSED_CONV;
  return rule == AG_RULE_SAME || rule == AG_RULE_JOIN || rule == AG_RULE_GLOBAL ||
         rule == AG_RULE_PAD;
}

/* In a join, an operand mined as 1x1 beside a larger output scales it. */
static bool is_scale(const ag_segment *s, int i, int32_t operand) {
  ag_shape mined = ag_mined_shape(s, operand), out = s->nodes[i].out;
  return mined.h == 1 && mined.w == 1 && (out.h != 1 || out.w != 1);
}

static void unite_join(ag_resolve_model *m, int i) {
  const ag_segment *s = m->segment;
  int own = s->inputs + i;
  bool published = m->formulation == AG_RESOLVE_PUBLISHED;
  bool inner = ag_lead_operand(m, i) >= 0;
  for (int k = s->operand_start[i]; k < s->operand_start[i + 1]; k++) {
    int32_t o = s->operands[k];
    if (published && inner && o < 0) continue;
    int t = tensor_of(m, o);
    bool scale = !published && is_scale(s, i, o);
    bool single = scale && ag_mined_shape(s, o).c == 1 && s->nodes[i].out.c != 1;
    if (!scale) unite(m->parent, t, own);
    if (!single && (published || !ag_reads_slice(s, i, o)))
      unite(m->parent, channels_of(m, t), channels_of(m, own));
    if (published && !inner) break;
  }
}

static void unite_node(ag_resolve_model *m, int i) {
  const ag_segment *s = m->segment;
  const ag_node *n = &s->nodes[i];
  ag_rule rule = ag_op_get(n->op)->rule;
  bool published = m->formulation == AG_RESOLVE_PUBLISHED;
  if (rule == AG_RULE_JOIN) {
    unite_join(m, i);
    return;
  }
  int own = s->inputs + i, lead = tensor_of(m, ag_lead_operand(m, i));
  bool same = published && rule != AG_RULE_STRIDED;
  bool adapts = m->node[i].adapts;
  if (keeps_spatial(rule) || same || (published && !adapts)) unite(m->parent, lead, own);
  if (rule == AG_RULE_CONCAT && !same)
    for (int k = s->operand_start[i]; k < s->operand_start[i + 1]; k++)
      unite(m->parent, tensor_of(m, s->operands[k]), own);
  int read = channels_of(m, lead);
  if (!published && ag_reads_slice(s, i, ag_lead_operand(m, i))) read = slice_of(m, i);
  if (keeps_channels(n) || same) unite(m->parent, read, channels_of(m, own));
}

static void read_variables(ag_resolve_model *m, int i) {
  const ag_segment *s = m->segment;
  ag_resolve_node *r = &m->node[i];
  int own = s->inputs + i, lead = tensor_of(m, ag_lead_operand(m, i));
  bool join = ag_op_get(s->nodes[i].op)->rule == AG_RULE_JOIN;
  bool slice =
      m->formulation == AG_RESOLVE_OURS && !join && ag_reads_slice(s, i, ag_lead_operand(m, i));
  r->spatial_out = find(m->parent, own);
  r->channel_out = find(m->parent, channels_of(m, own));
  r->spatial_in = join ? r->spatial_out : find(m->parent, lead);
  r->channel_in = join    ? r->channel_out
                  : slice ? find(m->parent, slice_of(m, i))
                          : find(m->parent, channels_of(m, lead));
}

/* --- relations ------------------------------------------------------------------------------ */

static ag_relation *add_relation(ag_resolve_model *m, ag_relation_kind kind, int node, int from,
                                 int to) {
  ag_relation *r = &m->relation[m->relations++];
  *r = (ag_relation){.kind = kind, .node = node, .from = from, .to = to, .num = 1, .den = 1};
  return r;
}

static void relate_concat(ag_resolve_model *m, int i) {
  const ag_segment *s = m->segment;
  int arity = ag_segment_arity(s, i);
  ag_relation *r = add_relation(m, AG_RELATION_SUM, i, -1, m->node[i].channel_out);
  r->term = AG_TAKE(m->scratch, ag_term, arity);
  for (int k = 0; k < arity; k++) {
    int v = find(m->parent, channels_of(m, tensor_of(m, s->operands[s->operand_start[i] + k])));
    int t = 0;
    while (t < r->terms && r->term[t].var != v) t++;
    if (t == r->terms) r->term[r->terms++] = (ag_term){v, 0};
    r->term[t].times++;
  }
}

static void relate_slices(ag_resolve_model *m, int i) {
  const ag_segment *s = m->segment;
  bool join = ag_op_get(s->nodes[i].op)->rule == AG_RULE_JOIN;
  int end = join ? s->operand_start[i + 1] : s->operand_start[i] + 1;
  for (int k = s->operand_start[i]; k < end; k++) {
    int32_t o = s->operands[k];
    if (!ag_reads_slice(s, i, o) || (join && is_scale(s, i, o) && ag_mined_shape(s, o).c == 1))
      continue;
    ag_relation *r =
        add_relation(m, AG_RELATION_SLICE, i, find(m->parent, channels_of(m, tensor_of(m, o))),
                     m->node[i].channel_in);
    r->num = s->nodes[i].in.c;
    r->den = ag_mined_shape(s, o).c;
  }
}

static void relate_channels(ag_resolve_model *m, int i) {
  const ag_node *n = &m->segment->nodes[i];
  const ag_resolve_node *r = &m->node[i];
  int64_t block = (int64_t)n->stride[0] * n->stride[1];
  int64_t ratio =
      block > INT32_MAX ? (int64_t)INT32_MAX + 1 : block; /* more than any size allows */
  ag_relation *added;
  switch (ag_op_get(n->op)->rule) {
  case AG_RULE_FOLD:
    added = add_relation(m, AG_RELATION_RATIO, i, r->channel_in, r->channel_out);
    added->num = ratio;
    break;
  case AG_RULE_UNFOLD:
    added = add_relation(m, AG_RELATION_RATIO, i, r->channel_in, r->channel_out);
    added->den = ratio;
    break;
  case AG_RULE_DENSE:
  case AG_RULE_UPSAMPLE:
    if (n->op != AG_OP_TRANSPOSED_CONV && n->op != AG_OP_MATMUL) break;
    added = add_relation(m, AG_RELATION_RATIO, i, r->channel_in, r->channel_out);
    added->num = n->out.c;
    added->den = n->in.c;
    break;
  default:
    break;
  }
}

static void relate_node(ag_resolve_model *m, int i) {
  const ag_node *n = &m->segment->nodes[i];
  const ag_resolve_node *r = &m->node[i];
  ag_rule rule = ag_op_get(n->op)->rule;
  bool ours = m->formulation == AG_RESOLVE_OURS;
  if (ours) relate_slices(m, i);
  if (r->adapts)
    add_relation(m, AG_RELATION_STRIDED, i, r->spatial_in, r->spatial_out);
  else if (ours && !keeps_spatial(rule))
    add_relation(m, AG_RELATION_SPATIAL, i, r->spatial_in, r->spatial_out);
  if (n->op == AG_OP_CONV)
    add_relation(m, AG_RELATION_CHOICE, i, r->channel_in, r->channel_out);
  else if (ours && rule == AG_RULE_CONCAT)
    relate_concat(m, i);
  else if (ours)
    relate_channels(m, i);
}

/* --- pins, divisors, goals -------------------------------------------------------------------- */

static void pin(ag_resolve_model *m, int id, ag_size value) {
  ag_resolve_var *v = &m->var[find(m->parent, id)];
  if (v->pinned && ag_size_compare(v->fixed, value)) v->fixed = (ag_size){-1, -1};
  if (!v->pinned) v->fixed = value;
  v->pinned = true;
}

static void pin_shape(ag_resolve_model *m, int tensor, ag_shape shape) {
  pin(m, tensor, (ag_size){shape.h, shape.w});
  pin(m, channels_of(m, tensor), (ag_size){shape.c, 0});
}

static int64_t common_multiple(int64_t a, int64_t b) {
  int64_t x = a, y = b;
  while (y) {
    int64_t r = x % y;
    x = y;
    y = r;
  }
  int64_t result = a / x * b;
  return result > INT32_MAX ? (int64_t)INT32_MAX + 1 : result; /* nothing is a multiple of that */
}

static void require_divisor(ag_resolve_model *m, int var, int32_t groups) {
  m->var[var].divisor = common_multiple(m->var[var].divisor, groups);
}

static void constrain_node(ag_resolve_model *m, int i) {
  const ag_segment *s = m->segment;
  const ag_node *n = &s->nodes[i];
  const ag_resolve_node *r = &m->node[i];
  if (n->op == AG_OP_CONV || n->op == AG_OP_TRANSPOSED_CONV) {
    require_divisor(m, r->channel_in, n->groups);
    require_divisor(m, r->channel_out, n->groups);
  }
  if (n->op == AG_OP_CHANNEL_SHUFFLE) require_divisor(m, r->channel_in, n->groups);
  if (ag_op_get(n->op)->rule != AG_RULE_JOIN) return;
  for (int k = s->operand_start[i]; k < s->operand_start[i + 1]; k++) {
    int32_t o = s->operands[k];
    if (!is_scale(s, i, o)) continue;
    pin(m, tensor_of(m, o), (ag_size){1, 1});
    if (ag_mined_shape(s, o).c == 1 && n->out.c != 1)
      pin(m, channels_of(m, tensor_of(m, o)), (ag_size){1, 0});
  }
}

/* A tensor that runs into a pinned one through concats and ratios aims at the same proportion of
 * it as it was mined with. Backwards, so that goals pass through. */
static void set_goals(ag_resolve_model *m) {
  for (int k = m->relations - 1; k >= 0; k--) {
    const ag_relation *r = &m->relation[k];
    if (r->kind != AG_RELATION_SUM && r->kind != AG_RELATION_RATIO) continue;
    const ag_resolve_var *to = &m->var[r->to];
    int32_t goal = to->pinned ? to->fixed.h : to->goal;
    int32_t mined = to->pinned ? to->mined : to->goal_mined;
    for (int t = 0; t < (r->terms ? r->terms : 1); t++) {
      ag_resolve_var *from = &m->var[r->terms ? r->term[t].var : r->from];
      if (goal < 1) continue;
      from->goal = goal;
      from->goal_mined = mined;
    }
  }
}

static void name_mined(ag_resolve_model *m) {
  const ag_segment *s = m->segment;
  for (int i = s->size - 1; i >= 0; i--) {
    m->var[m->node[i].channel_in].mined = s->nodes[i].in.c;
    m->var[m->node[i].channel_out].mined = s->nodes[i].out.c;
  }
}

static void pin_ports(ag_resolve_model *m) {
  const ag_segment *s = m->segment;
  bool published = m->formulation == AG_RESOLVE_PUBLISHED;
  for (int p = 0; !published && p < s->inputs; p++) pin_shape(m, p, m->problem->inputs[p]);
  for (int i = 0; published && i < s->size; i++) {
    int32_t lead = ag_lead_operand(m, i);
    if (lead < 0) pin_shape(m, ~lead, m->problem->inputs[~lead]);
  }
  for (int q = 0; q < s->outputs; q++)
    pin_shape(m, s->inputs + s->output_nodes[q], m->problem->outputs[q]);
}

/* --- building ------------------------------------------------------------------------------ */

static void allocate(ag_resolve_model *m, const ag_resolve_problem *p, ag_scratch *scratch) {
  const ag_segment *s = p->segment;
  *m = (ag_resolve_model){.problem = p, .segment = s, .formulation = p->formulation};
  m->scratch = scratch;
  m->tensors = s->inputs + s->size;
  m->variables = 2 * m->tensors + s->size;
  m->node = AG_TAKE(scratch, ag_resolve_node, s->size);
  m->var = AG_TAKE(scratch, ag_resolve_var, m->variables);
  m->parent = AG_TAKE(scratch, int32_t, m->variables);
  m->relation = AG_TAKE(scratch, ag_relation, 2 * s->size + s->operand_start[s->size]);
  memset(m->node, 0, (size_t)s->size * sizeof *m->node);
  memset(m->var, 0, (size_t)m->variables * sizeof *m->var);
  for (int v = 0; v < m->variables; v++) {
    m->parent[v] = v;
    m->var[v].spatial = v < m->tensors;
    m->var[v].divisor = 1;
  }
}

void ag_resolve_link(const ag_resolve_problem *p, ag_scratch *scratch, ag_resolve_model *m) {
  const ag_segment *s = p->segment;
  allocate(m, p, scratch);
  int32_t *reach = AG_TAKE(scratch, int32_t, s->size);
  ag_segment_descendants(s, reach);
  ag_resolve_push(m);
  for (int i = 0; i < s->size; i++) {
    m->node[i].weight = reach[i];
    ag_resolve_describe(m, i);
    unite_node(m, i);
  }
  for (int i = 0; i < s->size; i++) {
    read_variables(m, i);
    relate_node(m, i);
  }
  name_mined(m);
  pin_ports(m);
  if (m->formulation == AG_RESOLVE_OURS)
    for (int i = 0; i < s->size; i++) constrain_node(m, i);
  set_goals(m);
}

ag_status ag_resolve_build(const ag_resolve_problem *p, ag_scratch *scratch, ag_resolve_model *m,
                           ag_error *err) {
  ag_resolve_link(p, scratch, m);
  for (int i = 0; m->formulation == AG_RESOLVE_PUBLISHED && i < m->segment->size; i++)
    if (m->segment->nodes[i].op == AG_OP_CONCAT)
      return ag_infeasible_at(m, i, "the published model has no concat", err);
  return ag_resolve_domains(m, err);
}
