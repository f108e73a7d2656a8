/* Reading a database. The reader trusts nothing: the checksum finds damage, and every number is
 * checked besides, because a checksum can be forged. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/map.h"
#include "engine/mining/database_file.h"

static const size_t file_limit = (size_t)1 << 28;

/* After the first failure `status` is set, reads give 0 and nothing more is reported. */
typedef struct reader {
  const unsigned char *data, *at, *end;
  ag_status status;
  ag_error *err;
  int64_t nodes; /* made so far */
} reader;

static bool fail(reader *r, const char *what) {
  if (r->status) return false;
  r->status = ag_fail(r->err, AG_FORMAT, "%s", what);
  if (r->err) r->err->offset = r->at - r->data;
  r->at = r->end;
  return false;
}

static uint64_t get_fixed(reader *r, int size) {
  if (r->end - r->at < size) {
    fail(r, "the file ends early");
    return 0;
  }
  uint64_t value = 0;
  for (int i = 0; i < size; i++) value |= (uint64_t)*r->at++ << (8 * i);
  return value;
}

/* A number in [low, high]; high < 2^63. */
static int64_t get(reader *r, int64_t low, int64_t high) {
  uint64_t value = 0;
  for (int shift = 0; shift < 63; shift += 7) {
    if (r->at == r->end) {
      fail(r, "the file ends early");
      return low;
    }
    unsigned char byte = *r->at++;
    value |= (uint64_t)(byte & 127) << shift;
    if (byte < 128) {
      if ((int64_t)value >= low && (int64_t)value <= high) return (int64_t)value;
      break;
    }
  }
  fail(r, "a number is out of range");
  return low;
}

/* The length of a list whose members take at least `bytes` bytes each. */
static int get_count(reader *r, int low, int high, int bytes) {
  int count = (int)get(r, low, high);
  if (count <= (r->end - r->at) / bytes) return count;
  fail(r, "a list is longer than the file");
  return low;
}

static int32_t get_int(reader *r, int32_t low, int32_t high) {
  return (int32_t)get(r, low, high);
}

static void get_node(reader *r, ag_node *n) {
  *n = ag_node_make((ag_op)get_int(r, 0, AG_OP_COUNT - 1));
  n->padding = (uint8_t)get_int(r, 0, AG_PAD_SAME_LOWER);
  n->bias = (uint8_t)get_int(r, 0, 1);
  n->flags = (uint8_t)get_int(r, 0, 255);
  for (int d = 0; d < 2; d++) n->kernel[d] = get_int(r, 0, 1 << 15);
  for (int d = 0; d < 2; d++) n->dilation[d] = get_int(r, 1, 1 << 15);
  uint32_t alpha = (uint32_t)get_fixed(r, 4);
  memcpy(&n->alpha, &alpha, sizeof alpha);
}

/* Nodes and operands come interleaved; operands are gathered before the segment can be made. */
typedef struct operand_list {
  int32_t *items;
  int count, capacity;
} operand_list;

static void get_operands(reader *r, operand_list *list, int node, int *ports, int inputs) {
  int arity = get_count(r, 1, AG_MAX_ARITY, 1);
  for (int k = 0; k < arity; k++) {
    uint64_t code = (uint64_t)get(r, 0, INT_MAX);
    int32_t index = (int32_t)(code >> 1);
    AG_GROW(list->items, list->count, list->capacity);
    list->items[list->count++] = code & 1 ? ~index : index;
    if (!(code & 1) && index >= node) fail(r, "an operand comes after its user");
    if (code & 1 && (index > *ports || index >= inputs))
      fail(r, "input ports are not in order of use");
    if (code & 1 && index == *ports) ++*ports;
  }
}

/* Every node's tensor is used inside or leaves; those that leave are in order. */
static void get_outputs(reader *r, ag_segment *s) {
  for (int q = 0; q < s->outputs; q++)
    s->output_nodes[q] = get_int(r, q ? s->output_nodes[q - 1] + 1 : 0, s->size - 1);
  for (int i = 0; i < s->size && !r->status; i++) {
    bool used = false;
    for (int k = s->operand_start[i + 1]; k < s->operand_start[s->size]; k++)
      used |= s->operands[k] == i;
    for (int q = 0; q < s->outputs; q++) used |= s->output_nodes[q] == i;
    if (!used) fail(r, "a node is not used");
  }
}

/* A layout: a segment without sizes. NULL on failure. */
static ag_segment *get_layout(reader *r) {
  ag_node nodes[AG_MAX_TOKEN_LENGTH];
  int32_t starts[AG_MAX_TOKEN_LENGTH + 1] = {0};
  operand_list list = {0};
  int size = get_int(r, 1, AG_MAX_TOKEN_LENGTH), inputs = get_int(r, 1, AG_MAX_PORTS);
  int outputs = get_int(r, 1, size), ports = 0;
  for (int i = 0; i < size && !r->status; i++) {
    get_node(r, &nodes[i]);
    get_operands(r, &list, i, &ports, inputs);
    starts[i + 1] = list.count;
  }
  if (ports < inputs) fail(r, "an input port is not used");
  ag_segment *s = NULL;
  if (!r->status) {
    s = ag_segment_new(size, list.count, inputs, outputs);
    memcpy(s->nodes, nodes, (size_t)size * sizeof *nodes);
    memcpy(s->operand_start, starts, ((size_t)size + 1) * sizeof *starts);
    memcpy(s->operands, list.items, (size_t)list.count * sizeof *list.items);
    get_outputs(r, s);
  }
  free(list.items);
  return s;
}

static bool segment_is_minable(const ag_segment *s) {
  ag_shape small[16];
  for (int i = 0; i < s->size; i++) {
    int arity = ag_segment_arity(s, i);
    ag_shape *shapes = arity <= 16 ? small : AG_ARRAY(ag_shape, arity);
    for (int k = 0; k < arity; k++) {
      int32_t operand = s->operands[s->operand_start[i] + k];
      shapes[k] = operand < 0 ? s->input_shapes[~operand] : s->nodes[operand].out;
    }
    bool minable = ag_node_minable(&s->nodes[i], shapes, arity);
    if (shapes != small) free(shapes);
    if (!minable) return false;
  }
  return true;
}

/* A copy of the layout with the sizes of one variant, inferred and checked. NULL on failure. */
static ag_segment *get_sizes(reader *r, const ag_segment *layout) {
  r->nodes += layout->size;
  if (r->nodes > AG_DATABASE_MAX_NODES) fail(r, "more nodes than a database holds");
  if (r->status) return NULL;
  ag_segment *s = ag_segment_copy(layout);
  for (int p = 0; p < s->inputs; p++) {
    s->input_shapes[p].h = get_int(r, 1, INT_MAX);
    s->input_shapes[p].w = get_int(r, 1, INT_MAX);
    s->input_shapes[p].c = get_int(r, 1, INT_MAX);
  }
  for (int i = 0; i < s->size; i++) {
    ag_stored_size sizes[AG_STORED_SIZES];
    int count = ag_node_stored_sizes(&s->nodes[i], sizes);
    for (int k = 0; k < count; k++) *sizes[k].value = get_int(r, sizes[k].least, INT_MAX);
  }
  if (!r->status && (ag_segment_infer(s, s->input_shapes, NULL) || !segment_is_minable(s)))
    fail(r, "a segment's shapes do not fit together");
  if (!r->status) return s;
  ag_segment_free(s);
  return NULL;
}

static uint64_t ops_of(const ag_segment *s) {
  uint64_t ops = 0;
  for (int i = 0; i < s->size; i++) ops |= ag_op_bit(s->nodes[i].op);
  return ops;
}

static int get_layouts(reader *r, ag_segment ***layouts) {
  int count = get_count(r, 1, INT_MAX, 12);
  *layouts = AG_ARRAY(ag_segment *, count);
  for (int i = 0; i < count && !r->status; i++) {
    ag_segment *s = (*layouts)[i] = get_layout(r);
    const ag_segment *first = (*layouts)[0];
    if (s && (s->size != first->size || s->inputs != first->inputs ||
              s->outputs != first->outputs || ops_of(s) != ops_of(first)))
      fail(r, "layouts of one entry differ");
  }
  return count;
}

static void get_variants(reader *r, ag_entry *e, ag_segment *const *layouts, int layout_count) {
  int count = get_count(r, 1, INT_MAX, 5);
  const ag_segment **variants = AG_ARRAY(const ag_segment *, count);
  int64_t *counts = AG_ARRAY(int64_t, count), left = e->count;
  e->variant = variants;
  e->variant_count = counts;
  for (int v = 0; v < count && !r->status; v++) {
    int layout = get_int(r, 0, layout_count - 1);
    counts[v] = get(r, 1, INT64_MAX);
    if (counts[v] > left || (v && counts[v] > counts[v - 1]))
      fail(r, "variants are not in order of their counts");
    left -= counts[v];
    variants[v] = r->status ? NULL : get_sizes(r, layouts[layout]);
    e->variants += variants[v] != NULL;
  }
}

static void get_entry(reader *r, ag_entry *e, int families) {
  e->hash.hi = get_fixed(r, 8);
  e->hash.lo = get_fixed(r, 8);
  e->count = get(r, 1, INT64_MAX);
  e->families = (uint32_t)get(r, 0, (INT64_C(1) << families) - 1);
  ag_segment **layouts;
  int count = get_layouts(r, &layouts);
  if (!r->status) get_variants(r, e, layouts, count);
  for (int i = 0; i < count; i++) ag_segment_free(layouts[i]);
  free(layouts);
  if (!r->status) ag_entry_describe(e);
}

static bool in_order(const ag_entry *a, const ag_entry *b) {
  return a->size != b->size ? a->size < b->size : ag_hash_compare(a->hash, b->hash) <= 0;
}

static void get_families(reader *r, ag_database *d) {
  d->families = 0;
  int count = get_count(r, 0, AG_MAX_FAMILIES, 1);
  d->family = AG_ARRAY(char *, count);
  for (int i = 0; i < count && !r->status; i++) {
    int length = get_count(r, 0, INT_MAX, 1);
    d->family[i] = AG_ARRAY(char, (size_t)length + 1);
    d->families++;
    memcpy(d->family[i], r->at, (size_t)length);
    r->at += length;
    if (strlen(d->family[i]) != (size_t)length) fail(r, "a zero byte in a name");
    if (i && strcmp(d->family[i - 1], d->family[i]) >= 0) fail(r, "families are not in order");
  }
}

static ag_database *get_database(reader *r) {
  ag_database *d = AG_NEW(ag_database);
  get_families(r, d);
  int count = get_count(r, 0, INT_MAX, 32);
  d->entries = AG_ARRAY(ag_entry, count);
  for (int i = 0; i < count && !r->status; i++) {
    get_entry(r, &d->entries[i], d->families);
    d->size++;
    if (!r->status && i && !in_order(&d->entries[i - 1], &d->entries[i]))
      fail(r, "entries are not in order");
  }
  if (r->at != r->end) fail(r, "the file goes on after its end");
  return d;
}

static void check_header(reader *r) {
  if (r->end - r->at < 4 || memcmp(r->at, "AGDB", 4)) {
    fail(r, "this is not a segment database");
    return;
  }
  r->at += 4;
  uint32_t version = (uint32_t)get_fixed(r, 4);
  if (!r->status && version != AG_DATABASE_VERSION) {
    r->status = ag_fail(r->err, AG_UNSUPPORTED, "database format %u, but this program reads %d",
                        (unsigned)version, AG_DATABASE_VERSION);
    return;
  }
  uint64_t size = get_fixed(r, 8);
  ag_hash checksum;
  checksum.hi = get_fixed(r, 8);
  checksum.lo = get_fixed(r, 8);
  if (r->status) return;
  if (size != (uint64_t)(r->end - r->at))
    fail(r, "the file is shorter or longer than it says");
  else if (!ag_hash_equal(checksum, ag_hash_bytes(r->at, (size_t)size)))
    fail(r, "the checksum is wrong: the file is damaged");
}

ag_status ag_database_load(const char *path, ag_database **database, ag_error *err) {
  char *data;
  size_t size;
  ag_status status = ag_file_read(path, file_limit, &data, &size, err);
  if (status) return status;
  reader r = {.data = (const void *)data, .err = err};
  r.at = r.data;
  r.end = r.data + size;
  check_header(&r);
  ag_database *d = r.status ? NULL : get_database(&r);
  free(data);
  if (!r.status) {
    *database = d;
    return AG_OK;
  }
  ag_database_free(d);
  return ag_error_in_file(err, r.status, path);
}
