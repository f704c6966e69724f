# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The integer network as an ONNX graph: for other tools, and as an oracle for the golden model that shares no arithmetic with it.

Every operator is an integer operator, and exact in every runtime:

- A centroid has up to 12 bits, a ConvInteger weight only 8. So w = 64 * high + low, with both parts within +-32, and a layer is two
  convolutions. Some runtimes add pairs of 8-bit products in 16 bits with saturation; parts of at most 64 keep 2 * 255 * 64 below 2^15.
- The two sums and the bias are added in int64.
- BitShift takes unsigned integers only. Clamping to 0 .. 2^(8+shift) - 1 before the shift is equal to clamping to 0 .. 255 after it,
  and leaves a uint32 to shift.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import FirebrickError
from ..model.quantized import ACTIVATION_MAX, Model
from ..utils.atomic_files import write_atomically
from ..utils.distribution import install_extra
from .onnx_graph import NetworkGraph

if TYPE_CHECKING:
    from onnx import ModelProto

PART_BITS = 6
"""Each weight is split into parts of this width: low is -2^5 .. 2^5 - 1, and high is at most 2^5."""
FILTER_MAX = (1 << 31) // (ACTIVATION_MAX << (PART_BITS - 1))
"""Maximum number of weights in a filter for which a part's sum cannot overflow ConvInteger's int32."""


def export_onnx(model: Model) -> "ModelProto":
    """The graph of a verified model. Input: ``frames``, uint8 (n, channels, rows, columns). Output: ``scores``, int64 (n, classes).

    Frames are images with their border, if the model has one. The scores equal `golden.run` bit for bit. Labels, preprocessing and
    score_scale are in the graph's metadata. Raises FirebrickError when the package onnx is missing or a filter has more than FILTER_MAX
    weights.
    """
    if find_spec("onnx") is None:
        raise FirebrickError(f"ONNX export needs the package onnx; {install_extra('onnx')}")
    properties = {
        "labels": "\n".join(model.labels),
        "score_scale": repr(model.score_scale),
        "resize": str(model.preprocessing.resize),
        "mean": repr(model.preprocessing.mean),
    }
    if model.preprocessing.has_border:
        properties["border"] = repr(model.preprocessing.border)
    return _IntegerGraph(model).proto(model.network, np.uint8, np.int64, model.metadata | properties)


def write_onnx(model: Model, path: Path) -> None:
    """Write the graph to a file atomically; raises FirebrickError as `export_onnx` does, or when the path cannot be written."""
    write_atomically(path, export_onnx(model).SerializeToString(deterministic=True))


class _IntegerGraph(NetworkGraph):
    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def convolve(self, name: str, maps: str, *, stride: int = 1, padding: int = 0, relu: bool = True) -> str:  # noqa: ARG002 - the same clamp
        layer = self.model.layers[name]
        if layer.weights[0].size > FILTER_MAX:
            raise FirebrickError(f"layer {name}: a filter must have at most {FILTER_MAX} weights for ONNX, not {layer.weights[0].size}")
        half = 1 << (PART_BITS - 1)
        high = (layer.weights + half) >> PART_BITS
        attributes = {"kernel_shape": layer.codes.shape[2:], "strides": [stride, stride], "pads": [padding] * 4}
        total = self.constant(f"{name}/start", layer.accumulator_init.reshape(1, -1, 1, 1))
        for part, weights, scale in (("low", layer.weights - (high << PART_BITS), 1), ("high", high, 1 << PART_BITS)):
            constant = self.constant(f"{name}/{part}/weights", weights.astype(np.int8))
            products = self.cast(self.node("ConvInteger", [maps, constant], f"{name}/{part}", **attributes), np.int64)
            factor = self.constant(f"{name}/{part}/scale", np.array(scale, np.int64))
            scaled = self.node("Mul", [products, factor], f"{name}/{part}/scaled")
            total = self.node("Add", [total, scaled], f"{name}/{part}/sum")
        clamped = self.clamped(total, f"{name}/clamped", (1 << (8 + layer.shift)) - 1, np.uint32)
        shift = self.constant(f"{name}/shift", np.array(layer.shift, np.uint32))
        return self.cast(self.node("BitShift", [clamped, shift], f"{name}/out", direction="RIGHT"), np.uint8)

    def add(self, name: str, main: str, skip: str) -> str:
        wide = [self.cast(main, np.int64), self.cast(skip, np.int64)]
        return self.clamped(self.node("Add", wide, f"{name}/sum"), f"{name}/clamped", ACTIVATION_MAX, np.uint8)

    def global_average(self, name: str, maps: str) -> str:
        axes = self.constant(f"{name}/axes", np.array([2, 3], np.int64))
        pixels = self.cast(maps, np.int64)
        if self.model.zero_point:
            pixels = self.node("Sub", [pixels, self.constant(f"{name}/zero", np.array(self.model.zero_point, np.int64))], f"{name}/pixels")
        return self.node("ReduceSum", [pixels, axes], f"{name}/out", keepdims=0)

    def clamped(self, tensor: str, name: str, maximum: int, dtype: type[np.integer]) -> str:
        """Add a clamp of an int64 tensor to 0 .. maximum, and a cast to a type that holds the result; returns its output."""
        bounds = [self.constant(f"{name}/{bound}", np.array(bound, np.int64)) for bound in (0, maximum)]
        return self.cast(self.node("Clip", [tensor, *bounds], name), dtype)
