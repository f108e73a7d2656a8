/* Computation graphs to JSON: one node per line, keys in a fixed order, defaults left out, so that
 * equal graphs give equal bytes and a diff of two files is a diff of two graphs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autogo/graph.h"
#include "engine/base/file.h"
#include "engine/base/locale.h"
#include "engine/base/utf8.h"
#include "engine/graph/names.h"

/* Names come from files of any kind; what is not UTF-8 becomes U+FFFD, so that the result is
 * JSON. */
static void write_string(ag_text *text, const char *s) {
  ag_text_bytes(text, "\"", 1);
  while (*s) {
    char c = *s;
    size_t length = ag_utf8_length(s, 4);
    if (c == '"' || c == '\\')
      ag_text_add(text, "\\%c", c);
    else if (length == 0)
      ag_text_bytes(text, "\xef\xbf\xbd", 3);
    else if ((unsigned char)c < 0x20)
      ag_text_add(text, "\\u%04x", (unsigned)c);
    else
      ag_text_bytes(text, s, length);
    s += length ? length : 1;
  }
  ag_text_bytes(text, "\"", 1);
}

/* Nine digits tell all floats apart. */
static void write_float(ag_text *text, const char *key, float value) {
  locale_t host = ag_plain_numbers();
  ag_text_add(text, ",\"%s\":%.9g", key, (double)value);
  ag_plain_numbers_end(host);
}

static void write_pair(ag_text *text, const char *key, const int32_t *pair) {
  ag_text_add(text, ",\"%s\":[%d,%d]", key, pair[0], pair[1]);
}

static void write_shape(ag_text *text, const char *key, ag_shape s) {
  ag_text_add(text, ",\"%s\":[%d,%d,%d]", key, s.h, s.w, s.c);
}

static void write_padding(ag_text *text, const ag_node *n) {
  ag_text_add(text, ",\"padding\":\"%s\"", ag_padding_names[n->padding]);
}

static void write_window(ag_text *text, const ag_node *n) {
  bool window = n->kernel[0] > 0;
  if (window) write_pair(text, "kernel", n->kernel);
  if (window || n->stride[0] != 1 || n->stride[1] != 1) write_pair(text, "strides", n->stride);
  if (window) write_padding(text, n);
  if (n->pads[0] || n->pads[1] || n->pads[2] || n->pads[3])
    ag_text_add(text, ",\"pads\":[%d,%d,%d,%d]", n->pads[0], n->pads[1], n->pads[2], n->pads[3]);
  if (n->dilation[0] != 1 || n->dilation[1] != 1) write_pair(text, "dilations", n->dilation);
  if (n->groups != 1 && n->op != AG_OP_DEPTHWISE) ag_text_add(text, ",\"groups\":%d", n->groups);
}

static void write_flags(ag_text *text, const ag_node *n) {
  const char *separator = "";
  if (!n->flags) return;
  ag_text_add(text, ",\"flags\":[");
  for (int i = 0; i < AG_FLAG_NAMES; i++) {
    if (!(n->flags & (1 << i))) continue;
    ag_text_add(text, "%s\"%s\"", separator, ag_flag_names[i]);
    separator = ",";
  }
  ag_text_add(text, "]");
}

static void write_node(ag_text *text, const ag_graph *g, int i) {
  const ag_node *n = &g->nodes[i];
  ag_text_add(text, "{\"id\":%d,\"op\":\"%s\"", i, ag_op_get(n->op)->name);
  if (g->names && g->names[i]) {
    ag_text_add(text, ",\"name\":");
    write_string(text, g->names[i]);
  }
  const ag_record *record = ag_store_get(g->store, n->record);
  if (record && record->source_op) {
    ag_text_add(text, ",\"source_op\":");
    write_string(text, record->source_op);
  }
  write_shape(text, "in", n->in);
  write_shape(text, "out", n->out);
  write_window(text, n);
  if (ag_op_weighted(n->op)) ag_text_add(text, ",\"bias\":%s", n->bias ? "true" : "false");
  if (ag_op_weighted(n->op)) ag_text_add(text, ",\"weighted\":true");
  write_flags(text, n);
  if (n->alpha != 0) write_float(text, "alpha", n->alpha);
  if (n->macs) ag_text_add(text, ",\"macs\":%lld", (long long)n->macs);
  ag_text_add(text, ",\"operands\":[");
  for (int k = 0; k < ag_graph_arity(g, i); k++)
    ag_text_add(text, "%s%d", k ? "," : "", ag_graph_operands(g, i)[k]);
  ag_text_add(text, "]}");
}

/* The published files' edge list, by producer. Users are stored in ascending order, so one that
 * fills several slots stands next to itself. */
static void write_edges(ag_text *text, const ag_graph *g) {
  const char *separator = "";
  for (int i = 0; i < g->size; i++)
    for (int k = g->user_start[i]; k < g->user_start[i + 1]; k++) {
      if (k > g->user_start[i] && g->users[k] == g->users[k - 1]) continue;
      ag_text_add(text, "%s[%d,%d]", separator, i, g->users[k]);
      separator = ",";
    }
}

static ag_shape input_shape(const ag_graph *g) {
  for (int i = 0; i < g->size; i++)
    if (g->nodes[i].op == AG_OP_INPUT) return g->nodes[i].out;
  return (ag_shape){0, 0, 0};
}

char *ag_graph_to_json(const ag_graph *g) {
  ag_text text = {0};
  ag_text_add(&text, "{\"format\":\"autogo-cg\",\"version\":1,\"name\":");
  write_string(&text, g->name);
  if (g->family[0]) {
    ag_text_add(&text, ",\"family\":");
    write_string(&text, g->family);
  }
  write_shape(&text, "input", input_shape(g));
  ag_text_add(&text, ",\"flops\":%lld", (long long)ag_graph_flops(g));
  if (g->normalisers.h)
    ag_text_add(&text, ",\"max_derived_H\":%d,\"max_derived_W\":%d,\"max_hidden_size\":%d",
                g->normalisers.h, g->normalisers.w, g->normalisers.c);
  if (g->dynamic_batch) ag_text_add(&text, ",\"dynamic_batch\":true");
  ag_text_add(&text, ",\n\"nodes\":[\n");
  for (int i = 0; i < g->size; i++) {
    write_node(&text, g, i);
    ag_text_add(&text, "%s\n", i + 1 < g->size ? "," : "");
  }
  ag_text_add(&text, "],\n\"edges\":[");
  write_edges(&text, g);
  ag_text_add(&text, "]}\n");
  return ag_text_take(&text);
}

ag_status ag_graph_save_json(const ag_graph *g, const char *path, ag_error *err) {
  char *text = ag_graph_to_json(g);
  ag_status status = ag_file_write(path, text, strlen(text), err);
  free(text);
  return status;
}
