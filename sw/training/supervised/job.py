# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A training job: from labelled images to the files of a trained network; an interrupted job resumes from its checkpoint."""

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...data.dataset import Dataset
from ...errors import FirebrickError
from ...exporters.onnx_float import write_float_onnx
from ...model.float_model import FloatModel
from ...model.quantized import Preprocessing
from ...network.graph import Network
from ...reports.matplotlib_plots import training_plot
from ...utils.atomic_files import write_atomically
from ...utils.progress import Progress
from .config import TrainingConfig
from .image_cache import ImageCache
from .initialise import check_classes, random_float_model, with_new_head
from .loop import Trainer

_CROP_FRACTION = 227 / 256
"""Fraction of an image's short side that a crop shows, as published."""


class TrainingJob:
    """A network, a data set, and the file to write.

    Args:
        dataset: the labelled images.
        network: what to train; its input size may differ from the pretrained network's.
        pretrained: the initial network; None for random initialisation.
        keep_head: whether a pretrained network keeps its last layer.
        resize: short side that images are scaled to before cropping; None for the pretrained network's proportion or the published one.
        config: how to train; its number of steps is replaced.
        output: the file to write; others go beside it.

    Raises FirebrickError where the images would be smaller than the network's input, or the classes differ from those of the last layer
    that is kept.
    """

    def __init__(
        self,
        dataset: Dataset,
        network: Network,
        pretrained: FloatModel | None,
        keep_head: bool,
        resize: int | None,
        config: TrainingConfig,
        output: Path,
    ) -> None:
        self.dataset, self.network, self.pretrained, self.keep_head = dataset, network, pretrained, keep_head
        self.config, self.output = config, output
        self.checkpoint = output.with_name(f"{output.name}.training")
        usual = pretrained.preprocessing if pretrained else Preprocessing(1, (0.0, 0.0, 0.0))
        longest = _longest(network, usual)
        self.preprocessing = replace(usual, resize=_resize(longest, pretrained) if resize is None else resize)
        if self.preprocessing.resize < longest:
            raise FirebrickError(f"resize must be at least the longer side of the network's input, {longest}, not {resize}")
        if pretrained is not None and keep_head:
            check_classes(pretrained, dataset.class_names)

    def run(self, epochs: int, steps: int | None, metadata: Mapping[str, str], progress: Progress) -> dict[str, Any]:
        """Train for the given number of epochs, or of steps if given, and write all files.

        ``metadata`` goes into the model. Returns the document that `firebrick train --json` prints. Raises FirebrickError for images that
        cannot be read, a damaged checkpoint, and a training that diverges.
        """
        shape = self.network.input
        train = ImageCache(self.dataset.train, self.preprocessing, shape, progress)
        val = ImageCache(self.dataset.val, self.preprocessing, shape, progress)
        config = replace(self.config, steps=steps or epochs * (len(train) // min(self.config.batch_size, len(train))))
        trainer = Trainer(self._initial_network(train), train, val, config, self.checkpoint)
        trained = trainer.run(progress)
        images = {"pictures": f"{len(train)} learned, {len(val)} validated", "pictures sha256": train.sha256}
        write_float_onnx(replace(trained, metadata={**metadata, **images}), self.output)
        last = trainer.curves[-1]
        document = {
            "output": str(self.output),
            "network": trained.network.name,
            "parameters": sum(layer.parameters for layer in trained.network.layers()),
            "classes": len(trained.labels),
            "pictures": len(train),
            "validated": len(val),
            "steps": config.steps,
            "loss": last["loss"],
            "top1": last["top1"],
            "curves": trainer.curves,
        }
        write_atomically(self.output.with_suffix(".curves.json"), (json.dumps(document, indent=2) + "\n").encode())
        if find_spec("matplotlib") is not None:
            write_atomically(self.output.with_suffix(".curves.svg"), training_plot(trained.network.name, trainer.curves))
        self.checkpoint.unlink(missing_ok=True)
        return document

    def _initial_network(self, train: ImageCache) -> FloatModel:
        if self.pretrained is None:
            mean = train.mean if len(train.mean) == 3 else [train.mean[0]] * 3
            red, green, blue = (round(float(channel), 2) for channel in mean)
            preprocessing = replace(self.preprocessing, mean=(red, green, blue))
            return random_float_model(self.network, preprocessing, self.dataset.class_names, self.config.seed)
        source = replace(self.pretrained, network=self.network, preprocessing=self.preprocessing, metadata={})
        return source if self.keep_head else with_new_head(source, self.dataset.class_names, self.config.seed)


def _longest(network: Network, preprocessing: Preprocessing) -> int:
    """The longer side of cropped images."""
    image = preprocessing.image_shape(network.input)
    return max(image.height, image.width)


def _resize(longest: int, pretrained: FloatModel | None) -> int:
    """The short side at which a crop shows the same fraction of an image as the pretrained network's, or the published fraction."""
    if pretrained is None:
        return max(longest, round(longest / _CROP_FRACTION))
    fraction = _longest(pretrained.network, pretrained.preprocessing) / pretrained.preprocessing.resize
    return max(longest, round(longest / fraction))
