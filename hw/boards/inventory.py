# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The inventory of boards as JSON objects: what each has, and which tools make its bitstream."""

from typing import Any

from ...sw.errors import FirebrickError
from ...sw.fpga.devices import find_device
from ..eda.tool_paths import extra_for, tool_command
from ..flows.base import OpenFlow
from ..flows.vendor import missing_tools
from .registry import Board, boards


def board_inventory() -> list[dict[str, Any]]:
    """An object for each board, sorted by name. Raises FirebrickError if amaranth-boards is not installed."""
    return [_entry(board) for board in boards().values()]


def _entry(board: Board) -> dict[str, Any]:
    known = find_device(board.part)  # None if no tools here support the FPGA
    resources = known.resources if known else None
    return {
        "name": board.name,
        "part": board.part,
        "family": known.family if known else None,
        "luts": resources.luts if resources else None,
        "lut_inputs": known.fabric.lut_inputs if known else None,
        "block_rams": resources.block_rams if resources else None,
        "block_ram_bits": known.fabric.block_ram_bits if known else None,
        "multipliers": resources.multipliers if resources else None,
        "clock_mhz": board.clock_hz / 1e6 if board.clock_hz else None,
        "links": list(board.links) if known else [],
        "tools": board.flow.tools if known else None,
        "open": board.has_open_tools,
        "extra": extra_for(board.flow.nextpnr) if known and isinstance(board.flow, OpenFlow) else None,
        "missing": _missing(board) if known else [],
        "lacks": board.lacks or None,
    }


def _missing(board: Board) -> list[str]:
    """The programs that are needed for its bitstream and not installed."""
    flow = board.flow
    if isinstance(flow, OpenFlow):
        return [name for name in ("yosys", flow.nextpnr, flow.packer) if not _is_installed(name)]
    return missing_tools(board.platform())


def _is_installed(name: str) -> bool:
    try:
        return bool(tool_command(name))
    except FirebrickError:
        return False
