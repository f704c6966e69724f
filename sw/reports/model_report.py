# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A report on a model: its stages in the columns of Table 1 (arXiv:1602.07360), and the bytes of each part of its `.fire` file."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..fire_format.file import CRC_BYTES, encode_description
from ..fire_format.layer import encode_layer
from ..model.quantized import Model, Preprocessing
from ..network.graph import Shape
from ..network.summary import StageRow, fire_cells, fire_columns, stage_rows

if TYPE_CHECKING:
    from rich.table import Table

PARTS = ("codes", "gaps", "codebooks", "biases", "tables", "headers", "description", "checksum")
"""The parts of a file; ``tables`` are Huffman code lengths, ``headers`` are those of layers."""


@dataclass(frozen=True)
class LayerReport:
    """One convolution; sizes in bytes."""

    name: str
    shape: tuple[int, int, int, int]
    """(filters, input channels, kernel rows, kernel columns)."""
    weights: int
    nonzero: int
    bits: int
    """Width of a codebook index."""
    gap_bits: int
    """Width of a zero run before Huffman coding; 0 for a dense layer, in which every weight has a code."""
    entries: int
    """Number of weight entries: non-zero weights and padding zeros, or all weights of a dense layer."""
    accumulator_bits: int
    parts: dict[str, int]
    """Bytes of each of PARTS that a layer has."""
    entropy: float
    """Entropy of codes and zero runs in bytes: a lower bound for every symbol-by-symbol code of them."""

    @property
    def density(self) -> float:
        """Fraction of non-zero weights, 0 to 1."""
        return self.nonzero / self.weights


@dataclass(frozen=True)
class StageReport:
    """One row of Table 1; None where the column does not apply. Parameters are weights and biases."""

    row: StageRow
    """The columns that do not depend on the weights."""
    depth: int
    """Number of convolutions in sequence."""
    densities: dict[str, float]
    """Fraction of non-zero weights by filter type (Table 1 calls it sparsity), 0 to 1."""
    bits: int | None
    """Width of a codebook index, the largest of the stage's layers."""
    parameters_before: int
    """Before pruning."""
    parameters_after: int
    """After pruning: non-zero weights and biases."""

    def as_dict(self) -> dict[str, Any]:
        """The same as a JSON-serialisable document without nesting."""
        return {
            "name": self.row.name,
            "output": self.row.output,
            "filter": self.row.filter,
            "depth": self.depth,
            "squeeze1x1": self.row.squeeze1x1,
            "expand1x1": self.row.expand1x1,
            "expand3x3": self.row.expand3x3,
            "bypass": self.row.bypass,
            "densities": self.densities,
            "bits": self.bits,
            "parameters_before": self.parameters_before,
            "parameters_after": self.parameters_after,
        }


@dataclass(frozen=True)
class ModelReport:
    """A model's sizes. Byte counts are those of the `.fire` file; ``parts`` add up to ``bytes``."""

    network: str
    input: Shape
    preprocessing: Preprocessing
    bytes: int
    weights: int
    nonzero: int
    parameters_before: int
    parameters_after: int
    parts: dict[str, int]
    entropy: float
    """Sum over the layers, see LayerReport."""
    stages: tuple[StageReport, ...]
    layers: tuple[LayerReport, ...]
    metadata: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """The same as a JSON-serialisable document."""
        return asdict(self) | {"stages": [stage.as_dict() for stage in self.stages]}


def model_report(model: Model) -> ModelReport:
    """The report on a verified model."""
    layers = tuple(_layer(model, name) for name in model.layers)
    parts = dict.fromkeys(PARTS, 0)
    for layer in layers:
        for part, size in layer.parts.items():
            parts[part] += size
    parts["description"], parts["checksum"] = len(encode_description(model)), CRC_BYTES
    stages = tuple(_stage(model, row) for row in stage_rows(model.network))
    return ModelReport(
        model.network.name,
        model.network.input,
        model.preprocessing,
        sum(parts.values()),
        sum(layer.weights for layer in layers),
        sum(layer.nonzero for layer in layers),
        sum(stage.parameters_before for stage in stages),
        sum(stage.parameters_after for stage in stages),
        parts,
        sum(layer.entropy for layer in layers),
        stages,
        layers,
        model.metadata,
    )


def stage_table(report: ModelReport) -> "Table":
    """The stages in the columns of Table 1, for the terminal."""
    from rich.table import Table

    table = Table(title=f"{report.network}: layers as in Table 1 of the SqueezeNet paper", title_justify="left")
    for column in ("layer", "output", "filter/stride"):
        table.add_column(column)
    rows = [stage.row for stage in report.stages]
    for column in ("depth", *fire_columns(rows), "density", "bits", "parameters", "after pruning"):
        table.add_column(column, justify="right", min_width=len("100%") if column == "density" else None)
    for stage, fire in zip(report.stages, fire_cells(rows), strict=True):
        density = " ".join(f"{100 * value:.0f}%" for value in stage.densities.values())
        parameters = [f"{count:,}" if count else "" for count in (stage.parameters_before, stage.parameters_after)]
        dimensions = (stage.row.name, stage.row.output, stage.row.filter, str(stage.depth), *fire)
        table.add_row(*dimensions, density, str(stage.bits or ""), *parameters)
    table.add_section()
    totals = f"{report.parameters_before:,}", f"{report.parameters_after:,}"
    table.add_row("total", *[""] * (len(table.columns) - 3), *totals)
    return table


def byte_table(report: ModelReport) -> "Table":
    """The bytes of each layer's parts, and the size of codes and zero runs beside their entropy, for the terminal."""
    from rich.table import Table

    shown = ("codes", "gaps", "codebooks", "biases", "tables", "headers")
    headings = {"gaps": "zero runs"}
    table = Table(title="bytes of the .fire file", title_justify="left")
    table.add_column("layer")
    for column in ("weights", "non-zero", *(headings.get(part, part) for part in shown), "codes + runs", "their entropy"):
        table.add_column(column, justify="right")
    for layer in report.layers:
        sizes = [f"{layer.parts[part]:,}" for part in shown]
        table.add_row(layer.name, f"{layer.weights:,}", f"{layer.nonzero:,}", *sizes, f"{_coded(layer.parts):,}", f"{layer.entropy:,.0f}")
    table.add_section()
    sizes = [f"{report.parts[part]:,}" for part in shown]
    coded, bound = _coded(report.parts), report.entropy
    table.add_row("all layers", f"{report.weights:,}", f"{report.nonzero:,}", *sizes, f"{coded:,}", f"{bound:,.0f}")
    rest = report.parts["description"] + report.parts["checksum"]
    above = f"; codes and zero runs take {coded / bound - 1:.1%} more than their entropy" if bound else ""
    table.caption = f"{report.bytes:,} bytes in all, {rest:,} of them for labels, provenance and checksum{above}"
    table.caption_justify = "left"
    return table


def border_text(report: ModelReport) -> str:
    """How images get their border, in words; empty where they have none."""
    preprocessing, frame = report.preprocessing, report.input
    if not preprocessing.has_border:
        return ""
    image, sides = preprocessing.image_shape(frame), ", ".join(map(str, preprocessing.border))
    return (
        f"images: {image.height}x{image.width} pixels with a border of colour {preprocessing.border_colour(frame.channels)}, "
        f"{sides} pixels wide (top, left, bottom, right), in place of the first convolution's padding"
    )


def _coded(parts: dict[str, int]) -> int:
    """Bytes of codes and zero runs, for which the entropy is a lower bound."""
    return parts["codes"] + parts["gaps"]


def _layer(model: Model, name: str) -> LayerReport:
    layer = model.layers[name]
    encoded = encode_layer(layer)
    parts = {
        "codes": len(encoded.codes),
        "gaps": len(encoded.zero_runs),
        "codebooks": len(encoded.codebook),
        "biases": len(encoded.biases),
        "tables": len(encoded.tables),
        "headers": len(encoded.header),
    }
    filters, channels, rows, columns = layer.codes.shape
    return LayerReport(
        name,
        (filters, channels, rows, columns),
        layer.codes.size,
        layer.nonzero,
        layer.bits,
        encoded.run_bits,
        encoded.entries,
        layer.accumulator_bits,
        parts,
        encoded.entropy_bits / 8,
    )


def _stage(model: Model, row: StageRow) -> StageReport:
    layers = {name.rpartition("/")[2]: layer for name, layer in model.layers.items() if name.partition("/")[0] == row.name}
    is_fire = row.squeeze1x1 is not None
    return StageReport(
        row,
        depth=2 if is_fire else len(layers),  # expand filters and a bypass convolution work side by side
        densities={part: layer.nonzero / layer.codes.size for part, layer in layers.items()},
        bits=max((layer.bits for layer in layers.values()), default=None),
        parameters_before=row.parameters,
        parameters_after=sum(layer.nonzero + layer.bias.size for layer in layers.values()),
    )
