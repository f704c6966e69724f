# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A network stage by stage, without weights: the first columns of the paper's Table 1 (arXiv:1602.07360).

`stage_rows` is the only place that computes these columns; the reports on models and on the paper add theirs.
"""

from collections.abc import Sequence
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
    """none, simple or complex, of a Fire module."""
    parameters: int
    """Weights and biases."""
    macs: int
    """Dense multiply-accumulates for one frame."""


def stage_rows(network: Network) -> tuple[StageRow, ...]:
    """The stages of a verified network in order."""
    rows = []
    for stage, input_shape, output_shape in zip(network.stages, network.shapes(), network.shapes()[1:], strict=False):
        layers = stage_layers(stage, input_shape)
        squeeze1x1, expand1x1, expand3x3, bypass = None, None, None, None
        if isinstance(stage, Fire):
            squeeze1x1, expand1x1, expand3x3, bypass = stage.squeeze, stage.expand1x1, stage.expand3x3, stage.bypass.value
        parameters, macs = sum(layer.parameters for layer in layers), sum(layer.macs for layer in layers)
        rows.append(StageRow(stage.name, str(output_shape), _filter(stage), squeeze1x1, expand1x1, expand3x3, bypass, parameters, macs))
    return tuple(rows)


def network_summary(network: Network) -> dict[str, Any]:
    """A verified network as a JSON-serialisable document; ``float32_mb`` is in the paper's unit, see `metaparameters.megabytes`."""
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
    """The stages as a table for the terminal, with totals."""
    from rich.table import Table

    rows = stage_rows(network)
    table = Table(title=f"{network.name}: {network.input} to {network.classes} classes", title_justify="left", caption_justify="left")
    for column in ("stage", "output", "filter/stride"):
        table.add_column(column)
    for column in (*fire_columns(rows), "parameters", "MACs"):
        table.add_column(column, justify="right")
    for row, fire in zip(rows, fire_cells(rows), strict=True):
        table.add_row(row.name, row.output, row.filter, *fire, *(f"{count:,}" if count else "" for count in (row.parameters, row.macs)))
    table.add_section()
    totals = (f"{sum(row.parameters for row in rows):,}", f"{sum(row.macs for row in rows):,}")
    table.add_row("total", *[""] * (len(table.columns) - 3), *totals)
    size = float_bytes(network)
    table.caption = f"{size:,} bytes in 32-bit floats: {megabytes(size):g} MB as the paper counts them (2^20 bytes, rounded up)"
    return table


def fire_columns(rows: Sequence[StageRow]) -> list[str]:
    """Headings of a table's columns about Fire modules; there is one for bypasses only where a module has one."""
    return ["s1x1", "e1x1", "e3x3", *(["bypass"] if _has_bypasses(rows) else [])]


def fire_cells(rows: Sequence[StageRow]) -> list[list[str]]:
    """The cells of each stage in the columns of `fire_columns`."""
    with_bypass = _has_bypasses(rows)
    cells = [[row.squeeze1x1, row.expand1x1, row.expand3x3, *([row.bypass] if with_bypass else [])] for row in rows]
    return [["" if cell is None else str(cell) for cell in row] for row in cells]


def _has_bypasses(rows: Sequence[StageRow]) -> bool:
    return any(row.bypass not in (None, Bypass.NONE) for row in rows)


def _filter(stage: Stage) -> str:
    match stage:
        case Conv():
            return f"{stage.kernel}x{stage.kernel}/{stage.stride} (x{stage.filters}){'' if stage.relu else ', no ReLU'}"
        case MaxPool():
            return stage.geometry
        case GlobalAverage():
            return "whole map"
        case Fire():
            return ""
