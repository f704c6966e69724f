# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The driver for boards on USB, through pyusb and a fake backend with the virtual board behind it."""

import errno
import json
import re
import sys
from array import array
from collections.abc import Iterator
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from firebrick.sim.open_device import open_device
from firebrick.sw import golden
from firebrick.sw.cli.main import main
from firebrick.sw.driver import discovery
from firebrick.sw.driver.transport import Transport
from firebrick.sw.errors import FirebrickError
from firebrick.sw.link.usb_ids import ENDPOINT, HIGH_SPEED_PACKET, MANUFACTURER, PRODUCT, VENDOR
from firebrick.sw.utils.distribution import install_extra
from tests.helpers.boards import tiny_board, tiny_frames, tiny_model

if find_spec("usb") is None:
    pytest.skip("needs the extra `usb`", allow_module_level=True)

import libusb_package
import usb.backend
import usb.core
import usb.util

pytestmark = pytest.mark.usefixtures("compiled_board")
SIMULATED = 2000 / 60e6
"""Seconds of the board's clock that pass in each read of the host."""


class Board:
    """A device on the bus; ``transport`` is None for a device that no test accesses."""

    def __init__(self, transport: Transport | None, *ports: int, manufacturer: str = MANUFACTURER) -> None:
        self.transport = transport
        self.strings = {1: manufacturer, 2: "tiny", 3: "0123"}
        self.ports = ports
        self.speed = usb.util.SPEED_HIGH
        self.refused = 0
        self.cleared = list[int]()
        self.claimed = False


class Bus(usb.backend.IBackend):
    """A fake of libusb."""

    def __init__(self, *boards: Board) -> None:
        self.boards = boards

    def enumerate_devices(self) -> Iterator[Board]:
        return iter(self.boards)

    def get_device_descriptor(self, dev: Board) -> Any:
        return SimpleNamespace(
            bLength=18, bDescriptorType=1, bcdUSB=0x0200, bDeviceClass=0, bDeviceSubClass=0, bDeviceProtocol=0, bMaxPacketSize0=64,
            idVendor=VENDOR, idProduct=PRODUCT, bcdDevice=0, iManufacturer=1, iProduct=2, iSerialNumber=3, bNumConfigurations=1,
            bus=1, address=7, port_number=1, port_numbers=dev.ports, speed=dev.speed,
        )  # fmt: skip

    def get_configuration_descriptor(self, _dev: Board, _config: int) -> Any:
        return SimpleNamespace(
            bLength=9, bDescriptorType=2, wTotalLength=32, bNumInterfaces=1, bConfigurationValue=1, iConfiguration=0, bmAttributes=0x80,
            bMaxPower=250, extra_descriptors=[],
        )  # fmt: skip

    def get_interface_descriptor(self, _dev: Board, intf: int, alt: int, _config: int) -> Any:
        if intf or alt:
            raise IndexError
        return SimpleNamespace(
            bLength=9, bDescriptorType=4, bInterfaceNumber=0, bAlternateSetting=0, bNumEndpoints=2, bInterfaceClass=0xFF,
            bInterfaceSubClass=0, bInterfaceProtocol=0, iInterface=0, extra_descriptors=[],
        )  # fmt: skip

    def get_endpoint_descriptor(self, _dev: Board, ep: int, _intf: int, _alt: int, _config: int) -> Any:
        return SimpleNamespace(
            bLength=7, bDescriptorType=5, bEndpointAddress=(ENDPOINT, ENDPOINT | 0x80)[ep], bmAttributes=2,
            wMaxPacketSize=HIGH_SPEED_PACKET, bInterval=0, bRefresh=0, bSynchAddress=0, extra_descriptors=[],
        )  # fmt: skip

    def open_device(self, dev: Board) -> Board:
        if dev.refused == errno.EACCES:
            raise usb.core.USBError("Access denied", -3, dev.refused)
        return dev

    def close_device(self, dev_handle: Board) -> None:
        pass

    def get_configuration(self, _handle: Board) -> int:
        return 1

    def set_configuration(self, handle: Board, _value: int) -> None:
        if handle.refused:
            raise usb.core.USBError("Resource busy", -6, handle.refused)

    def claim_interface(self, handle: Board, _intf: int) -> None:
        handle.claimed = True

    def release_interface(self, handle: Board, _intf: int) -> None:
        handle.claimed = False

    def clear_halt(self, handle: Board, ep: int) -> None:
        handle.cleared.append(ep)

    def ctrl_transfer(self, handle: Board, _type: int, _request: int, value: int, _index: int, data: Any, _timeout: int) -> int:
        text = handle.strings[value & 0xFF].encode("utf-16le") if value & 0xFF else b"\x09\x04"
        answer = bytes([len(text) + 2, 3]) + text
        data[: len(answer)] = array("B", answer)
        return len(answer)

    def bulk_write(self, handle: Board, _ep: int, _intf: int, data: Any, _timeout: int) -> int:
        self._transport(handle).write(data.tobytes())
        return len(data)

    def bulk_read(self, handle: Board, _ep: int, _intf: int, buff: Any, _timeout: int) -> int:
        data = self._transport(handle).read(SIMULATED)
        if not data:
            raise usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT)
        buff[: len(data)] = array("B", data)
        return len(data)

    def _transport(self, handle: Board) -> Transport:
        assert handle.claimed
        if handle.transport is None:
            raise usb.core.USBError("No such device (it may have been disconnected)", -4, errno.ENODEV)
        return handle.transport


def connect(monkeypatch: pytest.MonkeyPatch, *boards: Board) -> None:
    """Make these boards the only ones on the bus."""
    monkeypatch.setattr(libusb_package, "get_libusb1_backend", lambda: Bus(*boards))
    monkeypatch.setattr(discovery, "serial_ports", list)


def test_usb_driver_finds_and_runs_the_board(monkeypatch: pytest.MonkeyPatch) -> None:
    model, board = tiny_model(), Board(tiny_board(), 2, 3)
    frames = tiny_frames(np.random.default_rng(0), 5)
    connect(monkeypatch, board)
    [listed] = json.loads(CliRunner().invoke(main, ["devices", "--json"], catch_exceptions=False).stdout)
    assert (listed["address"], listed["description"], listed["identity"]["network"]) == ("usb:1-2.3", "Firebrick tiny", "tiny")
    for address in ("usb", "usb:1-2.3"):
        with open_device(address, model) as device:
            np.testing.assert_array_equal([result.scores for result in device.stream(frames)], golden.run(model, frames))
        assert not board.claimed
    assert board.cleared[:2] == [ENDPOINT, ENDPOINT | 0x80]


def test_usb_driver_says_when_the_board_is_unplugged(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(tiny_board(), 2)
    connect(monkeypatch, board)
    with open_device("usb", tiny_model()) as device:
        results = device.stream(tiny_frames(np.random.default_rng(0), 50))
        next(results)
        board.transport = None
        with pytest.raises(FirebrickError, match=r"device usb:1-2: it was lost \(.*No such device.*\); check its cable and its power"):
            list(results)


def test_usb_driver_asks_which_of_several_boards(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, Board(None, 1), Board(None, 2))
    with pytest.raises(FirebrickError, match=r"device usb: several boards are connected; name one: usb:1-1, usb:1-2"):
        open_device("usb", tiny_model())
    with pytest.raises(FirebrickError, match=r"device usb:3-4: there is no such board on USB; connected: usb:1-1, usb:1-2"):
        open_device("usb:3-4", tiny_model())


def test_usb_driver_says_that_no_board_is_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch)
    with pytest.raises(FirebrickError, match="device usb: no board is connected; check its cable and its power"):
        open_device("usb", tiny_model())
    assert CliRunner().invoke(main, ["devices"]).stdout.startswith("No serial port and no board on USB was found")


@pytest.mark.parametrize(
    ("refused", "hint"), [(errno.EACCES, "see whether you may use it: on Linux, allow it with"), (errno.EBUSY, "end the other program")]
)
def test_usb_driver_says_why_a_board_cannot_be_opened(refused: int, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(None, 2)
    board.refused = refused
    connect(monkeypatch, board)
    with pytest.raises(FirebrickError, match=rf"device usb:1-2: it cannot be opened \(.*\); {hint}"):
        open_device("usb", tiny_model())
    [listed] = json.loads(CliRunner().invoke(main, ["devices", "--json"], catch_exceptions=False).stdout)
    assert hint in listed["problem"]


def test_usb_driver_leaves_other_makers_devices_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, Board(None, 2, manufacturer="Somebody"))
    with pytest.raises(FirebrickError, match="device usb:1-2: it is no board of ours, but Somebody tiny; name another one"):
        open_device("usb", tiny_model())


def test_usb_driver_says_that_libusb_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libusb_package, "get_libusb1_backend", lambda: None)
    with pytest.raises(FirebrickError, match="libusb, which accesses boards on USB, was not found or cannot be used here"):
        open_device("usb", tiny_model())


def test_usb_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "firebrick.sw.driver.usb_transport", None)
    with pytest.raises(FirebrickError, match="device usb: pyusb, .*, is missing; " + re.escape(install_extra("usb"))):
        open_device("usb", tiny_model())
