# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The top module on a board: clock, link and accelerator."""

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal
from amaranth.lib import wiring

from ...sw.link.identity import describe_device
from ...sw.link.packets import DEFAULT_BAUD
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan
from ..flows.base import Flow
from ..flows.ecp5_fast_flow import Ecp5FastClock
from ..link.linked_accelerator import LinkedAccelerator
from ..standalone.standalone_device import StandaloneDevice
from .host_interface import connect_uart, connect_usb
from .standalone_ports import StandalonePorts


class BoardTop(wiring.Component):
    """The accelerator on a board.

    ::

        board's clock --> clock generator --> sync domain, and with fast lanes: fast domain
        board's pins <--> UART or USB port <--> linked accelerator, or with a camera: standalone device <--> standalone ports

    Parameters
    ----------
    plan: what to build
    model: the model of the plan; the device reports it to the host
    flow: the flow of the board's FPGA family, or that of designs with fast lanes if the plan has some
    frequency: the target of the accelerator's clock, in Hz
    link: the link to the host, ``uart`` or ``usb``
    reloadable: the device descriptor can be reloaded in a finished bitstream
    ports: a camera, and perhaps a screen
    """

    def __init__(
        self,
        *,
        plan: Plan,
        model: Model,
        flow: Flow,
        frequency: float,
        link: str,
        reloadable: bool = False,
        ports: StandalonePorts | None = None,
    ) -> None:
        self._plan = plan
        self._model = model
        self._flow = flow
        self._frequency = frequency
        self._link = link
        self._reloadable = reloadable
        self._ports = ports
        super().__init__({})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        settings = self._flow.clock_settings(platform, self._frequency)
        m.submodules.clock = clock = self._flow.clock_generator(platform, settings)
        sync: Any = ClockDomain("sync", reset_less=self._flow.gated_clock)
        m.domains += sync
        m.d.comb += ClockSignal().eq(clock.clock)
        if not self._flow.gated_clock:
            m.d.comb += ResetSignal().eq(clock.reset)
        platform.add_clock_constraint(clock.clock, settings.clock_hz * self._flow.overconstraint)
        if isinstance(clock, Ecp5FastClock):
            m.domains += ClockDomain("fast", reset_less=True)
            m.d.comb += ClockSignal("fast").eq(clock.fast_clock)
            platform.add_clock_constraint(clock.fast_clock, settings.output_hz * self._flow.overconstraint)

        divisor = round(settings.clock_hz / DEFAULT_BAUD)
        descriptor = describe_device(self._model, self._plan, settings.clock_hz)
        device: LinkedAccelerator | StandaloneDevice
        if self._ports:
            device = standalone = self._ports.device(self._plan, descriptor, divisor, reloadable=self._reloadable)
            self._ports.connect(m, platform, standalone, clock, self._model, self._plan, settings.clock_hz)
        else:
            device = LinkedAccelerator(plan=self._plan, descriptor=descriptor, divisor=divisor, reloadable=self._reloadable)
        m.submodules.device = device
        if self._link == "usb":
            connect_usb(m, platform, device, clock, descriptor.network, descriptor.checksum.hex()[:8])
        else:
            connect_uart(m, platform, device, divisor)
        return m
