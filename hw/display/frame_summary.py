# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What is to be shown of the frames, in binary, in the accelerator's clock."""

from typing import Any

from amaranth.hdl import Module, Mux, Shape, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...sw.display.probabilities import GUARD_BITS, SHOWN_CLASSES, IntegerSoftmax
from ...sw.display.settings import DisplaySettings
from ...sw.display.state import DROPPED_MAX, FRAMES_PER_SECOND_MAX, STATUS_TEXT, TENTHS_MS_MAX, Status
from ...sw.plan.nodes import GlobalSumSpec
from ..engines.global_sum import score_layout
from .class_led import ClassLed
from .frame_rate import FrameRate
from .later import later
from .score_power import MANTISSA_BITS, ScorePower, ranked_layout
from .top_five import PowerSum, TopFive, place_layout

DROPPED_BITS = 20
"""Width of the number of dropped frames. The screen shows at most 999,999."""


def screen_layout(place: data.StructLayout, exponent: Shape, total_bits: int) -> data.StructLayout:
    """What a screen shows, in binary: `ScreenState`, with powers in place of probabilities."""
    return data.StructLayout(
        {
            "valid": 1,  # a frame has been there
            "places": data.ArrayLayout(place, SHOWN_CLASSES),
            "largest": exponent,
            "total": total_bits,
            "frames_per_second": range(FRAMES_PER_SECOND_MAX + 1),
            "tenths_ms": range(TENTHS_MS_MAX + 1),
            "dropped": range(DROPPED_MAX + 1),
            "status": range(len(STATUS_TEXT)),
        }
    )


def frame_inputs(global_sum: GlobalSumSpec) -> dict[str, Any]:
    """The members by which a `FrameSummary`, or a screen around it, follows the frames: see there."""
    flags = ("score_taken", "frame_good", "frame_started")
    return {
        "score": In(score_layout(global_sum)),
        **{name: In(1) for name in flags},
        "dropped": In(DROPPED_BITS),
        "camera_found": In(1),
    }


class FrameSummary(wiring.Component):
    """Ranks the scores of each frame, counts and times frames, and says whether the LEDs are to be lit. It never stalls the scores.

    Without a screen its LED alone is used; synthesis then removes the rest.

    Parameters
    ----------
    settings: scale of the scores, class of the LEDs
    global_sum: the accelerator's last node: number and width of the scores
    frequency: of the domain ``sync``, in Hz

    Members
    -------
    score: ``In(score_layout(global_sum))``; the payload of the accelerator's ``output``
    score_taken: ``In(1)``; it is taken in this cycle (valid and ready)
    frame_good: ``In(1)``; the frame whose last score is taken in this cycle is whole: its scores may be shown
    frame_started: ``In(1)``; the accelerator takes the first byte of a frame in this cycle
    dropped: ``In(DROPPED_BITS)``; frames that were not taken, since power-up
    camera_found: ``In(1)``; the camera answers
    present: ``Out(screen_layout(...))``; of the newest good frame
    led: ``Out(1)``; the chosen class is at least as likely as its threshold in it, and it is not older than a second or two
    """

    score: Any
    score_taken: Signal
    frame_good: Signal
    frame_started: Signal
    dropped: Signal
    camera_found: Signal
    present: Any
    led: Signal

    def __init__(self, *, settings: DisplaySettings, global_sum: GlobalSumSpec, frequency: float) -> None:
        if len(settings.names) != global_sum.channels:
            raise ValueError(f"names must be {global_sum.channels}, one a class, not {len(settings.names)}")
        self._settings = settings
        self._global_sum = global_sum
        self._frequency = frequency
        self._softmax = IntegerSoftmax(settings.score_scale)
        self._ranked = ranked_layout(self._softmax, global_sum)
        classes = global_sum.channels
        total_bits = MANTISSA_BITS + GUARD_BITS + ceil_log2(max(2, classes))
        super().__init__(
            {
                **frame_inputs(global_sum),
                "present": Out(screen_layout(place_layout(self._ranked, classes), self._ranked["exponent"].shape, total_bits)),
                "led": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        classes, ranked, present = self._global_sum.channels, self._ranked, self.present
        m.submodules.power = power = ScorePower(softmax=self._softmax, global_sum=self._global_sum)
        m.submodules.power_sum = power_sum = PowerSum(ranked=ranked, classes=classes)
        m.submodules.top_five = top_five = TopFive(ranked=ranked, classes=classes)
        m.submodules.rate = rate = FrameRate(frequency=self._frequency)
        tenths = 10 * self._settings.led_percent
        m.submodules.class_led = class_led = ClassLed(ranked=ranked, classes=classes, led_class=self._settings.led_class, tenths=tenths)
        torn = Signal()
        powers = later(m, power.output, PowerSum.LATENCY - TopFive.LATENCY)  # so that all finish at a time
        powers_valid = later(m, power.output_valid, PowerSum.LATENCY - TopFive.LATENCY)
        m.d.comb += [
            power.score.eq(self.score),
            power.valid.eq(self.score_taken),
            power.good.eq(self.frame_good),
            power_sum.input.eq(power.output),
            power_sum.valid.eq(power.output_valid),
            top_five.input.eq(powers),
            top_five.valid.eq(powers_valid),
            class_led.input.eq(powers),
            class_led.valid.eq(powers_valid),
            class_led.finished.eq(power_sum.finished & power_sum.good),
            class_led.largest.eq(power_sum.largest),
            class_led.total.eq(power_sum.total),
            rate.started.eq(self.frame_started),
            rate.finished.eq(self.score_taken & self.score.last),
            rate.good.eq(self.frame_good),
            present.frames_per_second.eq(rate.frames_per_second),
            present.tenths_ms.eq(rate.tenths_ms),
        ]
        with m.If(power_sum.finished):
            m.d.sync += torn.eq(~power_sum.good)
        newest: Any = Signal(data.StructLayout({name: present.shape()[name].shape for name in ("valid", "places", "largest", "total")}))
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
            self.led.eq(class_led.lit & newest.valid & ~rate.stalled & self.camera_found),
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
        return m
