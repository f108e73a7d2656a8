/* JSON values within limits. The text is measured before cJSON recurses and allocates: it takes
 * some 80 bytes per value, and the largest graph within the limits has 7 million of them. */
#include "engine/graph/json_node.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "engine/graph/names.h"

enum { MAX_VALUES = 8000000, MAX_DEPTH = 64 };

/* --- text ------------------------------------------------------------------------------------ */

static ag_status fail_in_text(ag_error *err, ag_status code, size_t offset, const char *reason) {
  ag_fail(err, code, "%s", reason);
  if (err) err->offset = (int64_t)offset;
  return code;
}

ag_status ag_json_measure(const char *text, size_t length, int depth, int64_t values,
                          ag_error *err) {
  bool quoted = false;
  int now = 0;
  int64_t count = 0;
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (quoted && c == '\\')
      i++;
    else if (c == '"')
      quoted = !quoted;
    if (quoted) continue;
    if (c == '[' || c == '{') now++;
    if (c == ']' || c == '}') now--;
    if (c == '[' || c == '{' || c == ',') count++;
    if (now > depth) return fail_in_text(err, AG_LIMIT, i, "JSON nested deeper than read here");
    if (count > values) return fail_in_text(err, AG_LIMIT, i, "JSON of too many values");
  }
  return AG_OK;
}

ag_status ag_json_parse(const char *text, size_t length, cJSON **root, ag_error *err) {
  ag_status status = ag_json_measure(text, length, MAX_DEPTH, MAX_VALUES, err);
  if (status) return status;
  const char *end = text;
  *root = cJSON_ParseWithLengthOpts(text, length, &end, false);
  size_t offset = (size_t)(end - text);
  if (!*root) return fail_in_text(err, AG_FORMAT, offset, "not JSON, or cut short");
  while (offset < length && (unsigned char)text[offset] <= ' ') offset++;
  if (offset == length) return AG_OK;
  cJSON_Delete(*root);
  return fail_in_text(err, AG_FORMAT, offset, "not JSON: something follows");
}

/* --- values -------------------------------------------------------------------------------- */

const cJSON *ag_json_field(const cJSON *object, const char *key) {
  return cJSON_GetObjectItemCaseSensitive(object, key);
}

bool ag_json_whole(const cJSON *item, double low, double high, int64_t *value) {
  if (!cJSON_IsNumber(item)) return false;
  double v = item->valuedouble;
  if (!(v >= low && v <= high) || v != floor(v)) return false;
  *value = (int64_t)v;
  return true;
}

/* An array of exactly `count` whole numbers in [low, INT_MAX]. */
static bool whole_array(const cJSON *array, int count, int low, int32_t *values) {
  if (!cJSON_IsArray(array)) return false;
  int n = 0;
  const cJSON *item;
  cJSON_ArrayForEach(item, array) {
    int64_t value;
    if (n == count || !ag_json_whole(item, low, INT_MAX, &value)) return false;
    values[n++] = (int32_t)value;
  }
  return n == count;
}

/* An optional array: true when absent (values untouched) or well-formed. */
static bool optional_array(const cJSON *object, const char *key, int count, int low,
                           int32_t *values) {
  const cJSON *array = ag_json_field(object, key);
  return !array || cJSON_IsNull(array) || whole_array(array, count, low, values);
}

bool ag_json_shape(const cJSON *array, ag_shape *shape) {
  int32_t values[3];
  if (!whole_array(array, 3, 1, values)) return false;
  *shape = (ag_shape){values[0], values[1], values[2]};
  return true;
}

static int find_name(const char *const *names, int count, const char *name) {
  for (int i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0) return i;
  return -1;
}

/* --- attributes of a node ------------------------------------------------------------------- */

static bool read_padding(const cJSON *object, ag_node *n) {
  const cJSON *padding = ag_json_field(object, "padding");
  if (!padding || cJSON_IsNull(padding)) return true;
  int kind = cJSON_IsString(padding)
                 ? find_name(ag_padding_names, AG_PADDING_NAMES, padding->valuestring)
                 : -1;
  if (kind >= 0) n->padding = (uint8_t)kind;
  return kind >= 0;
}

static bool read_flags(const cJSON *object, ag_node *n) {
  const cJSON *flags = ag_json_field(object, "flags"), *item;
  if (!flags) return true;
  if (!cJSON_IsArray(flags)) return false;
  cJSON_ArrayForEach(item, flags) {
    int flag =
        cJSON_IsString(item) ? find_name(ag_flag_names, AG_FLAG_NAMES, item->valuestring) : -1;
    if (flag < 0) return false;
    n->flags |= (uint8_t)(1 << flag);
  }
  return true;
}

static bool read_scalars(const cJSON *object, ag_node *n) {
  const cJSON *bias = ag_json_field(object, "bias"), *groups = ag_json_field(object, "groups");
  const cJSON *alpha = ag_json_field(object, "alpha");
  int64_t value = 1;
  if (bias && !cJSON_IsBool(bias)) return false;
  n->bias = cJSON_IsTrue(bias) ? 1 : 0;
  if (groups && !ag_json_whole(groups, 1, INT_MAX, &value)) return false;
  n->groups = (int32_t)value;
  if (alpha && !(cJSON_IsNumber(alpha) && fabs(alpha->valuedouble) < 1e30)) return false;
  n->alpha = alpha ? (float)alpha->valuedouble : 0;
  const cJSON *macs = n->op == AG_OP_OPAQUE ? ag_json_field(object, "macs") : NULL;
  return !macs || ag_json_whole(macs, 0, INT64_C(1) << 44, &n->macs);
}

/* Published files say nothing of the ratio of these ops; it follows from the shapes. */
static void infer_ratio(ag_node *n, ag_shape in, ag_shape out) {
  ag_rule rule = ag_op_get(n->op)->rule;
  if (rule == AG_RULE_UNFOLD || rule == AG_RULE_UPSAMPLE) {
    n->stride[0] = out.h / in.h > 0 ? out.h / in.h : 1;
    n->stride[1] = out.w / in.w > 0 ? out.w / in.w : 1;
  } else if (rule == AG_RULE_FOLD) {
    n->stride[0] = in.h / out.h > 0 ? in.h / out.h : 1;
    n->stride[1] = in.w / out.w > 0 ? in.w / out.w : 1;
  }
}

/* Attributes that an op does not have say nothing, and must not tell nodes apart. */
static void drop_foreign_attributes(ag_node *n) {
  const ag_node plain = ag_node_make(n->op);
  ag_rule rule = ag_op_get(n->op)->rule;
  if (rule == AG_RULE_OPAQUE) return;
  bool window = rule == AG_RULE_STRIDED || n->op == AG_OP_TRANSPOSED_CONV;
  bool ratio = rule == AG_RULE_FOLD || rule == AG_RULE_UNFOLD || rule == AG_RULE_UPSAMPLE;
  bool pads = rule == AG_RULE_PAD || (window && n->padding == AG_PAD_EXPLICIT);
  if (!window) {
    n->padding = plain.padding;
    memcpy(n->kernel, plain.kernel, sizeof n->kernel);
    memcpy(n->dilation, plain.dilation, sizeof n->dilation);
  }
  if (!window && !ratio) memcpy(n->stride, plain.stride, sizeof n->stride);
  if (!pads) memset(n->pads, 0, sizeof n->pads);
  if (!ag_op_weighted(n->op)) n->bias = 0;
  bool grouped = n->op == AG_OP_CONV || n->op == AG_OP_TRANSPOSED_CONV;
  if (!grouped && n->op != AG_OP_CHANNEL_SHUFFLE) n->groups = plain.groups;
}

const char *ag_json_attributes(const cJSON *object, ag_node *n, ag_shape *in, ag_shape *out) {
  if (!ag_json_shape(ag_json_field(object, "in"), in) ||
      !ag_json_shape(ag_json_field(object, "out"), out))
    return "\"in\" and \"out\" must be [H, W, C] of positive whole numbers below 2^31";
  if (!ag_json_field(object, "strides")) infer_ratio(n, *in, *out);
  if (!optional_array(object, "kernel", 2, 0, n->kernel)) return "\"kernel\" must be [h, w]";
  if (!optional_array(object, "strides", 2, 1, n->stride)) return "\"strides\" must be [h, w]";
  if (!optional_array(object, "dilations", 2, 1, n->dilation))
    return "\"dilations\" must be [h, w]";
  if (!optional_array(object, "pads", 4, 0, n->pads))
    return "\"pads\" must be [top, left, bottom, right]";
  if (!read_padding(object, n)) return "\"padding\" must be same, same_lower, valid or explicit";
  if (!read_flags(object, n)) return "\"flags\" has an unknown entry";
  if (!read_scalars(object, n)) return "\"bias\", \"groups\", \"alpha\" or \"macs\" is malformed";
  drop_foreign_attributes(n);
  n->out = *out;
  if (n->flags & AG_FLAG_SLICE) n->in.c = in->c;
  return NULL;
}
