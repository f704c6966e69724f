# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The demo's verdict on correct hardware, and on hardware with one wrong score."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace, TracebackType

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from firebrick.sw import golden
from firebrick.sw.cli.main import main
from firebrick.sw.model.quantized import Model
from firebrick.sw.utils.progress import Progress


class FakeSimulator:
    """Stands in for the simulated hardware: gives the golden model's scores, with `error` added to the last score of the last frame."""

    error = 0

    def __init__(self, model: Model, *, lanes: int, progress: Progress) -> None:
        assert lanes == 30
        self.model = model
        self.progress = progress

    def __enter__(self) -> "FakeSimulator":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        pass

    def stream(self, frames: NDArray[np.uint8]) -> Iterator[SimpleNamespace]:
        self.progress("simulation", len(frames), len(frames))
        scores = golden.run(self.model, frames)
        scores[-1, -1] += self.error
        yield from (SimpleNamespace(scores=row, cycles=1000) for row in scores)


@pytest.fixture(autouse=True)
def fake_simulator(monkeypatch: pytest.MonkeyPatch) -> type[FakeSimulator]:
    module = ModuleType("firebrick.sim.accelerator_sim")
    monkeypatch.setattr(module, "Simulator", FakeSimulator, raising=False)
    monkeypatch.setitem(sys.modules, "firebrick.sim.accelerator_sim", module)
    return FakeSimulator


def test_demo_reports_equal_scores_and_draws_images(small_model: Path, tmp_path: Path) -> None:
    arguments = ["demo", "--model", str(small_model), "--lanes", "30", "-o", str(tmp_path)]
    result = CliRunner().invoke(main, [*arguments, "--json"], catch_exceptions=False)
    assert (result.exit_code, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert report == json.loads((tmp_path / "report.json").read_text())
    assert (report["mismatches"], report["cycles_per_frame"]) == (0, 1000)
    for entry in report["pictures"]:
        assert entry["equal_scores"] == entry["classes"] == 7
        assert entry["golden"] == entry["hardware"]
        with Image.open(tmp_path / f"{Path(entry['image']).stem}.png") as image:
            assert min(image.size) >= 300
    printed = CliRunner().invoke(main, arguments, catch_exceptions=False).stdout
    assert printed.count("7 of 7 scores equal, 1,000 cycles") == 3


def test_demo_fails_on_one_wrong_score(
    fake_simulator: type[FakeSimulator], small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_simulator, "error", 1)
    result = CliRunner().invoke(main, ["demo", "--model", str(small_model), "--lanes", "30", "-o", str(tmp_path), "--json"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: 1 scores differ")
    assert json.loads(result.stdout)["mismatches"] == 1


def test_classify_gives_the_simulated_scores_and_cycles(small_model: Path, images: list[Path]) -> None:
    arguments = ["classify", "--scores", "--json", "--lanes", "30", "--model", str(small_model), *map(str, images)]
    simulated = json.loads(CliRunner().invoke(main, [*arguments, "--backend", "sim"], catch_exceptions=False).stdout)
    expected = json.loads(CliRunner().invoke(main, arguments, catch_exceptions=False).stdout)
    assert simulated == [entry | {"cycles": 1000} for entry in expected]
