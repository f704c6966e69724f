# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""USB in the simulator, with LUNA's host on a UTMI bus: it enumerates a board and uses the protocol through the bulk endpoints."""

from collections.abc import Generator, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from firebrick.hw.link.linked_accelerator import LinkedAccelerator
from firebrick.sim.small_models import randomly_initialised
from firebrick.sw import golden
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.driver.score_reassembly import ScoreAssembler
from firebrick.sw.link.identity import decode_descriptor, describe_device
from firebrick.sw.link.packets import INITIAL_WINDOW, WINDOW_FIELD, Packet, PacketDecoder, PacketKind
from firebrick.sw.link.usb_ids import ENDPOINT, FULL_SPEED_PACKET, MANUFACTURER, PRODUCT, VENDOR
from firebrick.sw.network.graph import Conv, GlobalAverage, Network, Shape

if find_spec("luna") is None:
    pytest.skip("needs the extra `usb`", allow_module_level=True)

from luna.gateware.test import usb_domain_test_case
from luna.gateware.test.usb2 import USBDeviceTest
from luna.gateware.usb.usb2 import USBPacketID

from firebrick.hw.link.usb import UsbPort

NETWORK = Network("small", Shape(1, 8, 8), (Conv("conv1", 2, 3), Conv("conv10", 3, 1), GlobalAverage("pool10")))
MODEL = randomly_initialised(NETWORK, np.random.default_rng(1), bits=4)
SESSION = 0x0F00
Steps = Generator[Any, Any, Any]


class Board(wiring.Component):
    """An accelerator with its link and a USB port."""

    def __init__(self, *, bus: Any) -> None:
        plan = compile_model(MODEL, 2)
        self._device = LinkedAccelerator(plan=plan, descriptor=describe_device(MODEL, plan, 70e6), divisor=600)
        self._port = UsbPort(phy=bus, name="small", serial="0123", packet=FULL_SPEED_PACKET)
        super().__init__({})

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002
        m = Module()
        m.submodules.device = device = self._device
        m.submodules.port = port = self._port
        m.d.comb += [
            device.received.valid.eq(port.received.valid),
            device.received.payload.eq(port.received.payload),
            port.sent.valid.eq(device.sent.valid),
            port.sent.payload.eq(device.sent.payload),
            device.sent.ready.eq(port.sent.ready),
        ]
        return m


class TestUsb(USBDeviceTest):
    """A host and a board; the clocks of accelerator and USB are independent."""

    FRAGMENT_UNDER_TEST = Board
    SYNC_CLOCK_FREQUENCY = 70e6
    USB_CLOCK_FREQUENCY = 60e6

    def begin(self) -> Steps:
        """Enumerate the board, on a bus in the idle state of full speed: the board takes the other state for a reset."""
        yield self.utmi.line_state.eq(0b01)
        self.toggles = {USBPacketID.OUT: 0, USBPacketID.IN: 0}
        yield from self.set_address(5)
        yield from self.set_configuration(1)
        self.decoder = PacketDecoder()

    def data_pid(self, direction: USBPacketID) -> USBPacketID:
        return USBPacketID.DATA1 if self.toggles[direction] else USBPacketID.DATA0

    def write(self, data: bytes) -> Steps:
        """Write bytes to the bulk endpoint, each packet until it is accepted; returns how many were refused."""
        refused = 0
        for packet in cut(data):
            while True:
                handshake = yield from self.out_transaction(*packet, endpoint=ENDPOINT, data_pid=self.data_pid(USBPacketID.OUT))
                if handshake == USBPacketID.ACK:
                    break
                assert handshake == USBPacketID.NAK
                refused += 1
            self.toggles[USBPacketID.OUT] ^= 1
        return refused

    def read(self, tries: int = 40) -> Steps:
        """Read one packet of the link, which is a transfer of its own; None where none comes."""
        data = b""
        for _ in range(tries):
            pid, octets = yield from self.in_transaction(endpoint=ENDPOINT)
            if pid == USBPacketID.NAK:
                yield from self.advance_cycles(50)
                continue
            assert pid == self.data_pid(USBPacketID.IN)
            self.toggles[USBPacketID.IN] ^= 1
            data += bytes(octets)
            if len(octets) < FULL_SPEED_PACKET:
                [packet] = self.decoder.feed(data)
                return packet
        return None

    def ask(self, kind: PacketKind, sequence: int = 0, payload: bytes = b"") -> Steps:
        yield from self.write(Packet(kind, SESSION, sequence, payload).encode())

    @usb_domain_test_case
    def test_usb_reports_its_descriptors(self) -> Steps:
        _, device = yield from self.get_descriptor(1, length=18)
        strings = []
        for index in device[14:17]:
            _, string = yield from self.get_descriptor(3, index=index, length=64)
            strings.append(bytes(string[2:]).decode("utf-16le"))
        _, configuration = yield from self.get_descriptor(2, length=64)
        assert (int.from_bytes(device[8:10], "little"), int.from_bytes(device[10:12], "little")) == (VENDOR, PRODUCT)
        assert strings == [MANUFACTURER, "small", "0123"]
        assert configuration[9 + 5] == 0xFF
        endpoints = [tuple(configuration[offset : offset + 7]) for offset in (18, 25)]
        assert endpoints == [(7, 5, address, 2, FULL_SPEED_PACKET, 0, 255) for address in (ENDPOINT, ENDPOINT | 0x80)]

    @usb_domain_test_case
    def test_usb_carries_frames_and_their_golden_scores(self) -> Steps:
        frames = np.random.default_rng(0).integers(0, 256, (2, 1, 8, 8), dtype=np.uint8)
        yield from self.begin()
        yield from self.ask(PacketKind.IDENTIFY)
        identity = yield from self.read()
        assert decode_descriptor(identity.payload).network == "small"
        yield from self.ask(PacketKind.OPEN)
        status = yield from self.read()
        assert (status.kind, status.sequence, status.payload) == (PacketKind.STATUS, 0, WINDOW_FIELD.pack(INITIAL_WINDOW))
        for sequence, frame in enumerate(frames):
            yield from self.ask(PacketKind.DATA, sequence, frame.tobytes())
            packets = [(yield from self.read()), (yield from self.read())]
            [scores] = [packet for packet in packets if packet.kind == PacketKind.SCORES]
            assert scores.sequence == sequence
            assembled = ScoreAssembler(3, decode_descriptor(identity.payload).score_bytes).add(scores.payload)
            np.testing.assert_array_equal(assembled, golden.run(MODEL, frame[np.newaxis])[0])
            yield from self.ask(PacketKind.POLL, sequence + 1)
            yield from self.read()
        assert (yield from self.read(3)) is None

    @usb_domain_test_case
    def test_usb_resends_a_packet_that_the_host_did_not_acknowledge(self) -> Steps:
        yield from self.begin()
        yield from self.ask(PacketKind.IDENTIFY)
        yield from self.advance_cycles(2000)
        attempts = []
        for _ in range(3):
            attempts.append((yield from self.in_transaction(endpoint=ENDPOINT, handshake=USBPacketID.NAK)))
        assert attempts[0] == attempts[1] == attempts[2]
        assert (yield from self.read()).kind == PacketKind.IDENTITY

    @usb_domain_test_case
    def test_usb_holds_replies_that_the_host_does_not_read_and_still_accepts_packets(self) -> Steps:
        """The host sends many requests without reading the answers; the board accepts them all, and answers the next one."""
        yield from self.begin()
        for _ in range(12):
            yield from self.ask(PacketKind.COUNT)
            yield from self.write(bytes(100))
        yield from self.advance_cycles(3000)
        waiting = yield from self.read_all()
        assert {packet.kind for packet in waiting} == {PacketKind.COUNTERS}
        yield from self.ask(PacketKind.IDENTIFY)
        assert (yield from self.read()).kind == PacketKind.IDENTITY

    def read_all(self) -> Steps:
        """All packets that wait to be read."""
        packets = []
        while (packet := (yield from self.read(10))) is not None:
            packets.append(packet)
        return packets


def cut(data: bytes) -> Iterator[bytes]:
    return (data[offset : offset + FULL_SPEED_PACKET] for offset in range(0, len(data), FULL_SPEED_PACKET))
