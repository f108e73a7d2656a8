/* Keras models that are refused or damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/formats/keras_maker.h"
#include "engine/base/random.h"

static void refuse(const char *layers, const char *where, const char *what) {
  refuse_model(functional(2, "[null,8,6,4]", layers), where, what);
}

static void refusals_name_layer_and_class(void **state) {
  (void)state;
  refuse("LSTM {\"units\":3}", "n1 (LSTM)", "no rule");
  refuse("Conv2D {\"filters\":0,\"kernel_size\":[3,3]}", "n1 (Conv2D)", "filters");
  refuse("Conv2D {\"filters\":4,\"kernel_size\":\"3\"}", "n1 (Conv2D)", "kernel_size");
  refuse("Conv2D {\"filters\":4,\"kernel_size\":[3,3],\"padding\":\"causal\"}", "n1 (Conv2D)",
         "causal");
  refuse("Activation {\"activation\":\"spike\"}", "n1 (Activation)", "spike");
  refuse("BatchNormalization {\"axis\":1}", "n1 (BatchNormalization)", "channels");
  refuse("Dense {\"units\":4}\nFlatten {}\nConv2D {\"filters\":4,\"kernel_size\":[3,3]}",
         "n3 (Conv2D)", "image");
}

/* Cut short and changed at every place, from memory of exactly that size. */
static void damaged_models_do_no_harm(void **state) {
  (void)state;
  char *text = functional(3, "[null,8,6,4]",
                          "Conv2D {\"filters\":5,\"kernel_size\":[3,3],\"activation\":\"silu\"}\n"
                          "SeparableConv2D {\"filters\":5,\"kernel_size\":[3,3]}\n"
                          "ZeroPadding2D {\"padding\":[[1,0],[2,3]]}\nFlatten {}\n"
                          "Dense {\"units\":16}\nReshape {\"target_shape\":[2,4,-1]}");
  size_t size = strlen(text);
  ag_random random = ag_random_stream(5, 0, 0, 0, 0);
  for (int round = 0; round < 6000; round++) {
    char *copy = ag_memdup(text, size, 1);
    size_t length = round % 2 ? size : ag_random_below(&random, size);
    const ag_graph *g;
    for (int k = 0; k < round % 4; k++)
      copy[ag_random_below(&random, size)] =
          "0123456789-[]{}\",:null"[ag_random_below(&random, 22)];
    copy = ag_resize(copy, length + 1, 1);
    if (ag_keras_parse(copy, length, NULL, &g, NULL, NULL) == AG_OK) ag_graph_release(g);
    free(copy);
  }
  free(text);
}

static void kinds_of_json(void **state) {
  (void)state;
  static const struct {
    const char *text;
    ag_json_kind kind;
  } texts[] = {
      {"{\"nodes\":[]}", AG_JSON_GRAPH},
      {"{\"class_name\":\"Model\",\"config\":{}}", AG_JSON_KERAS},
      {"{\"modelTopology\":{\"model_config\":{}}}", AG_JSON_KERAS},
      {"{\"format\":\"graph-model\",\"modelTopology\":{\"node\":[]}}", AG_JSON_TENSORFLOW}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    ag_json_kind kind;
    assert_int_equal(ag_import_json_kind(texts[i].text, strlen(texts[i].text), &kind, NULL), AG_OK);
    assert_int_equal(kind, texts[i].kind);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refusals_name_layer_and_class),
      cmocka_unit_test(damaged_models_do_no_harm),
      cmocka_unit_test(kinds_of_json),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
