# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Accuracy of a model over labelled pictures, in the golden model."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import numpy as np

from . import golden
from .errors import FirebrickError
from .model import Model
from .pictures import class_folders, read_pictures

_BATCH = 4


class Accuracy(TypedDict):
    """How often the network is right; shares from 0 to 1."""

    images: int
    top1: float
    top5: float


def read_labels(path: Path, classes: int) -> list[tuple[str, int]]:
    """File name and class index of each row of a CSV file with columns ``file`` and ``class_index``; more columns may follow.

    Raises FirebrickError, with the line, unless every row has a plain file name, used once, and an index below ``classes``.
    """
    rows: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not {"file", "class_index"} <= set(reader.fieldnames or ()):
                raise FirebrickError(f"{path}, line 1: the columns file and class_index must be there")
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                name, index = row["file"] or "", (row["class_index"] or "").strip()
                if not name.isprintable() or not name or Path(name).name != name:
                    raise FirebrickError(f"{where}: file must be the plain name of a picture, not {name[:80]!r}")
                if not (index.isascii() and index.isdecimal() and len(index) < 10 and int(index) < classes):
                    raise FirebrickError(f"{where}: class_index must be 0 to {classes - 1}, not {index[:20]!r}")
                if name in rows:
                    raise FirebrickError(f"{where}: {name[:80]} has a row already; leave one")
                rows[name] = int(index)
    except OSError as problem:
        raise FirebrickError(f"{path} cannot be read ({problem.strerror or 'unknown error'}); name a CSV file of labels") from problem
    except (UnicodeDecodeError, csv.Error) as problem:
        raise FirebrickError(f"{path} is not a CSV file of UTF-8 text; export it anew") from problem
    if not rows:
        raise FirebrickError(f"{path} labels no picture; give it a row for each")
    return list(rows.items())


def evaluate(
    model: Model, folder: Path, labels: Path | None = None, progress: Callable[[str, int, int], None] | None = None
) -> Accuracy:
    """Top-1 and top-5 accuracy over the pictures of ``folder`` that the CSV file ``labels`` names, see ``read_labels``.

    Without ``labels``, over those in its subfolders, which are called after the model's classes. ``progress`` is called with (what,
    done, total). Of equal scores the lower index counts as the better.
    """
    named = read_labels(labels, model.network.classes) if labels else []
    if not folder.is_dir():
        raise FirebrickError(f"{folder} is not a folder; name the one with the labelled pictures")
    rows = [(folder / name, index) for name, index in named] if labels else class_folders(folder, model.labels)
    hits = np.zeros(5, np.int64)
    for start in range(0, len(rows), _BATCH):
        if progress is not None:
            progress("evaluating", start, len(rows))
        batch = rows[start : start + _BATCH]
        frames = read_pictures([path for path, _ in batch], model.preprocessing, model.network.input)
        best = np.argsort(-golden.run(model, frames), axis=1, kind="stable")[:, :5]
        right = best == np.array([index for _, index in batch])[:, None]
        hits[: right.shape[1]] += right.sum(axis=0)
    if progress is not None:
        progress("evaluating", len(rows), len(rows))
    return Accuracy(images=len(rows), top1=float(hits[0] / len(rows)), top5=float(hits.sum() / len(rows)))
