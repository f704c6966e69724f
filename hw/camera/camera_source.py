# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A camera as a source of frames for the accelerator."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.camera.picture import Picture
from ...sw.camera.sensor import PRESCALERS, Sensor
from ..bus.crossing import Crossing
from ..bus.frame_guard import FrameGuard
from ..stream.fifo import Fifo
from .camera_setup import CameraSetup
from .dvp_capture import ITEM, DvpCapture
from .frame_cutter import FrameCutter
from .square_averager import SquareAverager

CROSSING_DEPTH = 16
"""Items between the clocks: enough for one in each cycle of the slower clock."""
BUFFER_PIXELS = 64
"""Pixels for which the network may pause, beside those that its first line buffer has room for."""
PATIENCE = 63
"""Cycles without ``pixels.ready`` after which the network does not count as idle."""
TIMEOUT_LINES = 2
"""Lines, at the slowest pixel clock, of silence within a frame, after which the frame is torn."""

OPEN_DRAIN = wiring.Signature({"o": Out(1), "oe": Out(1), "i": In(1)})
"""A line with a pull-up, which is only ever driven low: the members of an input and output buffer (amaranth.lib.io)."""
CAMERA_PINS = wiring.Signature(
    {
        "vsync": In(1),
        "href": In(1),
        "data": In(8),
        "scl": Out(OPEN_DRAIN),
        "sda": Out(OPEN_DRAIN),
        "reset_n": Out(1),
        "power_down": Out(1),
    }
)
"""The pins of a sensor but its clocks, as its user sees them."""
COUNTERS = data.StructLayout({"taken": 32, "dropped": 32, "torn": 32})
"""Frames that went to the network whole; that it had no time for; that the sensor did not send whole."""


class CameraSource(wiring.Component):
    """Frames of a camera, each whole or marked bad, and the camera's set-up.

    Its clock domains are ``sync``, and ``camera``: the pixel clock (PCLK) of the sensor, which may stop at any time, without a reset. A
    frame's bytes are those that a host would send: row by row, pixel by pixel, channel by channel (``Picture``). A frame that begins while
    the network cannot take it is dropped whole: while ``pixels.ready``, which must not depend on ``pixels.valid``, has been 0 for
    PATIENCE cycles, or the frame before it has not gone. One that has begun and does not come whole is completed with zeros, and its
    verdict is bad::

        pins -> capture -> asynchronous FIFO -> cutter -> averager -> buffer -> guard -> pixels, verdicts
        setup <-> SCCB

    Parameters
    ----------
    sensor: the sensor; its description is also that of its set-up
    picture: the picture that the network sees
    frequency: of the domain ``sync`` in Hz
    prescaler: of the sensor's pixel clock

    Members
    -------
    pins: ``Out(CAMERA_PINS)``; all but PCLK, which is the clock of the domain ``camera``, and XCLK
    pixels: ``Out(stream.Signature(8))``; to the accelerator
    verdicts: ``Out(stream.Signature(1))``; one for each frame of ``pixels``, as ``ScoreGate`` takes them; ready when a frame begins
    begun: ``Out(1)``; the first byte of a frame leaves in this cycle
    found: ``Out(1)``; the sensor has answered and is set up
    slow: ``In(6)``; 0, or the prescaler less 1 that the sensor is to have for a while
    slow_active: ``Out(1)``; ``slow`` is not 0, and frames that begin now have this prescaler
    counters: ``Out(COUNTERS)``
    """

    pins: wiring.PureInterface
    pixels: stream.Interface
    verdicts: stream.Interface
    begun: Signal
    found: Signal
    slow: Signal
    slow_active: Signal
    counters: data.View

    def __init__(self, *, sensor: Sensor, picture: Picture, frequency: float, prescaler: int = 1) -> None:
        if prescaler not in PRESCALERS:
            raise ValueError(f"prescaler must be {PRESCALERS.start} to {PRESCALERS.stop - 1}, not {prescaler}")
        if (picture.sensor_rows, picture.sensor_columns) != (sensor.rows, sensor.columns):
            raise ValueError(f"picture must be one of {sensor.name}, {sensor.columns}x{sensor.rows} pixels")
        self._entry = data.StructLayout({"colours": 8 * picture.channels, "ends": 1, "excess": 1, "good": 1})
        self._sensor, self._picture, self._frequency, self._prescaler = sensor, picture, frequency, prescaler
        super().__init__(
            {
                "pins": Out(CAMERA_PINS),
                "pixels": Out(stream.Signature(unsigned(8))),
                "verdicts": Out(stream.Signature(1)),
                "begun": Out(1),
                "found": Out(1),
                "slow": In(6),
                "slow_active": Out(1),
                "counters": Out(COUNTERS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sensor, picture = self._sensor, self._picture
        timeout = round(TIMEOUT_LINES * sensor.line_seconds * (PRESCALERS.stop - 1) * self._frequency)
        capture = DvpCapture(vsync_high=sensor.vsync_high, href_high=sensor.href_high)
        crossing = Crossing(shape=ITEM, depth=CROSSING_DEPTH, writer="camera", reader="sync")
        cutter = FrameCutter(picture=picture, timeout=timeout)
        averager = SquareAverager(channels=picture.channels, width=picture.width, factor=picture.factor)
        buffer = Fifo(shape=self._entry, depth=BUFFER_PIXELS)
        guard = FrameGuard(frame_bytes=picture.frame_bytes)
        setup = CameraSetup(sensor=sensor, frequency=self._frequency, prescaler=self._prescaler)
        m.submodules.capture, m.submodules.crossing, m.submodules.cutter = capture, crossing, cutter
        m.submodules.averager, m.submodules.buffer, m.submodules.guard, m.submodules.setup = averager, buffer, guard, setup

        wiring.connect(m, capture.output, crossing.input)
        wiring.connect(m, guard.output, wiring.flipped(self.pixels))
        wiring.connect(m, guard.verdicts, wiring.flipped(self.verdicts))
        self._connect_pins(m, capture, setup)
        ending = Signal()  # the end of a frame waits until its pixels are in the buffer
        ending_good = Signal()
        complete = Signal()  # all pixels of the frame are in the buffer
        remaining = Signal(range(picture.height * picture.width + 1))
        settled = Signal()
        pause = Signal(range(PATIENCE + 1), init=PATIENCE)  # cycles for which the network has taken nothing
        busy = Signal()  # with an earlier frame
        stored = Signal()
        m.d.comb += [
            cutter.input.valid.eq(crossing.output.valid),
            cutter.input.payload.eq(crossing.output.payload),
            crossing.output.ready.eq(1),
            cutter.enable.eq(setup.found),
            busy.eq(ending | buffer.output.valid | guard.receiving | guard.output.valid),
            cutter.idle.eq((pause != PATIENCE) & self.verdicts.ready & ~busy),
            cutter.behind.eq(averager.mean_valid & ~buffer.input.ready),
            averager.start.eq(cutter.start),
            averager.pixel.eq(cutter.pixel),
            averager.valid.eq(cutter.valid),
            settled.eq(~(cutter.valid | averager.mean_valid)),
            complete.eq(remaining == 0),
            buffer.input.valid.eq(averager.mean_valid | (ending & settled)),
            buffer.input.payload.colours.eq(averager.mean),
            buffer.input.payload.ends.eq(~averager.mean_valid),
            # What makes the guard's verdict bad: too few bytes, or, if there is none too few, one too many.
            buffer.input.payload.excess.eq(complete & ~ending_good),
            buffer.input.payload.good.eq(ending_good),
            stored.eq(buffer.input.valid & buffer.input.ready),
            self.begun.eq(guard.begun),
            self.found.eq(setup.found),
            setup.frame.eq(cutter.frame),
            setup.slow.eq(self.slow),
            self.slow_active.eq(setup.slow_active),
        ]
        with m.If(self.pixels.ready):
            m.d.sync += pause.eq(0)
        with m.Elif(pause != PATIENCE):
            m.d.sync += pause.eq(pause + 1)
        with m.If(stored & ~averager.mean_valid):
            m.d.sync += ending.eq(0)
        with m.If(stored & averager.mean_valid & ~complete):
            m.d.sync += remaining.eq(remaining - 1)
        with m.If(cutter.start):
            m.d.sync += remaining.eq(picture.height * picture.width)
        with m.If(cutter.ends):
            m.d.sync += [ending.eq(1), ending_good.eq(cutter.good)]
        fell_behind = self._serialise(m, buffer.output, guard)
        counters = {
            "taken": self.verdicts.valid & self.verdicts.ready & self.verdicts.payload,
            "dropped": cutter.dropped | fell_behind,
            "torn": cutter.torn,
        }
        for name, event in counters.items():
            counted = Signal(name=f"{name}_counted")  # a cycle later, so that the counter's enable is short
            m.d.sync += counted.eq(event)
            with m.If(counted):
                m.d.sync += self.counters[name].eq(self.counters[name] + 1)
        return m

    def _connect_pins(self, m: Module, capture: DvpCapture, setup: CameraSetup) -> None:
        pins: Any = self.pins
        m.d.comb += [
            capture.vsync.eq(pins.vsync),
            capture.href.eq(pins.href),
            capture.data.eq(pins.data),
            pins.scl.oe.eq(setup.scl_low),
            pins.sda.oe.eq(setup.sda_low),
            setup.sda.eq(pins.sda.i),
            pins.reset_n.eq(setup.reset_n),
        ]

    def _serialise(self, m: Module, entries: Any, guard: FrameGuard) -> Value:
        """Gives the guard the bytes of pixels and the ends of frames. Returns whether a frame ends short that the sensor sent whole."""
        channels = self._picture.channels
        entry, item = entries.payload, guard.input.payload
        channel = Signal(range(max(2, channels)))
        taken = guard.input.valid & guard.input.ready
        final = entry.ends | (channel == channels - 1)
        m.d.comb += [
            guard.input.valid.eq(entries.valid),
            entries.ready.eq(guard.input.ready & final),
            item.byte.eq(Mux(entry.ends, 0, entry.colours.word_select(channel, 8))),
            item.present.eq(~entry.ends | entry.excess),
            item.last.eq(entry.ends),
        ]
        with m.If(taken):
            m.d.sync += channel.eq(Mux(final, 0, channel + 1))
        short: Value = guard.short & entry.good
        return short
