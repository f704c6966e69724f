# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A report of a bitstream, for the tests of pages."""

from dataclasses import asdict
from typing import Any

import numpy as np

from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.fpga.cost_model import estimate
from firebrick.sw.fpga.resources import total
from firebrick.sw.network.graph import Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from firebrick.sw.plan.report import plan_report

NETWORK = Network(
    "a <small> & odd one",
    Shape(3, 16, 16),
    (Conv("conv1", 4, 3, stride=2), MaxPool("pool1"), Fire("fire2", 3, 4, 4), Conv("conv10", 3, 1), GlobalAverage("pool10")),
)


def report() -> dict[str, Any]:
    """The report of a build of a small network; no tool has made its figures."""
    plan = compile_model(randomly_initialised(NETWORK, np.random.default_rng(0)), 12)
    nodes = estimate(plan)
    whole = asdict(total(nodes))
    return {
        "board": "ulx3s_12f",
        "network": plan.name,
        "classes": 3,
        "fps": 1234.5,
        "frequency_mhz": 40.0,
        "fmax_mhz": 45.6,
        "cycles_per_frame": plan.cycles,
        "engine_latency_ms": 1.31,
        "lanes": plan.lanes,
        "available": {"luts": 24288, "block_rams": 56, "multipliers": 28},
        "predicted": whole,
        "actual": {kind: 2 * value for kind, value in whole.items()},
        "nodes": [{"name": name, "predicted": asdict(one), "actual": asdict(one)} for name, one in nodes.items()],
        "plan": plan_report(plan),
        "host": [
            host_link("uart", "UART, 3 Mbaud", 1.97, "bytes on the wire", built=True),
            host_link("usb", "USB full speed", 7.34, "round trips", built=False),
        ],
        "placed": [
            {"what": "LUTs, carry chains, distributed RAM", "cell": "TRELLIS_COMB", "used": 12221, "available": 24288, "estimate": 11487},
            {"what": "flip-flops", "cell": "TRELLIS_FF", "used": 7760, "available": 24288, "estimate": None},
        ],
        "seeds": [{"seed": 2, "fmax_mhz": 45.6}, {"seed": 1, "fmax_mhz": 0.0}],
        "critical_path": [{"where": "conv1 <x>", "kind": "wire", "what": "wire", "ns": 1.5}],
        "slowest_ns": {"conv1": 21.9},
        "steps": [{"step": "place and route with seed 2", "seconds": 90.0, "peak_mib": 1536}],
    }


def host_link(link: str, carrier: str, fps: float, limit: str, *, built: bool) -> dict[str, Any]:
    return {
        "link": link, "built": built, "carrier": carrier, "fps": fps, "limit": limit, "latency_ms": 512.34, "stream_latency_ms": 543.21
    }  # fmt: skip
