/* Writing a database. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/map.h"
#include "engine/mining/database_file.h"

static void put(ag_text *text, uint64_t value) {
  unsigned char bytes[10];
  size_t size = 0;
  for (; value >= 128; value >>= 7) bytes[size++] = (unsigned char)(value | 128);
  bytes[size++] = (unsigned char)value;
  ag_text_bytes(text, bytes, size);
}

static void put_fixed(ag_text *text, uint64_t value, int size) {
  for (int i = 0; i < size; i++) ag_text_bytes(text, &(unsigned char){(value >> (8 * i)) & 255}, 1);
}

static void put_ints(ag_text *text, const int32_t *values, int count) {
  for (int i = 0; i < count; i++) put(text, (uint64_t)values[i]);
}

static void put_layout(ag_text *text, const ag_segment *s) {
  put_ints(text, (int32_t[]){s->size, s->inputs, s->outputs}, 3);
  for (int i = 0; i < s->size; i++) {
    const ag_node *n = &s->nodes[i];
    uint32_t alpha;
    memcpy(&alpha, &n->alpha, sizeof alpha);
    put_ints(text, (int32_t[]){n->op, n->padding, n->bias, n->flags}, 4);
    put_ints(text, n->kernel, 2);
    put_ints(text, n->dilation, 2);
    put_fixed(text, alpha, 4);
    put(text, (uint64_t)ag_segment_arity(s, i));
    for (int k = s->operand_start[i]; k < s->operand_start[i + 1]; k++)
      put(text,
          s->operands[k] < 0 ? (uint64_t)~s->operands[k] << 1 | 1 : (uint64_t)s->operands[k] << 1);
  }
  put_ints(text, s->output_nodes, s->outputs);
}

static void put_sizes(ag_text *text, const ag_segment *s) {
  for (int p = 0; p < s->inputs; p++)
    put_ints(text, (int32_t[]){s->input_shapes[p].h, s->input_shapes[p].w, s->input_shapes[p].c},
             3);
  for (int i = 0; i < s->size; i++) {
    ag_node node = s->nodes[i];
    ag_stored_size sizes[AG_STORED_SIZES];
    int count = ag_node_stored_sizes(&node, sizes);
    for (int k = 0; k < count; k++) put(text, (uint64_t)*sizes[k].value);
  }
}

/* Layouts are numbered in order of first use by the variants. */
static void put_entry(ag_text *text, const ag_entry *e) {
  put_fixed(text, e->hash.hi, 8);
  put_fixed(text, e->hash.lo, 8);
  put(text, (uint64_t)e->count);
  put(text, e->families);
  ag_map known = {0};
  ag_text layouts = {0}, one = {0};
  int64_t *layout = AG_ARRAY(int64_t, e->variants), count = 0;
  for (int v = 0; v < e->variants; v++) {
    one.size = 0;
    put_layout(&one, e->variant[v]);
    bool fresh;
    layout[v] = *ag_map_put(&known, ag_hash_bytes(one.data, one.size), count, &fresh);
    if (!fresh) continue;
    ag_text_bytes(&layouts, one.data, one.size);
    count++;
  }
  put(text, (uint64_t)count);
  ag_text_bytes(text, layouts.data, layouts.size);
  put(text, (uint64_t)e->variants);
  for (int v = 0; v < e->variants; v++) {
    put(text, (uint64_t)layout[v]);
    put(text, (uint64_t)e->variant_count[v]);
    put_sizes(text, e->variant[v]);
  }
  free(layout);
  ag_text_free(&layouts);
  ag_text_free(&one);
  ag_map_free(&known);
}

static bool is_too_large(const ag_database *d) {
  int64_t nodes = 0;
  for (int i = 0; i < d->size; i++) nodes += (int64_t)d->entries[i].size * d->entries[i].variants;
  return nodes > AG_DATABASE_MAX_NODES;
}

ag_status ag_database_save(const ag_database *d, const char *path, ag_error *err) {
  if (is_too_large(d))
    return ag_fail(err, AG_LIMIT, "a database file holds at most %d nodes; keep fewer variants",
                   AG_DATABASE_MAX_NODES);
  ag_text payload = {0}, file = {0};
  put(&payload, (uint64_t)d->families);
  for (int i = 0; i < d->families; i++) {
    put(&payload, strlen(d->family[i]));
    ag_text_bytes(&payload, d->family[i], strlen(d->family[i]));
  }
  put(&payload, (uint64_t)d->size);
  for (int i = 0; i < d->size; i++) put_entry(&payload, &d->entries[i]);
  ag_hash checksum = ag_hash_bytes(payload.data, payload.size);
  ag_text_bytes(&file, "AGDB", 4);
  put_fixed(&file, AG_DATABASE_VERSION, 4);
  put_fixed(&file, payload.size, 8);
  put_fixed(&file, checksum.hi, 8);
  put_fixed(&file, checksum.lo, 8);
  ag_text_bytes(&file, payload.data, payload.size);
  ag_status status = ag_file_write(path, file.data, file.size, err);
  ag_text_free(&payload);
  ag_text_free(&file);
  return status;
}
