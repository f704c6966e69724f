# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Quantised models: what the golden model computes and hardware is generated from."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .checks import PathLike, as_path, check_count
from .inputs import Images, frames_of
from .prediction import Prediction, predict
from .sw import golden
from .sw.errors import FirebrickError
from .sw.model.quantized import Model as QuantizedModel
from .sw.utils.progress import Progress, no_progress
from .sw.zoo import catalogue

if TYPE_CHECKING:
    from .plan import Plan
    from .sw.evaluation.accuracy import Accuracy


class Model:
    """A quantised network with all that is needed to use it: `load` reads it, `Network.compress` makes it.

    Examples:
        >>> model = firebrick.load("squeezenet1_1")
        >>> for prediction in model.classify(["cat.jpg", "dog.jpg"]):
        ...     print(prediction.image, prediction.label, prediction.probability)
    """

    def __init__(self, quantized: QuantizedModel) -> None:
        self.quantized = quantized
        """The integers, as the packages below use them; not part of the stable surface."""

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.input_shape))
        return f"<Model {self.name}: {self.classes} classes, images of {shape}, {self.nonzero:,} of {self.weights:,} weights>"

    @property
    def name(self) -> str:
        """Name of the network's architecture."""
        return self.quantized.network.name

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.quantized.network.classes

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the scores."""
        return self.quantized.labels

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of a frame; frames are bytes."""
        shape = self.quantized.network.input
        return shape.channels, shape.height, shape.width

    @property
    def weights(self) -> int:
        """Number of weights."""
        return sum(layer.codes.size for layer in self.quantized.layers.values())

    @property
    def nonzero(self) -> int:
        """Number of weights that are not zero."""
        return sum(layer.nonzero for layer in self.quantized.layers.values())

    @property
    def metadata(self) -> dict[str, str]:
        """Provenance, licence and calibration, as text."""
        return dict(self.quantized.metadata)

    def frames(self, images: Images) -> NDArray[np.uint8]:
        """Images as the network's input: bytes of shape (n, channels, rows, columns), RGB or grey.

        Args:
            images: image files, a folder of them, Pillow images (scaled and cropped to the centre), or frames, which are only checked;
                frames without the border of a model that has one get it.

        Raises:
            FirebrickError: an image cannot be read, or an array is no bytes of the network's input shape.
        """
        frames = [frame for frame, _ in self._frames(images)]
        return np.stack(frames) if frames else np.zeros((0, *self.input_shape), np.uint8)

    def scores(self, images: Images, *, progress: Progress | None = None) -> NDArray[np.int64]:
        """The integer scores of each image in the golden model, shape (n, classes); hardware computes the same.

        Args:
            images: as for `frames`.
            progress: called with each step, how much of it is done, and the total.

        Raises:
            FirebrickError: an image cannot be read, or an array is no bytes of the network's input shape.

        Examples:
            >>> frames = numpy.zeros((2, 1, 8, 8), numpy.uint8)
            >>> firebrick.load("digits").scores(frames).shape
            (2, 10)
        """
        rows = [prediction.scores for prediction in self._predictions(images, 1, progress)]
        return np.stack([row for row in rows if row is not None]) if rows else np.zeros((0, self.classes), np.int64)

    def classify(self, images: Images, *, top: int = 5, progress: Progress | None = None) -> list[Prediction]:
        """The best classes of each image, in the golden model.

        Args:
            images: as for `frames`; of an animation the first image is classified.
            top: how many classes each prediction lists.
            progress: called with each step, how much of it is done, and the total.

        Raises:
            FirebrickError: an image cannot be read, or an array is no bytes of the network's input shape.
        """
        check_count("top", top)
        return list(self._predictions(images, top, progress))

    def evaluate(self, folder: PathLike, labels: PathLike | None = None, *, progress: Progress | None = None) -> "Accuracy":
        """Top-1 and top-5 accuracy in the golden model, with standard errors: a dictionary, all fractions from 0 to 1.

        Args:
            folder: labelled images, in a subfolder for each class, or as ``labels`` says.
            labels: a CSV file with the columns ``file`` and ``class_index``.
            progress: called with each step, how much of it is done, and the total.

        Raises:
            FirebrickError: the folder or an image cannot be read, or a label is unknown.
        """
        from .sw.evaluation.accuracy import evaluate

        table = None if labels is None else as_path(labels)
        return evaluate(self.quantized, as_path(folder), table, progress or no_progress)

    def keep_classes(self, classes: PathLike | Sequence[int]) -> "Model":
        """The model with some of its classes only: smaller hardware, and the same scores of those.

        Args:
            classes: indices of the classes in the order that they shall have, or a text file with an index or a name in each line.

        Raises:
            FirebrickError: a class is unknown or given twice.
        """
        from .sw.model.class_subset import keep_classes, read_classes

        if isinstance(classes, Iterable) and not isinstance(classes, str):
            return Model(keep_classes(self.quantized, [_index(one) for one in classes]))
        return Model(keep_classes(self.quantized, read_classes(as_path(classes), self.quantized)))

    def save(self, path: PathLike) -> Path:
        """Write the model to a `.fire` file, whole or not at all; `load` reads it. Returns its path.

        Raises:
            FirebrickError: the file cannot be written.
        """
        from .sw.fire_format.file import write_fire

        file = as_path(path)
        write_fire(self.quantized, file)
        return file

    def plan(
        self,
        *,
        lanes: int | None = None,
        board: str | None = None,
        link: str | None = None,
        clock_mhz: float | None = None,
        fps: float | None = None,
        reloadable: bool = False,
        fast_lanes: bool = False,
        progress: Progress | None = None,
    ) -> "Plan":
        """Plan the model's accelerator, for a number of multipliers or for a board: see `firebrick.plan_model`, which has the parameters.

        Examples:
            >>> plan = firebrick.load("digits").plan(board="ulx3s_12f")
            >>> plan.cycles, round(plan.fps), plan.resources.luts
            (956, 78452, 11706)
        """
        from .plan import plan_model

        return plan_model(
            self,
            lanes=lanes,
            board=board,
            link=link,
            clock_mhz=clock_mhz,
            fps=fps,
            reloadable=reloadable,
            fast_lanes=fast_lanes,
            progress=progress,
        )

    def _frames(self, images: Images) -> "Iterable[tuple[NDArray[np.uint8], str | None]]":
        return frames_of(images, self.quantized.preprocessing, self.quantized.network.input)

    def _predictions(self, images: Images, top: int, progress: Progress | None) -> "Iterable[Prediction]":
        for index, (frame, image) in enumerate(self._frames(images)):
            if progress:
                progress(f"golden model, image {index + 1}")
            start = time.perf_counter()
            scores = golden.run(self.quantized, frame[np.newaxis])[0]
            yield predict(self.quantized, index, image, scores, top, time.perf_counter() - start)


def load(model: PathLike, *, classes: PathLike | Sequence[int] | None = None) -> Model:
    """Load a model that ships with Firebrick, or a `.fire` file.

    Args:
        model: a name that `model_names` lists, or the path of a `.fire` file.
        classes: keep only these, see `Model.keep_classes`.

    Raises:
        FirebrickError: there is no such model, or the file is damaged.

    Examples:
        >>> firebrick.load("digits")
        <Model digits: 10 classes, images of 1x8x8, 1,310 of 1,332 weights>
    """
    loaded = Model(catalogue.load(str(as_path(model))))
    return loaded if classes is None else loaded.keep_classes(classes)


def as_model(model: "Model | PathLike") -> Model:
    """The model, loaded if it is a name or a path."""
    return model if isinstance(model, Model) else load(model)


def model_names() -> tuple[str, ...]:
    """Names of the models that ship with Firebrick, sorted.

    Examples:
        >>> firebrick.model_names()
        ('digits', 'squeezenet1_0_small', 'squeezenet1_1', 'squeezenet1_1_medium', 'squeezenet1_1_small')
    """
    return catalogue.names()


def _index(value: object) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise FirebrickError(f"classes must be whole numbers, or a text file, not {value!r}")
    return int(value)
