# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Fire modules in a foreign graph: from feature maps, last to first, to a network of the family with its weights.

Soundness needs no trust in the file: each step says what its maps are as a function of earlier ones, and nothing is assumed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape, Stage

from .feature_graph import FeatureNode, Filters, Operation, unsupported

ChannelOrder = NDArray[np.intp] | None
"""Which channel of the file each channel of ours is; None where they agree."""


@dataclass(eq=False)
class MatchedNetwork:
    """A network and its weights by layer name, channels in the family's order; the input is as the file has it."""

    network: Network
    filters: dict[str, Filters] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    """What differs from the file, in words."""


@dataclass(frozen=True, eq=False)
class _FireModule:
    """A Fire module in the graph."""

    where: str
    squeeze: FeatureNode
    halves: tuple[FeatureNode, ...]
    """Expand convolutions in the order of the file's channels."""
    bypass: Bypass = Bypass.NONE
    beside: FeatureNode | None = None
    """The convolution of a complex bypass."""

    @property
    def source(self) -> FeatureNode:
        return self.squeeze.sources[0]


def match_network(last: FeatureNode, name: str) -> MatchedNetwork:
    """The network whose global average is ``last``; raises FirebrickError where the graph leaves the family.

    Stages are named as in the paper: conv1, pool1, fire2 and so on.
    """
    steps: list[FeatureNode | _FireModule] = []
    maps = last.sources[0]
    while maps.operation is not Operation.INPUT:
        step = _module(maps) if maps.operation in (Operation.CONCAT, Operation.ADD) else maps
        steps.append(step)
        maps = step.source if isinstance(step, _FireModule) else step.sources[0]
    return _NetworkBuilder(maps.shape).network(steps[::-1], last.where, name)


class _NetworkBuilder:
    """Stages in order, each with a name, and the channel order on the way."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.stages: list[Stage] = []
        self.filters: dict[str, Filters] = {}
        self.changed: list[str] = []
        self.number = 0
        self.order: ChannelOrder = None

    def network(self, steps: Sequence[FeatureNode | _FireModule], end: str, name: str) -> MatchedNetwork:
        if not steps or isinstance(steps[0], _FireModule) or steps[0].operation is not Operation.CONV:
            raise unsupported(
                steps[0].where if steps else end, "the first stage must be a convolution, to take up the mean of the pictures"
            )
        for index, step in enumerate(steps):
            if isinstance(step, _FireModule):
                self.fire(step)
            elif step.operation is Operation.POOL:
                self.stages.append(MaxPool(self.pool_name()))
            else:
                self.convolution(step, last=index == len(steps) - 1)
        if self.order is not None:
            raise unsupported(end, "its channels must have the order of the classes; give the file a last convolution")
        self.stages.append(GlobalAverage(self.pool_name()))
        network = Network(name, self.shape, tuple(self.stages))
        network.verify()
        return MatchedNetwork(network, {layer.name: self.filters[layer.name] for layer in network.layers()}, self.changed)

    def convolution(self, maps: FeatureNode, last: bool) -> None:
        assert maps.filters is not None  # every CONV has them
        self.number += 1
        name, padding = f"conv{self.number}", maps.padding
        if last and maps.kernel == 1 and padding:
            self.changed.append(f"{name} has no padding, as in the paper's Table 1; the file pads it by {padding}")
            padding = 0
        if padding >= maps.kernel:
            raise unsupported(maps.where, f"padding must be less than the kernel, {maps.kernel}, not {padding}")
        self.stages.append(Conv(name, len(maps.filters.bias), maps.kernel, maps.stride, padding))
        self.filters[name] = maps.filters.permuted(channels=self.order)
        self.order = None

    def fire(self, module: _FireModule) -> None:
        self.number += 1
        name = f"fire{self.number}"
        ones, threes = (sum(half.shape.channels for half in module.halves if half.kernel == kernel) for kernel in (1, 3))
        order = None
        if module.halves[0].kernel == 3 and ones:
            order = np.concatenate([np.arange(threes, threes + ones), np.arange(threes)])
        if module.bypass is Bypass.SIMPLE and not np.array_equal(_plain(order, ones + threes), _plain(self.order, ones + threes)):
            raise unsupported(module.where, "both maps must have their channels in one order: those of 1x1 filters first")
        parts = {"squeeze1x1": module.squeeze, **{f"expand{half.kernel}x{half.kernel}": half for half in module.halves}}
        for part, maps in parts.items():
            assert maps.filters is not None
            self.filters[f"{name}/{part}"] = maps.filters.permuted(channels=self.order if part == "squeeze1x1" else None)
        if module.beside is not None and module.beside.filters is not None:
            self.filters[f"{name}/bypass1x1"] = module.beside.filters.permuted(filters=order, channels=self.order)
        self.stages.append(Fire(name, module.squeeze.shape.channels, ones, threes, module.bypass))
        self.order = order

    def pool_name(self) -> str:
        name = f"pool{self.number}"
        same = sum(stage.name.partition("_")[0] == name for stage in self.stages)
        return f"{name}_{same + 1}" if same else name


def _module(maps: FeatureNode) -> _FireModule:
    """The Fire module that ends in these maps, which are a CONCAT or an ADD."""
    if maps.operation is Operation.CONCAT:
        module = _expanded(maps)
        if module is None:
            raise unsupported(
                maps.where, "must join a 1x1 and a padded 3x3 convolution that read one 1x1 convolution, as a Fire module does"
            )
        return module
    for main, other in (maps.sources, maps.sources[::-1]):
        module = _expanded(main)
        if module is None:
            continue
        if other.same_as(module.source):
            return _FireModule(maps.where, module.squeeze, module.halves, Bypass.SIMPLE)
        if _is_conv(other, 1) and other.sources[0].same_as(module.source):
            return _FireModule(maps.where, module.squeeze, module.halves, Bypass.COMPLEX, other)
    raise unsupported(maps.where, "must add a Fire module's input, or a 1x1 convolution of it, to the module's output, as a bypass does")


def _expanded(maps: FeatureNode) -> _FireModule | None:
    """A Fire module without its bypass."""
    halves = maps.sources if maps.operation is Operation.CONCAT else (maps,)
    if sorted(half.kernel for half in halves) not in ([1], [3], [1, 3]):
        return None
    squeeze = halves[0].sources[0]
    if not _is_conv(squeeze, 1) or not all(_is_conv(half, half.kernel) and half.sources[0].same_as(squeeze) for half in halves):
        return None
    return _FireModule(maps.where, squeeze, halves)


def _is_conv(maps: FeatureNode, kernel: int) -> bool:
    """Whether this is a convolution that keeps the map's size."""
    return maps.kernel == kernel and (maps.stride, maps.padding) == (1, kernel // 2)


def _plain(order: ChannelOrder, channels: int) -> NDArray[np.intp]:
    return np.arange(channels) if order is None else order
