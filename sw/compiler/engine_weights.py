# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The weights of the engines of a plan: filters distributed over partitions, and the stream of each partition.

They do not depend on lanes. The plans that a search compares differ in few engines, so what was computed for a model is kept.
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

Value = TypeVar("Value")
StreamEncoder = Callable[[Sequence[Filter]], EncodedWeights]
"""Makes the weight stream of a partition from its filters."""


@dataclass(frozen=True)
class EngineLayers:
    """The layers that an engine computes, and the number of its partitions."""

    name: str
    layers: tuple[Layer, ...]
    """The last has the largest kernel; the others use its centre tap."""
    partitions: int


@dataclass(frozen=True)
class EngineWeights:
    """The filters and weights of an engine."""

    rounds: list[list[Filter]]
    """Filters in the order of the output; filter i of a round belongs to partition i."""
    partitions: list[tuple[EncodedWeights, Arithmetic]]


class WeightsCache:
    """Computes orders and streams for the layers of one model, each once."""

    def __init__(self, layers: Mapping[str, QuantizedLayer]) -> None:
        self._layers = layers
        self._values: dict[Hashable, Any] = {}

    def common_order(self, engines: Sequence[EngineLayers]) -> list[int]:
        """An order of output channels that balances several engines."""
        return self._memo(tuple(engines), lambda: common_order([self._filter_set(engine) for engine in engines]))

    def filter_major(self, engine: EngineLayers, channels: Sequence[int], order: Sequence[int]) -> EngineWeights:
        """A convolution engine: one output channel after the other in this ``order``, from input ``channels`` in theirs."""
        return self._memo(
            (engine, tuple(channels), tuple(order)),
            lambda: self._engine_weights(engine, order, self._filter_major_encoder(engine.layers, channels)),
        )

    def channel_major(self, engine: EngineLayers, channels: Sequence[int]) -> EngineWeights:
        """A squeeze engine of one layer: one input channel after the other in this order. The order of its filters is free."""
        order = self.common_order([engine])
        return self._memo(
            (engine, tuple(channels)),
            lambda: self._engine_weights(engine, order, self._channel_major_encoder(engine.layers[0], channels)),
        )

    def _memo(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        if key not in self._values:
            self._values[key] = compute()
        value: Value = self._values[key]
        return value

    def _filter_set(self, engine: EngineLayers) -> FilterSet:
        return FilterSet(self._memo(engine.layers, lambda: self._filters(engine.layers)), engine.partitions)

    def _filters(self, layers: Sequence[Layer]) -> list[Filter]:
        """The filters of an engine; output channels are counted through its layers."""
        filters: list[Filter] = []
        for layer in layers:
            filter_type = int(layer.conv.kernel < layers[-1].conv.kernel)
            nonzero = self._layers[layer.name].filter_nonzero.tolist()
            filters += [Filter(filter_type, layer.name, index, len(filters) + index, count) for index, count in enumerate(nonzero)]
        return filters

    def _engine_weights(self, engine: EngineLayers, order: Sequence[int], encode: StreamEncoder) -> EngineWeights:
        rounds = schedule_rounds(self._filter_set(engine), order)
        filters = [[round_[index] for round_ in rounds if index < len(round_)] for index in range(engine.partitions)]
        return EngineWeights(rounds, [(encode(partition), self._arithmetic(partition)) for partition in filters])

    def _filter_major_encoder(self, layers: Sequence[Layer], channels: Sequence[int]) -> StreamEncoder:
        """Encodes filter after filter, each with its weights in the order (tap, channel)."""
        weights = {}
        for layer in layers:
            quantized = self._layers[layer.name]
            codes = quantized.codes.transpose(0, 2, 3, 1)[..., list(channels)]
            weights[layer.name] = quantized.codebook[codes.reshape(len(codes), -1)]
        taps = layers[-1].conv.kernel ** 2

        def encode(filters: Sequence[Filter]) -> EncodedWeights:
            groups = [WeightGroup(filter_.filter_type, weights[filter_.layer][filter_.index]) for filter_ in filters]
            return encode_weights(groups, inner=len(channels), taps=taps)

        return encode

    def _channel_major_encoder(self, layer: Layer, channels: Sequence[int]) -> StreamEncoder:
        """Encodes the weights of input channel after input channel.

        The first and the last channel have an entry for each filter, zero or not: the first starts each accumulator, and with the last
        each sum is sent.
        """
        quantized, ends = self._layers[layer.name], (0, len(channels) - 1)

        def encode(filters: Sequence[Filter]) -> EncodedWeights:
            indices = [filter_.index for filter_ in filters]
            by_channel = quantized.codebook[quantized.codes[indices, :, 0, 0]].T[list(channels)]
            groups = [WeightGroup(0, weights, required=index in ends) for index, weights in enumerate(by_channel)]
            return encode_weights(groups, inner=len(filters), taps=1)

        return encode

    def _arithmetic(self, filters: Sequence[Filter]) -> Arithmetic:
        layers = {filter_.layer: self._layers[filter_.layer] for filter_ in filters}
        initial_values = {name: layer.accumulator_init.tolist() for name, layer in layers.items()}
        return Arithmetic(
            accumulator_init=tuple(initial_values[filter_.layer][filter_.index] for filter_ in filters),
            bits=max(layer.accumulator_bits for layer in layers.values()),
            shift=next(iter(layers.values())).shift,
        )


_CACHES: WeakKeyDictionary[Model, WeightsCache] = WeakKeyDictionary()


def weights_cache(model: Model) -> WeightsCache:
    """The cache of this model, which lives as long as the model."""
    return _CACHES.setdefault(model, WeightsCache(model.layers))
