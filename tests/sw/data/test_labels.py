# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Label files: valid CSV files are read whatever else they contain; a broken one is rejected with its line."""

from pathlib import Path

import pytest

from firebrick.sw.data.labels import read_label_csv
from firebrick.sw.errors import FirebrickError


def test_label_csv_may_have_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text('\ufefflabel,file,class_index\n"a, b",x.jpg, 3\nc,ü.png,0\n', encoding="utf-8")
    assert read_label_csv(path, 4) == [("x.jpg", 3), ("ü.png", 0)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "columns file and class_index"),
        ("name,class\na,1\n", "columns file and class_index"),
        ("file,class_index\n", "labels no image"),
        ("file,class_index\na.jpg\n", "line 2: class_index must be 0 to 3, not ''"),
        ("file,class_index\na.jpg,4\n", "line 2: class_index must be 0 to 3, not '4'"),
        ("file,class_index\na.jpg,1\nb.jpg,-1\n", "line 3: class_index"),
        ("file,class_index\na.jpg,1.0\n", "line 2: class_index"),
        ("file,class_index\na.jpg,²\n", "line 2: class_index"),
        ("file,class_index\na.jpg," + "9" * 5000 + "\n", "line 2: class_index"),
        ("file,class_index\n,1\n", "line 2: file must be the plain name"),
        ("file,class_index\n../a.jpg,1\n", "line 2: file must be the plain name"),
        ("file,class_index\n/a.jpg,1\n", "line 2: file must be the plain name"),
        ("file,class_index\na.jpg,1\na.jpg,1\n", "line 3: a.jpg has a row already"),
        ("file,class_index\n" + "a" * 200_000 + ",1\n", "is not a CSV file"),
        ("file,class_index\n\0,1\n", "plain name"),
    ],
)
def test_label_csv_rejects_a_broken_table(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FirebrickError, match=sentence):
        read_label_csv(path, 4)


def test_label_csv_rejects_binary_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"file,class_index\n\xff\xfe,1\n")
    with pytest.raises(FirebrickError, match="is no text in UTF-8; give a CSV file of labels"):
        read_label_csv(tmp_path / "a.csv", 4)
    for path in (tmp_path / "b.csv", tmp_path):
        with pytest.raises(FirebrickError, match="cannot be read"):
            read_label_csv(path, 4)
