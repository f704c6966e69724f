# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Buffers of streams: what goes in comes out, in order. Their payloads have two bits: no component looks at a payload."""

from collections.abc import Callable
from typing import Any

from ....hw.stream import skid_buffer as skid_buffer_module
from ....hw.stream.skid_buffer import SkidBuffer
from ..bench import Bench
from ..proof import Fault, Proof
from .streams import accept, drive, in_order

WIDTH = 2


def buffer(make: Callable[[], Any], capacity: int, name: str) -> Callable[[Bench], None]:
    """The proof of a buffer with an input and an output."""

    def build(bench: Bench) -> None:
        bench.m.submodules.dut = dut = make()
        drive(bench, dut.input, "input")
        accept(bench, dut.output, "output")
        in_order(bench, dut.input, dut.output, capacity)

    build.__doc__ = f"{name}: the n-th payload in is the n-th out, and stays offered until it is taken."
    return build


PROOFS = (
    Proof(
        "skid_buffer",
        buffer(lambda: SkidBuffer(shape=WIDTH), 2, "SkidBuffer"),
        faults=(
            Fault(skid_buffer_module, "with m.Elif(self.input.valid & ~spare_full):", "with m.Elif(self.input.valid):"),
            Fault(skid_buffer_module, "self.output.valid.eq(spare_full | self.input.valid)", "self.output.valid.eq(self.input.valid)"),
        ),
    ),
)
