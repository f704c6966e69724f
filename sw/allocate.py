# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which layer gets how many lanes: a simple allocator for a given number of multipliers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile

import numpy as np

from .errors import FirebrickError
from .fabric import ECP5, Fabric
from .model import Model, QuantizedLayer
from .network import Bypass, Conv, Fire, GlobalAverage, Layer, MaxPool, Network, Shape
from .resources import Part, Resources, delay_resources, depth, pool_resources, rows, scaled

SQUEEZE_SLOTS = 4
"""Input channels that a squeeze engine's buffer holds: the source's pace may vary from filter to filter."""
CODING_LOSS = 1.03
"""Bits of a Huffman code by those of the entropy, about."""
SPLITS_MAX = 8
"""Most engines that one layer is split over."""

DECODER_LANES = 1
"""What a part counts for besides its lanes, so that fewer parts are chosen where lanes are equal or nearly so: each needs a decoder
and a line buffer of its own."""


@dataclass(frozen=True)
class Share:
    """What one engine gets."""

    lanes: int
    """Pixels that each of its parts multiplies at a time (P)."""
    splits: int = 1
    """Parts that its filters are dealt to (S)."""


@dataclass(frozen=True)
class Demand:
    """What one engine has to do, before it is decided with how many lanes."""

    name: str
    layers: tuple[str, ...]
    squeeze: bool
    capacity: int
    """Columns of its output, rounded up so that strips halve exactly with each pooling."""
    rows: int
    """Output rows."""
    filters: tuple[tuple[int, int], ...]
    """For each kind of filter, how many there are, and their non-zero weights in all."""
    lanes_divide: int
    """Number that its lanes must divide: the capacity, or half of it before pooling, a quarter before two poolings in a row."""
    pace: int
    """How many times faster than on average it has to be: 2 behind pooling, which sends its rows while every other row comes."""

    layer: Layer
    """The widest of its layers: input, kernel and stride."""
    rom_bits: int
    """Bits of its codes and gaps, about."""
    bits: int
    """Width of a sum."""
    pooled: int
    """Poolings behind it."""
    raster: bool
    """Its input is the picture."""
    bypass: Bypass = Bypass.NONE
    """The connection round the Fire module that it is a part of."""
    side: bool = False
    """It is that connection."""

    def fits(self, lanes: int, source: int, entering: int) -> bool:
        """Whether it may have so many lanes, when the engine before it and the stream that enters the Fire module have so many.

        Both operands of a bypass must have equally many.
        """
        if self.side:
            return lanes == source and not (lanes % entering and entering % lanes)
        if self.bypass is Bypass.SIMPLE and not self.squeeze and lanes != entering:
            return False
        return source % lanes == 0 or (lanes % source == 0 and not self.squeeze)

    def cycles(self, share: Share) -> float:
        """Cycles a frame that it needs, as estimated from the non-zero weights, times its pace."""
        entries = sum(nonzero * -(-count // share.splits) / count for count, nonzero in self.filters)
        return self.pace * max(1.0, entries) * self.rows * (self.capacity // share.lanes)

    @property
    def splits(self) -> int:
        """Most parts that its filters can be dealt to."""
        return min(SPLITS_MAX, max(count for count, _ in self.filters))


    def resources(self, share: Share, logic_bits: int, fabric: Fabric = ECP5) -> Resources:
        """What it takes, the pooling behind it included."""
        lanes, splits, conv = share.lanes, share.splits, self.layer.conv
        tiles, channels = self.capacity // lanes, self.layer.input.channels
        filters = sum(-(-count // splits) for count, _ in self.filters)
        part = Part(
            lanes=lanes,
            tiles=tiles,
            rom_bits=self.rom_bits // splits,
            logic_bits=logic_bits,
            code_length=9,
            gap_length=7,
            starts=filters,
            bits=self.bits,
            sums=depth(filters, tiles) if self.squeeze else tiles,
            buffer_depth=SQUEEZE_SLOTS * tiles if self.squeeze else (conv.kernel + conv.stride) * rows(channels, tiles * conv.stride),
            buffer_lanes=lanes,
            widened=self.raster,
            squeeze=self.squeeze,
        ).resources(fabric)
        found = Resources(part.luts * splits + 40 * (splits - 1), part.block_rams * splits, part.multipliers * splits)
        outputs = sum(count for count, _ in self.filters)
        for pool in range(self.pooled):
            found += pool_resources(lanes, outputs, tiles >> pool + 1, fabric)
        if self.side or (self.bypass is Bypass.SIMPLE and not self.squeeze):
            words = tiles * (channels if self.side else outputs * (conv.padding + 1))
            found += delay_resources(words, lanes, fabric) + Resources(20 + 16 * lanes)
        return scaled(found, fabric)


@lru_cache(maxsize=1)
def demands(model: Model) -> tuple[Demand, ...]:
    """The engines of a model in order, named after their stages (``fire2/squeeze``, ``fire2/expand``)."""
    network = model.network
    if not isinstance(network.stages[0], Conv):
        raise FirebrickError(f"network {network.name}: the first stage must be a convolution to be built in hardware")
    found = []
    shapes = network.shapes()[1:]
    capacities = column_capacities(network)
    for index, (stage, shape) in enumerate(zip(network.stages, shapes, strict=True)):
        capacity = capacities[index]
        pooled = len(list(takewhile(lambda stage: isinstance(stage, MaxPool), network.stages[index + 1 :])))
        pace = 1 << len(list(takewhile(lambda stage: isinstance(stage, MaxPool), reversed(network.stages[:index]))))
        match stage:
            case Conv(name=name):
                found.append(_demand(model, name, (name,), shape, capacity, pooled=pooled))
            case Fire(name=name):
                parts = tuple(layer for layer in model.layers if layer.startswith(f"{name}/expand"))
                inside = [
                    _demand(model, f"{name}/squeeze", (f"{name}/squeeze1x1",), shape, capacity, squeeze=True, pace=pace),
                    _demand(model, f"{name}/expand", parts, shape, capacity, pooled=pooled),
                ]
                if stage.bypass is Bypass.COMPLEX:
                    inside.append(replace(_demand(model, f"{name}/bypass", (f"{name}/bypass1x1",), shape, capacity), side=True))
                found += [replace(one, bypass=stage.bypass) for one in inside]
    return tuple(found)


def column_capacities(network: Network) -> tuple[int, ...]:
    """For each stage, its output columns rounded up so that they halve (or divide by the stride) exactly at each step down."""
    factors, scale = [], 1
    for index, stage in enumerate(network.stages):
        if isinstance(stage, MaxPool):
            scale *= 2
        elif isinstance(stage, Conv) and index:
            scale *= stage.stride
        factors.append(scale)
    maps = [shape for stage, shape in zip(network.stages, network.shapes()[1:], strict=True) if not isinstance(stage, GlobalAverage)]
    last = max(-(-shape.width * factor // scale) for shape, factor in zip(maps, factors, strict=False))
    return tuple(last * scale // factor for factor in factors)


def allocate(model: Model, lanes: int) -> dict[str, Share]:
    """Shares, by engine name, that need the least cycles per frame with at most ``lanes`` multipliers in all.

    Every engine meets the same number of cycles with the least logic; the smallest such number that the lanes allow is taken. Raises
    FirebrickError when there are fewer lanes than engines.
    """
    wanted = demands(model)
    if lanes < len(wanted):
        raise FirebrickError(f"lanes must be at least {len(wanted)}, one an engine of {model.network.name}, not {lanes}")
    options = {demand.name: options_of(demand) for demand in wanted}
    targets = sorted({demand.cycles(share) for demand in wanted for share in options[demand.name]})
    low, high = 0, len(targets) - 1
    best = _meet(wanted, options, targets[high], lanes)
    while low <= high:
        middle = (low + high) // 2
        shares = _meet(wanted, options, targets[middle], lanes)
        if shares is None:
            low = middle + 1
        else:
            best, high = shares, middle - 1
    if best is None:
        raise FirebrickError(f"{lanes} lanes do not suffice for {model.network.name}; give more")
    return best


def _demand(
    model: Model,
    name: str,
    layers: tuple[str, ...],
    shape: Shape,
    capacity: int,
    *,
    pooled: int = 0,
    squeeze: bool = False,
    pace: int = 1,
) -> Demand:
    parts = [model.layers[layer] for layer in layers]
    return Demand(
        layer=next(layer for layer in model.network.layers() if layer.name == layers[-1]),
        rom_bits=sum(map(_rom_bits, parts)),
        bits=max(part.accumulator_bits for part in parts),
        pooled=pooled,
        raster=not squeeze and layers[0] == next(iter(model.layers)),
        name=name,
        layers=layers,
        squeeze=squeeze,
        capacity=capacity,
        rows=shape.height,
        filters=tuple((len(part.bias), int(part.filter_nonzero.sum())) for part in parts),
        lanes_divide=capacity >> pooled,
        pace=pace,
    )


def _rom_bits(layer: QuantizedLayer) -> int:
    """What a layer's non-zero weights and the gaps between them take, from their entropies."""
    weights = layer.weights
    values = weights[weights != 0]
    if not values.size:
        return 0
    _, counts = np.unique(values, return_counts=True)
    codes = -(counts * np.log2(counts / values.size)).sum()
    density = values.size / weights.size
    gaps = 0.0 if density == 1 else -weights.size * (density * np.log2(density) + (1 - density) * np.log2(1 - density))
    return int(CODING_LOSS * (codes + max(gaps, values.size if density < 1 else 0)))


def options_of(demand: Demand) -> list[Share]:
    """Every share that the demand's columns and filters allow."""
    lanes = [divisor for divisor in range(1, demand.lanes_divide + 1) if demand.lanes_divide % divisor == 0]
    return [Share(lane, splits) for lane in lanes for splits in range(1, demand.splits + 1)]


def meeting(wanted: tuple[Demand, ...], options: Mapping[str, Sequence[Share]], target: float) -> dict[str, list[Share]]:
    """The options with which each engine meets a target, in cycles a frame."""
    return {demand.name: [share for share in options[demand.name] if demand.cycles(share) <= target] for demand in wanted}


def cheapest(
    wanted: tuple[Demand, ...], options: Mapping[str, Sequence[Share]], price: Callable[[Demand, Share], float]
) -> dict[str, Share] | None:
    """The cheapest shares among the options, or None where none fit together.

    Neighbours' lanes must divide one the other, and a squeeze engine's must divide its source's; so the cheapest way to each width,
    and inside a Fire module with a bypass to the width of the stream that enters it, is carried from engine to engine.
    """
    ways: dict[tuple[int, int], tuple[float, tuple[Share, ...]]] = {(1, 0): (0, ())}
    for demand in wanted:
        best: dict[int, tuple[float, Share]] = {}
        for share in options[demand.name]:
            cost = price(demand, share)
            if share.lanes not in best or cost < best[share.lanes][0]:
                best[share.lanes] = (cost, share)
        longer: dict[tuple[int, int], tuple[float, tuple[Share, ...]]] = {}
        for (source, entering), (so_far, shares) in ways.items():
            onward = (source if demand.squeeze else entering) if demand.bypass is not Bypass.NONE else 0
            for lanes, (more, share) in best.items():
                known = longer.get((lanes, onward))
                if (known is None or so_far + more < known[0]) and demand.fits(lanes, source, entering):
                    longer[lanes, onward] = (so_far + more, (*shares, share))
        ways = longer
    if not ways:
        return None
    return dict(zip(options, min(ways.values(), key=lambda way: way[0])[1], strict=True))


def _meet(wanted: tuple[Demand, ...], options: dict[str, list[Share]], target: float, lanes: int) -> dict[str, Share] | None:
    """The shares with the fewest lanes and parts with which every engine meets the target, or None where these are too many."""
    best = cheapest(wanted, meeting(wanted, options, target), lambda _, share: share.splits * (share.lanes + DECODER_LANES))
    return best if best and sum(share.lanes * share.splits for share in best.values()) <= lanes else None
