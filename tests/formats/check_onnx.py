"""The ONNX project's own checker, with shape inference, over the models named."""
import sys

import onnx

for path in sys.argv[1:]:
    onnx.checker.check_model(onnx.load(path), full_check=True)
    print(path, "ok")
