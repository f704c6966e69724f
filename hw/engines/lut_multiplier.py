# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A multiplier that is made of LUTs instead of a DSP block."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class LutMultiplier(wiring.Component):
    """A pixel times a weight, combinationally. A flow maps the multiplication to LUTs and carry chains.

    It is a module of its own, named with LUT_MULTIPLIER_PREFIX, so that a flow can tell it from multiplications for DSP blocks.

    Parameters
    ----------
    bits: width of a weight

    Members
    -------
    pixel: ``In(8)``
    weight: ``In(signed(bits))``
    product: ``Out(signed(bits + 8))``
    """

    pixel: Signal
    weight: Signal
    product: Signal

    def __init__(self, *, bits: int) -> None:
        super().__init__({"pixel": In(8), "weight": In(signed(bits)), "product": Out(signed(bits + 8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.product.eq(self.pixel * self.weight)
        return m
