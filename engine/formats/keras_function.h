/* A call of a function under translation: an op of a GraphDef under construction. */
#ifndef AG_FORMATS_KERAS_FUNCTION_H
#define AG_FORMATS_KERAS_FUNCTION_H

#include "engine/formats/keras_layer.h"

typedef struct ag_keras_function {
  ag_keras_layer *l;
  const char *op;   /* of a GraphDef, where one corresponds */
  ag_tf_node *node; /* its attributes */
  ag_tf_value *in;  /* its operands */
  int count;
} ag_keras_function;

/* keras_arguments.c */

/* An argument: in its place among the positional ones, or by name ("new|old"), or a setting of the
 * operation (Keras 3). NULL where it is absent or null. */
const cJSON *ag_keras_argument(const ag_keras_layer *l, int position, const char *names);
double ag_keras_argument_number(const ag_keras_layer *l, int position, const char *names,
                                double otherwise);
bool ag_keras_argument_flag(const ag_keras_layer *l, const char *names);
const char *ag_keras_argument_text(const ag_keras_layer *l, const char *names,
                                   const char *otherwise);
/* A number, a list of them, or of lists, in a row; sizes that were computed before count as
 * numbers. The count, or -1. */
int ag_keras_argument_ints(const ag_keras_layer *l, int position, const char *names, int64_t *out,
                           int limit);
/* The operand that the argument is, or NULL. */
const ag_tf_value *ag_keras_argument_value(const ag_keras_layer *l, const cJSON *argument);
/* The rank of the first operand, 0 if there is none. */
int ag_keras_argument_rank(const ag_keras_layer *l);

/* Operands of the op: what an argument is (an operand of the call, or a constant), or integers. */
ag_status ag_keras_add_operand(ag_keras_function *f, int position, const char *names);
/* The same of an item of an argument, NULL = it is missing; constants in integers where so wanted.
 */
ag_status ag_keras_add_item(ag_keras_function *f, const cJSON *item, bool integers);
void ag_keras_add_value(ag_keras_function *f, ag_tf_value value);
void ag_keras_add_ints(ag_keras_function *f, const int64_t *values, int count);

/* Attributes of the op. */
void ag_keras_set_int(ag_keras_function *f, const char *name, int64_t value);
void ag_keras_set_bool(ag_keras_function *f, const char *name, bool value);
void ag_keras_set_text(ag_keras_function *f, const char *name, const char *value);
void ag_keras_set_ints(ag_keras_function *f, const char *name, const int64_t *values, int count);

/* The op with all that, into f->l->results. */
ag_status ag_keras_finish_function(ag_keras_function *f);

/* keras_function_rules.c: the function by its name, without module, case and underscores. NULL =
 * there is no rule. */
typedef ag_status (*ag_keras_rule)(ag_keras_function *f);
ag_keras_rule ag_keras_find_rule(const char *name, const char **op);

#endif
