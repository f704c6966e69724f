# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Transition-minimised differential signalling: from colours to symbols, from symbols to pairs of bits."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

SYMBOL_BITS = 10
CONTROL_SYMBOLS = (0b1101010100, 0b0010101011, 0b0101010100, 0b1010101011)
"""The symbols of blanking, by the bits C1 and C0 (DVI 1.0, section 3.2.1)."""
CLOCK_SYMBOL = 0b0000011111
"""What the clock channel sends for each pixel."""
CHANNELS = 3


class TmdsEncoder(wiring.Component):
    """Encodes one channel, a symbol for each pixel, in the domain ``pixel`` (Digital Visual Interface 1.0, figure 3-5).

    Of the two chains, exclusive or and its complement, the one with fewer transitions is sent, and inverted where that brings the number of
    ones nearer to that of zeros. Latency: LATENCY cycles.

    Members
    -------
    colour: ``In(8)``; the channel's colour
    control: ``In(2)``; C0 and C1, sent in blanking
    active: ``In(1)``; a pixel is sent, not the control bits
    symbol: ``Out(10)``; its lowest bit is sent first
    """

    LATENCY = 1

    colour: Signal
    control: Signal
    active: Signal
    symbol: Signal

    def __init__(self) -> None:
        super().__init__({"colour": In(8), "control": In(2), "active": In(1), "symbol": Out(SYMBOL_BITS)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # 1. Fewer transitions.
        ones = Signal(range(9))
        complement = Signal()
        chain = Signal(8)
        m.d.comb += [ones.eq(_count(self.colour)), complement.eq((ones > 4) | ((ones == 4) & ~self.colour[0])), chain[0].eq(self.colour[0])]
        for bit in range(1, 8):
            m.d.comb += chain[bit].eq(chain[bit - 1] ^ self.colour[bit] ^ complement)
        # 2. As many ones as zeros. Disparities are halved: all are even.
        disparity = Signal(signed(4))  # half the ones minus the zeros sent so far, -4 to 4
        surplus = Signal(signed(4))  # half of those of the chain
        invert = Signal()
        balanced = Signal()
        m.d.comb += [
            surplus.eq(_count(chain) - 4),
            balanced.eq((disparity == 0) | (surplus == 0)),
            invert.eq(Mux(balanced, complement, (disparity < 0) == (surplus < 0))),
        ]
        change = Signal(signed(5))
        with m.If(balanced):
            m.d.comb += change.eq(Mux(complement, -surplus, surplus))
        with m.Elif(invert):
            m.d.comb += change.eq(Mux(complement, -surplus, 1 - surplus))
        with m.Else():
            m.d.comb += change.eq(Mux(complement, surplus - 1, surplus))
        with m.If(self.active):
            m.d.pixel += [self.symbol.eq(Cat(chain ^ invert.replicate(8), ~complement, invert)), disparity.eq(disparity + change)]
        with m.Else():
            m.d.pixel += disparity.eq(0)
            with m.Switch(self.control):
                for control, symbol in enumerate(CONTROL_SYMBOLS):
                    with m.Case(control):
                        m.d.pixel += self.symbol.eq(symbol)
        return m


def _count(bits: Value) -> Value:
    """The number of ones."""
    total: Value = Const(0, 1)
    for bit in bits:
        total = total + bit
    return total


class TmdsSerializer(wiring.Component):
    """Sends the symbols of three channels and the clock channel as two bits a cycle, in the domain ``tmds``: five cycles a pixel.

    A counter of five cycles says when symbols are taken over. They change with the clock of ``pixel``, whose edges a flip-flop shows that
    changes with each pixel. Where a take-over would come with such an edge, the counter waits for a cycle; else it runs freely, so that
    an edge seen now in one cycle and now in the next, as edges in step may be, changes nothing.

    Members
    -------
    symbols: ``In(3 x 10 bits)``, domain ``pixel``; channels 0 to 2
    pairs: ``Out(4 x 2 bits)``; of the channels 0 to 2 and the clock channel, the bit that leaves first, then the other
    """

    symbols: data.View
    pairs: data.View

    def __init__(self) -> None:
        super().__init__({"symbols": In(data.ArrayLayout(SYMBOL_BITS, CHANNELS)), "pairs": Out(data.ArrayLayout(2, CHANNELS + 1))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        pixel_toggle = Signal()
        seen = Signal()
        earlier = Signal()
        phase = Signal(range(5))
        m.d.pixel += pixel_toggle.eq(~pixel_toggle)
        m.submodules.toggle_synchroniser = FFSynchronizer(pixel_toggle, seen, o_domain="tmds")
        m.d.tmds += [earlier.eq(seen), phase.eq(Mux(phase == 4, 0, phase + 1))]
        # A change at the edge 0 of `tmds` is seen in the cycle before its edge 3, or before 2. Symbols are taken over at the end of
        # phase 4; if that is seen in the phases 3, 4 or 0, it is at the edges 1 to 4, and none is with the change itself.
        with m.If((seen != earlier) & ((phase == 1) | (phase == 2))):
            m.d.tmds += phase.eq(phase)
        symbols = [*(self.symbols[channel] for channel in range(CHANNELS)), Const(CLOCK_SYMBOL, SYMBOL_BITS)]
        for channel, symbol in enumerate(symbols):
            rest = Signal(SYMBOL_BITS, name=f"rest_{channel}")
            m.d.tmds += rest.eq(rest >> 2)
            with m.If(phase == 4):
                m.d.tmds += rest.eq(symbol)
            m.d.comb += self.pairs[channel].eq(rest[:2])
        return m
