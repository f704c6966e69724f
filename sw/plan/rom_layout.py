# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which weights of a model lie in which engine's ROM, in what order: a plan's parts as plain data, and the way back to layers."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..coding.decoder import decode_weights
from ..coding.streams import EncodedWeights
from ..errors import FirebrickError
from ..model.quantized import QuantizedLayer
from .nodes import BypassSpec, ConvSpec, EngineSpec, Node, Plan, SqueezeSpec


@dataclass(frozen=True)
class PartitionRom:
    """One engine's weights: whose they are, and the decoder that they are written for."""

    engine: str
    partition: int
    """Which of the engine's parts."""
    layers: tuple[str, ...]
    """By kind of filter."""
    squeeze: bool
    """Groups are input channels, not filters."""
    filters: tuple[int, ...] = field(repr=False)
    """The filter in its layer, of each filter of the part."""
    filter_types: tuple[int, ...] = field(repr=False)
    channels: tuple[int, ...] = field(repr=False)
    """The input channel of the model, of each channel as it comes."""
    weights: EncodedWeights = field(repr=False)
    accumulator_init: tuple[int, ...] = field(repr=False)
    """What each filter's sum starts from: the bias and the rounding term."""
    accumulator_bits: int
    """Width of a sum."""
    shift: int

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.engine} part {self.partition}"

    def word_lists(self) -> list[Sequence[int]]:
        """The lists of words that its ROM holds."""
        return [one.words for one in (self.weights.codes, self.weights.zero_runs) if one is not None]

    def with_words(self, lists: Sequence[Sequence[int]]) -> "PartitionRom":
        """The same part with other words in its ROM."""
        codes, gaps = self.weights.codes, self.weights.zero_runs
        found = replace(self.weights, codes=replace(codes, words=tuple(lists[0])))
        return replace(self, weights=found if gaps is None else replace(found, zero_runs=replace(gaps, words=tuple(lists[1]))))


def partition_roms(plan: Plan) -> list[PartitionRom]:
    """Every engine's parts, in the order of ``plan.engines``."""
    first = plan.engines[0].partitions[0].channels
    return list(_parts(plan.nodes, tuple(range(first))))


def _parts(nodes: Sequence[Node], order: tuple[int, ...]) -> Iterator[PartitionRom]:
    """The parts of a run of nodes whose input's channels come in this order."""
    for node in nodes:
        match node:
            case EngineSpec():
                yield from _engine(node, order)
                order = node.channel_order
            case BypassSpec(main_branch=main, skip_branch=skip):
                yield from _parts(main, order)
                yield from _parts(skip, order)
                order = next(inner.channel_order for inner in reversed(main) if isinstance(inner, EngineSpec))
            case _:
                pass


def _engine(engine: EngineSpec, channels: tuple[int, ...]) -> Iterator[PartitionRom]:
    ends = np.cumsum(engine.schedule)
    small = len(engine.channel_order) if len(engine.layers) == 1 else sum(sum(part.weights.filter_types) for part in engine.partitions)
    parts: Sequence[ConvSpec | SqueezeSpec] = engine.partitions
    for number, part in enumerate(parts):
        mine = [engine.channel_order[end - turns + number] for end, turns in zip(ends, engine.schedule, strict=True) if number < turns]
        kinds = part.weights.filter_types if isinstance(part, ConvSpec) else (0,) * len(mine)
        yield PartitionRom(
            engine=engine.name,
            partition=number,
            layers=tuple(reversed(engine.layers)),
            squeeze=not isinstance(part, ConvSpec),
            filters=tuple(one if kind or len(engine.layers) == 1 else one - small for one, kind in zip(mine, kinds, strict=True)),
            filter_types=tuple(kinds),
            channels=channels,
            weights=part.weights,
            accumulator_init=part.arithmetic.accumulator_init,
            accumulator_bits=part.arithmetic.bits,
            shift=part.arithmetic.shift,
        )


def weight_groups(part: PartitionRom, layers: Mapping[str, NDArray[np.int32]]) -> list[NDArray[np.int32]]:
    """Layers' weights, shape (filters, channels, kernel, kernel), as the part's groups: the inverse of ``decode_layers``."""
    channels = list(part.channels)
    if part.squeeze:
        mine = layers[part.layers[0]][list(part.filters)]
        return [mine[:, channel, 0, 0] for channel in channels]
    chosen = zip(part.filters, part.filter_types, strict=True)
    return [layers[part.layers[kind]][one, channels].transpose(1, 2, 0).reshape(-1) for one, kind in chosen]


def layer_shapes(parts: Sequence[PartitionRom]) -> dict[str, tuple[int, int, int, int]]:
    """The shape of each layer's weights, (filters, channels, kernel, kernel), as parts share them."""
    filters = Counter(part.layers[kind] for part in parts for kind in part.filter_types)
    found = {}
    for part in parts:
        kernel = round(part.weights.taps**0.5)
        for kind, layer in enumerate(part.layers):
            side = 1 if kind else kernel
            found[layer] = (filters[layer], len(part.channels), side, side)
    return found


def model_accumulator_init(part: PartitionRom, layers: Mapping[str, QuantizedLayer]) -> tuple[int, ...]:
    """What the sums of a part's filters start from in these layers, whose shapes are those that parts share."""
    return tuple(int(layers[part.layers[kind]].accumulator_init[one]) for one, kind in zip(part.filters, part.filter_types, strict=True))


def decode_layers(parts: Sequence[PartitionRom]) -> dict[str, NDArray[np.int32]]:
    """The weights of each layer, shape (filters, channels, kernel, kernel), as decoded from the words of all parts.

    Raises FirebrickError where words are no stream of their decoder, or parts leave filters out or have them twice.
    """
    found: dict[str, dict[int, NDArray[np.int32]]] = {}
    for part in parts:
        try:
            groups = decode_weights(part.weights)
        except FirebrickError as error:
            raise FirebrickError(f"{part.name}: {error}") from error
        for kind, one, weights in _filters(part, groups):
            if one in found.setdefault(part.layers[kind], {}):
                raise FirebrickError(f"{part.name}: filter {one} of {part.layers[kind]} is in another part too")
            found[part.layers[kind]][one] = weights
    for layer, filters in found.items():
        if sorted(filters) != list(range(len(filters))):
            raise FirebrickError(f"the ROMs of {layer} leave filters out")
    return {layer: np.stack([filters[one] for one in sorted(filters)]) for layer, filters in found.items()}


def _filters(part: PartitionRom, groups: list[NDArray[np.int32]]) -> Iterator[tuple[int, int, NDArray[np.int32]]]:
    """The kind, number and weights, shape (channels, kernel, kernel), of each filter."""
    places = np.argsort(part.channels)
    if part.squeeze:
        whole = np.stack(groups)[places]
        for place, one in enumerate(part.filters):
            yield 0, one, whole[:, place].reshape(-1, 1, 1)
        return
    kernel = round(part.weights.taps**0.5)
    for one, kind, weights in zip(part.filters, part.filter_types, groups, strict=True):
        side = 1 if kind else kernel
        yield kind, one, weights.reshape(side, side, -1).transpose(2, 0, 1)[places]
