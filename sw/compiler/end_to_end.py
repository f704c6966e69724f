# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a host sees of a plan over a link: frame rate and latency, predicted from nominal rates, the protocol and the plan's cycles."""

from dataclasses import dataclass

from ..link.carriers import MAX_IN_FLIGHT, Carrier, link_rate, wire_bytes
from ..link.packets import INITIAL_WINDOW, MAX_PAYLOAD
from ..plan.nodes import ConvSpec, Plan
from .latency import latencies

SETTLING_FRAMES = 8
"""Frames after which the latency in a stream is steady."""


@dataclass(frozen=True)
class EndToEnd:
    """What a host sees over one link."""

    carrier: str
    fps: float
    """Frames a second: what the link carries or the engines compute, whichever is less."""
    limit: str
    """What limits them: "bytes on the wire", "round trips" or "engines"."""
    latency_ms: float
    """Milliseconds from the first byte of a single frame to its last score."""
    stream_latency_ms: float
    """The same in a stream, in which frames wait for those before them."""


def engine_latency_ms(plan: Plan, clock: float) -> float:
    """Milliseconds that a single frame takes in the engines, whose rows come as fast as they are taken; ``clock`` in Hz.

    It is longer than the time between the frames of a stream: an engine begins a row once all rows under its kernel are there, and ends
    its last row a row's time later, so that each 3x3 convolution of a map of h rows adds two times of a row, 2/h of a frame's.
    """
    rows = plan.engines[0].partitions[0].height
    (cycles,) = latencies(plan, [0.0] * rows, frames=1, in_flight=1)
    return round(1000 * cycles / clock, 3)


def end_to_end(plan: Plan, carrier: Carrier, clock: float, cycles: int | None = None) -> EndToEnd:
    """Predict what a host sees, at the plan's predicted cycles of a frame or at measured ones; ``clock`` in Hz.

    The times of the host itself are not counted: decoding and scaling images, and the adapter of a serial line if it is slower than a
    millisecond.
    """
    first = plan.engines[0].partitions[0]
    assert isinstance(first, ConvSpec)  # conv1 takes the image
    row_bytes = first.channels * first.source.width
    score_bytes = -(-plan.global_sum.score_bits // 8)
    frame_bytes = row_bytes * first.height
    wire = wire_bytes(frame_bytes, plan.global_sum.channels, score_bytes)
    link_fps, limit = link_rate(carrier, wire)
    fps, limit = min((link_fps, limit), (clock / (cycles or plan.cycles), "engines"))
    answer = carrier.round_trip + wire.received / carrier.bytes_per_second
    # A packet's bytes can be used once its checksum has arrived.
    usable = (min(frame_bytes, -(-row * row_bytes // MAX_PAYLOAD) * MAX_PAYLOAD) for row in range(1, first.height + 1))
    arrivals = [clock / link_fps * count / frame_bytes for count in usable]

    def milliseconds(frames: int, in_flight: int) -> float:
        waiting = latencies(plan, arrivals, frames=frames, in_flight=in_flight, rows_ahead=INITIAL_WINDOW // row_bytes)
        return round(1000 * (waiting[-1] / clock + answer), 3)

    return EndToEnd(carrier.name, round(fps, 2), limit, milliseconds(1, 1), milliseconds(SETTLING_FRAMES, MAX_IN_FLIGHT))
