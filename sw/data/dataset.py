# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Labelled data sets: a folder with a subfolder for each class, or a folder and a CSV file."""

from dataclasses import dataclass
from pathlib import Path

from ..errors import FirebrickError
from ..fire_format.metadata import NUMBER_MAX
from .image_folders import LabelledImages, class_names, images_by_class
from .labels import present_images, read_label_csv
from .wordnet import names_of_ids

HELD_OUT_INTERVAL = 10
"""In a data set that is not split, every tenth image of each class is held out for validation."""


@dataclass(frozen=True)
class Dataset:
    """Training images and validation images."""

    class_names: tuple[str, ...]
    """In the order of the class indices."""
    train: LabelledImages
    val: LabelledImages
    """May be empty."""


def read_dataset(folder: Path, labels: Path | None = None) -> Dataset:
    """The labelled images in a folder.

    If it has subfolders ``train`` and ``val``, these are the two parts; otherwise every tenth image of each class is for validation. A part
    has a subfolder for each class, named after it, which may have more folders inside. Classes are sorted by name. Subfolders that are all
    named by WordNet ids, as those of ImageNet, give the classes ImageNet's names. With ``labels``, a CSV file (see `read_label_csv`), the
    images that it names and that exist are in the folder itself, and classes are named after their indices. Raises FirebrickError where
    there are no images, fewer than two classes, or a class in ``val`` that ``train`` does not have.
    """
    if not folder.is_dir():
        raise FirebrickError(f"{folder} is not a folder; name the one with the labelled images")
    if labels is not None:
        table = read_label_csv(labels, NUMBER_MAX)
        names = [f"class {index}" for index in range(1 + max(index for _, index in table))]
        rows = present_images(folder, table, labels)
        return _checked(folder, Dataset(tuple(names), *_split(rows, len(names))))
    if not ((folder / "train").is_dir() and (folder / "val").is_dir()):
        names = class_names(folder)
        return _checked(folder, Dataset(names_of_ids(names), *_split(images_by_class(folder, names), len(names))))
    names = class_names(folder / "train")
    unknown = [name for name in class_names(folder / "val") if name not in names]
    if unknown:
        raise FirebrickError(f"{folder / 'val' / unknown[0]} is a class that {folder / 'train'} has not; give both the same subfolders")
    return _checked(folder, Dataset(names_of_ids(names), images_by_class(folder / "train", names), images_by_class(folder / "val", names)))


def _split(rows: LabelledImages, classes: int) -> tuple[LabelledImages, LabelledImages]:
    """The training images, and those held out: every HELD_OUT_INTERVAL-th of each class."""
    train: LabelledImages = []
    val: LabelledImages = []
    counts = [0] * classes
    for path, index in rows:
        counts[index] += 1
        (train if counts[index] % HELD_OUT_INTERVAL else val).append((path, index))
    return train, val


def _checked(folder: Path, dataset: Dataset) -> Dataset:
    """The data set; raises FirebrickError unless its training images have at least two classes."""
    if len({index for _, index in dataset.train}) < 2:
        only = dataset.class_names[dataset.train[0][1]]
        raise FirebrickError(f"{folder} has images of one class only, {only}; a network needs at least two to tell apart")
    return dataset
