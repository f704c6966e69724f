# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick link`: what the link to a board costs."""

from typing import TYPE_CHECKING, Any

import click

from ..zoo import catalogue
from .common import json_option, lanes_option, model_option, print_json, print_tables, progress_bar

if TYPE_CHECKING:
    from rich.table import Table


@click.command("link")
@model_option
@lanes_option
@click.option("--frames", type=click.IntRange(1, 10_000), default=6, show_default=True, help="Frames to measure with.")
@json_option
def command(model: str, lanes: int, frames: int, as_json: bool) -> None:
    """Measure the link on the virtual board: bytes, frame rates, latency, recovery from faults.

    The driver sends frames to the Verilated hardware over a line as fast as it, in a stream and then alone, with one fault each time. The
    JSON document is {network, frames, lanes, clock, wire, cycles, engine_fps, carriers, host_ms, recovery}; recovery is in cycles, and
    what is said of a carrier is calculated from its nominal rate. Building the board takes minutes for the first time.

    \b
    Example: firebrick link --lanes 320
    """
    from firebrick.sim.link_benchmark import measure_link

    with progress_bar() as progress:
        figures = measure_link(catalogue.load(model), lanes, frames, progress)
    if as_json:
        print_json(figures)
    else:
        print_tables(*_tables(figures))


def _tables(figures: dict[str, Any]) -> "tuple[Table, ...]":
    from rich.table import Table

    wire, cycles, clock = figures["wire"], figures["cycles"], figures["clock"]
    link = Table("what", "figure", title=f"{figures['network']}, {figures['lanes']} lanes, {clock / 1e6:.0f} MHz")
    link.add_row("bytes to the board per frame", f"{wire['sent']:,.1f} for {wire['frame_bytes']:,} of pixels")
    link.add_row("bytes back per frame", f"{wire['received']:,.1f} for {wire['score_bytes']:,} of scores")
    link.add_row("overhead of both", f"{wire['overhead_percent']:.2f} %")
    link.add_row("cycles per frame, streaming", f"{cycles['frame']:,} ({cycles['planned']:,} planned)")
    link.add_row("cycles from frame to result, alone", f"{cycles['frame_alone']:,} ({1000 * cycles['frame_alone'] / clock:.3f} ms)")
    link.add_row("cycles from question to answer", f"{cycles['question']:,}")
    link.add_row("host's processor per frame", f"{figures['host_ms']:.2f} ms")
    carriers = Table("carrier", "bytes a second", "frames a second", "limited by", title="What each carrier allows (calculated)")
    for each in figures["carriers"]:
        carriers.add_row(each["name"], f"{each['bytes_per_second']:,}", f"{each['fps']:.2f}", each["limit"])
    faults = Table("fault of one packet", "cycles", "ms", title="How much later a frame's result comes")
    for fault, late in figures["recovery"].items():
        faults.add_row(fault, f"{late:,}", f"{1000 * late / clock:.3f}")
    return link, carriers, faults
