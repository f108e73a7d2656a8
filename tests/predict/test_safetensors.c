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

/* An ensemble in one file comes back member by member; what cannot be one file or one ensemble is
 * refused. */
static void test_ensemble_file(void **state) {
  (void)state;
  char path[128];
  in_folder(path, sizeof path, "ensemble");
  ag_random random = ag_random_stream(7, 0, 0, 0, 0);
  ag_config config[3] = {variant_config(0), variant_config(1), variant_config(2)};
  ag_predictor *member[9], *p, *q = NULL;
  for (int i = 0; i < 9; i++) member[i] = random_predictor(&random, &config[i < 7 ? 0 : i - 6]);
  const ag_predictor *const *members = (const ag_predictor *const *)member;
  assert_int_equal(ag_predictor_join(members, 9, &p, NULL), AG_INVALID);
  assert_int_equal(ag_predictor_join(members + 6, 2, &p, NULL), AG_INVALID);
  assert_int_equal(ag_predictor_join(members, 3, &p, NULL), AG_OK);
  assert_int_equal(ag_predictor_join((const ag_predictor *[]){p, member[0]}, 2, &q, NULL),
                   AG_INVALID);
  assert_int_equal(ag_predictor_save(p, path, NULL), AG_OK);
  assert_int_equal(ag_predictor_load(path, &q, NULL), AG_OK);
  assert_int_equal(ag_predictor_members(q), 3);
  for (const ag_predictor *a = p, *b = q; a; a = a->next, b = b->next) {
    assert_memory_equal(a->params, b->params, (size_t)a->layout.size * sizeof(float));
  }
  ag_predictor_free(q);
  ag_predictor_free(p);
  assert_int_equal(ag_predictor_join((const ag_predictor *[]){member[6], member[8]}, 2, &p, NULL),
                   AG_OK);
  assert_int_equal(ag_predictor_save(p, path, NULL), AG_UNSUPPORTED);
  ag_predictor_free(p);
  for (int i = 0; i < 9; i++) ag_predictor_free(member[i]);
  unlink(path);
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
    assert_int_equal(p->config.model, q->config.model);
    assert_int_equal(p->config.residual, q->config.residual);
    assert_int_equal(p->config.log_features, q->config.log_features);
    assert_int_equal(p->config.distinct_edges, q->config.distinct_edges);
    assert_int_equal(p->config.bypass_joins, q->config.bypass_joins);
    assert_int_equal(p->config.sum_pooling, q->config.sum_pooling);
    assert_memory_equal(p->params, q->params, (size_t)p->layout.size * sizeof(float));
    assert_memory_equal(&p->head, &q->head, sizeof p->head);
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
      cmocka_unit_test(test_ensemble_file),   cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_headers),         cmocka_unit_test(test_header_length),
      cmocka_unit_test(test_damaged_weights), cmocka_unit_test(test_wrong_weights),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
