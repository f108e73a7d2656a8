"""Build generated Keras sources without Keras: python3 run_keras.py DIR

A stand-in for the parts of Keras 3 that sources use infers shapes and counts parameters by Keras's own
documentation (keras.io/api); it knows nothing of computation graphs. DIR/list says what must come out
(source_models.lua): parameters, and output shapes in the order N, C, H, W.
"""
import math
import re
import sys
import types
from pathlib import Path

state = {"parameters": 0, "names": set()}


class Tensor:
    def __init__(self, shape):
        self.shape = tuple(shape)

    def _join(self, other):
        return merge([self, other]) if isinstance(other, Tensor) else Tensor(self.shape)

    __add__ = __mul__ = __truediv__ = _join

    def __getitem__(self, index):
        before, channels = index
        assert before is Ellipsis and channels.start is None and channels.stop <= self.shape[-1]
        return Tensor((*self.shape[:-1], channels.stop))


def merge(tensors):
    """Broadcast over sizes of one."""
    shape = list(tensors[0].shape)
    for tensor in tensors[1:]:
        assert len(tensor.shape) == len(shape), "ranks differ"
        for d, size in enumerate(tensor.shape):
            assert 1 in (size, shape[d]) or size == shape[d], f"{shape} and {tensor.shape} do not merge"
            shape[d] = size if shape[d] in (1, size) else shape[d]
    return Tensor(shape)


def pair(value):
    return (value, value) if isinstance(value, int) else value


def windows(shape, kernel, strides, padding, dilation=(1, 1)):
    assert padding in ("same", "valid")
    out = []
    for size, k, s, d in zip(shape[1:3], kernel, strides, dilation):
        span = (k - 1) * d + 1
        assert padding == "same" or size >= span, "the window does not fit"
        out.append(math.ceil(size / s) if padding == "same" else (size - span) // s + 1)
    return out


def layer(infer):
    """infer(shape(s), ...) -> shape, parameters; called as layer(arguments)(tensor(s))."""
    def configure(*arguments, name=None, **options):
        assert name is None or re.fullmatch(r"[A-Za-z]\w*", name), name
        assert name is None or name not in state["names"], f"two layers are called {name}"
        state["names"].add(name) if name else None

        def apply(x):
            shape, parameters = infer(x, *arguments, **options)
            state["parameters"] += parameters
            return Tensor(shape)

        return apply
    return configure


def conv2d(x, filters, kernel_size, strides=1, padding="valid", dilation_rate=1, groups=1, use_bias=True):
    n, _, _, c = x.shape
    kernel, strides, dilation = pair(kernel_size), pair(strides), pair(dilation_rate)
    assert c % groups == 0 and filters % groups == 0 and (strides == (1, 1) or dilation == (1, 1))
    weights = kernel[0] * kernel[1] * (c // groups) * filters + filters * use_bias
    return (n, *windows(x.shape, kernel, strides, padding, dilation), filters), weights


def depthwise(x, kernel_size, strides=1, padding="valid", dilation_rate=1, use_bias=True):
    n, _, _, c = x.shape
    kernel, strides, dilation = pair(kernel_size), pair(strides), pair(dilation_rate)
    assert strides[0] == strides[1], "Keras wants equal strides"
    assert strides == (1, 1) or dilation == (1, 1)
    weights = kernel[0] * kernel[1] * c + c * use_bias
    return (n, *windows(x.shape, kernel, strides, padding, dilation), c), weights


def transpose2d(x, filters, kernel_size, strides=1, padding="valid", dilation_rate=1, use_bias=True):
    n, h, w, c = x.shape
    kernel, strides, dilation = pair(kernel_size), pair(strides), pair(dilation_rate)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    sizes = [size * s if padding == "same" else size * s + max(k - s, 0)
             for size, s, k in zip((h, w), strides, spans)]
    return (n, *sizes, filters), kernel[0] * kernel[1] * c * filters + filters * use_bias


def pool(x, pool_size, strides=None, padding="valid"):
    strides = pair(strides or pool_size)
    return (x.shape[0], *windows(x.shape, pair(pool_size), strides, padding), x.shape[3]), 0


def norm(x, epsilon=1e-3):
    assert 0 < epsilon < 1
    return x.shape, 2 * x.shape[-1]


def prelu(x, shared_axes=None):
    free = [size for d, size in enumerate(x.shape) if d > 0 and d not in (shared_axes or ())]
    return x.shape, math.prod(free)


def grow(x, pads, sign=1):
    pads = [side if isinstance(side, tuple) else (side, side) for side in pair(pads)]
    n, h, w, c = x.shape
    shape = n, h + sign * sum(pads[0]), w + sign * sum(pads[1]), c
    assert min(shape[1:]) > 0 and min(map(min, pads)) >= 0
    return shape, 0


def activation(x, name):
    assert name in {"relu", "relu6", "sigmoid", "tanh", "silu", "gelu", "hard_silu", "hard_sigmoid"}, name
    return x.shape, 0


def concatenate(xs):
    assert len({x.shape[:-1] for x in xs}) == 1, "sizes differ"
    return (*xs[0].shape[:-1], sum(x.shape[-1] for x in xs)), 0


def reshaped(shape, to):
    known = math.prod(size for size in to if size > 0)
    assert math.prod(shape[1:]) == known and to[0] == -1, f"{shape} has no form {to}"
    return Tensor((shape[0], *to[1:]))


def same(x, **_):
    return x.shape, 0


def check_sizes(x, shape):
    assert math.prod(x.shape[1:]) == math.prod(shape)
    return (x.shape[0], *shape), 0


layers = types.ModuleType("keras.layers")
for key, infer in {
    "Conv2D": conv2d, "DepthwiseConv2D": depthwise, "Conv2DTranspose": transpose2d,
    "MaxPooling2D": pool, "AveragePooling2D": pool, "BatchNormalization": norm, "PReLU": prelu,
    "Dense": lambda x, units, use_bias=True: (
        (*x.shape[:-1], units), x.shape[-1] * units + units * use_bias),
    "ZeroPadding2D": grow, "Cropping2D": lambda x, cuts: grow(x, cuts, -1), "Activation": activation,
    "Softmax": same, "LeakyReLU": same, "Add": lambda xs: (merge(xs).shape, 0),
    "Multiply": lambda xs: (merge(xs).shape, 0), "Concatenate": concatenate,
    "GlobalAveragePooling2D": lambda x, keepdims: ((x.shape[0], 1, 1, x.shape[3]), 0),
    "Flatten": lambda x: ((x.shape[0], math.prod(x.shape[1:])), 0), "Reshape": check_sizes,
    "Permute": lambda x, order: ((x.shape[0], *(x.shape[d] for d in order)), 0),
    "UpSampling2D": lambda x, size, interpolation="nearest": (
        (x.shape[0], x.shape[1] * pair(size)[0], x.shape[2] * pair(size)[1], x.shape[3]), 0),
}.items():
    setattr(layers, key, layer(infer))

ops = types.ModuleType("keras.ops")
ops.pad = lambda x, pads, constant_values=0: Tensor(
    n if n is None else n + sum(p) for n, p in zip(x.shape, pads, strict=True))
ops.ones, ops.zeros_like = Tensor, lambda x: Tensor(x.shape)
ops.average_pool = lambda x, size, strides: Tensor(pool(x, size, strides)[0])
ops.clip = lambda x, low, high: Tensor(x.shape)
ops.reshape = lambda x, to: reshaped(x.shape, to)
ops.transpose = lambda x, order: Tensor(x.shape[d] for d in order)

keras = types.ModuleType("keras")
keras.layers, keras.ops = layers, ops
keras.Input = lambda shape: Tensor((None, *shape))
keras.Model = lambda inputs, outputs: outputs if isinstance(outputs, list) else [outputs]
sys.modules.update({"keras": keras, "keras.layers": layers, "keras.ops": ops})


def check(path, parameters, shapes):
    state.update(parameters=0, names=set())
    space = {"__name__": "generated"}
    exec(compile(path.read_text(), str(path), "exec"), space)
    outputs = space["build"]()
    seen = ["x".join(map(str, (1, *(t.shape[-1:] + t.shape[1:-1])))) for t in outputs]
    if seen != shapes:
        raise ValueError(f"outputs are {seen}, not {shapes}")
    if state["parameters"] != parameters:
        raise ValueError(f"{state['parameters']} parameters, not {parameters}")


failed = 0
for line in Path(sys.argv[1], "list").read_text().splitlines():
    model, count, *expected = line.split(" ")
    try:
        check(Path(sys.argv[1], f"{model}.keras.py"), int(count), expected)
        print(f"ok {model}: shapes and parameters agree")
    except Exception as error:
        failed += 1
        print(f"not ok {model}: {type(error).__name__}: {error}")
sys.exit(1 if failed else 0)
