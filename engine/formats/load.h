/* What loading a model file of several parts has in common. */
#ifndef AG_FORMATS_LOAD_H
#define AG_FORMATS_LOAD_H

#include "autogo/base.h"

/* Reads a model from `data`, which goes afterwards; `directory` begins the paths of files beside
 * it. */
typedef ag_status (*ag_format_parser)(void *context, const void *data, size_t size,
                                      const char *directory);

/* Map the file and parse it. Errors of the parser, into `err`, get the file's name. */
ag_status ag_format_load(const char *path, ag_format_parser parse, void *context, ag_error *err);

#endif
