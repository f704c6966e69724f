# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick stream board-camera`: what a board's own camera sees, and whether the board computes it right."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import FirebrickError

if TYPE_CHECKING:
    from ..driver.board_camera import BoardCamera, Capture
    from ..model.quantized import Model
    from ..stream.rate_meter import RateMeter
    from ..stream.sinks import PredictionSink

SOURCE = "board-camera"
"""The name of the source."""
WITHOUT_BOARD = ("golden", "sim")
"""Devices that are no boards."""


def watch(camera: "BoardCamera", sinks: "Sequence[PredictionSink]", meter: "RateMeter", limit: int | None, as_json: bool) -> None:
    """Show the label of one frame after the other, and at the end what the camera counted.

    Raises FirebrickError where the camera gives no frame or the board is lost.
    """
    from contextlib import ExitStack

    from PIL import Image

    from ..golden.top_k import top_k
    from ..stream.inference import Prediction
    from ..stream.runner import interruptible
    from ..stream.source import Frame

    model, stopped = camera.model, list[bool]()
    before = camera.report()
    with ExitStack() as stack, interruptible(lambda: stopped.append(True)):
        for sink in sinks:
            stack.enter_context(sink)
        meter.begin()
        while not stopped and (limit is None or meter.frames < limit):
            taken = camera.capture()
            meter.count(taken.seconds, True)
            best = top_k(model, taken.scores, min(5, model.network.classes))
            frame = Frame(Image.new("RGB", (1, 1)), meter.seconds)  # the board keeps its pictures to itself
            for sink in sinks:
                sink.show(Prediction(meter.frames - 1, frame, best, taken.seconds, taken.scores))
    _summarise(camera, before.as_dict(), meter.frames, as_json)


def check(camera: "BoardCamera", picture: Path | None, as_json: bool) -> bool:
    """Take one picture, compare all scores with the golden model's, and say so; whether they are equal.

    Raises FirebrickError where there is no picture to be had, or its file cannot be written.
    """
    import json

    from .. import golden
    from .backends import top5

    taken = camera.take_picture()
    assert taken.picture is not None
    expected = golden.run(camera.model, taken.picture[None])[0]
    different = int((expected != taken.scores).sum())
    if picture is not None:
        _save(picture, taken)
    best = top5(camera.model, taken.scores)[0]
    if as_json:
        document = {"classes": len(expected), "different": different, "label": best["label"], "camera": camera.report().as_dict()}
        click.echo(json.dumps({"check": document}))
    verdict = f"all {len(expected):,} scores equal" if not different else f"{different:,} of {len(expected):,} scores differ from"
    click.echo(f"one camera picture, {best['label']} ({best['probability']:.1%}): {verdict} the golden model's", err=as_json)
    return not different


def save_picture(camera: "BoardCamera", picture: Path) -> None:
    """Take one picture and write it. Raises FirebrickError as ``check`` does."""
    _save(picture, camera.take_picture())


def _save(path: Path, taken: "Capture") -> None:
    """Write the picture of a capture; the network's channels are red, green and blue, or one of grey."""
    from io import BytesIO

    from PIL import Image

    from ..utils.atomic_files import write_atomically

    assert taken.picture is not None
    pixels = taken.picture.transpose(1, 2, 0)
    stream = BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(stream, format="PNG")
    write_atomically(path, stream.getvalue())


def _summarise(camera: "BoardCamera", before: dict[str, int], frames: int, as_json: bool) -> None:
    from ..stream.sinks import JsonLines

    after = camera.report().as_dict()
    counted = {name: after[name] - before[name] for name in ("taken", "dropped", "torn")}
    if as_json:
        JsonLines(sys.stdout).line({"summary": {"frames": frames, "camera": {**after, **counted}}})
    click.echo(
        f"{frames:,} frames; the board took {counted['taken']:,}, dropped {counted['dropped']:,} because its network was busy, "
        f"and {counted['torn']:,} broke off",
        err=True,
    )


def without_camera(device: str) -> FirebrickError:
    """The error for a device that cannot have a camera."""
    return FirebrickError(f"device {device} has no camera; name a board built with --camera, or the source `camera` for this machine's")


def open_camera(device: str, model: "Model") -> "BoardCamera":
    """The camera of the board at an address. Raises FirebrickError for an address of no board, and as ``BoardCamera`` does."""
    if device in WITHOUT_BOARD:
        raise without_camera(device)
    from ..driver.board_camera import BoardCamera
    from ..driver.open_transport import open_transport

    return BoardCamera(model, open_transport(device))
