# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The walk through a network's layers, for whatever stands for its feature maps: arrays, tensors or names of ONNX tensors.

`run_stages` knows the order of the layers and how they are connected. `Operations` knows what each of them computes.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from ..errors import FirebrickError
from .graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network

Maps = TypeVar("Maps")
Scores = TypeVar("Scores")
_Scores = TypeVar("_Scores", covariant=True)

Tap = Callable[[str, Maps], object]
"""An observer, called with the name and the output of a layer or stage."""


def no_tap(_name: str, _maps: object) -> None:
    """The tap of a run that nobody observes."""


class Operations(Protocol[Maps, _Scores]):
    """What a network is made of. The first argument is the name of the layer or stage, or the pool itself."""

    def convolve(self, name: str, maps: Maps, *, stride: int = 1, padding: int = 0, relu: bool = True) -> Maps:
        """A convolution with bias and, if asked, ReLU."""

    def max_pool(self, pool: MaxPool, maps: Maps) -> Maps:
        """Max pooling."""

    def concatenate(self, name: str, halves: list[Maps]) -> Maps:
        """The channels of a Fire module's expand convolutions, one after the other."""

    def add(self, name: str, main: Maps, skip: Maps) -> Maps:
        """The sum at the end of a bypass."""

    def global_average(self, name: str, maps: Maps) -> _Scores:
        """The scores, from the mean or the sum over all positions."""


def run_stages(network: Network, maps: Maps, operations: Operations[Maps, Scores], tap: Tap[Maps] = no_tap) -> Scores:
    """The scores that a verified network gives for an input.

    ``tap`` is called with the name and the output of each convolution, pool and Fire module, in order; a Fire module's output
    includes its bypass.
    """
    for stage in network.stages:
        match stage:
            case Conv(name=name, stride=stride, padding=padding):
                maps = operations.convolve(name, maps, stride=stride, padding=padding, relu=stage.relu)
            case Fire():
                maps = run_fire(stage, maps, operations, tap)
            case MaxPool():
                maps = operations.max_pool(stage, maps)
            case GlobalAverage(name=name):
                return operations.global_average(name, maps)
        tap(stage.name, maps)
    raise FirebrickError(f"network {network.name}: the last stage must be the global average")


def run_fire(fire: Fire, maps: Maps, operations: Operations[Maps, Scores], tap: Tap[Maps] = no_tap) -> Maps:
    """The output of one Fire module with its bypass; ``tap`` is called with the name and the output of each of its convolutions."""

    def layer(part: str, inputs: Maps, padding: int = 0) -> Maps:
        name = f"{fire.name}/{part}"
        output = operations.convolve(name, inputs, padding=padding)
        tap(name, output)
        return output

    squeezed = layer("squeeze1x1", maps)
    halves = []
    if fire.expand1x1:
        halves.append(layer("expand1x1", squeezed))
    if fire.expand3x3:
        halves.append(layer("expand3x3", squeezed, padding=1))
    main = operations.concatenate(fire.name, halves)
    match fire.bypass:
        case Bypass.NONE:
            return main
        case Bypass.SIMPLE:
            return operations.add(fire.name, main, maps)
        case Bypass.COMPLEX:
            return operations.add(fire.name, main, layer("bypass1x1", maps))
