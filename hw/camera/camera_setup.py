# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Sets a sensor up over its control bus, and again whenever it has lost its settings."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ...sw.camera.sensor import Op, Sensor
from .sccb import SccbMaster

MILLISECOND_QUARTERS = 400
"""Quarters of a bit on the control bus in a millisecond."""
RESET_MILLISECONDS = 2
"""For which the sensor is reset, and then left alone. Data sheets ask for 1."""
SETTLING_FRAMES = 2
"""Beginnings of frames after a change of the prescaler before the next frame counts as one with it: one whole frame passes."""


class CameraSetup(wiring.Component):
    """Runs the steps of a sensor's description.

    ::

        reset -> wait -> setup ... PRESCALE -> watch ... WAIT --+
          ^                       ^             ^               |
          |                       |  slow       |               |
          +-- EXPECT fails -------+-------------+---------------+

    While there is no sensor, it begins again and again; a sensor that is plugged in later is found, and so is one that was without power.

    Parameters
    ----------
    sensor: its description. The last step of its set-up is PRESCALE
    frequency: of the clock in Hz
    prescaler: of the sensor's pixel clock, but for the time of ``slow``

    Members
    -------
    scl_low, sda_low: ``Out(1)``, sda: ``In(1)``; as of ``SccbMaster``
    reset_n: ``Out(1)``; low: reset the sensor
    found: ``Out(1)``; the sensor is set up
    frame: ``In(1)``; a frame begins
    slow: ``In(6)``; 0, or the prescaler less 1 that the sensor is to have for a while
    slow_active: ``Out(1)``; frames that begin have had this prescaler for a whole frame
    """

    scl_low: Signal
    sda_low: Signal
    sda: Signal
    reset_n: Signal
    found: Signal
    frame: Signal
    slow: Signal
    slow_active: Signal

    def __init__(self, *, sensor: Sensor, frequency: float, prescaler: int = 1) -> None:
        if not sensor.setup or sensor.setup[-1].op != Op.PRESCALE:
            raise ValueError(f"the last step of the set-up of {sensor.name} must be PRESCALE")
        self._sensor, self._prescaler = sensor, prescaler
        self._master = SccbMaster(frequency=frequency, address=sensor.address, address_bytes=sensor.address_bytes)
        super().__init__(
            {
                "scl_low": Out(1),
                "sda_low": Out(1),
                "sda": In(1),
                "reset_n": Out(1),
                "found": Out(1),
                "frame": In(1),
                "slow": In(6),
                "slow_active": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.master = master = self._master
        steps = [*self._sensor.setup, *self._sensor.watch]
        prescale_step = len(self._sensor.setup) - 1
        layout = data.StructLayout({"value": 8, "register": 8 * self._sensor.address_bytes, "op": Op})
        table: Any = memory.Memory(
            shape=layout, depth=len(steps), init=[{"value": step.value, "register": step.register, "op": step.op} for step in steps]
        )
        m.submodules.table = table
        read = table.read_port(domain="comb")
        step = read.data
        number = Signal(range(len(steps)))
        quarters = Signal(range(MILLISECOND_QUARTERS))
        milliseconds = Signal(8)
        waited = Signal()  # a millisecond ends
        divider = Signal(6)  # the prescaler less 1 that is wanted
        written = Signal(6, init=self._prescaler - 1)  # and that which the sensor has
        sent = Signal(6)  # in the step that is under way
        frames = Signal(range(SETTLING_FRAMES + 1))  # that have begun since it was written
        m.d.comb += [
            read.addr.eq(number),
            self.scl_low.eq(master.scl_low),
            self.sda_low.eq(master.sda_low),
            master.sda.eq(self.sda),
            divider.eq(Mux(self.slow == 0, self._prescaler - 1, self.slow)),
            waited.eq(master.quarter & (quarters == MILLISECOND_QUARTERS - 1)),
            self.slow_active.eq((self.slow != 0) & (written == self.slow) & (frames == SETTLING_FRAMES)),
            master.request.payload.register.eq(step.register),
            master.request.payload.value.eq(step.value | Mux(step.op == Op.PRESCALE, sent, 0)),
            master.request.payload.read.eq(step.op == Op.EXPECT),
        ]
        with m.If(master.quarter):
            m.d.sync += quarters.eq(Mux(waited, 0, quarters + 1))
        with m.If(waited):
            m.d.sync += milliseconds.eq(milliseconds + 1)
        with m.If(self.frame & (frames != SETTLING_FRAMES)):
            m.d.sync += frames.eq(frames + 1)

        def restart_timer() -> None:
            m.d.sync += [quarters.eq(0), milliseconds.eq(0)]

        def advance() -> None:
            m.d.sync += number.eq(Mux(number == len(steps) - 1, prescale_step + 1, number + 1))
            m.next = "STEP"

        m.d.comb += self.reset_n.eq(1)
        with m.FSM():
            with m.State("RESET"):
                m.d.comb += self.reset_n.eq(0)
                m.d.sync += [self.found.eq(0), number.eq(0)]
                with m.If(waited & (milliseconds == RESET_MILLISECONDS - 1)):
                    restart_timer()
                    m.next = "WAKE"
            with m.State("WAKE"), m.If(waited & (milliseconds == RESET_MILLISECONDS - 1)):
                m.next = "STEP"
            with m.State("STEP"):
                restart_timer()
                m.d.sync += sent.eq(divider)
                with m.If(step.op != Op.WAIT):
                    m.next = "BUS"
                with m.Else():
                    m.d.sync += self.found.eq(number > prescale_step)
                    m.next = "WAIT"
            with m.State("BUS"):
                m.d.comb += master.request.valid.eq(1)
                with m.If(master.request.ready):
                    advance()
                    with m.If((step.op == Op.EXPECT) & (master.value != step.value)):
                        restart_timer()
                        m.next = "RESET"
                    with m.If(step.op == Op.PRESCALE):
                        m.d.sync += [written.eq(sent), frames.eq(0)]
            with m.State("WAIT"):
                with m.If(waited & (milliseconds == step.value - 1)):
                    advance()
                with m.If(self.found & (written != divider)):
                    m.d.sync += number.eq(prescale_step)
                    m.next = "STEP"
        return m
