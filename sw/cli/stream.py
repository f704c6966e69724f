# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick stream`: frames in, labels out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..zoo import catalogue
from .common import device_option, lanes_option, model_option, open_device_with_progress

if TYPE_CHECKING:
    from ..stream.rate_meter import RateMeter
    from ..stream.sinks import PredictionSink


@click.command("stream")
@device_option
@model_option
@lanes_option
@click.option("--limit", type=click.IntRange(1), metavar="N", help="End after so many frames.")
@click.option("--loop", is_flag=True, help="Begin again when a file or folder ends.")
@click.option("--rate", type=click.FloatRange(0.01, 1000), metavar="HZ", help="Frames a second, at most [default: as fast as the device].")
@click.option("--timeout", type=click.FloatRange(0.1), default=10.0, show_default=True, metavar="S", help="Wait so long for a frame.")
@click.option("--video", type=click.Path(path_type=Path), metavar="OUT.mp4", help="Write the frames with their labels to a video too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document a line on stdout; all else goes to stderr.")
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
    """Show what the network sees in each frame of a source.

    SOURCE is a video, a picture, a folder of pictures, `camera` (or `camera:N`), or `pattern`, a test pattern. A camera's frames are
    dropped where they come too fast; a file's never. Parts of a source that are damaged are passed over and counted. Ctrl-C ends the
    stream after the frames on their way, with everything that was written in good order; once more, at once. The device sim, the generated
    hardware in simulation, has --lanes multipliers, and takes minutes to be built for the first time.

    With --json each line is {frame, name, at, latency, top5}: seconds into the source and from sending to scores, and [{index, label,
    probability}], null where the frame was damaged on its way; the last line is {summary}.

    \b
    Example: firebrick stream --device golden --limit 100 holiday.mp4
    """
    from ..stream.frame_reader import FrameReader
    from ..stream.open_source import open_source
    from ..stream.rate_meter import RateMeter
    from ..stream.runner import SIGNAL_STATUS, interruptible, run_stream
    from ..stream.sinks import JsonLines

    loaded = catalogue.load(model)
    feed = FrameReader(
        open_source(source, 4 * loaded.preprocessing.resize, rate), loaded, limit=limit, loop=loop, rate=rate, timeout=timeout
    )
    meter = RateMeter()
    sinks = _sinks(f"{source} on {device}", meter, video, as_json)
    with open_device_with_progress(device, loaded, lanes) as opened, interruptible(feed.stop) as signals:
        meter.begin()
        summary = run_stream(opened, feed, sinks, meter)
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
