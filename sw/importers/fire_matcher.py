# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Match a feature graph to the SqueezeNet family: find its Fire modules and give every layer the name that the paper gives it.

The match walks from the global average back to the input. It trusts no name in the file: a step counts as a Fire module only if its
operators compute one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.model.quantized import NO_BORDER, Border
from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, LinearConv, Network, Shape, Stage

from .feature_graph import FeatureNode, Operation, unsupported
from .filters import Affine, Filters

ChannelOrder = NDArray[np.intp] | None
"""For each channel of the family's order, its index in the file; None where both orders agree."""


@dataclass(eq=False)
class MatchedNetwork:
    """A network and its weights by layer name, channels in the family's order; the input is as the file has it."""

    network: Network
    filters: dict[str, Filters] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    """What differs from the file, a phrase each."""
    input_affine: Affine | None = None
    """The normalisation that the file itself computes before the first layer."""
    input_border: Border = NO_BORDER
    """Zeros around the normalised image that are part of the network's input: padding of the first layer that differs by side."""


@dataclass(frozen=True, eq=False)
class _FireModule:
    """A Fire module in the feature graph."""

    where: str
    squeeze: FeatureNode
    expand: tuple[FeatureNode, ...]
    """Expand convolutions in the order of the file's channels."""
    bypass: Bypass = Bypass.NONE
    bypass_conv: FeatureNode | None = None
    """The convolution of a complex bypass."""

    @property
    def source(self) -> FeatureNode:
        return self.squeeze.sources[0]


def match_network(average: FeatureNode, name: str) -> MatchedNetwork:
    """The network that ends in a global average; raises FirebrickError where the graph leaves the family.

    Stages are named as in the paper: conv1, pool1, fire2 and so on.
    """
    steps: list[FeatureNode | _FireModule] = []
    node = average.sources[0]
    while node.operation is not Operation.INPUT:
        step = _match_fire(node) if node.operation in (Operation.CONCAT, Operation.ADD) else node
        steps.append(step)
        node = step.source if isinstance(step, _FireModule) else step.sources[0]
    matched = _NetworkBuilder(node.bordered_shape).build(steps[::-1], average.where, name)
    matched.input_affine, matched.input_border = node.affine, node.border
    return matched


class _NetworkBuilder:
    """Names the stages from first to last, and puts channels in the family's order on the way."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.stages: list[Stage] = []
        self.filters: dict[str, Filters] = {}
        self.changes: list[str] = []
        self.number = 0
        """Number in the name of the last convolution or Fire module."""
        self.order: ChannelOrder = None
        """How the file orders the channels that the next stage reads."""

    def build(self, steps: Sequence[FeatureNode | _FireModule], end: str, name: str) -> MatchedNetwork:
        """The network of these steps; ``end`` names the global average in messages."""
        if not steps or isinstance(steps[0], _FireModule) or steps[0].operation is not Operation.CONV:
            where = steps[0].where if steps else end
            raise unsupported(where, "the first stage must be a convolution, to take up the mean of the images")
        for index, step in enumerate(steps):
            if isinstance(step, _FireModule):
                self.add_fire(step)
            elif step.operation is Operation.POOL:
                assert step.pool is not None  # every POOL has one
                self.stages.append(replace(step.pool, name=self.pool_name()))
            else:
                self.add_conv(step, is_last=index == len(steps) - 1)
        if self.order is not None:
            raise unsupported(end, "its channels must have the order of the classes; give the file a last convolution")
        self.stages.append(GlobalAverage(self.pool_name()))
        network = Network(name, self.shape, tuple(self.stages))
        network.verify()
        return MatchedNetwork(network, {layer.name: self.filters[layer.name] for layer in network.layers()}, self.changes)

    def add_conv(self, node: FeatureNode, is_last: bool) -> None:
        assert node.filters is not None  # every CONV has them
        self.number += 1
        name, padding = f"conv{self.number}", node.padding
        if is_last and node.kernel == 1 and padding:
            self.changes.append(f"{name} has no padding, as in the paper's Table 1; the file pads it by {padding}")
            padding = 0
        if padding >= node.kernel:
            raise unsupported(node.where, f"padding must be less than the kernel, {node.kernel}, not {padding}")
        # Further ahead, a ReLU may also come after the pool that reads the convolution.
        kind = LinearConv if is_last and not node.rectified else Conv
        self.stages.append(kind(name, len(node.filters.bias), node.kernel, node.stride, padding))
        self.filters[name] = node.filters.permuted(channels=self.order)
        self.order = None

    def add_fire(self, module: _FireModule) -> None:
        self.number += 1
        name = f"fire{self.number}"
        expand1x1, expand3x3 = (sum(half.shape.channels for half in module.expand if half.kernel == kernel) for kernel in (1, 3))
        order = None
        if module.expand[0].kernel == 3 and expand1x1:  # the file has 3x3 filters first, the family 1x1 filters
            order = np.concatenate([np.arange(expand3x3, expand3x3 + expand1x1), np.arange(expand3x3)])
        channels = expand1x1 + expand3x3
        if module.bypass is Bypass.SIMPLE and not np.array_equal(_indices(order, channels), _indices(self.order, channels)):
            raise unsupported(module.where, "both maps must have their channels in one order: those of 1x1 filters first")
        parts = {"squeeze1x1": module.squeeze, **{f"expand{half.kernel}x{half.kernel}": half for half in module.expand}}
        for part, node in parts.items():
            assert node.filters is not None
            self.filters[f"{name}/{part}"] = node.filters.permuted(channels=self.order if part == "squeeze1x1" else None)
        if module.bypass_conv is not None and module.bypass_conv.filters is not None:
            self.filters[f"{name}/bypass1x1"] = module.bypass_conv.filters.permuted(filters=order, channels=self.order)
        self.stages.append(Fire(name, module.squeeze.shape.channels, expand1x1, expand3x3, module.bypass))
        self.order = order

    def pool_name(self) -> str:
        """The next pool's name: that of the stage before it, with a number where several pools follow one stage."""
        name = f"pool{self.number}"
        same = sum(stage.name.partition("_")[0] == name for stage in self.stages)
        return f"{name}_{same + 1}" if same else name


def _match_fire(node: FeatureNode) -> _FireModule:
    """The Fire module that ends in a CONCAT or an ADD."""
    if node.operation is Operation.CONCAT:
        module = _match_fire_without_bypass(node)
        if module is None:
            problem = "must join a 1x1 and a padded 3x3 convolution that read one 1x1 convolution, as a Fire module does"
            raise unsupported(node.where, problem)
        return module
    for main, skip in (node.sources, node.sources[::-1]):
        module = _match_fire_without_bypass(main)
        if module is None:
            continue
        if skip.same_as(module.source):
            return _FireModule(node.where, module.squeeze, module.expand, Bypass.SIMPLE)
        if _is_same_size_conv(skip, 1) and skip.sources[0].same_as(module.source):
            return _FireModule(node.where, module.squeeze, module.expand, Bypass.COMPLEX, skip)
    raise unsupported(node.where, "must add a Fire module's input, or a 1x1 convolution of it, to the module's output, as a bypass does")


def _match_fire_without_bypass(node: FeatureNode) -> _FireModule | None:
    """Squeeze and expand convolutions that end in this node, which is a CONCAT or, with one kind of expand filters, a CONV."""
    expand = node.sources if node.operation is Operation.CONCAT else (node,)
    if sorted(half.kernel for half in expand) not in ([1], [3], [1, 3]):
        return None
    squeeze = expand[0].sources[0]
    if not _is_same_size_conv(squeeze, 1):
        return None
    if not all(_is_same_size_conv(half, half.kernel) and half.sources[0].same_as(squeeze) for half in expand):
        return None
    return _FireModule(node.where, squeeze, expand)


def _is_same_size_conv(node: FeatureNode, kernel: int) -> bool:
    """Whether this is a convolution with this kernel whose output has the size of its input."""
    return node.kernel == kernel and (node.stride, node.padding) == (1, kernel // 2)


def _indices(order: ChannelOrder, channels: int) -> NDArray[np.intp]:
    return np.arange(channels) if order is None else order
