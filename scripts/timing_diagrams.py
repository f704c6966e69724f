# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Draws the timing diagrams of a core's README (hw/core/diagrams) from their WaveJSON sources: ``python scripts/timing_diagrams.py``.

Needs the package wavedrom.
"""

from pathlib import Path

DIAGRAMS = Path(__file__).parents[1] / "hw" / "core" / "diagrams"


def draw(source: str) -> str:
    """The SVG of a timing diagram in WaveJSON, on white, so that it can be read on a dark page."""
    import wavedrom

    drawing = wavedrom.render(source)
    drawing.attribs["style"] = "background: white"
    return str(drawing.tostring()) + "\n"


if __name__ == "__main__":
    for path in sorted(DIAGRAMS.rglob("*.json")):
        path.with_suffix(".svg").write_text(draw(path.read_text()))
