/* autogo/autogo.h - the whole public interface of libautogo. */
#ifndef AUTOGO_H
#define AUTOGO_H

#include "autogo/base.h"
#include "autogo/graph.h"
#include "autogo/onnx.h"
#include "autogo/mining.h"
#include "autogo/resolve.h"
#include "autogo/predict.h"
#include "autogo/search.h"

#endif
