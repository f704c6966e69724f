# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`make sim`: its report, and its exit status when something is wrong."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from firebrick.sim.__main__ import main
from firebrick.sim.accelerator_sim import FrameResult
from firebrick.sim.full_network import faults, simulate, summary
from firebrick.sim.report import bench_table, busy_chart, engine_table
from firebrick.sw.errors import FirebrickError
from firebrick.sw.utils.progress import no_progress
from firebrick.sw.zoo import catalogue


def engine(name: str, parts: int, cycles: int) -> dict[str, Any]:
    return {"name": name, "lanes": 4 * parts, "parts": parts, "tiles": 2, "cycles": cycles, "busy_cycles": cycles - 20}


PLAN = {"network": "small", "lanes": 12, "cycles_per_frame": 1000, "engines": [engine("conv1", 2, 1000), engine("conv10", 1, 700)]}


def results(interval: int = 1004) -> list[FrameResult]:
    scores = np.arange(5)
    return [
        FrameResult(scores, 3000, (1470, 1450, 100)),
        FrameResult(scores, 1004, (980, 970, 680)),
        FrameResult(scores, interval, (490, 490, 1260)),
    ]


def report(mismatches: int = 0, interval: int = 1004) -> dict[str, Any]:
    return summary(PLAN, results(interval), mismatches) | {"benches": []}


def test_summary_counts_busy_lanes_over_all_frames_and_cycles_in_the_last() -> None:
    document = report()
    assert (document["frames"], document["scores"], document["mismatches"]) == (3, 15, 0)
    assert (document["cycles_per_frame"], document["predicted_cycles_per_frame"], document["latency_cycles"]) == (1004, 1000, 3000)
    assert (document["bottleneck"], document["busy"]) == ("conv1", round((980 + 970) / 2 / 1004, 4))
    assert [entry["busy_cycles"] for entry in document["engines"]] == [980, 680]
    assert faults(document) == []


def test_faults_are_listed_one_by_one() -> None:
    assert faults(report(mismatches=2)) == ["2 of 15 scores differ from the golden model"]
    assert faults(report(interval=1011)) == ["a frame takes 1,011 cycles and not the 1,000 predicted, a difference of +1.1%"]
    assert faults(report(interval=989))[0].endswith("-1.1%")
    bench = {"name": "pool", "passed": False, "complaint": "payload 3 is wrong"}
    assert faults(report() | {"benches": [bench]}) == ["bench pool: payload 3 is wrong"]
    lazy = report()
    lazy["engines"][1]["busy_cycles"] = 600.0
    assert faults(lazy) == ["lanes multiply in more or fewer cycles than predicted in conv10"]


def test_simulate_rejects_a_single_frame() -> None:
    with pytest.raises(FirebrickError, match="frames must be at least 2"):
        simulate(catalogue.load(catalogue.DEFAULT), 320, [], 1, no_progress)


def test_tables_and_chart_show_every_engine() -> None:
    document = report()
    assert [table.row_count for table in (engine_table(document), bench_table([bench()]))] == [2, 1]
    with Image.open(io.BytesIO(busy_chart(document))) as chart:
        assert chart.format == "PNG"
        assert len(chart.getcolors(100_000) or []) > 4


def bench() -> dict[str, Any]:
    return {"name": "pool", "passed": False, "complaint": "late [maybe]", "stalls": {"none": 12}, "cycles": 12, "seconds": 1.0}


@pytest.mark.parametrize(("mismatches", "status"), [(0, 0), (1, 1)])
def test_run_writes_its_report_and_fails_on_a_mismatch(
    mismatches: int, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firebrick.sim.full_network.simulate", lambda *_arguments: report(mismatches))
    result = CliRunner().invoke(main, ["--no-benches", "-o", str(tmp_path / "sim")], catch_exceptions=False)
    assert result.exit_code == status
    written = json.loads((tmp_path / "sim" / "report.json").read_text())
    keys = ("frames", "mismatches", "cycles_per_frame", "predicted_cycles_per_frame", "busy", "engines", "benches", "seconds")
    assert not [key for key in keys if key not in written]
    assert (tmp_path / "sim" / "busy.png").exists()
    assert f"{15 - mismatches} of 15 scores of 3 photographs equal the golden model's" in result.stdout
    assert result.stderr == ("Fault: 1 of 15 scores differ from the golden model\n" if mismatches else "")


def test_run_reports_an_unknown_model(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--model", "nothing", "-o", str(tmp_path)])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: model nothing is neither a file nor a name")
