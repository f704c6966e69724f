# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The soak test, for a fraction of a second of the board's clock; and that it notices what it looks for."""

import json

import numpy as np
import pytest

from firebrick.sim.fault_injection import FAULTS
from firebrick.sim.soak import link as soak
from firebrick.sim.soak.link import Soak, SoakResult, Usage, summary
from tests.helpers.boards import tiny_board, tiny_model


@pytest.mark.usefixtures("compiled_board")
def test_results_are_right_or_marked_and_nothing_grows_under_every_fault_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "STREAM_FRAMES", 6)
    monkeypatch.setattr(soak, "DEVICE_STREAMS", 4)
    result = Soak(tiny_model(), tiny_board, virtual_seconds=0.03, fault_rate=0.08).run()
    assert result.problems() == []
    assert result.right > 15
    assert result.drivers > 1
    assert result.abandoned > 0
    assert len(result.faults) > len(FAULTS) // 2
    document = json.loads(json.dumps(result.as_dict()))
    assert document["problems"] == []
    assert f"{result.right:,} right" in summary(result)


@pytest.mark.usefixtures("compiled_board")
def test_soak_notices_wrong_scores() -> None:
    test = Soak(tiny_model(), tiny_board, virtual_seconds=0.001, fault_rate=0.0)
    test._scores = test._scores + 1
    result = test.run()
    assert result.wrong == result.frames > 0
    assert result.problems() == [f"{result.wrong} results of {result.frames} are wrong and not marked", "no result is right"]


@pytest.mark.usefixtures("compiled_board")
def test_soak_ends_with_the_time_on_the_wall() -> None:
    result = Soak(tiny_model(), tiny_board, virtual_seconds=1e9, seconds=1e-3).run()
    assert result.virtual_seconds < 1
    assert "no result is right" in result.problems() or result.right > 0


@pytest.mark.usefixtures("compiled_board")
def test_soak_goes_on_with_another_board_when_the_driver_gives_one_up() -> None:
    result = Soak(tiny_model(), tiny_board, virtual_seconds=0.005, fault_rate=1.0).run()
    assert result.lost > 0
    assert result.problems() == ["no result is right"]


@pytest.mark.parametrize(("name", "step"), [("memory", 200_000), ("files", 1), ("threads", 1)])
def test_soak_notices_what_grows(name: str, step: int) -> None:
    usage = [Usage(minute, 100_000_000, 10, 2) for minute in range(60)]
    assert SoakResult(frames=1, right=1, usage=usage).problems() == []
    for index, sample in enumerate(usage):
        setattr(sample, name, getattr(sample, name) + index * step)
    (problem,) = SoakResult(frames=1, right=1, usage=usage).problems()
    assert problem.startswith(f"the {name} of the process have grown by ")


def test_soak_takes_what_grows_before_the_warm_up_for_no_leak() -> None:
    usage = [Usage(minute, min(minute, 10) * 10_000_000, 10, 2) for minute in range(60)]
    assert SoakResult(frames=1, right=1, usage=usage).growth("memory") == 0


def test_usage_is_that_of_the_process() -> None:
    before = soak.usage_now(1.0)
    held = np.ones(100 << 20, np.uint8)
    with open("/dev/null", "rb"):  # noqa: PTH123 - any file
        during = soak.usage_now(2.0)
    if before.memory == 0:
        pytest.skip("this system has no /proc")
    assert during.memory - before.memory > held.size // 2
    assert during.files == before.files + 1
