/* Keras models from JSON: what model.to_json() of Keras 1, 2 and 3 writes, and TF.js layers models,
 * which hold the same in "modelTopology". Files hold the topology alone, so the graph's weights
 * have no values. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/formats/keras.h"
#include "engine/graph/json_node.h"

/* --- input ------------------------------------------------------------------------ */

static ag_status bind_sizes(ag_keras_import *im, int64_t *dims, int rank) {
  static const char *const what[] = {"batch", "height", "width", "channels"};
  const ag_shape bind = im->options->bind;
  bool first = im->channels_first;
  int32_t bound[4] = {0, first ? bind.c : bind.h, first ? bind.h : bind.w, first ? bind.w : bind.c};
  for (int d = 1; d < rank; d++) {
    int name = first ? (d == 1 ? 3 : d - 1) : d;
    if (rank != 4 && dims[d] <= 0)
      return ag_neutral_fail(im->n, AG_UNSUPPORTED, "leaves dimension %d of %d open", d, rank);
    if (rank != 4) continue;
    if (bound[d] > 0 && dims[d] > 0 && dims[d] != bound[d])
      return ag_neutral_fail(im->n, AG_INVALID, "has %s %d, not %d", what[name], (int)dims[d],
                             bound[d]);
    if (bound[d] > 0) dims[d] = bound[d];
    if (dims[d] <= 0)
      return ag_neutral_fail(im->n, AG_UNSUPPORTED,
                             "leaves its %s open; give it with --input HxWxC", what[name]);
  }
  return AG_OK;
}

/* batch_shape holds the batch, input_shape does not. */
static int read_shape(const cJSON *config, int64_t *dims) {
  const cJSON *whole = ag_keras_field(config, "batch_shape|batch_input_shape|build_input_shape");
  if (whole) return ag_keras_list(whole, dims, AG_MAX_RANK);
  int count = ag_keras_list(ag_keras_field(config, "input_shape"), dims + 1, AG_MAX_RANK - 1);
  dims[0] = -1;
  return count < 0 ? -1 : count + 1;
}

ag_status ag_keras_make_input(ag_keras_import *im, const char *name, const cJSON *config,
                              int *value) {
  static const int images[] = {0, 3, 1, 2};
  int64_t dims[AG_MAX_RANK] = {-1, -1, -1, -1};
  ag_tensor shape = {.dtype = AG_F32};
  shape.rank = read_shape(config, dims);
  if (shape.rank < 0 && im->options->bind.c > 0) shape.rank = 4;
  if (shape.rank < 2)
    return ag_neutral_fail(im->n, AG_UNSUPPORTED,
                           "the file gives no shape for the input; give it with --input HxWxC");
  ag_status status = bind_sizes(im, dims, shape.rank);
  if (status) return status;
  bool moved = shape.rank == 4 && !im->channels_first;
  for (int d = 0; d < shape.rank; d++) shape.dims[d] = dims[moved ? images[d] : d];
  if (shape.dims[0] < 0) shape.dims[0] = 0;
  if (!ag_onnx_bounded(&shape)) return ag_neutral_fail(im->n, AG_LIMIT, "its shape is too large");
  *value = ag_neutral_input(im->n, name, &shape);
  ag_neutral_fate(im->n, AG_ONNX_KEPT, NULL);
  return AG_OK;
}

/* --- the file --------------------------------------------------------------------- */

/* The object with class_name and config, within what TF.js and savers put around it. */
static const cJSON *find_model(const cJSON *root) {
  const cJSON *topology = ag_json_field(root, "modelTopology");
  if (topology) root = topology;
  const cJSON *config = ag_json_field(root, "model_config");
  return config ? config : root;
}

static int find_version(const cJSON *root, const cJSON *model) {
  const cJSON *topology = ag_json_field(root, "modelTopology");
  const cJSON *item = ag_json_field(topology ? topology : root, "keras_version");
  const char *text = cJSON_GetStringValue(item);
  if (text && text[0] >= '1' && text[0] <= '9') return text[0] - '0';
  return ag_json_field(model, "module") ? 3 : 2;
}

/* The first layer that says so decides for all. */
static bool find_channels_first(const cJSON *item, bool *found) {
  const cJSON *child;
  bool first = false;
  const char *format = cJSON_IsObject(item)
                           ? cJSON_GetStringValue(ag_keras_field(item, "data_format|dim_ordering"))
                           : NULL;
  if (format && (strcmp(format, "channels_first") == 0 || strcmp(format, "th") == 0))
    return *found = true;
  if (format && (strcmp(format, "channels_last") == 0 || strcmp(format, "tf") == 0))
    return *found = true, false;
  cJSON_ArrayForEach(child, item) {
    first = find_channels_first(child, found);
    if (*found) return first;
  }
  return false;
}

static ag_status run(ag_keras_import *im, const cJSON *root, const ag_graph **graph,
                     ag_import_report *report) {
  const cJSON *model = find_model(root);
  ag_keras_values results, none = {NULL, 0};
  bool found = false;
  const char *class = cJSON_GetStringValue(ag_json_field(model, "class_name"));
  if (!class) return ag_fail(im->err, AG_FORMAT, "not a Keras model: it has no class_name");
  if (im->options->start || im->options->stop)
    return ag_fail(im->err, AG_INVALID, "only TensorFlow files have start and stop nodes");
  im->version = find_version(root, model);
  im->channels_first = im->functions.channels_first = find_channels_first(model, &found);
  ag_status status = ag_keras_translate_model(im, model, none, &results);
  if (status) return status;
  int *outputs = ag_arena_alloc(&im->arena, (size_t)results.count * sizeof *outputs);
  for (int k = 0; k < results.count && !status; k++)
    status = ag_keras_arrange(im, "output", &results.at[k], &outputs[k]);
  return status ? status : ag_neutral_finish(im->n, outputs, results.count, graph, report);
}

static const char *model_name(const cJSON *root) {
  const cJSON *config = ag_json_field(find_model(root), "config");
  const char *name = cJSON_GetStringValue(ag_json_field(config, "name"));
  return name ? name : "keras";
}

ag_status ag_keras_parse(const char *text, size_t length, const ag_import_options *options,
                         const ag_graph **graph, ag_import_report *report, ag_error *err) {
  static const ag_import_options none = {.start = NULL};
  ag_error scratch;
  cJSON *root;
  ag_status status = ag_json_parse(text, length, &root, err);
  if (status) return status;
  ag_keras_import im = {.options = options ? options : &none, .err = err ? err : &scratch};
  im.n = ag_neutral_new("keras", model_name(root), length, im.err);
  im.functions = (ag_tf_import){.n = im.n, .err = im.err, .file_size = length};
  status = run(&im, root, graph, report);
  ag_neutral_free(im.n);
  ag_arena_free(&im.functions.arena);
  ag_arena_free(&im.arena);
  cJSON_Delete(root);
  return status;
}

ag_status ag_keras_load(const char *path, const ag_import_options *options, const ag_graph **graph,
                        ag_import_report *report, ag_error *err) {
  char *text;
  size_t size;
  ag_status status = ag_file_read(path, AG_JSON_MAX_FILE, &text, &size, err);
  if (status) return status;
  status = ag_keras_parse(text, size, options, graph, report, err);
  free(text);
  return status ? ag_error_in_file(err, status, path) : AG_OK;
}

/* A graph model of TF.js has nodes where a layers model has a configuration. */
ag_status ag_import_json_kind(const char *text, size_t length, ag_json_kind *kind, ag_error *err) {
  cJSON *root;
  ag_status status = ag_json_parse(text, length, &root, err);
  if (status) return status;
  const cJSON *topology = ag_json_field(root, "modelTopology");
  *kind = AG_JSON_GRAPH;
  if (ag_json_field(topology, "node") || ag_json_field(root, "node"))
    *kind = AG_JSON_TENSORFLOW;
  else if (topology || ag_json_field(root, "model_config") || ag_json_field(root, "class_name"))
    *kind = AG_JSON_KERAS;
  cJSON_Delete(root);
  return AG_OK;
}
