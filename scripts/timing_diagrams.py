# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Draws the timing diagrams of the documentation and of a core's README from the WaveJSON beside them.

Run ``python scripts/timing_diagrams.py``; it needs the package wavedrom.
"""

from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = (ROOT / "hw" / "core" / "diagrams", ROOT / "docs" / "images")


def draw(source: str) -> str:
    """The SVG of a timing diagram in WaveJSON, on white, so that it can be read on a dark page."""
    import wavedrom

    drawing = wavedrom.render(source)
    drawing.attribs["style"] = "background: white"
    return str(drawing.tostring()) + "\n"


if __name__ == "__main__":
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*.json")):
            path.with_suffix(".svg").write_text(draw(path.read_text()))
