/* Problems that make no sense: an error that names the node; and extreme ones: no overflow. */
#include "engine/base/random.h"
#include "tests/resolve/draft.h"
#include "tests/support/random_segment.h"

typedef struct small {
  ag_segment *s;
  ag_shape in[1], out[1];
  ag_resolve_problem p;
} small;

static void small_begin(small *x) {
  draft d = begin(1, (ag_shape){8, 8, 4});
  int a = conv(&d, ~0, 4);
  leave(&d, join(&d, AG_OP_ADD, a, ~0));
  x->s = finish(&d);
  x->in[0] = x->out[0] = (ag_shape){8, 8, 4};
  x->p = (ag_resolve_problem){x->s, x->in, x->out, AG_RESOLVE_OURS};
}

static void refuse(small *x, ag_status code, const char *node) {
  for (int m = AG_RESOLVE_EXACT; m <= AG_RESOLVE_EXHAUSTIVE; m++) {
    ag_solver *solver = ag_solver_new((ag_method)m);
    ag_resolve_result r;
    ag_error err;
    assert_int_equal(ag_resolve(solver, &x->p, &r, &err), code);
    assert_string_equal(err.node, node);
    assert_true(err.message[0]);
    assert_int_equal(ag_resolve(solver, &x->p, &r, NULL), code);
    ag_solver_free(solver);
  }
  ag_segment_free(x->s);
}

static void test_bad_input(void **state) {
  (void)state;
  small x;
  small_begin(&x), x.s->operands[0] = 1, refuse(&x, AG_INVALID, "node 0 (conv)");
  small_begin(&x), x.s->operands[1] = 1, refuse(&x, AG_INVALID, "node 1 (add)");
  small_begin(&x), x.s->operands[2] = ~5, refuse(&x, AG_INVALID, "node 1 (add)");
  small_begin(&x), x.s->operands[2] = INT32_MIN, refuse(&x, AG_INVALID, "node 1 (add)");
  small_begin(&x), x.s->operands[1] = ~0, refuse(&x, AG_INVALID, "node 0 (conv)");
  small_begin(&x), x.s->output_nodes[0] = 2, refuse(&x, AG_INVALID, "output port 0");
  small_begin(&x), x.s->output_nodes[0] = -1, refuse(&x, AG_INVALID, "output port 0");
  small_begin(&x), x.out[0].w = 0, refuse(&x, AG_INVALID, "output port 0");
  small_begin(&x), x.in[0].c = 0, refuse(&x, AG_INVALID, "input port 0");
  small_begin(&x), x.in[0].h = -7, refuse(&x, AG_INVALID, "input port 0");
  small_begin(&x), x.s->nodes[0].stride[1] = 0, refuse(&x, AG_INVALID, "node 0 (conv)");
  small_begin(&x), x.s->nodes[0].groups = 0, refuse(&x, AG_INVALID, "node 0 (conv)");
  small_begin(&x), x.s->nodes[0].in.c = 0, refuse(&x, AG_INVALID, "node 0 (conv)");
  small_begin(&x), x.s->nodes[0].op = 200, refuse(&x, AG_INVALID, "node 0 (?)");
  small_begin(&x), x.s->nodes[0].op = AG_OP_OPAQUE, refuse(&x, AG_UNSUPPORTED, "node 0 (opaque)");
  small_begin(&x), x.s->size = 0, refuse(&x, AG_INVALID, "");
  small_begin(&x), x.p.formulation = (ag_formulation)9, refuse(&x, AG_INVALID, "");
}

/* The largest sizes and attributes: no overflow, whatever the answer. */
static void test_huge(void **state) {
  (void)state;
  const int32_t top = INT32_MAX;
  for (int kind = 0; kind < 5; kind++) {
    draft d = begin(1, (ag_shape){8, 8, 4});
    int a = conv(&d, ~0, 4), b = conv(&d, ~0, 4);
    int x = join(&d, kind == 1 ? AG_OP_CONCAT : AG_OP_ADD, a, b);
    ag_node n = ag_node_make(kind == 2   ? AG_OP_DEPTH_TO_SPACE
                             : kind == 3 ? AG_OP_SPACE_TO_DEPTH
                             : kind == 4 ? AG_OP_PADDINGS
                                         : AG_OP_RELU);
    if (kind == 2 || kind == 3) n.stride[0] = n.stride[1] = 2;
    leave(&d, put(&d, n, 1, &x));
    ag_segment *s = finish(&d);
    s->nodes[0].stride[0] = s->nodes[0].stride[1] = kind ? top : top / 2;
    if (kind == 3) s->nodes[3].stride[0] = s->nodes[3].stride[1] = top;
    if (kind == 4) s->nodes[3].pads[2] = 1 << 20;
    s->nodes[1].groups = top;
    s->nodes[1].out.c = top;
    ag_shape in = {top, top, top}, out = {top, top, top};
    for (int small_size = 0; small_size < 2; small_size++) {
      if (small_size) out = (ag_shape){1, 1, 1};
      ag_resolve_problem p = {s, &in, &out, AG_RESOLVE_OURS};
      for (int m = AG_RESOLVE_EXACT; m <= AG_RESOLVE_EXHAUSTIVE; m++) {
        ag_solver *solver = ag_solver_new((ag_method)m);
        ag_resolve_result r;
        ag_status status = ag_resolve(solver, &p, &r, NULL);
        assert_true(status == AG_OK || status == AG_INFEASIBLE);
        ag_solver_free(solver);
      }
    }
    ag_segment_free(s);
  }
}

/* One number of a problem replaced by an extreme one. */
static void corrupt(random_problem *p, ag_random *random) {
  static const int32_t values[] = {INT32_MIN, -1, 0, 1, 3, 255, 65536, INT32_MAX - 1, INT32_MAX};
  ag_segment *s = p->segment;
  int32_t value = values[ag_random_below(random, 9)];
  ag_node *n = &s->nodes[ag_random_below(random, (uint64_t)s->size)];
  int d = (int)ag_random_below(random, 2);
  ag_shape *shapes[] = {&n->in, &n->out, &p->inputs[0], &p->outputs[0], &s->input_shapes[0]};
  ag_shape *shape = shapes[ag_random_below(random, 5)];
  int32_t *targets[] = {&n->kernel[d],
                        &n->stride[d],
                        &n->dilation[d],
                        &n->pads[2 * d],
                        &n->groups,
                        &shape->h,
                        &shape->w,
                        &shape->c,
                        &s->output_nodes[0],
                        &s->operands[ag_random_below(random, (uint64_t)s->operand_start[s->size])]};
  uint64_t k = ag_random_below(random, 12);
  if (k < 10)
    *targets[k] = value;
  else if (k == 10)
    n->op = (uint8_t)ag_random_below(random, AG_OP_COUNT + 2);
  else
    n->flags ^= (uint8_t)(1 << ag_random_below(random, 5)), n->padding = (uint8_t)(value & 3);
}

/* Do the mined shapes still follow from each other? */
static bool consistent(const ag_segment *s) {
  ag_segment *copy = ag_segment_copy(s);
  bool same = ag_segment_infer(copy, s->input_shapes, NULL) == AG_OK;
  for (int i = 0; i < s->size && same; i++)
    same = ag_shape_equal(copy->nodes[i].in, s->nodes[i].in) &&
           ag_shape_equal(copy->nodes[i].out, s->nodes[i].out);
  ag_segment_free(copy);
  return same;
}

/* Damaged problems: some answer, no crash; and where the segment is still sound, a right one. */
static void test_corrupted(void **state) {
  (void)state;
  ag_solver *solver[2] = {ag_solver_new(AG_RESOLVE_EXACT), ag_solver_new(AG_RESOLVE_MILP)};
  for (int seed = 0; seed < 20000; seed++) {
    random_problem problem = random_problem_make((uint64_t)(seed / 4), 8);
    ag_random random = ag_random_stream((uint64_t)seed, 5, 0, 0, 0);
    for (int k = 0; k <= seed % 3; k++) corrupt(&problem, &random);
    ag_resolve_problem p = random_problem_view(&problem);
    if (seed % 5 == 0) p.formulation = AG_RESOLVE_PUBLISHED;
    for (int m = 0; m < 2; m++) {
      ag_resolve_result r;
      ag_error err;
      ag_status status = ag_resolve(solver[m], &p, &r, &err);
      if (!status && ag_resolve_check(&p, &r, &err) && consistent(p.segment))
        fail_msg("problem %d: %s: %s", seed, err.node, err.message);
    }
    random_problem_free(&problem);
  }
  for (int m = 0; m < 2; m++) ag_solver_free(solver[m]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bad_input),
      cmocka_unit_test(test_huge),
      cmocka_unit_test(test_corrupted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
