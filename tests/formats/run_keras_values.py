"""Run a generated Keras source of a network without weights, without Keras:

    python3 run_keras_values.py MODEL.keras.py INPUT EXPECTED    files as keras_values.py writes them

A stand-in computes with numpy what Keras documents (keras.io/api, version 3): keras.Input is the input
itself, so that build() returns the numbers. Differences are at most 1e-4, relative to the largest expected.
"""
import sys
import types
from pathlib import Path

import numpy as np

model, given, expected = sys.argv[1:]
numbers = np.frombuffer(Path(given).read_bytes(), "<f4").reshape(1, 4, 8, 6).transpose(0, 2, 3, 1)
wanted = np.frombuffer(Path(expected).read_bytes(), "<f4")


def pooling(best):
    def layer(size, strides=None, padding="valid"):
        def apply(x):
            n, h, w, c = x.shape
            cells = x[:, :h // size * size, :w // size * size]
            return best(cells.reshape(n, h // size, size, w // size, size, c), (2, 4))
        assert strides in (None, size)
        return apply
    return layer


def layer_norm(axis, epsilon, center=True, scale=True, name=None):
    def apply(x):
        away = x - x.mean(axis, keepdims=True)
        return away / np.sqrt((away ** 2).mean(axis, keepdims=True) + epsilon)
    return apply


def zero_padding(sides):
    sides = sides if isinstance(sides, tuple) else (sides, sides)
    rows, columns = [side if isinstance(side, tuple) else (side, side) for side in sides]
    return lambda x: np.pad(x, ((0, 0), rows, columns, (0, 0)))


def split(x, bounds, axis):
    return np.split(x, bounds, axis)


keras, layers, ops = (types.ModuleType(name) for name in ("keras", "keras.layers", "keras.ops"))
layers.Add = lambda: sum
layers.Concatenate = lambda axis=-1: lambda xs: np.concatenate(xs, axis)
layers.Flatten = lambda: lambda x: x.reshape(len(x), -1)
layers.Reshape = lambda shape: lambda x: x.reshape(len(x), *shape)
layers.Permute = lambda order: lambda x: x.transpose(0, *order)
layers.GlobalAveragePooling2D = lambda keepdims=False: lambda x: x.mean((1, 2), keepdims=keepdims)
layers.MaxPooling2D, layers.AveragePooling2D = pooling(np.amax), pooling(np.mean)
layers.LayerNormalization, layers.ZeroPadding2D = layer_norm, zero_padding
for name in ("transpose", "reshape", "mean", "max", "min", "sum", "clip", "pad", "maximum", "minimum", "exp", "sqrt"):
    setattr(ops, name, getattr(np, name))
ops.convert_to_tensor, ops.split = np.float32, split
keras.Input = lambda shape: numbers
keras.Model = lambda inputs, outputs: outputs
keras.layers, keras.ops = layers, ops
sys.modules.update({"keras": keras, "keras.layers": layers, "keras.ops": ops})

space = {"__name__": "generated"}
exec(compile(Path(model).read_text(), model, "exec"), space)
result = space["build"]()
seen = (result.transpose(0, 3, 1, 2) if result.ndim == 4 else result).ravel()
assert seen.size == wanted.size, f"{seen.size} numbers come out, not {wanted.size}"
largest = np.abs(seen - wanted).max() / max(1, np.abs(wanted).max())
print(f"{model}: largest difference {largest}")
sys.exit(0 if largest <= 1e-4 else 1)
