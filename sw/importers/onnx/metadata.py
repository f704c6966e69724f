# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What an ONNX file of ours says of the pictures and the classes (see `float_onnx`); others say nothing."""

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
    """What a file says of itself."""

    normalisation: Normalisation
    labels: tuple[str, ...]
    metadata: dict[str, str]


def read_metadata(properties: dict[str, str], shape: Shape) -> FileMetadata | None:
    """What the file's properties say, None where they do not; raises FirebrickError where it makes no sense for pictures of ``shape``."""
    text = properties.get(METADATA_KEY)
    if text is None:
        return None
    try:
        tree = json.loads(text)
        red, green, blue = (float(value) for value in tree["mean"])
        labels, metadata, resize = tree["labels"], tree["metadata"], tree["resize"]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise _damaged() from error
    longest = max(shape.height, shape.width)
    whole = isinstance(resize, int) and longest <= resize <= NUMBER_MAX
    if not (whole and isinstance(labels, list) and all(map(_printable, labels)) and isinstance(metadata, dict)):
        raise _damaged()
    if not all(_printable(key) and _printable(value) for key, value in metadata.items()):
        raise _damaged()
    return FileMetadata(Normalisation((red, green, blue), (1.0, 1.0, 1.0), crop=longest / resize), tuple(labels), metadata)


def _printable(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _damaged() -> FirebrickError:
    return FirebrickError(f"the property {METADATA_KEY!r} is not as `firebrick train` writes it; train or export the network anew")
