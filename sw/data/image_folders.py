# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Folders of images: which of their files are read, and which class a subfolder is for."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..errors import FirebrickError
from .image_formats import SUFFIXES
from .wordnet import indices_of_ids, is_wordnet_id

LabelledImages = list[tuple[Path, int]]
"""Image files and their class indices."""
_SHOWN_KINDS = 4

logger = logging.getLogger(__name__)


def images_in(folder: Path) -> list[Path]:
    """The image files in a folder and its subfolders, sorted by path.

    Files and folders whose names begin with a dot are left alone: systems keep thumbnails and attributes in them. A warning says how many
    other files are not read. Raises FirebrickError where ``folder`` is no folder or has no image.
    """
    images, others = _split(folder)
    if not images:
        found = f" but {_kinds(others)}" if others else ""
        raise FirebrickError(f"{folder} holds no images{found}; put some there ({', '.join(SUFFIXES)})")
    _warn(folder, others)
    return images


def images_by_class(folder: Path, labels: Sequence[str]) -> LabelledImages:
    """The images in a folder's subfolders; the class of each is its subfolder's name, a label or the WordNet id of one.

    A warning says how many files are not read. Raises FirebrickError for a subfolder of another name or one that is the name of several
    classes, and where there are no images.
    """
    indices = _class_indices(class_names(folder), labels, folder)
    images: LabelledImages = []
    others: list[Path] = _visible_files(folder, recursive=False)
    for name, index in indices.items():
        found, left = _split(folder / name)
        if not found:
            raise FirebrickError(f"{folder / name} holds no images; put some there ({', '.join(SUFFIXES)})")
        images += [(path, index) for path in found]
        others += left
    _warn(folder, others)
    return images


def class_names(folder: Path) -> list[str]:
    """The sorted names of a folder's subfolders except hidden ones; raises FirebrickError where there are none."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not names:
        raise FirebrickError(f"{folder} has no subfolders; give each class a subfolder with its name, or a CSV file: --labels CSV")
    for name in names:
        if not name.isprintable():
            raise FirebrickError(f"{folder}: the subfolder {name!r} must have a printable name")
    return names


def _class_indices(names: Sequence[str], labels: Sequence[str], folder: Path) -> dict[str, int]:
    """Class index of each subfolder."""
    ids = indices_of_ids(labels) if any(is_wordnet_id(name) for name in names) else {}
    indices: dict[str, int] = {}
    for name in names:
        matches = [index for index, label in enumerate(labels) if label == name] or [ids[key] for key in (name,) if key in ids]
        if not matches:
            some = ", ".join([*labels[:5], *["..."][: len(labels) > 5]])
            raise FirebrickError(f"{folder / name} must be named after a class; the classes are {some}")
        if len(matches) > 1:
            several = " and ".join(map(str, matches))
            raise FirebrickError(f"{folder / name} is the name of classes {several}; name it by its WordNet id, or give --labels CSV")
        indices[name] = matches[0]
    return indices


def _split(folder: Path) -> tuple[list[Path], list[Path]]:
    """The image files in a folder and its subfolders, and its other files."""
    if not folder.is_dir():
        raise FirebrickError(f"{folder} is not a folder; name one that holds images")
    paths = _visible_files(folder)
    return [path for path in paths if path.suffix.lower() in SUFFIXES], [path for path in paths if path.suffix.lower() not in SUFFIXES]


def _visible_files(folder: Path, recursive: bool = True) -> list[Path]:
    """The files whose path below the folder has no part that begins with a dot, sorted."""
    paths = folder.rglob("*") if recursive else folder.iterdir()
    return sorted(path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts) and path.is_file())


def _warn(folder: Path, others: Sequence[Path]) -> None:
    if others:
        logger.warning("%s in %s not read, as images have the suffixes %s", _kinds(others), folder, " ".join(SUFFIXES))


def _kinds(paths: Sequence[Path]) -> str:
    """How many files there are of each suffix: `3 files (2 .txt, 1 .heic)`."""
    counts = Counter(path.suffix.lower() or "without a suffix" for path in paths).most_common()
    parts = [f"{count} {suffix}" for suffix, count in counts[:_SHOWN_KINDS]]
    rest = sum(count for _, count in counts[_SHOWN_KINDS:])
    shown = ", ".join([*parts, *[f"{rest} others"][: rest > 0]])
    return f"{len(paths)} file{'s' if len(paths) > 1 else ''} ({shown})".replace("\n", "?")
