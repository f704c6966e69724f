# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The compiler: from a model and its engines' shares to the plan that the hardware is generated from.

Any order of channels is as good as another, since the next layer's weights are permuted here; so filters are dealt to engines, and
1x1 and 3x3 filters mixed, in the order that keeps everyone busy. Only the scores come in the order of the classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .allocate import SQUEEZE_SLOTS, Share, allocate, column_capacities
from .errors import FirebrickError
from .model import Model, QuantizedLayer
from .network import Bypass, Conv, Fire, GlobalAverage, Layer, MaxPool, Shape, stage_layers
from .schedule import Group, schedule
from .spec import LOGIC_BITS, Arithmetic, AverageSpec, ConvSpec, EngineSpec, NarrowSpec, Node, Plan, PoolSpec, SqueezeSpec
from .strips import Strips


@dataclass(frozen=True)
class _Filter:
    kind: int
    layer: str
    index: int
    channel: int
    """Which channel of the stage's output it makes."""
    nonzero: int


def compile_model(model: Model, lanes: int) -> Plan:
    """The plan for a total number of multiplier lanes."""
    return plan_with(model, allocate(model, lanes))


def plan_with(model: Model, shares: Mapping[str, Share], logic_bits: int = LOGIC_BITS) -> Plan:
    """The plan for given shares, by engine name. Raises FirebrickError where shares do not fit the network or each other.

    ``logic_bits``: up to which the last bank of an engine's ROM is made of logic.
    """
    model.verify()
    return _Compiler(model, shares, logic_bits).run()


class _Compiler:
    def __init__(self, model: Model, shares: Mapping[str, Share], logic_bits: int) -> None:
        self.logic_bits = logic_bits
        self.model = model
        self.shares = shares
        self.nodes: list[Node] = []
        width = model.network.input.width
        self.strips = Strips.natural(lanes=1, tiles=width, width=width)
        self.order = list(range(model.network.input.channels))
        self.raster = True

    def run(self) -> Plan:
        network = self.model.network
        shapes = network.shapes()
        capacities = column_capacities(network)
        if not isinstance(network.stages[0], Conv):
            raise FirebrickError(f"network {network.name}: the first stage must be a convolution to be built in hardware")
        for index, stage in enumerate(network.stages):
            shape, output, capacity = shapes[index], shapes[index + 1], capacities[index]
            last = index == len(network.stages) - 2
            layers = stage_layers(stage, shape)
            match stage:
                case Conv(name=name):
                    self.convolution(name, layers, capacity, last=last)
                case Fire(name=name, bypass=bypass):
                    if bypass is not Bypass.NONE:
                        raise FirebrickError(f"stage {name}: bypass connections are not built in hardware yet; use bypass none")
                    self.squeeze(f"{name}/squeeze", layers[0])
                    self.convolution(f"{name}/expand", layers[1:], capacity, last=last)
                case MaxPool(name=name):
                    self.pool(name, shape, output, capacity)
                case GlobalAverage(name=name):
                    self.nodes.append(AverageSpec(name, self.strips, shape.channels, shape.height))
        return Plan(network.name, tuple(self.nodes))

    def convolution(self, name: str, layers: Sequence[Layer], capacity: int, *, last: bool) -> None:
        """A filter-major engine; of several layers the last has the largest kernel, and the others are its centre tap."""
        share = self.share(name, capacity)
        main = layers[-1]
        kernel = main.conv.kernel
        if not self.raster:
            self.narrow(share.lanes)
        rounds = _deal(self.filters(layers), share.splits, natural=last)
        output = Strips.natural(lanes=share.lanes, tiles=capacity // share.lanes, width=main.output.width)
        parts = []
        for part in range(share.splits):
            mine = [one[part] for one in rounds if part < len(one)]
            groups = [Group(one.kind, self.taps(one)) for one in mine]
            parts.append(
                ConvSpec(
                    source=self.strips,
                    raster=self.raster,
                    channels=main.input.channels,
                    height=main.input.height,
                    output=output,
                    output_height=main.output.height,
                    kernel=kernel,
                    stride=main.conv.stride,
                    padding=main.conv.padding,
                    slots=kernel + main.conv.stride,
                    weights=schedule(groups, inner=main.input.channels, taps=kernel**2, logic_bits=self.logic_bits),
                    arithmetic=self.arithmetic(mine),
                )
            )
        self.engine(name, layers, tuple(parts), rounds)

    def squeeze(self, name: str, layer: Layer) -> None:
        """A channel-major engine."""
        share = self.share(name, self.strips.lanes * self.strips.tiles)
        self.narrow(share.lanes)
        if share.lanes > self.strips.lanes:
            raise FirebrickError(f"engine {name}: lanes must be at most its source's, {self.strips.lanes}, not {share.lanes}")
        rounds = _deal(self.filters([layer]), share.splits, natural=False)
        parts = []
        for part in range(share.splits):
            mine = [one[part] for one in rounds if part < len(one)]
            weights = self.model.layers[layer.name].weights[[one.index for one in mine], :, 0, 0]
            ends = (0, len(self.order) - 1)
            groups = [Group(0, weights[:, channel], required=place in ends) for place, channel in enumerate(self.order)]
            parts.append(
                SqueezeSpec(
                    source=self.strips,
                    channels=layer.input.channels,
                    height=layer.input.height,
                    slots=SQUEEZE_SLOTS,
                    weights=schedule(groups, inner=len(mine), taps=1, logic_bits=self.logic_bits),
                    arithmetic=self.arithmetic(mine),
                )
            )
        self.engine(name, [layer], tuple(parts), rounds)

    def pool(self, name: str, shape: Shape, output: Shape, capacity: int) -> None:
        """A pooling stage with the lanes of its source."""
        lanes = self.strips.lanes
        if capacity % lanes or not self.strips.is_natural or self.raster:
            raise FirebrickError(f"stage {name}: the lanes before pooling must divide {capacity}, not {lanes}")
        strips = Strips.natural(lanes=lanes, tiles=capacity // lanes, width=output.width)
        self.nodes.append(PoolSpec(name, self.strips, shape.channels, shape.height, strips))
        self.strips = strips

    def engine(
        self, name: str, layers: Sequence[Layer], parts: tuple[ConvSpec, ...] | tuple[SqueezeSpec, ...], rounds: list[list[_Filter]]
    ) -> None:
        turns = tuple(len(one) for one in rounds)
        self.strips = parts[0].output
        self.order = [one.channel for one_round in rounds for one in one_round]
        macs = sum(layer.macs for layer in layers)
        self.nodes.append(EngineSpec(name, tuple(layer.name for layer in layers), parts, turns, tuple(self.order), macs))
        self.raster = False

    def share(self, name: str, capacity: int) -> Share:
        share = self.shares.get(name)
        if share is None:
            raise FirebrickError(f"engine {name}: no share of the lanes is given; the engines with one are {', '.join(self.shares)}")
        if share.lanes < 1 or capacity % share.lanes:
            raise FirebrickError(f"engine {name}: lanes must divide {capacity}, not {share.lanes}")
        if share.splits < 1:
            raise FirebrickError(f"engine {name}: splits must be at least 1, not {share.splits}")
        return share

    def narrow(self, lanes: int) -> None:
        """Fit the stream to an engine of fewer lanes; one of more lanes takes narrow words into its buffer."""
        wide = self.strips.lanes
        if wide % lanes and lanes % wide:
            raise FirebrickError(f"words of {wide} lanes cannot feed an engine of {lanes}: one must divide the other")
        if lanes < wide:
            self.nodes.append(NarrowSpec(self.strips, lanes))
            self.strips = self.strips.narrowed(lanes)

    def filters(self, layers: Sequence[Layer]) -> list[list[_Filter]]:
        """The filters of each layer, in order; output channels are counted through."""
        found: list[list[_Filter]] = []
        channel = 0
        for layer in layers:
            kind = int(layer.conv.kernel < layers[-1].conv.kernel)
            counts = np.count_nonzero(self.model.layers[layer.name].weights, axis=(1, 2, 3))
            found.append([_Filter(kind, layer.name, i, channel + i, int(count)) for i, count in enumerate(counts)])
            channel += layer.conv.filters
        return found

    def taps(self, one: _Filter) -> NDArray[np.int32]:
        """A filter's weights in the order (tap, channel of the stream)."""
        return self.model.layers[one.layer].weights[one.index, self.order].transpose(1, 2, 0).reshape(-1)

    def arithmetic(self, filters: Sequence[_Filter]) -> Arithmetic:
        layers: dict[str, QuantizedLayer] = {one.layer: self.model.layers[one.layer] for one in filters}
        return Arithmetic(
            start=tuple(int(self.model.layers[one.layer].start[one.index]) for one in filters),
            bits=max(layer.accumulator_bits for layer in layers.values()),
            shift=next(iter(layers.values())).shift,
        )


def _deal(filters: Sequence[Sequence[_Filter]], splits: int, *, natural: bool) -> list[list[_Filter]]:
    """Rounds of at most ``splits`` filters, one for each engine.

    Unless the natural order is asked for, filters of a round have about equally many weights, engines take turns at the largest, and
    rounds of different kinds are spread evenly, so that output comes at a steady pace.
    """
    if splits > max(map(len, filters)):
        raise FirebrickError(f"splits must be at most {max(map(len, filters))}, the filters of a kind, not {splits}")
    decks = []
    for kind in filters:
        sort = splits > 1 and not natural
        deck = sorted(kind, key=lambda one: -one.nonzero) if sort else list(kind)
        rounds = [deck[start : start + splits] for start in range(0, len(deck), splits)]
        turned = [one[::-1] if sort and index % 2 and len(one) == splits else one for index, one in enumerate(rounds)]
        decks.append([((index + 0.5) / len(turned), one) for index, one in enumerate(turned)])
    if natural:
        return [one for deck in decks for _, one in deck]
    return [one for _, one in sorted((pair for deck in decks for pair in deck), key=lambda pair: pair[0])]
