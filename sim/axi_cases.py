# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Benches of accelerators on a bus: a model, frames, and the packets of scores that the golden model computes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..hw.bus.top import BusOptions, BusTop
from ..hw.codegen.bus_verilog import bus_top
from ..hw.codegen.verilog import convert_top
from ..sw import golden
from ..sw.compiler.lowering import compile_model
from ..sw.link.register_map import CoreDescriptor, describe_core
from ..sw.model.quantized import Model
from ..sw.plan.nodes import Plan
from .bench_runner import Bench
from .cocotb_runner import TOP
from .payloads import image_bytes

MODULE = "firebrick.sim.axi_bench"
FASTER_CORE, SLOWER_CORE, SLOWEST_CORE = (1000, 734), (1000, 2618), (1000, 12006)
"""Periods of ``aclk`` and ``core_clk``, in steps of the simulator, with no short common multiple."""
HANG_FRAMES = 12
"""Frames, by the plan's cycles, after which a packet that has not come is given up."""
SETTLE_CYCLES = 500
"""Cycles after the last expected packet in which no more may come."""


@dataclass(frozen=True)
class AxiTests:
    """How much of each test a bench does."""

    continuous: int
    """Frames without gaps."""
    mixed: int
    """Good and bad packets."""
    resets: int
    """Resets of all kinds."""
    slow_core: int
    """Resets, each with a frame, with a clock of the core that is far slower."""


def model_bench(name: str, model: Model, lanes: int | Plan, options: BusOptions, frames: NDArray[np.uint8], tests: AxiTests) -> Bench:
    """The bench of a model's accelerator on frames, (n, channels, rows, columns), with the scores of the golden model."""
    plan = lanes if isinstance(lanes, Plan) else compile_model(model, lanes)
    descriptor = describe_core(model, plan)
    sent = [bytes(image_bytes(frames[index : index + 1])) for index in range(len(frames))]
    packets = score_packets(golden.run(model, frames), descriptor)
    return axi_bench(name, bus_top(model, plan, options), descriptor, options, dict(zip(sent, packets, strict=True)), tests)


def axi_bench(
    name: str, top: BusTop, descriptor: CoreDescriptor, options: BusOptions, results: dict[bytes, bytes], tests: AxiTests
) -> Bench:
    """The bench of an accelerator with AXI4-Lite; ``results`` are frames, which it sends again and again, and their packets of scores.

    Raises ValueError unless every frame has scores of its own, by which the bench tells frames apart.
    """
    if len(set(results.values())) != len(results):
        raise ValueError("every frame must have scores of its own")
    ratio = max(core / bus for bus, core in (FASTER_CORE, SLOWER_CORE)) if options.core_clock else 1
    document: dict[str, Any] = {
        "module": MODULE,
        "seed": name,
        "frames": [frame.hex() for frame in results],
        "packets": [packet.hex() for packet in results.values()],
        "stream_bytes": options.stream_bytes,
        "core_clock": options.core_clock,
        "periods": {"continuous": FASTER_CORE, "mixed": FASTER_CORE, "resets": SLOWER_CORE, "slow_core": SLOWEST_CORE},
        "words": descriptor.words(options.stream_bytes),
        "tests": vars(tests),
        "poll_within": max(2, descriptor.cycles // 100),
        "reset_within": round(3 * descriptor.cycles * ratio),
        "hang_cycles": round(HANG_FRAMES * ratio * (descriptor.cycles + 10 * descriptor.frame_bytes)) + 20_000,
        "settle_cycles": SETTLE_CYCLES,
    }
    return Bench(name, lambda: convert_top(top, TOP), tuple(options.ports()), document, tuple(vars(tests)))


def score_packets(scores: NDArray[np.int64], descriptor: CoreDescriptor) -> list[bytes]:
    """The packets of scores, (frames, classes)."""
    size, signed = descriptor.score_bytes, descriptor.score_signed
    return [b"".join(int(score).to_bytes(size, "little", signed=signed) for score in frame) for frame in scores]
