/* Files that are not what their reader expects: what they look like, and what to do. */
#ifndef AG_FORMATS_FOREIGN_H
#define AG_FORMATS_FOREIGN_H

#include "autogo/base.h"

typedef enum ag_foreign_reader { AG_FOREIGN_TO_ONNX, AG_FOREIGN_TO_GRAPHDEF } ag_foreign_reader;

/* Why a file could not be unpacked, in terms of what it is instead, where its first bytes tell:
 * `status` is what the reader came to, and is returned; only AG_FORMAT is looked into. O(white
 * space at the beginning). */
ag_status ag_foreign_explain(ag_status status, ag_foreign_reader reader, const void *data,
                             size_t size, ag_error *err);

#endif
