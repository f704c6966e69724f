# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a host sees of a plan, against the virtual board, measured figures, and what must hold whatever the plan."""

from types import SimpleNamespace

import numpy as np
import pytest

from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.compiler.end_to_end import end_to_end
from firebrick.sw.compiler.latency import latencies
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.driver import linked_device, prefetch
from firebrick.sw.driver.linked_device import LinkedDevice
from firebrick.sw.link.carriers import USB_FULL_SPEED, USB_HIGH_SPEED, Carrier, baud_divisor, fastest_uart, link_rate, uart, wire_bytes
from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from firebrick.sw.plan.nodes import Plan
from firebrick.sw.zoo import catalogue
from tests.helpers.boards import LANES, tiny_board, tiny_frames, tiny_model

TOLERANCE = 0.15
"""Of predictions for networks whose rows take some dozens of cycles; handshakes and the engines' pipelines are not predicted."""
CLOCK = 60e6


@pytest.mark.usefixtures("compiled_board")
@pytest.mark.parametrize("byte_cycles", [1, 8])
def test_frame_rate_and_latency_are_those_of_the_virtual_board(byte_cycles: int, monkeypatch: pytest.MonkeyPatch) -> None:
    board = tiny_board(byte_cycles=byte_cycles)
    monkeypatch.setattr(linked_device, "time", SimpleNamespace(perf_counter=board.now))
    monkeypatch.setattr(prefetch, "TAKE_TIMEOUT", 60.0)  # frames are there at once, however busy the machine that simulates
    with LinkedDevice(tiny_model(), board) as device:
        frames = tiny_frames(np.random.default_rng(0), 7)
        [alone] = device.stream(frames[:1])
        *_, before, last = ((result, board.now()) for result in device.stream(frames))
    seen = end_to_end(compile_model(tiny_model(), LANES), Carrier("line", board.clock / byte_cycles, True, 0.0), board.clock)
    assert seen.limit == ("engines" if byte_cycles == 1 else "bytes on the wire")
    assert seen.fps == pytest.approx(1 / (last[1] - before[1]), rel=TOLERANCE)
    assert seen.latency_ms == pytest.approx(1000 * alone.seconds, rel=TOLERANCE)
    assert seen.stream_latency_ms == pytest.approx(1000 * last[0].seconds, rel=TOLERANCE)


def test_latency_and_bytes_are_those_measured_of_digits() -> None:
    plan = compile_model(catalogue.load("digits"), 28)
    measured_cycles, measured_bytes = 1906, (86.0, 58.5)  # firebrick link --model digits --lanes 28 --frames 50
    seen = end_to_end(plan, Carrier("a byte in each cycle", CLOCK, True, 0.0), CLOCK)
    assert seen.latency_ms == pytest.approx(1000 * measured_cycles / CLOCK, rel=TOLERANCE)
    wire = wire_bytes(64, 10, 2)
    assert (wire.sent, wire.received) == pytest.approx(measured_bytes, rel=0.01)


@pytest.mark.slow
def test_latency_is_that_measured_of_squeezenet() -> None:
    plan = compile_model(catalogue.load("squeezenet1_1_small"), 108)
    measured_cycles = 2_690_918  # firebrick link --model squeezenet1_1_small --lanes 108
    seen = end_to_end(plan, Carrier("a byte in each cycle", CLOCK, True, 0.0), CLOCK)
    assert seen.latency_ms == pytest.approx(1000 * measured_cycles / CLOCK, rel=0.01)


def test_bytes_and_rates_are_those_measured_of_squeezenet() -> None:
    wire = wire_bytes(3 * 224 * 224, 1000, 2)
    assert (wire.sent, wire.received) == pytest.approx((152_501, 4_238), rel=0.005)  # firebrick link --model squeezenet1_1_small
    rates = [link_rate(carrier, wire) for carrier in (uart(3_000_000), USB_FULL_SPEED, USB_HIGH_SPEED)]
    assert [limit for _, limit in rates] == ["bytes on the wire", "round trips", "round trips"]
    assert [fps for fps, _ in rates] == pytest.approx([1.97, 7.35, 93.1], rel=0.005)


def test_fastest_uart_is_one_that_the_clock_divides_into() -> None:
    assert fastest_uart(75e6) == uart(3_000_000)
    assert baud_divisor(40e6, 3_000_000) is None
    assert fastest_uart(40e6) == uart(2_000_000)
    assert fastest_uart(1.38e6) == uart(230_400)
    assert fastest_uart(500e3) is None


def evenly(plan: Plan, cycles: float) -> list[float]:
    """Rows that arrive one after the other within some cycles."""
    height = plan.engines[0].partitions[0].height
    return [cycles * (row + 1) / height for row in range(height)]


def plan_of(seed: int) -> Plan:
    """A random plan of a network with every kind of node that keeps rows waiting."""
    rng = np.random.default_rng(seed)
    side = int(rng.integers(15, 50))
    stages = (Conv("conv1", 8, 3, stride=2), MaxPool("pool1"), Fire("fire2", 4, 8, 8), Fire("fire3", 4, 8, 8, bypass=Bypass.SIMPLE))
    network = Network("random", Shape(3, side, side), (*stages, Conv("conv10", 3, 1), GlobalAverage("pool10")))
    return compile_model(randomly_initialised(network, rng), int(rng.integers(7, 40)))


@pytest.mark.parametrize("seed", range(8))
def test_latencies_keep_to_the_frame_interval(seed: int) -> None:
    plan = plan_of(seed)
    [alone] = latencies(plan, evenly(plan, plan.cycles / 2), frames=1, in_flight=1)
    assert plan.cycles * 0.9 < alone < 4 * plan.cycles
    stream = latencies(plan, evenly(plan, plan.cycles / 2), frames=9, in_flight=3)
    assert stream[0] == pytest.approx(alone)
    assert all(latency >= alone * 0.999 for latency in stream)
    assert stream[-1] <= 3.01 * max(plan.cycles, alone)  # never more than three frames are on the way
    [slow] = latencies(plan, evenly(plan, 20 * plan.cycles), frames=1, in_flight=1)
    assert 18 * plan.cycles < slow < 22.5 * plan.cycles  # the engines work while the frame arrives; its last row may not be needed
