# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A network stage by stage, before it has weights: the first columns of Table 1 (arXiv:1602.07360)."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Stage, stage_layers
from .metaparameters import float_bytes, megabytes

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class StageRow:
    """One stage; None where a column does not apply."""

    name: str
    output: str
    """rows x columns x channels."""
    filter: str
    """Filter size, stride and count; empty for a Fire module."""
    squeeze1x1: int | None
    expand1x1: int | None
    expand3x3: int | None
    bypass: str | None
    parameters: int
    """Weights and biases."""
    macs: int
    """Dense multiply-accumulates a frame."""


def stage_rows(network: Network) -> tuple[StageRow, ...]:
    """The stages of a verified network in order."""
    rows = []
    for stage, before, after in zip(network.stages, network.shapes(), network.shapes()[1:], strict=False):
        layers = stage_layers(stage, before)
        squeeze, ones, threes, bypass = None, None, None, None
        if isinstance(stage, Fire):
            squeeze, ones, threes, bypass = stage.squeeze, stage.expand1x1, stage.expand3x3, stage.bypass.value
        parameters, macs = sum(layer.parameters for layer in layers), sum(layer.macs for layer in layers)
        rows.append(StageRow(stage.name, str(after), _filter(stage), squeeze, ones, threes, bypass, parameters, macs))
    return tuple(rows)


def network_summary(network: Network) -> dict[str, Any]:
    """A verified network as plain data for JSON; ``float32_mb`` is in the paper's unit, see `metaparameters.megabytes`."""
    rows = stage_rows(network)
    return {
        "network": network.name,
        "input": asdict(network.input),
        "classes": network.classes,
        "parameters": sum(row.parameters for row in rows),
        "weights": sum(layer.weights for layer in network.layers()),
        "macs": sum(row.macs for row in rows),
        "float32_bytes": float_bytes(network),
        "float32_mb": megabytes(float_bytes(network)),
        "stages": [asdict(row) for row in rows],
    }


def network_table(network: Network) -> "Table":
    """The stages as a table for people, with totals."""
    from rich.table import Table

    rows = stage_rows(network)
    bypassed = any(row.bypass not in (None, Bypass.NONE) for row in rows)
    table = Table(title=f"{network.name}: {network.input} to {network.classes} classes", title_justify="left", caption_justify="left")
    for column in ("stage", "output", "filter/stride"):
        table.add_column(column)
    for column in ("s1x1", "e1x1", "e3x3", *(["bypass"] if bypassed else []), "parameters", "MACs"):
        table.add_column(column, justify="right")
    for row in rows:
        fire = [row.squeeze1x1, row.expand1x1, row.expand3x3, *([row.bypass] if bypassed else [])]
        cells = [row.name, row.output, row.filter, *("" if cell is None else str(cell) for cell in fire)]
        table.add_row(*cells, *(f"{count:,}" if count else "" for count in (row.parameters, row.macs)))
    table.add_section()
    totals = (f"{sum(row.parameters for row in rows):,}", f"{sum(row.macs for row in rows):,}")
    table.add_row("total", *[""] * (len(table.columns) - 3), *totals)
    size = float_bytes(network)
    table.caption = f"{size:,} bytes in 32-bit floats: {megabytes(size):g} MB as the paper counts them (2^20 bytes, rounded up)"
    return table


def _filter(stage: Stage) -> str:
    match stage:
        case Conv():
            return f"{stage.kernel}x{stage.kernel}/{stage.stride} (x{stage.filters})"
        case MaxPool():
            return "3x3/2"
        case GlobalAverage():
            return "whole map"
        case Fire():
            return ""
