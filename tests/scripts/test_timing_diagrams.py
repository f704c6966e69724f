# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Timing diagrams show what their sources say, and what those of a core say keeps to the handshake."""

import json
import runpy
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

CORE = sorted((ROOT / "hw" / "core" / "diagrams").rglob("*.json"))
DOCS = sorted((ROOT / "docs" / "images").glob("*.json"))


def levels(wave: str) -> list[str]:
    """The level in each cycle of a wave, `=` for new data."""
    made: list[str] = []
    for letter in wave:
        made.append(
            {".": made[-1].replace("=", "+") if made else "", "|": made[-1] if made else ""}.get(letter, letter if letter in "01x" else "=")
        )
    return made


@pytest.mark.parametrize("path", [*CORE, *DOCS], ids=lambda path: path.stem)
def test_drawings_are_up_to_date(path: Path) -> None:
    pytest.importorskip("wavedrom", reason="needs the package wavedrom")
    draw = runpy.run_path(str(ROOT / "scripts" / "timing_diagrams.py"))["draw"]
    assert path.with_suffix(".svg").read_text() == draw(path.read_text())


@pytest.mark.parametrize("path", [*CORE, *DOCS], ids=lambda path: path.stem)
def test_all_signals_of_a_diagram_have_as_many_cycles(path: Path) -> None:
    assert len({len(signal["wave"]) for signal in json.loads(path.read_text())["signal"] if signal}) == 1


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_diagrams_keep_to_the_handshake(path: Path) -> None:
    waves = {signal["name"]: levels(signal["wave"]) for signal in json.loads(path.read_text())["signal"]}
    prefix = next(name for name in waves if name.endswith("data")).removesuffix("data")
    valid, ready, data = (waves[f"{prefix}{name}"] for name in ("valid", "ready", "data"))
    for cycle in range(1, len(valid)):
        offered, taken = valid[cycle - 1] == "1", valid[cycle - 1] == ready[cycle - 1] == "1"
        if offered and not taken:
            assert (valid[cycle], data[cycle]) == ("1", "+")  # it stays
        elif valid[cycle] == "1":
            assert data[cycle] == "="  # new data
        else:
            assert data[cycle] in "x"
