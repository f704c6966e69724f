# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How a core is connected: by plain streams, or on a bus."""

from dataclasses import dataclass

from ...sw.plan.nodes import GlobalSumSpec
from ..bus.top import BusOptions
from ..module_names import TOP
from .ports import Port, bus_ports, score_bits, stream_ports


@dataclass(frozen=True)
class CoreInterface:
    """The top module of a core, its ports and its sources."""

    name: str
    """What the names of modules and files begin with."""
    module: str
    ports: tuple[Port, ...]
    sources: tuple[str, ...]
    """The Verilog files; the first one is generated, without a template."""
    bus: BusOptions | None = None
    """Which bus; None for plain streams."""

    @property
    def generated(self) -> str:
        """The Verilog file that is generated without a template."""
        return self.sources[0]

    @property
    def clocks(self) -> tuple[str, ...]:
        """The clock ports."""
        return tuple(port.name for port in self.ports if not port.clock)

    @property
    def kind(self) -> str:
        """``stream`` or ``bus``: a part of the names of templates."""
        return "stream" if self.bus is None else "bus"


def stream_interface(global_sum: GlobalSumSpec, name: str = TOP) -> CoreInterface:
    """Pixels and scores as plain streams."""
    ports = stream_ports(score_bits(global_sum.score_bits))
    return CoreInterface(name, f"{name}_stream", ports, (f"rtl/{name}.v", f"rtl/{name}_stream.v"))


def bus_interface(options: BusOptions, name: str = TOP) -> CoreInterface:
    """Pictures and scores on AXI4-Stream, registers on AXI4-Lite or Wishbone."""
    module = f"{name}_wishbone" if options.wishbone else f"{name}_axi"
    return CoreInterface(name, module, bus_ports(options), (f"rtl/{module}.v",), options)
