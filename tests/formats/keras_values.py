"""Keras models of layers without weights, and what they compute: python3 keras_values.py DIR

NAME.json is the model, NAME.in and NAME.out are raw 32-bit floats: one input of 8 x 6 x 4 and the result
that numpy gives by Keras's and TensorFlow's documentation, images channels first, as the importer has them.
"""
import json
import sys
from pathlib import Path

import numpy as np

x = np.random.default_rng(5).uniform(-2, 2, (1, 8, 6, 4)).astype(np.float32)


def layer(class_name, config, *inputs, **arguments):
    """A layer as Keras 2 writes it; functions keep the first tensor's list plain."""
    calls = [[name, 0, port, arguments] for name, port in inputs]
    plain = class_name in ("TFOpLambda", "SlicingOpLambda") and len(calls) == 1
    return {"class_name": class_name, "config": config, "inbound_nodes": [calls[0] if plain else calls]}


def function(name, *inputs, **arguments):
    return layer("TFOpLambda", {"function": name}, *inputs, **arguments)


def norm(y, axes, epsilon):
    deviation = y - y.mean(axes, keepdims=True)
    return deviation / np.sqrt((deviation ** 2).mean(axes, keepdims=True) + epsilon)


def shuffled(y):
    return y.reshape(1, 8, 6, 2, 2).transpose(0, 1, 2, 4, 3).reshape(1, 8, 6, 4)


def pooled(y, size, best):
    n, h, w, c = y.shape
    cells = y[:, :h // size * size, :w // size * size].reshape(n, h // size, size, w // size, size, c)
    return best(cells, (2, 4))


PLAIN_NORM = {"center": False, "scale": False}
ALL, COLON = {"class_name": "__ellipsis__"}, {"start": None, "stop": None, "step": None}

models = {
    "rows": ([layer("Reshape", {"target_shape": [48, 4]}, ("x", 0))], x.reshape(1, 48, 4)),
    "columns": ([layer("Reshape", {"target_shape": [48, -1]}, ("x", 0)),
                 layer("Permute", {"dims": [2, 1]}, ("n0", 0))],
                x.reshape(1, 48, 4).transpose(0, 2, 1)),
    "wider": ([layer("Reshape", {"target_shape": [4, 6, 8]}, ("x", 0))], x.reshape(1, 4, 6, 8)),
    "turned": ([layer("Permute", {"dims": [2, 1, 3]}, ("x", 0))], x.transpose(0, 2, 1, 3)),
    "steps": ([layer("TimeDistributed", {"layer": {"class_name": "Flatten", "config": {}}}, ("x", 0))],
              x.reshape(1, 8, 24)),
    "norm_cells": ([layer("LayerNormalization", dict(PLAIN_NORM, epsilon=0.1), ("x", 0))],
                   norm(x, (3,), 0.1)),
    "norm_image": ([layer("LayerNormalization", dict(PLAIN_NORM, axis=[1, 2, 3]), ("x", 0))],
                   norm(x, (1, 2, 3), 1e-3)),
    "shuffle": ([function("reshape", ("x", 0), shape=[-1, 8, 6, 2, 2]),
                 function("transpose", ("n0", 0), perm=[0, 1, 2, 4, 3]),
                 function("reshape", ("n1", 0), shape=[-1, 8, 6, 4])], shuffled(x)),
    "affine": ([function("math.subtract", ("x", 0), y=[0.5, 1, 1.5, 2]),
                function("math.truediv", ("n0", 0), y=[[[[0.5, 2, 4, 8]]]]),
                function("math.add", ("n1", 0), y=["x", 0, 0])],
               (x - np.float32([0.5, 1, 1.5, 2])) / np.float32([0.5, 2, 4, 8]) + x),
    "from_one": ([{"class_name": "TFOpLambda", "config": {"function": "math.subtract"}, "inbound_nodes": [
        ["_CONSTANT_VALUE", -1, 1.0, {"y": ["x", 0, 0]}]]}], 1 - x),
    "attention": ([function("math.reduce_mean", ("x", 0), axis=-1, keepdims=True),
                   function("math.reduce_max", ("x", 0), axis=3, keepdims=True),
                   function("concat", ("n0", 0), ("n1", 0), axis=-1)],
                  np.concatenate([x.mean(3, keepdims=True), x.max(3, keepdims=True)], 3)),
    "parts": ([function("split", ("x", 0), num_or_size_splits=[1, 3], axis=-1),
               function("concat", ("n0", 1), ("n0", 0), axis=-1)],
              np.concatenate([x[..., 1:], x[..., :1]], 3)),
    "slices": ([layer("SlicingOpLambda", {"function": "__operators__.getitem"}, ("x", 0),
                      slice_spec=[COLON, {"start": 1, "stop": -1, "step": None},
                                  {"start": None, "stop": None, "step": 2}, COLON])],
               x[:, 1:-1, ::2, :]),
    "channels": ([layer("SlicingOpLambda", {"function": "__operators__.getitem"}, ("x", 0),
                        slice_spec=[ALL, {"start": 1, "stop": 3, "step": None}])], x[..., 1:3]),
    "line": ([layer("SlicingOpLambda", {"function": "__operators__.getitem"}, ("x", 0),
                    slice_spec=[COLON, 2])], x[:, 2]),
    "padded": ([function("pad", ("x", 0), paddings=[[0, 0], [1, 0], [0, 2], [0, 0]])],
               np.pad(x, [(0, 0), (1, 0), (0, 2), (0, 0)])),
    "pools": ([function("nn.max_pool2d", ("x", 0), ksize=2, strides=2, padding="VALID"),
               function("nn.avg_pool2d", ("n0", 0), ksize=2, strides=2, padding="VALID")],
              pooled(pooled(x, 2, np.amax), 2, np.mean)),
    "clipped": ([function("clip_by_value", ("x", 0), clip_value_min=-0.5, clip_value_max=1.25)],
                x.clip(-0.5, 1.25)),
    "unfolded": ([function("nn.depth_to_space", ("x", 0), block_size=2)],
                 x.reshape(1, 8, 6, 2, 2, 1).transpose(0, 1, 3, 2, 4, 5).reshape(1, 16, 12, 1)),
    "asked": ([function("compat.v1.shape", ("x", 0)),
               layer("SlicingOpLambda", {"function": "__operators__.getitem"}, ("n0", 0), slice_spec=1),
               function("reshape", ("x", 0), shape=[-1, ["n1", 0, 0], 24])], x.reshape(1, 8, 24)),
    "node": ([layer("TensorFlowOpLayer", {"node_def": {"name": "p", "op": "Mean", "input": ["x", "axes"], "attr": {
        "keep_dims": {"b": False}}}, "constants": {"1": [2]}}, ("x", 0))], x.mean(2)),
}


def channels_first(y):
    return y.transpose(0, 3, 1, 2) if y.ndim == 4 else y


folder = Path(sys.argv[1])
for name, (layers, result) in models.items():
    for i, item in enumerate(layers):
        item["name"] = f"n{i}"
    source = {"class_name": "InputLayer", "name": "x", "config": {"batch_input_shape": [None, 8, 6, 4]},
              "inbound_nodes": []}
    config = {"name": name, "layers": [source, *layers], "input_layers": [["x", 0, 0]],
              "output_layers": [[f"n{len(layers) - 1}", 0, 0]]}
    model = {"class_name": "Functional", "keras_version": "2.9.0", "config": config}
    (folder / f"{name}.json").write_text(json.dumps(model))
    for suffix, values in (("in", x), ("out", result)):
        (folder / f"{name}.{suffix}").write_bytes(np.ascontiguousarray(channels_first(values), "<f4").tobytes())
