# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The options of `firebrick compress` that limit a model: bytes, multiplications, cycles, and frames a second on a board."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from .common import lanes_option

if TYPE_CHECKING:
    from ..compression.budget import BoardTarget, Budget

_OPTIONS = (
    click.option("--bytes", "max_bytes", type=click.IntRange(1), metavar="N", help="Maximum size of the file [default: no limit]."),
    click.option("--multiplications", type=click.IntRange(1), metavar="N", help="Maximum multiplications per frame."),
    click.option("--cycles", type=click.IntRange(1), metavar="N", help="Maximum cycles per frame, with --lanes multipliers."),
    lanes_option,
    click.option("--board", metavar="B", help="A board that `firebrick boards` lists, which the accelerator is to fit."),
    click.option("--fps", type=click.FloatRange(min=0, min_open=True), metavar="F", help="Minimum frames/s in the engines on --board."),
)


def budget_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a budget."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_budget(
    max_bytes: int | None, multiplications: int | None, cycles: int | None, lanes: int, board: str | None, fps: float | None
) -> "Budget | None":
    """The budget that the options describe; None without any. Raises a usage error where one needs another."""
    if fps is not None and board is None:
        raise click.UsageError("--fps is a rate on a board; give --board, too")
    if not (max_bytes or multiplications or cycles or board):
        return None
    from ..compression.budget import Budget

    return Budget(max_bytes, cycles, lanes, multiplications, board_target(board, fps) if board else None)


def board_target(name: str, fps: float | None) -> "BoardTarget":
    """What a board has for a model, beside its default link and at its default clock, as `firebrick bitstream` plans for it."""
    from firebrick.hw.boards.registry import board as find_board

    from ..compression.budget import BoardTarget
    from ..fpga.link_costs import available_beside_link

    board = find_board(name)
    fabric = board.device.fabric
    available = available_beside_link(board.device.resources, board.link(None), fabric)
    return BoardTarget(name, available, fabric, board.clock_for(board.frequency), fps)
