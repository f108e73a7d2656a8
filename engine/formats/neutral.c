/* The life of a model under construction, and the elements of the file it is made from. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/formats/neutral_model.h"

enum { OPSET = 13 };

ag_neutral *ag_neutral_new(const char *format, const char *name, size_t file_size, ag_error *err) {
  ag_neutral *n = AG_NEW(ag_neutral);
  n->format = format;
  n->arena = AG_NEW(ag_arena);
  ag__onnx__model__init(&n->model);
  ag__onnx__graph__init(&n->graph);
  ag__onnx__graph__init(&n->probe_graph);
  ag__onnx__operator_set__init(&n->opset);
  n->opset.has_version = 1;
  n->opset.version = OPSET;
  n->opsets[0] = &n->opset;
  n->model.n_opset_import = 1;
  n->model.opset_import = n->opsets;
  n->model.graph = &n->graph;
  n->graph.name = ag_arena_strdup(n->arena, name);
  ag_onnx_import *p = &n->probe;
  p->model = &n->model;
  p->graph = &n->probe_graph;
  p->opset = OPSET;
  p->builder = ag_builder_new(name);
  p->store = ag_builder_store(p->builder);
  p->err = err;
  p->nodes = 1;
  p->input_start = n->ends;
  p->output_start = n->ends + 2;
  p->fate = &n->fate;
  p->reason = &n->reason;
  p->file_size = file_size;
  return n;
}

static void free_arena(void *arena, size_t size) {
  (void)size;
  if (arena) ag_arena_free(arena);
  free(arena);
}

void ag_neutral_free(ag_neutral *n) {
  ag_builder_free(n->probe.builder);
  ag_map_free(&n->probe.names);
  ag_map_free(&n->probe.fills);
  free(n->probe.values);
  free(n->probe.drafts);
  free(n->probe.draft_operands);
  ag_arena_free(&n->probe.arena);
  free_arena(n->arena, 0);
  free(n->nodes);
  free(n->node_source);
  free(n->initializers);
  free(n->inputs);
  free(n->infos);
  free(n->sources);
  free(n->facts);
  free(n);
}

void *ag_neutral_alloc(ag_neutral *n, size_t size) {
  return ag_arena_alloc(n->arena, size);
}

const char *ag_neutral_print(ag_neutral *n, const char *format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return ag_arena_strdup(n->arena, buffer);
}

/* --- elements of the file --------------------------------------------------------- */

void ag_neutral_source(ag_neutral *n, const char *name, const char *type) {
  AG_GROW(n->sources, n->source_count, n->source_capacity);
  n->sources[n->source_count++] = (ag_onnx_source){.name = ag_arena_strdup(n->arena, name),
                                                   .type = ag_arena_strdup(n->arena, type)};
}

void ag_neutral_fate(ag_neutral *n, ag_onnx_fate fate, const char *reason) {
  n->sources[n->source_count - 1].fate = fate;
  n->sources[n->source_count - 1].reason = reason;
}

ag_status ag_neutral_at_source(ag_neutral *n, ag_status code) {
  char place[sizeof(ag_error)];
  if (n->source_count == 0) return code;
  const ag_onnx_source *s = &n->sources[n->source_count - 1];
  snprintf(place, sizeof place, "%s (%s)", s->name, s->type);
  return ag_error_at_node(n->probe.err, code, place);
}

ag_status ag_neutral_fail(ag_neutral *n, ag_status code, const char *format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  ag_fail(n->probe.err, code, "%s", buffer);
  return ag_neutral_at_source(n, code);
}

/* --- the end ---------------------------------------------------------------------- */

static void *moved(ag_neutral *n, const void *list, int count) {
  size_t bytes = (size_t)count * sizeof(void *);
  return count ? memcpy(ag_arena_alloc(n->arena, bytes), list, bytes) : NULL;
}

/* The messages refer to the arena alone from here on. */
static ag_onnx_model *close_model(ag_neutral *n, const int *outputs, int count) {
  ag_onnx_model *model = ag_arena_alloc(n->arena, sizeof *model);
  ag_onnx_graph *graph = ag_arena_alloc(n->arena, sizeof *graph);
  *model = n->model;
  *graph = n->graph;
  model->graph = graph;
  graph->n_node = (size_t)n->node_count;
  graph->node = moved(n, n->nodes, n->node_count);
  graph->n_initializer = (size_t)n->initializer_count;
  graph->initializer = moved(n, n->initializers, n->initializer_count);
  graph->n_input = (size_t)n->input_count;
  graph->input = moved(n, n->inputs, n->input_count);
  graph->n_value_info = (size_t)n->info_count;
  graph->value_info = moved(n, n->infos, n->info_count);
  graph->n_output = (size_t)count;
  graph->output = ag_arena_alloc(n->arena, (size_t)count * sizeof *graph->output);
  for (int i = 0; i < count; i++) {
    const ag_onnx_value *v = &n->probe.values[outputs[i]];
    ag_tensor open = {.dtype = v->tensor.dtype, .rank = -1};
    if (v->kind == AG_ONNX_CONSTANT) ag_neutral_emit_constant(n, outputs[i]);
    graph->output[i] = ag_neutral_make_info(n, v->name, v->info ? &v->tensor : &open);
  }
  return model;
}

ag_status ag_neutral_finish(ag_neutral *n, const int *outputs, int count, const ag_graph **graph,
                            ag_import_report *report) {
  ag_onnx_translation t = {.format = n->format,
                           .model = close_model(n, outputs, count),
                           .node_source = n->node_source,
                           .sources = n->sources,
                           .source_count = n->source_count,
                           .file_size = n->probe.file_size,
                           .memory = n->arena,
                           .release = free_arena};
  n->arena = NULL;
  return ag_onnx_import_translation(&t, graph, report, n->probe.err);
}
