# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Quantisers of ONNX: scales, zero points and what they make of constants; and ``Quant`` of QONNX, as Brevitas exports it.

QONNX: https://github.com/fastmachinelearning/qonnx, docs/qonnx-custom-ops.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..feature_graph import unsupported
from .graph import Node

Array = NDArray[Any]
_INTEGERS = ("int8", "uint8", "int16", "uint16")
QUANT_BITS_MAX = 32


def quantisation(node: Node, scale: Array, zero: Array | None, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Scale and zero point of a QuantizeLinear or DequantizeLinear, so that they broadcast to ``shape``.

    Raises FirebrickError unless there is one scale, one for each index of the node's axis, or one for each block along it.
    """
    zero = np.zeros(scale.shape, output_type(node)) if zero is None else zero
    block = node.integer("block_size", 0)
    if scale.dtype.kind != "f" or zero.size != scale.size or (max(scale.ndim, zero.ndim) > 1 and not block):
        raise unsupported(node.where, "must have one scale, or one for each channel or block, and as many zero points")
    if scale.size == 1:
        return scale.reshape(()), zero.reshape(())
    axis = node.integer("axis", 1)
    axis += len(shape) if axis < 0 else 0
    if block and 0 <= axis < len(shape) == scale.ndim == zero.ndim and block > 0:
        blocks = tuple(-(-side // block) if index == axis else side for index, side in enumerate(shape))
        if scale.shape == zero.shape == blocks:
            index = np.arange(shape[axis]) // block
            return scale.take(index, axis), zero.take(index, axis)
    if block or not 0 <= axis < len(shape) or shape[axis] != scale.size:
        raise unsupported(node.where, f"{scale.size} scales do not fit axis {axis} of {shape}")
    sides = [1] * len(shape)
    sides[axis] = scale.size
    return scale.reshape(sides), zero.reshape(sides)


def output_type(node: Node) -> np.dtype[Any]:
    """The integer type of a quantiser without a zero point."""
    from onnx import TensorProto, helper

    data_type = node.integer("output_dtype", TensorProto.UINT8) or TensorProto.UINT8
    try:
        return np.dtype(helper.tensor_dtype_to_np_dtype(data_type))
    except (KeyError, TypeError) as error:
        raise unsupported(node.where, f"quantises to a type that is not supported; {', '.join(_INTEGERS)} are") from error


def check_integer_type(node: Node, dtype: np.dtype[Any]) -> None:
    """Raise FirebrickError unless a quantiser of activations may have this type."""
    if dtype.name not in _INTEGERS:
        raise unsupported(node.where, f"quantises to {dtype.name}; int8, uint8, int16 and uint16 are supported")


def quantize(node: Node, values: Array, rest: Sequence[Array | None]) -> Array:
    """QuantizeLinear of a constant."""
    scale, zero = _parameters(node, rest, values.shape)
    check_integer_type(node, zero.dtype)
    limits = np.iinfo(zero.dtype)
    steps = np.nan_to_num(np.rint(values.astype(np.float32) / scale), posinf=1e9, neginf=-1e9) + zero
    integers: Array = np.clip(steps, limits.min, limits.max).astype(zero.dtype)
    return integers


def dequantize(node: Node, values: Array, rest: Sequence[Array | None]) -> Array:
    """DequantizeLinear of a constant, of any integer type."""
    if (len(rest) < 2 or rest[1] is None) and rest and rest[0] is not None:
        rest = [rest[0], np.zeros(rest[0].shape, values.dtype)]
    scale, zero = _parameters(node, rest, values.shape)
    floats: Array = (values.astype(np.float64) - zero.astype(np.float64)).astype(np.float32) * scale.astype(np.float32)
    return floats


def _parameters(node: Node, rest: Sequence[Array | None], shape: tuple[int, ...]) -> tuple[Array, Array]:
    if not rest or rest[0] is None:
        raise unsupported(node.where, "has no scale")
    return quantisation(node, rest[0], rest[1] if len(rest) > 1 else None, shape)


@dataclass(frozen=True)
class Quant:
    """What a QONNX ``Quant`` node does: to integers from ``low`` to ``high``, and back to floats."""

    scale: Array
    zero: Array
    bits: int
    signed: bool
    low: int
    high: int
    rounding: str

    def apply(self, values: Array) -> Array:
        """The values after quantisation, as floats; in the type of the values, so that ties fall as the file's own executor has them."""
        steps = values / self.scale + self.zero
        if self.bits == 1 and self.signed:  # bipolar
            steps = np.where(steps >= 0, 1.0, -1.0)
        else:
            steps = _ROUNDING[self.rounding](np.clip(steps, self.low, self.high))
        return np.asarray((steps - self.zero) * self.scale, values.dtype)


_ROUNDING: dict[str, Callable[[Array], Array]] = {
    "ROUND": np.rint,
    "HALF_EVEN": np.rint,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": lambda steps: np.sign(steps) * np.ceil(np.abs(steps)),
    "DOWN": np.trunc,
    "ROUND_TO_ZERO": np.trunc,
    "HALF_UP": lambda steps: np.sign(steps) * np.floor(np.abs(steps) + 0.5),
    "HALF_DOWN": lambda steps: np.sign(steps) * np.ceil(np.abs(steps) - 0.5),
}
NEAREST = ("ROUND", "HALF_EVEN", "HALF_UP", "HALF_DOWN")
"""Rounding modes that differ only where a value lies in the middle."""


def quant(node: Node, rest: Sequence[Array | None], shape: tuple[int, ...]) -> Quant:
    """The parameters of a ``Quant`` node from its inputs scale, zero point and bit width; raises FirebrickError unless they make sense."""
    if node.operator == "BipolarQuant":
        rest = [*rest[:1], np.zeros((), np.float32), np.ones((), np.float32)]
    scale, zero, width = (rest[index] if index < len(rest) else None for index in range(3))
    if scale is None or zero is None or width is None:
        raise unsupported(node.where, "must have a scale, a zero point and a bit width, all of them constants")
    try:
        np.broadcast_to(scale, shape), np.broadcast_to(zero, shape)
    except ValueError as error:
        raise unsupported(node.where, f"scale {scale.shape} and zero point {zero.shape} must fit what is quantised, {shape}") from error
    if width.size != 1 or not 1 <= float(width.reshape(())) <= QUANT_BITS_MAX or float(width.reshape(())) % 1:
        raise unsupported(node.where, f"the bit width must be one whole number from 1 to {QUANT_BITS_MAX}")
    if not (np.isfinite(scale).all() and (scale > 0).all() and np.isfinite(zero).all()):
        raise unsupported(node.where, "the scale must be positive, and the zero point finite")
    bits, signed, narrow = int(width.reshape(())), bool(node.integer("signed", 1)), bool(node.integer("narrow", 0))
    if node.operator == "BipolarQuant":
        signed = True
    low, high = (-(1 << bits - 1) + narrow, (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1 - narrow)
    rounding = node.text("rounding_mode", "ROUND").upper()
    if rounding not in _ROUNDING:
        raise unsupported(node.where, f"rounding_mode must be one of {', '.join(_ROUNDING)}, not {rounding[:20]!r}")
    return Quant(scale, zero, bits, signed, low, high, rounding)
