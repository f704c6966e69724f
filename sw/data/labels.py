# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""CSV files that give the classes of images."""

import csv
import io
import logging
from collections.abc import Sequence
from pathlib import Path

from ..errors import FirebrickError
from ..utils.text_files import read_text

logger = logging.getLogger(__name__)


def read_label_csv(path: Path, classes: int) -> list[tuple[str, int]]:
    """File name and class index of each row of a CSV file with the columns ``file`` and ``class_index``; it may have more columns.

    Raises FirebrickError, with the line, unless every row has a plain file name, used once, and an index below ``classes``.
    """
    rows: dict[str, int] = {}
    reader = csv.DictReader(io.StringIO(read_text(path, "a CSV file of labels"), newline=""))
    try:
        if not {"file", "class_index"} <= set(reader.fieldnames or ()):
            raise FirebrickError(f"{path}, line 1: the columns file and class_index must be there")
        for row in reader:
            if not any(str(value).strip() for value in row.values() if value is not None):  # as spreadsheets leave at the end
                continue
            where = f"{path}, line {reader.line_num}"
            name, index = row["file"] or "", (row["class_index"] or "").strip()
            if not name.isprintable() or not name or Path(name).name != name:
                raise FirebrickError(f"{where}: file must be the plain name of an image, not {name[:80]!r}")
            if not (index.isascii() and index.isdecimal() and len(index) < 10 and int(index) < classes):
                raise FirebrickError(f"{where}: class_index must be 0 to {classes - 1}, not {index[:20]!r}")
            if name in rows:
                raise FirebrickError(f"{where}: {name[:80]} has a row already; leave one")
            rows[name] = int(index)
    except csv.Error as problem:
        raise FirebrickError(f"{path} is not a CSV file of UTF-8 text; export it anew") from problem
    if not rows:
        raise FirebrickError(f"{path} labels no image; give it a row for each")
    return list(rows.items())


def present_images(folder: Path, rows: Sequence[tuple[str, int]], table: Path) -> list[tuple[Path, int]]:
    """The rows of `read_label_csv` whose images are in the folder, as paths. A warning says how many are not.

    Raises FirebrickError where none is.
    """
    there = [(folder / name, index) for name, index in rows if (folder / name).exists()]
    if not there:
        raise FirebrickError(f"{folder / rows[0][0]} does not exist, nor any other of the {len(rows)} images that {table} names")
    if len(there) < len(rows):
        missing = next(name for name, _ in rows if not (folder / name).exists())
        logger.warning("%d of %d images in %s are missing in %s (%s first)", len(rows) - len(there), len(rows), table, folder, missing)
    return there
