# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What lowering knows of a stream between two nodes, and how it is fitted to the next engine."""

from dataclasses import dataclass

from ..plan.lane_layout import LaneLayout
from ..plan.nodes import DownsizerSpec, Node
from .engine_config import EngineConfig


@dataclass(frozen=True)
class StreamState:
    """The stream between two nodes."""

    layout: LaneLayout
    channel_order: tuple[int, ...]
    """The model's channel that each channel of the stream is."""
    channels_last: bool = False
    """Pixels come one by one with their channels together, as in an image, not row by row of a channel."""
    producer: EngineConfig | None = None
    """The configuration of the engine that sends it; None in front of the first engine."""

    @property
    def burst(self) -> int:
        """Channels that come at once: one from each partition of the producer."""
        return self.producer.partitions if self.producer else 1


Lowered = tuple[tuple[Node, ...], StreamState]
"""Nodes, and the stream behind them."""


def output_layout(config: EngineConfig, width: int) -> LaneLayout:
    """The columns of an engine's output that each lane owns."""
    return LaneLayout.natural(lanes=config.lanes, tiles=-(-width // config.lanes), width=width)


def downsized(layout: LaneLayout, tiles: int) -> tuple[tuple[Node, ...], LaneLayout]:
    """A downsizer if an engine with strips of ``tiles`` columns needs narrower words, and the layout behind it."""
    lanes = layout.lanes_for(tiles)
    if lanes == layout.lanes:
        return (), layout
    return (DownsizerSpec(layout, lanes),), layout.downsized(lanes)
