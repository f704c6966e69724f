# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The signals of an engine's partition that read-back verification gives and evaluates: how the build finds them in a netlist.

The keys are part of the ROM map's format, which older builds have written too; they stay when a signal is renamed. The values are
names in the Verilog, relative to the partition's module, and are only used when a bitstream is built.
"""

DECODERS = {"codes": "codes", "gaps": "zero_runs"}
"""The two Huffman decoders, of codebook symbols and of zero runs: their names in the ROM map, and in the Verilog."""
WINDOW = {
    "current": "current",
    "following": "following",
    "offset": "offset",
    "skip": "skip_padding",
    "current_valid": "current_valid",
    "following_valid": "following_valid",
    "taken": "taken_valid",
}
"""The registers of a Huffman decoder that decide what it decodes next."""
SOURCE_SIGNALS = {
    **{f"{key}.{name}": (f"weights.{decoder}.{signal}",) for key, decoder in DECODERS.items() for name, signal in WINDOW.items()},
    "codes.full": ("weights.codes.output__valid", "weights.symbols.input__valid"),
    "gaps.full": ("weights.zero_runs.output__valid", "weights.steps.input__valid"),
    "gaps.rank": ("weights.zero_runs.symbol",),
    "ranks.valid": ("weights.symbols.output__valid",),
    "steps.valid": ("weights.steps.output__valid",),
    "steps.taken": ("weights.steps.spare_full",),
    "held.rank": ("weights.entry_symbol",),
    "held.kind": ("weights.entry_type",),
    "held.group": ("weights.entry.group",),
    "held.tap": ("weights.entry.tap",),
    "held.inner": ("weights.entry.inner",),
    "filter": ("mac.initial_value_index", "mac.control_2.filter"),
}
"""Signals that are given a value in a check, each with the names that synthesis may have left it, the first one preferred."""
TARGET_SIGNALS = {
    "codes.offset": (("weights.codes.offset",), 0),
    "gaps.offset": (("weights.zero_runs.offset",), 0),
    "codes.rank": (("weights.codes.symbol",), 2),
    "gaps.rank": (("weights.zero_runs.symbol",), 2),
    "centroid": (("mac.control_1.centroid",), 3),
    "held.kind": (("weights.entry_type",), 1),
    "held.group": (("weights.entry.group",), 1),
    "held.tap": (("weights.entry.tap",), 1),
    "held.inner": (("weights.entry.inner",), 1),
    "start": (("mac.initial_value",), 2),
}
"""Signals that are evaluated in a check, and how many flip-flops deep their logic cone reaches."""
KEPT_SIGNALS = ("entry.group", "entry.tap", "entry.inner", "control_1.centroid", "control_2.filter")
"""Fields of wider registers. Synthesis drops the names of fields unless it is told to keep them."""
KEPT_OF_FAST_LANES = ("initial_value_index",)
"""The same of lanes at twice the clock."""
