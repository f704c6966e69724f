# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Normalisation, class names and metadata in ONNX files that `encode_float_onnx` wrote; other files have none."""

import json
from dataclasses import dataclass
from typing import Any

from firebrick.sw.errors import FirebrickError
from firebrick.sw.exporters.onnx_float import METADATA_KEY
from firebrick.sw.fire_format.metadata import NUMBER_MAX
from firebrick.sw.network.graph import Shape

from ..normalisation import Normalisation


@dataclass(frozen=True)
class FileMetadata:
    """What such a file tells about its network."""

    normalisation: Normalisation
    labels: tuple[str, ...]
    metadata: dict[str, str]


def read_metadata(properties: dict[str, str], shape: Shape) -> FileMetadata | None:
    """The metadata among a file's properties, None where there is none; raises FirebrickError unless it fits images of ``shape``."""
    text = properties.get(METADATA_KEY)
    if text is None:
        return None
    try:
        tree = json.loads(text)
        red, green, blue = (float(value) for value in tree["mean"])
        labels, metadata, resize = tree["labels"], tree["metadata"], tree["resize"]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise _damaged() from error
    long_side = max(shape.height, shape.width)
    resize_fits = isinstance(resize, int) and long_side <= resize <= NUMBER_MAX
    if not (resize_fits and isinstance(labels, list) and all(map(_printable, labels)) and isinstance(metadata, dict)):
        raise _damaged()
    if not all(_printable(key) and _printable(value) for key, value in metadata.items()):
        raise _damaged()
    return FileMetadata(Normalisation((red, green, blue), (1.0, 1.0, 1.0), crop=long_side / resize), tuple(labels), metadata)


def _printable(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _damaged() -> FirebrickError:
    return FirebrickError(f"the property {METADATA_KEY!r} is not as `firebrick train` writes it; train or export the network anew")
