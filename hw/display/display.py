# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The whole display: scores in, the bits of a DVI screen and LEDs out."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

from ...sw.display.name_code import NameCode
from ...sw.display.settings import DisplaySettings
from ...sw.plan.nodes import GlobalSumSpec
from .formatter import Formatter
from .frame_summary import FrameSummary, frame_inputs
from .handover import Handover
from .later import later
from .painter import Painter
from .tmds import CHANNELS, TmdsEncoder, TmdsSerializer
from .video_timing import VideoTiming


class Display(wiring.Component):
    """Shows the five likeliest classes of the newest frame on a DVI screen, 640x480 at 60 Hz, and lights LEDs for one class.

    It listens to the scores that leave the accelerator and never stalls them. Domains: ``sync``, the accelerator's; ``pixel``, 25 MHz;
    ``tmds``, 125 MHz, of the same PLL, its rising edges in step with those of ``pixel`` (each of ``pixel`` comes with one of ``tmds``).

    Parameters
    ----------
    settings: names and where they lie, scale of the scores, class of the LEDs
    global_sum: the accelerator's last node: number and width of the scores
    frequency: of the domain ``sync``, in Hz

    Members, in the domain ``sync`` unless another is named
    -------
    score: ``In(score_layout(global_sum))``; the payload of the accelerator's ``output``
    score_taken: ``In(1)``; it is taken in this cycle (valid and ready)
    frame_good: ``In(1)``; the frame whose last score is taken in this cycle is whole: its scores may be shown
    frame_started: ``In(1)``; the accelerator takes the first byte of a frame in this cycle
    dropped: ``In(DROPPED_BITS)``; frames that were not taken, since power-up
    camera_found: ``In(1)``; the camera answers
    tmds: ``Out(4 x 2 bits)``, domain ``tmds``; for DDR outputs: the bit that leaves first, then the other, of the channels 0 (blue),
        1 (green), 2 (red) and 3 (clock)
    led: ``Out(1)``; for as long as the chosen class is at least as likely as its threshold (`FrameSummary`)
    """

    score: Any
    score_taken: Signal
    frame_good: Signal
    frame_started: Signal
    dropped: Signal
    camera_found: Signal
    tmds: Any
    led: Signal

    def __init__(self, *, settings: DisplaySettings, global_sum: GlobalSumSpec, frequency: float) -> None:
        self._settings = settings
        self._inputs = frame_inputs(global_sum)
        self._summary = FrameSummary(settings=settings, global_sum=global_sum, frequency=frequency)
        super().__init__(
            {
                **self._inputs,
                "tmds": Out(data.ArrayLayout(unsigned(2), CHANNELS + 1)),
                "led": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        code = NameCode(self._settings)

        m.submodules.summary = summary = self._summary
        layout = summary.present.shape()
        m.submodules.handover = handover = Handover(shape=layout)
        m.d.comb += [
            *(getattr(summary, name).eq(getattr(self, name)) for name in self._inputs),
            handover.value.eq(summary.present),
            self.led.eq(summary.led),
        ]

        # The clock of the pixels: between two screens, from binary to text; then the pixels.
        m.submodules.timing = timing = VideoTiming()
        m.submodules.formatter = formatter = Formatter(code=code, layout=layout)
        m.submodules.painter = painter = Painter(code=code)
        m.d.comb += [
            handover.request.eq(timing.finished),
            formatter.start.eq(handover.ready),
            formatter.screen.eq(handover.held),
            painter.x.eq(timing.x),
            painter.y.eq(timing.y),
            painter.address.eq(formatter.address),
            painter.character.eq(formatter.character),
            painter.write.eq(formatter.write),
            painter.bar_ends.eq(formatter.bar_ends),
        ]

        # The clock of the bits.
        m.submodules.serializer = serializer = TmdsSerializer()
        syncs = later(m, Cat(timing.horizontal_sync, timing.vertical_sync), Painter.LATENCY, "pixel")
        active = later(m, timing.active, Painter.LATENCY, "pixel")
        for channel, colour in enumerate((painter.blue, painter.green, painter.red)):
            encoder = TmdsEncoder()
            m.submodules[f"encoder_{channel}"] = encoder
            m.d.comb += [
                encoder.colour.eq(colour),
                encoder.active.eq(active),
                encoder.control.eq(syncs if channel == 0 else 0),
                serializer.symbols[channel].eq(encoder.symbol),
            ]
        m.d.comb += self.tmds.eq(serializer.pairs)
        return m
