# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From labelled pictures to a trained network's files: what is done survives an interruption."""

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

_CROPPED = 227 / 256
"""Share of a picture's short side that a crop shows, as published."""


class TrainingJob:
    """What is wanted: a network, pictures, and where the result goes.

    Args:
        dataset: the pictures.
        network: what to train; of a pretrained one, the input may be another than there.
        pretrained: where to start; None for weights drawn at random.
        keep_head: whether a pretrained network keeps its last layer.
        resize: short side that crops are cut from; None for the pretrained network's share of it or the published one.
        recipe: how to train, but for its steps.
        output: the file to write; others go beside it.
    """

    def __init__(
        self,
        dataset: Dataset,
        network: Network,
        pretrained: FloatModel | None,
        keep_head: bool,
        resize: int | None,
        recipe: TrainingConfig,
        output: Path,
    ) -> None:
        self.dataset, self.network, self.pretrained, self.keep_head = dataset, network, pretrained, keep_head
        self.config, self.output = recipe, output
        self.checkpoint = output.with_name(f"{output.name}.training")
        longest = max(network.input.height, network.input.width)
        if resize is None:
            shown = (
                _CROPPED
                if pretrained is None
                else max(pretrained.network.input.height, pretrained.network.input.width) / (pretrained.preprocessing.resize)
            )
            resize = max(longest, round(longest / shown))
        if resize < longest:
            raise FirebrickError(f"resize must be at least the longer side of the network's input, {longest}, not {resize}")
        self.preprocessing = Preprocessing(resize, pretrained.preprocessing.mean if pretrained else (0.0, 0.0, 0.0))
        if pretrained is not None and keep_head:
            check_classes(pretrained, dataset.class_names)

    def run(self, epochs: int, steps: int | None, said: Mapping[str, str], progress: Progress) -> dict[str, Any]:
        """Train for so many epochs, or steps if given, and write all files; the document that `firebrick train --json` prints.

        ``said`` goes into the model's metadata.
        """
        shape = self.network.input
        train = ImageCache(self.dataset.train, self.preprocessing, shape, progress)
        val = ImageCache(self.dataset.val, self.preprocessing, shape, progress)
        recipe = replace(self.config, steps=steps or epochs * (len(train) // min(self.config.batch_size, len(train))))
        training = Trainer(self._start(train), train, val, recipe, self.checkpoint)
        trained = training.run(progress)
        metadata = {**said, "pictures": f"{len(train)} learned, {len(val)} validated", "pictures sha256": train.sha256}
        write_float_onnx(replace(trained, metadata=metadata), self.output)
        last = training.curves[-1]
        document = {
            "output": str(self.output),
            "network": trained.network.name,
            "parameters": sum(layer.parameters for layer in trained.network.layers()),
            "classes": len(trained.labels),
            "pictures": len(train),
            "validated": len(val),
            "steps": recipe.steps,
            "loss": last["loss"],
            "top1": last["top1"],
            "curves": training.curves,
        }
        write_atomically(self.output.with_suffix(".curves.json"), (json.dumps(document, indent=2) + "\n").encode())
        if find_spec("matplotlib") is not None:
            write_atomically(self.output.with_suffix(".curves.svg"), training_plot(trained.network.name, training.curves))
        self.checkpoint.unlink(missing_ok=True)
        return document

    def _start(self, train: ImageCache) -> FloatModel:
        if self.pretrained is None:
            red, green, blue = (round(float(mean), 2) for mean in (train.mean if len(train.mean) == 3 else [train.mean[0]] * 3))
            return random_float_model(
                self.network, replace(self.preprocessing, mean=(red, green, blue)), self.dataset.class_names, self.config.seed
            )
        source = replace(self.pretrained, network=self.network, preprocessing=self.preprocessing, metadata={})
        return source if self.keep_head else with_new_head(source, self.dataset.class_names, self.config.seed)
