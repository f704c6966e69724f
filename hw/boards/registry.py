# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The boards of amaranth-boards: their FPGAs, clocks, links and flows."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from ...sw.errors import FirebrickError
from ...sw.fpga.devices import FpgaDevice, find_device
from ...sw.link.carriers import USB_FULL_SPEED, USB_HIGH_SPEED, Carrier, fastest_uart, uart
from ...sw.link.packets import DEFAULT_BAUD
from ...sw.utils.distribution import install_extra
from ...sw.utils.suggestions import did_you_mean
from ..eda.tool_paths import tool_command
from ..flows.base import OpenFlow
from ..flows.ecp5 import Ecp5Flow
from ..flows.ecp5_fast_flow import Ecp5FastFlow
from ..flows.gowin import GowinFlow
from ..flows.ice40 import Ice40Flow
from ..flows.vendor import VENDOR_FLOWS, VendorFlow
from .host_interface import has_ulpi, usb_resource

FLOWS: dict[str, OpenFlow | VendorFlow] = {
    "ECP5": Ecp5Flow(),
    **dict.fromkeys(("iCE40", "iCE40 UltraPlus"), Ice40Flow()),
    **dict.fromkeys(("GW1N", "GW2A"), GowinFlow()),
    **VENDOR_FLOWS,
}
"""The flow of each family of devices."""
FAST_FLOWS: dict[str, OpenFlow] = {"ECP5": Ecp5FastFlow()}
"""The flow of designs with lanes at twice the clock, of the families that have them."""
BOARD_ALIASES = {"ecpix5_45": "ecpix5_45f", "ecpix5_85": "ecpix5_85f"}
"""Names of boards whose platforms leave out a letter of the device's name."""


@dataclass(frozen=True)
class Board:
    """A board."""

    name: str
    """The name on the command line, ``ulx3s_85f`` for example."""
    platform_class: Any
    """The class of its Amaranth platform."""

    @property
    def part(self) -> str:
        """The FPGA, by the platform's name for it."""
        return str(getattr(self.platform_class, "device", None) or self.platform_class.family)

    @property
    def device(self) -> FpgaDevice:
        """The FPGA and its resources. Raises FirebrickError if it is not known."""
        known = find_device(self.part)
        if not known:
            raise FirebrickError(f"board {self.name} has an FPGA, {self.part}, that no tools here are known for; choose another board")
        return known

    @property
    def flow(self) -> OpenFlow | VendorFlow:
        """The flow for its FPGA. Raises FirebrickError if the FPGA is not known."""
        return FLOWS[self.device.family]

    @property
    def fast_flow(self) -> OpenFlow:
        """The flow of designs with lanes at twice the clock. Raises FirebrickError if the family has none."""
        flow = FAST_FLOWS.get(self.device.family)
        if flow is None:
            raise FirebrickError(
                f"board {self.name} has an FPGA, {self.part}, on which no lanes can run at twice the clock here; "
                "leave out --fast-lanes, or choose a board with an ECP5"
            )
        return flow

    @property
    def clock_hz(self) -> float | None:
        """The frequency of the board's clock; None if the board has none at a pin of its FPGA."""
        names = {resource.name: resource for resource in self.platform_class.resources}
        clock = names.get(self.platform_class.default_clk)
        return float(clock.clock.frequency) if clock and clock.clock else None

    @property
    def lacks(self) -> str:
        """What the board lacks for the accelerator; empty if nothing."""
        if not find_device(self.part):
            return "tools"
        if not self.clock_hz:
            return "a clock at a pin of its FPGA"
        return "" if self.links else "a serial line to the host"

    @property
    def links(self) -> tuple[str, ...]:
        """The links to the host, ``uart`` or ``usb``; the first is the default."""
        serial = any(resource.name == "uart" for resource in self.platform_class.resources)
        usb = isinstance(self.flow, Ecp5Flow) and usb_resource(self.platform_class) is not None
        return ("uart",) * serial + ("usb",) * usb

    def link(self, requested: str | None) -> str:
        """The requested link, or the default. Raises FirebrickError if the board lacks the requested one."""
        if requested and requested not in self.links:
            raise FirebrickError(f"board {self.name} has no link {requested} that is known here; it has {' and '.join(self.links)}")
        return requested or self.links[0]

    def plls(self, link: str) -> int:
        """The PLLs that the accelerator's clock and one of ``links`` take: USB on the FPGA's own pins has one of its own."""
        return 1 + (link == "usb" and not has_ulpi(usb_resource(self.platform_class)))

    def carrier(self, link: str, clock: float) -> Carrier:
        """What carries the bytes of one of ``links``, at the fastest rate of which an accelerator with a clock, in Hz, is capable."""
        if link == "uart":
            return fastest_uart(clock) or uart(DEFAULT_BAUD)
        return USB_HIGH_SPEED if has_ulpi(usb_resource(self.platform_class)) else USB_FULL_SPEED

    @property
    def has_open_tools(self) -> bool:
        """Its bitstreams can be made with open tools."""
        return find_device(self.part) is not None and isinstance(self.flow, OpenFlow)

    def check_tools(self) -> None:
        """Raise FirebrickError if an open tool that its bitstream needs is missing; without a vendor's it gets a project."""
        for name in ("yosys", *((self.flow.nextpnr, self.flow.packer) if isinstance(self.flow, OpenFlow) else ())):
            tool_command(name)

    @property
    def frequency(self) -> float:
        """The default of the accelerator's clock, in Hz. Raises FirebrickError as ``flow`` does."""
        grade = getattr(self.platform_class, "speed", getattr(self.platform_class, "family", ""))
        return self.flow.frequency_by_grade.get(grade, self.flow.frequency) or self.clock_hz or 0.0

    def clock_for(self, frequency: float, *, fast: bool = False) -> float:
        """The clock that the PLL makes for a target frequency, at most 5 % less; both in Hz. ``fast``: beside one of twice the frequency.

        Raises FirebrickError if the board's clock cannot be turned into one, and where ``fast_flow`` does.
        """
        return (self.fast_flow if fast else self.flow).clock_settings(self.platform(), frequency).clock_hz

    def platform(self) -> Any:
        """A new platform; it can be elaborated once."""
        return self.platform_class()


@cache
def boards() -> dict[str, Board]:
    """All boards, sorted by name. Raises FirebrickError if amaranth-boards is not installed."""
    try:
        package = import_module("amaranth_boards")
    except ModuleNotFoundError as error:
        raise FirebrickError(f"amaranth-boards was not found, which knows the boards; {install_extra('bitstream')}") from error
    by_name = {}
    for info in iter_modules(package.__path__):
        module = None if info.ispkg else import_module(f"{package.__name__}.{info.name}")
        for platform in getattr(module, "__all__", ()):
            name = _name(info.name, platform)
            name = BOARD_ALIASES.get(name, name)
            by_name[name] = Board(name, getattr(module, platform))
    return dict(sorted(by_name.items()))


def board(name: str) -> Board:
    """A board by name. Raises FirebrickError if there is none, or if it lacks what the accelerator needs."""
    match = boards().get(name)
    if not match:
        if hint := did_you_mean(name, boards()):
            raise FirebrickError(f"board {name} is none that `firebrick boards` lists; {hint}")
        usable = ", ".join(board.name for board in boards().values() if board.has_open_tools and not board.lacks)
        raise FirebrickError(f"board must be one that `firebrick boards` lists ({usable}, with open tools), not {name}")
    if match.lacks and match.device:  # ``device`` raises for an unknown FPGA
        raise FirebrickError(f"board {name} lacks {match.lacks}; choose another board")
    return match


def _name(module: str, platform: str) -> str:
    """A board's name: the module's with what the platform's name adds to it, or the platform's if it does not begin with the module's.

    Module ulx3s, platform ULX3S_85F_Platform: ulx3s_85f. Letters are compared without underscores.
    """
    full = platform.removesuffix("Platform").strip("_").lower()
    rest = full
    for letter in module.replace("_", ""):
        rest = rest.removeprefix("_")
        if not rest.startswith(letter):
            return full
        rest = rest[1:]
    return f"{module}_{rest.strip('_')}" if rest else module
