# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The signals of an engine's partition that read-back verification gives and evaluates: how the build finds them in a netlist.

The keys are part of the ROM map's format, which older builds have written too; they stay when a signal is renamed. The values are
names in the Verilog, relative to the partition's module, and are only used when a bitstream is built.
"""

DECODERS = ("codes", "gaps")
"""The two Huffman decoders: of codebook symbols, and of zero runs."""
SOURCE_SIGNALS = {
    **{f"{decoder}.{name}": (f"weights.{decoder}.{name}",) for decoder in DECODERS for name in ("current", "following", "offset", "skip")},
    **{
        f"{decoder}.{name}": (f"weights.{decoder}.{name}",)
        for decoder in DECODERS
        for name in ("current_valid", "following_valid", "taken")
    },
    "codes.full": ("weights.codes.output__valid", "weights.ranks.input__valid"),
    "gaps.full": ("weights.gaps.output__valid", "weights.steps.input__valid"),
    "gaps.rank": ("weights.gaps.rank",),
    "ranks.valid": ("weights.ranks.output__valid",),
    "steps.valid": ("weights.steps.output__valid",),
    "steps.taken": ("weights.steps.taken",),
    "held.rank": ("weights.held_rank",),
    "held.kind": ("weights.held_kind",),
    "held.group": ("weights.held.group",),
    "held.tap": ("weights.held.tap",),
    "held.inner": ("weights.held.inner",),
    "filter": ("mac.control_2.start",),
}
"""Signals that are given a value in a check, each with the names that synthesis may have left it, the first one preferred."""
TARGET_SIGNALS = {
    "codes.offset": (("weights.codes.offset",), 0),
    "gaps.offset": (("weights.gaps.offset",), 0),
    "codes.rank": (("weights.codes.rank",), 2),
    "gaps.rank": (("weights.gaps.rank",), 2),
    "centroid": (("mac.control_1.centroid",), 3),
    "held.kind": (("weights.held_kind",), 1),
    "held.group": (("weights.held.group",), 1),
    "held.tap": (("weights.held.tap",), 1),
    "held.inner": (("weights.held.inner",), 1),
    "start": (("mac.start",), 2),
}
"""Signals that are evaluated in a check, and how many flip-flops deep their logic cone reaches."""
KEPT_SIGNALS = ("held.group", "held.tap", "held.inner", "control_1.centroid", "control_2.start")
"""Fields of wider registers. Synthesis drops the names of fields unless it is told to keep them."""
