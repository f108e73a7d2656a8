/* Keras models in the words of each version, and the same graphs made by hand. With `--write DIR` a
 * test program's models go to files as well, for the fuzzer. Included after cmocka.h. */
#ifndef AG_TESTS_KERAS_MAKER_H
#define AG_TESTS_KERAS_MAKER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autogo/import.h"
#include "engine/base/alloc.h"
#include "engine/base/file.h"

static inline const ag_graph *parse(const char *text, const ag_import_options *options,
                                    ag_import_report *report) {
  const ag_graph *g;
  ag_error err;
  char message[1024];
  if (ag_keras_parse(text, strlen(text), options, &g, report, &err))
    fail_msg("%s\n%s", ag_error_text(&err, message, sizeof message), text);
  assert_int_equal(ag_graph_check(g, &err), AG_OK);
  return g;
}

/* The same chain as Keras 1, Keras 2 and Keras 3 write it: `layers` holds configurations without
 * names, separated by newlines, as "Class {...}". */
static inline char *functional(int version, const char *shape, const char *layers) {
  ag_text t = {0};
  int count = 0;
  ag_text_add(&t, "{%s\"class_name\":\"%s\",%s\"config\":{\"name\":\"m\",\"layers\":[",
              version == 3 ? "\"module\":\"keras\"," : "", version == 3 ? "Functional" : "Model",
              version == 3   ? "\"registered_name\":\"Functional\","
              : version == 2 ? "\"keras_version\":\"2.2.4\","
                             : "\"keras_version\":\"1.1.0\",");
  ag_text_add(&t,
              "{\"class_name\":\"InputLayer\",\"name\":\"n0\",\"config\":{\"%s\":%s},"
              "\"inbound_nodes\":[]}",
              version == 3 ? "batch_shape" : "batch_input_shape", shape);
  while (*layers) {
    size_t class = strcspn(layers, " "), length = strcspn(layers, "\n");
    ag_text_add(&t, ",{\"class_name\":\"%.*s\",\"name\":\"n%d\",\"config\":%.*s,\"inbound_nodes\":",
                (int)class, layers, count + 1, (int)(length - class), layers + class);
    if (version == 3)
      ag_text_add(&t,
                  "[{\"args\":[{\"class_name\":\"__keras_tensor__\",\"config\":{\"shape\":[],"
                  "\"dtype\":\"float32\",\"keras_history\":[\"n%d\",0,0]}}],\"kwargs\":{}}]}",
                  count);
    else
      ag_text_add(&t, "[[[\"n%d\",0,0%s]]]}", count, version == 2 ? ",{}" : "");
    count++;
    layers += length + (layers[length] == '\n');
  }
  ag_text_add(&t, "],\"input_layers\":[[\"n0\",0,0]],\"output_layers\":");
  ag_text_add(&t, version == 3 ? "[\"n%d\",0,0]}}" : "[[\"n%d\",0,0]]}}", count);
  return ag_text_take(&t);
}

/* A text with ' for ", and @name for a reference of Keras 3 to the first result of a layer. */
static inline char *quoted(const char *text) {
  ag_text t = {0};
  for (; *text; text++) {
    size_t length = *text == '@' ? strspn(text + 1, "abcdefghijklmnopqrstuvwxyz") : 0;
    if (*text != '@') {
      ag_text_bytes(&t, *text == '\'' ? "\"" : text, 1);
      continue;
    }
    ag_text_add(&t,
                "{\"class_name\":\"__keras_tensor__\",\"config\":{\"shape\":[],"
                "\"dtype\":\"float32\",\"keras_history\":[\"%.*s\",0,0]}}",
                (int)length, text + 1);
    text += length;
  }
  return ag_text_take(&t);
}

/* A model over the input "x" of 8 x 6 x 4, its layers as lines "name Class config inbound_nodes";
 * the last one is the output. Classes "ops.Name" are operations of Keras 3. */
static inline char *called(int version, const char *layers) {
  static const char *const heads[] = {"'keras_version':'1.2.0','class_name':'Model'",
                                      "'keras_version':'2.9.0','class_name':'Functional'",
                                      "'module':'keras','class_name':'Functional'"};
  ag_text t = {0};
  char name[32] = "", class[32];
  int at;
  ag_text_add(&t,
              "{%s,'config':{'name':'m','layers':[{'class_name':'InputLayer','name':'x',"
              "'config':{'%s':[null,8,6,4]},'inbound_nodes':[]}",
              heads[version - 1], version == 3 ? "batch_shape" : "batch_input_shape");
  for (; *layers; layers += strcspn(layers, "\n") + (strchr(layers, '\n') != NULL)) {
    assert_int_equal(sscanf(layers, "%31s %31s%n", name, class, &at), 2);
    const char *config = layers + at + 1, *plain = strncmp(class, "ops.", 4) ? class : class + 4;
    int length = (int)strcspn(config, " "), rest = (int)strcspn(config, "\n");
    ag_text_add(&t, ",{'class_name':'%s','name':'%s'%s,'config':%.*s,'inbound_nodes':%.*s}", plain,
                name, plain == class ? "" : ",'module':'keras.src.ops.numpy'", length, config,
                rest - length, config + length);
  }
  ag_text_add(&t, "],'input_layers':[['x',0,0]],'output_layers':[['%s',0,0]]}}", name);
  char *text = quoted(t.data);
  ag_text_free(&t);
  return text;
}

typedef struct chain {
  ag_builder *b;
  int x;
} chain;

static inline chain begin(int32_t h, int32_t w, int32_t c) {
  chain made = {ag_builder_new("m"), 0};
  ag_node n = ag_node_make(AG_OP_INPUT);
  n.out = (ag_shape){h, w, c};
  made.x = ag_builder_add(made.b, n, NULL, 0, NULL);
  return made;
}

static inline void add(chain *c, ag_node n) {
  c->x = ag_builder_add(c->b, n, &c->x, 1, NULL);
}

static inline ag_node conv_node(ag_op op, int filters, int kernel, int stride, int padding,
                                int bias) {
  ag_node n = ag_node_make(op);
  n.kernel[0] = n.kernel[1] = kernel;
  n.stride[0] = n.stride[1] = stride;
  n.padding = (uint8_t)padding;
  n.bias = (uint8_t)bias;
  n.out.c = filters;
  return n;
}

static inline const ag_graph *finish(chain *c) {
  const ag_graph *g;
  ag_error err;
  char text[1024];
  add(c, ag_node_make(AG_OP_OUTPUT));
  if (ag_builder_finish(c->b, &g, &err)) fail_msg("%s", ag_error_text(&err, text, sizeof text));
  return g;
}

static const char *folder; /* or NULL */

static inline void write_model(const char *text) {
  static int count;
  char path[600];
  snprintf(path, sizeof path, "%s/model%d.json", folder, count++);
  assert_int_equal(ag_file_write(path, text, strlen(text), NULL), AG_OK);
}

static inline void compare(const char *text, const ag_graph *expected) {
  if (folder) write_model(text);
  const ag_graph *g = parse(text, NULL, NULL);
  if (!ag_graph_isomorphic(g, expected, AG_EQUAL_SHAPES, NULL)) {
    for (int i = 0; i < g->size; i++)
      print_message("%s %dx%dx%d\n", ag_op_get(g->nodes[i].op)->name, g->nodes[i].out.h,
                    g->nodes[i].out.w, g->nodes[i].out.c);
    fail_msg("another graph: %s", text);
  }
  ag_graph_release(g);
}

/* Frees `expected`. */
static inline void check(int version, const char *layers, const ag_graph *expected) {
  char *text = functional(version, "[null,8,6,4]", layers);
  compare(text, expected);
  free(text);
  ag_graph_release(expected);
}

/* Frees `text`: a model in which the reader refuses the layer `where`, saying `what`. */
static inline void refuse_model(char *text, const char *where, const char *what) {
  char message[1024];
  ag_error err;
  const ag_graph *g;
  ag_status status = ag_keras_parse(text, strlen(text), NULL, &g, NULL, &err);
  if (!status || strcmp(err.node, where) != 0 || !strstr(err.message, what))
    fail_msg("%d: %s", status, ag_error_text(&err, message, sizeof message));
  free(text);
}

#endif
