# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The two clocks of fast lanes: ``fast`` has twice the frequency of ``sync``, and every edge of ``sync`` is one of ``fast``."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out


class ClockPhase(wiring.Component):
    r"""Which half of a cycle of ``sync`` the present cycle of ``fast`` is.

    ``beat`` changes with every edge of ``sync``, and ``seen`` follows half a cycle later. So they differ in the first half and agree in
    the second, whatever both were when the clocks began: no reset has to end at a certain edge::

        sync   __/~~~~\____/~~~~\____
        fast   __/~\__/~\__/~\__/~\__
        beat   --<   b     ><   ~b   >
        seen   --< ~b ><    b   >< ~b>
        late   __|    |~~~~|    |~~~~|

    Parameters
    ----------
    beat, seen: initial values of the two registers, for a test that any will do

    Members
    -------
    late: ``Out(1)``; of domain ``fast``: 0 in the first half, 1 in the second
    """

    late: Signal

    def __init__(self, *, beat: int = 0, seen: int = 0) -> None:
        self._init = beat, seen
        super().__init__({"late": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beat, seen = (Signal(name=name, init=init) for name, init in zip(("beat", "seen"), self._init, strict=True))
        m.d.sync += beat.eq(~beat)
        m.d.fast += [seen.eq(beat), self.late.eq(beat ^ seen)]
        return m
