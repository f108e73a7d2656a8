/* Weights as a safetensors file: a JSON header that names tensors, then their bytes. Two passes
 * over the same list: the first lays out, the second writes each tensor from where it lies, or from
 * a buffer of its own size where it has to be drawn or turned. Source: the published description of
 * the format. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/formats/weights.h"

typedef struct save {
  const ag_graph *graph;
  const ag_weights_options *options;
  ag_text header;
  size_t offset;
  ag_file_writer file;
  ag_error *err;
} save;

/* What happens to each tensor of the file, in its order. */
typedef ag_status (*visit)(save *s, int node, int role, const ag_tensor *shape,
                           const ag_tensor *kept, const char *module, const char *suffix);

static const char *dtype_name(ag_dtype dtype) {
  switch (dtype) {
  case AG_F32:
    return "F32";
  case AG_U8:
    return "U8";
  case AG_I8:
    return "I8";
  case AG_I32:
    return "I32";
  case AG_I64:
    return "I64";
  case AG_BOOL:
    return "BOOL";
  case AG_F16:
    return "F16";
  case AG_F64:
    return "F64";
  }
  return NULL;
}

static bool is_turned(const save *s, int node, int role) {
  const ag_record *record = ag_store_get(s->graph->store, s->graph->nodes[node].record);
  return role == AG_ROLE_KERNEL && s->graph->nodes[node].op == AG_OP_MATMUL && record &&
         record->has[AG_ROLE_KERNEL] && record->transposed;
}

/* --- layout ----------------------------------------------------------------------- */

static bool is_name(const char *name) {
  for (; *name; name++)
    if ((unsigned char)*name < ' ' || *name == '"' || *name == '\\') return false;
  return true;
}

static ag_status lay_out(save *s, int node, int role, const ag_tensor *shape, const ag_tensor *kept,
                         const char *module, const char *suffix) {
  (void)kept;
  const char *dtype = dtype_name(shape->dtype);
  if (!is_name(module)) return ag_fail(s->err, AG_INVALID, "'%.80s' cannot name a module", module);
  if (!dtype)
    return ag_fail(s->err, AG_UNSUPPORTED, "%.80s: elements of type %d", module, shape->dtype);
  ag_text_add(&s->header, "%s\"%s%s\":{\"dtype\":\"%s\",\"shape\":[", s->header.size ? "," : "{",
              module, suffix, dtype);
  bool turned = is_turned(s, node, role);
  for (int d = 0; d < shape->rank; d++)
    ag_text_add(&s->header, "%s%" PRId64, d ? "," : "",
                shape->dims[turned ? shape->rank - 1 - d : d]);
  ag_text_add(&s->header, "],\"data_offsets\":[%zu,%zu]}", s->offset, s->offset + shape->bytes);
  s->offset += shape->bytes;
  return AG_OK;
}

/* --- writing ---------------------------------------------------------------------- */

static void turn(const float *from, int64_t rows, int64_t columns, float *to) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) to[c * rows + r] = from[r * columns + c];
}

static ag_status put(save *s, int node, int role, const ag_tensor *shape, const ag_tensor *kept,
                     const char *module, const char *suffix) {
  (void)module, (void)suffix;
  bool turned = is_turned(s, node, role);
  if (kept && !turned) return ag_file_more(&s->file, kept->data, kept->bytes, s->err);
  float *drawn = kept ? NULL : ag_alloc(shape->bytes, 1);
  if (drawn && shape->dtype == AG_F32)
    ag_weight_draw(s->graph, node, role, shape, s->options->seed, drawn);
  const void *values = kept ? kept->data : drawn;
  float *rows = turned ? ag_alloc(shape->bytes, 1) : NULL;
  if (turned) turn(values, shape->dims[0], shape->dims[1], rows);
  ag_status status = ag_file_more(&s->file, rows ? rows : values, shape->bytes, s->err);
  free(rows);
  free(drawn);
  return status;
}

/* --- the list --------------------------------------------------------------------- */

static const char *suffix_of(int role) {
  static const char *const suffix[AG_ROLE_COUNT] = {
      [AG_ROLE_KERNEL] = ".weight",     [AG_ROLE_BIAS] = ".bias",
      [AG_ROLE_SCALE] = ".weight",      [AG_ROLE_SHIFT] = ".bias",
      [AG_ROLE_MEAN] = ".running_mean", [AG_ROLE_VARIANCE] = ".running_var"};
  return suffix[role];
}

static ag_status each_weight(save *s, int node, visit visit_tensor) {
  for (int role = 0; role < AG_ROLE_COUNT; role++) {
    ag_tensor shape;
    if (!ag_weight_shape(s->graph, node, role, &shape)) continue;
    const ag_tensor *kept = ag_weight_kept(s->graph, node, role, &shape, true);
    ag_status status =
        visit_tensor(s, node, role, &shape, kept, s->options->names[node], suffix_of(role));
    if (status) return status;
  }
  return AG_OK;
}

static ag_status each_constant(save *s, visit visit_tensor) {
  for (int k = 0; k < s->options->constant_count; k++) {
    const ag_weights_constant *c = &s->options->constants[k];
    const ag_record *record = ag_store_get(s->graph->store, s->graph->nodes[c->node].record);
    if (!record || c->index < 0 || c->index >= record->constants)
      return ag_fail(s->err, AG_INVALID, "node %d has no constant %d", c->node, c->index);
    const ag_tensor *t = &record->constant[c->index];
    ag_status status =
        visit_tensor(s, c->node, AG_ROLE_COUNT + c->index, t, t->data ? t : NULL, c->name, "");
    if (status) return status;
  }
  return AG_OK;
}

static ag_status each(save *s, visit visit_tensor) {
  for (int i = 0; i < s->graph->size; i++) {
    ag_status status = s->options->names[i] ? each_weight(s, i, visit_tensor) : AG_OK;
    if (status) return status;
  }
  return each_constant(s, visit_tensor);
}

static ag_status write_header(save *s) {
  ag_text_add(&s->header, "%s", s->header.size ? "}" : "{}");
  while (s->header.size % 8) ag_text_add(&s->header, " ");
  uint8_t prefix[8];
  for (int i = 0; i < 8; i++) prefix[i] = (uint8_t)((uint64_t)s->header.size >> (8 * i));
  ag_status status = ag_file_more(&s->file, prefix, sizeof prefix, s->err);
  return status ? status : ag_file_more(&s->file, s->header.data, s->header.size, s->err);
}

ag_status ag_weights_save(const ag_graph *graph, const char *path,
                          const ag_weights_options *options, ag_error *err) {
  ag_error scratch;
  save s = {.graph = graph, .options = options, .err = err ? err : &scratch};
  ag_status status = each(&s, lay_out);
  if (!status) status = ag_file_begin(&s.file, path, s.err);
  if (!status) {
    status = write_header(&s);
    if (!status) status = each(&s, put);
    status = ag_file_end(&s.file, status, s.err);
  }
  ag_text_free(&s.header);
  return status ? ag_error_in_file(s.err, status, path) : AG_OK;
}
