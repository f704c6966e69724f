# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick link`: measure the link to a board."""

from typing import TYPE_CHECKING, Any

import click

from ..zoo import catalogue
from .common import json_option, lanes_option, model_option, print_json, print_tables, progress_bar

if TYPE_CHECKING:
    from rich.table import Table


@click.command("link")
@model_option
@lanes_option
@click.option("--frames", type=click.IntRange(1, 10_000), default=6, show_default=True, help="Number of frames to measure.")
@json_option
def command(model: str, lanes: int, frames: int, as_json: bool) -> None:
    """Measure the link on the virtual board: bytes, frame rates, latency, recovery from faults.

    The driver sends frames to the Verilated hardware over a line that is as fast as the hardware: first a stream, then single frames with
    one fault each. The JSON document is {network, frames, lanes, clock, wire, cycles, engine_fps, carriers, host_ms, recovery}: recovery is
    in cycles, and the figures of carriers (transports) are calculated from their nominal rates. Building the board for the first time
    takes minutes.

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
    link = Table("quantity", "value", title=f"{figures['network']}, {figures['lanes']} lanes, {clock / 1e6:.0f} MHz")
    link.add_row("bytes to the board per frame", f"{wire['sent']:,.1f} for {wire['frame_bytes']:,} of pixels")
    link.add_row("bytes from the board per frame", f"{wire['received']:,.1f} for {wire['score_bytes']:,} of scores")
    link.add_row("overhead of both directions", f"{wire['overhead_percent']:.2f} %")
    link.add_row("cycles per frame, streaming", f"{cycles['frame']:,} ({cycles['planned']:,} planned)")
    link.add_row("cycles from a single frame to its result", f"{cycles['frame_alone']:,} ({1000 * cycles['frame_alone'] / clock:.3f} ms)")
    link.add_row("cycles from request to answer", f"{cycles['question']:,}")
    link.add_row("processor time of the host per frame", f"{figures['host_ms']:.2f} ms")
    transports = Table("transport", "bytes per second", "frames per second", "limited by", title="Frame rate by transport (calculated)")
    for transport in figures["carriers"]:
        transports.add_row(transport["name"], f"{transport['bytes_per_second']:,}", f"{transport['fps']:.2f}", transport["limit"])
    faults = Table("fault of one packet", "cycles", "ms", title="Added latency after a faulty packet")
    for fault, cycles_added in figures["recovery"].items():
        faults.add_row(fault, f"{cycles_added:,}", f"{1000 * cycles_added / clock:.3f}")
    return link, transports, faults
