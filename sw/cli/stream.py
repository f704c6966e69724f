# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick stream`: classifies each frame of a source."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..zoo import catalogue
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

    \b
    Example: firebrick stream --device golden --limit 100 holiday.mp4
    """
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
