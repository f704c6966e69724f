# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A network without a last ReLU in Verilator: its negative scores are the golden model's in simulator, board and command line."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from firebrick.sim.accelerator_sim import Simulator
from firebrick.sim.open_device import open_device
from firebrick.sim.small_models import randomly_initialised
from firebrick.sw import golden
from firebrick.sw.cli.main import main
from firebrick.sw.fire_format.file import write_fire
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import LinearConv
from tests.helpers.boards import LANES, NETWORK, tiny_frames

pytestmark = pytest.mark.usefixtures("compiled_board")


@pytest.fixture(scope="module")
def model() -> Model:
    """The tiny network with 9 classes and no last ReLU."""
    signed = replace(NETWORK, stages=(NETWORK.stages[0], LinearConv("conv10", 9, 1), NETWORK.stages[-1]))
    return randomly_initialised(signed, np.random.default_rng(1), bits=4)


def test_simulator_computes_negative_scores(model: Model) -> None:
    frames = tiny_frames(np.random.default_rng(0), 4)
    expected = golden.run(model, frames)
    assert 0.2 < (expected < 0).mean() < 0.8
    with Simulator(model, lanes=LANES) as simulator:
        np.testing.assert_array_equal([result.scores for result in simulator.run(frames)], expected)
        assert simulator.report["score_signed"]


@pytest.mark.slow
def test_board_sends_negative_scores(model: Model) -> None:
    frames = tiny_frames(np.random.default_rng(1), 3)
    with open_device("sim", model, lanes=LANES) as device:
        np.testing.assert_array_equal([result.scores for result in device.stream(frames)], golden.run(model, frames))


def test_classify_gives_the_same_negative_scores_in_both_backends(model: Model, tmp_path: Path) -> None:
    write_fire(model, tmp_path / "signed.fire")
    for index, frame in enumerate(tiny_frames(np.random.default_rng(2), 2)):
        Image.fromarray(frame.transpose(1, 2, 0)).save(tmp_path / f"{index}.png")
    images = [str(path) for path in sorted(tmp_path.glob("*.png"))]
    results = []
    for backend in ("golden", "sim"):
        options = ["--json", "--scores", "--backend", backend, "--lanes", str(LANES), "--model", str(tmp_path / "signed.fire")]
        done = CliRunner().invoke(main, ["classify", *options, *images], catch_exceptions=False)
        assert done.exit_code == 0
        results.append([entry["scores"] for entry in json.loads(done.stdout)])
    assert results[0] == results[1]
    assert any(score < 0 for scores in results[0] for score in scores)
