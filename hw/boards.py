# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The boards of amaranth-boards: which there are, and how the accelerator sits on one."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Module
from amaranth.lib import io, wiring

from ..sw.errors import FirebrickError
from ..sw.link.identity import identity_of
from ..sw.link.packets import BAUD
from ..sw.model import Model
from ..sw.resources import DEVICES, Resources
from ..sw.spec import Plan
from .link.device import LinkedAccelerator
from .pll import Ecp5Clock, pll_settings
from .uart import SerialPort

NAMES = {"ecpix545": "ecpix5_45f", "ecpix585": "ecpix5_85f"}
"""Names for boards whose platform's name runs board and device together."""


def boards() -> dict[str, type]:
    """The platforms whose bitstreams can be made, by the name that users give: ``ulx3s_85f``, say.

    Raises FirebrickError where amaranth-boards is not installed.
    """
    try:
        package = import_module("amaranth_boards")
    except ModuleNotFoundError as error:
        hint = "install it with: pip install 'firebrick[bitstream]'"
        raise FirebrickError(f"amaranth-boards was not found, which knows the boards; {hint}") from error
    found: dict[str, type] = {}
    for info in iter_modules(package.__path__):
        if info.ispkg:
            continue
        module = import_module(f"{package.__name__}.{info.name}")
        for platform in getattr(module, "__all__", ()):
            kind = getattr(module, platform)
            name = platform.removesuffix("Platform").rstrip("_").lower()
            if name != platform.lower() and getattr(kind, "device", None) in DEVICES:
                found[NAMES.get(name, name)] = kind
    return dict(sorted(found.items()))


def board(name: str) -> Any:
    """A platform by name, ready to build with open tools. Raises FirebrickError where there is none."""
    known = boards()
    if name not in known:
        raise FirebrickError(f"board must be one of {', '.join(known)}, not {name}")
    return known[name](toolchain="Trellis")


def resources(platform: Any) -> Resources:
    """What the board's FPGA has."""
    return DEVICES[platform.device]


class BoardTop(wiring.Component):
    """The accelerator on a board: the board's clock through a loop to the planned frequency, and its serial line to the host.

    Parameters
    ----------
    plan: what to build
    model: what the plan was made of, for the host to know
    frequency: of the accelerator's clock, in Hz
    """

    def __init__(self, *, plan: Plan, model: Model, frequency: float) -> None:
        self._plan = plan
        self._model = model
        self._frequency = frequency
        super().__init__({})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        settings = pll_settings(platform.default_clk_frequency, self._frequency)
        m.submodules.clock = clock = Ecp5Clock(settings=settings)
        sync: Any = ClockDomain("sync", reset_less=True)
        m.domains += sync
        m.submodules.clock_pin = clock_pin = io.Buffer(io.Direction.Input, platform.request(platform.default_clk, dir="-"))
        m.d.comb += [clock.source.eq(clock_pin.i), ClockSignal().eq(clock.clock)]
        platform.add_clock_constraint(clock.clock, settings.output_hz)

        divisor = round(settings.output_hz / BAUD)
        identity = identity_of(self._model, self._plan, settings.output_hz)
        m.submodules.device = device = LinkedAccelerator(plan=self._plan, identity=identity, divisor=divisor)
        m.submodules.port = port = SerialPort(divisor=divisor)
        wiring.connect(m, device.sent, port.sent)
        pins = platform.request("uart", 0, dir="-")
        m.submodules.rx = rx = io.Buffer(io.Direction.Input, pins.rx)
        m.submodules.tx = tx = io.Buffer(io.Direction.Output, pins.tx)
        m.d.comb += [
            device.received.valid.eq(port.received.valid),
            device.received.payload.eq(port.received.payload),
            port.divisor.eq(device.divisor),
            device.slow.eq(port.slow),
            port.rx.eq(rx.i),
            tx.o.eq(port.tx),
        ]
        return m
