# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The documentation of image files names the suffixes and limits that the code has."""

import re

from firebrick.sw.data.image_formats import FORMATS, MAX_BYTES, MAX_PIXELS, SUFFIXES
from tests.helpers.paths import ROOT


def test_documented_formats_are_those_that_are_read() -> None:
    text = (ROOT / "docs" / "image_files.md").read_text(encoding="utf-8")
    rows = [row.split("|") for row in text.split("## Pixels")[0].splitlines() if row.startswith("| ") and "suffixes" not in row]
    assert [suffix for row in rows for suffix in row[2].split()] == list(SUFFIXES)
    limits = {row[2].split()[0]: float(match[0]) for row in rows if (match := re.search(r"[\d.]+", row[4]))}
    for image_format in FORMATS.values():
        pixel = image_format.decoder_bytes + (1 if image_format.suffixes[0] in (".jpg", ".gif") else 4)
        assert limits[image_format.suffixes[0]] <= min(MAX_BYTES / pixel, MAX_PIXELS) / 1e6 <= limits[image_format.suffixes[0]] + 1
    assert f"at most {MAX_BYTES // 10**6} MB" in text
