# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Some of a model's classes: the last layer's other filters are left out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import FirebrickError
from ..network.graph import Conv, GlobalAverage
from ..utils.atomic_files import read_limited
from .quantized import Model

_MOST_BYTES = 1 << 20


def keep_classes(model: Model, classes: Sequence[int]) -> Model:
    """The model with these classes alone, by index in the order of the scores; each keeps the score that it had."""
    count = model.network.classes
    if not classes or len(set(classes)) != len(classes) or not all(0 <= index < count for index in classes):
        raise FirebrickError(f"classes must be one or more different indices from 0 to {count - 1}")
    *before, last, average = model.network.stages
    if not (isinstance(last, Conv) and isinstance(average, GlobalAverage)):
        raise FirebrickError(f"network {model.network.name}: classes can be left out only where a convolution gives the scores")
    layer = model.layers[last.name]
    kept = list(classes)
    return replace(
        model,
        network=replace(model.network, stages=(*before, replace(last, filters=len(kept)), average)),
        layers={**model.layers, last.name: replace(layer, codes=layer.codes[kept], bias=layer.bias[kept])},
        labels=tuple(model.labels[index] for index in kept),
        metadata={**model.metadata, "classes": f"{len(kept)} of {count}"},
    )


def read_classes(path: Path, model: Model) -> list[int]:
    """Class indices from a text file, one class a line: its index, or its name in any case. Empty lines do not count.

    Raises FirebrickError, which names the line, for a class that the model does not have, a name that several have, or one given twice.
    """
    try:
        text = read_limited(path, _MOST_BYTES, "a text file with one class a line").decode("utf-8")
    except UnicodeDecodeError as problem:
        raise FirebrickError(f"{path} is no text in UTF-8; give a file with one class a line") from problem
    places: dict[str, list[int]] = {}
    for index, label in enumerate(model.labels):
        places.setdefault(label.casefold(), []).append(index)
    found: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        name = line.strip()
        if not name:
            continue
        known = [int(name)] if name.isdecimal() and int(name) < len(model.labels) else places.get(name.casefold(), [])
        if len(known) != 1:
            what = f"the name of several: {', '.join(map(str, known))}" if known else "none of the model's classes"
            raise FirebrickError(f"{path}, line {number}: {name[:60]!r} is {what}; give an index from 0 to {len(model.labels) - 1}")
        if known[0] in found:
            raise FirebrickError(f"{path}, line {number}: {name[:60]!r} is there twice; give each class once")
        found += known
    if not found:
        raise FirebrickError(f"{path} names no class; give one a line, by name or by index from 0 to {len(model.labels) - 1}")
    return found
