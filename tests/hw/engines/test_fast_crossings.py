# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What passes between the two clocks of an engine with fast lanes, as synthesis sees it: these registers and no others."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from amaranth.back import rtlil

from firebrick.hw.accelerator import PartitionedEngine
from firebrick.hw.codegen.top import Top
from firebrick.hw.verify.clock_crossings import NO_CLOCK
from firebrick.sw.compiler.engine_config import EngineConfig
from firebrick.sw.compiler.lane_allocation import allocate
from firebrick.sw.compiler.lowering import plan_with
from firebrick.sw.zoo import catalogue
from tests.helpers.clock_crossings import crossings_of

RESET = "fast_rst"
TAKEN_BY_THE_FAST_DOMAIN = {
    ("line_buffer_0", "fast_address"): {"reader_0__address", "reader_0__next_address"},  # tile by tile
    ("line_buffer_0", "memory, read"): {"memory"},  # a row is read once all of it has been written
    ("partition_0.mac", "rotation"): {"control_1"},  # tile by tile
    ("partition_0.mac", "weight"): {"control_1"},  # in the second half of a cycle, and so are the next three
    ("partition_0.mac", "value_6"): {"initial_value"},
    ("partition_0.mac", "first_6"): {"control_2"},
    ("partition_0.mac", "adds"): {"strobe_3"},  # whether a sum is updated
    ("partition_0.mac", "read_port__addr"): {"control_3"},  # which one
    ("partition_0.mac.output_fifo", "write_port__en"): {"control_5", "strobe_5"},  # tile by tile
}
"""Each register or memory port of the fast domain that takes something from the slow one, and from which registers."""
TAKEN_WITH_WIDE_WORDS = {
    ("partition_0.mac", "word"): {"reader_0__data"},  # after half a cycle, and again after a whole one
    ("partition_0.mac", "rotation"): {"control_2"},
    ("partition_0.mac", "weight"): {"control_2"},
    ("partition_0.mac", "value_of_next"): {"initial_value"},
    ("partition_0.mac", "last"): {"control_4"},
    ("partition_0.mac", "adds"): {"strobe_4"},
    ("partition_0.mac", "moves"): {"strobe_4"},
    ("partition_0.mac.output_fifo", "write_port__en"): {"strobe_6", "control_6"},
}
"""The same where a word of the line buffer holds both tiles, of which there are two."""
PHASE = {"late", "seen"}
"""Those that find out which half of a cycle it is."""


@pytest.mark.skipif(not find_spec("pyosys"), reason="needs the extra `bitstream`")
@pytest.mark.parametrize(
    ("config", "expected"),
    [(EngineConfig(1, fast=True), TAKEN_BY_THE_FAST_DOMAIN), (EngineConfig(2, fast=True, distributed=True), TAKEN_WITH_WIDE_WORDS)],
)
def test_fast_domain_takes_registers_of_the_slow_one_where_it_is_meant_to(
    config: EngineConfig, expected: dict[tuple[str, str], set[str]], tmp_path: Path
) -> None:
    """Each directly from a register, with no logic of the fast domain's own timing before; nothing comes back but words of the FIFO."""
    model = catalogue.load("digits")
    plan = plan_with(model, allocate(model, 8) | {"conv1": config})
    engine = next(engine for engine in plan.engines if engine.fast)
    top = Top(component=PartitionedEngine(spec=engine), fast=True)
    found = {}
    for crossing in crossings_of(rtlil.convert(top, platform=None), tmp_path):
        if crossing.source == NO_CLOCK:
            continue
        assert crossing.destination.startswith("fast_clk"), f"{crossing} is not to the fast domain"
        place, _, name = crossing.register.removeprefix("component.").rpartition(".")
        drivers = {driver.rpartition(".")[2].partition("[")[0] for driver in crossing.drivers} - {RESET}
        name = name.partition("$")[0].partition("[")[0]
        if name in PHASE:
            assert drivers == {"beat"}
        elif drivers:
            found[place, name] = drivers
    assert found == expected
