# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the engines of a plan hold, whatever their lanes: which filters in which order, and their weights as streams.

The plans that a search compares differ in few of their engines, so each of a model's is made once.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from ..coding.encoder import WeightGroup, encode_weights
from ..coding.streams import EncodedWeights
from ..model.quantized import Model, QuantizedLayer
from ..network.graph import Layer
from ..plan.nodes import Arithmetic
from .partitioning import Filter, FilterSet, common_order, schedule_rounds

Made = TypeVar("Made")


@dataclass(frozen=True)
class EngineLayers:
    """Which layers an engine computes, and in how many parts."""

    name: str
    layers: tuple[Layer, ...]
    """The last has the largest kernel, and the others are its centre tap."""
    partitions: int


@dataclass(frozen=True)
class EngineWeights:
    """What an engine holds."""

    rounds: list[list[Filter]]
    """Filters as they are dealt to parts."""
    partitions: list[tuple[EncodedWeights, Arithmetic]]


class WeightsCache:
    """What was made for one model."""

    def __init__(self, layers: Mapping[str, QuantizedLayer]) -> None:
        self._layers = layers
        self._made: dict[Hashable, Any] = {}

    def common_order(self, engines: Sequence[EngineLayers]) -> list[int]:
        """An order of channels that suits several engines."""
        return self._once(tuple(engines), lambda: common_order([self._deck(engine) for engine in engines]))

    def filter_major(self, engine: EngineLayers, channels: Sequence[int], order: Sequence[int]) -> EngineWeights:
        """An engine that makes one output channel after the other, in this order, from input channels in that order."""
        key = engine, tuple(channels), tuple(order)
        return self._once(
            key, lambda: self._contents(engine, schedule_rounds(self._deck(engine), order), self._by_filter(engine.layers, channels))
        )

    def channel_major(self, engine: EngineLayers, channels: Sequence[int]) -> EngineWeights:
        """An engine of one layer that takes one input channel after the other, in this order; that of its filters is its own choice."""
        order, stream = self.common_order([engine]), self._by_channel(engine.layers[0], channels)
        return self._once((engine, tuple(channels)), lambda: self._contents(engine, schedule_rounds(self._deck(engine), order), stream))

    def _once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made

    def _deck(self, engine: EngineLayers) -> FilterSet:
        """The filters of an engine; output channels are counted through its layers."""
        return FilterSet(self._once(engine.layers, lambda: self._filters(engine.layers)), engine.partitions)

    def _filters(self, layers: Sequence[Layer]) -> list[Filter]:
        found: list[Filter] = []
        for layer in layers:
            kind = int(layer.conv.kernel < layers[-1].conv.kernel)
            counts = self._layers[layer.name].filter_nonzero.tolist()
            found += [Filter(kind, layer.name, i, len(found) + i, count) for i, count in enumerate(counts)]
        return found

    def _contents(
        self, engine: EngineLayers, rounds: list[list[Filter]], stream: Callable[[Sequence[Filter]], EncodedWeights]
    ) -> EngineWeights:
        dealt = [[one[part] for one in rounds if part < len(one)] for part in range(engine.partitions)]
        return EngineWeights(rounds, [(stream(mine), self._arithmetic(mine)) for mine in dealt])

    def _by_filter(self, layers: Sequence[Layer], channels: Sequence[int]) -> Callable[[Sequence[Filter]], EncodedWeights]:
        """Makes the stream of some filters, one after the other, positions in the order (tap, channel)."""
        flat = {}
        for layer in layers:
            quantized = self._layers[layer.name]
            codes = quantized.codes.transpose(0, 2, 3, 1)[..., list(channels)]
            flat[layer.name] = quantized.codebook[codes.reshape(len(codes), -1)]
        taps = layers[-1].conv.kernel ** 2
        return lambda mine: encode_weights(
            [WeightGroup(one.filter_type, flat[one.layer][one.index]) for one in mine], inner=len(channels), taps=taps
        )

    def _by_channel(self, layer: Layer, channels: Sequence[int]) -> Callable[[Sequence[Filter]], EncodedWeights]:
        """Makes the stream of some filters' weights, one channel after the other; the first and the last have an entry for each filter."""
        quantized, ends = self._layers[layer.name], (0, len(channels) - 1)

        def stream(mine: Sequence[Filter]) -> EncodedWeights:
            columns = quantized.codebook[quantized.codes[[one.index for one in mine], :, 0, 0]].T[list(channels)]
            return encode_weights([WeightGroup(0, column, place in ends) for place, column in enumerate(columns)], inner=len(mine), taps=1)

        return stream

    def _arithmetic(self, filters: Sequence[Filter]) -> Arithmetic:
        layers = {one.layer: self._layers[one.layer] for one in filters}
        starts = {name: layer.accumulator_init.tolist() for name, layer in layers.items()}
        return Arithmetic(
            accumulator_init=tuple(starts[one.layer][one.index] for one in filters),
            bits=max(layer.accumulator_bits for layer in layers.values()),
            shift=next(iter(layers.values())).shift,
        )


_SHELVES: WeakKeyDictionary[Model, WeightsCache] = WeakKeyDictionary()


def weights_cache(model: Model) -> WeightsCache:
    """The model's own, for as long as there is the model."""
    return _SHELVES.setdefault(model, WeightsCache(model.layers))
