# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A pretrained float network becomes an integer model; calibration needs images, but no labels."""

from collections.abc import Sequence
from copy import copy
from pathlib import Path

from ..data.calibration_set import calibration_frames
from ..errors import FirebrickError
from ..model.float_model import FloatModel
from ..model.quantized import Model
from ..network.graph import Conv
from ..utils.progress import Progress, no_progress
from .calibration import activation_scales
from .layerwise import LayerwiseQuantizer
from .settings import CompressionSettings


def compress(
    source: FloatModel, settings: CompressionSettings | None = None, *, calibration: Sequence[Path] = (), progress: Progress = no_progress
) -> Model:
    """The integer model of a float network; see ``Compressor``."""
    return Compressor(source, calibration, progress).compress(settings or CompressionSettings())


class Compressor:
    """A float network and the statistics of its calibration images, measured once for any number of settings.

    Args:
        source: the network; its first stage must be a convolution, into which the mean is folded. It may be padded where the mean is 0:
            hardware pads with bytes of 0, the float network with zeros behind the subtraction, which stand for the mean. Otherwise images
            have a border instead (`padding_as_border`).
        calibration: images that activations are measured on; without any, the photographs of scikit-image.
        progress: the progress callback.

    Raises FirebrickError for a network that cannot be compressed, and for images that are of no use (see `calibration_frames`).
    """

    def __init__(self, source: FloatModel, calibration: Sequence[Path] = (), progress: Progress = no_progress) -> None:
        source.verify()
        first = source.network.stages[0]
        if not isinstance(first, Conv):
            raise FirebrickError(f"network {source.network.name}: the first stage must be a convolution, to take up the mean")
        if first.padding and any(source.preprocessing.means(source.network.input.channels)):
            mean = ", ".join(f"{value:g}" for value in source.preprocessing.mean)
            raise FirebrickError(
                f"network {source.network.name}: {first.name} pads images by {first.padding} with their mean ({mean}), and hardware pads "
                "with bytes of 0; make the padding a border of images with sw.model.padding_as_border, as importers do"
            )
        self.source, self.progress = source, progress
        self.frames, self.calibration_metadata = calibration_frames(calibration, source.preprocessing, source.network.input)
        self.scales, self.zero_point = activation_scales(source, self.frames, self.progress)

    def subsample(self, frames: int) -> "Compressor":
        """The same with at most the given number of frames, evenly spaced: faster, with nearly the same file size at the same settings."""
        fewer = copy(self)
        fewer.frames = self.frames[:: -(-len(self.frames) // frames)]
        return fewer

    def showing(self, progress: Progress) -> "Compressor":
        """The same with another progress callback."""
        other = copy(self)
        other.progress = progress
        return other

    def compress(self, settings: CompressionSettings) -> Model:
        """The integer model at these settings. Raises FirebrickError where a setting is out of its range."""
        settings.verify()
        source = self.source
        last = source.network.shapes()[-2]
        scores = next(reversed(self.scales))
        inherited = {key: value for key, value in source.metadata.items() if key != "name"}
        model = Model(
            source.network,
            LayerwiseQuantizer(source, self.scales, self.zero_point, self.frames, settings, self.progress).run(),
            source.preprocessing,
            source.labels,
            self.scales[scores] / (last.height * last.width),
            {**inherited, **self.calibration_metadata, "bits": str(settings.bits)},
            self.zero_point,
        )
        model.verify()
        return model
