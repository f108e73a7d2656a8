/* The problems the published search met, with the optima that glpk and cbc agree on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "autogo/resolve.h"
#include "engine/base/alloc.h"
#include "engine/base/file.h"

static cJSON *load(void) {
  const char *shared = getenv("AUTOGO_SHARED");
  char path[512], *text;
  size_t size;
  snprintf(path, sizeof path, "%s/data/resolve/published_instances.json",
           shared ? shared : "../shared");
  if (ag_file_read(path, (size_t)1 << 30, &text, &size, NULL)) return NULL;
  cJSON *list = cJSON_Parse(text);
  free(text);
  return list;
}

static ag_shape shape_of(const cJSON *node, const char *key) {
  const cJSON *list = key ? cJSON_GetObjectItemCaseSensitive(node, key) : node;
  int32_t v[3];
  for (int k = 0; k < 3; k++) v[k] = cJSON_GetArrayItem(list, k)->valueint;
  return (ag_shape){v[0], v[1], v[2]};
}

/* The files hold shapes already pushed forward, but no strides: find attributes that give them. */
static ag_node node_of(const cJSON *json) {
  int op = ag_op_find(cJSON_GetObjectItemCaseSensitive(json, "op")->valuestring);
  assert_true(op >= 0);
  ag_node n = ag_node_make((ag_op)op);
  n.in = shape_of(json, "in");
  n.out = shape_of(json, "out");
  bool strided = ag_op_get(n.op)->rule == AG_RULE_STRIDED;
  for (int d = 0; d < 2 && strided; d++) n.kernel[d] = 3;
  if (strided && n.in.h != n.out.h) {
    n.stride[0] = n.stride[1] = 2;
    if ((n.in.h + 1) / 2 != n.out.h) n.padding = AG_PAD_VALID;
    assert_int_equal(ag_strided_size(&n, 0, n.in.h), n.out.h);
  }
  return n;
}

typedef struct instance {
  ag_segment *segment;
  ag_shape *outputs;
  bool feasible;
  double objective;
} instance;

static instance instance_of(const cJSON *json) {
  const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(json, "nodes");
  const cJSON *edges = cJSON_GetObjectItemCaseSensitive(json, "edges");
  const cJSON *targets = cJSON_GetObjectItemCaseSensitive(json, "targets"), *item;
  int size = cJSON_GetArraySize(nodes), slot = 0, port = 0, q = 0;
  ag_segment *s =
      ag_segment_new(size, cJSON_GetArraySize(edges) + size, size, cJSON_GetArraySize(targets));
  for (int i = 0; i < size; i++) {
    s->nodes[i] = node_of(cJSON_GetArrayItem(nodes, i));
    s->operand_start[i] = slot;
    cJSON_ArrayForEach(item, edges) {
      if (cJSON_GetArrayItem(item, 1)->valueint == i)
        s->operands[slot++] = cJSON_GetArrayItem(item, 0)->valueint;
    }
    if (slot == s->operand_start[i]) {
      s->input_shapes[port] = s->nodes[i].in;
      s->operands[slot++] = ~port++;
    }
  }
  s->operand_start[size] = slot;
  s->inputs = port;
  instance result = {.segment = s, .outputs = AG_ARRAY(ag_shape, s->outputs)};
  cJSON_ArrayForEach(item, targets) {
    s->output_nodes[q] = atoi(item->string);
    result.outputs[q++] = shape_of(item, NULL);
  }
  result.feasible = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "feasible"));
  if (result.feasible)
    result.objective = cJSON_GetObjectItemCaseSensitive(json, "objective")->valuedouble;
  return result;
}

static void agree(ag_method method) {
  cJSON *list = load(), *json;
  if (!list) {
    print_message("published_instances.json is not there\n");
    skip();
  }
  ag_solver *solver = ag_solver_new(method);
  int count = 0;
  cJSON_ArrayForEach(json, list) {
    instance it = instance_of(json);
    ag_resolve_problem problem = {it.segment, it.segment->input_shapes, it.outputs,
                                  AG_RESOLVE_PUBLISHED};
    ag_resolve_result result;
    ag_error err;
    ag_status status = ag_resolve(solver, &problem, &result, &err);
    if (status != (it.feasible ? AG_OK : AG_INFEASIBLE))
      fail_msg("instance %d: status %d (%s)", count, (int)status, status ? err.message : "");
    if (it.feasible) {
      if (result.objective != it.objective)
        fail_msg("instance %d: %g instead of %g", count, result.objective, it.objective);
      if (ag_resolve_check(&problem, &result, &err))
        fail_msg("instance %d: %s", count, err.message);
    }
    ag_segment_free(it.segment);
    free(it.outputs);
    count++;
  }
  assert_int_equal(count, 601);
  ag_solver_free(solver);
  cJSON_Delete(list);
}

static void test_exact(void **state) {
  (void)state;
  agree(AG_RESOLVE_EXACT);
}

static void test_milp(void **state) {
  (void)state;
  agree(AG_RESOLVE_MILP);
}

static void test_exhaustive(void **state) {
  (void)state;
  agree(AG_RESOLVE_EXHAUSTIVE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_exact),
      cmocka_unit_test(test_milp),
      cmocka_unit_test(test_exhaustive),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
