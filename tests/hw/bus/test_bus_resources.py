# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Resources of the bus interface on an ECP5, synthesised alone: those that docs/axi.md states."""

import json
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from amaranth.back.rtlil import convert
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from firebrick.hw.bus.bus_accelerator import BusAccelerator
from firebrick.hw.bus.top import BusOptions, BusTop
from firebrick.hw.eda.tool_paths import tool_command
from firebrick.hw.engines.global_sum import score_stream
from firebrick.sw.link.register_map import CoreDescriptor
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import GlobalSumSpec
from tests.helpers.paths import ROOT

GLOBAL_SUM = GlobalSumSpec("pool", LaneLayout.natural(lanes=1, tiles=13, width=13), channels=1000, height=13)
DESCRIPTOR = CoreDescriptor(bytes(range(16)), 3, 227, 227, 1000, GLOBAL_SUM.score_bits, False, 0.0123, 320, 889_837)
OPTIONS = {
    "`--bus-width 8`": BusOptions(1),
    "`--bus-width 32`": BusOptions(4),
    "`--bus-width 32`, `--interface wishbone`": BusOptions(4, wishbone=True),
    "`--bus-width 128`": BusOptions(16),
    "`--bus-width 32 --core-clock`": BusOptions(4, core_clock=True),
    "`--bus-width 128 --core-clock`": BusOptions(16, core_clock=True),
}
LUT_TOLERANCE = 0.2
"""ABC's heuristics give other LUTs after any change."""
SCRIPT = """\
read_rtlil bus.il
synth_ecp5 -top bus -no-rw-check -cmp2softlogic
tee -q -o stat.json stat -json
"""


class Outside(wiring.Component):
    """Stands in for the accelerator: its streams lead to ``pixels`` and come from ``results``, which are ports of the design."""

    input: stream.Interface
    output: stream.Interface
    pixels: stream.Interface
    results: stream.Interface

    def __init__(self) -> None:
        byte, scores = stream.Signature(8), score_stream(GLOBAL_SUM)
        super().__init__({"input": In(byte), "output": Out(scores), "pixels": Out(byte), "results": In(scores)})

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002
        m = Module()
        wiring.connect(m, wiring.flipped(self.input), wiring.flipped(self.pixels))
        wiring.connect(m, wiring.flipped(self.results), wiring.flipped(self.output))
        return m


def design(options: BusOptions) -> str:
    """The wrapper as RTLIL, with ports in place of the accelerator."""
    outside = Outside()
    core = BusAccelerator(accelerator=outside, global_sum=GLOBAL_SUM, descriptor=DESCRIPTOR, stream_bytes=options.stream_bytes)
    top: Any = BusTop(core=core, options=options)
    names = [*options.ports()]
    streams = (outside.pixels, outside.results)
    inner = [value for one in streams for value in (one.valid, one.ready)] + [outside.pixels.payload, outside.results.payload.as_value()]
    return str(convert(top, name="bus", ports=[*(getattr(top, name) for name in names), *inner], emit_src=False))


def resources(options: BusOptions, folder: Path) -> tuple[int, int, int, int]:
    """LUTs (four-input, with carry chains and distributed RAM), flip-flops, distributed RAMs, block RAMs."""
    folder.mkdir()
    (folder / "bus.il").write_text(design(options))
    (folder / "bus.ys").write_text(SCRIPT)
    subprocess.run([*tool_command("yosys"), "bus.ys"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    cells = json.loads((folder / "stat.json").read_text())["design"]["num_cells_by_type"]
    rams = cells.get("TRELLIS_DPR16X4", 0)
    luts = cells["LUT4"] + 2 * cells.get("CCU2C", 0) + 6 * rams
    return luts, cells["TRELLIS_FF"], rams, cells.get("DP16KD", 0)


@pytest.mark.parametrize("options", [BusOptions(2, core_clock=True), BusOptions(1, wishbone=True)], ids=["axi", "wishbone"])
def test_every_signal_of_the_bus_has_a_name(options: BusOptions) -> None:
    text = design(options)
    assert re.findall(r"wire .*(\\\$[a-z]\S*)", text) == []


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pyosys") is None, reason="needs the extra `bitstream`")
def test_bus_takes_what_its_page_says(tmp_path: Path) -> None:
    table = (ROOT / "docs" / "axi.md").read_text().split("<!-- resources -->\n")[1].split("<!-- /resources -->\n")[0]
    stated = {name: [int(cell.replace(",", "")) for cell in cells] for name, *cells in map(cells_of, table.splitlines()[2:])}
    found = {name: resources(options, tmp_path / str(number)) for number, (name, options) in enumerate(OPTIONS.items())}
    assert stated.keys() == found.keys()
    for name, (luts, *others) in found.items():
        assert stated[name][1:] == others, name
        assert abs(luts / stated[name][0] - 1) <= LUT_TOLERANCE, name


def cells_of(row: str) -> list[str]:
    """The cells of a row of a table."""
    return [cell.strip() for cell in row.strip("|").split("|")]
