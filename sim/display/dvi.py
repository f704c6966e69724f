# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The symbols of the Digital Visual Interface, as its specification 1.0 has them (section 3.2): the reference for encoders."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

DISPARITY_MAX = 10
"""The ones minus the zeros that have been sent never leave -DISPARITY_MAX..DISPARITY_MAX."""
CONTROL = {0b1101010100: 0b00, 0b0010101011: 0b01, 0b0101010100: 0b10, 0b1010101011: 0b11}
"""C1 and C0, by symbol."""


def encode(colour: int, disparity: int) -> tuple[int, int]:
    """The symbol of a colour, and the disparity after it, by the flow chart of figure 3-5."""
    bits = [colour >> n & 1 for n in range(8)]
    ones = sum(bits)
    q_m = [bits[0]]
    exclusive_nor = ones > 4 or (ones == 4 and bits[0] == 0)
    for n in range(1, 8):
        exclusive_or = q_m[n - 1] ^ bits[n]
        q_m.append(1 - exclusive_or if exclusive_nor else exclusive_or)
    q_m.append(0 if exclusive_nor else 1)
    n1 = sum(q_m[:8])
    n0 = 8 - n1
    if disparity == 0 or n1 == n0:
        inverted = q_m[8] == 0
        top = [q_m[8], 1 - q_m[8]]
        disparity += n0 - n1 if q_m[8] == 0 else n1 - n0
    elif (disparity > 0 and n1 > n0) or (disparity < 0 and n0 > n1):
        inverted = True
        top = [q_m[8], 1]
        disparity += 2 * q_m[8] + n0 - n1
    else:
        inverted = False
        top = [q_m[8], 0]
        disparity += -2 * (1 - q_m[8]) + n1 - n0
    q_out = [1 - bit if inverted else bit for bit in q_m[:8]] + top
    return sum(bit << n for n, bit in enumerate(q_out)), disparity


def decode(symbol: int) -> int:
    """The colour of a symbol, by figure 3-6."""
    if symbol >> 9 & 1:
        symbol ^= 0xFF
    bits = [symbol >> n & 1 for n in range(9)]
    colour = bits[0]
    for n in range(1, 8):
        colour |= (bits[n] ^ bits[n - 1] ^ (1 - bits[8])) << n
    return colour


@cache
def encoder_tables() -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Symbols, and disparities after them, by disparity + DISPARITY_MAX and colour; -1 where ``encode`` never comes."""
    shape = (2 * DISPARITY_MAX + 1, 256)
    symbols, after = np.full(shape, -1, np.int16), np.zeros(shape, np.int16)
    reached, new = {0}, {0}
    while new:
        results = {(disparity, colour): encode(colour, disparity) for disparity in new for colour in range(256)}
        for (disparity, colour), (symbol, next_disparity) in results.items():
            symbols[disparity + DISPARITY_MAX, colour] = symbol
            after[disparity + DISPARITY_MAX, colour] = next_disparity
        new = {disparity for _, disparity in results.values()} - reached
        reached |= new
    return symbols, after


@cache
def decoder_tables() -> tuple[NDArray[np.uint8], NDArray[np.int8]]:
    """The colour of each symbol, and its control bits, or -1 if it is a pixel's."""
    colours = np.array([decode(symbol) for symbol in range(1024)], np.uint8)
    controls = np.array([CONTROL.get(symbol, -1) for symbol in range(1024)], np.int8)
    return colours, controls
