/* Activations and shuffles that exporters write as several nodes. A pattern is recognised at its
 * last node by looking back through values that nothing else reads; its other nodes are then
 * merged, and their drafts die. */
#include <math.h>
#include <string.h>

#include "engine/formats/onnx_internal.h"

enum { MAX_MEMBERS = 8 };

typedef struct match {
  ag_onnx_import *im;
  int members[MAX_MEMBERS]; /* nodes of the file besides the last one */
  int count;
} match;

static const char *type_of(const ag_onnx_import *im, int node) {
  return im->graph->node[node]->op_type;
}

/* The node that makes `value`, if it is of that type and nothing else reads the value. */
static int maker(match *m, int value, const char *type) {
  const ag_onnx_value *v = value < 0 ? NULL : &m->im->values[value];
  if (!v || v->kind != AG_ONNX_ACTIVATION || v->uses != 1 || v->producer < 0 ||
      m->count == MAX_MEMBERS || strcmp(type_of(m->im, v->producer), type) != 0)
    return -1;
  return m->members[m->count++] = v->producer;
}

static int input(const ag_onnx_import *im, int node, int slot) {
  int at = im->input_start[node] + slot;
  return at < im->input_start[node + 1] ? im->inputs[at] : -1;
}

static bool close_to(double x, double y) {
  return fabs(x - y) <= 1e-5 * fabs(y);
}

static bool is_scalar(const ag_onnx_import *im, int value, double expected) {
  double x;
  return value >= 0 && ag_onnx_constant_float(&im->values[value], &x) && close_to(x, expected);
}

/* The other operand of a two-operand node when one is the scalar `c`; -1 otherwise. */
static int beside(const ag_onnx_import *im, int node, double c) {
  int a = input(im, node, 0), b = input(im, node, 1);
  if (is_scalar(im, b, c)) return a;
  return strcmp(type_of(im, node), "Div") != 0 && is_scalar(im, a, c) ? b : -1;
}

/* value = c * (result), written as a product or as a division; the node is given. */
static int scaled(const ag_onnx_import *im, int node, double c) {
  return strcmp(type_of(im, node), "Div") == 0 ? beside(im, node, 1 / c) : beside(im, node, c);
}

/* x of relu6(x + 3). */
static int shifted_relu6(match *m, int value) {
  const ag_onnx_import *im = m->im;
  double min, max;
  int clip = maker(m, value, "Clip");
  if (clip < 0) return -1;
  int low = input(im, clip, 1), high = input(im, clip, 2);
  if (!ag_onnx_clip_bounds(im->graph->node[clip], low < 0 ? NULL : &im->values[low],
                           high < 0 ? NULL : &im->values[high], &min, &max) ||
      min != 0 || max != 6)
    return -1;
  int add = maker(m, input(im, clip, 0), "Add");
  return add < 0 ? -1 : beside(im, add, 3);
}

/* (a, b) of a product whose factors may stand in either order: calls `factor` on one and expects
 * what it returns to be the other. */
static int self_product(match *m, int node, int (*factor)(match *, int)) {
  for (int k = 0; k < 2; k++) {
    int before = m->count, x = input(m->im, node, k);
    if (x >= 0 && factor(m, input(m->im, node, !k)) == x) return x;
    m->count = before;
  }
  return -1;
}

/* x of x * relu6(x + 3), the product being the maker of `value`. */
static int hardswish_product(match *m, int value) {
  int mul = maker(m, value, "Mul");
  return mul < 0 ? -1 : self_product(m, mul, shifted_relu6);
}

/* x of a draft of `op` over x that nothing else reads. */
static int unary_draft(match *m, int value, ag_op op) {
  const ag_onnx_import *im = m->im;
  const ag_onnx_value *v = value < 0 ? NULL : &im->values[value];
  if (!v || v->kind != AG_ONNX_ACTIVATION || v->uses != 1 || v->producer < 0) return -1;
  const ag_onnx_draft *d = &im->drafts[v->draft];
  if (d->value != value || d->node.op != op || d->operands != 1 || m->count == MAX_MEMBERS)
    return -1;
  m->members[m->count++] = v->producer;
  return im->drafts[im->draft_operands[d->first_operand]].value;
}

static int of_sigmoid(match *m, int value) {
  return unary_draft(m, value, AG_OP_SIGMOID);
}
static int of_hardsigmoid(match *m, int value) {
  int x = unary_draft(m, value, AG_OP_HARDSIGMOID);
  return x >= 0 && m->im->drafts[m->im->values[value].draft].node.alpha == 0 ? x : -1;
}

/* x of 1 + erf(x / sqrt 2), and of half of that. */
static int of_erf(match *m, int value) {
  const ag_onnx_import *im = m->im;
  int add = maker(m, value, "Add");
  int erf_node = add < 0 ? -1 : maker(m, beside(im, add, 1), "Erf");
  if (erf_node < 0) return -1;
  int inner = input(im, erf_node, 0), before = m->count, node = maker(m, inner, "Div");
  if (node < 0) {
    m->count = before;
    node = maker(m, inner, "Mul");
  }
  return node < 0 ? -1 : scaled(im, node, sqrt(0.5));
}
static int of_half_erf(match *m, int value) {
  int mul = maker(m, value, "Mul"), half = mul < 0 ? -1 : beside(m->im, mul, 0.5);
  return half < 0 ? -1 : of_erf(m, half);
}

/* x of (x / 2) * (1 + erf(x / sqrt 2)). */
static int half_product(match *m, int node) {
  for (int k = 0; k < 2; k++) {
    int before = m->count, mul = maker(m, input(m->im, node, k), "Mul");
    int x = mul < 0 ? -1 : beside(m->im, mul, 0.5);
    if (x >= 0 && of_erf(m, input(m->im, node, !k)) == x) return x;
    m->count = before;
  }
  return -1;
}

static int of_erf_product(match *m, int value) {
  int mul = maker(m, value, "Mul");
  return mul < 0 ? -1 : self_product(m, mul, of_erf);
}

/* --- the patterns ----------------------------------------------------------------- */

static bool replace(match *m, const ag_onnx_op *op, ag_node node, const int32_t *operands,
                    int count, int rank) {
  if (ag_onnx_make(m->im, op, node, operands, count, rank) != AG_ONNX_DONE) return false;
  const char *reason = ag_onnx_print(m->im, "part of %s (%s)", ag_onnx_label(m->im, op->index),
                                     ag_op_get(node.op)->name);
  for (int i = 0; i < m->count; i++) ag_onnx_set_fate(m->im, m->members[i], AG_ONNX_MERGED, reason);
  return true;
}

static bool replace_by_unary(match *m, const ag_onnx_op *op, ag_op result, int x) {
  int32_t operand = x;
  return x >= 0 && replace(m, op, ag_node_make(result), &operand, 1, 0);
}

static bool try_product(ag_onnx_import *im, const ag_onnx_op *op, int (*factor)(match *, int),
                        ag_op result) {
  match m = {.im = im};
  return replace_by_unary(&m, op, result, self_product(&m, op->index, factor));
}

/* c * v, with v to be matched by `inner`. */
static bool try_scaled(ag_onnx_import *im, const ag_onnx_op *op, double c,
                       int (*inner)(match *, int), ag_op result) {
  match m = {.im = im};
  int v = scaled(im, op->index, c);
  return v >= 0 && replace_by_unary(&m, op, result, inner(&m, v));
}

static bool try_zero(ag_onnx_import *im, const ag_onnx_op *op) {
  match m = {.im = im};
  int x = beside(im, op->index, 0);
  return x >= 0 && im->values[x].kind == AG_ONNX_ACTIVATION &&
         replace_by_unary(&m, op, AG_OP_ZERO, x);
}

bool ag_onnx_match_activation(ag_onnx_import *im, const ag_onnx_op *op) {
  char type = op->node->op_type[0];
  if (op->inputs != 2 || (type != 'M' && type != 'D')) return false;
  if (try_scaled(im, op, 1.0 / 6, shifted_relu6, AG_OP_HARDSIGMOID) ||
      try_scaled(im, op, 1.0 / 6, hardswish_product, AG_OP_HARDSWISH))
    return true;
  if (type == 'D') return false;
  match m = {.im = im};
  if (replace_by_unary(&m, op, AG_OP_GELU, half_product(&m, op->index))) return true;
  return try_product(im, op, of_sigmoid, AG_OP_SWISH) ||
         try_product(im, op, of_hardsigmoid, AG_OP_HARDSWISH) ||
         try_product(im, op, of_half_erf, AG_OP_GELU) ||
         try_scaled(im, op, 0.5, of_erf_product, AG_OP_GELU) || try_zero(im, op);
}

/* --- products of more than two ---------------------------------------------------- */

static bool is_partial(const ag_onnx_import *im, int node) {
  const char *name = im->graph->node[node]->name;
  size_t length = name ? strlen(name) : 0, suffix = strlen(AG_ONNX_PARTIAL);
  return length >= suffix && strcmp(name + length - suffix, AG_ONNX_PARTIAL) == 0;
}

/* The node that multiplies the first factors of `node`, if our own writer split it off. */
static int partial_product(const ag_onnx_import *im, int node) {
  int first = input(im, node, 0);
  const ag_onnx_value *v = first < 0 ? NULL : &im->values[first];
  if (!v || v->uses != 1 || v->producer < 0 || strcmp(type_of(im, v->producer), "Mul") != 0 ||
      !is_partial(im, v->producer) || input(im, v->producer, 1) < 0)
    return -1;
  return v->producer;
}

/* The factors of a chain of `count`, in order; false if one is a constant. */
static bool collect_factors(const ag_onnx_import *im, int node, int32_t *factors, int count) {
  for (int k = count - 1; k > 0; k--) {
    factors[k] = input(im, node, 1);
    factors[0] = input(im, node, 0);
    if (k > 1) node = partial_product(im, node);
  }
  for (int k = 0; k < count; k++)
    if (im->values[factors[k]].kind != AG_ONNX_ACTIVATION) return false;
  return true;
}

bool ag_onnx_match_product(ag_onnx_import *im, const ag_onnx_op *op) {
  if (op->inputs != 2 || op->in[0] < 0 || op->in[1] < 0 || is_partial(im, op->index)) return false;
  match m = {.im = im};
  int count = 2, node = op->index;
  while ((node = partial_product(im, node)) >= 0) count++;
  int32_t *factors = ag_arena_alloc(&im->arena, (size_t)count * sizeof *factors);
  if (count == 2 || !collect_factors(im, op->index, factors, count)) return false;
  int rank = im->values[factors[0]].tensor.rank;
  if (!replace(&m, op, ag_node_make(AG_OP_MUL), factors, count, rank == 2 || rank == 4 ? rank : 0))
    return false;
  const char *reason = ag_onnx_print(im, "part of the product %s", ag_onnx_label(im, op->index));
  for (node = op->index; (node = partial_product(im, node)) >= 0;)
    ag_onnx_set_fate(im, node, AG_ONNX_MERGED, reason);
  return true;
}

/* --- Reshape, Transpose, Reshape -------------------------------------------------- */

static bool permutes(const ag_onnx_import *im, int node, int rank, const int *expected) {
  int perm[AG_MAX_RANK];
  return ag_onnx_permutation(im->graph->node[node], rank, perm) &&
         memcmp(perm, expected, (size_t)rank * sizeof *perm) == 0;
}

/* The middle shape splits x into (N, groups, C / groups, rest) and swaps the two. */
static bool is_channel_shuffle(const ag_onnx_import *im, int transpose, const ag_tensor *x,
                               const ag_tensor *mid, const ag_tensor *out, ag_node *n) {
  static const int swap5[] = {0, 2, 1, 3, 4}, swap4[] = {0, 2, 1, 3};
  const int64_t *d = x->dims, *s = mid->dims;
  bool five = mid->rank == 5 && s[3] == d[2] && s[4] == d[3] && permutes(im, transpose, 5, swap5);
  bool four = mid->rank == 4 && s[3] == d[2] * d[3] && permutes(im, transpose, 4, swap4);
  if (!(five || four) || s[0] != d[0] || s[1] * s[2] != d[1] || !ag_onnx_same_dims(x, out))
    return false;
  *n = ag_node_make(AG_OP_CHANNEL_SHUFFLE);
  n->groups = (int32_t)s[1];
  return true;
}

static bool is_unfold(const ag_onnx_import *im, int transpose, const ag_tensor *x,
                      const ag_tensor *mid, const ag_tensor *out, ag_node *n) {
  static const int dcr[] = {0, 3, 4, 1, 5, 2}, crd[] = {0, 1, 4, 2, 5, 3};
  if (mid->rank != 6 || out->rank != 4) return false;
  const int64_t *d = x->dims, *s = mid->dims;
  bool column = permutes(im, transpose, 6, crd);
  if (!column && !permutes(im, transpose, 6, dcr)) return false;
  int64_t c = s[column ? 1 : 3], rh = s[column ? 2 : 1], rw = s[column ? 3 : 2];
  if (s[0] != d[0] || c * rh * rw != d[1] || s[4] != d[2] || s[5] != d[3] || out->dims[0] != d[0] ||
      out->dims[1] != c || out->dims[2] != d[2] * rh || out->dims[3] != d[3] * rw || rh != rw ||
      rh > 1 << 15)
    return false;
  *n = ag_node_make(AG_OP_DEPTH_TO_SPACE);
  n->stride[0] = n->stride[1] = (int32_t)rh;
  if (column) n->flags |= AG_FLAG_ALIGN;
  return true;
}

static bool is_fold(const ag_onnx_import *im, int transpose, const ag_tensor *x,
                    const ag_tensor *mid, const ag_tensor *out, ag_node *n) {
  static const int perm[] = {0, 3, 5, 1, 2, 4};
  const int64_t *d = x->dims, *s = mid->dims;
  if (mid->rank != 6 || out->rank != 4 || !permutes(im, transpose, 6, perm)) return false;
  if (s[0] != d[0] || s[1] != d[1] || s[2] * s[3] != d[2] || s[4] * s[5] != d[3] || s[3] != s[5] ||
      s[3] > 1 << 15 || out->dims[0] != d[0] || out->dims[1] != d[1] * s[3] * s[5] ||
      out->dims[2] != s[2] || out->dims[3] != s[4])
    return false;
  *n = ag_node_make(AG_OP_SPACE_TO_DEPTH);
  n->stride[0] = n->stride[1] = (int32_t)s[3];
  return true;
}

bool ag_onnx_match_shuffle(ag_onnx_import *im, const ag_onnx_op *op) {
  match m = {.im = im};
  ag_tensor out;
  ag_node n;
  int transpose = maker(&m, op->in[0], "Transpose");
  int reshape = transpose < 0 ? -1 : maker(&m, input(im, transpose, 0), "Reshape");
  int x = reshape < 0 ? -1 : input(im, reshape, 0);
  if (x < 0 || im->values[x].kind != AG_ONNX_ACTIVATION || im->values[x].tensor.rank != 4 ||
      !ag_onnx_reshaped(im, op, &out))
    return false;
  const ag_tensor *from = &im->values[x].tensor;
  const ag_tensor *mid = &im->values[input(im, transpose, 0)].tensor;
  if (!is_channel_shuffle(im, transpose, from, mid, &out, &n) &&
      !is_unfold(im, transpose, from, mid, &out, &n) &&
      !is_fold(im, transpose, from, mid, &out, &n))
    return false;
  int32_t operand = x;
  return replace(&m, op, n, &operand, 1, 4);
}
