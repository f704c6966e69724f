# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which weights of a model are in which weight ROM, and in what order: from a plan's partitions to ROMs, and from ROMs back to layers."""

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
    """The weight ROM of one partition of an engine: the layers, filters and channels of its weights, and what decoding them takes."""

    engine: str
    partition: int
    """Number of the partition within the engine."""
    layers: tuple[str, ...]
    """Name of the layer of each filter type."""
    squeeze: bool
    """A squeeze engine: groups are input channels instead of filters."""
    filters: tuple[int, ...] = field(repr=False)
    """For each filter of the partition, its number within its layer."""
    filter_types: tuple[int, ...] = field(repr=False)
    """For each filter of the partition, its type."""
    channels: tuple[int, ...] = field(repr=False)
    """For each input channel in the order of the stream, its number in the model."""
    weights: EncodedWeights = field(repr=False)
    accumulator_init: tuple[int, ...] = field(repr=False)
    """For each filter of the partition, what its sum starts from: the bias and the rounding term."""
    accumulator_bits: int
    """Width of a sum."""
    shift: int
    """Number of bits that a sum is shifted right by."""

    @property
    def name(self) -> str:
        """The name in reports and messages."""
        return f"{self.engine} part {self.partition}"

    def word_lists(self) -> list[Sequence[int]]:
        """The lists of words that the ROM holds: codes, and zero runs if there are any."""
        return [stream.words for stream in (self.weights.codes, self.weights.zero_runs) if stream is not None]

    def with_words(self, lists: Sequence[Sequence[int]]) -> "PartitionRom":
        """The same ROM with other words."""
        codes, zero_runs = self.weights.codes, self.weights.zero_runs
        weights = replace(self.weights, codes=replace(codes, words=tuple(lists[0])))
        if zero_runs is not None:
            weights = replace(weights, zero_runs=replace(zero_runs, words=tuple(lists[1])))
        return replace(self, weights=weights)


def partition_roms(plan: Plan) -> list[PartitionRom]:
    """The weight ROMs of all partitions, in the order of ``plan.engines``."""
    first = plan.engines[0].partitions[0].channels
    return list(_roms_of_nodes(plan.nodes, tuple(range(first))))


def _roms_of_nodes(nodes: Sequence[Node], channels: tuple[int, ...]) -> Iterator[PartitionRom]:
    """The ROMs of consecutive nodes. ``channels`` is the order in which the channels of their input come; each engine changes it."""
    for node in nodes:
        match node:
            case EngineSpec():
                yield from _roms_of_engine(node, channels)
                channels = node.channel_order
            case BypassSpec(main_branch=main, skip_branch=skip):
                yield from _roms_of_nodes(main, channels)
                yield from _roms_of_nodes(skip, channels)
                channels = next(inner.channel_order for inner in reversed(main) if isinstance(inner, EngineSpec))
            case _:
                pass


def _roms_of_engine(engine: EngineSpec, channels: tuple[int, ...]) -> Iterator[PartitionRom]:
    """The ROMs of an engine's partitions.

    In round r of the schedule the first ``schedule[r]`` partitions deliver one filter each, in their order. ``channel_order`` lists the
    filters in this order, so partition p has entry p of each round that reaches it. With two layers (1x1 and 3x3 filters), channel
    numbers count the filters of the 1x1 layer first.
    """
    ends = np.cumsum(engine.schedule)
    two_layers = len(engine.layers) > 1
    filters_1x1 = sum(sum(partition.weights.filter_types) for partition in engine.partitions) if two_layers else 0
    partitions: Sequence[ConvSpec | SqueezeSpec] = engine.partitions
    for number, partition in enumerate(partitions):
        outputs = [engine.channel_order[end - turns + number] for end, turns in zip(ends, engine.schedule, strict=True) if number < turns]
        types = partition.weights.filter_types if isinstance(partition, ConvSpec) else (0,) * len(outputs)
        yield PartitionRom(
            engine=engine.name,
            partition=number,
            layers=tuple(reversed(engine.layers)),
            squeeze=not isinstance(partition, ConvSpec),
            filters=tuple(output if filter_type else output - filters_1x1 for output, filter_type in zip(outputs, types, strict=True)),
            filter_types=tuple(types),
            channels=channels,
            weights=partition.weights,
            accumulator_init=partition.arithmetic.accumulator_init,
            accumulator_bits=partition.arithmetic.bits,
            shift=partition.arithmetic.shift,
        )


def layer_shapes(roms: Sequence[PartitionRom]) -> dict[str, tuple[int, int, int, int]]:
    """The shape (filters, channels, kernel, kernel) of each layer's weights, whose filters the ROMs share."""
    filters = Counter(rom.layers[filter_type] for rom in roms for filter_type in rom.filter_types)
    shapes = {}
    for rom in roms:
        for filter_type, layer in enumerate(rom.layers):
            kernel = _kernel(rom, filter_type)
            shapes[layer] = (filters[layer], len(rom.channels), kernel, kernel)
    return shapes


def model_accumulator_init(rom: PartitionRom, layers: Mapping[str, QuantizedLayer]) -> tuple[int, ...]:
    """What the sums of a partition's filters start from in a model's layers, which must have the shapes of `layer_shapes`."""
    chosen = zip(rom.filters, rom.filter_types, strict=True)
    return tuple(int(layers[rom.layers[filter_type]].accumulator_init[number]) for number, filter_type in chosen)


def weight_groups(rom: PartitionRom, layers: Mapping[str, NDArray[np.int32]]) -> list[NDArray[np.int32]]:
    """The groups of a partition, out of layers' weights of shape (filters, channels, kernel, kernel): the inverse of ``decode_layers``."""
    channels = list(rom.channels)
    if rom.squeeze:
        weights = layers[rom.layers[0]][list(rom.filters)]
        return [weights[:, channel, 0, 0] for channel in channels]
    chosen = zip(rom.filters, rom.filter_types, strict=True)
    # (channels, kernel, kernel) to positions (tap, channel)
    return [layers[rom.layers[filter_type]][number, channels].transpose(1, 2, 0).reshape(-1) for number, filter_type in chosen]


def decode_layers(roms: Sequence[PartitionRom]) -> dict[str, NDArray[np.int32]]:
    """Decode the words of all ROMs to the weights of each layer, shape (filters, channels, kernel, kernel).

    Raises FirebrickError if words are no stream of their decoder, or the ROMs lack a filter or have one twice.
    """
    layers: dict[str, dict[int, NDArray[np.int32]]] = {}
    for rom in roms:
        try:
            groups = decode_weights(rom.weights)
        except FirebrickError as error:
            raise FirebrickError(f"{rom.name}: {error}") from error
        for filter_type, number, weights in _filters(rom, groups):
            filters = layers.setdefault(rom.layers[filter_type], {})
            if number in filters:
                raise FirebrickError(f"{rom.name}: filter {number} of {rom.layers[filter_type]} is in another partition too")
            filters[number] = weights
    for layer, filters in layers.items():
        if sorted(filters) != list(range(len(filters))):
            raise FirebrickError(f"the ROMs of {layer} leave filters out")
    return {layer: np.stack([filters[number] for number in sorted(filters)]) for layer, filters in layers.items()}


def _filters(rom: PartitionRom, groups: list[NDArray[np.int32]]) -> Iterator[tuple[int, int, NDArray[np.int32]]]:
    """The type, number and weights, shape (channels, kernel, kernel), of each filter of a partition."""
    model_order = np.argsort(rom.channels)
    if rom.squeeze:
        weights_by_channel = np.stack(groups)[model_order]
        for column, number in enumerate(rom.filters):
            yield 0, number, weights_by_channel[:, column].reshape(-1, 1, 1)
        return
    for number, filter_type, weights in zip(rom.filters, rom.filter_types, groups, strict=True):
        kernel = _kernel(rom, filter_type)
        yield filter_type, number, weights.reshape(kernel, kernel, -1).transpose(2, 0, 1)[model_order]


def _kernel(rom: PartitionRom, filter_type: int) -> int:
    """Side of the kernel of a filter type."""
    return 1 if filter_type else round(rom.weights.taps**0.5)
