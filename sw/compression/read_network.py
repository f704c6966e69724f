# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Reads a pretrained network, and finds out how its training normalised images where nobody says it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..data.calibration_set import photographs
from ..errors import FirebrickError
from ..importers import ImportOptions, import_source
from ..importers.normalisation import ASSUMED, CONVENTIONS, Normalisation
from ..model.float_model import FloatModel
from ..utils.progress import Progress, no_progress
from .normalisation_check import check_normalisation

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Finding:
    """What was found about a normalisation that neither user nor file told."""

    message: str
    """One or two sentences, without the last full stop."""
    sure: bool
    """The images show it; otherwise it is assumed."""


def normalisation_of(source: str, pictures: str | None, mean: Triple | None, std: Triple | None) -> Normalisation | None:
    """The normalisation that the user describes: a key of ``CONVENTIONS``, or what differs from it; None for nothing at all.

    Raises FirebrickError for an unknown convention.
    """
    if pictures is None and mean is None and std is None:
        return None
    if pictures is not None and pictures not in CONVENTIONS:
        raise FirebrickError(f"pictures must be one of {', '.join(CONVENTIONS)}, not {pictures!r}")
    default = CONVENTIONS[pictures or _usual_convention(source)]
    return replace(default, mean=mean or default.mean, std=std or default.std)


def read_network(
    source: str, options: ImportOptions, images: Sequence[Path] = (), progress: Progress = no_progress
) -> tuple[FloatModel, Finding | None]:
    """The network that ``source`` names (``import_source``), and what was found about its normalisation.

    Where neither options nor file tell the normalisation, it is measured on ``images``, else on scikit-image's photographs. Raises
    FirebrickError as ``import_source`` does, and for images that cannot be read.
    """
    network = import_source(source, options)
    if not network.metadata.get("normalisation", "").endswith(ASSUMED):
        return network, None
    name, assumed = network.metadata["name"], _usual_convention(source)
    try:
        images = images or photographs()
    except FirebrickError:
        return network, Finding(f"{name} does not say how training normalised images; {assumed} is assumed. Give --normalisation", False)
    network, verdict = check_normalisation(
        name, assumed, lambda normalisation: import_source(source, replace(options, normalisation=normalisation)), images, progress
    )
    return network, Finding(verdict.message, verdict.sure)


def _usual_convention(source: str) -> str:
    """The convention of most files of the source's kind."""
    return "torch" if source.lower().endswith(".onnx") else "caffe"
