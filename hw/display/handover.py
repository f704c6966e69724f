# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a screen shows, from the accelerator's clock to that of the pixels, whole or not at all."""

from typing import Any

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out


class Handover(wiring.Component):
    """Copies a record from the domain ``sync`` when ``pixel`` asks for it.

    ::

        pixel   request ~~~~~~~~~> synchroniser --> edge: held <= value, answer changes      sync
        pixel   ready   <-- edge <-- synchroniser <~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~

    ``held`` changes only in the cycle in which the answer does, and is read after the answer has passed its synchroniser.

    Parameters
    ----------
    shape: the record

    Members
    -------
    value: ``In(shape)``, domain ``sync``; must be consistent in each cycle
    request: ``In(1)``, domain ``pixel``; for a cycle, and not again before ``ready``
    ready: ``Out(1)``, domain ``pixel``; for a cycle: ``held`` is a value after ``request``
    held: ``Out(shape)``; stays as it is until the next request
    """

    value: Any
    request: Signal
    ready: Signal
    held: Any

    def __init__(self, *, shape: ShapeLike) -> None:
        super().__init__({"value": In(shape), "request": In(1), "ready": Out(1), "held": Out(shape)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        asked = Signal()
        asked_seen = Signal()
        answer = Signal()
        answer_seen = Signal()
        answer_earlier = Signal()
        m.submodules.request_synchroniser = FFSynchronizer(asked, asked_seen, o_domain="sync")
        m.submodules.answer_synchroniser = FFSynchronizer(answer, answer_seen, o_domain="pixel")
        with m.If(self.request):
            m.d.pixel += asked.eq(~asked)
        with m.If(answer != asked_seen):
            m.d.sync += [self.held.eq(self.value), answer.eq(asked_seen)]
        m.d.pixel += answer_earlier.eq(answer_seen)
        m.d.comb += self.ready.eq(answer_seen != answer_earlier)
        return m
