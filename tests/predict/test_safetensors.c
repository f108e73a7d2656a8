/* Weights files: what is saved is loaded bit for bit; what is broken is refused with a reason. */
#include <unistd.h>

#include "engine/predict/safetensors.h"
#include "tests/predict/random_model.h"

static char folder[64];

static int make_folder(void **state) {
  (void)state;
  strcpy(folder, "/tmp/autogo-predict-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  return rmdir(folder);
}

static const char *in_folder(char *buffer, size_t size, const char *name) {
  snprintf(buffer, size, "%s/%s", folder, name);
  return buffer;
}

static void write_bytes(const char *path, const void *data, size_t size) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  if (size) assert_int_equal(fwrite(data, 1, size, f), size);
  fclose(f);
}

static void check_same(const ag_predictor *a, const ag_predictor *b) {
  assert_int_equal(ag_predictor_members(a), ag_predictor_members(b));
  for (; a; a = a->next, b = b->next) {
    const ag_config *c = &a->config, *d = &b->config;
    assert_int_equal(c->model, d->model);
    assert_int_equal(c->layers, d->layers);
    assert_int_equal(c->residual, d->residual);
    assert_int_equal(c->log_features, d->log_features);
    assert_int_equal(c->distinct_edges, d->distinct_edges);
    assert_int_equal(c->bypass_joins, d->bypass_joins);
    assert_int_equal(c->flatten, d->flatten);
    assert_int_equal(c->backward, d->backward);
    assert_int_equal(c->sum_pooling, d->sum_pooling);
    assert_int_equal(a->layout.size, b->layout.size);
    assert_memory_equal(a->params, b->params, (size_t)a->layout.size * sizeof(float));
    assert_memory_equal(&a->head, &b->head, sizeof a->head);
  }
}

static void check_file(const ag_predictor *p) {
  char path[128];
  ag_predictor *q;
  in_folder(path, sizeof path, "ensemble");
  assert_int_equal(ag_predictor_save(p, path, NULL), AG_OK);
  assert_int_equal(ag_predictor_load(path, &q, NULL), AG_OK);
  check_same(p, q);
  ag_predictor_free(q);
  unlink(path);
}

/* An ensemble in one file comes back member by member, whatever its members differ in; what cannot
 * be an ensemble is refused. */
static void test_ensemble_file(void **state) {
  (void)state;
  ag_random random = ag_random_stream(7, 0, 0, 0, 0);
  ag_predictor *member[VARIANTS], *gnns[VARIANTS], *pscs[VARIANTS], *p, *q = NULL;
  int of_gnn = 0, of_psc = 0;
  for (int i = 0; i < VARIANTS; i++) {
    ag_config config = variant_config(i);
    config.layers = 1 + below(&random, AG_MAX_LAYERS);
    member[i] = random_predictor(&random, &config);
    if (config.model == AG_MODEL_GNN)
      gnns[of_gnn++] = member[i];
    else
      pscs[of_psc++] = member[i];
  }
  assert_true(of_gnn > 8 && of_psc == 7);
  const ag_predictor *const *all = (const ag_predictor *const *)member;
  assert_int_equal(ag_predictor_join(all, 9, &p, NULL), AG_INVALID);
  assert_int_equal(ag_predictor_join(all, 2, &p, NULL), AG_INVALID);
  assert_int_equal(ag_predictor_join((const ag_predictor *const *)gnns + of_gnn - 8, 8, &p, NULL),
                   AG_OK);
  assert_int_equal(ag_predictor_join((const ag_predictor *[]){p, gnns[0]}, 2, &q, NULL),
                   AG_INVALID);
  check_file(p);
  ag_predictor_free(p);
  assert_int_equal(ag_predictor_join((const ag_predictor *const *)pscs, of_psc, &p, NULL), AG_OK);
  check_file(p);
  ag_predictor_free(p);
  for (int i = 0; i < VARIANTS; i++) ag_predictor_free(member[i]);
}

/* A file of two members whose second one says `value` for `key`. */
static ag_status load_second(const char *key, const char *value, ag_error *err) {
  char path[128];
  ag_random random = ag_random_stream(8, 0, 0, 0, 0);
  ag_config config = variant_config(1);
  ag_predictor *p = random_predictor(&random, &config), *both, *loaded = NULL;
  assert_int_equal(ag_predictor_join((const ag_predictor *[]){p, p}, 2, &both, NULL), AG_OK);
  ag_st_writer writer = {0};
  ag_predictor_put(both, &writer);
  ag_st_put_metadata(&writer, key, value);
  in_folder(path, sizeof path, "second");
  assert_int_equal(ag_st_write(&writer, path, NULL), AG_OK);
  ag_status s = ag_predictor_load(path, &loaded, err);
  ag_predictor_free(loaded);
  ag_predictor_free(both);
  ag_predictor_free(p);
  unlink(path);
  return s;
}

static void test_members_of_other_kinds(void **state) {
  (void)state;
  ag_error err;
  assert_int_equal(load_second("member.1.sums", "flatten", &err), AG_OK);
  assert_int_equal(load_second("member.1.sums", "drop", &err), AG_UNSUPPORTED);
  assert_non_null(strstr(err.message, "\"drop\", expected flatten or keep"));
  assert_int_equal(load_second("member.1.kind", "psc", &err), AG_UNSUPPORTED);
  assert_non_null(strstr(err.message, "members 1 and 2 differ in model"));
  assert_int_equal(load_second("member.1.hops", "99", &err), AG_FORMAT);
  assert_int_equal(load_second("member.1.layer", "plain", &err), AG_OK);
  assert_int_equal(load_second("member.1.pooling", "mean+sum", &err),
                   AG_FORMAT); /* no such tensor */
}

/* A predictor that says `family`'s labels 10 and 20 as these raw numbers. */
static ag_predictor *with_table(ag_random *random, const char *family, float low, float high) {
  ag_config config = variant_config(1);
  ag_target *target = AG_ARRAY(ag_target, 1);
  *target = (ag_target){.family = ag_strdup(family), .transform = AG_TRANSFORM_Z_SCORE, .rows = 2};
  target->table = ag_memdup((float[]){low, 10, high, 20}, 4, sizeof(float));
  return ag_predictor_make(&config, random_params(random, &config), target, 1);
}

/* Where members mean different labels by a number, their mean means what it is the mean of. */
static void test_labels_of_ensembles(void **state) {
  (void)state;
  ag_random random = ag_random_stream(9, 0, 0, 0, 0);
  ag_predictor *a = with_table(&random, "own", -1, 3), *b = with_table(&random, "own", 0, 1), *p;
  ag_predictor *other = with_table(&random, "other", 5, 6);
  assert_int_equal(ag_predictor_join((const ag_predictor *[]){a, b}, 2, &p, NULL), AG_OK);
  for (double label = 5; label < 30; label += 2.5) {
    double at = (label - 10) / 10, raw_a = -1 + 4 * at, raw_b = at;
    assert_near(ag_predictor_label(a, "own", raw_a), label, 1e-9);
    assert_near(ag_predictor_label(b, "own", raw_b), label, 1e-9);
    assert_near(ag_predictor_label(p, "own", (raw_a + raw_b) / 2), label, 1e-9);
  }
  ag_predictor_free(p);
  assert_int_equal(ag_predictor_join((const ag_predictor *[]){a, other}, 2, &p, NULL), AG_OK);
  assert_near(ag_predictor_label(p, "own", 3), 20, 1e-9);
  ag_predictor_free(p);
  ag_predictor_free(a);
  ag_predictor_free(b);
  ag_predictor_free(other);
}

static void test_round_trip(void **state) {
  (void)state;
  char a[128], b[128], *bytes_a, *bytes_b;
  size_t size_a, size_b;
  in_folder(a, sizeof a, "a"), in_folder(b, sizeof b, "b");
  for (int variant = 0; variant < VARIANTS; variant++) {
    ag_random random = ag_random_stream(6, (uint64_t)variant, 0, 0, 0);
    ag_config config = variant_config(variant);
    ag_transform transform = variant == 8  ? AG_TRANSFORM_LOG
                             : variant & 1 ? AG_TRANSFORM_Z_SCORE
                                           : AG_TRANSFORM_RANK;
    ag_target *targets = AG_ARRAY(ag_target, 1);
    targets[0] = (ag_target){.family = ag_strdup("nb\"201"), .transform = transform, .rows = 3};
    targets[0].table = ag_memdup((float[]){-1, 10, 0, 20, 2, 60}, 6, sizeof(float));
    ag_predictor *p = ag_predictor_make(&config, random_params(&random, &config), targets, 1), *q;
    assert_int_equal(ag_predictor_save(p, a, NULL), AG_OK);
    assert_int_equal(ag_predictor_load(a, &q, NULL), AG_OK);
    check_same(p, q);
    assert_int_equal(ag_predictor_save(q, b, NULL), AG_OK);
    assert_int_equal(ag_file_read(a, 1 << 24, &bytes_a, &size_a, NULL), AG_OK);
    assert_int_equal(ag_file_read(b, 1 << 24, &bytes_b, &size_b, NULL), AG_OK);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(bytes_a, bytes_b, size_a);
    if (transform == AG_TRANSFORM_LOG) {
      assert_near(ag_predictor_label(q, "", -0.5), exp(15), 1e-12 * exp(15));
    } else {
      assert_near(ag_predictor_label(q, "nb\"201", 1), 40, 1e-12);
      assert_near(ag_predictor_label(q, "", -0.5), 15, 1e-12);
      assert_near(ag_predictor_label(q, "", 4), variant & 1 ? 100 : 60, 1e-12);
    }
    assert_near(ag_predictor_label(q, "other", 4), 4, 0);
    ag_predictor_free(p);
    ag_predictor_free(q);
    free(bytes_a);
    free(bytes_b);
  }
  unlink(a);
  unlink(b);
}

/* Parse `header` followed by `data` bytes. */
static ag_status parse(const char *header, size_t data, ag_error *err) {
  size_t length = strlen(header), size = 8 + length + data;
  uint8_t *bytes = calloc(1, size);
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)length >> (8 * i));
  memcpy(bytes + 8, header, length);
  ag_st_file file;
  ag_status s = ag_st_parse(bytes, size, &file, err);
  if (!s) ag_st_free(&file);
  free(bytes);
  return s;
}

#define T(shape, begin, end)                                                                       \
  "{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static void test_headers(void **state) {
  (void)state;
  static const struct {
    const char *header, *reason; /* NULL = well-formed */
  } cases[] = {
      {"{\"a\":" T("[2]", "0", "8") "}", NULL},
      {"{\"b\":" T("[1]", "4", "8") ",\"a\":" T("[1]", "0", "4") "}", NULL},
      {"{\"e\":" T("[0]", "0", "0") ",\"a\":" T("[2,1]", "0", "8") "}", NULL},
      {"{\"a\":" T("[2]", "0", "8") ",\"__metadata__\":{\"k\":\"v\"}}", NULL},
      {"{\"a\":" T("[2]", "0", "8") ",\"__metadata__\":{\"k\":1}}", "not a string"},
      {"{\"a\":" T("[2]", "0", "8") ",\"__metadata__\":[]}", "not an object"},
      {"{\"a\":" T("[1]", "0", "4") ",\"b\":" T("[2]", "0", "8") "}", "overlaps"},
      {"{\"a\":" T("[1]", "0", "4") ",\"b\":" T("[0]", "8", "8") "}", "gap"},
      {"{\"a\":" T("[1]", "0", "4") "}", "after the last"},
      {"{\"a\":" T("[1]", "0", "4") ",\"a\":" T("[1]", "4", "8") "}", "twice"},
      {"{\"a\":" T("[3]", "0", "12") "}", "larger than the file"},
      {"{\"a\":" T("[2]", "4", "12") "}", "leave the file"},
      {"{\"a\":" T("[2]", "8", "0") "}", "leave the file"},
      {"{\"a\":" T("[1]", "0", "8") "}", "do not fit"},
      {"{\"a\":" T("[1.5]", "0", "8") "}", "whole number"},
      {"{\"a\":" T("[-2]", "0", "8") "}", "whole number"},
      {"{\"a\":" T("[1e300]", "0", "8") "}", "whole number"},
      {"{\"a\":" T("[9007199254740992,9007199254740992,16]", "0", "8") "}", "larger"},
      {"{\"a\":" T("[1,1,1,1,1,1,1,1,2]", "0", "8") "}", "too many"},
      {"{\"a\":" T("3", "0", "8") "}", "not an array"},
      {"{\"a\":" T("[2]", "-1", "8") "}", "two whole numbers"},
      {"{\"a\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}", "dtype is unknown"},
      {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "no dtype"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", "two whole numbers"},
      {"{\"a\":7}", "not an object"},
      {"[]", "not a JSON object"},
      {"{\"a\":", "not a JSON object"},
      {"", "not a JSON object"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ag_error err;
    ag_status s = parse(cases[i].header, 8, &err);
    if (!cases[i].reason) {
      assert_int_equal(s, AG_OK);
    } else {
      assert_int_not_equal(s, AG_OK);
      if (!strstr(err.message, cases[i].reason)) fail_msg("%s: %s", cases[i].header, err.message);
    }
  }
}

static void test_header_length(void **state) {
  (void)state;
  ag_st_file file;
  ag_error err;
  assert_int_equal(ag_st_parse("abc", 3, &file, &err), AG_FORMAT);
  assert_int_equal(ag_st_parse("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, &file, &err), AG_FORMAT);
  assert_int_equal(ag_st_parse("\3\0\0\0\0\0\0\0{}", 10, &file, &err), AG_FORMAT);
  char deep[4096];
  memset(deep, '[', sizeof deep);
  memcpy(deep, "\xf8\x0f\0\0\0\0\0\0", 8);
  assert_int_equal(ag_st_parse(deep, sizeof deep, &file, &err), AG_FORMAT);
}

/* Load `size` bytes as weights; any outcome but a crash, and an error names the file. */
static ag_status load_bytes(const void *data, size_t size) {
  char path[128];
  ag_predictor *p;
  ag_error err;
  write_bytes(in_folder(path, sizeof path, "broken"), data, size);
  ag_status s = ag_predictor_load(path, &p, &err);
  if (s)
    assert_string_equal(err.file, path);
  else
    ag_predictor_free(p);
  unlink(path);
  return s;
}

static void test_damaged_weights(void **state) {
  (void)state;
  char path[128], *bytes;
  size_t size;
  ag_random random = ag_random_stream(7, 0, 0, 0, 0);
  ag_config config = variant_config(1);
  ag_predictor *p = random_predictor(&random, &config);
  assert_int_equal(ag_predictor_save(p, in_folder(path, sizeof path, "good"), NULL), AG_OK);
  assert_int_equal(ag_file_read(path, 1 << 24, &bytes, &size, NULL), AG_OK);
  unlink(path);
  assert_int_equal(load_bytes(bytes, size), AG_OK);
  for (size_t cut = 0; cut < size; cut += 1 + size / 97) {
    assert_int_not_equal(load_bytes(bytes, cut), AG_OK);
  }
  for (int round = 0; round < 400; round++) {
    char *copy = ag_memdup(bytes, size, 1);
    for (int i = 0; i < 3; i++) copy[below(&random, 4000)] = (char)below(&random, 256);
    load_bytes(copy, size);
    free(copy);
  }
  float nan = NAN;
  memcpy(bytes + size - sizeof nan, &nan, sizeof nan);
  assert_int_equal(load_bytes(bytes, size), AG_FORMAT);
  free(bytes);
  ag_predictor_free(p);
}

static ag_status save_wrong(const char *kind, const char *hops, int width, ag_error *err) {
  char path[128];
  ag_st_writer writer = {0};
  if (kind) ag_st_put_metadata(&writer, "kind", kind);
  if (hops) ag_st_put_metadata(&writer, "hops", hops);
  float *zeros = AG_ARRAY(float, 32 * width);
  ag_st_put_floats(&writer, "embed_layer.regular_embed_layer.weight", 2, (int64_t[]){32, width},
                   zeros);
  free(zeros);
  in_folder(path, sizeof path, "wrong");
  assert_int_equal(ag_st_write(&writer, path, NULL), AG_OK);
  ag_predictor *p;
  ag_status s = ag_predictor_load(path, &p, err);
  unlink(path);
  return s;
}

static void test_wrong_weights(void **state) {
  (void)state;
  ag_error err;
  assert_int_equal(save_wrong(NULL, "6", 24, &err), AG_FORMAT);
  assert_non_null(strstr(err.message, "kind"));
  assert_int_equal(save_wrong("mlp", "6", 24, &err), AG_UNSUPPORTED);
  assert_non_null(strstr(err.message, "mlp"));
  assert_int_equal(save_wrong("psc", NULL, 24, &err), AG_FORMAT);
  assert_int_equal(save_wrong("psc", "99", 24, &err), AG_FORMAT);
  assert_int_equal(save_wrong("psc", "6x", 24, &err), AG_FORMAT);
  assert_int_equal(save_wrong("psc", "6", 23, &err), AG_FORMAT);
  assert_non_null(strstr(err.message, "[32, 23], expected [32, 24]"));
  assert_int_equal(save_wrong("psc", "6", 24, &err), AG_FORMAT);
  assert_non_null(strstr(err.message, "weighted_embed_layer.weight is missing"));
  ag_predictor *p;
  assert_int_equal(ag_predictor_load("/nonexistent/weights", &p, &err), AG_IO);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ensemble_file),
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_members_of_other_kinds),
      cmocka_unit_test(test_labels_of_ensembles),
      cmocka_unit_test(test_headers),
      cmocka_unit_test(test_header_length),
      cmocka_unit_test(test_damaged_weights),
      cmocka_unit_test(test_wrong_weights),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
