/* Arguments of functions in Keras's files.
 *
 * Keras 2 writes what the first argument is, and the others by name behind it:
 *   ["x", 0, 0, {"y": 3.0}], or ["_CONSTANT_VALUE", -1, 3.0, {"y": ["x", 0, 0]}],
 * or a list of such for a list of tensors. Keras 3 writes {"args": [...], "kwargs": {...}}; what
 * its operations were made with is in their configuration. */
#include <math.h>
#include <string.h>

#include "engine/formats/keras_function.h"
#include "engine/graph/json_node.h"

enum { MOST_ELEMENTS = 1 << 16 };

/* --- what they are ------------------------------------------------------------------ */

/* An array or a tensor, of which the values are written. */
static const cJSON *unwrap(const cJSON *item) {
  const cJSON *value = ag_json_field(ag_json_field(item, "config"), "value");
  return cJSON_IsObject(item) && value ? value : item;
}

/* [name, ...] of Keras 2, of the first of several tensors. */
static const cJSON *first_entry(const cJSON *call) {
  const cJSON *entry = call;
  while (cJSON_IsArray(entry) && cJSON_IsArray(entry->child)) entry = entry->child;
  return cJSON_IsArray(entry) && cJSON_IsString(entry->child) ? entry : NULL;
}

static const cJSON *keras2_argument(const cJSON *call, int position, const char *names) {
  const cJSON *entry = first_entry(call);
  const cJSON *value = entry && entry->child->next ? entry->child->next->next : NULL;
  if (!value) return NULL;
  if (position != 0) return ag_keras_field(value->next, names);
  if (entry != call) return call;
  return strcmp(entry->child->valuestring, "_CONSTANT_VALUE") == 0 ? value : entry;
}

static const cJSON *keras3_argument(const ag_keras_layer *l, int position, const char *names) {
  const cJSON *list = ag_json_field(l->call, "args"), *item = NULL;
  if (position >= 0) item = cJSON_GetArrayItem(list, position);
  if (!item) item = ag_keras_field(ag_json_field(l->call, "kwargs"), names);
  return item ? item : ag_keras_field(l->config, names);
}

const cJSON *ag_keras_argument(const ag_keras_layer *l, int position, const char *names) {
  const cJSON *item = cJSON_IsObject(l->call) ? keras3_argument(l, position, names)
                                              : keras2_argument(l->call, position, names);
  item = unwrap(item);
  return cJSON_IsNull(item) ? NULL : item;
}

const ag_tf_value *ag_keras_argument_value(const ag_keras_layer *l, const cJSON *argument) {
  int k = ag_keras_operand_index(l->call, argument);
  return k >= 0 && k < l->count ? &l->values[k] : NULL;
}

double ag_keras_argument_number(const ag_keras_layer *l, int position, const char *names,
                                double otherwise) {
  const cJSON *item = ag_keras_argument(l, position, names);
  return cJSON_IsNumber(item) && isfinite(item->valuedouble) ? item->valuedouble : otherwise;
}

bool ag_keras_argument_flag(const ag_keras_layer *l, const char *names) {
  return cJSON_IsTrue(ag_keras_argument(l, -1, names));
}

const char *ag_keras_argument_text(const ag_keras_layer *l, const char *names,
                                   const char *otherwise) {
  const char *text = cJSON_GetStringValue(ag_keras_argument(l, -1, names));
  return text ? text : otherwise;
}

int ag_keras_argument_rank(const ag_keras_layer *l) {
  return l->count && l->values[0].value >= 0 ? ag_neutral_tensor(l->n, l->values[0].value)->rank
                                             : 0;
}

/* --- integers --------------------------------------------------------------------- */

typedef struct ints {
  int64_t *out;
  int count, limit;
} ints;

static bool put(ints *to, int64_t value) {
  if (to->count == to->limit) return false;
  to->out[to->count++] = value;
  return true;
}

static bool put_constant(const ag_keras_layer *l, const ag_tf_value *v, ints *to) {
  const ag_tensor *t = v->value < 0 || !v->constant ? NULL : ag_neutral_tensor(l->n, v->value);
  if (!t || t->dtype != AG_I64 || !t->data) return false;
  for (int64_t i = 0; i < ag_onnx_elements(t); i++)
    if (!put(to, ag_onnx_get_int(t, i))) return false;
  return true;
}

static bool put_all(const ag_keras_layer *l, const cJSON *item, ints *to) {
  const ag_tf_value *v = ag_keras_argument_value(l, item);
  const cJSON *child;
  int64_t value;
  item = unwrap(item);
  if (v) return put_constant(l, v, to);
  if (ag_json_whole(item, -2147483648.0, 2147483647.0, &value)) return put(to, value);
  if (!cJSON_IsArray(item)) return false;
  cJSON_ArrayForEach(child, item) {
    if (!put_all(l, child, to)) return false;
  }
  return true;
}

int ag_keras_argument_ints(const ag_keras_layer *l, int position, const char *names, int64_t *out,
                           int limit) {
  ints to = {out, 0, limit};
  return put_all(l, ag_keras_argument(l, position, names), &to) ? to.count : -1;
}

/* --- constants --------------------------------------------------------------------- */

/* Numbers in lists of lists, all alike; `t` has the shape down to `depth`. */
static bool find_shape(const cJSON *item, int depth, ag_tensor *t) {
  t->rank = depth;
  if (!cJSON_IsArray(item)) return true;
  if (depth == AG_MAX_RANK || !item->child) return false;
  t->dims[depth] = cJSON_GetArraySize(item);
  return find_shape(item->child, depth + 1, t);
}

static bool fill(const cJSON *item, int depth, const ag_tensor *t, double *out, int64_t *at) {
  const cJSON *child;
  if (depth == t->rank) {
    out[(*at)++] = cJSON_IsBool(item) ? cJSON_IsTrue(item) : item->valuedouble;
    return cJSON_IsBool(item) || (cJSON_IsNumber(item) && fabs(item->valuedouble) < 1e38);
  }
  if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != t->dims[depth]) return false;
  cJSON_ArrayForEach(child, item) {
    if (!fill(child, depth + 1, t, out, at)) return false;
  }
  return true;
}

static bool read_constant(ag_keras_layer *l, const cJSON *item, bool integers, ag_tensor *t) {
  int64_t count, at = 0;
  *t = (ag_tensor){.dtype = integers ? AG_I64 : AG_F32};
  if (!item || !find_shape(item, 0, t) || (count = ag_onnx_elements(t)) > MOST_ELEMENTS)
    return false;
  double *numbers = ag_arena_alloc(&l->im->arena, (size_t)count * sizeof *numbers);
  if (!fill(item, 0, t, numbers, &at)) return false;
  t->bytes = (size_t)count * (integers ? sizeof(int64_t) : sizeof(float));
  t->data = ag_neutral_alloc(l->n, t->bytes);
  for (int64_t i = 0; i < count; i++) {
    if (integers && (fabs(numbers[i]) > INT32_MAX || numbers[i] != trunc(numbers[i]))) return false;
    if (integers)
      ag_onnx_put_int(t, i, (int64_t)numbers[i]);
    else
      ag_onnx_put_float(t, i, numbers[i]);
  }
  return true;
}

/* --- operands ---------------------------------------------------------------------- */

enum { MOST_CONSTANTS = 8 };

void ag_keras_add_value(ag_keras_function *f, ag_tf_value value) {
  int most = f->l->count + MOST_CONSTANTS;
  if (!f->in) f->in = ag_arena_alloc(&f->l->im->arena, (size_t)most * sizeof *f->in);
  if (f->count < most) f->in[f->count++] = value;
}

ag_status ag_keras_add_item(ag_keras_function *f, const cJSON *item, bool integers) {
  const ag_tf_value *operand = item ? ag_keras_argument_value(f->l, item) : NULL;
  ag_tf_value made = {.constant = true};
  ag_tensor t;
  if (operand) return ag_keras_add_value(f, *operand), AG_OK;
  if (!read_constant(f->l, unwrap(item), integers, &t))
    return ag_neutral_fail(f->l->n, AG_FORMAT, "an argument is missing or malformed");
  made.value = ag_neutral_constant(f->l->n, f->l->name, &t, true);
  return ag_keras_add_value(f, made), AG_OK;
}

/* Numbers that meet computed sizes are sizes, too. */
static bool meets_integers(const ag_keras_layer *l) {
  for (int k = 0; k < l->count; k++)
    if (l->values[k].value < 0 || !l->values[k].constant ||
        ag_neutral_tensor(l->n, l->values[k].value)->dtype != AG_I64)
      return false;
  return l->count > 0;
}

ag_status ag_keras_add_operand(ag_keras_function *f, int position, const char *names) {
  return ag_keras_add_item(f, ag_keras_argument(f->l, position, names), meets_integers(f->l));
}

void ag_keras_add_ints(ag_keras_function *f, const int64_t *values, int count) {
  ag_tf_value made = {.constant = true, .value = ag_neutral_ints_value(f->l->n, values, count)};
  ag_keras_add_value(f, made);
}

/* --- attributes ---------------------------------------------------------------------- */

enum { MOST_ATTRIBUTES = 8 };

static ag_tf_attribute *add_attribute(ag_keras_function *f, const char *name) {
  ag_arena *arena = &f->l->im->arena;
  Ag__Tf__Attribute *a = ag_arena_alloc(arena, sizeof *a);
  ag__tf__attribute__init(a);
  a->key = (char *)(uintptr_t)name;
  a->value = ag_arena_alloc(arena, sizeof *a->value);
  ag__tf__value__init(a->value);
  if (!f->node->attr)
    f->node->attr = ag_arena_alloc(arena, MOST_ATTRIBUTES * sizeof *f->node->attr);
  if (f->node->n_attr < MOST_ATTRIBUTES) f->node->attr[f->node->n_attr++] = a;
  return a->value;
}

void ag_keras_set_int(ag_keras_function *f, const char *name, int64_t value) {
  add_attribute(f, name)->i = value;
}

void ag_keras_set_bool(ag_keras_function *f, const char *name, bool value) {
  add_attribute(f, name)->b = value;
}

void ag_keras_set_text(ag_keras_function *f, const char *name, const char *value) {
  ag_tf_attribute *a = add_attribute(f, name);
  a->has_s = 1;
  a->s.len = strlen(value);
  a->s.data = (uint8_t *)(uintptr_t)value;
}

void ag_keras_set_ints(ag_keras_function *f, const char *name, const int64_t *values, int count) {
  ag_tf_attribute *a = add_attribute(f, name);
  size_t bytes = (size_t)count * sizeof *values;
  a->list = ag_arena_alloc(&f->l->im->arena, sizeof *a->list);
  ag__tf__list__init(a->list);
  a->list->n_i = (size_t)count;
  a->list->i = memcpy(ag_arena_alloc(&f->l->im->arena, bytes), values, bytes);
}
