# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The real top module of a board with camera and screen: pictures at the sensor's pins, labels on the screen."""

from importlib.util import find_spec

import numpy as np
import pytest
from numpy.typing import NDArray

from firebrick.hw.boards.target import find_target
from firebrick.sim.board.simulation import BoardSimulation
from firebrick.sim.display.monitor import decode_screens
from firebrick.sw.camera.picture import Bytes, camera_picture
from firebrick.sw.camera.sensor_model import rgb565_bytes
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.display.probabilities import IntegerSoftmax
from firebrick.sw.display.render import render
from firebrick.sw.display.settings import display_settings
from firebrick.sw.display.state import ScreenState, Status
from firebrick.sw.fpga.peripherals import Peripherals
from firebrick.sw.golden.integer import run
from firebrick.sw.zoo.catalogue import load

pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_spec("amaranth_boards") is None, reason="needs the extra `bitstream`")]

SETUP_SECONDS = 0.045
SCREENS_SECONDS = 2.1 * 800 * 525 / 25e6


def test_what_the_camera_sees_is_on_the_screen_and_an_unplugged_camera_does_no_harm() -> None:
    rng = np.random.default_rng(1)
    model = load("digits")
    target = find_target("ulx3s_12f", link="uart", peripherals=Peripherals("ov7670", "hdmi"))
    with BoardSimulation(model, compile_model(model, 4), target, blank_lines=3) as board:
        picture = camera_picture(board.sensor, model.preprocessing, model.network.input)

        def seen(data: Bytes) -> NDArray[np.int64]:
            scores: NDArray[np.int64] = run(model, picture.compute(data)[None])[0]
            return scores

        def random_frame() -> Bytes:
            blocks = rng.integers(0, 256, (board.sensor.rows // 16, board.sensor.columns // 16, 3), np.uint8)
            return rgb565_bytes(blocks.repeat(16, axis=0).repeat(16, axis=1))

        first, second = random_frame(), random_frame()
        board.show(first)
        board.run(SETUP_SECONDS + 2.1 * board.frame_seconds)
        assert len(board.scores) >= 2
        assert board.good.all()
        assert (board.scores == seen(first)).all()

        board.run_to(0.5)
        whole = len(board.scores)
        board.plug(False)
        board.run(0.02)
        board.show(second)
        board.plug(True)
        board.run(2.2 * board.frame_seconds)
        assert board.good.tolist() == [True] * whole + [False] + [True] * (len(board.good) - whole - 1)
        assert len(board.good) > whole + 1
        assert (board.scores[whole + 1 :] == seen(second)).all()

        screens = decode_screens(board.run(SCREENS_SECONDS, record=True))
        settings = display_settings(model)
        shares = IntegerSoftmax(settings.score_scale).shares(seen(second))
        cycles = board.finished["finished"] - board.finished["started"]
        states = [ScreenState(shares, 0, int(tenths), 0, Status.LIVE) for tenths in set((cycles - 1) // round(board.clock / 10_000))]
        assert any((screens.pictures[-1] == render(state, settings)).all() for state in states)
