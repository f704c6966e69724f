# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""nextpnr's timing report, by component."""

from typing import Any

import pytest

from firebrick.hw.eda.timing_report import OVERHEAD, component_of, critical_path, slowest_paths

EXPAND = "device.accelerator.pipeline.fire2_expand."


def step(kind: str, delay: float, net: str = "", cell: str = EXPAND + "$ff$1") -> dict[str, Any]:
    ends = {"from": {"cell": cell, "port": "Q"}, "to": {"cell": cell, "port": "D"}}
    return {"type": kind, "delay": delay, **ends, **({"net": net} if net else {})}


def test_critical_path_joins_neighbours_and_keeps_the_whole_time() -> None:
    slow = [
        step("clk-to-q", 0.5),
        step("routing", 1.0, EXPAND + "partition_0.weights.codes.current[3]"),
        step("logic", 0.25),
        step("routing", 0.0, EXPAND + "$abc$1$lut$2.genblk1.f3"),
        step("logic", 0.25),
        step("routing", 2.0, "device.link.frames.valid"),
        step("setup", 0.0),
    ]
    paths = [
        {"from": "posedge clk", "to": "posedge clk", "path": [step("routing", 1.0)]},
        {"from": "posedge clk", "to": "posedge clk", "path": slow},
        {"from": "async", "to": "posedge clk", "path": [step("routing", 99.0)]},
    ]
    path = critical_path({"critical_paths": paths})
    assert [(step["where"], step["kind"], step["ns"]) for step in path] == [
        ("fire2_expand partition_0 weights codes", "logic", 0.5),
        ("fire2_expand partition_0 weights codes", "wire", 1.0),
        ("fire2_expand partition_0 weights codes", "logic", 0.5),
        ("link frames", "wire", 2.0),
    ]
    assert critical_path({"critical_paths": []}) == []


@pytest.mark.parametrize("delay", [3.0, [2.0, 3.0]])
def test_slowest_paths_are_those_of_each_component(delay: float | list[float]) -> None:
    def net(cell: str, late: Any, event: str = "posedge clk") -> dict[str, Any]:
        return {"net": "n", "driver": "d", "event": event, "endpoints": [{"cell": cell, "event": "posedge clk", "delay": late}]}

    nets = [net(EXPAND + "a", delay), net(EXPAND + "b", 1.0), net("device.link.x", 2.0), net("$auto$1", 0.5)]
    nets.append(net("device.link.y", 50.0, "async"))
    assert slowest_paths({"detailed_net_timings": nets}) == {"fire2_expand": 3.0, OVERHEAD: 2.0}
    assert slowest_paths({}) == {}


def test_cells_outside_the_nodes_are_overhead() -> None:
    assert component_of(EXPAND + "partition_0.x") == "fire2_expand"
    assert {component_of(name) for name in ("device.link.transmitter.y", "$PACKER_GND", "clock.pll", "")} == {OVERHEAD}
