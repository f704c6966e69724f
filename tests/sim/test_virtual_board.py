# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The driver and the virtual board: every result is correct and belongs to its frame, or is marked invalid; nothing hangs.

The oracle is the golden model, which computes the scores of each frame without any link.
"""

import asyncio
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from firebrick.sim.fault_injection import FAULTS, FaultyTransport
from firebrick.sim.open_device import open_device
from firebrick.sim.pseudo_terminal import PseudoTerminal
from firebrick.sw import golden
from firebrick.sw.driver import asyncio_stream, go_back_n, linked_device
from firebrick.sw.driver.discovery import find_devices
from firebrick.sw.driver.linked_device import LinkedDevice
from firebrick.sw.errors import FirebrickError
from firebrick.sw.link.packets import Packet, PacketDecoder, PacketKind
from firebrick.sw.model.quantized import Model
from tests.helpers.boards import LANES, tiny_board, tiny_frames, tiny_model

pytestmark = pytest.mark.usefixtures("compiled_board")
MAX_CYCLES = 5_000_000
"""Cycles within which every result must come, whatever happens: a twelfth of a second on the board's clock."""


def stream_with_faults(transport: FaultyTransport, model: Model, rng: np.random.Generator, count: int, fault_rate: float) -> int:
    """Stream frames over a faulty transport and check each result; returns the number of results that are marked invalid."""
    frames = tiny_frames(rng, count)
    expected = golden.run(model, frames)
    invalid = last = 0
    with LinkedDevice(model, transport) as device:
        transport.fault_rate = fault_rate
        indices = []
        for result in device.stream(frames):
            indices.append(result.frame)
            if result.scores is None:
                invalid += 1
            else:
                np.testing.assert_array_equal(result.scores, expected[result.frame])
            cycle = round(transport.now() * 60e6)
            assert cycle - last < MAX_CYCLES
            last = cycle
        transport.fault_rate = 0
        counters = device.counters()
        assert counters["invalid"] == invalid
        assert counters["frames"] >= count - invalid
        assert indices == list(range(count))
        results = list(device.stream(frames[:3]))  # without faults the next frames are correct
        np.testing.assert_array_equal([result.scores for result in results], expected[:3])
    return invalid


def test_board_gives_the_golden_scores_stream_after_stream() -> None:
    model = tiny_model()
    frames = tiny_frames(np.random.default_rng(0), 12)
    expected = golden.run(model, frames)
    with open_device("sim", model, lanes=LANES) as device:
        for count in (5, 0, 1, 12):
            results = list(device.stream(iter(frames[:count])))
            assert [result.frame for result in results] == list(range(count))
            if count:
                np.testing.assert_array_equal([result.scores for result in results], expected[:count])
        counters = device.counters()
    assert counters["frames"] == 18
    assert counters["damaged"] == counters["dropped"] == counters["repeated"] == counters["restarts"] == 0


def test_board_is_kept_busy_by_frames_in_flight() -> None:
    """On a line that is faster than the engine, frames take the cycles of the plan."""
    model, board = tiny_model(), tiny_board()
    with LinkedDevice(model, board) as device:
        cycles = [board.cycle for _ in device.stream(tiny_frames(np.random.default_rng(0), 10))]
        assert abs((cycles[-1] - cycles[2]) / 7 / device.descriptor.cycles - 1) < 0.15  # rows are few and short


@pytest.mark.parametrize("fault", FAULTS)
def test_board_survives_each_fault(fault: str) -> None:
    transport = FaultyTransport(tiny_board(), np.random.default_rng(3), 0.0, [fault])
    fault_rate = 0.02 if fault == "disconnect" else 0.15
    assert stream_with_faults(transport, tiny_model(), np.random.default_rng(4), 20, fault_rate) == 0
    assert transport.injected[fault] > 0


def test_board_survives_all_faults_at_once() -> None:
    transport = FaultyTransport(tiny_board(), np.random.default_rng(5), 0.0)
    stream_with_faults(transport, tiny_model(), np.random.default_rng(6), 40, 0.1)
    assert len(transport.injected) > 5


@pytest.mark.slow
@pytest.mark.parametrize("fault_rate", [0.02, 0.1, 0.3])
def test_board_survives_thousands_of_packets(fault_rate: float) -> None:
    rng, model, packets, invalid, frames = np.random.default_rng(round(100 * fault_rate)), tiny_model(), 0, 0, 0
    faults = FAULTS if fault_rate < 0.2 else [fault for fault in FAULTS if fault != "disconnect"]  # else mostly disconnected
    while packets < 5000:
        transport = FaultyTransport(tiny_board(), rng, 0.0, faults)
        invalid += stream_with_faults(transport, model, rng, 100, fault_rate)
        frames += 100
        packets += transport.packets
    assert invalid <= 0.1 * frames


@pytest.mark.slow
def test_driver_needs_no_more_memory_after_many_frames() -> None:
    model, frame = tiny_model(), tiny_frames(np.random.default_rng(0), 1)[0]
    transport = FaultyTransport(tiny_board(), np.random.default_rng(0), 0.02, [fault for fault in FAULTS if fault != "disconnect"])
    with LinkedDevice(model, transport) as device:
        tracemalloc.start()
        sizes = []
        for result in device.stream(frame for _ in range(1500)):
            if result.frame % 500 == 499:
                sizes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    assert sizes[-1] - sizes[0] < 20_000


def test_driver_gives_each_result_before_a_slow_source_has_the_next_frame() -> None:
    model, result_seen = tiny_model(), threading.Event()
    frames = tiny_frames(np.random.default_rng(1), 5)

    def slow() -> Iterator[NDArray[np.uint8]]:
        """A source that has its next frame only when the result of the last one was seen."""
        for frame in frames:
            yield frame
            assert result_seen.wait(60)
            result_seen.clear()

    with LinkedDevice(model, tiny_board()) as device:
        for result in device.stream(slow()):
            np.testing.assert_array_equal(result.scores, golden.run(model, frames[result.frame : result.frame + 1])[0])
            result_seen.set()
        assert device.counters()["repeated"] == device.counters()["restarts"] == 0


def test_driver_raises_what_the_source_raises() -> None:
    def failing() -> Iterator[NDArray[np.uint8]]:
        yield tiny_frames(np.random.default_rng(1), 1)[0]
        raise RuntimeError("the camera fell over")

    with LinkedDevice(tiny_model(), tiny_board()) as device, pytest.raises(RuntimeError, match="the camera fell over"):
        list(device.stream(failing()))


def test_board_never_takes_a_packet_whose_number_was_used_before() -> None:
    """All packets of a session, a byte each, then the first ones again: 65,536 packets late, they must not become part of a frame."""
    board, decoder = tiny_board(), PacketDecoder()
    expected, result = 0, -1

    def exchange(*packets: Packet) -> int:
        """Send packets, and return the sequence number that the board expects next; results are acknowledged the next time."""
        nonlocal expected, result
        board.write(b"".join(packet.encode() for packet in (*packets, Packet(PacketKind.POLL, 1, result + 1))))
        while data := board.read(1e-5):
            for packet in decoder.feed(data):
                if packet.kind == PacketKind.SCORES:
                    result = packet.sequence
                else:
                    expected = packet.sequence
        return expected

    exchange(Packet(PacketKind.OPEN, 1, 0))
    for first in range(0, 65536, 128):
        exchange(*(Packet(PacketKind.DATA, 1, sequence, b"a") for sequence in range(first, first + 128)))
    assert expected == 65535, "after packet 65535 packet 0 would be due again"
    for sequence in (0, 1, 65535):
        assert exchange(Packet(PacketKind.DATA, 1, sequence, b"b")) == 65535


class Repeating(FaultyTransport):
    """Repeats each DATA packet as soon as its sequence number is due again, however long that takes: the longest delay of all."""

    def __init__(self) -> None:
        super().__init__(tiny_board(), np.random.default_rng(0), 0.0)
        self._sent: dict[int, list[bytes]] = {}
        self.repeated = 0

    def write(self, data: bytes) -> None:
        for packet in PacketDecoder().feed(data):
            if packet.kind == PacketKind.DATA:
                earlier = self._sent.setdefault(packet.sequence, [])
                if earlier and earlier[-1] != packet.encode():
                    super().write(earlier[-1])
                    self.repeated += 1
                earlier.append(packet.encode())
        super().write(data)


def test_results_stay_right_when_the_packets_of_a_session_come_again_in_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions of 10 packets, so three frames each, instead of 65,535."""
    monkeypatch.setattr(go_back_n, "SESSION_PACKETS", 10)
    model, transport = tiny_model(), Repeating()
    frames = tiny_frames(np.random.default_rng(7), 20)
    with LinkedDevice(model, transport) as device:
        results = [result.scores for result in device.stream(frames)]
        assert device.counters()["restarts"] == device.counters()["invalid"] == 0
    np.testing.assert_array_equal(results, golden.run(model, frames))
    assert transport.repeated == 3 * 20 - 9, "every packet but those of the first session comes after one of an earlier session"


@pytest.mark.slow
def test_results_stay_right_when_a_packet_comes_again_after_all_sequence_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames in packets of 1 byte, 65,536 of which take 28 frames."""
    monkeypatch.setattr(linked_device, "MAX_PAYLOAD", 1)
    model, transport = tiny_model(), Repeating()
    frames = tiny_frames(np.random.default_rng(8), 30)
    with LinkedDevice(model, transport) as device:
        results = [result.scores for result in device.stream(frames)]
    np.testing.assert_array_equal(results, golden.run(model, frames))
    assert transport.repeated > 1000


def test_board_works_after_a_stream_that_was_abandoned() -> None:
    model = tiny_model()
    frames = tiny_frames(np.random.default_rng(1), 6)
    expected = golden.run(model, frames)
    with LinkedDevice(model, tiny_board()) as device:
        for _ in range(3):
            results = device.stream(frames)
            next(results)
            with pytest.raises(FirebrickError, match="in the middle of other frames"):
                next(device.stream(frames))
            results.close()
        np.testing.assert_array_equal([result.scores for result in device.stream(frames)], expected)


def test_board_works_after_a_host_that_disappeared() -> None:
    """Another driver opens a board whose last driver sent half a frame and then disappeared."""
    model, board = tiny_model(), tiny_board()
    frames = tiny_frames(np.random.default_rng(2), 3)
    first = LinkedDevice(model, board)
    first._session.send(PacketKind.DATA, 0, bytes(500))
    board.read(1e-3)
    with LinkedDevice(model, board) as second:
        np.testing.assert_array_equal([result.scores for result in second.stream(frames)], golden.run(model, frames))


@pytest.mark.parametrize("seed", range(3))
def test_board_survives_hostile_packets(seed: int) -> None:
    rng, model, board = np.random.default_rng(seed), tiny_model(), tiny_board()
    frames = tiny_frames(rng, 3)
    for _ in range(300):
        session, sequence = (int(rng.choice([0, 1, int(rng.integers(65536))])) for _ in range(2))
        payload = rng.bytes(int(rng.choice([0, 0, 1, 100, 1000, 3000])))
        board.write(Packet(int(rng.integers(0, 16)), session, sequence, payload).encode())
        board.write(rng.bytes(int(rng.integers(0, 50))))
        while board.read(1e-4):
            pass
    with LinkedDevice(model, board) as device:
        np.testing.assert_array_equal([result.scores for result in device.stream(frames)], golden.run(model, frames))


def test_driver_refuses_a_board_with_another_model() -> None:
    model = tiny_model()
    layer = model.layers["conv1"]
    other = replace(model, layers={**model.layers, "conv1": replace(layer, bias=layer.bias + 1)})
    board = tiny_board()
    message = r"device sim: it runs tiny \(3 x 26 x 30, 5 classes\) from model .*build a bitstream of this one"
    with pytest.raises(FirebrickError, match=message):
        LinkedDevice(other, board)
    with pytest.raises(FirebrickError, match="the virtual board is closed"):
        board.read(1.0)


def test_driver_gives_up_a_board_that_never_answers() -> None:
    transport = FaultyTransport(tiny_board(), np.random.default_rng(0), 1.0, ["drop"])
    with pytest.raises(FirebrickError, match="device sim: nothing answers; check that the board is switched on"):
        LinkedDevice(tiny_model(), transport)
    assert transport.now() * 60e6 < MAX_CYCLES


def test_driver_gives_up_a_board_that_falls_silent() -> None:
    transport = FaultyTransport(tiny_board(), np.random.default_rng(0), 0.0, ["drop"])
    with LinkedDevice(tiny_model(), transport) as device:
        results = device.stream(tiny_frames(np.random.default_rng(0), 5))
        next(results)
        transport.fault_rate = 1.0
        with pytest.raises(FirebrickError, match="device sim: it was lost; check its cable"):
            list(results)
        assert transport.now() * 60e6 < MAX_CYCLES


def test_driver_rejects_frames_of_another_shape_and_closed_devices() -> None:
    with LinkedDevice(tiny_model(), tiny_board()) as device:
        with pytest.raises(FirebrickError, match=r"a frame must be bytes of shape \(3, 26, 30\), not float64 \(3, 26, 30\)"):
            list(device.stream([np.zeros((3, 26, 30))]))  # type: ignore[list-item]
        device.close()
        device.close()
        with pytest.raises(FirebrickError, match="the device is closed; open it again"):
            list(device.stream(tiny_frames(np.random.default_rng(0), 1)))
        with pytest.raises(FirebrickError, match="the device is closed"):
            device.counters()


def test_device_streams_beside_other_tasks() -> None:
    model = tiny_model()
    frames = tiny_frames(np.random.default_rng(3), 4)

    async def main() -> list[object]:
        with LinkedDevice(model, tiny_board()) as device:
            async with aclosing(asyncio_stream.stream(device, frames)) as results:
                return [result.scores async for result in results]

    np.testing.assert_array_equal(asyncio.run(main()), golden.run(model, frames))


def test_serial_driver_finds_and_runs_a_board_behind_a_pseudo_terminal() -> None:
    model = tiny_model()
    frames = tiny_frames(np.random.default_rng(4), 5)
    with PseudoTerminal(tiny_board()) as terminal:
        (listed,) = find_devices([(f"serial:{terminal.port}", "a terminal")])
        assert listed.identity is not None
        assert listed.identity.network == "tiny"
        with open_device(listed.address, model) as device:
            np.testing.assert_array_equal([result.scores for result in device.stream(frames)], golden.run(model, frames))
            with pytest.raises(FirebrickError, match="cannot be opened"):
                open_device(listed.address, model)


def test_serial_driver_says_when_the_board_is_unplugged() -> None:
    model = tiny_model()
    with PseudoTerminal(tiny_board()) as terminal, open_device(f"serial:{terminal.port}", model) as device:
        results = device.stream(tiny_frames(np.random.default_rng(4), 50))
        next(results)
        terminal.close()
        with pytest.raises(FirebrickError, match=r"it was lost .*; check its cable and its power, and start again"):
            list(results)
