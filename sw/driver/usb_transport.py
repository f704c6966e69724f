# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Boards on USB that have no serial adapter."""

import contextlib
import errno
import time
from collections.abc import Iterator
from typing import Any

import libusb_package
import usb.core
import usb.util

from ..errors import FirebrickError
from ..link.usb_ids import ENDPOINT, HIGH_SPEED_PACKET, MANUFACTURER, PRODUCT, VENDOR
from .transport import Transport

BYTE_SECONDS = {usb.util.SPEED_HIGH: 1 / (13 * 512 * 8e3)}
"""Seconds that a byte takes, by the speed of the device: 13 packets in a microframe of 125 us."""
FULL_SPEED_BYTE_SECONDS = 1 / (19 * 64 * 1e3)
"""And at any other speed: 19 packets in a frame of 1 ms."""
LATENCY = 0.01
"""Seconds: some frames on the bus, and what the system takes."""
WRITE_TIMEOUT = 2.0
"""Seconds after which a device that takes no bytes is dead."""
HINT = "on Linux, allow it with a rule for udev, see docs/live.md"


def usb_devices() -> dict[str, Any]:
    """The boards that are connected, as pyusb has them, by address. Raises FirebrickError where the system's USB cannot be asked."""
    try:
        found = list(usb.core.find(find_all=True, idVendor=VENDOR, idProduct=PRODUCT, backend=_backend()))
    except usb.core.USBError as error:
        raise FirebrickError(f"USB cannot be asked for its devices ({error})") from error
    return {f"usb:{each.bus}-{'.'.join(map(str, each.port_numbers or (each.address,)))}": each for each in found}


def description(device: Any) -> str:
    """What a device says that it is; empty where it may not be asked."""
    try:
        return f"{device.manufacturer} {device.product}"
    except (ValueError, usb.core.USBError):  # pyusb takes a device that may not be opened for one without languages
        return ""


class UsbTransport(Transport):
    """The two bulk endpoints of a board on USB.

    Parameters
    ----------
    place: its bus and its sockets, as ``usb_devices`` has it behind ``usb:``; empty for the only one

    Raises FirebrickError where there is none, several and no place is given, or it may not be used.
    """

    def __init__(self, place: str = "") -> None:
        self.address, self._device = _choose(place)
        self.latency = LATENCY
        self.byte_seconds = BYTE_SECONDS.get(self._device.speed, FULL_SPEED_BYTE_SECONDS)
        try:
            if self._device.manufacturer != MANUFACTURER:
                raise FirebrickError(f"device {self.address}: it is no board of ours, but {description(self._device)}; name another one")
            self._device.set_configuration()
            usb.util.claim_interface(self._device, 0)
            for endpoint in (ENDPOINT, ENDPOINT | usb.util.ENDPOINT_IN):
                self._device.clear_halt(endpoint)  # both sides count packets from now on
        except (usb.core.USBError, ValueError) as error:
            self.close()
            busy = getattr(error, "errno", None) == errno.EBUSY
            hint = "end the other program that uses it" if busy else f"see whether you may use it: {HINT}"
            raise FirebrickError(f"device {self.address}: it cannot be opened ({error}); {hint}") from error
        except FirebrickError:
            self.close()
            raise

    def write(self, data: bytes) -> None:
        """See ``Transport``."""
        with self._lost():
            self._device.write(ENDPOINT, data, round(1000 * WRITE_TIMEOUT))

    def read(self, seconds: float) -> bytes:
        """See ``Transport``; each packet of the link is a transfer."""
        with self._lost(), contextlib.suppress(usb.core.USBTimeoutError):
            return bytes(self._device.read(ENDPOINT | usb.util.ENDPOINT_IN, HIGH_SPEED_PACKET, max(1, round(1000 * seconds))))
        return b""

    def now(self) -> float:
        """See ``Transport``."""
        return time.monotonic()

    def close(self) -> None:
        """See ``Transport``."""
        with contextlib.suppress(usb.core.USBError):
            usb.util.dispose_resources(self._device)

    @contextlib.contextmanager
    def _lost(self) -> Iterator[None]:
        """A device that fails while it is used is gone."""
        try:
            yield
        except usb.core.USBError as error:
            raise FirebrickError(f"device {self.address}: it was lost ({error}); check its cable and its power, and start again") from error


def _choose(place: str) -> tuple[str, Any]:
    """Address and device."""
    found = usb_devices()
    if place:
        if f"usb:{place}" not in found:
            there = ", ".join(found) or "none"
            raise FirebrickError(f"device usb:{place}: there is no such board on USB; connected: {there}")
        return f"usb:{place}", found[f"usb:{place}"]
    if len(found) != 1:
        none = "no board is connected; check its cable and its power"
        said = f"several boards are connected; name one: {', '.join(found)}" if found else none
        raise FirebrickError(f"device usb: {said}")
    return next(iter(found.items()))


def _backend() -> Any:
    """The library that pyusb uses."""
    found = libusb_package.get_libusb1_backend()
    if found is None:
        raise FirebrickError("libusb, which speaks to boards on USB, was not found or cannot be used here; install the system's")
    return found
