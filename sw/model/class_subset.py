# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Models with a subset of the classes: the last layer keeps only the filters of the chosen classes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import FirebrickError
from ..network.graph import Conv, GlobalAverage
from ..utils.text_files import read_lines
from .quantized import Model


def keep_classes(model: Model, classes: Sequence[int]) -> Model:
    """The model with only these classes, given as indices in the order of the scores; their scores stay the same.

    Raises FirebrickError when an index is out of range or given twice, or the last stage before the average is no convolution.
    """
    count = model.network.classes
    if not classes or len(set(classes)) != len(classes) or not all(0 <= index < count for index in classes):
        raise FirebrickError(f"classes must be one or more different indices from 0 to {count - 1}")
    *body, last, average = model.network.stages
    if not (isinstance(last, Conv) and isinstance(average, GlobalAverage)):
        raise FirebrickError(f"network {model.network.name}: classes can be left out only where a convolution gives the scores")
    layer = model.layers[last.name]
    kept = list(classes)
    return replace(
        model,
        network=replace(model.network, stages=(*body, replace(last, filters=len(kept)), average)),
        layers={**model.layers, last.name: replace(layer, codes=layer.codes[kept], bias=layer.bias[kept])},
        labels=tuple(model.labels[index] for index in kept),
        metadata={**model.metadata, "classes": f"{len(kept)} of {count}"},
    )


def read_classes(path: Path, model: Model) -> list[int]:
    """Class indices from a text file with one class on each line: its index, or its name in upper or lower case. Empty lines are skipped.

    Raises FirebrickError, which names the line, for an unknown class, a name that several classes have, or a class given twice.
    """
    indices_by_name: dict[str, list[int]] = {}
    for index, label in enumerate(model.labels):
        indices_by_name.setdefault(label.casefold(), []).append(index)
    classes: list[int] = []
    for number, line in enumerate(read_lines(path, "a text file with one class a line"), 1):
        name = line.strip()
        if not name:
            continue
        is_index = name.isdecimal() and int(name) < len(model.labels)
        matches = [int(name)] if is_index else indices_by_name.get(name.casefold(), [])
        if len(matches) != 1:
            what = f"the name of several: {', '.join(map(str, matches))}" if matches else "none of the model's classes"
            raise FirebrickError(f"{path}, line {number}: {name[:60]!r} is {what}; give an index from 0 to {len(model.labels) - 1}")
        if matches[0] in classes:
            raise FirebrickError(f"{path}, line {number}: {name[:60]!r} is there twice; give each class once")
        classes += matches
    if not classes:
        raise FirebrickError(f"{path} names no class; give one a line, by name or by index from 0 to {len(model.labels) - 1}")
    return classes
