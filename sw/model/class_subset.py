# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Models with a subset of the classes: the last layer keeps only the filters of the chosen classes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from ..errors import FirebrickError
from ..network.graph import Conv, GlobalAverage
from ..utils.suggestions import did_you_mean
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
    lines = enumerate(read_lines(path, "a text file with one class a line"), 1)
    classes = _different(((f"{path}, line {number}", line.strip()) for number, line in lines if line.strip()), model)
    if not classes:
        raise FirebrickError(f"{path} names no class; give one a line, by name or by index from 0 to {len(model.labels) - 1}")
    return classes


def parse_classes(text: str, model: Model) -> list[int]:
    """Class indices from the path of a file (`read_classes`), or from names and indices with commas between them.

    Raises FirebrickError as `read_classes` does. A text with a slash or of the form ``*.txt`` is a path, even if there is no such file.
    """
    path = Path(text)
    try:
        is_path = "/" in text or path.suffix == ".txt" or path.is_file()
    except OSError:  # too long for a path
        is_path = False
    if is_path:
        return read_classes(path, model)
    classes = _different(((f"classes {text[:60]!r}", name.strip()) for name in text.split(",") if name.strip()), model)
    if not classes:
        raise FirebrickError(f"classes {text!r} name none; give names or indices with commas between them, or a file with one a line")
    return classes


def class_index(name: str, model: Model, origin: str) -> int:
    """The class with a name, in upper or lower case, or an index; ``origin`` says in errors where it is written.

    Raises FirebrickError for an unknown class, and a name that several classes have.
    """
    if name.isdecimal() and int(name) < len(model.labels):
        return int(name)
    matches = _indices_by_name(model.labels).get(name.casefold(), ())
    if len(matches) == 1:
        return matches[0]
    if matches:
        what, suggestion = f"the name of several: {', '.join(map(str, matches))}", ""
    else:
        what, suggestion = "none of the model's classes", did_you_mean(name, model.labels)
    raise FirebrickError(f"{origin}: {name[:60]!r} is {what}; {suggestion or f'give an index from 0 to {len(model.labels) - 1}'}")


def _different(names: Iterable[tuple[str, str]], model: Model) -> list[int]:
    """The indices of classes, each with its origin. Raises FirebrickError as `class_index` does, and for one that is there twice."""
    classes: list[int] = []
    for origin, name in names:
        index = class_index(name, model, origin)
        if index in classes:
            raise FirebrickError(f"{origin}: {name[:60]!r} is there twice; give each class once")
        classes.append(index)
    return classes


@lru_cache(maxsize=4)
def _indices_by_name(labels: tuple[str, ...]) -> Mapping[str, tuple[int, ...]]:
    indices: dict[str, tuple[int, ...]] = {}
    for index, label in enumerate(labels):
        indices[label.casefold()] = (*indices.get(label.casefold(), ()), index)
    return indices
