/* Device files. One table says where every number of a file is kept, what it may be and what it
 * means; reading, checking and the messages all go by it. */
#include <cJSON.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autogo/hardware.h"
#include "engine/base/file.h"
#include "engine/graph/json_node.h"

enum { FILE_LIMIT = 1 << 20 };

enum kind { INTEGER, LONG, REAL, FLAG };
enum {
  ANY = 1 << AG_ENGINE_CUBE | 1 << AG_ENGINE_SYSTOLIC | 1 << AG_ENGINE_BLOCK_DOT |
        1 << AG_ENGINE_ATOMIC
};

struct field {
  const char *section, *name; /* section "": the file's own object */
  enum kind kind;
  size_t offset;
  int engines; /* bits of those that have it */
  bool needed; /* else absent means 0 */
  double low, high;
  const char *help;
};

#define AT(member) offsetof(ag_device, member)
#define ARRAY_SIDE(engine, name, i)                                                                \
  {                                                                                                \
    "array", name, INTEGER, AT(array) + (i) * sizeof(int32_t), 1 << (engine), true, 1, 65536,      \
        "cells along this side of the array"                                                       \
  }
#define BUFFER(name, member, help)                                                                 \
  { "buffers", name, LONG, AT(member), ANY, false, 0, 1e15, help " in bytes, both halves" }
#define ENERGY(name, member, help)                                                                 \
  { "energy", name, REAL, AT(member), ANY, true, 0, 1e9, help }
#define FUSE(name, member, help)                                                                   \
  { "fuse", name, FLAG, AT(member), ANY, true, 0, 1, help }

static const struct field fields[] = {
    ARRAY_SIDE(AG_ENGINE_CUBE, "m", 0),
    ARRAY_SIDE(AG_ENGINE_CUBE, "n", 1),
    ARRAY_SIDE(AG_ENGINE_CUBE, "k", 2),
    ARRAY_SIDE(AG_ENGINE_SYSTOLIC, "rows", 0),
    ARRAY_SIDE(AG_ENGINE_SYSTOLIC, "columns", 1),
    ARRAY_SIDE(AG_ENGINE_BLOCK_DOT, "height", 0),
    ARRAY_SIDE(AG_ENGINE_BLOCK_DOT, "width", 1),
    ARRAY_SIDE(AG_ENGINE_BLOCK_DOT, "channels", 2),
    ARRAY_SIDE(AG_ENGINE_BLOCK_DOT, "depth", 3),
    ARRAY_SIDE(AG_ENGINE_ATOMIC, "cin", 0),
    ARRAY_SIDE(AG_ENGINE_ATOMIC, "cout", 1),
    {"", "clock_ghz", REAL, AT(clock_ghz), ANY, true, 1e-6, 1e3, "the clock in GHz"},
    {"", "element_bytes", INTEGER, AT(element_bytes), ANY, true, 1, 8, "bytes per element"},
    {"", "accumulator_bytes", INTEGER, AT(accumulator_bytes), ANY, true, 1, 16,
     "bytes per partial sum"},
    {"", "start_cycles", REAL, AT(start), ANY, true, 0, 1e9, "cycles to start a group"},
    BUFFER("operand", operand_buffer, "what input and weight tiles share"),
    BUFFER("input", input_buffer, "input tiles"),
    BUFFER("weight", weight_buffer, "weight tiles"),
    BUFFER("output", output_buffer, "accumulators"),
    BUFFER("left", left_buffer, "L0A"),
    BUFFER("right", right_buffer, "L0B"),
    BUFFER("vector", vector_buffer, "the vector unit's buffer"),
    {"shared", "bytes", LONG, AT(shared_buffer), ANY, true, 0, 1e15,
     "the buffer that keeps whole tensors, 0 for none"},
    {"shared", "resident_bytes", LONG, AT(resident), ANY, true, 0, 1e15,
     "the largest tensor that stays in it"},
    {"shared", "gbps", REAL, AT(shared_gbps), ANY, true, 0, 1e9,
     "its bandwidth in 10^9 bytes per second, 0 for as fast as the array asks"},
    {"vector", "bytes_per_cycle", REAL, AT(vector_bytes), ANY, true, 1e-3, 1e9,
     "bytes per cycle of the vector unit"},
    {"dram", "gbps", REAL, AT(dram_gbps), ANY, true, 1e-6, 1e9,
     "the bandwidth in 10^9 bytes per second"},
    {"dram", "latency_cycles", REAL, AT(dram_latency), ANY, true, 0, 1e9,
     "cycles to the first byte"},
    {"dram", "chunk_bytes", REAL, AT(chunk), ANY, true, 0, 1e12,
     "the first load and last store, which nothing hides"},
    FUSE("activation", fuse_activation, "activations and norms run on the producer's output"),
    FUSE("remap", fuse_remap, "depth-to-space and the like are addresses of the producer's output"),
    FUSE("add", fuse_add, "an addition of equal tensors runs on a producer's output"),
    FUSE("pool", fuse_pool, "a pool runs on the producer's output before it is written"),
    ENERGY("mac_pj", mac_pj, "pJ per useful MAC"),
    ENERGY("idle_slot_pj", pad_pj, "pJ per MAC slot that does nothing useful"),
    ENERGY("operand_pj_per_byte", operand_pj, "pJ per byte of the operand buffers"),
    ENERGY("output_pj_per_byte", output_pj, "pJ per byte of the output buffer"),
    ENERGY("shared_pj_per_byte", shared_pj, "pJ per byte of the shared buffer"),
    ENERGY("vector_pj_per_element", vector_pj, "pJ per element of the vector unit"),
    ENERGY("dram_pj_per_byte", dram_pj, "pJ per byte, the interface on the chip"),
    ENERGY("dram_system_pj_per_byte", dram_system_pj, "pJ per byte with the memory device"),
    ENERGY("static_mw", static_mw, "mW drawn all the time"),
};

enum { FIELDS = sizeof fields / sizeof *fields };

static const char *const engines[] = {"cube", "systolic", "block-dot", "atomic", NULL};
static const char *const flows[] = {"os", "ws", "is", NULL};
static const char *const fills[] = {"full", "edge", NULL};

static const char *full_name(const struct field *f, char *buffer, size_t size) {
  snprintf(buffer, size, "%s%s%s", f->section, *f->section ? "." : "", f->name);
  return buffer;
}

static bool has(const ag_device *d, const struct field *f) {
  return f->engines >> d->engine & 1;
}

/* --- values --------------------------------------------------------------------------------- */

static void put(ag_device *d, const struct field *f, double value) {
  char *place = (char *)d + f->offset;
  int32_t integer = (int32_t)(f->kind == INTEGER ? value : 0);
  int64_t whole = (int64_t)(f->kind == LONG ? value : 0);
  bool flag = value != 0;
  if (f->kind == INTEGER) memcpy(place, &integer, sizeof integer);
  if (f->kind == LONG) memcpy(place, &whole, sizeof whole);
  if (f->kind == FLAG) memcpy(place, &flag, sizeof flag);
  if (f->kind == REAL) memcpy(place, &value, sizeof value);
}

static double get(const ag_device *d, const struct field *f) {
  const char *place = (const char *)d + f->offset;
  int32_t integer;
  int64_t whole;
  double real;
  if (f->kind == FLAG) return *(const bool *)place;
  if (f->kind == INTEGER) {
    memcpy(&integer, place, sizeof integer);
    return integer;
  }
  if (f->kind == LONG) {
    memcpy(&whole, place, sizeof whole);
    return (double)whole;
  }
  memcpy(&real, place, sizeof real);
  return real;
}

static ag_status check_range(const struct field *f, double value, ag_error *err) {
  char name[64];
  if (value >= f->low && value <= f->high) return AG_OK;
  return ag_fail(err, AG_INVALID, "%s is %.6g, but must be between %g and %g: it is %s",
                 full_name(f, name, sizeof name), value, f->low, f->high, f->help);
}

static ag_status check_buffers(const ag_device *d, ag_error *err) {
  if (d->operand_buffer == 0 && (d->input_buffer == 0 || d->weight_buffer == 0))
    return ag_fail(err, AG_INVALID,
                   "there is no room for tiles: give buffers.operand, or both buffers.input and "
                   "buffers.weight, in bytes");
  if (d->operand_buffer > 0 && (d->input_buffer > 0 || d->weight_buffer > 0))
    return ag_fail(err, AG_INVALID,
                   "buffers.operand stands in the place of buffers.input and buffers.weight: "
                   "remove the one or the others");
  if (d->operand_buffer == 0 && d->output_buffer == 0)
    return ag_fail(err, AG_INVALID, "buffers.output is missing: it is accumulators in bytes");
  if (d->resident > d->shared_buffer)
    return ag_fail(err, AG_INVALID,
                   "shared.resident_bytes is %lld, but the buffer, shared.bytes, has only %lld",
                   (long long)d->resident, (long long)d->shared_buffer);
  if (d->dram_system_pj < d->dram_pj)
    return ag_fail(err, AG_INVALID,
                   "energy.dram_system_pj_per_byte is %g, less than dram_pj_per_byte, %g, which is "
                   "a part of it",
                   d->dram_system_pj, d->dram_pj);
  return AG_OK;
}

ag_status ag_device_check(const ag_device *d, ag_error *err) {
  if (d->engine > AG_ENGINE_ATOMIC || d->dataflow > AG_FLOW_IS)
    return ag_fail(err, AG_INVALID, "the engine or dataflow is unknown");
  for (int i = 0; i < FIELDS; i++) {
    if (!has(d, &fields[i])) continue;
    ag_status status = check_range(&fields[i], get(d, &fields[i]), err);
    if (status) return status;
  }
  return check_buffers(d, err);
}

/* --- reading -------------------------------------------------------------------------------- */

static ag_status read_field(const cJSON *root, const struct field *f, ag_device *d, ag_error *err) {
  char name[64];
  full_name(f, name, sizeof name);
  const cJSON *object = *f->section ? cJSON_GetObjectItemCaseSensitive(root, f->section) : root;
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, f->name);
  if (!item && f->needed) return ag_fail(err, AG_FORMAT, "%s is missing: it is %s", name, f->help);
  if (!item) return AG_OK;
  if (f->kind == FLAG) {
    if (!cJSON_IsBool(item))
      return ag_fail(err, AG_FORMAT, "%s must be true or false: whether %s", name, f->help);
    put(d, f, cJSON_IsTrue(item));
    return AG_OK;
  }
  if (!cJSON_IsNumber(item))
    return ag_fail(err, AG_FORMAT, "%s must be a number: it is %s", name, f->help);
  double value = item->valuedouble;
  ag_status status = check_range(f, value, err);
  if (status) return status;
  if (f->kind != REAL && value != floor(value))
    return ag_fail(err, AG_INVALID, "%s is %.6g, but must be whole: it is %s", name, value,
                   f->help);
  put(d, f, value);
  return AG_OK;
}

static bool known_section(const char *name) {
  for (int i = 0; i < FIELDS; i++)
    if (*fields[i].section && strcmp(fields[i].section, name) == 0) return true;
  return false;
}

static bool known_field(const ag_device *d, const char *section, const char *name) {
  static const char *const texts[] = {"format",   "version", "name",    "about", "engine",
                                      "dataflow", "fill",    "sources", NULL};
  for (int i = 0; i < FIELDS; i++)
    if (has(d, &fields[i]) && strcmp(fields[i].section, section) == 0 &&
        strcmp(fields[i].name, name) == 0)
      return true;
  for (int i = 0; texts[i]; i++)
    if (!*section && strcmp(texts[i], name) == 0) return true;
  return false;
}

/* Names that mean nothing are mistakes; names come from a file and are cut short. */
static ag_status check_names(const cJSON *root, const ag_device *d, ag_error *err) {
  const cJSON *item, *inner;
  cJSON_ArrayForEach(item, root) {
    if (known_section(item->string)) {
      if (!cJSON_IsObject(item))
        return ag_fail(err, AG_FORMAT, "%s must be an object of numbers", item->string);
      cJSON_ArrayForEach(inner, item)
        if (!known_field(d, item->string, inner->string))
          return ag_fail(err, AG_FORMAT,
                         "%s.%.60s is no field of a device "
                         "with a %s engine: remove "
                         "it or correct its name",
                         item->string, inner->string, engines[d->engine]);
    } else if (!known_field(d, "", item->string)) {
      return ag_fail(err, AG_FORMAT, "%.60s is no field of a device: remove it or correct its name",
                     item->string);
    }
  }
  return AG_OK;
}

/* Index of the text in `choices`; -1 with an error. Absent: `otherwise`, unless that is -1. */
static int read_choice(const cJSON *root, const char *name, const char *const *choices,
                       int otherwise, ag_error *err) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, name);
  const char *text = cJSON_GetStringValue(item);
  if (!item && otherwise >= 0) return otherwise;
  char list[128] = "";
  for (int i = 0; choices[i]; i++) {
    if (text && strcmp(text, choices[i]) == 0) return i;
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s\"%s\"", i ? ", " : "", choices[i]);
  }
  if (text)
    ag_fail(err, AG_FORMAT, "%s is \"%.40s\", but must be one of %s", name, text, list);
  else
    ag_fail(err, AG_FORMAT, "%s is missing or no text: it must be one of %s", name, list);
  return -1;
}

static ag_status check_sources(const cJSON *root, ag_error *err) {
  const cJSON *sources = cJSON_GetObjectItemCaseSensitive(root, "sources"), *item;
  if (!sources) return AG_OK;
  cJSON_ArrayForEach(item, sources)
    if (!cJSON_IsString(item))
      return ag_fail(err, AG_FORMAT, "sources must be an object of texts, one per field");
  return AG_OK;
}

static ag_status read_root(const cJSON *root, ag_device *d, ag_error *err) {
  const cJSON *format = cJSON_GetObjectItemCaseSensitive(root, "format");
  const cJSON *version = cJSON_GetObjectItemCaseSensitive(root, "version");
  const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "name"));
  if (!cJSON_IsString(format) || strcmp(format->valuestring, "autogo-device") != 0)
    return ag_fail(err, AG_FORMAT, "this is no device file: \"format\" must be \"autogo-device\"");
  if (!cJSON_IsNumber(version) || version->valuedouble != 1)
    return ag_fail(err, AG_UNSUPPORTED, "a device file of another version; 1 is read here");
  if (!name || !*name || strlen(name) >= sizeof d->name)
    return ag_fail(err, AG_FORMAT, "name must be a text of 1 to %d characters",
                   (int)sizeof d->name - 1);
  memcpy(d->name, name, strlen(name) + 1);
  int engine = read_choice(root, "engine", engines, -1, err);
  int flow = engine < 0 ? -1 : read_choice(root, "dataflow", flows, AG_FLOW_OS, err);
  int fill = flow < 0 ? -1 : read_choice(root, "fill", fills, 1, err);
  if (fill < 0) return AG_FORMAT;
  d->engine = (ag_engine)engine;
  d->dataflow = (ag_dataflow)flow;
  d->edge = fill == 1;
  for (int i = 0; i < 4; i++) d->array[i] = 1;
  ag_status status = check_names(root, d, err);
  if (!status) status = check_sources(root, err);
  for (int i = 0; i < FIELDS && !status; i++)
    if (has(d, &fields[i])) status = read_field(root, &fields[i], d, err);
  return status ? status : ag_device_check(d, err);
}

ag_status ag_device_parse(const char *text, size_t length, ag_device *device, ag_error *err) {
  cJSON *root;
  ag_status status = ag_json_parse(text, length, &root, err);
  if (status) return status;
  ag_device read = {.name = ""};
  status = cJSON_IsObject(root) ? read_root(root, &read, err)
                                : ag_fail(err, AG_FORMAT, "this is no JSON object");
  cJSON_Delete(root);
  if (!status) *device = read;
  return status;
}

ag_status ag_device_load(const char *path, ag_device *device, ag_error *err) {
  char *text;
  size_t size;
  ag_status status = ag_file_read(path, FILE_LIMIT, &text, &size, err);
  if (status) return status;
  status = ag_device_parse(text, size, device, err);
  free(text);
  return status ? ag_error_in_file(err, status, path) : AG_OK;
}

int64_t ag_device_peak(const ag_device *d) {
  int64_t peak = 1;
  for (int i = 0; i < 4; i++)
    if (__builtin_mul_overflow(peak, (int64_t)d->array[i], &peak)) return INT64_MAX;
  return peak;
}

double ag_device_tops_per_watt(const ag_device *d) {
  double per_second = (double)ag_device_peak(d) * d->clock_ghz * 1e9;
  double watts = per_second * d->mac_pj * 1e-12 + d->static_mw * 1e-3;
  return watts > 0 ? 2 * per_second * 1e-12 / watts : INFINITY;
}
