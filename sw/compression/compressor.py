# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A pretrained float network becomes a model of integers.

Layer by layer, in the order of the dataflow: each layer is quantised for the inputs that the quantised layers before it really
give, and its bias takes up the mean of what is left (calibration needs pictures, no labels).
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import golden
from ..data.calibration_set import calibration_frames
from ..errors import FirebrickError
from ..golden import floating
from ..model.float_model import FloatModel
from ..model.quantized import Model, QuantizedLayer
from ..network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, stage_layers
from ..utils.progress import Progress, no_progress
from .calibration import activation_scales, input_moments
from .codebook import NONZERO_BITS
from .quantize import QuantizationTarget, quantize

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
PUBLISHED_BITS = 8
_HARM = {"first": 8.0, "last": 2.5, "squeeze1x1": 1.4, "expand1x1": 0.7, "expand3x3": 0.7, "bypass1x1": 0.7, "other": 1.0}
"""How far the scores of SqueezeNet v1.1 move (relative entropy) when noise of 5 % is added to a layer's weights; typical of each kind."""


@dataclass(frozen=True)
class CompressionSettings:
    """What to compress to."""

    bits: int = 6
    """Width of a codebook index, 4 to 8; at 8, and with all else as it is by default, a published codebook is kept."""
    density: float | Mapping[str, float] | None = None
    """Share of a layer's weights to keep at most, above 0 to 1: of every layer but the first, or by layer name; None for no limit."""
    rate_lambda: float = 1.0
    """What a bit of storage is worth in accuracy, relative to the default; a higher price gives a smaller file with fewer weights."""
    cycle_lambda: float = 0.0
    """What a weight costs, in bits, for being multiplied as often in a frame as the average weight; in proportion for all others."""
    compact: bool = False
    """Centroids and biases have fewer bits, which takes less logic in hardware and hardly any accuracy."""

    def __repr__(self) -> str:
        """The text that is hashed into checkpoints and result stores. It keeps its form, so that older ones stay valid."""
        return (
            f"Settings(bits={self.bits!r}, density={self.density!r}, price={self.rate_lambda!r}, "
            f"cycle_price={self.cycle_lambda!r}, lean={self.compact!r})"
        )

    def verify(self) -> None:
        """Raise FirebrickError unless every setting is in its range."""
        if not 4 <= self.bits <= 8:
            raise FirebrickError(f"bits must be 4 to 8, not {self.bits}")
        for density in self.density.values() if isinstance(self.density, Mapping) else [self.density]:
            if density is not None and not 0 < density <= 1:
                raise FirebrickError(f"density must be above 0 and at most 1, not {density}")
        for what, price in (("price", self.rate_lambda), ("cycle_price", self.cycle_lambda)):
            if not 0 <= price < 1e6:
                raise FirebrickError(f"{what} must be 0 to 1,000,000, not {price}")


def compress(
    source: FloatModel, settings: CompressionSettings | None = None, *, calibration: Sequence[Path] = (), progress: Progress = no_progress
) -> Model:
    """The integers of a float network; see ``Compressor``."""
    return Compressor(source, calibration, progress).compress(settings or CompressionSettings())


class Compressor:
    """A float network and what pictures tell of it, measured once for any number of settings.

    Args:
        source: the network; its first stage must be a convolution without padding, into which the mean is folded.
        calibration: pictures that activations are measured on; without any, the photographs of scikit-image are taken.
        progress: the progress callback.
    """

    def __init__(self, source: FloatModel, calibration: Sequence[Path] = (), progress: Progress = no_progress) -> None:
        source.verify()
        first = source.network.stages[0]
        if not isinstance(first, Conv) or first.padding:
            raise FirebrickError(
                f"network {source.network.name}: the first stage must be a convolution without padding, to take up the mean"
            )
        self.source, self.progress = source, progress
        self.frames, self.calibration_metadata = calibration_frames(calibration, source.preprocessing, source.network.input)
        self.scales = activation_scales(source, self.frames, self.progress)

    def subsample(self, frames: int) -> "Compressor":
        """The same with so many of the frames at most, evenly spaced: quicker, and nearly as large a model at the same price."""
        few = copy(self)
        few.frames = self.frames[:: -(-len(self.frames) // frames)]
        return few

    def compress(self, settings: CompressionSettings) -> Model:
        """The network's integers at these settings."""
        settings.verify()
        last = self.source.network.shapes()[-2]
        scores = next(reversed(self.scales))
        model = Model(
            self.source.network,
            _Walk(self, settings).layers(),
            self.source.preprocessing,
            self.source.labels,
            self.scales[scores] / (last.height * last.width),
            {
                **{key: value for key, value in self.source.metadata.items() if key != "name"},
                **self.calibration_metadata,
                "bits": str(settings.bits),
            },
        )
        model.verify()
        return model


class _Walk:
    """The integer network and the float network, side by side through the stages."""

    def __init__(self, measured: Compressor, settings: CompressionSettings) -> None:
        self.source, self.scales, self.progress, self.settings = measured.source, measured.scales, measured.progress, settings
        self.maps = measured.frames
        self.wanted = floating.subtract_mean(self.source, measured.frames, np.float32)
        self.scale = 1.0
        layers = self.source.network.layers()
        self.last = layers[-1].name
        uses = {layer.name: layer.output.height * layer.output.width for layer in layers}
        mean = sum(layer.macs for layer in layers) / sum(layer.weights for layer in layers)
        self.nonzero_bits = {name: NONZERO_BITS + settings.cycle_lambda * count / mean for name, count in uses.items()}
        self.done: dict[str, QuantizedLayer] = {}

    def layers(self) -> dict[str, QuantizedLayer]:
        network = self.source.network
        pool = False
        for stage, after, shape in zip(network.stages, network.stages[1:], network.shapes(), strict=False):
            self.progress("quantising", len(self.done), len(network.layers()))
            pooled, pool = pool, isinstance(after, MaxPool) and not isinstance(stage, MaxPool)
            match stage:
                case Conv():
                    self.maps, self.wanted = self._convolutions([(stage.name, stage)], self.maps, self.wanted, self.scale, pool)
                case Fire():
                    self._fire(stage, {layer.name: layer.conv for layer in stage_layers(stage, shape)}, pool)
                case MaxPool() if not pooled:
                    self.maps, self.wanted = golden.max_pool(self.maps), golden.max_pool(self.wanted)
                case MaxPool() | GlobalAverage():
                    pass  # this pool was done with the stage before it
            self.scale = self.scales.get(stage.name, self.scale)
        self.progress("quantising", len(self.done), len(network.layers()))
        return {layer.name: self.done[layer.name] for layer in network.layers()}

    def _fire(self, fire: Fire, convs: dict[str, Conv], pool: bool) -> None:
        squeeze, bypass = f"{fire.name}/squeeze1x1", f"{fire.name}/bypass1x1"
        maps, wanted = self._convolutions([(squeeze, convs[squeeze])], self.maps, self.wanted, self.scale)
        expands = [(name, conv) for name, conv in convs.items() if name not in (squeeze, bypass)]
        maps, wanted = self._convolutions(expands, maps, wanted, self.scales[squeeze], pool and fire.bypass is Bypass.NONE)
        if fire.bypass is not Bypass.NONE:
            other, other_wanted = self.maps, self.wanted
            if fire.bypass is Bypass.COMPLEX:
                other, other_wanted = self._convolutions([(bypass, convs[bypass])], other, other_wanted, self.scale)
            maps, wanted = golden.add(maps, other), wanted + other_wanted
            if pool:
                maps, wanted = golden.max_pool(maps), golden.max_pool(wanted)
        self.maps, self.wanted = maps, wanted

    def _convolutions(
        self, convs: list[tuple[str, Conv]], maps: Bytes, wanted: Floats, scale: float, pool: bool = False
    ) -> tuple[Bytes, Floats]:
        """Quantise layers that share input, output scale and shift; returns their integer and float outputs, pooled if asked."""
        targets = [self._target(name, conv, maps, wanted, scale) for name, conv in convs]
        layers = quantize(targets, self.scales[convs[0][0]], self.settings.bits, self.settings.compact)
        self.done.update(zip((name for name, _ in convs), layers, strict=True))
        finish = golden.max_pool if pool else np.asarray
        outputs: list[Bytes] = []
        ideals: list[Floats] = []
        for frame in range(len(maps)):  # one by one, as whole batches before pooling take gigabytes
            seen, ideal = maps[frame : frame + 1], wanted[frame : frame + 1].astype(np.float64)
            geometry = [{"stride": conv.stride, "padding": conv.padding} for _, conv in convs]
            integers = [golden.convolve(seen, layer, **where) for layer, where in zip(layers, geometry, strict=True)]
            floats = [floating.convolve(self.source, name, ideal, **where) for (name, _), where in zip(convs, geometry, strict=True)]
            outputs.append(finish(np.concatenate(integers, axis=1)))
            ideals.append(finish(np.concatenate(floats, axis=1)).astype(np.float32))
        return np.concatenate(outputs), np.concatenate(ideals)

    def _harm(self, name: str) -> float:
        if not self.done:
            return _HARM["first"]
        return _HARM["last" if name == self.last else name.rpartition("/")[2] if "/" in name else "other"]

    def _target(self, name: str, conv: Conv, maps: Bytes, wanted: Floats, scale: float) -> QuantizationTarget:
        settings = self.settings
        keep = settings == CompressionSettings(bits=PUBLISHED_BITS)
        return QuantizationTarget(
            name,
            self.source.weights[name].astype(np.float64),
            self.source.biases[name].astype(np.float64),
            input_moments(maps, wanted, conv),
            scale,
            self._harm(name),
            self._density(name),
            settings.rate_lambda,
            self.nonzero_bits[name],
            self.source.codebook_weights.get(name) if keep else None,
        )

    def _density(self, name: str) -> float:
        density = self.settings.density
        if isinstance(density, Mapping):
            return density.get(name, 1.0)
        return density if density is not None and self.done else 1.0
