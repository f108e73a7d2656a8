"""Run generated PyTorch modules: python3 run_torch.py DIR

DIR/list names them, with the parameters and output shapes they must have (source_models.lua). Where ONNX
Runtime's values of the same network stand beside a module (onnx_values.js), the module with its weights
must compute them, to 1e-4 of the largest.
"""
import importlib.util
import json
import math
import sys
from pathlib import Path

import torch

TOLERANCE = 1e-4


def module_of(path):
    spec = importlib.util.spec_from_file_location("generated", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_values(path):
    """Inputs and outputs of ONNX Runtime."""
    with open(path, "rb") as file:
        header = json.loads(file.readline())
        data = bytearray(file.read())
    tensors, at = [], 0
    for shape in header["inputs"] + header["outputs"]:
        count = math.prod(shape)
        tensors.append(torch.frombuffer(data, dtype=torch.float32, count=count, offset=at).reshape(shape))
        at += 4 * count
    return tensors[: len(header["inputs"])], tensors[len(header["inputs"]):]


def outputs_of(model, inputs):
    with torch.no_grad():
        outputs = model(*inputs)
    return outputs if isinstance(outputs, tuple) else (outputs,)


def check(folder, name, parameters, shapes):
    module = module_of(folder / f"{name}.py")
    model = module.Model.load().eval()
    values = folder / f"{name}.onnx.values"
    inputs = [torch.rand(shape) for shape in module.INPUTS]
    if values.exists():
        inputs, expected = read_values(values)
    outputs = outputs_of(model, inputs)
    count = sum(weight.numel() for weight in model.parameters())
    seen = ["x".join(map(str, output.shape)) for output in outputs]
    if count != parameters:
        raise ValueError(f"{count} parameters, not {parameters}")
    if seen != shapes:
        raise ValueError(f"outputs are {seen}, not {shapes}")
    if not values.exists():
        return "shapes and parameters agree"
    largest = 0
    for k, (a, b) in enumerate(zip(outputs, expected)):
        difference = (a.float() - b).abs().max().item() / max(1, b.abs().max().item())
        if not difference <= TOLERANCE:
            raise ValueError(f"output {k} differs by {difference}")
        largest = max(largest, difference)
    return f"largest difference {largest:.2g}"


def main(folder):
    failed = 0
    for line in (folder / "list").read_text().splitlines():
        name, parameters, *shapes = line.split(" ")
        try:
            print(f"ok {name}: {check(folder, name, int(parameters), shapes)}")
        except Exception as error:
            failed += 1
            print(f"not ok {name}: {type(error).__name__}: {error}")
    return 1 if failed else 0


sys.exit(main(Path(sys.argv[1])))
