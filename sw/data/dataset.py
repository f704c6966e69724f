# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Labelled pictures: a folder with a subfolder for each class, or a folder and a CSV file."""

from dataclasses import dataclass
from pathlib import Path

from ..errors import FirebrickError
from ..fire_format.metadata import NUMBER_MAX
from .images import LabelledImages, class_names, images_by_class
from .labels import read_label_csv

HELD_OUT_INTERVAL = 10
"""Of each class every picture with this many is held out to validate, where the folder does not say which."""


@dataclass(frozen=True)
class Dataset:
    """Pictures to learn from and others to judge by."""

    class_names: tuple[str, ...]
    """Of the classes, in the order of their indices."""
    train: LabelledImages
    val: LabelledImages
    """May be empty."""


def read_dataset(folder: Path, labels: Path | None = None) -> Dataset:
    """The labelled pictures in a folder.

    With subfolders ``train`` and ``val`` these are the two parts; else every tenth picture of each class validates. A part has a subfolder
    for each class, whose name is the class's and which may have more folders inside; classes are in the order of their names. With
    ``labels``, a CSV file (see `read_label_csv`), the pictures that it names lie in the folder itself and classes are called after their
    indices. Raises FirebrickError where there are no pictures, fewer than two classes, or classes to validate that none learns.
    """
    if not folder.is_dir():
        raise FirebrickError(f"{folder} is not a folder; name the one with the labelled pictures")
    if labels is not None:
        rows = [(folder / name, index) for name, index in read_label_csv(labels, NUMBER_MAX)]
        names = [f"class {index}" for index in range(1 + max(index for _, index in rows))]
        return _checked(folder, Dataset(tuple(names), *_parts(rows, len(names))))
    if not ((folder / "train").is_dir() and (folder / "val").is_dir()):
        names = class_names(folder)
        return _checked(folder, Dataset(tuple(names), *_parts(images_by_class(folder, names), len(names))))
    names = class_names(folder / "train")
    unknown = [name for name in class_names(folder / "val") if name not in names]
    if unknown:
        raise FirebrickError(f"{folder / 'val' / unknown[0]} is a class that {folder / 'train'} has not; give both the same subfolders")
    return _checked(folder, Dataset(tuple(names), images_by_class(folder / "train", names), images_by_class(folder / "val", names)))


def _parts(rows: LabelledImages, classes: int) -> tuple[LabelledImages, LabelledImages]:
    """What is learned and what is held out, every so many of each class."""
    train: LabelledImages = []
    val: LabelledImages = []
    seen = [0] * classes
    for path, index in rows:
        seen[index] += 1
        (train if seen[index] % HELD_OUT_INTERVAL else val).append((path, index))
    return train, val


def _checked(folder: Path, dataset: Dataset) -> Dataset:
    if len({index for _, index in dataset.train}) < 2:
        only = dataset.class_names[dataset.train[0][1]]
        raise FirebrickError(f"{folder} has pictures of one class only, {only}; a network needs at least two to tell apart")
    return dataset
