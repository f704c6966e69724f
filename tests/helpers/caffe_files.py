# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Caffe models, written byte by byte, so that the reader is not tested against its own message classes."""

import struct

import numpy as np

from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape

SMALL = Network(
    "small",
    Shape(3, 12, 13),
    (Conv("conv1", 6, 3), MaxPool("pool1"), Fire("fire2", 2, 3, 3, Bypass.SIMPLE), Conv("conv3", 4, 1), GlobalAverage("pool3")),
)


def varint(value: int) -> bytes:
    data = b""
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def field(number: int, value: int | float | str | bytes) -> bytes:
    """One field on the wire: numbers as varint or 32-bit float, text and messages with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def blob(array: np.ndarray, old: bool = False) -> bytes:
    sides = [1] * (4 - array.ndim) + list(array.shape)
    shape = b"".join(field(1 + axis, side) for axis, side in enumerate(sides))
    new = field(7, field(1, b"".join(varint(side) for side in array.shape)))
    return (shape if old else new) + field(5, array.astype("<f4").tobytes())


def layer(name: str, layer_type: str, bottoms: list[str], tops: list[str], extra: bytes = b"") -> bytes:
    names = [field(1, name), field(2, layer_type), *(field(3, bottom) for bottom in bottoms), *(field(4, top) for top in tops)]
    return field(100, b"".join(names) + extra)


class CaffeWriter:
    """A trained net as Caffe writes it: data layer, in-place ReLU, Split layers where two layers read one blob, loss."""

    def __init__(self, seed: int, old: bool = False, transform: bytes = field(3, 12)) -> None:
        self.rng = np.random.default_rng(seed)
        self.old = old
        self.data = field(1, "net") + layer("data", "Data", [], ["data", "label"], field(100, transform))
        self.weights: dict[str, np.ndarray] = {}
        self.biases: dict[str, np.ndarray] = {}

    def conv(self, name: str, source: str, shape: tuple[int, ...], settings: bytes = b"", relu: bool = True) -> str:
        weights, bias = self.rng.standard_normal(shape).astype(np.float32), self.rng.standard_normal(shape[0]).astype(np.float32)
        self.weights[name], self.biases[name] = weights, bias
        blobs = field(7, blob(weights, self.old)) + field(7, blob(bias))
        self.data += layer(name, "Convolution", [source], [name], blobs + field(106, field(4, shape[2]) + settings))
        if relu:
            self.data += layer(f"relu_{name}", "ReLU", [name], [name])
        return name

    def network(self, network: Network, conv10: bytes = b"", conv1: bytes = b"") -> bytes:
        maps = "data"
        for stage, shape in zip(network.stages, network.shapes(), strict=False):
            match stage:
                case Conv(name=name):
                    sides = (stage.filters, shape.channels, stage.kernel, stage.kernel)
                    more = {"conv1": conv1, "conv3": conv10}.get(name, b"")
                    maps = self.conv(name, maps, sides, field(6, stage.stride) + more, stage.relu)
                case MaxPool(name=name, kernel=kernel, padding=padding, ceil=ceil):
                    more = (field(4, padding) if padding else b"") + (b"" if ceil else field(13, 1))  # pad, round_mode FLOOR
                    self.data += layer(name, "Pooling", [maps], [name], field(121, field(1, 0) + field(2, kernel) + field(3, 2) + more))
                    maps = name
                case Fire():
                    maps = self.fire(stage, maps, shape.channels)
                case GlobalAverage(name=name):
                    self.data += layer("drop", "Dropout", [maps], [maps])
                    self.data += layer(name, "Pooling", [maps], [name], field(121, field(1, 1) + field(12, 1)))
                    self.data += layer("loss", "SoftmaxWithLoss", [name, "label"], ["loss"])
        return self.data

    def fire(self, fire: Fire, maps: str, channels: int) -> str:
        name = fire.name
        if fire.bypass is not Bypass.NONE:
            self.data += layer(f"{maps}_split", "Split", [maps], [f"{maps}_0", f"{maps}_1"])
            maps, skip = f"{maps}_0", f"{maps}_1"
        squeeze = self.conv(f"{name}/squeeze1x1", maps, (fire.squeeze, channels, 1, 1))
        expand1x1 = self.conv(f"{name}/expand1x1", squeeze, (fire.expand1x1, fire.squeeze, 1, 1))
        expand3x3 = self.conv(f"{name}/expand3x3", squeeze, (fire.expand3x3, fire.squeeze, 3, 3), field(3, 1))
        self.data += layer(f"{name}/concat", "Concat", [expand1x1, expand3x3], [f"{name}/concat"])
        if fire.bypass is Bypass.NONE:
            return f"{name}/concat"
        self.data += layer(f"{name}/add", "Eltwise", [skip, f"{name}/concat"], [f"{name}/add"])
        return f"{name}/add"
