# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Pretrained networks with float weights, and their compression to models."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .checks import PathLike, as_path, check_count
from .inputs import Images, frames_of, image_paths
from .model import Model
from .sw.errors import FirebrickError
from .sw.golden import floating
from .sw.model.float_model import FloatModel
from .sw.utils.progress import Progress, no_progress
from .sw.zoo.catalogue import DEFAULT_LANES

if TYPE_CHECKING:
    import torch

Triple = tuple[float, float, float]


class Network:
    """A pretrained network with float weights; `import_network` reads it.

    Examples:
        >>> network = firebrick.import_network("flowers.onnx")
        >>> network.scores("rose.jpg").argmax(axis=1)
        array([3])
        >>> model = network.compress(bits=6, images="photos/")
    """

    def __init__(self, floats: FloatModel) -> None:
        self.floats = floats
        """The weights, as the packages below use them; not part of the stable surface."""

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.input_shape))
        return f"<Network {self.name}: {self.classes} classes, images of {shape}>"

    @property
    def name(self) -> str:
        """Name of the network's architecture, or of its file."""
        return self.floats.network.name

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.floats.network.classes

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the scores."""
        return self.floats.labels

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of a frame; frames are bytes."""
        shape = self.floats.network.input
        return shape.channels, shape.height, shape.width

    @property
    def metadata(self) -> dict[str, str]:
        """Provenance, licence and normalisation, as text."""
        return dict(self.floats.metadata)

    def scores(self, images: Images) -> NDArray[np.float32]:
        """The float scores before softmax, shape (n, classes): what a compressed model is compared with.

        Args:
            images: as for `Model.scores`.

        Raises:
            FirebrickError: an image cannot be read, or an array is no bytes of the network's input shape.
        """
        frames = frames_of(images, self.floats.preprocessing, self.floats.network.input)
        rows = [floating.run(self.floats, frame[np.newaxis])[0] for frame, _ in frames]
        return np.stack(rows) if rows else np.zeros((0, self.classes), np.float32)

    def compress(
        self,
        *,
        bits: int = 6,
        density: float | Mapping[str, float] | None = None,
        max_bytes: int | None = None,
        max_cycles: int | None = None,
        lanes: int = DEFAULT_LANES,
        images: PathLike | Iterable[PathLike] | None = None,
        compact: bool = False,
        distil: int = 0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Model:
        """Prune and quantise the network, to a budget if one is given; the same as `firebrick compress`.

        Args:
            bits: width of a codebook index, 4 to 8.
            density: the most weights of a layer to keep, above 0 to 1: of all layers but the first, or by layer name.
            max_bytes: the most bytes of the `.fire` file.
            max_cycles: the most cycles of a frame, on a plan with ``lanes`` multipliers.
            lanes: see ``max_cycles``.
            images: calibration images, a folder or files, some hundreds if possible; the photographs of scikit-image without any.
            compact: centroids and biases have fewer bits, which saves logic in hardware at hardly any cost in accuracy.
            distil: steps of distillation afterwards, which needs the extra ``train``.
            seed: of the distillation's augmentations.
            progress: called with each step, how much of it is done, and the total.

        Raises:
            FirebrickError: a parameter is out of range, a budget cannot be met, an image cannot be read, or a package is missing.
        """
        from .sw.compression.job import CompressionJob, run_job
        from .sw.compression.rate_control import Budget
        from .sw.compression.settings import CompressionSettings
        from .sw.data.calibration_set import RECOMMENDED_IMAGES
        from .sw.training.distillation import DistillationConfig

        for name, limit in (("max_bytes", max_bytes), ("max_cycles", max_cycles)):
            if limit is not None:
                check_count(name, limit)
        if max_bytes and max_cycles:
            raise FirebrickError("max_bytes and max_cycles are two budgets; give one")
        for name, count in (("bits", bits), ("lanes", lanes)):
            check_count(name, count)
        for name, count in (("distil", distil), ("seed", seed)):
            check_count(name, count, 0)
        settings = CompressionSettings(bits, density, compact=compact)
        settings.verify()
        budget = Budget(max_bytes, max_cycles, lanes) if max_bytes or max_cycles else None
        training = DistillationConfig(distil, seed) if distil else None
        paths = image_paths(images)
        if 0 < len(paths) < RECOMMENDED_IMAGES:
            warnings.warn(f"{len(paths)} images are few for calibration; some hundreds give a better model.", stacklevel=2)
        return Model(run_job(self.floats, CompressionJob(settings, budget, paths, training), None, progress or no_progress))


def import_network(
    source: "PathLike | torch.nn.Module",
    *,
    pictures: str | None = None,
    mean: Triple | None = None,
    std: Triple | None = None,
    class_names: PathLike | Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
    images: PathLike | Iterable[PathLike] | None = None,
    progress: Progress | None = None,
) -> Network:
    """Read a pretrained network of the SqueezeNet family.

    Args:
        source: an ONNX file, a Caffe model, the official Deep Compression SqueezeNet (``.net``), ``ndf`` (the weights of the package of
            that name), or a PyTorch module. docs/imports.md says what each may contain.
        pictures: how training normalised images: ``torch``, ``caffe``, ``unit``, ``signed``, ``bytes``, ``torch-bgr`` or ``caffe-rgb``.
            Where neither this nor the file says so, it is measured on ``images``; a Python warning says if they do not show it. For
            PyTorch modules the default is ``torch``.
        mean: subtracted from R, G and B in training, for bytes 0 to 255, if not that of ``pictures``.
        std: that R, G and B were divided by, for bytes 0 to 255, if not that of ``pictures``.
        class_names: names of the classes, or a text file with one a line.
        size: rows and columns of an image, where the file leaves them open.
        images: a folder or files on which to measure the normalisation; the photographs of scikit-image without any.
        progress: called with each step, how much of it is done, and the total.

    Raises:
        FirebrickError: there is no such file, it is damaged, or it holds a network of another family; the message says what is unknown.

    Examples:
        >>> firebrick.import_network("flowers.onnx", pictures="torch", class_names="flowers.txt")
        <Network flowers: 10 classes, images of 3x224x224>
    """
    from .sw.compression.read_network import normalisation_of, read_network
    from .sw.importers import ImportOptions
    from .sw.importers.normalisation import TORCH

    labels = _labels(class_names)
    if not isinstance(source, str) and hasattr(source, "state_dict"):
        from .sw.importers.pytorch import from_module

        return Network(from_module(source, size or (224, 224), normalisation_of(".onnx", pictures, mean, std) or TORCH, labels))
    path = str(as_path(source))
    options = ImportOptions(normalisation_of(path, pictures, mean, std), labels, size)
    floats, finding = read_network(path, options, image_paths(images), progress or no_progress)
    if finding and not finding.sure:
        warnings.warn(f"{finding.message}.", stacklevel=2)
    return Network(floats)


def _labels(class_names: PathLike | Sequence[str] | None) -> tuple[str, ...] | None:
    if class_names is None or (isinstance(class_names, Sequence) and not isinstance(class_names, str)):
        return None if class_names is None else tuple(class_names)
    from .sw.importers.class_names import read_class_names

    return read_class_names(as_path(class_names))
