/* autogo/autogo.h - the whole public interface of libautogo, from C and from C++. */
#ifndef AUTOGO_H
#define AUTOGO_H

#ifdef __cplusplus
extern "C" {
#endif

#include "autogo/base.h"
#include "autogo/graph.h"
#include "autogo/segment.h"
#include "autogo/onnx.h"
#include "autogo/import.h"
#include "autogo/mining.h"
#include "autogo/resolve.h"
#include "autogo/predict.h"
#include "autogo/hardware.h"
#include "autogo/search.h"

#ifdef __cplusplus
}
#endif

#endif
