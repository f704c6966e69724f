# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Boards that are USB devices themselves, without a serial adapter."""

import contextlib
import errno
import time
from collections.abc import Iterator
from typing import Any

import libusb_package
import usb.core
import usb.util

from ..errors import FirebrickError
from ..link.carriers import USB_FULL_SPEED, USB_HIGH_SPEED
from ..link.usb_ids import ENDPOINT, HIGH_SPEED_PACKET, MANUFACTURER, PRODUCT, VENDOR
from .transport import Transport

CARRIERS = {usb.util.SPEED_HIGH: USB_HIGH_SPEED}
"""By the speed of the device; any other is full speed."""
LATENCY = 0.01
"""Seconds: some frames on the bus, and the overhead of the operating system."""
WRITE_TIMEOUT = 2.0
"""Seconds after which a device that accepts no bytes counts as dead."""
ACCESS_HINT = "on Linux, allow it with a rule for udev, see docs/live.md"


def usb_devices() -> dict[str, Any]:
    """The connected boards as pyusb objects, by address. Raises FirebrickError where the system's USB is not accessible."""
    try:
        devices = list(usb.core.find(find_all=True, idVendor=VENDOR, idProduct=PRODUCT, backend=_backend()))
    except usb.core.USBError as error:
        raise FirebrickError(f"the devices on USB cannot be listed ({error})") from error
    return {f"usb:{device.bus}-{'.'.join(map(str, device.port_numbers or (device.address,)))}": device for device in devices}


def description(device: Any) -> str:
    """Manufacturer and product that a device reports; empty where it may not be asked."""
    try:
        return f"{device.manufacturer} {device.product}"
    except (ValueError, usb.core.USBError):  # pyusb reports a device that may not be opened as one without languages
        return ""


class UsbTransport(Transport):
    """The two bulk endpoints of a board on USB.

    Parameters
    ----------
    location: bus and ports of the board, as in the keys of ``usb_devices`` after ``usb:``; empty for the only board

    Raises FirebrickError where there is no board, several boards and no location is given, or the board may not be used.
    """

    def __init__(self, location: str = "") -> None:
        self.address, self._device = _select(location)
        self.latency = LATENCY
        self.byte_seconds = 1 / CARRIERS.get(self._device.speed, USB_FULL_SPEED).bytes_per_second
        try:
            if self._device.manufacturer != MANUFACTURER:
                raise FirebrickError(f"device {self.address}: it is no board of ours, but {description(self._device)}; name another one")
            self._device.set_configuration()
            usb.util.claim_interface(self._device, 0)
            for endpoint in (ENDPOINT, ENDPOINT | usb.util.ENDPOINT_IN):
                self._device.clear_halt(endpoint)  # resets the DATA0/DATA1 toggle on both sides
        except (usb.core.USBError, ValueError) as error:
            self.close()
            busy = getattr(error, "errno", None) == errno.EBUSY
            hint = "end the other program that uses it" if busy else f"see whether you may use it: {ACCESS_HINT}"
            raise FirebrickError(f"device {self.address}: it cannot be opened ({error}); {hint}") from error
        except FirebrickError:
            self.close()
            raise

    def write(self, data: bytes) -> None:
        """See ``Transport``."""
        with self._device_lost():
            self._device.write(ENDPOINT, data, round(1000 * WRITE_TIMEOUT))

    def read(self, timeout: float) -> bytes:
        """See ``Transport``; each packet of the link is a transfer."""
        milliseconds = max(1, round(1000 * timeout))  # libusb takes 0 for no timeout at all
        with self._device_lost(), contextlib.suppress(usb.core.USBTimeoutError):
            return bytes(self._device.read(ENDPOINT | usb.util.ENDPOINT_IN, HIGH_SPEED_PACKET, milliseconds))
        return b""

    def now(self) -> float:
        """See ``Transport``."""
        return time.monotonic()

    def close(self) -> None:
        """See ``Transport``."""
        with contextlib.suppress(usb.core.USBError):
            usb.util.dispose_resources(self._device)

    @contextlib.contextmanager
    def _device_lost(self) -> Iterator[None]:
        """Turn the failure of an open device into a message: it is gone."""
        try:
            yield
        except usb.core.USBError as error:
            raise FirebrickError(f"device {self.address}: it was lost ({error}); check its cable and its power, and start again") from error


def _select(location: str) -> tuple[str, Any]:
    """Address and pyusb object of the board at a location, or of the only board."""
    boards = usb_devices()
    if location:
        address = f"usb:{location}"
        if address not in boards:
            connected = ", ".join(boards) or "none"
            raise FirebrickError(f"device {address}: there is no such board on USB; connected: {connected}")
        return address, boards[address]
    if not boards:
        raise FirebrickError("device usb: no board is connected; check its cable and its power")
    if len(boards) > 1:
        raise FirebrickError(f"device usb: several boards are connected; name one: {', '.join(boards)}")
    return next(iter(boards.items()))


def _backend() -> Any:
    """The libusb that pyusb uses."""
    backend = libusb_package.get_libusb1_backend()
    if backend is None:
        raise FirebrickError("libusb, which accesses boards on USB, was not found or cannot be used here; install the system's")
    return backend
