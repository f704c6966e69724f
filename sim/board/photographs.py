# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Photographs in front of a simulated board's camera: its scores and its screen, and what both should be."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...sw import golden
from ...sw.camera.picture import Bytes, camera_picture
from ...sw.display.render import render
from ...sw.display.settings import DisplaySettings
from ...sw.display.video_mode import PIXEL_HZ, VGA
from ...sw.errors import FirebrickError
from ...sw.model.quantized import Model
from ...sw.utils.progress import Progress, no_progress
from ..display.monitor import SignalError, decode_screens
from .screen_content import TakenFrame, screen_state
from .simulation import BoardSimulation

SLICE_SECONDS = 0.0005
"""Simulated between two looks at what the board has done."""
SETUP_SECONDS = 0.1
"""Longest time from power-up until the camera is set up."""
PATIENCE_FRAMES = 4
"""Frames of the sensor that may pass until one has been classified."""
SETTLED_CYCLES = 250
"""Cycles that scores may take to be part of the screen's contents."""
LEAD_PIXELS = 200
"""Recorded in front of a screen, for the monitor to settle."""
SCREEN_PIXELS = VGA.line.total * VGA.frame.total


@dataclass(frozen=True, eq=False)
class Shown:
    """What became of a photograph."""

    picture: NDArray[np.uint8]
    """As the network should see it, shape (channels, rows, columns)."""
    scores: NDArray[np.int64]
    """Those of the board."""
    expected: NDArray[np.int64]
    """Those of the golden model."""
    whole: bool
    """The board says that the frame came whole."""
    cycles: int
    """From the frame's first byte to its last score."""
    screen: NDArray[np.uint8] | None
    """What the screen showed, shape (480, 640, 3); None for a board without one, and where its signal was wrong."""
    expected_screen: NDArray[np.uint8] | None
    """What it should show."""
    complaint: str | None
    """What was wrong with the signal of the screen."""

    @property
    def different_scores(self) -> int:
        """How many scores differ."""
        return int(np.count_nonzero(self.scores != self.expected))

    @property
    def different_pixels(self) -> int | None:
        """How many pixels of the screen differ; None without a screen to look at."""
        if self.screen is None or self.expected_screen is None:
            return None
        return int(np.count_nonzero((self.screen != self.expected_screen).any(axis=2)))

    @property
    def right(self) -> bool:
        """The frame was whole, and all scores and pixels are as they should be."""
        return self.whole and not self.different_scores and not self.complaint and not self.different_pixels


class Photographs:
    """Shows photographs to a board one after the other, each until it has been classified.

    Parameters
    ----------
    board: just powered up
    model: what the board runs
    photographs: what the sensor sends of each, bytes of (rows, 2 * columns)
    settings: of the board's display; None if there is none
    prescaler: of the sensor's clock, as the board sets it
    progress: of the simulated time, which is not known in advance
    """

    def __init__(
        self,
        board: BoardSimulation,
        model: Model,
        photographs: Sequence[Bytes],
        settings: DisplaySettings | None,
        *,
        prescaler: int = 1,
        progress: Progress = no_progress,
    ) -> None:
        self._board, self._model, self._photographs = board, model, photographs
        self._frame_seconds = prescaler * board.frame_seconds
        self._settings = settings
        self._progress = progress
        self._milliseconds = round(1e3 * (SETUP_SECONDS + len(photographs) * self._frame_seconds))  # about
        picture = camera_picture(board.sensor, model.preprocessing, model.network.input)
        self._pictures = [picture.compute(data) for data in photographs]
        self._expected = [golden.run(model, seen[None])[0] for seen in self._pictures]

    def run(self) -> Iterator[Shown]:
        """What became of each photograph, as soon as it is known.

        While the screen is recorded, the sensor already sends the next photograph. Raises FirebrickError for a board that classifies
        nothing, or does not keep to the camera's bus.
        """
        board = self._board
        board.show(self._photographs[0], 0)
        for number in range(len(self._photographs)):
            self._wait(number, "started")
            if number + 1 < len(self._photographs):
                board.show(self._photographs[number + 1], number + 1)
            self._wait(number, "finished")
            index = int(np.flatnonzero(board.finished["picture"] == number)[0])
            frame = board.finished[index]
            screen = expected_screen = complaint = None
            if self._settings is not None:
                recording, expected_screen = self._record(self._settings)
                try:
                    screen = decode_screens(recording).pictures[-1]
                except SignalError as problem:
                    complaint = str(problem)
            yield Shown(
                picture=self._pictures[number],
                scores=board.scores[index],
                expected=self._expected[number],
                whole=bool(frame["good"]),
                cycles=int(frame["finished"] - frame["started"]),
                screen=screen,
                expected_screen=expected_screen,
                complaint=complaint,
            )

    def _wait(self, number: int, event: str) -> None:
        """Simulate until a frame of a photograph has started or finished."""
        board = self._board
        limit = board.now + SETUP_SECONDS + PATIENCE_FRAMES * self._frame_seconds
        while not (board.frames[event][board.frames["picture"] == number] > 0).any():
            if board.now > limit:
                raise FirebrickError(
                    f"photograph {number + 1}: its frame has not {event} {board.now:.2f} simulated seconds after power-up; "
                    "the board's camera or its network stands still"
                )
            self._run(SLICE_SECONDS)

    def _record(self, settings: DisplaySettings) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Record the next screen that has the newest scores, and render what it should show."""
        board = self._board
        newest = int(board.finished["finished"][-1]) / board.clock
        visible = VGA.frame.active * VGA.line.total  # pixels in front of the moment at which a screen's contents are taken for the next one
        screen = max(0, math.ceil((max(board.now, newest) * PIXEL_HZ - visible) / SCREEN_PIXELS))
        while True:
            self._run(((screen + 1) * SCREEN_PIXELS - LEAD_PIXELS) / PIXEL_HZ - board.now)
            recording = self._run((SCREEN_PIXELS + 2 * LEAD_PIXELS) / PIXEL_HZ, record=True)
            cycle = round((screen * SCREEN_PIXELS + visible) / PIXEL_HZ * board.clock)
            earliest, latest = (screen_state(self._taken(), moment, board.clock, settings) for moment in (cycle - SETTLED_CYCLES, cycle))
            if earliest == latest:
                return recording, render(latest, settings)
            screen += 2  # something changed just then; the recording has begun the next screen, so take the one behind it

    def _taken(self) -> list[TakenFrame]:
        return [
            TakenFrame(int(frame["started"]), int(frame["finished"]), bool(frame["good"]), self._expected[int(frame["picture"])])
            for frame in self._board.finished
        ]

    def _run(self, seconds: float, *, record: bool = False) -> NDArray[np.uint8]:
        """Simulate, slice by slice, with progress."""
        end, pieces = self._board.now + seconds, []
        while self._board.now < end - 1e-12:
            pieces.append(self._board.run(min(SLICE_SECONDS, end - self._board.now), record=record))
            self._progress("simulating the board", min(round(1e3 * self._board.now), self._milliseconds), self._milliseconds)
        return np.concatenate(pieces) if pieces else np.zeros(0, np.uint8)
