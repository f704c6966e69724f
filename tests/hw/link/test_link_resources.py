# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Resource usage of the link on an ECP5, synthesised alone. The bounds are the usage that docs/architecture.md states, rounded up."""

import json
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from amaranth.back.rtlil import convert
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

from firebrick.hw.codegen.top import Top
from firebrick.hw.eda.tool_paths import tool_command
from firebrick.hw.link.endpoint import LinkEndpoint
from firebrick.hw.link.uart import UartPort
from firebrick.sw.link.identity import DeviceDescriptor
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import GlobalSumSpec

GLOBAL_SUM = GlobalSumSpec("pool", LaneLayout.natural(lanes=1, tiles=13, width=13), channels=1000, height=13)
DESCRIPTOR = DeviceDescriptor(3, 224, 224, 1000, 2, 60_000_000, 320, 950_000, bytes(range(16)), "squeezenet1_1")
SCRIPT = """\
read_rtlil link.il
synth_ecp5 -top link -no-rw-check -cmp2softlogic
tee -q -o stat.json stat -json
"""


class Ports(wiring.Component):
    """The endpoint with ports for the members of its interface."""

    def __init__(self) -> None:
        self._link = LinkEndpoint(global_sum=GLOBAL_SUM, descriptor=DESCRIPTOR, divisor=521)
        super().__init__({**self._link.signature.members, "received": In(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002
        m = Module()
        m.submodules.link = self._link
        for name, member in self.signature.members.items():
            port, inner = getattr(self, name), getattr(self._link, name)
            if member.is_signature:
                wiring.connect(m, wiring.flipped(port), inner)
            else:
                m.d.comb += inner.eq(port) if member.flow is In else port.eq(inner)
        return m


def test_every_signal_of_the_link_has_a_name() -> None:
    """Amaranth calls a signal whose name it cannot find ``$signal``, which tells nothing in waveforms and timing reports."""
    port = UartPort(divisor=521)
    texts = [
        convert(Top(component=Ports()), name="link", emit_src=False),
        convert(port, name="port", ports=[port.rx, port.tx, port.divisor, port.baud_reset], emit_src=False),
    ]
    assert re.findall(r"wire .*(\\\$[a-z]\S*)", "".join(texts)) == []


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pyosys") is None, reason="needs the extra `bitstream`")
def test_link_takes_two_block_rams_and_few_luts(tmp_path: Path) -> None:
    (tmp_path / "link.il").write_text(convert(Top(component=Ports()), name="link", emit_src=False))
    (tmp_path / "link.ys").write_text(SCRIPT)
    subprocess.run([*tool_command("yosys"), "link.ys"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    cells = json.loads((tmp_path / "stat.json").read_text())["design"]["num_cells_by_type"]
    assert cells["DP16KD"] == 2
    assert cells["LUT4"] <= 1150
    assert cells["CCU2C"] <= 150
    assert cells["TRELLIS_DPR16X4"] <= 24
