# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The bus interfaces and sets of files in a core's IP-XACT description (IEEE 1685-2014).

Bus types are those of Vivado, as other tools know these, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .interface import CoreInterface


@dataclass(frozen=True)
class BusInterface:
    """A bus interface: some ports and what they are in a type of bus."""

    name: str
    library: str
    bus: str
    """The type of bus in its library."""
    mode: str
    """``slave`` or ``master``."""
    ports: Mapping[str, str]
    """The port for each signal of the bus."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    registers: bool = False
    """The registers are accessed through it."""


def bus_interfaces(interface: CoreInterface) -> list[BusInterface]:
    """The bus interfaces of a core. Wishbone has none, as there is no type for it that tools agree on."""
    if interface.bus is None:
        beat = {"TVALID": "valid", "TREADY": "ready", "TDATA": "data"}
        streams = [
            BusInterface("pixels", "interface", "axis", "slave", {signal: f"pixel_{name}" for signal, name in beat.items()}),
            BusInterface(
                "scores", "interface", "axis", "master", {signal: f"score_{name}" for signal, name in (beat | {"TLAST": "last"}).items()}
            ),
        ]
        return [*streams, *_clock("clk", streams, "rst"), _reset("rst", "ACTIVE_HIGH")]
    buses = [
        BusInterface(prefix, "interface", bus, mode, _by_prefix(interface, prefix), registers=bus == "aximm")
        for prefix, bus, mode in (("s_axis", "axis", "slave"), ("m_axis", "axis", "master"), ("s_axi", "aximm", "slave"))
    ]
    used = [bus for bus in buses if bus.ports]
    core_clock = _clock("core_clk", [], "") if interface.bus.core_clock else []
    interrupt = BusInterface("irq", "signal", "interrupt", "master", {"INTERRUPT": "irq"}, {"SENSITIVITY": "LEVEL_HIGH"})
    return [*used, *_clock("aclk", used, "aresetn"), *core_clock, _reset("aresetn", "ACTIVE_LOW"), interrupt]


def file_sets(interface: CoreInterface) -> dict[str, list[tuple[str, str]]]:
    """The files of a core with their types, by the names of their sets."""
    return {
        "rtl": [(name, "verilogSource") for name in interface.sources],
        "bench": [(f"tb/{interface.name}_tb.v", "verilogSource"), ("tb/pictures.hex", "hex"), ("tb/scores.hex", "hex")],
        "constraints": [(f"constraints/{interface.name}.{kind}", kind) for kind in ("xdc", "sdc", "lpf")],
        "software": [(f"{interface.name}.h", "cSource")],
        "documentation": [("README.md", "markdown")],
    }


VIEWS = (
    ("synthesis", "synthesis", ("rtl", "constraints")),
    ("simulation", "simulation", ("rtl",)),
    ("bench", "simulation", ("rtl", "bench")),
)
"""The views of a core: name, kind, sets of files."""


def _by_prefix(interface: CoreInterface, prefix: str) -> dict[str, str]:
    """The ports of AXI with a prefix, by the names of their signals."""
    names = [port.name for port in interface.ports if port.name.startswith(f"{prefix}_")]
    return {name.removeprefix(f"{prefix}_").upper(): name for name in names}


def _clock(port: str, buses: list[BusInterface], reset: str) -> list[BusInterface]:
    parameters = {"ASSOCIATED_BUSIF": ":".join(bus.name for bus in buses), "ASSOCIATED_RESET": reset}
    return [BusInterface(port, "signal", "clock", "slave", {"CLK": port}, {key: value for key, value in parameters.items() if value})]


def _reset(port: str, polarity: str) -> BusInterface:
    return BusInterface(port, "signal", "reset", "slave", {"RST": port}, {"POLARITY": polarity})
