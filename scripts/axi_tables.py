# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Rewrites the tables of ports and registers in docs/axi.md from their sources: ``BusOptions.ports`` and ``sw/link/register_map.py``."""

from pathlib import Path

from amaranth.hdl import Shape
from amaranth.lib.wiring import In

from firebrick.hw.bus.top import BusOptions
from firebrick.sw.link.register_map import REGISTERS

PAGE = Path(__file__).parents[1] / "docs" / "axi.md"
GROUPS = {
    "s_axis": "frames: AXI4-Stream",
    "m_axis": "scores: AXI4-Stream",
    "s_axi": "registers: AXI4-Lite (`--interface axi`)",
    "wb": "registers: Wishbone (`--interface wishbone`)",
}
ALONE = {
    "aclk": "clock of the bus, rising edge",
    "aresetn": "reset, active low, synchronous to `aclk`; at least two cycles",
    "core_clk": "clock of the accelerator (`--core-clock`)",
    "irq": "interrupt, active high, until its event is cleared",
}


def ports() -> str:
    """The table of all ports, for TDATA of N bits."""
    every = BusOptions(stream_bytes=4, core_clock=True).ports() | BusOptions(wishbone=True).ports()
    rows = [("port", "direction", "bits", ""), ("---", "---", "---:", "---")]
    for name, member in every.items():
        prefix, _, signal = name.rpartition("_")
        if name in ALONE:
            text = ALONE[name]
        else:
            prefix = next(group for group in GROUPS if name.startswith(f"{group}_"))
            text, signal = GROUPS[prefix], name.removeprefix(f"{prefix}_")
        bits = {"tdata": "N", "tkeep": "N/8"}.get(signal, str(Shape.cast(member.shape).width))
        rows.append((f"`{name}`", "in" if member.flow is In else "out", bits, text))
    return _table(rows)


def registers() -> str:
    """The table of all registers with their fields."""
    rows = [("offset", "register", "access", "bits", ""), ("---:", "---", "---", "---:", "---")]
    for register in REGISTERS:
        bits = "" if register.fields else "31:0"
        rows.append((f"{register.offset:#04x}", f"`{register.name}`", register.access, bits, register.description))
        for field in register.fields:
            high = field.low + field.width - 1
            rows.append(("", f"`{field.name}`", "", f"{high}:{field.low}" if field.width > 1 else str(high), field.description))
    return _table(rows)


def _table(rows: list[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n".replace("|  |", "| |") for row in rows)


TABLES = {"ports": ports, "registers": registers}
"""The functions that make the tables, by the name of their place in the page."""


def written(page: str) -> str:
    """The page with its tables made anew."""
    for name, make in TABLES.items():
        before, rest = page.split(f"<!-- {name} -->\n")
        _, after = rest.split(f"<!-- /{name} -->\n")
        page = f"{before}<!-- {name} -->\n{make()}<!-- /{name} -->\n{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
