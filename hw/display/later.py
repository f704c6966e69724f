# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Delays."""

from typing import Any

from amaranth.hdl import Module, Signal


def later(m: Module, value: Any, cycles: int, domain: str = "sync") -> Any:
    """A value some cycles later."""
    for _ in range(cycles):
        register = Signal.like(value, name="later", reset_less=True)
        m.d[domain] += register.eq(value)
        value = register
    return value
