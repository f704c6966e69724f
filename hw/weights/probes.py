# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The signals by which read-back verification finds what a weight decoder keeps in logic."""

DECODERS = ("codes", "gaps")
SOURCE_SIGNALS = {
    **{f"{one}.{name}": (f"weights.{one}.{name}",) for one in DECODERS for name in ("current", "following", "offset", "skip")},
    **{f"{one}.{name}": (f"weights.{one}.{name}",) for one in DECODERS for name in ("current_valid", "following_valid", "taken")},
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
"""The signals that decide what stands in logic gives, each under the names that it may have in its part."""
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
"""What it gives, and through how many flip-flops."""
KEPT_SIGNALS = ("held.group", "held.tap", "held.inner", "control_1.centroid", "control_2.start")
"""Registers that are parts of others, so that synthesis must be told to keep their names."""
