# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A camera and a screen on a board: their pins, their clocks, and the accelerator between them."""

from collections.abc import Mapping
from typing import Any

from amaranth.build import Attrs, Pins, Resource, Subsignal
from amaranth.build.res import ResourceError
from amaranth.hdl import ClockDomain, ClockSignal, Module, Mux, Signal
from amaranth.lib import io, wiring

from ...sw.camera.picture import camera_picture
from ...sw.camera.sensor import Sensor
from ...sw.camera.sensors import find_sensor
from ...sw.errors import FirebrickError
from ...sw.fpga.peripherals import CAMERA_PINS, DISPLAY_PINS, OPTIONAL_CAMERA_PINS, Peripherals
from ...sw.link.identity import DeviceDescriptor
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan
from ..accelerator import Accelerator
from ..camera.camera_source import CameraSource
from ..display.display import Display
from ..display.frame_summary import FrameSummary
from ..flows.clock_generator import ClockGenerator
from ..flows.ecp5 import PIXEL_HZ, TMDS_HZ, Ecp5Clock, Ecp5VideoClocks
from ..standalone.standalone_device import StandaloneDevice

DATA_PINS = tuple(f"d{bit}" for bit in range(8))
_MODULE_ORDER = ("scl", "sda", "vsync", "href", "pclk", "xclk", "d7", "d6", "d5", "d4", "d3", "d2", "d1", "d0", "reset", "pwdn")
"""The signals of an OV7670 module in the order of its two rows of pins, behind 3V3 and GND."""
_ULX3S_HEADER = tuple(f"gpio_0:{pair}{side}" for pair in range(8) for side in "+-")  # gp0, gn0, gp1, gn1 ...
_PMODS = tuple(f"pmod_{number}:{pin}" for number in (0, 1) for pin in (1, 7, 2, 8, 3, 9, 4, 10))  # the two rows of each
_ULX3S_ORDER = ("scl", "sda", "pclk", "href", "vsync", *_MODULE_ORDER[5:])
"""PCLK and VSYNC are exchanged: gp1 (A10) leads to a global clock buffer by a wire of its own, gp2 only through the fabric."""
CAMERA_HEADERS = {
    "ulx3s": dict(zip(_ULX3S_ORDER, _ULX3S_HEADER, strict=True)),
    "ecpix5": dict(zip(_MODULE_ORDER, _PMODS, strict=True)),
}
"""The usual pins of a camera, by the prefix of the board's name; docs/standalone.md has the tables."""
DISPLAY_CONNECTORS = {"ulx3s": dict(zip(DISPLAY_PINS, ("A17", "A16", "A14", "A12"), strict=True))}
"""The positive pins of the pairs of a connector for HDMI, likewise; the negative ones follow from them."""


def usual_pins(kind: str, board: str) -> dict[str, str] | None:
    """The usual pins of a camera or a display on a board; None where none are known."""
    headers = CAMERA_HEADERS if kind == "camera" else DISPLAY_CONNECTORS
    return next((pins for prefix, pins in headers.items() if board.startswith(prefix)), None)


def check_peripherals(peripherals: Peripherals, board: str, family: str) -> None:
    """Raise FirebrickError unless a board can have a camera, and a display if one is asked for."""
    if not peripherals.any:
        return
    if family != "ECP5":
        raise FirebrickError(f"board {board} has an FPGA of the family {family}; a camera needs clocks that are known for the ECP5 only")
    for kind, name in (("camera", peripherals.camera), ("display", peripherals.display)):
        if name and not (peripherals.pins_of(kind) or usual_pins(kind, board)):
            raise FirebrickError(f"board {board} has no usual pins for a {kind}; name them in a file with --pins (docs/standalone.md)")


class StandalonePorts:
    """Adds camera and screen to a board's design.

    ::

        PCLK -----------> domain camera    camera source --> device --> display --> TMDS, LEDs
        board's clock --> PLL --> pixel, tmds; XCLK            ^
                                                     host -----+

    Parameters
    ----------
    peripherals: which
    board: the board's name
    """

    def __init__(self, *, peripherals: Peripherals, board: str) -> None:
        assert peripherals.camera is not None
        self._peripherals = peripherals
        self._board = board
        self.sensor: Sensor = find_sensor(peripherals.camera)

    def device(self, plan: Plan, descriptor: DeviceDescriptor, divisor: int, *, reloadable: bool) -> StandaloneDevice:
        """The device, to be connected to the host's port and by ``connect``."""
        accelerator = Accelerator(plan=plan)
        return StandaloneDevice(
            accelerator=accelerator, global_sum=plan.global_sum, descriptor=descriptor, divisor=divisor, reloadable=reloadable
        )

    def connect(
        self, m: Module, platform: Any, device: StandaloneDevice, clock: ClockGenerator, model: Model, plan: Plan, frequency: float
    ) -> None:
        """Connect a device to a camera, and to a screen if there is one; ``frequency`` is that of the accelerator's clock in Hz.

        Raises FirebrickError for pins that the board does not have, and a network that the camera has no picture for.
        """
        display = bool(self._peripherals.display)
        self._add_clocks(m, platform, clock, display)
        picture = camera_picture(self.sensor, model.preprocessing, model.network.input)
        prescaler = prescaler_for(self.sensor, plan, frequency)
        camera = CameraSource(sensor=self.sensor, picture=picture, frequency=frequency, prescaler=prescaler)
        m.submodules.camera = camera
        self._connect_camera(m, platform, camera)
        wiring.connect(m, camera.pixels, device.camera)
        wiring.connect(m, camera.verdicts, device.verdicts)
        own_pace = prescaler - 1  # a host cannot make the camera faster than the network
        m.d.comb += [
            camera.slow.eq(Mux((device.pace != 0) & (device.pace < own_pace), own_pace, device.pace)),
            device.paced.eq(camera.slow_active),
            device.state.found.eq(camera.found),
            device.state.display.eq(int(display)),
            device.state.taken.eq(camera.counters.taken),
            device.state.dropped.eq(camera.counters.dropped),
            device.state.torn.eq(camera.counters.torn),
        ]
        if not self._peripherals.leds:
            return
        settings = self._peripherals.screen.settings(model)
        watcher: Display | FrameSummary
        if display:
            watcher = screen = Display(settings=settings, global_sum=plan.global_sum, frequency=frequency)
            m.submodules.display = screen
            self._connect_display(m, platform, screen)
        else:
            watcher = FrameSummary(settings=settings, global_sum=plan.global_sum, frequency=frequency)
            m.submodules.summary = watcher
        m.d.comb += [
            watcher.score.eq(device.score),
            watcher.score_taken.eq(device.score_taken),
            watcher.frame_good.eq(device.frame_good),
            watcher.frame_started.eq(device.frame_started),
            watcher.dropped.eq(camera.counters.dropped),
            watcher.camera_found.eq(camera.found),
        ]
        self._connect_leds(m, platform, watcher.led)

    def _add_clocks(self, m: Module, platform: Any, clock: ClockGenerator, display: bool) -> None:
        """The domains ``pixel`` and, for a display, ``tmds``; gated until the PLL has locked, so that nothing needs a reset."""
        assert isinstance(clock, Ecp5Clock)
        m.submodules.video_clocks = clocks = Ecp5VideoClocks(board_hz=round(platform.default_clk_frequency), tmds=display)
        m.d.comb += clocks.board_clock.eq(clock.board_clock)
        for domain, signal, hertz in (("pixel", clocks.pixel_clock, PIXEL_HZ), ("tmds", clocks.tmds_clock, TMDS_HZ))[: 1 + display]:
            m.domains += ClockDomain(domain, reset_less=True)
            m.d.comb += ClockSignal(domain).eq(signal)
            platform.add_clock_constraint(signal, hertz)

    def _pins(self, kind: str) -> Mapping[str, str]:
        pins = self._peripherals.pins_of(kind) or usual_pins(kind, self._board)
        assert pins is not None  # check_peripherals
        return pins

    def _request(self, platform: Any, kind: str, directions: Mapping[str, str], attributes: Mapping[str, Attrs]) -> Any:
        """The ports of a camera or a display. Raises FirebrickError for pins that the board does not have, or that are taken."""
        pins = self._pins(kind)
        subsignals = [Subsignal(name, Pins(pin, dir=directions[name]), attributes[name]) for name, pin in pins.items()]
        try:
            platform.add_resources([Resource(kind, 0, *subsignals)])
            return platform.request(kind, 0, dir="-")
        except (ResourceError, NameError) as problem:
            raise FirebrickError(f"board {self._board} cannot have a {kind} at these pins: {problem}; name others with --pins") from problem

    def _connect_camera(self, m: Module, platform: Any, camera: CameraSource) -> None:
        outputs, both = {"xclk", *OPTIONAL_CAMERA_PINS}, {"scl", "sda"}
        names = (*CAMERA_PINS, *OPTIONAL_CAMERA_PINS)
        directions = {name: "o" if name in outputs else "io" if name in both else "i" for name in names}
        attributes = {name: Attrs(IO_TYPE="LVCMOS33", **({"PULLMODE": "UP"} if name in both else {})) for name in names}
        ports = self._request(platform, "camera", directions, attributes)
        pins: Any = camera.pins
        buffers = {}
        for name in ("pclk", "vsync", "href", *DATA_PINS):
            buffers[name] = io.Buffer(io.Direction.Input, getattr(ports, name))
        for name in ("scl", "sda"):
            buffers[name] = io.Buffer(io.Direction.Bidir, getattr(ports, name))
            line = getattr(pins, name)
            m.d.comb += [buffers[name].o.eq(line.o), buffers[name].oe.eq(line.oe), line.i.eq(buffers[name].i)]
        for name, signal in (("reset", pins.reset_n), ("pwdn", pins.power_down)):
            if hasattr(ports, name):
                buffers[name] = io.Buffer(io.Direction.Output, getattr(ports, name))
                m.d.comb += buffers[name].o.eq(signal)
        for name, buffer in buffers.items():
            m.submodules[f"camera_{name}"] = buffer
        m.d.comb += [pins.vsync.eq(buffers["vsync"].i), pins.href.eq(buffers["href"].i)]
        m.d.comb += [pins.data[bit].eq(buffers[name].i) for bit, name in enumerate(DATA_PINS)]
        xclk: Any = io.DDRBuffer(io.Direction.Output, ports.xclk, o_domain="pixel")
        m.submodules.camera_xclk = xclk
        m.d.comb += [xclk.o[0].eq(1), xclk.o[1].eq(0)]
        pclk = Signal()  # the pixel clock; its edge at which the sensor's outputs are stable rises
        m.d.comb += pclk.eq(buffers["pclk"].i if self.sensor.rising_edge else ~buffers["pclk"].i)
        m.domains += ClockDomain("camera", reset_less=True)
        m.d.comb += ClockSignal("camera").eq(pclk)
        # At the pin, as synthesis renames the net. XCLK's frequency: a sensor that is not set up yet may pass it on.
        platform.add_clock_constraint(ports.pclk.io, PIXEL_HZ)

    def _connect_display(self, m: Module, platform: Any, display: Display) -> None:
        attributes = dict.fromkeys(DISPLAY_PINS, Attrs(IO_TYPE="LVCMOS33D", DRIVE="4"))
        ports = self._request(platform, "display", dict.fromkeys(DISPLAY_PINS, "o"), attributes)
        for name, channel in (("blue", 0), ("green", 1), ("red", 2), ("clock", 3)):
            buffer: Any = io.DDRBuffer(io.Direction.Output, getattr(ports, name), o_domain="tmds")
            m.submodules[f"display_{name}"] = buffer
            m.d.comb += [buffer.o[0].eq(display.tmds[channel][0]), buffer.o[1].eq(display.tmds[channel][1])]

    def _connect_leds(self, m: Module, platform: Any, lit: Signal) -> None:
        """Light all LEDs of the board, the green ones where they have colours. Raises FirebrickError where a class is chosen for none."""
        names = [(name, number) for name, number in platform.resources if name in ("led", "rgb_led")]
        for place, (name, number) in enumerate(names):
            port = platform.request(name, number, dir="-")
            m.submodules[f"led_{place}"] = led = io.Buffer(io.Direction.Output, port if name == "led" else port.g)
            m.d.comb += led.o.eq(lit)
        if not names and self._peripherals.screen.led_class is not None:
            raise FirebrickError(f"board {self._board} has no LEDs that could show a class; leave out --led-class")


def prescaler_for(sensor: Sensor, plan: Plan, frequency: float) -> int:
    """The prescaler with which a sensor is as slow as a plan at a clock in Hz. Raises FirebrickError if it cannot be."""
    seconds = plan.cycles / frequency
    prescaler = sensor.prescaler_for(seconds * PIXEL_HZ / sensor.xclk)
    if prescaler is None:
        slowest = 1 / sensor.frame_seconds(64)
        raise FirebrickError(
            f"{1 / seconds:.2f} frames/s are too slow for the camera, which gives {slowest:.2f} at least; "
            "give more lanes, a smaller model or a larger board"
        )
    return prescaler
