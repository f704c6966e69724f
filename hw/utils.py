# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Small helpers that several components need."""

from collections.abc import Sequence

from amaranth.hdl import Array, Const, Module, Signal, Value


def lookup(table: Sequence[int], index: Value, width: int) -> Value:
    """The entry of a constant table, ``width`` bits wide. An index beyond the table gives the last entry.

    A table whose entries are all equal becomes a constant, so that no logic is made for it.
    """
    if len(set(table)) == 1:
        return Const(table[0], width)
    return Array(Const(entry, width) for entry in table)[index]


def count_up(m: Module, counter: Signal, count: int) -> None:
    """Advance a counter modulo ``count`` at the next clock edge: 0, 1, ... count-1, 0, ..."""
    m.d.sync += counter.eq(counter + 1)
    with m.If(counter == count - 1):
        m.d.sync += counter.eq(0)
