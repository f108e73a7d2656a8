/* The published checkpoints on the published graphs: every path must give the numbers that the
 * authors' code gave. */
#include "tests/predict/support.h"

#include <cJSON.h>

enum { MAX_GRAPHS = 32 };

typedef struct golden {
  cJSON *json;
  int graphs;
  const char *name[MAX_GRAPHS];
  const ag_graph *graph[MAX_GRAPHS];
} golden;

static cJSON *read_json(const char *path) {
  char *text;
  size_t size;
  if (ag_file_read(path, 64 << 20, &text, &size, NULL)) return NULL;
  cJSON *json = cJSON_ParseWithLength(text, size);
  free(text);
  return json;
}

static golden open_golden(void) {
  char path[512];
  golden g = {.json = read_json(shared_path(path, sizeof path, "data/predictor/golden.json"))};
  if (!g.json) skip_without("shared/data/predictor/golden.json");
  return g;
}

static void close_golden(golden *g) {
  for (int i = 0; i < g->graphs; i++) ag_graph_release(g->graph[i]);
  cJSON_Delete(g->json);
}

static const ag_graph *graph_of(golden *g, const cJSON *row) {
  const char *name = cJSON_GetObjectItem(row, "graph")->valuestring;
  for (int i = 0; i < g->graphs; i++) {
    if (strcmp(g->name[i], name) == 0) return g->graph[i];
  }
  char path[512], relative[128];
  snprintf(relative, sizeof relative, "data/cg/%s.json", name);
  ag_error err;
  assert_true(g->graphs < MAX_GRAPHS);
  if (ag_graph_load_json(shared_path(path, sizeof path, relative), &g->graph[g->graphs], &err)) {
    fail_msg("%s: %s", path, err.message);
  }
  g->name[g->graphs] = name;
  return g->graph[g->graphs++];
}

static ag_predictor *load_published(const char *file) {
  char path[512];
  ag_predictor *p;
  ag_error err;
  if (ag_predictor_load(shared_path(path, sizeof path, file), &p, &err)) {
    fail_msg("%s: %s", path, err.message);
  }
  return p;
}

/* The segment that is already there, put in its own place. */
static double predict_in_place(const ag_predictor *p, const ag_graph *g, int first, int last) {
  ag_segment *s;
  ag_error err;
  assert_int_equal(ag_segment_cut(g, first, last, &s, NULL, NULL, &err), AG_OK);
  int32_t *map = calloc((size_t)(s->inputs + s->outputs + 1), sizeof *map);
  for (int i = 0; i < s->inputs + s->outputs; i++) map[i] = i;
  ag_place *place = ag_place_new(p, g, first, last);
  double value = ag_place_predict(place, s, map, map);
  ag_place_free(place);
  ag_segment_free(s);
  free(map);
  return value;
}

static void test_psc(void **state) {
  (void)state;
  golden g = open_golden();
  ag_predictor *p = load_published("data/predictor/published_psc.safetensors");
  assert_int_equal(ag_predictor_model(p), AG_MODEL_PSC);
  const cJSON *row;
  int rows = 0;
  cJSON_ArrayForEach(row, cJSON_GetObjectItem(g.json, "psc")) {
    const ag_graph *graph = graph_of(&g, row);
    int first = cJSON_GetObjectItem(row, "first")->valueint;
    int last = cJSON_GetObjectItem(row, "last")->valueint;
    double expected = cJSON_GetObjectItem(row, "prediction")->valuedouble, value;
    assert_int_equal(ag_predict(p, graph, first, last, &value, NULL), AG_OK);
    assert_near(value, expected, 1e-6);
    assert_near(predict_in_place(p, graph, first, last), expected, 1e-5);
    assert_int_equal(ag_predict_score(p, graph, (int32_t[]){first, last}, 1, &value, NULL), AG_OK);
    assert_near(value, expected, 1e-5);
    rows++;
  }
  assert_int_equal(rows, 108);
  ag_predictor_free(p);
  close_golden(&g);
}

static void test_gnn(void **state) {
  (void)state;
  golden g = open_golden();
  ag_predictor *p = load_published("data/predictor/published_gnn.safetensors");
  assert_int_equal(ag_predictor_model(p), AG_MODEL_GNN);
  const cJSON *row;
  cJSON_ArrayForEach(row, cJSON_GetObjectItem(g.json, "gnn")) {
    const ag_graph *graph = graph_of(&g, row);
    double expected = cJSON_GetObjectItem(row, "prediction")->valuedouble, value;
    assert_int_equal(ag_predict(p, graph, 0, 0, &value, NULL), AG_OK);
    assert_near(value, expected, 1e-6);
    assert_int_equal(ag_predict_score(p, graph, NULL, 0, &value, NULL), AG_OK);
    assert_near(value, expected, 1e-5);
    int third = graph->size / 3;
    assert_near(predict_in_place(p, graph, third, third + 5), expected, 1e-5);
  }
  ag_predictor_free(p);
  close_golden(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_psc), cmocka_unit_test(test_gnn)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
