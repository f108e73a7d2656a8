/* A segment grows node by node over a pool of tensors: its ports first, then its nodes. Shapes
 * are inferred as it grows, so the mined segment is valid. Required shapes come from the same
 * segment with some strides and widths changed, so that about half of the problems have a solution.
 */
#include "tests/support/random_segment.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/random.h"

enum { PORTS = 3, SLOTS = 4 };

typedef struct maker {
  ag_random random;
  ag_segment *s;
  int slots;
} maker;

static int below(maker *m, int bound) {
  return (int)ag_random_below(&m->random, (uint64_t)bound);
}

static ag_shape shape_of(const maker *m, int32_t tensor) {
  return tensor < 0 ? m->s->input_shapes[~tensor] : m->s->nodes[tensor].out;
}

static bool is_read(const maker *m, int32_t tensor) {
  for (int k = 0; k < m->slots; k++)
    if (m->s->operands[k] == tensor) return true;
  return false;
}

/* A tensor that exists: most often one that nobody reads yet, so that few leave the segment. */
static int32_t draw(maker *m) {
  int size = m->s->size;
  for (int i = size - 1; i >= 0 && below(m, 8); i--)
    if (!is_read(m, i)) return i;
  int k = below(m, size + m->s->inputs);
  return k < m->s->inputs ? ~k : k - m->s->inputs;
}

static bool add(maker *m, ag_node node, const int32_t *operands, int count) {
  ag_shape shapes[SLOTS];
  for (int k = 0; k < count; k++) shapes[k] = shape_of(m, operands[k]);
  if (ag_node_infer(&node, shapes, count, NULL)) return false;
  if (node.out.h > 256 || node.out.w > 256 || node.out.c > 2048) return false;
  ag_segment *s = m->s;
  s->nodes[s->size] = node;
  memcpy(s->operands + m->slots, operands, (size_t)count * sizeof *operands);
  m->slots += count;
  s->operand_start[++s->size] = m->slots;
  return true;
}

static void draw_window(maker *m, ag_node *n) {
  static const int32_t kernels[][2] = {{1, 1}, {3, 3}, {3, 3}, {5, 5}, {1, 7}, {2, 2}};
  memcpy(n->kernel, kernels[below(m, 6)], sizeof n->kernel);
  if (below(m, 3) == 0) n->stride[0] = n->stride[1] = 2;
  if (below(m, 20) == 0) n->stride[below(m, 2)] = 4;
  if (below(m, 8) == 0) n->dilation[0] = n->dilation[1] = 2;
  if (below(m, 4) == 0) n->padding = AG_PAD_VALID;
  if (below(m, 6) == 0) {
    n->padding = AG_PAD_EXPLICIT;
    for (int k = 0; k < 4; k++) n->pads[k] = below(m, 3);
  }
  if (n->op != AG_OP_CONV && n->op != AG_OP_DEPTHWISE && below(m, 4) == 0) n->flags = AG_FLAG_CEIL;
}

static void draw_channels(maker *m, ag_node *n, ag_shape in) {
  static const int32_t widths[] = {4, 8, 12, 16, 24, 32, 64};
  n->out.c = below(m, 3) ? in.c : widths[below(m, 7)];
  if (in.c % 4 == 0 && n->out.c % 4 == 0 && below(m, 5) == 0) n->groups = 4;
}

static void add_window(maker *m) {
  static const ag_op ops[] = {AG_OP_CONV,      AG_OP_CONV,    AG_OP_CONV,   AG_OP_CONV,
                              AG_OP_DEPTHWISE, AG_OP_MAXPOOL, AG_OP_AVGPOOL};
  int32_t from = draw(m);
  ag_node n = ag_node_make(ops[below(m, 7)]);
  draw_window(m, &n);
  if (n.op == AG_OP_CONV) draw_channels(m, &n, shape_of(m, from));
  ag_shape in = shape_of(m, from);
  if (n.op == AG_OP_CONV && n.groups == 1 && in.c > 4 && below(m, 10) == 0) {
    n.flags |= AG_FLAG_SLICE;
    n.in.c = in.c - 1 - below(m, 2);
  }
  add(m, n, &from, 1);
}

static void add_pass(maker *m) {
  static const ag_op ops[] = {AG_OP_BATCHNORM, AG_OP_RELU, AG_OP_RELU, AG_OP_SIGMOID};
  int32_t from = draw(m);
  add(m, ag_node_make(ops[below(m, 4)]), &from, 1);
}

static void add_fixed(maker *m) {
  static const ag_op ops[] = {
      AG_OP_SPACE_TO_DEPTH, AG_OP_DEPTH_TO_SPACE,  AG_OP_TRANSPOSED_CONV, AG_OP_RESIZE,
      AG_OP_PADDINGS,       AG_OP_CHANNEL_SHUFFLE, AG_OP_MATMUL,          AG_OP_MEAN};
  int32_t from = draw(m);
  ag_shape in = shape_of(m, from);
  ag_node n = ag_node_make(ops[below(m, 8)]);
  if (n.op == AG_OP_MEAN && below(m, 2)) return;
  bool scales = n.op != AG_OP_PADDINGS && n.op != AG_OP_CHANNEL_SHUFFLE && n.op != AG_OP_MATMUL;
  if (scales && n.op != AG_OP_MEAN) n.stride[0] = n.stride[1] = 2;
  if (n.op == AG_OP_TRANSPOSED_CONV || n.op == AG_OP_MATMUL)
    n.out.c = below(m, 2) ? in.c : in.c % 2 ? in.c * 2 : in.c / 2;
  if (n.op == AG_OP_PADDINGS) n.pads[0] = n.pads[1] = n.pads[2] = n.pads[3] = 1;
  if (n.op == AG_OP_CHANNEL_SHUFFLE) n.groups = in.c % 4 ? 1 : 4;
  add(m, n, &from, 1);
}

/* Add, mul or concat over what fits the first operand; sometimes a gate, sometimes a slice. */
static void add_join(maker *m) {
  static const ag_op ops[] = {AG_OP_ADD, AG_OP_ADD, AG_OP_MUL, AG_OP_CONCAT, AG_OP_CONCAT};
  ag_node n = ag_node_make(ops[below(m, 5)]);
  int32_t operands[SLOTS] = {draw(m)};
  ag_shape a = shape_of(m, operands[0]);
  int count = 1, wanted = 2 + below(m, SLOTS - 1), all = m->s->size + m->s->inputs;
  int start = below(m, all);
  for (int i = 0; i < all && count < wanted; i++) {
    int k = (start + i) % all;
    int32_t o = k < m->s->inputs ? ~k : k - m->s->inputs;
    ag_shape b = shape_of(m, o);
    bool gate = n.op == AG_OP_MUL && b.h == 1 && b.w == 1 && (b.c == a.c || b.c == 1);
    bool same = a.h == b.h && a.w == b.w && (n.op == AG_OP_CONCAT || a.c == b.c);
    if ((same || gate) && o != operands[0]) operands[count++] = o;
  }
  if (count == 1 && below(m, 4)) return;
  if (count == 1) operands[count++] = operands[0];
  if (n.op == AG_OP_ADD && a.c > 2 && below(m, 8) == 0) {
    n.flags |= AG_FLAG_SLICE;
    n.in.c = a.c - 1;
  }
  add(m, n, operands, count);
}

/* A residual block or two parallel convolutions, the shapes that decide how search behaves. */
static void add_branches(maker *m, int max_nodes) {
  if (m->s->size + 3 > max_nodes) return;
  int32_t from = draw(m), ends[2];
  ag_op op = below(m, 2) ? AG_OP_ADD : AG_OP_CONCAT;
  int32_t stride = 1 + below(m, 2);
  for (int k = 0; k < 2; k++) {
    ag_node n = ag_node_make(AG_OP_CONV);
    n.kernel[0] = n.kernel[1] = k ? 1 : 3;
    n.stride[0] = n.stride[1] = stride;
    n.out.c = shape_of(m, from).c;
    if (!add(m, n, &from, 1)) return;
    ends[k] = m->s->size - 1;
  }
  add(m, ag_node_make(op), ends, 2);
}

static void grow(maker *m, int max_nodes) {
  int kind = below(m, 16);
  if (kind < 6)
    add_window(m);
  else if (kind < 10)
    add_pass(m);
  else if (kind < 13)
    add_join(m);
  else if (kind < 15)
    add_branches(m, max_nodes);
  else
    add_fixed(m);
}

static void draw_ports(maker *m) {
  static const int32_t sizes[] = {1, 2, 7, 8, 14, 16, 32}, widths[] = {4, 8, 16, 24, 32};
  ag_shape a = {0, 0, widths[below(m, 5)]};
  a.h = a.w = sizes[1 + below(m, 6)];
  if (below(m, 10) == 0) a.w = sizes[below(m, 7)];
  for (int p = 0; p < m->s->inputs; p++) {
    m->s->input_shapes[p] = a;
    if (p && below(m, 3) == 0) m->s->input_shapes[p].c = widths[below(m, 5)];
    if (p && below(m, 6) == 0) m->s->input_shapes[p].h = m->s->input_shapes[p].w = 1;
  }
}

/* Ports nobody reads go; tensors nobody reads leave. */
static void close_segment(maker *m) {
  ag_segment *s = m->s;
  int renamed[PORTS], kept = 0;
  for (int p = 0; p < s->inputs; p++) {
    bool used = false;
    for (int k = 0; k < m->slots; k++) used |= s->operands[k] == ~p;
    renamed[p] = kept;
    if (used) s->input_shapes[kept++] = s->input_shapes[p];
  }
  for (int k = 0; k < m->slots; k++)
    if (s->operands[k] < 0) s->operands[k] = ~renamed[~s->operands[k]];
  s->inputs = kept;
  s->outputs = 0;
  for (int i = 0; i < s->size; i++) {
    bool used = false;
    for (int k = 0; k < m->slots; k++) used |= s->operands[k] == i;
    if (!used || below(m, 12) == 0) s->output_nodes[s->outputs++] = i;
  }
}

static int32_t scaled(int32_t size, int quarters) {
  int32_t s = size * quarters / 4;
  return s < 1 ? 1 : s;
}

/* Another place: all channels times one factor, all sizes times another, now and then one apart. */
static void move_inputs(maker *m, ag_shape *inputs) {
  static const int factors[] = {4, 4, 4, 2, 8, 8, 16, 6};
  int channels = factors[below(m, 8)], size = factors[below(m, 5)];
  for (int p = 0; p < m->s->inputs; p++) {
    ag_shape a = m->s->input_shapes[p];
    if (below(m, 12) == 0) channels = factors[below(m, 8)];
    bool gate = a.h == 1 && a.w == 1;
    inputs[p] = (ag_shape){gate ? 1 : scaled(a.h, size), gate ? 1 : scaled(a.w, size),
                           scaled(a.c, channels)};
    if (below(m, 24) == 0) inputs[p].h = inputs[p].w = gate ? 8 : 1;
  }
}

/* Change some strides and widths of a copy and push the inputs through: its outputs are likely
 * reachable. Where that fails, the mined outputs, scaled at random. */
static void draw_outputs(maker *m, const ag_shape *inputs, ag_shape *outputs) {
  static const int factors[] = {4, 4, 4, 2, 8};
  ag_segment *copy = ag_segment_copy(m->s);
  bool stretch = below(m, 2);
  for (int i = 0; i < copy->size; i++) {
    ag_node *n = &copy->nodes[i];
    if (n->op == AG_OP_CONV) {
      int32_t o = copy->operands[copy->operand_start[i]];
      ag_shape in = o < 0 ? inputs[~o] : copy->nodes[o].out;
      n->out.c = (int32_t)((int64_t)in.c * n->out.c / n->in.c);
      if (stretch) n->out.c = scaled(n->out.c, factors[below(m, 5)]);
      if (n->out.c < 1) n->out.c = 1;
    }
    bool strided = ag_op_get(n->op)->mutable_dims & AG_MUTABLE_STRIDE;
    if (strided && stretch && below(m, 4) == 0) n->stride[0] = n->stride[1] = 1 + below(m, 2);
  }
  bool valid = ag_segment_infer(copy, inputs, NULL) == AG_OK;
  for (int q = 0; q < copy->outputs; q++) {
    ag_shape a =
        valid ? copy->nodes[copy->output_nodes[q]].out : m->s->nodes[copy->output_nodes[q]].out;
    outputs[q] = a;
    if (below(m, valid ? 12 : 2)) continue;
    int f = factors[below(m, 5)];
    outputs[q] = (ag_shape){scaled(a.h, f), scaled(a.w, f), scaled(a.c, factors[below(m, 5)])};
  }
  ag_segment_free(copy);
}

random_problem random_problem_make(uint64_t seed, int max_nodes) {
  maker m = {.random = ag_random_stream(seed, 17, 0, 0, 0)};
  m.s = ag_segment_new(max_nodes, max_nodes * SLOTS, PORTS, max_nodes);
  m.s->size = m.s->outputs = 0;
  m.s->inputs = 1 + below(&m, PORTS);
  draw_ports(&m);
  int wanted = 2 + below(&m, max_nodes - 1);
  for (int tries = 0; m.s->size < wanted && tries < 20 * max_nodes; tries++) grow(&m, wanted);
  if (m.s->size == 0) add(&m, ag_node_make(AG_OP_RELU), (int32_t[]){-1}, 1);
  close_segment(&m);
  random_problem p = {.segment = m.s};
  p.inputs = AG_ARRAY(ag_shape, m.s->inputs);
  p.outputs = AG_ARRAY(ag_shape, m.s->outputs);
  move_inputs(&m, p.inputs);
  draw_outputs(&m, p.inputs, p.outputs);
  return p;
}

void random_problem_free(random_problem *p) {
  ag_segment_free(p->segment);
  free(p->inputs);
  free(p->outputs);
}

ag_resolve_problem random_problem_view(const random_problem *p) {
  return (ag_resolve_problem){p->segment, p->inputs, p->outputs, AG_RESOLVE_OURS};
}
