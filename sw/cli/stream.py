# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick stream`: classifies each frame of a source."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..zoo import catalogue
from . import board_camera
from .common import device_option, lanes_option, model_option, open_device_with_progress
from .output_paths import OutputFile

if TYPE_CHECKING:
    from ..stream.rate_meter import RateMeter
    from ..stream.sinks import PredictionSink


@click.command("stream")
@device_option
@model_option
@lanes_option
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Stop after N frames.")
@click.option("--loop", is_flag=True, help="Start again at the end of a file or folder.")
@click.option("--rate", type=click.FloatRange(0.01, 1000), metavar="HZ", help="Maximum frames per second [default: as fast as the device].")
@click.option("--timeout", type=click.FloatRange(0.1), default=10.0, show_default=True, metavar="S", help="Seconds to wait for a frame.")
@click.option("--video", type=OutputFile(), metavar="OUT.mp4", help="Also write the frames with their labels to a video.")
@click.option("--check", is_flag=True, help="Of board-camera: take one picture, and compare all its scores with the golden model's.")
@click.option("--picture", type=OutputFile(), metavar="OUT.png", help="Of board-camera: save one picture as the network saw it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per line on stdout; everything else goes to stderr.")
@click.argument("source")
def command(
    source: str,
    device: str,
    model: str,
    lanes: int,
    limit: int | None,
    loop: bool,
    rate: float | None,
    timeout: float,
    video: Path | None,
    check: bool,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Classify each frame of a source.

    SOURCE is a video, an image or animation, a folder of images, `camera` (or `camera:N`), or `pattern`, a test pattern. Frames of a camera
    are dropped when they arrive faster than the device takes them; frames of a file never are. Damaged parts of a source are skipped and
    counted. Ctrl-C ends the stream after the frames in flight and closes all outputs; a second Ctrl-C ends it at once. The device `sim`,
    the generated hardware in simulation, has --lanes multipliers; building it takes minutes the first time.

    With --json each line is {frame, name, at, latency, top5}: `at` is the frame's timestamp in seconds, `latency` the seconds from sending
    the frame to receiving its scores, and `top5` is [{index, label, probability}], or null if the frame was damaged on the link. The last
    line is {summary}.

    The source `board-camera` is the camera of a board built with --camera: its pictures stay on the board, and their labels are shown. With
    --check it takes one picture, computes its scores by the golden model and compares all; the exit status is 1 if any differs.

    \b
    Example: firebrick stream --device golden --limit 100 holiday.mp4
    """
    _reject_options(source, video, loop, rate, check, picture)
    if source == board_camera.SOURCE:
        _stream_board_camera(device, model, limit, check, picture, as_json)
        return
    from ..stream.frame_reader import FrameReader
    from ..stream.open_source import open_source
    from ..stream.rate_meter import RateMeter
    from ..stream.runner import SIGNAL_STATUS, interruptible, run_stream
    from ..stream.sinks import JsonLines

    loaded = catalogue.load(model)
    reader = FrameReader(open_source(source, loaded.preprocessing.resize, rate), loaded, limit=limit, loop=loop, rate=rate, timeout=timeout)
    meter = RateMeter()
    sinks = _sinks(f"{source} on {device}", meter, video, as_json)
    with open_device_with_progress(device, loaded, lanes) as opened, interruptible(reader.stop) as signals:
        meter.begin()
        summary = run_stream(opened, reader, sinks, meter)
    if as_json:
        JsonLines(sys.stdout).line({"summary": summary.as_dict()})
    click.echo(str(summary), err=True)
    if signals:
        click.get_current_context().exit(SIGNAL_STATUS + signals[0])


def _reject_options(source: str, video: Path | None, loop: bool, rate: float | None, check: bool, picture: Path | None) -> None:
    """Raises UsageError for options that belong to other sources."""
    if source != board_camera.SOURCE and (check or picture):
        raise click.UsageError("--check and --picture are for the source board-camera")
    if source == board_camera.SOURCE and (video or loop or rate):
        raise click.UsageError("--video, --loop and --rate are not for the source board-camera; save one picture with --picture")


def _stream_board_camera(device: str, model: str, limit: int | None, check: bool, picture: Path | None, as_json: bool) -> None:
    """Show what a board's own camera sees, or check or save one picture of it."""
    from ..stream.rate_meter import RateMeter

    with board_camera.open_camera(device, catalogue.load(model)) as camera:
        if check:
            if not board_camera.check(camera, picture, as_json):
                click.get_current_context().exit(1)
        elif picture:
            board_camera.save_picture(camera, picture)
            click.echo(f"wrote {picture}", err=True)
        else:
            meter = RateMeter()
            board_camera.watch(camera, _sinks(f"{board_camera.SOURCE} on {device}", meter, None, as_json), meter, limit, as_json)


def _sinks(title: str, meter: "RateMeter", video: Path | None, as_json: bool) -> "list[PredictionSink]":
    from ..stream.sinks import JsonLines, TerminalTable, TextLines

    sinks: list[PredictionSink] = []
    if as_json:
        sinks.append(JsonLines(sys.stdout))
    else:
        sinks.append(TerminalTable(title, meter) if sys.stdout.isatty() else TextLines(sys.stdout))
    if video is not None:
        from ..stream.video_sink import VideoSink

        sinks.append(VideoSink(video, meter))
    return sinks
