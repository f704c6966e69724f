# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A camera as a source of frames for the accelerator."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.camera.picture import Picture
from ...sw.camera.sensor import PRESCALERS, Sensor

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

    Its clock domains are ``sync``, and ``camera``: the pixel clock (PCLK) of the sensor, which may stop at any time. A frame's bytes are
    those that a host would send: row by row, pixel by pixel, channel by channel (``Picture``). A frame that begins while the network cannot
    take it is dropped whole. One that has begun and that the sensor does not finish is completed with zeros, and its verdict is bad.

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
        return Module()
