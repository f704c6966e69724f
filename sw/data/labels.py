# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""CSV files that give the classes of images."""

import csv
from pathlib import Path

from ..errors import FirebrickError


def read_label_csv(path: Path, classes: int) -> list[tuple[str, int]]:
    """File name and class index of each row of a CSV file with the columns ``file`` and ``class_index``; it may have more columns.

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
                    raise FirebrickError(f"{where}: file must be the plain name of an image, not {name[:80]!r}")
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
        raise FirebrickError(f"{path} labels no image; give it a row for each")
    return list(rows.items())
