# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The crossing between the clocks of the accelerator and of USB: bytes keep their order, whatever the clocks do.

Both domains are driven by one clock, and each has an enable with any values: so their edges come in any order, also together. A
synchroniser samples a signal as it is before the edge; what it could take of a signal that changes at that moment, the old or the new
value, is what it takes at an edge just before or just after. That suffices for a counter in Gray code, of which one bit changes at a
time: this is proven, too.
"""

from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from amaranth.hdl import Cat, DomainRenamer, EnableInserter, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ....hw.link import usb
from ....sw.link.usb_ids import FULL_SPEED_PACKET
from ..bench import Bench
from ..internals import internals
from ..proof import Engine, Fault, Proof


class _NoDevice(wiring.Component):
    """Takes the place of LUNA's device."""

    connect: Signal
    full_speed_only: Signal
    utmi = None
    """Its PHY."""

    def __init__(self, **_parameters: object) -> None:
        super().__init__({"connect": In(1), "full_speed_only": In(1)})

    def add_standard_control_endpoint(self, _descriptors: object) -> None:
        """Nothing."""

    def add_endpoint(self, _endpoint: object) -> None:
        """Nothing."""

    def elaborate(self, _platform: object) -> Module:
        """Nothing."""
        return Module()


def _endpoint(**_parameters: object) -> SimpleNamespace:
    """Takes the place of one of LUNA's endpoints: the bench drives its stream."""
    return SimpleNamespace(stream=SimpleNamespace(payload=Signal(8), valid=Signal(), ready=Signal(), last=Signal()))


def both_ways(depth: int) -> Callable[[Bench], None]:
    """The proof for a depth of the FIFOs."""

    def build(bench: Bench) -> None:
        """UsbPort: in both directions, the n-th byte into the crossing is the n-th out of it, for any edges of the two clocks."""
        m = bench.m
        dut = usb.UsbPort(phy=None, name="name", serial="serial", packet=FULL_SPEED_PACKET)
        replaced: Any = {"USBDevice": _NoDevice, "USBStreamInEndpoint": _endpoint, "USBStreamOutEndpoint": _endpoint, "FIFO_DEPTH": depth}
        with patch.multiple(usb, **replaced):
            inside = internals(dut)
        ticks = {domain: bench.free(1, f"{domain}_tick") for domain in ("sync", "usb")}
        from_host, to_host = inside["from_host"].stream, inside["to_host"].stream
        m.d.comb += [
            from_host.valid.eq(bench.free(1, "host_valid")),
            from_host.payload.eq(bench.free(8, "host_payload")),
            dut.sent.valid.eq(bench.free(1, "sent_valid")),
            dut.sent.payload.eq(bench.free(8, "sent_payload")),
            to_host.ready.eq(bench.free(1, "host_ready")),
        ]
        into = (from_host.valid & from_host.ready & ticks["usb"], from_host.payload)
        out = (dut.received.valid & ticks["sync"], dut.received.payload)
        _in_order(bench, inside["inwards"], into, out, "inwards")
        into = (dut.sent.valid & dut.sent.ready & ticks["sync"], dut.sent.payload)
        out = (to_host.valid & to_host.ready & ticks["usb"], to_host.payload)
        _in_order(bench, inside["outwards"], into, out, "outwards")
        bench.ensure(to_host.last == (to_host.payload == 0), "a zero ends a transfer")
        m.submodules.dut = DomainRenamer({"usb": "sync"})(EnableInserter(ticks)(dut))

    return build


def _in_order(bench: Bench, fifo: Any, into: tuple[Value, Value], out: tuple[Value, Value], name: str) -> None:
    """The n-th byte in is the n-th out. Any one byte is marked."""
    m = bench.m
    depth = fifo.depth
    inside = internals(fifo)
    written, read = inside["produce_w_bin"], inside["consume_r_bin"]
    number = len(written)
    entering, byte_in = into
    leaving, byte_out = out
    pushed, popped, mine = (Signal(number, name=f"{name}_{what}") for what in ("pushed", "popped", "marked_number"))
    marked, done = Signal(name=f"{name}_marked"), Signal(name=f"{name}_done")
    value = Signal(8, name=f"{name}_value")
    m.d.sync += [pushed.eq(pushed + entering), popped.eq(popped + leaving)]
    with m.If(entering & bench.free(1, f"{name}_mark") & ~marked):
        m.d.sync += [marked.eq(1), mine.eq(pushed), value.eq(byte_in)]
    with m.If(leaving):
        bench.ensure(pushed != popped, f"{name}: only what went in comes out")
        with m.If(marked & ~done & (popped == mine)):
            bench.ensure(byte_out == value, f"{name}: the marked byte comes out as it went in")
            m.d.sync += done.eq(1)
    bench.ensure((pushed - popped)[:number] <= depth, f"{name}: no more are in between than there is room for")
    bench.reaches(done)

    # The invariants. The counters by age: what the writer knows to be read; what is; what the reader knows to be written; what is.
    watched = inside["storage"].read_port(domain="comb")
    seen_read = [_decoded(flop) for flop in reversed(internals(inside["consume_cdc"])["flops"])]
    seen_written = [_decoded(flop) for flop in reversed(internals(inside["produce_cdc"])["flops"])]
    bench.ensure((written == pushed) & (read == popped), f"{name}: bytes are counted")
    for gray, binary in ((inside["produce_w_gry"], written), (inside["consume_r_gry"], read)):
        bench.ensure(_decoded(gray) == binary, f"{name}: the counter in Gray code is the same")
        changed = gray ^ bench.past(gray, f"{gray.name}_{name}_before")
        bench.ensure(changed & (changed - 1) == 0, f"{name}: one bit of it changes at a time")
    in_order = [*seen_read, read, *seen_written, written]
    for earlier, later in pairwise(in_order):
        distance = (later - in_order[0])[:number]
        bench.ensure((earlier - in_order[0])[:number] <= distance, f"{name}: what a domain knows of the other is from the past")
        bench.ensure(distance <= depth, f"{name}: the FIFO does not overflow")
    reset = internals(inside["rst_cdc"])["flops"]  # set at first: the reader waits while the reset of the writer's domain arrives
    known = [*reversed(seen_written)]
    for flop, counter in zip(reset, known, strict=True):
        bench.ensure(~flop | ((counter == 0) & (read == 0)), f"{name}: nothing is read before the reset has ended")
    bench.ensure(~reset[0] | reset[1], f"{name}: the reset ends once")
    m.d.comb += watched.addr.eq(mine)
    ahead = (mine - read)[:number]
    with m.If(marked & ~done):
        bench.ensure(ahead < (written - read)[:number], f"{name}: the marked byte is in between")
        bench.ensure(watched.data == value, f"{name}: the marked byte is in the memory")
        with m.If((ahead == 0) & (seen_written[-1] != read)):
            bench.ensure(fifo.r_data == value, f"{name}: the next byte has been read")


def _decoded(gray: Value) -> Value:
    """The number of a Gray code: bit n is the sum of the bits from n on."""
    return Cat(gray[n:].xor() for n in range(len(gray)))


FAULTS = (
    Fault(usb, "inwards.w_en.eq(from_host.stream.valid)", "inwards.w_en.eq(1)"),
    Fault(usb, "self.sent.ready.eq(outwards.w_rdy)", "self.sent.ready.eq(1)"),
    Fault(usb, "outwards.r_en.eq(to_host.stream.ready)", "outwards.r_en.eq(1)"),
    Fault(usb, 'depth=FIFO_DEPTH, w_domain="sync", r_domain="usb"', 'depth=FIFO_DEPTH, w_domain="usb", r_domain="usb"'),
)
PROOFS = tuple(
    Proof(name, both_ways(depth), FAULTS, f"depth {depth}", Engine.INDUCTION, depth=1, counterexample_depth=14, quick=quick)
    for name, depth, quick in (("usb_crossing", 4, True), (f"usb_crossing_{usb.FIFO_DEPTH}", usb.FIFO_DEPTH, False))
)
