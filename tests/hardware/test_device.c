/* Device files: the bundled ones, and what is wrong with a bad one in one line. */
#include <cJSON.h>

#include "engine/base/file.h"
#include "tests/hardware/support.h"

static char *read_bundled(const char *name, size_t *size) {
  char path[128], *text;
  snprintf(path, sizeof path, "lua/autogo/devices/%s.json", name);
  assert_int_equal(ag_file_read(path, 1 << 20, &text, size, NULL), AG_OK);
  return text;
}

/* Whether every number of the file, or the section it is in, has a source. */
static void check_sourced(const cJSON *root) {
  const cJSON *sources = cJSON_GetObjectItemCaseSensitive(root, "sources"), *item, *inner;
  cJSON_ArrayForEach(item, root) {
    const char *name = item->string;
    if (cJSON_IsNumber(item) && strcmp(name, "version") != 0 &&
        !cJSON_GetObjectItemCaseSensitive(sources, name))
      fail_msg("%s has no source", name);
    if (!cJSON_IsObject(item) || item == sources) continue;
    if (cJSON_GetObjectItemCaseSensitive(sources, name)) continue;
    cJSON_ArrayForEach(inner, item) {
      char full[128];
      snprintf(full, sizeof full, "%s.%s", name, inner->string);
      if (!cJSON_GetObjectItemCaseSensitive(sources, full)) fail_msg("%s has no source", full);
    }
  }
}

static void every_number_has_a_source(void **state) {
  (void)state;
  for (int i = 0; i < DEVICES; i++) {
    size_t size;
    char *text = read_bundled(device_names[i], &size);
    cJSON *root = cJSON_ParseWithLength(text, size);
    check_sourced(root);
    cJSON_Delete(root);
    free(text);
    ag_device d = bundled(device_names[i]);
    assert_string_equal(d.name, device_names[i]);
    assert_int_equal(ag_device_check(&d, NULL), AG_OK);
    assert_true(ag_device_tops_per_watt(&d) > 0.1);
  }
}

static void peaks_of_the_bundled_devices(void **state) {
  (void)state;
  static const int64_t peaks[] = {2048, 256, 16384, 256, 2048};
  for (int i = 0; i < DEVICES; i++) {
    ag_device d = bundled(device_names[i]);
    assert_int_equal(ag_device_peak(&d), peaks[i]);
  }
  ag_device d = bundled("mobile-npu");
  assert_true(ag_device_tops_per_watt(&d) > 1 && ag_device_tops_per_watt(&d) < 5);
}

/* mobile-npu with one field changed (value), or removed (NULL). */
static void expect_error(const char *section, const char *field, const char *value,
                         const char *part, const char *other) {
  size_t size;
  char *text = read_bundled("mobile-npu", &size);
  cJSON *root = cJSON_ParseWithLength(text, size);
  cJSON *object = *section ? cJSON_GetObjectItemCaseSensitive(root, section) : root;
  cJSON_DeleteItemFromObjectCaseSensitive(object, field);
  if (value) cJSON_AddItemToObject(object, field, cJSON_Parse(value));
  char *changed = cJSON_PrintUnformatted(root);
  ag_device d = {.name = "untouched"};
  ag_error err;
  assert_int_not_equal(ag_device_parse(changed, strlen(changed), &d, &err), AG_OK);
  assert_string_equal(d.name, "untouched");
  if (!strstr(err.message, part) || !strstr(err.message, other) || strchr(err.message, '\n'))
    fail_msg("'%s' lacks '%s' or '%s'", err.message, part, other);
  cJSON_free(changed);
  cJSON_Delete(root);
  free(text);
}

static void bad_fields_are_named(void **state) {
  (void)state;
  expect_error("dram", "gbps", "0", "dram.gbps is 0", "bandwidth");
  expect_error("dram", "gbps", "1e300", "dram.gbps is 1e+300", "between");
  expect_error("", "clock_ghz", "0", "clock_ghz is 0", "between");
  expect_error("", "clock_ghz", "-1", "clock_ghz is -1", "between");
  expect_error("", "clock_ghz", "\"1\"", "clock_ghz must be a number", "GHz");
  expect_error("energy", "mac_pj", NULL, "energy.mac_pj is missing", "pJ per useful MAC");
  expect_error("energy", "static_mw", "null", "energy.static_mw must be a number", "mW");
  expect_error("energy", "dram_system_pj_per_byte", "1", "dram_system_pj_per_byte is 1", "less");
  expect_error("array", "k", "0", "array.k is 0", "between 1 and");
  expect_error("array", "k", "1.5", "array.k is 1.5", "whole");
  expect_error("array", "rows", "4", "array.rows", "cube");
  expect_error("buffers", "operand", "0", "no room for tiles", "buffers.operand");
  expect_error("buffers", "operand", NULL, "no room for tiles", "buffers.operand");
  expect_error("buffers", "input", "5", "in the place of", "remove");
  expect_error("shared", "resident_bytes", "5000000", "shared.resident_bytes is 5000000",
               "4194304");
  expect_error("fuse", "add", "1", "fuse.add must be true or false", "addition");
  expect_error("", "engine", "\"dsp\"", "engine is \"dsp\"", "\"cube\"");
  expect_error("", "engine", NULL, "engine is missing", "\"cube\"");
  expect_error("", "dram", "7", "dram must be an object", "object");
  expect_error("", "clok_ghz", "1", "clok_ghz", "correct its name");
  expect_error("", "format", "\"x\"", "no device file", "autogo-device");
  expect_error("", "version", "2", "another version", "1");
  expect_error("", "name", "\"\"", "name must be", "characters");
  expect_error("", "sources", "{\"a\":1}", "sources", "texts");
}

static void texts_that_are_no_device(void **state) {
  (void)state;
  static const char *const bad[] = {"", "{", "[]", "7", "null", "{\"format\":\"autogo-device\"}"};
  ag_device d;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_not_equal(ag_device_parse(bad[i], strlen(bad[i]), &d, NULL), AG_OK);
  char deep[4096];
  memset(deep, '[', sizeof deep);
  assert_int_equal(ag_device_parse(deep, sizeof deep, &d, NULL), AG_LIMIT);
  ag_error err;
  assert_int_equal(ag_device_load("tests/no-such.json", &d, &err), AG_IO);
  assert_string_equal(err.file, "tests/no-such.json");
}

/* Every prefix and many single changes of a file: an error or a device that passes the checks. */
static void damaged_files(void **state) {
  (void)state;
  size_t size;
  char *text = read_bundled("systolic-16", &size);
  ag_device d;
  ag_random r = ag_random_stream(71, 0, 0, 0, 0);
  for (size_t n = 0; n + 2 < size; n += 7) assert_true(ag_device_parse(text, n, &d, NULL));
  for (int i = 0; i < 3000; i++) {
    size_t at = (size_t)below(&r, (int32_t)size);
    char before = text[at];
    text[at] = (char)below(&r, 256);
    if (!ag_device_parse(text, size, &d, NULL)) assert_int_equal(ag_device_check(&d, NULL), AG_OK);
    text[at] = before;
  }
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_number_has_a_source),
      cmocka_unit_test(peaks_of_the_bundled_devices),
      cmocka_unit_test(bad_fields_are_named),
      cmocka_unit_test(texts_that_are_no_device),
      cmocka_unit_test(damaged_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
