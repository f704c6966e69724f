# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The cocotb bench passes correct components and reports what is wrong with broken ones."""

import shutil
from pathlib import Path

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from firebrick.hw.stream.fifo import Fifo
from firebrick.sim.bench_cases import BenchCase, bench_cases
from firebrick.sim.bench_runner import STALLS, BenchOutcome, run_case
from firebrick.sw.utils.verified_cache import is_intact
from firebrick.sw.zoo import catalogue
from tests.helpers.damage import cut
from tests.helpers.parameters import slow_unless

pytest.importorskip("cocotb_tools", reason="the benches need the extra sim")

PAYLOADS = [7 * number % 256 for number in range(100)]


HANGS, REPEATS, WITHDRAWS = (fault << 8 for fault in (1, 2, 3))
"""What goes wrong at a byte, as the bits above it."""


class FaultyFifo(wiring.Component):
    """A FIFO of bytes that hangs at marked ones, repeats them, or withdraws its offers of them for a cycle."""

    input: stream.Interface
    output: stream.Interface

    def __init__(self) -> None:
        super().__init__({"input": In(stream.Signature(10)), "output": Out(stream.Signature(10))})

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002
        m = Module()
        m.submodules.fifo = fifo = Fifo(shape=10, depth=4)
        wiring.connect(m, wiring.flipped(self.input), fifo.input)
        again = Signal()
        offered = Signal()
        payload = fifo.output.payload
        fault = payload & 0x300
        hides = fault == HANGS
        withdraws = (fault == WITHDRAWS) & offered
        repeats = (fault == REPEATS) & ~again
        m.d.comb += [
            self.output.payload.eq(payload),
            self.output.valid.eq(fifo.output.valid & ~hides & ~withdraws),
            fifo.output.ready.eq(self.output.ready & self.output.valid & ~repeats),
        ]
        m.d.sync += offered.eq(self.output.valid & ~self.output.ready)
        with m.If(self.output.valid & self.output.ready):
            m.d.sync += again.eq(repeats)
        return m


def bench(folder: Path, inputs: list[int], outputs: list[int], name: str = "fifo") -> BenchOutcome:
    return run_case(BenchCase("fifo", FaultyFifo(), inputs, outputs), folder / name, hang_cycles=200, settle_cycles=50)


def marked(fault: int, first: int) -> list[int]:
    """The payloads with this fault at all from one on."""
    return [payload | fault * (index >= first) for index, payload in enumerate(PAYLOADS)]


def test_bench_passes_correct_payloads_and_fails_a_wrong_one(folder: Path) -> None:
    right = bench(folder, PAYLOADS, PAYLOADS)
    assert (right.passed, right.failure, tuple(right.cycles)) == (True, "", STALLS)
    assert right.cycles["none"] < right.cycles["source"] < right.cycles["both"]
    wrong = bench(folder, PAYLOADS, [*PAYLOADS[:60], 255, *PAYLOADS[61:]])
    assert not wrong.passed
    assert wrong.failure == f"stalls=none: payload 60 of 100 is {PAYLOADS[60]:#x} instead of 0xff"


def test_bench_generates_no_verilog_while_its_origin_is_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench(folder, PAYLOADS, PAYLOADS).passed
    [built] = (folder / "fifo").glob("build-*")
    shutil.copytree(built, folder / "again" / built.name)
    case = BenchCase("fifo", FaultyFifo(), PAYLOADS, PAYLOADS)
    assert run_case(case, folder / "again", origin="a", hang_cycles=200, settle_cycles=50).passed
    monkeypatch.setattr("firebrick.sim.bench_runner.to_verilog", lambda _component, _top, **_options: ("module other; endmodule", {}))
    assert run_case(case, folder / "again", origin="a", hang_cycles=200, settle_cycles=50).passed
    assert not run_case(case, folder / "again", origin="b", hang_cycles=200, settle_cycles=50).passed


@pytest.mark.slow
def test_damaged_bench_is_built_again(folder: Path) -> None:
    case = BenchCase("fifo", FaultyFifo(), PAYLOADS, PAYLOADS)

    def run() -> BenchOutcome:
        return run_case(case, folder / "damaged", origin="a", hang_cycles=200, settle_cycles=50)

    assert run().passed
    [program] = (folder / "damaged").glob("build-*/bench")
    built = program.stat().st_ino
    cut(program)
    for file in ("origin.json", "case.json", "measured.json", "results.xml"):
        (folder / "damaged" / file).write_text("[1]")
    for runtime in folder.glob("runtime-*/*.o"):
        cut(runtime)
    assert run().passed
    assert is_intact(program.parent)
    assert program.stat().st_ino != built


def test_bench_fails_when_payloads_are_missing_or_left_over(folder: Path) -> None:
    assert "came after all 99 that were expected" in bench(folder, PAYLOADS, PAYLOADS[:-1]).failure
    assert "100 of 100 payloads went in and 100 of 101 came out" in bench(folder, PAYLOADS, [*PAYLOADS, 1]).failure
    sent = marked(REPEATS, len(PAYLOADS) - 1)
    repeating = bench(folder, sent, sent)
    assert f"payload {sent[-1]:#x} came after all 100 that were expected" in repeating.failure


def test_bench_gives_up_on_a_component_that_hangs(folder: Path) -> None:
    outcome = bench(folder, marked(HANGS, 50), marked(HANGS, 50))
    assert not outcome.passed
    assert "nothing moved for 200 cycles" in outcome.failure
    assert "and 50 of 100 came out" in outcome.failure


def test_bench_checks_the_stream_contract(folder: Path) -> None:
    outcome = bench(folder, marked(WITHDRAWS, 50), marked(WITHDRAWS, 50))
    assert not outcome.passed
    assert outcome.failure.startswith("stalls=sink: stream output, cycle ")
    assert "valid was taken back before the payload was taken" in outcome.failure


def test_bench_reports_a_simulation_that_takes_too_long(folder: Path) -> None:
    case = BenchCase("fifo", FaultyFifo(), PAYLOADS, PAYLOADS)
    outcome = run_case(case, folder / "slow", seconds=0.5)
    assert not outcome.passed
    assert "took more than 0.5 seconds" in outcome.failure


def test_bench_reports_verilog_that_does_not_build(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "firebrick.sim.bench_runner.to_verilog", lambda _component, _top, **_options: ("module bench(input clk); nonsense", {})
    )
    outcome = bench(folder, PAYLOADS, PAYLOADS, "nonsense")
    assert not outcome.passed
    assert "%Error" in outcome.failure


@pytest.mark.parametrize("name", slow_unless(["fire_unequal"], ["pool_even", "fire_unequal"]))
def test_bench_of_generated_hardware_equals_the_golden_model(folder: Path, name: str) -> None:
    outcome = run_case(bench_cases(catalogue.load(catalogue.DEFAULT))[name](), folder / name)
    assert outcome.failure == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["squeeze", "network", "fire_fast", "conv10_wide"])
def test_bench_of_larger_hardware_equals_the_golden_model(folder: Path, name: str) -> None:
    outcome = run_case(bench_cases(catalogue.load(catalogue.DEFAULT))[name](), folder / name)
    assert outcome.failure == ""


def test_cases_have_many_different_payloads() -> None:
    for name, make in bench_cases(catalogue.load(catalogue.DEFAULT)).items():
        case = make()
        assert case.name == name
        assert len(set(case.inputs)) > 50, name
        assert len(set(case.outputs)) > min(20, len(case.outputs) // 2), name
