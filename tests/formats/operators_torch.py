"""Compare generated modules with the ONNX project's own results: operators_torch.py DIR

DIR/list names cases of libonnx-testdata and their modules (operators_torch.lua). Cases whose inputs became
weights, or have element types that PyTorch lacks, are passed over.
"""
import importlib.util
import sys
from pathlib import Path

import numpy
import onnx
import torch
from onnx import numpy_helper

TYPES = {"float32", "float64", "int64", "int32", "int8", "uint8", "bool"}


def arrays(case, kind):
    files = list(Path(case, "test_data_set_0").glob(f"{kind}_*.pb"))
    tensors = []
    for file in sorted(files, key=lambda path: int(path.stem.split("_")[1])):
        tensor = onnx.TensorProto()
        tensor.ParseFromString(file.read_bytes())
        tensors.append(numpy_helper.to_array(tensor))
    return tensors


def check(case, path):
    """True, or None where there is nothing to compare."""
    spec = importlib.util.spec_from_file_location("generated", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.Model().eval()
    inputs, outputs = arrays(case, "input"), arrays(case, "output")
    types = {str(array.dtype) for array in inputs + outputs}
    if len(inputs) != len(module.INPUTS) or list(model.parameters()) or not types <= TYPES:
        return None
    if "maxpool" in case and "uint8" in types:
        return None  # PyTorch has none
    if "BFLOAT16" in case:
        return None  # numpy has none: stored as uint16
    seen = model(*[torch.from_numpy(numpy.array(array)) for array in inputs])
    for tensor, expected in zip(seen if isinstance(seen, tuple) else (seen,), outputs):
        if tuple(tensor.shape) != expected.shape:
            raise ValueError(f"shape {tuple(tensor.shape)}, not {expected.shape}")
        numpy.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-4, atol=1e-5)
    return True


compared = failed = 0
for line in Path(sys.argv[1], "list").read_text().splitlines():
    name, path = line.split(" ")
    try:
        compared += check(name, path) or 0
    except Exception as error:
        failed += 1
        print(f"{Path(name).name}: {type(error).__name__}: {error}")
print(f"{compared} operator models computed alike, {failed} not")
sys.exit(1 if failed or compared < 150 else 0)
