# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the stream adapters must do with each beat."""

from unittest.mock import patch

from amaranth.hdl import Mux, Signal

from ....hw.engines import bypass
from ....hw.stream import adapters
from ....sw.plan.lane_layout import LaneLayout
from ....sw.plan.nodes import BypassSpec, DownsizerSpec, SerializerSpec
from ..bench import Bench, bits, transfer
from ..internals import internals
from ..proof import Fault, Proof
from .streams import accept, drive


def broadcast(bench: Bench) -> None:
    """Every output takes every beat of the input exactly once, unchanged; the input advances when the last one has taken it."""
    m = bench.m
    m.submodules.dut = dut = adapters.Broadcast(lanes=1, count=3)
    drive(bench, dut.input, "input")
    taken = transfer(dut.input)
    for number, output in enumerate(dut.outputs):
        accept(bench, output, f"output_{number}")
        has_taken = Signal(name=f"has_taken_{number}")
        m.d.sync += has_taken.eq((has_taken | transfer(output)) & ~taken)
        with m.If(transfer(output)):
            bench.ensure(dut.input.valid & ~has_taken, "a beat is taken only once")
            bench.ensure(bits(output) == bits(dut.input), "the beat is unchanged")
        with m.If(taken):
            bench.ensure(has_taken | transfer(output), "no beat is gone before every output has taken it")
        bench.ensure(~dut.input.valid | has_taken | output.valid, "a beat is offered until it is taken")
        bench.reaches(has_taken)
    bench.reaches(taken)


SCHEDULE = (3, 2)
TILES = 2


def interleaver(bench: Bench) -> None:
    """The beats of the inputs leave in the order of the schedule, unchanged; no input advances out of turn."""
    m = bench.m
    m.submodules.dut = dut = adapters.Interleaver(lanes=1, tiles=TILES, schedule=SCHEDULE)
    for number, source in enumerate(dut.inputs):
        drive(bench, source, f"input_{number}")
    accept(bench, dut.output, "output")
    order = [number for inputs in SCHEDULE for number in range(inputs) for _ in range(TILES)]
    place = Signal(range(len(order)))
    with m.If(transfer(dut.output)):
        m.d.sync += place.eq(Mux(place == len(order) - 1, 0, place + 1))
    with m.Switch(place):
        for index, turn in enumerate(order):
            with m.Case(index):
                bench.ensure(dut.output.valid == dut.inputs[turn].valid, "the output is that of the input whose turn it is")
                bench.ensure(~dut.output.valid | (bits(dut.output) == bits(dut.inputs[turn])), "its beat is unchanged")
                for number, source in enumerate(dut.inputs):
                    bench.ensure(transfer(source) == (transfer(dut.output) if number == turn else 0), "only that input advances")
    bench.reaches((place == len(order) - 1) & transfer(dut.output))


def downsizer(bench: Bench) -> None:
    """A beat leaves in parts, each pixel once and in the layout of ``LaneLayout.downsized``, before the next beat is taken."""
    m = bench.m
    source = LaneLayout.natural(lanes=4, tiles=2, width=8)
    spec = DownsizerSpec(source, 2)
    m.submodules.dut = dut = adapters.Downsizer(spec=spec)
    drive(bench, dut.input, "input")
    accept(bench, dut.output, "output")
    ratio = source.lanes // spec.lanes
    beat, part = Signal(range(source.tiles)), Signal(range(ratio))
    with m.If(transfer(dut.output)):
        m.d.sync += part.eq(Mux(part == ratio - 1, 0, part + 1))
    with m.If(transfer(dut.input)):
        m.d.sync += beat.eq(Mux(beat == source.tiles - 1, 0, beat + 1))
    bench.ensure(dut.output.valid == dut.input.valid, "every part is offered")
    bench.ensure(transfer(dut.input) == (transfer(dut.output) & (part == ratio - 1)), "the last part takes the beat")
    with m.If(dut.output.valid):
        for tile, columns in enumerate(spec.output.columns.tolist()):
            with m.If((beat == tile // ratio) & (part == tile % ratio)):
                for lane, column in enumerate(columns):
                    where = source.columns[tile // ratio].tolist().index(column)
                    bench.ensure(dut.output.payload[lane] == dut.input.payload[where], "each pixel is that of its column")
    bench.reaches((beat == source.tiles - 1) & (part == ratio - 1) & transfer(dut.input))


def serializer(lanes: int, tiles: int, width: int) -> Proof:
    """The proof of a serialiser of one layout, with as little memory as it can have."""
    layout = LaneLayout.natural(lanes=lanes, tiles=tiles, width=width)
    slots = 2

    def build(bench: Bench) -> None:
        """Every pixel within the map leaves exactly once, unchanged, rows in order and columns from first to last."""
        m = bench.m
        m.submodules.dut = dut = adapters.Serializer(spec=SerializerSpec(layout, 1, 1))
        with patch.object(adapters, "MIN_SERIALIZER_DEPTH", slots * tiles):
            internals(dut)
        drive(bench, dut.input, "input")
        accept(bench, dut.output, "output")
        # Where in their rows the next beat and the next pixel are, and how many rows are complete in between.
        tile, column = Signal(range(max(2, tiles))), Signal(range(max(2, width)))
        with m.If(transfer(dut.input)):
            m.d.sync += tile.eq(Mux(tile == tiles - 1, 0, tile + 1))
        with m.If(transfer(dut.output)):
            m.d.sync += column.eq(Mux(column == width - 1, 0, column + 1))
        row_in = transfer(dut.input) & (tile == tiles - 1)
        row_out = transfer(dut.output) & (column == width - 1)
        rows = bench.count(row_in, row_out, slots + 1, "rows")  # the last pixel may wait in the output when its slot is free
        # A pixel of any row and column: the row is marked by `mark` and lane, at the tile where it arrives.
        lane = bench.constant(range(max(2, lanes)), "lane")
        arriving = Signal(range(lanes * tiles))
        m.d.comb += arriving.eq(lane * tiles + tile)
        pixel = bits(dut.input).word_select(lane, 8)
        marked, done = Signal(), Signal()
        value, wanted, ahead = Signal(8), Signal.like(column), Signal(range(slots + 2))
        mark = bench.free(1, "mark") & transfer(dut.input) & (lane < lanes) & (arriving < width)
        with m.If(~marked & mark):
            m.d.sync += [marked.eq(1), value.eq(pixel), wanted.eq(arriving), ahead.eq(rows - row_out)]
        with m.Elif(marked & ~done & transfer(dut.output)):
            with m.If((ahead == 0) & (column == wanted)):
                bench.ensure(dut.output.payload[0] == value, "the marked pixel leaves in its column, unchanged")
                m.d.sync += done.eq(1)
            with m.Elif(row_out):
                bench.ensure(ahead != 0, "the row of the marked pixel does not end without it")
                m.d.sync += ahead.eq(ahead - 1)
        bench.reaches(done, rows == slots)

    faults = (
        Fault(adapters, "self.input.ready.eq(filled_slots != slots)", "self.input.ready.eq(1)"),
        Fault(adapters, "with m.If(column == tiles - 1):", "with m.If(column == 0):"),
        Fault(adapters, "m.d.sync += [column.eq(0), lane.eq(0)]", "m.d.sync += column.eq(0)"),
    )
    size = f"{lanes} lanes, {tiles} tiles, {width} columns, {slots} rows"
    return Proof(f"serializer_{lanes}x{tiles}", build, faults[: 1 if tiles == 1 else None], size)


def skip_connection(bench: Bench) -> None:
    """The n-th sum is that of the n-th beats of both branches, saturated at 255; both branches get every beat of the input once."""
    m = bench.m
    layout = LaneLayout.natural(lanes=1, tiles=1, width=1)
    m.submodules.dut = dut = bypass.SkipConnection(spec=BypassSpec("bypass", (), (), layout, layout))
    drive(bench, dut.input, "input")
    accept(bench, dut.to_main, "to_main")
    accept(bench, dut.to_skip, "to_skip")
    drive(bench, dut.from_main, "from_main")
    drive(bench, dut.from_skip, "from_skip")
    accept(bench, dut.output, "output")
    bench.ensure(transfer(dut.from_main) == transfer(dut.from_skip), "both operands are taken together")
    inside = bench.count(transfer(dut.from_main), transfer(dut.output), 1, "inside")
    operands = (bits(dut.from_main), bits(dut.from_skip))
    total = Signal(9)
    expected = Signal(8)
    m.d.comb += total.eq(operands[0] + operands[1])
    with m.If(transfer(dut.from_main)):
        m.d.sync += expected.eq(Mux(total > 255, 255, total))
    bench.ensure(dut.output.valid == (inside != 0), "a sum is offered until it is taken")
    bench.ensure(~dut.output.valid | (bits(dut.output) == expected), "the sum saturates")
    for number, branch in enumerate((dut.to_main, dut.to_skip)):
        ahead = Signal(name=f"ahead_{number}")
        m.d.sync += ahead.eq((ahead | transfer(branch)) & ~transfer(dut.input))
        with m.If(transfer(branch)):
            bench.ensure(~ahead & (bits(branch) == bits(dut.input)), "each branch gets each beat once")
        with m.If(transfer(dut.input)):
            bench.ensure(ahead | transfer(branch), "no branch misses a beat")
    bench.reaches(transfer(dut.output) & (expected == 255), transfer(dut.output) & (expected == 254), transfer(dut.input))


PROOFS = (
    Proof(
        "broadcast",
        broadcast,
        (
            Fault(adapters, "output.valid.eq(self.input.valid & ~done[number])", "output.valid.eq(self.input.valid)"),
            Fault(adapters, "m.d.sync += done.eq(0)", "pass"),
            Fault(adapters, "self.input.ready.eq((done | takes).all())", "self.input.ready.eq((done | takes).any())"),
        ),
        "3 outputs",
    ),
    Proof(
        "interleaver",
        interleaver,
        (
            Fault(adapters, "with m.If(selected == last):", "with m.If(selected == count - 1):"),
            Fault(adapters, "with m.If(tile == self._tiles - 1):", "with m.If(tile == 0):"),
        ),
        f"schedule {SCHEDULE}, {TILES} tiles",
    ),
    Proof(
        "downsizer",
        downsizer,
        (
            Fault(adapters, "self.input.payload[lane * ratio + number]", "self.input.payload[lane + number * self._spec.lanes]"),
            Fault(adapters, "self.output.ready & (part == ratio - 1)", "self.output.ready & (part == 0)"),
        ),
        "4 lanes to 2, 2 tiles",
    ),
    serializer(3, 1, 3),
    serializer(2, 2, 3),
    Proof(
        "skip_connection",
        skip_connection,
        (
            Fault(bypass, "Mux(total[8], 255, total)", "total"),
            Fault(bypass, "advance.eq(~output.valid | output.ready)", "advance.eq(1)"),
            Fault(bypass, "operand.ready.eq(advance & both_valid)", "operand.ready.eq(advance)"),
        ),
        "1 lane",
    ),
)
