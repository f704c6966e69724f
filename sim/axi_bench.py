# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The cocotb bench of an accelerator with AXI4-Stream and AXI4-Lite (``sim/axi_drivers.py`` drives it)."""

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from firebrick.sim.axi_drivers import CONTROL, EVENTS, Bench
from firebrick.sw.link.register_map import BY_NAME


@cocotb.test()
async def continuous(dut: Any) -> None:
    """Frames back to back without gaps: all scores, and the cycles from the first one's to the last one's; the constant registers."""
    bench = Bench(dut, "continuous")
    await bench.begin()
    for index in range(bench.count):
        await bench.source.send(bench.frames[index % len(bench.frames)])
    first = 0
    for index in range(bench.count):
        assert await bench.receive() == bench.scores[index % len(bench.scores)], f"the scores of frame {index} are wrong"
        first = first or bench.cycle
    assert bench.contract.packets == bench.count, "the monitor must see every packet"
    bench.report((bench.cycle - first) // max(1, bench.count - 1))
    await bench.settle()
    await bench.expect(**bench.case["words"], FRAMES_IN=bench.count, FRAMES_OUT=bench.count, SHORT_FRAMES=0, LONG_FRAMES=0)
    last = max(register.offset for register in BY_NAME.values())
    assert (await bench.bus.read(last + 4, 4)).resp == 2, "an address without register must be answered by SLVERR"
    assert (await bench.bus.write(last + 4, b"1234")).resp == 2, "an address without register must be answered by SLVERR"
    low, high = await bench.read("CYCLES_LOW"), await bench.read("CYCLES_HIGH")
    assert (high << 32 | low) > 0, "cycles are not counted"


@cocotb.test()
async def mixed(dut: Any) -> None:
    """Good, short, long and empty packets at random, with random gaps everywhere: the scores of all good ones come, and no others."""
    bench = Bench(dut, "mixed")
    await bench.begin()
    bench.stall()
    await bench.write("IRQ_ENABLE", EVENTS["SHORT"] | EVENTS["LONG"])
    kinds = ["long", "good", "short", "holes"][: bench.count]
    kinds += [bench.random.choice(("good", "good", "holes", "short", "long", "empty")) for _ in range(bench.count - len(kinds))]
    expected = []
    for kind in kinds:
        index = bench.random.randrange(len(bench.frames))
        await bench.source.send(bench.packet(bench.frames[index], kind))
        if kind in ("good", "holes"):
            expected.append(bench.scores[index])
    for number, scores in enumerate(expected):
        assert await bench.receive() == scores, f"the scores of good frame {number} of {kinds} are wrong"
    await bench.settle()
    short, long = (sum(kind in names for kind in kinds) for names in (("short", "empty"), ("long",)))
    await bench.expect(FRAMES_IN=len(expected), FRAMES_OUT=len(expected), SHORT_FRAMES=short, LONG_FRAMES=long)
    happened = EVENTS["DONE"] * bool(expected) | EVENTS["SHORT"] * bool(short) | EVENTS["LONG"] * bool(long)
    await bench.expect(EVENTS=happened)
    assert int(dut.irq.value) == bool(short or long), "the interrupt must be raised by a bad frame"
    await bench.write("EVENTS", EVENTS["SHORT"] | EVENTS["LONG"])
    await bench.expect(EVENTS=happened & EVENTS["DONE"])
    assert int(dut.irq.value) == 0, "the interrupt must end when its events are cleared"
    await bench.write("CONTROL", CONTROL["CLEAR"])
    await bench.expect(FRAMES_IN=0, FRAMES_OUT=0, SHORT_FRAMES=0, LONG_FRAMES=0, CONTROL=0)
    bench.report(bench.cycle)


async def soft_reset(bench: Bench, *, abort: bool) -> None:
    """Write RESET and wait until it is done. With ``abort`` the source is stopped before, as when its DMA controller is reset, too."""
    if abort:
        bench.source.clear()
        bench.source.assert_reset(True)
    await bench.write("CONTROL", CONTROL["RESET"] | abort * CONTROL["ABORT"])
    start = bench.cycle
    while await bench.read("CONTROL"):
        await bench.wait_to_poll()
        assert bench.cycle < start + bench.case["hang_cycles"], "the soft reset does not end"
    assert await bench.read("EVENTS") & EVENTS["RESET_DONE"], "the end of a soft reset is an event"
    await bench.write("EVENTS", EVENTS["RESET_DONE"])
    if abort:
        bench.source.assert_reset(False)
        await bench.expect(STATUS=0)


@cocotb.test()
async def resets(dut: Any) -> None:
    """Soft resets and resets at random times: every packet is whole and belongs to a frame sent, in order; all later frames are right."""
    bench = Bench(dut, "resets")
    await bench.begin()
    bench.stall()
    for round_index in range(bench.count):
        sent = []
        *first, last = bench.random.sample(range(len(bench.frames)), bench.random.randrange(2, len(bench.frames) + 1))
        for index in first:
            kind = bench.random.choice(("good", "good", "short", "long"))
            await bench.source.send(bench.packet(bench.frames[index], kind))
            if kind == "good":
                sent.append(bench.scores[index])
        await ClockCycles(dut.aclk, bench.random.randrange(1, bench.case["reset_within"]))
        kind = bench.random.choice(("soft", "abort", "hard"))
        if kind == "hard":
            await bench.reset(bench.random.randrange(2, 8))
            sent.clear()
            await bench.expect(STATUS=0, CONTROL=0, EVENTS=0, FRAMES_IN=0)
        else:
            await soft_reset(bench, abort=kind == "abort")
        await bench.source.send(bench.frames[last])
        sent.append(bench.scores[last])
        while sent:
            packet = await bench.receive()
            assert packet in sent, f"round {round_index}: a packet is none of the scores of the frames sent, or comes out of order"
            del sent[: sent.index(packet) + 1]
        await bench.settle()
    bench.report(bench.cycle)


@cocotb.test()
async def slow_core(dut: Any) -> None:
    """A core's clock far slower than that of the bus: after the shortest reset registers answer at once, and the first frame is right."""
    bench = Bench(dut, "slow_core")
    await bench.begin()
    for index in range(bench.count):
        await bench.expect(MAGIC=bench.case["words"]["MAGIC"], FRAMES_IN=0)
        await bench.source.send(bench.frames[index % len(bench.frames)])
        assert await bench.receive() == bench.scores[index % len(bench.scores)], f"the scores after reset {index} are wrong"
        await bench.source.send(bench.frames[-1])
        await ClockCycles(dut.aclk, bench.random.randrange(1, bench.case["reset_within"]))
        await bench.reset(2)
    bench.report(bench.cycle)
