# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Buffers of streams: what goes in comes out, in order. Payloads have few bits: no buffer looks at a payload."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from ....hw.engines import bypass
from ....hw.stream import fifo, skid_buffer
from ....sw.plan.lane_layout import LaneLayout
from ....sw.plan.nodes import SkipFifoSpec
from ..bench import Bench
from ..internals import internals
from ..proof import Fault, Proof
from .streams import accept, drive, in_order

WIDTH = 2
SKIP_FIFO_DEPTHS = (4, 2)
"""A cascade as short as it can be: the first FIFO in block RAM, the second one not."""


def buffer(make: Callable[[], Any], capacity: int) -> Callable[[Bench], None]:
    """The proof of a buffer with an input and an output."""

    def build(bench: Bench) -> None:
        """The n-th payload in is the n-th out; it stays offered, unchanged, until it is taken; never more are inside than fit."""
        bench.m.submodules.dut = dut = make()
        drive(bench, dut.input, "input")
        accept(bench, dut.output, "output")
        in_order(bench, dut.input, dut.output, capacity)

    return build


def skip_fifo() -> bypass.SkipFifo:
    """A cascade of ``SKIP_FIFO_DEPTHS``; a real one begins with more than a thousand beats."""
    layout = LaneLayout.natural(lanes=1, tiles=1, width=1)
    depth = sum(SKIP_FIFO_DEPTHS)
    dut = bypass.SkipFifo(spec=SkipFifoSpec("skip_fifo", layout, depth, depth))
    short: dict[str, Any] = {
        "skip_fifo_depths": lambda _depth, _lanes: SKIP_FIFO_DEPTHS,
        "MAX_DISTRIBUTED_FIFO_BITS": 8 * SKIP_FIFO_DEPTHS[1],
    }
    with patch.multiple(bypass, **short):
        internals(dut)
    return dut


FIFO_FAULTS = (
    Fault(fifo, "sync_fifo.w_en.eq(self.input.valid)", "sync_fifo.w_en.eq(1)"),
    Fault(fifo, "self.output.valid.eq(sync_fifo.r_rdy)", "self.output.valid.eq(1)"),
    Fault(fifo, "sync_fifo.r_en.eq(self.output.ready)", "sync_fifo.r_en.eq(1)"),
)


def _fifo(depth: int, *, block: bool) -> Proof:
    # The output register of a FIFO in block RAM is part of its depth, the register before it is not.
    build = buffer(lambda: fifo.Fifo(shape=WIDTH, depth=depth, block=block), depth)
    name = f"fifo_{'block_' if block else ''}{depth}"
    return Proof(name, build, FIFO_FAULTS, f"depth {depth}{', block RAM' if block else ''}, {WIDTH} bits")


PROOFS = (
    Proof(
        "skid_buffer",
        buffer(lambda: skid_buffer.SkidBuffer(shape=WIDTH), 2),
        (
            Fault(skid_buffer, "with m.Elif(self.input.valid & ~spare_full):", "with m.Elif(self.input.valid):"),
            Fault(skid_buffer, "self.output.valid.eq(spare_full | self.input.valid)", "self.output.valid.eq(self.input.valid)"),
            Fault(skid_buffer, "spare_full.eq(0)]", "spare_full.eq(spare_full)]"),
        ),
        f"{WIDTH} bits",
    ),
    _fifo(4, block=False),
    _fifo(5, block=False),
    _fifo(4, block=True),
    _fifo(5, block=True),
    Proof(
        "skip_fifo",
        buffer(skip_fifo, sum(SKIP_FIFO_DEPTHS)),
        (
            Fault(
                bypass,
                "wiring.connect(m, output, fifo.input)",
                "m.d.comb += [fifo.input.valid.eq(output.valid), fifo.input.payload.eq(output.payload), output.ready.eq(1)]",
            ),
        ),
        "FIFOs of 4 (block RAM) and 2 beats",
    ),
)
