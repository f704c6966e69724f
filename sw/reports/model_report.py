# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a model is made of: the columns of Table 1 (arXiv:1602.07360), and where the bytes of its `.fire` file go."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..fire_format.file import CRC_BYTES, encode_description
from ..fire_format.layer import encode_layer
from ..model.quantized import Model
from ..network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Stage

if TYPE_CHECKING:
    from rich.table import Table

PARTS = ("codes", "gaps", "codebooks", "biases", "tables", "headers", "description", "checksum")
"""Everything a file consists of; ``tables`` are Huffman code lengths, ``headers`` those of layers."""


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
    """Width of a gap before Huffman coding; 0 where every weight has a code."""
    entries: int
    """Coded weights: the non-zero ones and fillers, or all."""
    accumulator_bits: int
    parts: dict[str, int]
    """Bytes of each of PARTS that a layer has."""
    entropy: float
    """Bytes that no symbol-by-symbol code of the same codes and gaps can undercut."""

    @property
    def density(self) -> float:
        """Share of non-zero weights, 0 to 1."""
        return self.nonzero / self.weights


@dataclass(frozen=True)
class StageReport:
    """One row of Table 1; None where the column does not apply. Parameters are weights and biases."""

    name: str
    output: str
    """rows x columns x channels."""
    filter: str
    """Filter size and stride; empty for a Fire module."""
    depth: int
    """Convolutions that data pass one after the other."""
    squeeze1x1: int | None
    expand1x1: int | None
    expand3x3: int | None
    bypass: str | None
    """none, simple or complex, of a Fire module."""
    densities: dict[str, float]
    """Share of non-zero weights by kind of filter (what Table 1 calls sparsity), 0 to 1."""
    bits: int | None
    """The greatest of the stage's layers."""
    parameters_before: int
    parameters_after: int


@dataclass(frozen=True)
class ModelReport:
    """A model's sizes; all byte counts are those of the `.fire` file, whose parts add up to ``bytes``."""

    network: str
    bytes: int
    weights: int
    nonzero: int
    parameters_before: int
    parameters_after: int
    parts: dict[str, int]
    entropy: float
    """Of codes and gaps together, see LayerReport."""
    stages: tuple[StageReport, ...]
    layers: tuple[LayerReport, ...]
    metadata: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data for JSON."""
        return asdict(self)


def model_report(model: Model) -> ModelReport:
    """Take stock of a verified model."""
    layers = tuple(_layer(model, name) for name in model.layers)
    parts = dict.fromkeys(PARTS, 0)
    for layer in layers:
        for part, size in layer.parts.items():
            parts[part] += size
    parts["description"], parts["checksum"] = len(encode_description(model)), CRC_BYTES
    shapes = model.network.shapes()[1:]
    stages = tuple(_stage(model, stage, str(shape)) for stage, shape in zip(model.network.stages, shapes, strict=True))
    return ModelReport(
        model.network.name,
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


def stage_table(inspection: ModelReport) -> "Table":
    """The stages in the columns of Table 1."""
    from rich.table import Table

    table = Table(title=f"{inspection.network}: layers as in Table 1 of the SqueezeNet paper", title_justify="left")
    for column in ("layer", "output", "filter/stride"):
        table.add_column(column)
    bypassed = any(stage.bypass not in (None, Bypass.NONE) for stage in inspection.stages)
    for column in ("depth", "s1x1", "e1x1", "e3x3", *(["bypass"] if bypassed else []), "density", "bits", "parameters", "after pruning"):
        table.add_column(column, justify="right")
    for stage in inspection.stages:
        counts = [stage.squeeze1x1, stage.expand1x1, stage.expand3x3, *([stage.bypass] if bypassed else [])]
        density = " ".join(f"{100 * value:.0f}%" for value in stage.densities.values())
        parameters = [f"{count:,}" if count else "" for count in (stage.parameters_before, stage.parameters_after)]
        cells = [*("" if count is None else str(count) for count in counts), density, str(stage.bits or ""), *parameters]
        table.add_row(stage.name, stage.output, stage.filter, str(stage.depth), *cells)
    table.add_section()
    totals = f"{inspection.parameters_before:,}", f"{inspection.parameters_after:,}"
    table.add_row("total", *[""] * (len(table.columns) - 3), *totals)
    return table


def byte_table(inspection: ModelReport) -> "Table":
    """Where the bytes go: layers by parts, and the entropy bound beside what codes and gaps take."""
    from rich.table import Table

    shown = ("codes", "gaps", "codebooks", "biases", "tables", "headers")
    table = Table(title="bytes of the .fire file", title_justify="left")
    table.add_column("layer")
    for column in ("weights", "non-zero", *shown, "codes + gaps", "their entropy"):
        table.add_column(column, justify="right")
    for layer in inspection.layers:
        sizes = [f"{layer.parts[part]:,}" for part in shown]
        table.add_row(layer.name, f"{layer.weights:,}", f"{layer.nonzero:,}", *sizes, f"{_coded(layer.parts):,}", f"{layer.entropy:,.0f}")
    table.add_section()
    sizes = [f"{inspection.parts[part]:,}" for part in shown]
    coded, bound = _coded(inspection.parts), inspection.entropy
    table.add_row("all layers", f"{inspection.weights:,}", f"{inspection.nonzero:,}", *sizes, f"{coded:,}", f"{bound:,.0f}")
    rest = inspection.parts["description"] + inspection.parts["checksum"]
    above = f"; codes and gaps take {coded / bound - 1:.1%} more than their entropy" if bound else ""
    table.caption = f"{inspection.bytes:,} bytes in all, {rest:,} of them for labels, provenance and checksum{above}"
    table.caption_justify = "left"
    return table


def _coded(parts: dict[str, int]) -> int:
    """Bytes of codes and gaps, to which the entropy is a bound."""
    return parts["codes"] + parts["gaps"]


def _layer(model: Model, name: str) -> LayerReport:
    layer = model.layers[name]
    encoded = encode_layer(layer)
    parts = {
        "codes": len(encoded.codes),
        "gaps": len(encoded.gaps),
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
        encoded.gap_bits,
        encoded.entries,
        layer.accumulator_bits,
        parts,
        encoded.entropy_bits / 8,
    )


def _stage(model: Model, stage: Stage, output: str) -> StageReport:
    layers = {name.rpartition("/")[2]: layer for name, layer in model.layers.items() if name.partition("/")[0] == stage.name}
    squeeze, expand1x1, expand3x3, bypass, filter_size, depth = None, None, None, None, "", 2
    match stage:
        case Conv():
            filter_size, depth = f"{stage.kernel}x{stage.kernel}/{stage.stride} (x{stage.filters})", 1
        case MaxPool():
            filter_size, depth = "3x3/2", 0
        case GlobalAverage():
            filter_size, depth = "whole map", 0
        case Fire():
            squeeze, expand1x1, expand3x3, bypass = stage.squeeze, stage.expand1x1, stage.expand3x3, stage.bypass.value
    return StageReport(
        stage.name,
        output,
        filter_size,
        depth,
        squeeze,
        expand1x1,
        expand3x3,
        bypass,
        {part: layer.nonzero / layer.codes.size for part, layer in layers.items()},
        max((layer.bits for layer in layers.values()), default=None),
        sum(layer.codes.size + layer.bias.size for layer in layers.values()),
        sum(layer.nonzero + layer.bias.size for layer in layers.values()),
    )
