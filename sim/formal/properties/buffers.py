# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Buffers of streams: what goes in comes out, in order. Payloads have few bits: no buffer looks at a payload."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from amaranth.hdl import Const, Mux, Signal, Value

from ....hw.engines import bypass
from ....hw.stream import fifo, skid_buffer
from ....sw.plan.lane_layout import LaneLayout
from ....sw.plan.memory_mapping import WIDEST_BLOCK_RAM_DEPTH
from ....sw.plan.nodes import OUTPUT_FIFO_DEPTH, SkipFifoSpec
from ..bench import Bench
from ..internals import internals
from ..proof import Engine, Fault, Proof
from .streams import Watch, accept, drive, in_order

WIDTH = 2
"""Bits of a payload where a proof must find its invariants itself."""
SHORT_CASCADE = (4, 2)
"""Depths of a skip FIFO as short as it can be: the first FIFO in block RAM, the second one not."""


def buffer(make: Callable[[], Any], capacity: int, fifos: Callable[[Any], list[Any]] | None = None) -> Callable[[Bench], None]:
    """The proof of a buffer with an input and an output; ``fifos`` are the FIFOs that it consists of, whose invariants are stated, too."""

    def build(bench: Bench) -> None:
        """The n-th payload in is the n-th out; it stays offered, unchanged, until it is taken; never more are inside than fit."""
        bench.m.submodules.dut = dut = make()
        stages = [Stage(bench, one, f"stage_{number}") for number, one in enumerate(fifos(dut))] if fifos else []
        drive(bench, dut.input, "input")
        accept(bench, dut.output, "output")
        watch = in_order(bench, dut.input, dut.output, capacity)
        if stages:
            _watched_in(bench, watch, stages)

    return build


class Stage:
    """The inside of a ``Fifo``: a ring of words and, in block RAM, an output register."""

    def __init__(self, bench: Bench, component: fifo.Fifo, name: str) -> None:
        sync_fifo = internals(component)["sync_fifo"]
        inside = internals(sync_fifo)
        block = "inner_level" in inside
        self._level = inside["inner_level"] if block else sync_fifo.level
        self._registered = sync_fifo.r_rdy if block else Const(0)
        self._register = sync_fifo.r_data
        self._depth = sync_fifo.depth - block
        self._produce, self._consume = inside["produce"], inside["consume"]
        self._port = inside["storage"].read_port(domain="comb")
        self._bench = bench
        self.items = Signal(range(sync_fifo.depth + 1), name=f"{name}_items")
        """How many payloads it holds."""
        bench.m.d.comb += self.items.eq(self._level + self._registered)

    def state_invariants(self) -> None:
        """The ring's pointers are as far apart as its level says."""
        end = self._consume + self._level
        within = (self._produce < self._depth) & (self._consume < self._depth) & (self._level <= self._depth)
        self._bench.ensure(within, "pointers are within the ring")
        self._bench.ensure(self._produce == Mux(end >= self._depth, end - self._depth, end), "the level is the pointers' distance")

    def holds(self, index: Value, value: Value) -> Value:
        """Whether the payload that leaves after ``index`` others is ``value``."""
        place = self._consume + index - self._registered
        self._bench.m.d.comb += self._port.addr.eq(Mux(place >= self._depth, place - self._depth, place))
        return Mux(self._registered & (index == 0), self._register, self._port.data) == value


def _watched_in(bench: Bench, watch: Watch, stages: list[Stage]) -> None:
    """The invariants: the payload that is watched is where its turn puts it, counted from the last stage on."""
    passed: Value = Const(0)
    for stage in reversed(stages):
        stage.state_invariants()
        here = watch.inside & (watch.ahead >= passed) & (watch.ahead < passed + stage.items)
        bench.ensure(~here | stage.holds((watch.ahead - passed)[: len(watch.ahead)], watch.value), "the payload is in its place")
        passed = passed + stage.items
    bench.ensure(watch.between == passed, "what is inside is in one of the stages")


FIFO_FAULTS = (
    Fault(fifo, "self.output.valid.eq(sync_fifo.r_rdy)", "self.output.valid.eq(1)"),
    Fault(fifo, "sync_fifo.r_en.eq(self.output.ready)", "sync_fifo.r_en.eq(1)"),
)
FULL = Fault(fifo, "self.input.ready.eq(sync_fifo.w_rdy)", "self.input.ready.eq(1)")
"""Shows when the FIFO is full: only in a short one."""
CASCADE = Fault(
    bypass,
    "wiring.connect(m, output, fifo.input)",
    "m.d.comb += [fifo.input.valid.eq(output.valid), fifo.input.payload.eq(output.payload), output.ready.eq(1)]",
)
"""Shows when a FIFO of a cascade is full."""


def _fifo(depth: int, *, block: bool, width: int = 8) -> Proof:
    """Of few bits by a proof that finds the invariants, otherwise by one that states them."""
    engine = Engine.PDR if width == WIDTH else Engine.INDUCTION
    build = buffer(lambda: fifo.Fifo(shape=width, depth=depth, block=block), depth, None if engine is Engine.PDR else lambda dut: [dut])
    name = f"fifo_{'block_' if block else ''}{depth}"
    faults = (*FIFO_FAULTS, FULL) if depth <= OUTPUT_FIFO_DEPTH else FIFO_FAULTS
    return Proof(name, build, faults, f"{depth} payloads of {width} bits{', block RAM' if block else ''}", engine, depth=1)


def _skip_fifo(depths: tuple[int, ...], faults: tuple[Fault, ...]) -> Proof:
    """FIFOs of such depths in a row, all but the last one in block RAM."""
    depth, layout = sum(depths), LaneLayout.natural(lanes=1, tiles=1, width=1)
    limits: dict[str, Any] = {"skip_fifo_depths": lambda _depth, _lanes: depths, "MAX_DISTRIBUTED_FIFO_BITS": 8 * depths[-1]}

    def make() -> bypass.SkipFifo:
        dut = bypass.SkipFifo(spec=SkipFifoSpec("skip_fifo", layout, depth, depth))
        with patch.multiple(bypass, **limits):
            internals(dut)
        return dut

    def fifos(dut: Any) -> list[Any]:
        submodules = dut.elaborate(None).submodules
        return [getattr(submodules, f"fifo_{number}") for number in range(len(depths))]

    size = f"FIFOs of {', '.join(f'{one:,}' for one in depths)} beats in a row"
    return Proof(f"skip_fifo_{depth}", buffer(make, depth, fifos), faults, size, Engine.INDUCTION, depth=1)


PROOFS = (
    Proof(
        "skid_buffer",
        buffer(lambda: skid_buffer.SkidBuffer(shape=WIDTH), 2),
        (
            Fault(skid_buffer, "with m.Elif(self.input.valid & ~spare_full):", "with m.Elif(self.input.valid):"),
            Fault(skid_buffer, "self.output.valid.eq(spare_full | self.input.valid)", "self.output.valid.eq(self.input.valid)"),
            Fault(skid_buffer, "spare_full.eq(0)]", "spare_full.eq(spare_full)]"),
        ),
        f"payloads of {WIDTH} bits",
    ),
    _fifo(4, block=False, width=WIDTH),
    _fifo(5, block=True, width=WIDTH),
    _fifo(OUTPUT_FIFO_DEPTH, block=False),
    _fifo(4 * WIDEST_BLOCK_RAM_DEPTH + 1, block=True),
    _skip_fifo(SHORT_CASCADE, (*FIFO_FAULTS, CASCADE)),
)
