# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The integer network as an ONNX graph: for other tools, and an oracle of the golden model that shares no code with it.

Every operator is an integer one and exact in every runtime:

- A centroid has up to 12 bits, a ConvInteger weight 8. So w = 64 * high + low, both within +-32, and two convolutions. Some runtimes
  add pairs of 8-bit products in 16 bits with saturation; parts of at most 64 keep 2 * 255 * 64 below 2^15.
- The parts are joined with the bias in int64.
- Clamping to 0 .. 2^(8+shift) - 1 before the shift equals clamping to 0 .. 255 after it, and makes the shift one of uint32, since
  BitShift knows no sign.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import FirebrickError
from .files import write_whole
from .model import ACTIVATION_MAX, Model
from .network import Bypass, Conv, Fire, GlobalAverage, MaxPool

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 17
IR_VERSION = 8
INPUT, OUTPUT = "frames", "scores"
PART_BITS = 6
"""Weights are split into parts of this many signed bits and one more value."""
FILTER_MAX = (1 << 31) // (ACTIVATION_MAX << (PART_BITS - 1))
"""Most weights of a filter for which a part's sum surely fits ConvInteger's int32."""


def export_onnx(model: Model) -> "ModelProto":
    """The graph of a verified model: ``frames`` (n, channels, rows, columns) uint8 in, ``scores`` (n, classes) int64 out.

    The scores equal `golden.run` bit for bit. Labels, preprocessing and score_scale are in the graph's metadata. Raises FirebrickError
    when the package onnx is missing or a filter has more than FILTER_MAX weights.
    """
    try:
        from onnx import TensorProto, checker, helper
    except ImportError as error:
        raise FirebrickError("ONNX export needs the package onnx; install it with: pip install 'firebrick[onnx]'") from error
    graph = _Graph()
    scores = graph.network(model)
    graph.add("Identity", [scores], OUTPUT)
    shape = model.network.input
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            model.network.name,
            [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["n", shape.channels, shape.height, shape.width])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.INT64, ["n", model.network.classes])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="firebrick",
    )
    helper.set_model_props(
        proto,
        model.metadata
        | {
            "labels": "\n".join(model.labels),
            "score_scale": repr(model.score_scale),
            "resize": str(model.preprocessing.resize),
            "mean": repr(model.preprocessing.mean),
        },
    )
    checker.check_model(proto, full_check=True)
    return proto


def write_onnx(model: Model, path: Path) -> None:
    """Write the graph to a file, whole or not at all; raises FirebrickError as `export_onnx` does, or when the place is unsound."""
    write_whole(path, export_onnx(model).SerializeToString(deterministic=True))


class _Graph:
    """Nodes and constants under construction. Tensors are called ``stage/...``, which nothing else is, as stage names have no slash."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def cast(self, tensor: str, kind: type[np.integer]) -> str:
        from onnx import helper

        return self.add("Cast", [tensor], f"{tensor}:{kind.__name__}", to=helper.np_dtype_to_tensor_dtype(np.dtype(kind)))

    def network(self, model: Model) -> str:
        tensor = INPUT
        for stage in model.network.stages:
            match stage:
                case Conv(name=name, stride=stride, padding=padding):
                    tensor = self.convolution(model, name, tensor, stride, padding)
                case Fire():
                    tensor = self.fire(model, stage, tensor)
                case MaxPool(name=name):
                    tensor = self.add("MaxPool", [tensor], f"{name}/out", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
                case GlobalAverage(name=name):
                    axes = self.constant(f"{name}/axes", np.array([2, 3], np.int64))
                    tensor = self.add("ReduceSum", [self.cast(tensor, np.int64), axes], f"{name}/out", keepdims=0)
        return tensor

    def fire(self, model: Model, fire: Fire, tensor: str) -> str:
        squeezed = self.convolution(model, f"{fire.name}/squeeze1x1", tensor)
        halves = []
        if fire.expand1x1:
            halves.append(self.convolution(model, f"{fire.name}/expand1x1", squeezed))
        if fire.expand3x3:
            halves.append(self.convolution(model, f"{fire.name}/expand3x3", squeezed, padding=1))
        out = self.add("Concat", halves, f"{fire.name}/concat", axis=1)
        if fire.bypass is Bypass.NONE:
            return out
        other = tensor if fire.bypass is Bypass.SIMPLE else self.convolution(model, f"{fire.name}/bypass1x1", tensor)
        wide = [self.cast(out, np.int64), self.cast(other, np.int64)]
        return self.clamped(self.add("Add", wide, f"{fire.name}/sum"), f"{fire.name}/clamped", ACTIVATION_MAX, np.uint8)

    def convolution(self, model: Model, name: str, tensor: str, stride: int = 1, padding: int = 0) -> str:
        layer = model.layers[name]
        if layer.weights[0].size > FILTER_MAX:
            raise FirebrickError(f"layer {name}: a filter must have at most {FILTER_MAX} weights for ONNX, not {layer.weights[0].size}")
        half = 1 << (PART_BITS - 1)
        high = (layer.weights + half) >> PART_BITS
        attributes = {"kernel_shape": layer.codes.shape[2:], "strides": [stride, stride], "pads": [padding] * 4}
        total = self.constant(f"{name}/start", layer.start.reshape(1, -1, 1, 1))
        for part, weights, scale in (("low", layer.weights - (high << PART_BITS), 1), ("high", high, 1 << PART_BITS)):
            constant = self.constant(f"{name}/{part}/weights", weights.astype(np.int8))
            products = self.cast(self.add("ConvInteger", [tensor, constant], f"{name}/{part}", **attributes), np.int64)
            factor = self.constant(f"{name}/{part}/scale", np.array(scale, np.int64))
            scaled = self.add("Mul", [products, factor], f"{name}/{part}/scaled")
            total = self.add("Add", [total, scaled], f"{name}/{part}/sum")
        clamped = self.clamped(total, f"{name}/clamped", (1 << (8 + layer.shift)) - 1, np.uint32)
        shift = self.constant(f"{name}/shift", np.array(layer.shift, np.uint32))
        return self.cast(self.add("BitShift", [clamped, shift], f"{name}/out", direction="RIGHT"), np.uint8)

    def clamped(self, tensor: str, name: str, most: int, kind: type[np.integer]) -> str:
        """An int64 tensor clamped to 0 .. most, which ``kind`` holds."""
        least, greatest = (self.constant(f"{name}/{bound}", np.array(bound, np.int64)) for bound in (0, most))
        return self.cast(self.add("Clip", [tensor, least, greatest], name), kind)
