# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Baselines without retraining, as integer models: 8-bit linear quantisation, and Deep Compression's pruning and weight sharing.

Neither uses error compensation: each weight is rounded by itself, and biases are the float network's.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ..model.float_model import CodebookWeights, FloatModel
from ..model.quantized import Model, QuantizedLayer
from ..network.graph import LinearConv, Network, stage_layers
from .calibration import Moments
from .compressor import Compressor
from .quantize import QuantizationTarget, quantize

Vector = NDArray[np.float64]

_KMEANS_ITERATIONS = 100


def linear_quantization(compressor: Compressor) -> Model:
    """Eight-bit dynamic fixed point as in Ristretto (arXiv:1605.06402): each layer's weights are 8-bit integers times a power of two.

    The power is the minimum at which the largest weight fits. Activation scales are powers of two as well, so that nothing else is
    rounded. The levels, in a codebook of 256 entries, are 0, -128 to -1 and 1 to 127, times a power of two. The expand halves of a Fire
    module share a shift: where their scales differ by more than a factor of 8, the finer levels of the smaller one are rounded.
    """
    coded = {name: _linear_codes(weights.astype(np.float64)) for name, weights in compressor.source.weights.items()}
    scales = {name: float(2.0 ** np.ceil(np.log2(scale))) for name, scale in compressor.scales.items()}
    last = compressor.source.network.stages[-1].name
    zero_point = round(compressor.zero_point * compressor.scales[last] / scales[last])  # the same real value in larger steps
    return _integer_model(compressor, coded, scales, zero_point, {"bits": "8", "method": "8-bit linear (dynamic fixed point)"})


def pruned_kmeans(compressor: Compressor, bits: int, density: float | Mapping[str, float]) -> Model:
    """Deep Compression (arXiv:1510.00149, Sections 2 and 3) without its retraining.

    Each layer keeps the ``density`` of its weights that have the largest magnitude: a number above 0 and at most 1 for all layers but the
    first, or numbers by layer name. They share 2^bits - 1 centroids, those of plain k-means with linear initialisation (Section 3.2).
    """
    first = next(iter(compressor.source.weights))
    coded = {}
    for name, weights in compressor.source.weights.items():
        fraction = density.get(name, 1.0) if isinstance(density, Mapping) else 1.0 if name == first else density
        coded[name] = _kmeans_codes(weights.astype(np.float64), fraction, bits)
    metadata = {"bits": str(bits), "method": "magnitude pruning and k-means, no retraining"}
    return _integer_model(compressor, coded, compressor.scales, compressor.zero_point, metadata)


def kmeans(values: Vector, count: int) -> Vector:
    """At most ``count`` centroids, ascending, by Lloyd's iterations from equal steps between the minimum and the maximum."""
    centroids = np.unique(np.linspace(values.min(), values.max(), count))
    for _ in range(_KMEANS_ITERATIONS):
        codes = np.searchsorted((centroids[1:] + centroids[:-1]) / 2, values)
        sizes = np.bincount(codes, minlength=len(centroids))
        sums = np.bincount(codes, values, len(centroids))
        moved = np.where(sizes > 0, sums / np.maximum(sizes, 1), centroids)
        if np.array_equal(moved, centroids):
            break
        centroids = moved
    return np.asarray(centroids)


def _linear_codes(weights: Vector) -> CodebookWeights:
    maximum = float(np.abs(weights).max())
    exponent = int(np.ceil(np.log2(maximum / 127))) if maximum > 0 else 0
    levels = np.clip(np.rint(np.ldexp(weights, -exponent)), -128, 127).astype(np.int64)
    table = np.concatenate([[0], np.arange(-128, 0), np.arange(1, 128)])
    codes = np.where(levels < 0, levels + 129, np.where(levels > 0, levels + 128, 0))
    return CodebookWeights(codes.astype(np.uint8), np.ldexp(table, exponent).astype(np.float32))


def _kmeans_codes(weights: Vector, density: float, bits: int) -> CodebookWeights:
    flat = weights.reshape(-1)
    kept = np.argsort(-np.abs(flat), kind="stable")[: int(density * flat.size)]
    kept = kept[flat[kept] != 0]
    table, codes = np.zeros(1 << bits, np.float32), np.zeros(flat.size, np.uint8)
    if len(kept):
        centroids = kmeans(flat[kept], (1 << bits) - 1)
        table[1 : len(centroids) + 1] = centroids
        codes[kept] = np.searchsorted((centroids[1:] + centroids[:-1]) / 2, flat[kept]) + 1
    return CodebookWeights(codes.reshape(weights.shape), table)


def _integer_model(
    compressor: Compressor, coded: Mapping[str, CodebookWeights], scales: Mapping[str, float], zero_point: int, metadata: dict[str, str]
) -> Model:
    """The integers of weights that have their codes already, with activation scales by tensor and the zero point of scores."""
    source, layers = compressor.source, dict[str, QuantizedLayer]()
    signed = {stage.name for stage in source.network.stages if isinstance(stage, LinearConv)}
    for names, scale in _shift_groups(source.network, scales):
        zero = zero_point if signed.intersection(names) else 0
        targets = [_target(source, name, coded[name], scale, zero, first=not layers) for name in names]
        layers.update(zip(names, quantize(targets, scales[names[0]], 8), strict=True))
    last = source.network.shapes()[-2]
    score_scale = scales[source.network.stages[-1].name] / (last.height * last.width)
    inherited = {key: value for key, value in source.metadata.items() if key != "name"}
    model = Model(
        source.network,
        {name: layers[name] for name in coded},
        source.preprocessing,
        source.labels,
        score_scale,
        {**inherited, **compressor.calibration_metadata, **metadata},
        zero_point,
    )
    model.verify()
    return model


def _shift_groups(network: Network, scales: Mapping[str, float]) -> Iterator[tuple[list[str], float]]:
    """Names of layers that must share a shift, and the scale of their inputs."""
    scale = 1.0
    for stage, shape in zip(network.stages, network.shapes(), strict=False):
        names = [layer.name for layer in stage_layers(stage, shape)]
        expands = [name for name in names if "/expand" in name]
        yield from (([name], scale) for name in names if name not in expands)
        if expands:
            yield expands, scales[f"{stage.name}/squeeze1x1"]
        scale = scales.get(stage.name, scale)


def _target(source: FloatModel, name: str, coded: CodebookWeights, scale: float, zero_point: int, *, first: bool) -> QuantizationTarget:
    """A layer whose bias becomes the float network's.

    The moments are zero, so that no bias correction takes place, but for the mean of the first layer's inputs: the hardware does not
    subtract it, so the bias has to.
    """
    weights = source.weights[name].astype(np.float64)
    size = weights[0].size
    offset = np.repeat(source.preprocessing.means(weights.shape[1]), weights.shape[2] ** 2) if first else np.zeros(size)
    unused = np.empty((0, 0))  # the covariances serve error compensation only
    moments = Moments(offset, np.zeros(size), unused, unused)
    return QuantizationTarget(name, weights, source.biases[name].astype(np.float64), moments, scale, published=coded, zero_point=zero_point)
