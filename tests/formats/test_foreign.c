/* Files of other kinds under the name of a model: the error says what they are and what to do.
 * Their first bytes are those of the formats' own specifications. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "autogo/import.h"
#include "tests/formats/graphdef_net.h"

static const struct {
  const char *bytes;
  size_t size;
  const char *kind, *advice;
} files[] = {
#define BYTES(text) text, sizeof text - 1
    {BYTES(""), "empty", ""},
    {BYTES(" \n"), "empty", ""},
    {BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n"), "Git LFS pointer",
     "git lfs pull"},
    {BYTES("<!DOCTYPE html>\n<html>\xc3\xa9</html>"), "HTML", "download"},
    {BYTES("\xef\xbb\xbf <?xml version='1.0'?>"), "XML", "download"},
    {BYTES("[1, 2]"), "JSON", ".json"},
    {BYTES("\x89HDF\r\n\x1a\n\0\0\0\0"), "HDF5", "to_json"},
    {BYTES("PK\x03\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0archive/data.pkl"),
     "PyTorch", "torch.onnx.export"},
    {BYTES("PK\x03\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0d\0\0\0metadata.json"),
     ".keras", "config.json"},
    {BYTES("PK\x03\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a"), "ZIP", "unpack"},
    {BYTES("\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19."), "pickle", "torch.onnx.export"},
    {BYTES("\x1f\x8b\x08\0"), "gzip", "unpack"},
    {BYTES("\x1c\0\0\0TFL3\0\0"), "TensorFlow Lite", "tf2onnx"},
    {BYTES("\x02\0\0\0\0\0\0\0{}"), "safetensors", "ONNX"},
    {BYTES("\x93NUMPY\x01\0v"), "NumPy", ""},
    {BYTES("name: \"LeNet\"\nlayer {"), "text that begins with 'name: \"LeNet\"'", ""},
};

static void expect(ag_status status, ag_error *err, const char *kind, const char *advice) {
  char text[1024];
  ag_error_text(err, text, sizeof text);
  if (status != AG_FORMAT || !strstr(text, kind) || !strstr(text, advice) || strchr(text, '\n'))
    fail_msg("expected '%s' and '%s', got %d: %s", kind, advice, status, text);
}

static void other_files_are_called_what_they_are(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    const ag_graph *g;
    ag_error err;
    char *bytes = ag_memdup(files[i].bytes, files[i].size, 1); /* nothing behind it may be read */
    expect(ag_onnx_parse(bytes, files[i].size, (ag_shape){0, 0, 0}, &g, NULL, &err), &err,
           files[i].kind, files[i].advice);
    expect(ag_tensorflow_parse(bytes, files[i].size, NULL, &g, NULL, &err), &err, files[i].kind,
           files[i].advice);
    free(bytes);
  }
}

/* ONNX as .pb, a GraphDef as .onnx, a SavedModel. */
static void models_under_the_wrong_name(void **state) {
  (void)state;
  net n = {.count = 0};
  ag_error err;
  const ag_graph *g;
  static const char onnx[] = "\x08\x08\x12\x07pytorch\x3a\x00",
                    saved[] = "\x08\x01\x12\x02\x0a\x00";
  unary(&n, "Relu", placeholder(&n, 4, 4, 3));
  expect(ag_onnx_parse(n.graph.data, n.graph.size, (ag_shape){0, 0, 0}, &g, NULL, &err), &err,
         "GraphDef", "ends in .pb");
  expect(ag_tensorflow_parse(onnx, sizeof onnx - 1, NULL, &g, NULL, &err), &err, "ONNX",
         "ends in .onnx");
  expect(ag_tensorflow_parse(saved, sizeof saved - 1, NULL, &g, NULL, &err), &err, "SavedModel",
         "tf2onnx");
  free_net(&n);
}

static void damaged_models_are_not_explained_away(void **state) {
  (void)state;
  ag_error err;
  const ag_graph *g;
  assert_int_equal(ag_onnx_parse("\xff\xff\xff", 3, (ag_shape){0, 0, 0}, &g, NULL, &err),
                   AG_FORMAT);
  assert_string_equal(err.message, "not a protobuf message");
  assert_int_equal(err.offset, 0);
  assert_int_equal(ag_onnx_parse("\x08\x08\x3a\x7f\x0a", 5, (ag_shape){0, 0, 0}, &g, NULL, &err),
                   AG_FORMAT);
  assert_non_null(strstr(err.message, "longer than the message"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(other_files_are_called_what_they_are),
      cmocka_unit_test(models_under_the_wrong_name),
      cmocka_unit_test(damaged_models_are_not_explained_away),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
