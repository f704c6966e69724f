# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The whole display: scores in, the bits of a DVI screen and LEDs out."""

from typing import Any

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...sw.display.settings import DisplaySettings
from ...sw.plan.nodes import GlobalSumSpec
from ..engines.global_sum import score_layout

DROPPED_BITS = 20
"""Width of the number of dropped frames. The screen shows at most 999,999."""
TMDS_PER_PIXEL = 5
"""Cycles of the domain ``tmds`` in a pixel: two of ten bits a cycle."""


class Display(wiring.Component):
    """Shows the five likeliest classes of the newest frame on a DVI screen, 640x480 at 60 Hz, and lights LEDs for one class.

    It listens to the scores that leave the accelerator and never stalls them. Domains: ``sync``, the accelerator's; ``pixel``, 25 MHz;
    ``tmds``, 125 MHz, of the same PLL, its rising edges in step with those of ``pixel`` (each of ``pixel`` comes with one of ``tmds``).

    Parameters
    ----------
    settings: names, scale of the scores, class of the LEDs
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

    def __init__(self, *, settings: DisplaySettings, global_sum: GlobalSumSpec, frequency: float) -> None:
        self._settings = settings
        self._global_sum = global_sum
        self._frequency = frequency
        super().__init__(
            {
                "score": In(score_layout(global_sum)),
                "score_taken": In(1),
                "frame_good": In(1),
                "frame_started": In(1),
                "dropped": In(DROPPED_BITS),
                "camera_found": In(1),
                "tmds": Out(data.ArrayLayout(unsigned(2), 4)),
                "leds": Out(8),
            }
        )

    def elaborate(self, platform: object) -> Module:
        return Module()
