# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Text files as editors and spreadsheets write them: byte order marks, line ends and empty lines change nothing."""

from pathlib import Path

import pytest

from firebrick.sw.data.labels import read_label_csv
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import read_fire
from firebrick.sw.importers.class_names import read_class_names
from firebrick.sw.model.class_subset import read_classes

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16"]
ENDS = ["", "\n", "\n\n", "\n  \n"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("end", ENDS)
def test_text_of_any_editor_is_read(tmp_path: Path, small_model: Path, encoding: str, line_end: str, end: str) -> None:
    def write(text: str) -> Path:
        (tmp_path / "a.txt").write_bytes((text + end).replace("\n", line_end).encode(encoding))
        return tmp_path / "a.txt"

    assert read_class_names(write("Hündin\ncat, wild")) == ("Hündin", "cat, wild")
    assert read_classes(write("class 3\n0"), read_fire(small_model)) == [3, 0]
    assert read_label_csv(write('file,class_index,name\na.jpg,1,x\n"ü.jpg",0,"a\nb"'), 2) == [("a.jpg", 1), ("ü.jpg", 0)]


def test_empty_rows_of_a_spreadsheet_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("file,class_index\na.jpg,1\n,\n , \n")
    assert read_label_csv(tmp_path / "a.csv", 2) == [("a.jpg", 1)]


@pytest.mark.parametrize(("data", "line"), [(b"cat\n\ndog\n", 2), (b"cat\n\x1b[2J\n", 2), (b"\0\n", 1)])
def test_class_names_that_are_none_are_refused_with_file_and_line(tmp_path: Path, data: bytes, line: int) -> None:
    (tmp_path / "names.txt").write_bytes(data)
    with pytest.raises(FirebrickError, match=rf"names\.txt must have one class name a line, in printable text; line {line} is "):
        read_class_names(tmp_path / "names.txt")
