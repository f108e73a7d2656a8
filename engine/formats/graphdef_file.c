/* Files of GraphDefs: binary messages, and JSON, as TensorFlow.js has them. */
#include <string.h>

#include "engine/formats/foreign.h"
#include "engine/formats/load.h"
#include "engine/formats/tfjs.h"
#include "engine/formats/wire.h"
#include "engine/graph/json_node.h"

/* What the caller wants. */
typedef struct request {
  const ag_import_options *options;
  const ag_graph **graph;
  ag_import_report *report;
  ag_error *err;
} request;

static ag_status parse_binary(const request *r, const void *data, size_t size) {
  ProtobufCMessage *message;
  ag_status status = ag_wire_unpack(&ag__tf__graph__descriptor, data, size, &message, r->err);
  if (status) return ag_foreign_explain(status, AG_FOREIGN_TO_GRAPHDEF, data, size, r->err);
  const ag_tf_graph *g = (const ag_tf_graph *)message;
  if (g->n_node == 0) {
    status = ag_fail(r->err, AG_FORMAT, "not a GraphDef: it has no nodes");
    status = ag_foreign_explain(status, AG_FOREIGN_TO_GRAPHDEF, data, size, r->err);
  }
  if (!status) status = ag_tf_import_graph(g, size, false, r->options, r->graph, r->report, r->err);
  protobuf_c_message_free_unpacked(message, NULL);
  return status;
}

/* directory = NULL: the weights are not looked for. */
static ag_status parse_json(const request *r, const char *text, size_t size,
                            const char *directory) {
  cJSON *root;
  ag_arena arena = {0};
  ag_tf_graph g;
  ag_status status = ag_json_parse(text, size, &root, r->err);
  if (status) return status;
  status = ag_tfjs_read(root, &arena, &g, r->err);
  if (!status && directory) status = ag_tfjs_add_weights(root, directory, &arena, &g, r->err);
  if (!status) status = ag_tf_import_graph(&g, size, true, r->options, r->graph, r->report, r->err);
  ag_arena_free(&arena);
  cJSON_Delete(root);
  return status;
}

/* No message begins with a brace or bracket, nor with white space that a field could be. */
static bool is_json(const char *data, size_t size) {
  size_t at = 0;
  while (at < size && strchr(" \t\r\n", data[at]) && data[at]) at++;
  return at < size && (data[at] == '{' || data[at] == '[');
}

static ag_status parse(void *context, const void *data, size_t size, const char *directory) {
  if (is_json(data, size)) return parse_json(context, data, size, directory);
  return parse_binary(context, data, size);
}

ag_status ag_tensorflow_parse(const void *data, size_t size, const ag_import_options *options,
                              const ag_graph **graph, ag_import_report *report, ag_error *err) {
  request r = {options, graph, report, err};
  return parse(&r, data, size, NULL);
}

ag_status ag_tensorflow_load(const char *path, const ag_import_options *options,
                             const ag_graph **graph, ag_import_report *report, ag_error *err) {
  request r = {options, graph, report, err};
  return ag_format_load(path, parse, &r, err);
}
