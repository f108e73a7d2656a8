/* What functions of TensorFlow and operations of Keras 3 are as ops of GraphDefs: which of their
 * arguments are operands, and which attributes. Names of arguments: TensorFlow's, then Keras's. */
#include <string.h>

#include "engine/formats/keras_function.h"
#include "engine/graph/json_node.h"

#define ALL_DIMENSIONS (2 * AG_MAX_RANK)

static ag_status refuse(ag_keras_function *f, const char *why) {
  return ag_neutral_fail(f->l->n, AG_UNSUPPORTED, "%s", why);
}

static ag_status malformed(ag_keras_function *f, const char *what) {
  return ag_neutral_fail(f->l->n, AG_FORMAT, "its argument '%s' is missing or malformed", what);
}

/* The op of the first argument alone, and what else has been set. */
static ag_status of_first(ag_keras_function *f) {
  ag_status status = ag_keras_add_operand(f, 0, "x|input|inputs|tensor|features|value");
  return status ? status : ag_keras_finish_function(f);
}

/* --- element-wise --------------------------------------------------------------------- */

static ag_status two_operands(ag_keras_function *f) {
  ag_status status = ag_keras_add_operand(f, 0, "x1");
  if (!status) status = ag_keras_add_operand(f, 1, "y|x2|bias");
  return status ? status : ag_keras_finish_function(f);
}

static ag_status clip(ag_keras_function *f) {
  ag_status status = ag_keras_add_operand(f, 0, "x");
  if (!status) status = ag_keras_add_operand(f, 1, "clip_value_min|x_min");
  if (!status) status = ag_keras_add_operand(f, 2, "clip_value_max|x_max");
  return status ? status : ag_keras_finish_function(f);
}

/* Activations that layers have too. */
static ag_status activation(ag_keras_function *f) {
  ag_keras_layer *l = f->l;
  int x, y, rank = ag_keras_argument_rank(l);
  double axis = ag_keras_argument_number(l, 1, "axis", -1);
  if (ag_keras_argument_flag(l, "approximate")) return refuse(f, "only the exact GELU is handled");
  if (ag_keras_argument(l, -1, "max_value|threshold"))
    return refuse(f, "of its kind, plain ones are handled");
  if (strcmp(f->op, "softmax") == 0 && axis != -1 && axis != rank - 1)
    return refuse(f, "it does not work along the last dimension");
  ag_status status = ag_keras_arrange(l->im, l->name, &l->values[0], &x);
  if (status) return status;
  if (strcmp(f->op, "leaky_relu") == 0)
    status = ag_keras_leaky(l, ag_keras_argument_number(l, 1, "alpha|negative_slope", 0.2), l->name,
                            x, &y);
  else
    status = ag_keras_activate(l, f->op, l->name, x, &y);
  if (status) return status;
  l->results = (ag_keras_values){ag_arena_alloc(&l->im->arena, sizeof *l->results.at), 1};
  l->results.at[0] = ag_keras_value(l->im, y);
  return AG_OK;
}

/* Between kinds of floats nothing happens. */
static ag_status cast(ag_keras_function *f) {
  static const char *const real[] = {"float16", "float32", "float64", "bfloat16", "half", NULL};
  if (!ag_onnx_is_one_of(ag_keras_argument_text(f->l, "dtype", ""), real))
    return refuse(f, "it does not convert to floating point");
  return of_first(f);
}

/* --- joins, parts --------------------------------------------------------------------- */

static ag_status add_list(ag_keras_function *f, const char *names) {
  const cJSON *list = ag_keras_argument(f->l, 0, names), *item;
  if (!cJSON_IsArray(list)) return malformed(f, "values");
  cJSON_ArrayForEach(item, list) {
    ag_status status = ag_keras_add_item(f, item, false);
    if (status) return status;
  }
  return AG_OK;
}

static ag_status add_all(ag_keras_function *f) {
  ag_status status = add_list(f, "inputs");
  return status ? status : ag_keras_finish_function(f);
}

static ag_status concatenate(ag_keras_function *f) {
  int64_t axis = (int64_t)ag_keras_argument_number(f->l, 1, "axis|concat_dim", -1);
  ag_status status = add_list(f, "values|xs");
  ag_keras_add_ints(f, &axis, 1);
  return status ? status : ag_keras_finish_function(f);
}

/* A number of equal parts, or their sizes. */
static ag_status split(ag_keras_function *f) {
  const cJSON *parts = ag_keras_argument(f->l, 1, "num_or_size_splits|indices_or_sections");
  int64_t axis = (int64_t)ag_keras_argument_number(f->l, 2, "axis", 0), sizes[256];
  int count = ag_keras_argument_ints(f->l, 1, "num_or_size_splits|indices_or_sections", sizes, 256);
  bool even = cJSON_IsNumber(parts);
  if (count < 1) return malformed(f, "num_or_size_splits");
  if (!even && cJSON_IsObject(f->l->call)) return refuse(f, "it splits into unequal parts");
  f->op = even ? "Split" : "SplitV";
  ag_keras_set_int(f, "num_split", even ? sizes[0] : count);
  if (even) ag_keras_add_ints(f, &axis, 1);
  ag_status status = ag_keras_add_operand(f, 0, "value|x");
  if (!even) ag_keras_add_ints(f, sizes, count);
  if (!even) ag_keras_add_ints(f, &axis, 1);
  return status ? status : ag_keras_finish_function(f);
}

typedef struct cut {
  int64_t begin[AG_MAX_RANK], end[AG_MAX_RANK], step[AG_MAX_RANK];
  int64_t open_begin, open_end, single; /* masks */
  int count;
} cut;

/* A bound as a number, or open. */
static bool read_bound(const cJSON *slice, const char *name, int64_t *value, int64_t *open,
                       int at) {
  const cJSON *item = ag_json_field(slice, name);
  if (item && !cJSON_IsNull(item)) return ag_json_whole(item, -2147483648.0, 2147483647.0, value);
  *value = strcmp(name, "step") == 0;
  *open |= INT64_C(1) << at;
  return true;
}

/* One of x[...]: a number, a slice, or an ellipsis for `missing` dimensions. */
static bool add_slice(cut *c, const cJSON *item, int missing) {
  const char *class = cJSON_GetStringValue(ag_json_field(item, "class_name"));
  const cJSON *slice =
      class && strcmp(class, "__slice__") == 0 ? ag_json_field(item, "config") : item;
  int64_t ignored = 0;
  bool ellipsis = class && strcmp(class, "__ellipsis__") == 0;
  for (int k = 0; ellipsis && k < missing; k++)
    if (!add_slice(c, NULL, 0)) return false;
  if (ellipsis) return true;
  if (c->count == AG_MAX_RANK || (item && cJSON_IsNull(item))) return false;
  int at = c->count++;
  c->step[at] = 1;
  if (cJSON_IsNumber(item)) {
    c->single |= INT64_C(1) << at;
    c->end[at] = 0;
    return ag_json_whole(item, -2147483648.0, 2147483646.0, &c->begin[at]);
  }
  if (item && !cJSON_IsObject(slice)) return false;
  return read_bound(slice, "start", &c->begin[at], &c->open_begin, at) &&
         read_bound(slice, "stop", &c->end[at], &c->open_end, at) &&
         read_bound(slice, "step", &c->step[at], &ignored, at);
}

static ag_status get_item(ag_keras_function *f) {
  const cJSON *list = ag_keras_argument(f->l, 1, "slice_spec|key"), *item;
  cut c = {.count = 0};
  int rank = ag_keras_argument_rank(f->l), given = cJSON_GetArraySize(list);
  if (!list) return malformed(f, "slice_spec");
  if (cJSON_IsArray(list)) {
    cJSON_ArrayForEach(item, list) {
      if (!add_slice(&c, item, rank - given + 1))
        return refuse(f, "it is indexed by more than numbers, slices and an ellipsis");
    }
  } else if (!add_slice(&c, list, rank)) {
    return refuse(f, "it is indexed by more than numbers, slices and an ellipsis");
  }
  ag_status status = ag_keras_add_operand(f, 0, "tensor|x");
  ag_keras_add_ints(f, c.begin, c.count);
  ag_keras_add_ints(f, c.end, c.count);
  ag_keras_add_ints(f, c.step, c.count);
  ag_keras_set_int(f, "begin_mask", c.open_begin);
  ag_keras_set_int(f, "end_mask", c.open_end);
  ag_keras_set_int(f, "shrink_axis_mask", c.single);
  return status ? status : ag_keras_finish_function(f);
}

/* --- along dimensions ------------------------------------------------------------------ */

/* The first argument, then the integers of the second. */
static ag_status with_ints(ag_keras_function *f, const char *names, const int64_t *otherwise,
                           int otherwise_count) {
  int64_t values[ALL_DIMENSIONS];
  int count = ag_keras_argument_ints(f->l, 1, names, values, ALL_DIMENSIONS);
  bool absent = !ag_keras_argument(f->l, 1, names);
  if (count < 0 && (!absent || !otherwise)) return malformed(f, names);
  ag_status status = ag_keras_add_operand(f, 0, "x");
  if (count < 0)
    ag_keras_add_ints(f, otherwise, otherwise_count);
  else
    ag_keras_add_ints(f, values, count);
  return status;
}

/* A function of nothing else. */
static ag_status of_ints(ag_keras_function *f, const char *names, const int64_t *otherwise,
                         int otherwise_count) {
  ag_status status = with_ints(f, names, otherwise, otherwise_count);
  return status ? status : ag_keras_finish_function(f);
}

static ag_status reduce(ag_keras_function *f) {
  int64_t all[AG_MAX_RANK];
  for (int d = 0; d < AG_MAX_RANK; d++) all[d] = d;
  ag_keras_set_bool(f, "keep_dims", ag_keras_argument_flag(f->l, "keepdims|keep_dims"));
  return of_ints(f, "axis|reduction_indices", all, ag_keras_argument_rank(f->l));
}

static ag_status reshape(ag_keras_function *f) {
  return of_ints(f, "shape|newshape", NULL, 0);
}

static ag_status transpose(ag_keras_function *f) {
  int64_t reversed[AG_MAX_RANK];
  int rank = ag_keras_argument_rank(f->l);
  for (int d = 0; d < rank; d++) reversed[d] = rank - 1 - d;
  return of_ints(f, "perm|axes", reversed, rank);
}

static ag_status expand(ag_keras_function *f) {
  return of_ints(f, "axis", NULL, 0);
}

static ag_status squeeze(ag_keras_function *f) {
  int64_t axes[AG_MAX_RANK];
  int count = ag_keras_argument_ints(f->l, 1, "axis|squeeze_dims", axes, AG_MAX_RANK);
  if (count > 0) ag_keras_set_ints(f, "squeeze_dims", axes, count);
  return of_first(f);
}

/* --- images --------------------------------------------------------------------------- */

static ag_status pad(ag_keras_function *f) {
  const char *mode = ag_keras_argument_text(f->l, "mode", "CONSTANT");
  bool constant = mode[0] == 'C' || mode[0] == 'c';
  if (!constant && strcmp(mode, "REFLECT") != 0 && strcmp(mode, "reflect") != 0)
    return refuse(f, "it pads neither with a constant nor by reflection");
  f->op = constant ? "PadV2" : "MirrorPad";
  ag_status status = with_ints(f, "paddings|pad_width", NULL, 0);
  if (!status && constant && ag_keras_argument(f->l, -1, "constant_values"))
    status = ag_keras_add_item(f, ag_keras_argument(f->l, -1, "constant_values"), false);
  return status ? status : ag_keras_finish_function(f);
}

/* Version 2 of TensorFlow and Keras 3 sample at half-pixel centres, and say how; version 1 has a
 * function for each way. */
static ag_status resize(ag_keras_function *f) {
  const char *method = ag_keras_argument_text(f->l, "method|interpolation", "bilinear");
  bool older = f->op[0] != '\0';
  if (ag_keras_argument_flag(f->l, "antialias|preserve_aspect_ratio|crop_to_aspect_ratio"))
    return refuse(f, "it smooths or keeps the ratio of the sides");
  if (!older && strcmp(method, "bilinear") != 0 && strcmp(method, "nearest") != 0)
    return refuse(f, "it interpolates neither linearly nor by the nearest");
  if (!older) f->op = method[0] == 'n' ? "ResizeNearestNeighbor" : "ResizeBilinear";
  ag_keras_set_bool(f, "half_pixel_centers",
                    !older || ag_keras_argument_flag(f->l, "half_pixel_centers"));
  ag_keras_set_bool(f, "align_corners", ag_keras_argument_flag(f->l, "align_corners"));
  return of_ints(f, "size", NULL, 0);
}

static ag_status fold_space(ag_keras_function *f) {
  ag_keras_set_int(f, "block_size", (int64_t)ag_keras_argument_number(f->l, 1, "block_size", 0));
  return of_first(f);
}

/* Height and width of a list of one, two or four. */
static bool read_sides(ag_keras_function *f, int position, const char *names, int64_t *four) {
  int64_t v[4];
  int count = ag_keras_argument_ints(f->l, position, names, v, 4);
  if (count != 1 && count != 2 && count != 4) return false;
  four[0] = four[3] = 1;
  four[1] = v[count == 4];
  four[2] = v[count == 4 ? 2 : count - 1];
  return true;
}

static ag_status pool(ag_keras_function *f) {
  int64_t size[4], stride[4];
  const char *padding = ag_keras_argument_text(f->l, "padding", "VALID");
  if (!read_sides(f, 1, "ksize|pool_size", size)) return malformed(f, "ksize");
  if (!ag_keras_argument(f->l, 2, "strides"))
    memcpy(stride, size, sizeof size);
  else if (!read_sides(f, 2, "strides", stride))
    return malformed(f, "strides");
  ag_keras_set_ints(f, "ksize", size, 4);
  ag_keras_set_ints(f, "strides", stride, 4);
  ag_keras_set_text(f, "padding", padding[0] == 's' || padding[0] == 'S' ? "SAME" : "VALID");
  return of_first(f);
}

/* --- the table ------------------------------------------------------------------------ */

/* op: the type of the node; of activations, Keras's name. */
static const struct {
  const char *name, *op;
  ag_keras_rule rule;
} table[] = {
    {"add", "AddV2", two_operands},
    {"biasadd", "BiasAdd", two_operands},
    {"subtract", "Sub", two_operands},
    {"sub", "Sub", two_operands},
    {"multiply", "Mul", two_operands},
    {"mul", "Mul", two_operands},
    {"divide", "RealDiv", two_operands},
    {"truediv", "RealDiv", two_operands},
    {"truedivide", "RealDiv", two_operands},
    {"floordiv", "FloorDiv", two_operands},
    {"maximum", "Maximum", two_operands},
    {"minimum", "Minimum", two_operands},
    {"pow", "Pow", two_operands},
    {"power", "Pow", two_operands},
    {"squareddifference", "SquaredDifference", two_operands},
    {"clip", "ClipByValue", clip},
    {"clipbyvalue", "ClipByValue", clip},
    {"exp", "Exp", of_first},
    {"log", "Log", of_first},
    {"sqrt", "Sqrt", of_first},
    {"rsqrt", "Rsqrt", of_first},
    {"square", "Square", of_first},
    {"negative", "Neg", of_first},
    {"neg", "Neg", of_first},
    {"abs", "Abs", of_first},
    {"absolute", "Abs", of_first},
    {"sign", "Sign", of_first},
    {"floor", "Floor", of_first},
    {"ceil", "Ceil", of_first},
    {"round", "Round", of_first},
    {"erf", "Erf", of_first},
    {"reciprocal", "Reciprocal", of_first},
    {"sin", "Sin", of_first},
    {"cos", "Cos", of_first},
    {"identity", "Identity", of_first},
    {"stopgradient", "Identity", of_first},
    {"shape", "Shape", of_first},
    {"cast", "Identity", cast},
    {"relu", "relu", activation},
    {"relu6", "relu6", activation},
    {"leakyrelu", "leaky_relu", activation},
    {"elu", "elu", activation},
    {"selu", "selu", activation},
    {"sigmoid", "sigmoid", activation},
    {"tanh", "tanh", activation},
    {"softplus", "softplus", activation},
    {"softsign", "softsign", activation},
    {"silu", "swish", activation},
    {"swish", "swish", activation},
    {"gelu", "gelu", activation},
    {"mish", "mish", activation},
    {"hardsigmoid", "hard_sigmoid", activation},
    {"hardsilu", "hard_swish", activation},
    {"hardswish", "hard_swish", activation},
    {"softmax", "softmax", activation},
    {"addn", "AddN", add_all},
    {"concat", "ConcatV2", concatenate},
    {"concatenate", "ConcatV2", concatenate},
    {"split", "Split", split},
    {"getitem", "StridedSlice", get_item},
    {"reducemean", "Mean", reduce},
    {"mean", "Mean", reduce},
    {"reducesum", "Sum", reduce},
    {"sum", "Sum", reduce},
    {"reducemax", "Max", reduce},
    {"max", "Max", reduce},
    {"amax", "Max", reduce},
    {"reducemin", "Min", reduce},
    {"min", "Min", reduce},
    {"amin", "Min", reduce},
    {"reshape", "Reshape", reshape},
    {"transpose", "Transpose", transpose},
    {"expanddims", "ExpandDims", expand},
    {"squeeze", "Squeeze", squeeze},
    {"pad", "PadV2", pad},
    {"resize", "", resize},
    {"resizebilinear", "ResizeBilinear", resize},
    {"resizenearestneighbor", "ResizeNearestNeighbor", resize},
    {"depthtospace", "DepthToSpace", fold_space},
    {"spacetodepth", "SpaceToDepth", fold_space},
    {"maxpool", "MaxPool", pool},
    {"maxpool2d", "MaxPool", pool},
    {"avgpool", "AvgPool", pool},
    {"avgpool2d", "AvgPool", pool},
    {"averagepool", "AvgPool", pool},
};

ag_keras_rule ag_keras_find_rule(const char *name, const char **op) {
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (strcmp(table[i].name, name) != 0) continue;
    *op = table[i].op;
    return table[i].rule;
  }
  return NULL;
}
