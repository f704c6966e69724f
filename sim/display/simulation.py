# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The Verilated display, driven from Python: scores in, recorded bits out."""

import ctypes
from contextlib import chdir
from types import TracebackType
from typing import Any

import numpy as np
from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from numpy.typing import NDArray

from ...hw.codegen.verilog import Artefacts, convert_top
from ...hw.display.display import Display
from ...hw.module_names import TOP
from ...sw.display.settings import DisplaySettings
from ...sw.display.video_mode import TMDS_HZ, VGA
from ...sw.plan.nodes import GlobalSumSpec
from ...sw.utils.progress import Progress, no_progress
from ...sw.utils.source_hash import combined_hash, source_code, tool_versions
from ..build import build_design

HARNESS = "display/display_sim.cpp"
SCREEN_CYCLES = 5 * VGA.line.total * VGA.frame.total
"""Cycles of the serial clock in a screen."""


class DisplayTop(wiring.Component):
    """A display with its clocks as ports: ``clk``, ``pixel_clk`` and ``tmds_clk``."""

    def __init__(self, *, display: Display) -> None:
        self._display = display
        super().__init__({"clk": In(1), "pixel_clk": In(1), "tmds_clk": In(1), **display.signature.members})

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002, D102
        m = Module()
        for name, clock in (("sync", "clk"), ("pixel", "pixel_clk"), ("tmds", "tmds_clk")):
            domain: Any = ClockDomain(name, reset_less=True)
            m.domains += domain
            port: Signal = getattr(self, clock)
            m.d.comb += domain.clk.eq(port)
        m.submodules.display = display = self._display
        for name, member in display.signature.members.items():
            outer, inner = getattr(self, name), getattr(display, name)
            m.d.comb += inner.eq(outer) if member.flow is In else outer.eq(inner)
        return m


def generate_display(settings: DisplaySettings, global_sum: GlobalSumSpec, frequency: float) -> Artefacts:
    """The Verilog of a display alone."""
    display = Display(settings=settings, global_sum=global_sum, frequency=frequency)
    text, roms = convert_top(DisplayTop(display=display), TOP)
    return Artefacts(text, roms, {"score_bits": global_sum.score_bits})


class DisplaySimulation:
    """A simulated display.

    Parameters
    ----------
    settings, global_sum: as of `Display`
    frequency: the cycles of its clock that the display takes for a second; few make its numbers change within a screen
    clock: the accelerator's real clock, in Hz
    phases: the first edge of the accelerator's clock, and by how much the pixel clock is behind the serial one, in seconds
    stall: of the cycles while there are scores, the share without one
    seed: of the stalls
    progress: reports the build

    Raises FirebrickError when a tool is missing.
    """

    def __init__(
        self,
        settings: DisplaySettings,
        global_sum: GlobalSumSpec,
        *,
        frequency: float,
        clock: float = 75e6,
        phases: tuple[float, float] = (0.0, 0.0),
        stall: float = 0.0,
        seed: int = 1,
        progress: Progress = no_progress,
    ) -> None:
        sources = source_code("firebrick.hw.display.display"), source_code("firebrick.hw.codegen.verilog"), source_code(__name__)
        key = combined_hash(repr((settings, global_sum, frequency)), *sources, tool_versions())
        built = build_design(key, lambda: generate_display(settings, global_sum, frequency), HARNESS, progress)
        library = ctypes.CDLL(str(built.library))
        library.display_open.restype = ctypes.c_void_p
        library.display_bytes.restype = ctypes.POINTER(ctypes.c_uint8)
        library.display_waiting.restype = ctypes.c_uint64
        self._library = library
        picoseconds = [ctypes.c_uint64(round(1e12 * time)) for time in (1 / clock, *phases)]
        with chdir(built.folder):
            self._handle = ctypes.c_void_p(library.display_open(*picoseconds, ctypes.c_uint(round(256 * stall)), ctypes.c_uint64(seed)))
        self.inputs()

    def __enter__(self) -> "DisplaySimulation":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._library.display_close(self._handle)

    def inputs(self, *, dropped: int = 0, camera_found: bool = True) -> None:
        """Set what comes from the camera, from now on."""
        self._library.display_inputs(self._handle, ctypes.c_uint32(dropped), int(camera_found))

    def send(self, scores: NDArray[np.int64], *, good: bool = True) -> None:
        """Queue the scores of a frame, which pass while the simulation runs; its first byte comes with its first score."""
        words = np.ascontiguousarray(scores, np.int64)
        pointer = words.ctypes.data_as(ctypes.POINTER(ctypes.c_int64))
        self._library.display_frame(self._handle, pointer, ctypes.c_uint64(len(words)), int(good))

    @property
    def waiting(self) -> int:
        """Scores that have not passed yet."""
        return int(self._library.display_waiting(self._handle))

    @property
    def led(self) -> bool:
        """Whether the LEDs are lit now."""
        return bool(self._library.display_led(self._handle))

    def run(self, seconds: float) -> NDArray[np.uint8]:
        """Simulate for a time. Returns its recording, see `decode_screens`."""
        cycles = round(seconds * TMDS_HZ)
        self._library.display_run(self._handle, ctypes.c_uint64(cycles))
        return np.ctypeslib.as_array(self._library.display_bytes(self._handle), (cycles,)).copy()
