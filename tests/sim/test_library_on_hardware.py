# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Devices of the library on the generated hardware: the virtual board, and a board behind a serial port."""

from pathlib import Path

import numpy as np
import pytest

import firebrick
from firebrick.sim.pseudo_terminal import PseudoTerminal
from firebrick.sw.fire_format.file import write_fire
from tests.helpers.boards import LANES, tiny_board, tiny_frames, tiny_model

pytestmark = pytest.mark.usefixtures("compiled_board")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "tiny.fire"
    write_fire(tiny_model(), path)
    return path


def test_virtual_board_gives_the_models_scores(tiny: Path) -> None:
    frames = tiny_frames(np.random.default_rng(5), 6)
    expected = firebrick.load(tiny).classify(frames)
    with firebrick.open_device("sim", tiny, lanes=LANES) as device:
        predictions = list(device.stream(iter(frames), top=3))
        np.testing.assert_array_equal(device.scores(frames), firebrick.load(tiny).scores(frames))
        assert device.counters()["frames"] == 12
    assert [prediction.frame for prediction in predictions] == list(range(6))
    assert [prediction.top for prediction in predictions] == [prediction.top[:3] for prediction in expected]
    assert min(prediction.seconds for prediction in predictions) > 0


def test_board_with_another_model_is_refused(tiny: Path) -> None:
    with PseudoTerminal(tiny_board()) as terminal:
        with pytest.raises(firebrick.FirebrickError, match="tiny"):
            firebrick.open_device(f"serial:{terminal.port}", "digits")
        with firebrick.open_device(f"serial:{terminal.port}", str(tiny)) as device:
            assert len(device.classify(tiny_frames(np.random.default_rng(6), 2), top=1)) == 2
