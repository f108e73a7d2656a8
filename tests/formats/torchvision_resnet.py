"""torchvision's ResNet-50, its weights drawn from a fixed seed, as an oracle of weights.

  torchvision_resnet.py write DIR        DIR/original.onnx, with batch norms as nodes of their own
  torchvision_resnet.py compare DIR      the original computes what DIR/again.onnx.values says, to 1e-4
  torchvision_resnet.py kept DIR FRONT   what rank_00.onnx and .py in FRONT have of the original's layers
                                         is bit-identical, and as much as front.json says
"""
import json
import sys
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torchvision.models import resnet50

SIZE = 64


def original():
    torch.manual_seed(1)
    model = resnet50()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # statistics that show a mistake
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1)
            module.bias.data.uniform_(-0.1, 0.1)  # equal ones would be shared in the file
    return model.eval()


def write(folder):
    torch.onnx.export(
        original(), torch.zeros(1, 3, SIZE, SIZE), str(folder / "original.onnx"), opset_version=13,
        training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
    )


def compare(folder):
    with open(folder / "again.onnx.values", "rb") as file:
        header = json.loads(file.readline())
        data = torch.frombuffer(bytearray(file.read()), dtype=torch.float32)
    assert header["inputs"] == [[1, 3, SIZE, SIZE]], header
    count = 3 * SIZE * SIZE
    with torch.no_grad():
        expected = original()(data[:count].reshape(1, 3, SIZE, SIZE))[0]
    difference = ((data[count:] - expected).abs().max() / expected.abs().max()).item()
    print("largest difference", difference)
    return difference <= 1e-4


def layers(path):
    """Weights of each named layer: {node name: [array, ...]}."""
    graph = onnx.load(str(path)).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    return {
        node.name: [tensors[name] for name in node.input if name in tensors]
        for node in graph.node
        if node.op_type in ("Conv", "Gemm", "BatchNormalization")
    }


def states(path):
    """Bytes of all tensors of a safetensors file."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8: 8 + size])
    values = data[8 + size:]
    return {values[slice(*entry["data_offsets"])] for entry in header.values()}


def kept(folder, front):
    member = json.loads((front / "front.json").read_text())["members"][0]
    before, after = layers(folder / "original.onnx"), layers(front / "rank_00.onnx")
    pytorch = states(front / "rank_00.safetensors")
    parameters = 0
    common = [name for name in before if name in after]
    for name in common:
        for k, (a, b) in enumerate(zip(before[name], after[name])):
            if a.tobytes() != b.tobytes() or a.tobytes() not in pytorch:
                raise ValueError(f"{name}: weight {k} has changed")
            parameters += a.size if k < 2 else 0  # means and variances are no parameters
    print(f"{len(common)} of {len(before)} layers, {parameters} parameters; front.json: {member['weights']}")
    lost = len(before) - len(common)
    nodes = len(json.loads((front / "input.json").read_text())["nodes"])
    replaced = nodes - sum(position >= 0 for position in member["origin"])
    return parameters == member["weights"]["kept"] and lost <= replaced


mode, folder = sys.argv[1], Path(sys.argv[2])
if mode == "write":
    write(folder)
elif not (compare(folder) if mode == "compare" else kept(folder, Path(sys.argv[3]))):
    sys.exit(1)
