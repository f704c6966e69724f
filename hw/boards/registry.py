# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The boards of amaranth-boards: which there are, what they have, and how their bitstreams are made."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from ...sw.errors import FirebrickError
from ...sw.fpga.devices import Device, device
from ..flows.base import OpenFlow
from ..flows.ecp5 import Ecp5Flow
from ..flows.gowin import GowinFlow
from ..flows.ice40 import Ice40Flow
from ..flows.vendor import VENDOR_FLOWS, VendorFlow
from .host_interface import usb_resource

FLOWS: dict[str, OpenFlow | VendorFlow] = {
    "ECP5": Ecp5Flow(),
    **dict.fromkeys(("iCE40", "iCE40 UltraPlus"), Ice40Flow()),
    **dict.fromkeys(("GW1N", "GW2A"), GowinFlow()),
    **VENDOR_FLOWS,
}
"""By the family of the device."""
BOARD_ALIASES = {"ecpix5_45": "ecpix5_45f", "ecpix5_85": "ecpix5_85f"}
"""Names for boards whose platform's name leaves a letter of the device out."""


@dataclass(frozen=True)
class Board:
    """A board, by the name that users give: ``ulx3s_85f``, say."""

    name: str
    platform_class: Any
    """The class of its platform."""

    @property
    def part(self) -> str:
        """The FPGA, as its platform calls it."""
        return str(getattr(self.platform_class, "device", None) or self.platform_class.family)

    @property
    def device(self) -> Device:
        """The FPGA and what it has. Raises FirebrickError where that is not known."""
        found = device(self.part)
        if not found:
            raise FirebrickError(f"board {self.name} has an FPGA, {self.part}, that no tools here are known for; choose another board")
        return found

    @property
    def flow(self) -> OpenFlow | VendorFlow:
        """How its bitstreams are made. Raises FirebrickError where that is not known."""
        return FLOWS[self.device.family]

    @property
    def clock_hz(self) -> float | None:
        """The frequency of the clock on the board; None where it has none for the FPGA alone."""
        names = {resource.name: resource for resource in self.platform_class.resources}
        clock = names.get(self.platform_class.default_clk)
        return float(clock.clock.frequency) if clock and clock.clock else None

    @property
    def lacks(self) -> str:
        """What keeps the accelerator from being built for it; empty where nothing does."""
        if not device(self.part):
            return "tools"
        if not self.clock_hz:
            return "a clock at a pin of its FPGA"
        return "" if self.links else "a serial line to the host"

    @property
    def links(self) -> tuple[str, ...]:
        """What can carry bytes to the host and back, the one that is taken where nothing is asked for first: ``uart``, ``usb``."""
        serial = any(resource.name == "uart" for resource in self.platform_class.resources)
        usb = isinstance(self.flow, Ecp5Flow) and usb_resource(self.platform_class) is not None
        return ("uart",) * serial + ("usb",) * usb

    def link(self, asked: str | None) -> str:
        """What carries bytes, where one of ``links`` is asked for or nothing. Raises FirebrickError where it has not what is asked for."""
        if asked and asked not in self.links:
            raise FirebrickError(f"board {self.name} has no link {asked} that is known here; it has {' and '.join(self.links)}")
        return asked or self.links[0]

    @property
    def has_open_tools(self) -> bool:
        """Open tools make its bitstreams."""
        return device(self.part) is not None and isinstance(self.flow, OpenFlow)

    @property
    def frequency(self) -> float:
        """What the accelerator's clock is planned for where nothing is asked for, in Hz. Raises FirebrickError as ``flow`` does."""
        grade = getattr(self.platform_class, "speed", getattr(self.platform_class, "family", ""))
        return self.flow.frequency_by_grade.get(grade, self.flow.frequency) or self.clock_hz or 0.0

    def clock_for(self, frequency: float) -> float:
        """The clock that the accelerator gets where a frequency is asked for, at most 5 % less; both in Hz.

        Raises FirebrickError where the board's clock cannot be turned into one.
        """
        return self.flow.clock_settings(self.platform(), frequency).output_hz

    def platform(self) -> Any:
        """A platform to build with, once."""
        return self.platform_class()


@cache
def boards() -> dict[str, Board]:
    """Every board, by name. Raises FirebrickError where amaranth-boards is not installed."""
    try:
        package = import_module("amaranth_boards")
    except ModuleNotFoundError as error:
        hint = "install it with: pip install 'firebrick[bitstream]'"
        raise FirebrickError(f"amaranth-boards was not found, which knows the boards; {hint}") from error
    found = {}
    for info in iter_modules(package.__path__):
        module = None if info.ispkg else import_module(f"{package.__name__}.{info.name}")
        for platform in getattr(module, "__all__", ()):
            name = _name(info.name, platform)
            name = BOARD_ALIASES.get(name, name)
            found[name] = Board(name, getattr(module, platform))
    return dict(sorted(found.items()))


def board(name: str) -> Board:
    """A board by name, for which the accelerator can be built. Raises FirebrickError where there is none, or it cannot."""
    found = boards().get(name)
    if not found:
        usable = ", ".join(one.name for one in boards().values() if one.has_open_tools and not one.lacks)
        raise FirebrickError(f"board must be one that `firebrick boards` lists ({usable}, with open tools), not {name}")
    if found.lacks and found.device:
        raise FirebrickError(f"board {name} lacks {found.lacks}; choose another board")
    return found


def _name(module: str, platform: str) -> str:
    """The module's name and what the platform's has beyond it, or the platform's where it does not begin so: tang_primer_20k_dock."""
    words = platform.removesuffix("Platform").strip("_").lower()
    rest = words
    for letter in module.replace("_", ""):
        rest = rest.removeprefix("_")
        if not rest.startswith(letter):
            return words
        rest = rest[1:]
    return f"{module}_{rest.strip('_')}" if rest else module
