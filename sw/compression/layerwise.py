# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Layer-by-layer quantisation: the integer and the float network run side by side over the calibration images.

Each layer is quantised for the inputs that the quantised layers before it really produce. The moments of integer and float inputs
together let it correct the errors of those layers instead of passing them on.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import golden
from ..golden import floating
from ..model.float_model import FloatModel
from ..model.quantized import QuantizedLayer
from ..network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, stage_layers
from ..utils.progress import Progress
from .calibration import input_moments
from .codebook import NONZERO_BITS
from .quantize import QuantizationTarget, quantize
from .settings import CompressionSettings

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
PUBLISHED_BITS = 8
_SENSITIVITY = {"first": 8.0, "last": 2.5, "squeeze1x1": 1.4, "expand1x1": 0.7, "expand3x3": 0.7, "bypass1x1": 0.7, "other": 1.0}
"""Typical KL divergence of SqueezeNet v1.1's scores when 5 % noise is added to the weights of one layer, by type of layer, relative to
one another."""


def sensitivity(network: Network, name: str) -> float:
    """How much noise in the weights of a layer changes the scores, relative to noise of the same relative size in other layers."""
    layers = network.layers()
    if name == layers[0].name:
        return _SENSITIVITY["first"]
    return _SENSITIVITY["last" if name == layers[-1].name else name.rpartition("/")[2] if "/" in name else "other"]


@dataclass(frozen=True, eq=False)
class _FeatureMaps:
    """The feature maps between two layers, (frames, channels, rows, columns)."""

    integer: Bytes
    real: Floats
    """Those of the float network."""

    def max_pooled(self, pool: MaxPool) -> "_FeatureMaps":
        return _FeatureMaps(golden.max_pool(self.integer, pool), golden.max_pool(self.real, pool))

    def added_to(self, other: "_FeatureMaps") -> "_FeatureMaps":
        return _FeatureMaps(golden.add(self.integer, other.integer), self.real + other.real)


class LayerwiseQuantizer:
    """One pass through a network, in the order of the dataflow.

    Args:
        source: the float network.
        scales: the real value of one step of each tensor's byte, by name.
        zero_point: the byte of the last feature maps that stands for 0.
        frames: the calibration images as bytes, (n, channels, rows, columns).
        settings: what to compress to.
        progress: the progress callback.
    """

    def __init__(
        self,
        source: FloatModel,
        scales: Mapping[str, float],
        zero_point: int,
        frames: Bytes,
        settings: CompressionSettings,
        progress: Progress,
    ) -> None:
        self.zero_point = zero_point
        self.source, self.scales, self.progress, self.settings = source, scales, progress, settings
        self.maps = _FeatureMaps(frames, floating.subtract_mean(source, frames, np.float32))
        self.scale = 1.0
        layers = source.network.layers()
        # cycle_lambda bits for a weight of average use; others in proportion to their output positions
        positions = {layer.name: layer.output.height * layer.output.width for layer in layers}
        average = sum(layer.macs for layer in layers) / sum(layer.weights for layer in layers)
        self.nonzero_bits = {name: NONZERO_BITS + settings.cycle_lambda * count / average for name, count in positions.items()}
        self.done: dict[str, QuantizedLayer] = {}

    def run(self) -> dict[str, QuantizedLayer]:
        """The quantised layers by name, in the network's order."""
        network = self.source.network
        pool: MaxPool | None = None
        for stage, after, shape in zip(network.stages, network.stages[1:], network.shapes(), strict=False):
            self.progress("quantising", len(self.done), len(network.layers()))
            # a pool is applied frame by frame with the convolutions before it, whose full maps would be large
            pooled, pool = pool, after if isinstance(after, MaxPool) and not isinstance(stage, MaxPool) else None
            match stage:
                case Conv():
                    self.maps = self._convolve([(stage.name, stage)], self.maps, self.scale, pool)
                case Fire():
                    self.maps = self._fire(stage, {layer.name: layer.conv for layer in stage_layers(stage, shape)}, pool)
                case MaxPool() if not pooled:
                    self.maps = self.maps.max_pooled(stage)
                case MaxPool() | GlobalAverage():
                    pass  # this pool was applied with the stage before it
            self.scale = self.scales.get(stage.name, self.scale)
        self.progress("quantising", len(self.done), len(network.layers()))
        return {layer.name: self.done[layer.name] for layer in network.layers()}

    def _fire(self, fire: Fire, convs: dict[str, Conv], pool: MaxPool | None) -> _FeatureMaps:
        squeeze, bypass = f"{fire.name}/squeeze1x1", f"{fire.name}/bypass1x1"
        squeezed = self._convolve([(squeeze, convs[squeeze])], self.maps, self.scale)
        expands = [(name, conv) for name, conv in convs.items() if name not in (squeeze, bypass)]
        out = self._convolve(expands, squeezed, self.scales[squeeze], pool if fire.bypass is Bypass.NONE else None)
        if fire.bypass is Bypass.NONE:
            return out
        skipped = self.maps
        if fire.bypass is Bypass.COMPLEX:
            skipped = self._convolve([(bypass, convs[bypass])], skipped, self.scale)
        out = out.added_to(skipped)
        return out.max_pooled(pool) if pool else out

    def _convolve(self, convs: list[tuple[str, Conv]], maps: _FeatureMaps, scale: float, pool: MaxPool | None = None) -> _FeatureMaps:
        """Quantise layers that share input, output scale and shift; returns their outputs side by side, pooled if there is a pool."""
        targets = [self._target(name, conv, maps, scale) for name, conv in convs]
        layers = quantize(targets, self.scales[convs[0][0]], self.settings.bits, self.settings.compact)
        self.done.update(zip((name for name, _ in convs), layers, strict=True))
        outputs: list[_FeatureMaps] = []
        for frame in range(len(maps.integer)):  # one at a time, as whole batches before pooling take gigabytes
            integer, real = maps.integer[frame : frame + 1], maps.real[frame : frame + 1].astype(np.float64)
            geometries = [{"stride": conv.stride, "padding": conv.padding} for _, conv in convs]
            integers = [golden.convolve(integer, layer, **geometry) for layer, geometry in zip(layers, geometries, strict=True)]
            floats = [
                floating.convolve(self.source, name, real, **geometry, relu=conv.relu)
                for (name, conv), geometry in zip(convs, geometries, strict=True)
            ]
            output = _FeatureMaps(np.concatenate(integers, axis=1), np.concatenate(floats, axis=1).astype(np.float32))
            outputs.append(output.max_pooled(pool) if pool else output)
        return _FeatureMaps(np.concatenate([one.integer for one in outputs]), np.concatenate([one.real for one in outputs]))

    def _target(self, name: str, conv: Conv, maps: _FeatureMaps, scale: float) -> QuantizationTarget:
        settings = self.settings
        keep_published = settings == CompressionSettings(bits=PUBLISHED_BITS)
        return QuantizationTarget(
            name,
            self.source.weights[name].astype(np.float64),
            self.source.biases[name].astype(np.float64),
            input_moments(maps.integer, maps.real, conv),
            scale,
            sensitivity(self.source.network, name),
            self._density(name),
            settings.rate_lambda,
            self.nonzero_bits[name],
            self.source.codebook_weights.get(name) if keep_published else None,
            0 if conv.relu else self.zero_point,
        )

    def _density(self, name: str) -> float:
        density = self.settings.density
        if isinstance(density, Mapping):
            return density.get(name, 1.0)
        return density if density is not None and self.done else 1.0
