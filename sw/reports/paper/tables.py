# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tables 1 to 3 and the sizes of Fig. 3 of the SqueezeNet paper (arXiv:1602.07360): the paper's figure, ours, and the difference.

The paper's figures are constants here; ours are computed. Accuracies that need training on ImageNet are quoted from the paper and marked.
Each table is a section, which one function computes; `sections` lists them.
"""

import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

import numpy as np

from ...model.float_model import FloatModel
from ...network.graph import Bypass, Fire, Network
from ...network.metaparameters import Metaparameters, float_bytes, megabytes
from ...network.presets import squeezenet1_0
from ...network.summary import stage_rows
from .section import Cell, Section
from .table2_sizes import table2_sizes

PARAMETERS = {
    "conv1": (14_208, 14_208),
    "fire2": (11_920, 5_746),
    "fire3": (12_432, 6_258),
    "fire4": (45_344, 20_646),
    "fire5": (49_440, 24_742),
    "fire6": (104_880, 44_700),
    "fire7": (111_024, 46_236),
    "fire8": (188_992, 77_581),
    "fire9": (197_184, 77_581),
    "conv10": (513_000, 103_400),
}
"""Table 1: parameters of each stage before and after pruning."""
DENSITIES = {
    "conv1": ("1",),
    **dict.fromkeys(("fire2", "fire3", "fire4", "fire5"), ("1", "1", "0.33")),
    "fire6": ("1", "0.5", "0.33"),
    "fire7": ("0.5", "1", "0.33"),
    "fire8": ("1", "0.5", "0.3"),
    "fire9": ("0.5", "1", "0.3"),
    "conv10": ("0.2",),
}
"""Table 1: fraction of weights kept (its "sparsity") in each layer of a stage, squeeze first.

fire8's 3x3 filters have the fraction that gives the printed number of parameters; the table prints 33% for it.
"""
SIZES_3A: Mapping[float, tuple[float | None, float | None]] = {
    0.125: (4.8, 80.3),
    0.25: (None, None),
    0.5: (13, 85.6),
    0.75: (19, 86.0),
    1.0: (None, 86.0),
}
"""Fig. 3(a) and Section 5.2, by SR: size in MB and top-5 accuracy in per cent, where the paper states them."""
SIZES_3B: Mapping[float, tuple[float | None, float | None]] = {
    0.01: (5.7, None),
    0.25: (None, None),
    0.5: (13, 85.6),
    0.75: (None, None),
    0.99: (21, None),
}
"""Fig. 3(b) and Section 5.3, by pct3x3 at SR 0.5."""
SIZES_TABLE3 = {Bypass.NONE: (4.8, 57.5, 80.3), Bypass.SIMPLE: (4.8, 60.4, 82.5), Bypass.COMPLEX: (7.7, 58.8, 82.0)}
"""Table 3: size in MB, top-1 and top-5 accuracy in per cent."""
QUOTED = " (the paper's)"
"""Marks a column with accuracies from the paper."""


def sections(released: FloatModel | None = None) -> tuple[Section, ...]:
    """All tables, in the paper's order; ``released`` is the authors' Deep Compression file, which adds a column to Table 1."""
    network = squeezenet1_0()
    biases = sum(layer.conv.filters for layer in network.layers())
    kept = sum(kept_parameters(network, stage) for stage in DENSITIES) - biases
    return (table1(network, released), table2_sizes(network, kept), figure3a(), figure3b(), table3())


def table1(network: Network, released: FloatModel | None = None) -> Section:
    """Table 1: dimensions and parameters of SqueezeNet v1.0 before and after pruning."""
    rows: list[tuple[Cell, ...]] = []
    counts = ["parameters, paper", "parameters, ours", "after pruning, paper", "after pruning, ours"]
    columns = ["layer", "output", "filter/stride", "s1x1", "e1x1", "e3x3", "kept", *counts]
    for row in stage_rows(network):
        before, after = PARAMETERS.get(row.name, (None, None))
        kept = " ".join(f"{Decimal(density):.0%}" for density in DENSITIES.get(row.name, ()))
        ours = (row.parameters, kept_parameters(network, row.name)) if before else (None, None)
        cells = (row.name, row.output, row.filter, row.squeeze1x1, row.expand1x1, row.expand3x3, kept, before, ours[0], after, ours[1])
        rows.append(cells if released is None else (*cells, released_parameters(released, row.name) if before else None))
    counted = range(7, len(columns) + (released is not None))
    rows.append(("total", *[None] * 6, *(sum(int(row[index] or 0) for row in rows) for index in counted)))
    notes = [
        "Parameters are weights and biases. After pruning, ours are the kept fraction of each layer's weights and all biases, rounded up.",
        "The paper states an input of 224x224; its output sizes, 111x111 from conv1 on, are those of 227x227 without padding, as shown.",
    ]
    if released is not None:
        columns.append("in the authors' file")
        notes.append(
            "The authors' file has fewer parameters than Table 1: its codebook rounds some weights to zero, and pruning removed a few more "
            "than the printed percentage. In layers that Table 1 marks 100%, up to 2% of the weights are zero."
        )
    return Section("table1", "Table 1: SqueezeNet architectural dimensions", tuple(columns), tuple(rows), tuple(notes))


def figure3a() -> Section:
    """Fig. 3(a): model size as a function of the squeeze ratio."""
    notes = (
        _UNIT,
        "Section 5.2 gives 19 MB for SR 0.75; SR 1.0 makes the model larger without improving accuracy.",
    )
    points = {sr: Metaparameters(sr=sr) for sr in SIZES_3A}
    return _sizes("figure3a", "Fig. 3(a): squeeze ratio", "SR", points, SIZES_3A, notes)


def figure3b() -> Section:
    """Fig. 3(b): model size as a function of the fraction of 3x3 filters, at SR 0.5."""
    notes = (_UNIT, "Filter counts are rounded to the nearest, halves up: 1% of 128 expand filters is one 3x3 filter.")
    points = {pct3x3: Metaparameters(sr=0.5, pct3x3=pct3x3) for pct3x3 in SIZES_3B}
    return _sizes("figure3b", "Fig. 3(b): fraction of 3x3 filters at SR 0.5", "pct3x3", points, SIZES_3B, notes)


def table3() -> Section:
    """Table 3: model size with bypass connections."""
    rows: list[tuple[Cell, ...]] = []
    for bypass, (printed, top1, top5) in SIZES_TABLE3.items():
        size = float_bytes(Metaparameters(bypass=bypass).network())
        rows.append((bypass.value, printed, megabytes(size), size, size_difference(size, printed), top1, top5))
    columns = ("bypass", "MB, paper", "MB, ours", "bytes, ours", "bytes to the paper's", f"top-1 %{QUOTED}", f"top-5 %{QUOTED}")
    complex_bypass = Metaparameters(bypass=Bypass.COMPLEX).network()
    bypass_parameters = [layer.parameters for layer in complex_bypass.layers() if layer.name.endswith("bypass1x1")]
    fires = [stage for stage in complex_bypass.stages if isinstance(stage, Fire)]
    simple_widths = [fire.expand1x1 + fire.expand3x3 for fire in fires if fire.bypass is Bypass.SIMPLE]
    all_convolutions = float_bytes(complex_bypass) + 4 * sum(width * width + width for width in simple_widths)
    notes = (
        _UNIT,
        "Complex bypass as in Fig. 2 and Section 6 adds four 1x1 convolutions, which bypass fire2, fire4, fire6 and fire8, with "
        f"{' + '.join(f'{count:,}' for count in bypass_parameters)} parameters: {4 * sum(bypass_parameters):,} bytes. The total "
        f"is {size_difference(float_bytes(complex_bypass), 7.7):,} bytes too small for the paper's 7.7 MB. 1x1 convolutions for all eight "
        f"Fire modules would give {all_convolutions:,} bytes, {megabytes(all_convolutions):.1f} MB. No reading of Fig. 2 known to us "
        "gives 7.7 MB, and the paper has no more detail.",
    )
    return Section("table3", "Table 3: bypass connections", columns, tuple(rows), notes)


_UNIT = (
    "Sizes are those of the parameters in 32-bit floats. MB are units of 2^20 bytes, rounded up as `ls -lh` does: to tenths below 10, to "
    "integers from there. In this unit, all sizes shown here equal the paper's, except that of complex bypass. In units of 10^6 bytes, or "
    "rounded to the nearest, more of them would differ."
)


def _sizes(
    key: str,
    title: str,
    name: str,
    points: Mapping[float, Metaparameters],
    printed: Mapping[float, tuple[float | None, float | None]],
    notes: tuple[str, ...],
) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for value, point in points.items():
        size = float_bytes(point.network())
        paper, top5 = printed[value]
        rows.append((value, paper, megabytes(size), size, None if paper is None else size_difference(size, paper), top5))
    columns = (name, "MB, paper", "MB, ours", "bytes, ours", "bytes to the paper's", f"top-5 %{QUOTED}")
    return Section(key, title, columns, tuple(rows), notes)


def size_difference(size: int, printed: float) -> int:
    """The smallest number of bytes to add to a size (negative: to remove) so that it prints as the paper's size in MB."""
    tenths = round(10 * printed)
    smallest = math.floor((tenths - (1 if tenths <= 100 else 10)) * 2**20 / 10) + 1
    largest = math.floor(tenths * 2**20 / 10)
    return smallest - size if size < smallest else min(0, largest - size)


def kept_parameters(network: Network, stage: str) -> int:
    """Parameters of a stage at Table 1's densities: the kept fraction of the weights and all biases, rounded up."""
    layers = [layer for layer in network.layers() if layer.name.partition("/")[0] == stage]
    kept = sum((layer.weights * Decimal(density) for layer, density in zip(layers, DENSITIES[stage], strict=True)), Decimal(0))
    return int(kept.to_integral_value(ROUND_CEILING)) + sum(layer.conv.filters for layer in layers)


def released_parameters(model: FloatModel, stage: str) -> int:
    """Number of non-zero weights and of biases of a stage."""
    names = [name for name in model.weights if name.partition("/")[0] == stage]
    return sum(int(np.count_nonzero(model.weights[name])) + model.biases[name].size for name in names)
