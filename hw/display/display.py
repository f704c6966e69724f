# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The whole display: scores in, the bits of a DVI screen and LEDs out."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...sw.display.name_code import NameCode
from ...sw.display.probabilities import IntegerSoftmax
from ...sw.display.settings import DisplaySettings
from ...sw.display.state import DROPPED_MAX, Status
from ...sw.plan.nodes import GlobalSumSpec
from ..engines.global_sum import score_layout
from .formatter import Formatter, screen_layout
from .frame_rate import FrameRate
from .handover import Handover
from .later import later
from .painter import Painter
from .score_power import ScorePower, ranked_layout
from .tmds import CHANNELS, TmdsEncoder, TmdsSerializer
from .top_five import PowerSum, TopFive, place_layout
from .video_timing import VideoTiming

DROPPED_BITS = 20
"""Width of the number of dropped frames. The screen shows at most 999,999."""
LEDS = 8


class Display(wiring.Component):
    """Shows the five likeliest classes of the newest frame on a DVI screen, 640x480 at 60 Hz, and lights LEDs for one class.

    It listens to the scores that leave the accelerator and never stalls them. Domains: ``sync``, the accelerator's; ``pixel``, 25 MHz;
    ``tmds``, 125 MHz, of the same PLL, its rising edges in step with those of ``pixel`` (each of ``pixel`` comes with one of ``tmds``).

    Parameters
    ----------
    settings: names, scale of the scores, class of the LEDs
    global_sum: the accelerator's last node: number and width of the scores
    frequency: of the domain ``sync``, in Hz
    names_in_block_ram: the names lie in block RAM, not in look-up tables

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
    leds: ``Out(8)``, domain ``pixel``; all lit for as long as the chosen class is at least as likely as its threshold
    """

    score: Any
    score_taken: Signal
    frame_good: Signal
    frame_started: Signal
    dropped: Signal
    camera_found: Signal
    tmds: Any
    leds: Signal

    def __init__(self, *, settings: DisplaySettings, global_sum: GlobalSumSpec, frequency: float, names_in_block_ram: bool = False) -> None:
        if len(settings.names) != global_sum.channels:
            raise ValueError(f"names must be {global_sum.channels}, one a class, not {len(settings.names)}")
        self._settings = settings
        self._global_sum = global_sum
        self._frequency = frequency
        self._block = names_in_block_ram
        super().__init__(
            {
                "score": In(score_layout(global_sum)),
                "score_taken": In(1),
                "frame_good": In(1),
                "frame_started": In(1),
                "dropped": In(DROPPED_BITS),
                "camera_found": In(1),
                "tmds": Out(data.ArrayLayout(unsigned(2), CHANNELS + 1)),
                "leds": Out(LEDS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        code = NameCode(self._settings)
        softmax = IntegerSoftmax(self._settings.score_scale)
        ranked = ranked_layout(softmax, self._global_sum)
        classes = self._global_sum.channels

        # The accelerator's clock: what the screen shows, in binary.
        m.submodules.power = power = ScorePower(softmax=softmax, global_sum=self._global_sum)
        m.submodules.power_sum = power_sum = PowerSum(ranked=ranked, classes=classes)
        m.submodules.top_five = top_five = TopFive(ranked=ranked, classes=classes)
        m.submodules.rate = rate = FrameRate(frequency=self._frequency)
        layout = screen_layout(place_layout(ranked, classes), power_sum.largest.shape(), len(power_sum.total))
        m.submodules.handover = handover = Handover(shape=layout)
        present: Any = Signal(layout)
        torn = Signal()
        m.d.comb += [
            power.score.eq(self.score),
            power.valid.eq(self.score_taken),
            power.good.eq(self.frame_good),
            power_sum.input.eq(power.output),
            power_sum.valid.eq(power.output_valid),
            top_five.input.eq(later(m, power.output, PowerSum.LATENCY - TopFive.LATENCY)),  # so that both finish at a time
            top_five.valid.eq(later(m, power.output_valid, PowerSum.LATENCY - TopFive.LATENCY)),
            rate.started.eq(self.frame_started),
            rate.finished.eq(self.score_taken & self.score.last),
            rate.good.eq(self.frame_good),
            present.frames_per_second.eq(rate.frames_per_second),
            present.tenths_ms.eq(rate.tenths_ms),
            handover.value.eq(present),
        ]
        with m.If(power_sum.finished):
            m.d.sync += torn.eq(~power_sum.good)
        newest: Any = Signal(data.StructLayout({name: layout[name].shape for name in ("valid", "places", "largest", "total")}))
        with m.If(power_sum.finished & power_sum.good):
            m.d.sync += [
                newest.valid.eq(1),
                newest.places.eq(top_five.places),
                newest.largest.eq(power_sum.largest),
                newest.total.eq(power_sum.total),
            ]
        m.d.comb += [
            present.valid.eq(newest.valid),
            present.places.eq(newest.places),
            present.largest.eq(newest.largest),
            present.total.eq(newest.total),
            present.dropped.eq(Mux(self.dropped > DROPPED_MAX, DROPPED_MAX, self.dropped)),
            present.status.eq(Status.LIVE),
        ]
        # Of several assignments the last one counts.
        for condition, status in (
            (rate.stalled, Status.NO_FRAMES),
            (torn, Status.TORN),
            (~newest.valid, Status.WAITING),
            (~self.camera_found, Status.NO_CAMERA),
        ):
            with m.If(condition):
                m.d.comb += present.status.eq(status)

        # The clock of the pixels: between two screens, from binary to text; then the pixels.
        m.submodules.timing = timing = VideoTiming()
        led = self._settings.led_class, 10 * self._settings.led_percent
        m.submodules.formatter = formatter = Formatter(code=code, layout=layout, block=self._block, led_class=led[0], led_tenths=led[1])
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
            self.leds.eq(formatter.led.replicate(LEDS)),
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
