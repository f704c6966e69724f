# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A board's own camera in the live view: the board classifies what it sees, and the host looks on."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PIL import Image

from .. import golden
from ..driver.board_camera import BoardCamera, Capture
from ..errors import FirebrickError
from ..golden.top_k import ClassScore, top_k
from ..model.quantized import Model

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class BoardFrame:
    """One frame of the board's camera."""

    top5: list[ClassScore]
    seconds: float
    """From the request to the scores."""
    picture: Image.Image | None
    """The frame as the network saw it, if it has been taken with its picture."""
    check: str
    """Of such a frame: whether its scores are the golden model's; or why there is no picture. Otherwise empty."""
    counters: Callable[[], dict[str, int]]
    """Asks the board what its camera has counted."""


class BoardView:
    """The camera of the board that the live view is about; the first frame comes with its picture.

    Parameters
    ----------
    connect: opens the camera; raises FirebrickError where there is none
    """

    name = "board camera"

    def __init__(self, connect: Callable[[], BoardCamera]) -> None:
        self._connect = connect
        self._picture_wanted = threading.Event()
        self._picture_wanted.set()
        self.found = False
        """Whether the board has answered once: if it is lost, it may come back."""

    def request_picture(self) -> None:
        """Take the next frame with its picture. While it is taken, there are no labels."""
        self._picture_wanted.set()

    def frames(self) -> Iterator[BoardFrame]:
        """One frame after the other, without end. Raises FirebrickError where the board has no camera, or does not answer any more."""
        with self._connect() as camera:
            self.found = True
            while True:
                wanted = self._picture_wanted.is_set()
                self._picture_wanted.clear()
                taken, problem = _take(camera) if wanted else (camera.capture(), "")
                checked = problem if taken.picture is None else _checked(camera.model, taken)
                best = top_k(camera.model, taken.scores, min(5, camera.model.network.classes))
                yield BoardFrame(best, taken.seconds, _image(taken), checked, lambda: camera.report().as_dict())


def _take(camera: BoardCamera) -> tuple[Capture, str]:
    """A frame with its picture, or one without and the reason. Raises FirebrickError where there is no frame."""
    try:
        return camera.take_picture(), ""
    except FirebrickError as problem:
        logger.info("no picture: %s", problem)
        return camera.capture(), str(problem)


def _checked(model: Model, taken: Capture) -> str:
    assert taken.picture is not None
    expected = golden.run(model, taken.picture[None])[0]
    different = int((expected != taken.scores).sum())
    if different:
        return f"{different:,} of {len(expected):,} scores differ from the golden model's"
    return f"all {len(expected):,} scores equal the golden model's"


def _image(taken: Capture) -> Image.Image | None:
    if taken.picture is None:
        return None
    pixels = taken.picture.transpose(1, 2, 0)
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
