# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Exploration evaluates each point once, resumes after an interruption, survives bad points, and reports its results."""

import csv
import json
import re
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from firebrick.sw.cli.explore import FAILED
from firebrick.sw.cli.main import main
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.compiler.planner import plan_for
from firebrick.sw.errors import FirebrickError
from firebrick.sw.explore import evaluate_point
from firebrick.sw.explore.design_points import DesignPoint, Grid, PlanTarget, SyntheticModel, TrainedModel, design_points, lanes_target
from firebrick.sw.explore.evaluate_point import PointResult
from firebrick.sw.explore.figure3 import PRESETS, paper_comparison
from firebrick.sw.explore.html import exploration_page
from firebrick.sw.explore.pareto_plots import pareto_front
from firebrick.sw.explore.result_cache import ResultCache
from firebrick.sw.explore.runner import Row, explore, rows
from firebrick.sw.explore.synthetic_weights import quantized_layer, random_weights, synthetic_model
from firebrick.sw.explore.tables import csv_text
from firebrick.sw.fire_format.file import encode_model
from firebrick.sw.fpga.cost_model import estimate
from firebrick.sw.fpga.devices import DEVICES
from firebrick.sw.fpga.fabric import GOWIN
from firebrick.sw.fpga.resources import total
from firebrick.sw.network.graph import Bypass
from firebrick.sw.network.metaparameters import Metaparameters, float_bytes
from firebrick.sw.utils import executors
from firebrick.sw.utils.distribution import install_extra
from firebrick.sw.utils.progress import no_progress
from firebrick.sw.zoo import catalogue

needs_matplotlib = pytest.mark.skipif(find_spec("matplotlib") is None, reason="needs the extra `plots`")
needs_distributed = pytest.mark.skipif(find_spec("distributed") is None, reason="needs the extra `cluster`")
SMALL = Grid(base_e=(4,), incr_e=(2,), sr=(0.25,), bypass=(Bypass.NONE, Bypass.COMPLEX), classes=(5,), size=(35, 41))
SMALL_OPTIONS = ("--base-e", "4", "--incr-e", "2", "--classes", "5", "--input", "35x41")
DEVICE = PlanTarget("LFE5U-85F", DEVICES["lfe5u-85f"].resources)
TINY = PlanTarget("tiny", replace(DEVICE.available, block_rams=2))


class InProcessExecutor(Executor):
    """Runs everything at once in this process and records the points."""

    def __init__(self) -> None:
        self.evaluated: list[DesignPoint] = []

    def submit(self, function: Any, /, *args: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.evaluated.append(function.args[0])
        try:
            future.set_result(function(*args, **named))
        except Exception as error:
            future.set_exception(error)
        return future

    @contextmanager
    def workers(self) -> Iterator[Executor]:
        yield self


def small_points() -> list[DesignPoint]:
    return design_points(SMALL.models(), [DEVICE, TINY, lanes_target(30)])


def quick_points(count: int) -> list[DesignPoint]:
    return design_points(replace(SMALL, bits=(4, 5, 6, 7)).models(), [lanes_target(30)])[:count]


def explored(points: list[DesignPoint], cache: ResultCache, executor: InProcessExecutor | None = None) -> list[Row]:
    results = explore(points, cache, (executor or InProcessExecutor()).workers, no_progress)
    return rows(points, results, 60e6, {})


@pytest.fixture(scope="module")
def small_rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    return explored(small_points(), ResultCache(tmp_path_factory.mktemp("cache"), b""))


@pytest.mark.parametrize("density", [0.05, 0.33, 0.5, 1.0])
@pytest.mark.parametrize("bits", [4, 5, 6, 7, 8])
def test_synthetic_weights_have_the_given_density(bits: int, density: float) -> None:
    network = Metaparameters(base_e=12, incr_e=7, bypass=Bypass.COMPLEX).network(10, 35, 35)
    model = synthetic_model(network, bits, density, seed=bits)
    model.verify()
    for layer in network.layers():
        quantized = model.layers[layer.name]
        assert quantized.nonzero == max(1, round(density * layer.weights))
        assert quantized.bits == bits
        np.testing.assert_array_equal(quantized.codes != 0, quantized.weights != 0)


def test_synthetic_weights_depend_on_the_seed_alone() -> None:
    network = Metaparameters(base_e=8, incr_e=0).network(3, 35, 35)
    first, again, other = (encode_model(synthetic_model(network, 6, 0.4, seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_synthetic_weights_take_about_as_many_bytes_as_trained_ones() -> None:
    trained = catalogue.load("squeezenet1_1")
    pairs = zip(trained.layers.items(), random_weights(trained.network, 0), strict=True)
    layers = {name: quantized_layer(*real, 6, layer.nonzero / layer.codes.size) for (name, layer), real in pairs}
    assert len(encode_model(replace(trained, layers=layers))) == pytest.approx(len(encode_model(trained)), rel=0.03)


@pytest.mark.parametrize(("bits", "density", "parameter"), [(3, 0.5, "bits"), (9, 0.5, "bits"), (6, 0.0, "density"), (6, 1.01, "density")])
def test_synthetic_model_rejects_bits_and_densities_out_of_range(bits: int, density: float, parameter: str) -> None:
    with pytest.raises(FirebrickError, match=rf"^{parameter} must be"):
        synthetic_model(Metaparameters().network(), bits, density)


def test_grid_is_every_combination_once_targets_fastest() -> None:
    points = small_points()
    assert len({point.key for point in points}) == len(points) == 6
    assert [point.target.name for point in points[:4]] == ["LFE5U-85F", "tiny", "30 lanes", "LFE5U-85F"]
    twice = design_points([*SMALL.models(), *SMALL.models()], [DEVICE, DEVICE])
    assert len(twice) == 2


def test_boards_with_the_same_device_are_listed_each_and_evaluated_once(tmp_path: Path) -> None:
    twin, executor = replace(lanes_target(30), name="its twin"), InProcessExecutor()
    points = design_points(SMALL.models()[:1], [lanes_target(30), twin])
    table = explored(points, ResultCache(tmp_path, b""), executor)
    assert [row["target"] for row in table] == ["30 lanes", "its twin"]
    assert len(executor.evaluated) == 1
    assert len({row["cycles"] for row in table}) == 1


def test_devices_of_different_fabrics_are_evaluated_each() -> None:
    other = replace(DEVICE, fabric=GOWIN)
    assert len({point.key for point in design_points(SMALL.models()[:1], [DEVICE, other])}) == 2


def test_grid_rejects_too_many_networks() -> None:
    with pytest.raises(FirebrickError, match="networks are more than 100,000"):
        Grid(base_e=range(1, 400), incr_e=range(400)).models()


def test_results_are_those_of_the_plan_and_the_file(small_rows: list[Row]) -> None:
    for point, row in zip(small_points(), small_rows, strict=True):
        assert not row["failed"]
        model = point.model_source.model()
        assert row["bytes"] == len(encode_model(model))
        macs = zip(model.network.layers(), model.layers.values(), strict=True)
        assert row["nonzero_macs"] == sum(quantized.nonzero * layer.output.height * layer.output.width for layer, quantized in macs)
        assert row["nonzero_macs"] < row["macs"]
        assert row["fps"] == pytest.approx(60e6 / row["cycles"], abs=1e-3)
        if point.target.lanes:
            plan = compile_model(model, point.target.lanes)
        elif row["fits"]:
            plan = plan_for(model, point.target.available)
        else:
            with pytest.raises(FirebrickError, match=row["short"]):
                plan_for(model, point.target.available)
            continue
        assert (row["cycles"], row["lanes"], row["block_rams"]) == (plan.cycles, plan.lanes, total(estimate(plan)).block_rams)


def test_points_that_do_not_fit_name_the_missing_resource(small_rows: list[Row]) -> None:
    assert [row["fits"] for row in small_rows if row["target"] == "tiny"] == [False] * 2
    assert all("block RAMs of 2" in row["short"] for row in small_rows if row["target"] == "tiny")
    assert all(row["fits"] and not row["short"] for row in small_rows if row["target"] != "tiny")


def test_trained_model_is_evaluated_and_keeps_its_accuracy(small_model: Path) -> None:
    source = TrainedModel("small", small_model.read_bytes())
    [point] = design_points([source], [DEVICE])
    executor = InProcessExecutor()
    results = explore([point], ResultCache(small_model.parent / "none", b""), executor.workers, no_progress)
    [row] = rows([point], results, 60e6, {source.sha256: {"top1": 0.5, "top5": 0.75}})
    assert (row["model"], row["bytes"], row["top1"], row["sr"]) == ("small", len(source.data), 0.5, None)


def test_cached_points_are_not_evaluated_again_and_an_interruption_loses_nothing(tmp_path: Path) -> None:
    points, cache = quick_points(4), ResultCache(tmp_path, b"code")

    def stop(_step: str, done: int = 0, _total: int = 0, /) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explore(points, cache, InProcessExecutor().workers, stop)
    resumed = InProcessExecutor()
    first = explored(points, cache, resumed)
    assert len(resumed.evaluated) == 2
    again = InProcessExecutor()
    assert explored(points, cache, again) == first
    assert again.evaluated == []
    other = InProcessExecutor()
    explored(points, ResultCache(tmp_path, b"other code"), other)
    assert len(other.evaluated) == 4


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b"{}", b"\xff"])
def test_damaged_cache_files_are_evaluated_again(damaged: bytes, tmp_path: Path) -> None:
    points, cache = quick_points(1), ResultCache(tmp_path, b"")
    first = explored(points, cache)
    [file] = tmp_path.iterdir()
    file.write_bytes(damaged)
    assert explored(points, cache) == first


def test_one_bad_point_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = DesignPoint(SyntheticModel(Metaparameters(base_e=0)), DEVICE)
    broken = DesignPoint(SyntheticModel(Metaparameters(base_e=4), bits=5, classes=2, height=35, width=35), DEVICE)

    def fails(*_arguments: Any) -> Any:
        raise ZeroDivisionError("no reason")

    monkeypatch.setattr(evaluate_point, "best_plan", fails)
    table = explored([bad, broken, *quick_points(1)], ResultCache(tmp_path, b""))
    assert [row["failed"] for row in table] == ["base_e must be 1 to 65535, not 0", "ZeroDivisionError: no reason", ""]
    assert table[0]["fits"] is None
    assert len(list(tmp_path.iterdir())) == 1


def test_full_disk_stops_the_sweep_with_an_error_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FirebrickError, match="cannot write"):
        explored(quick_points(1), ResultCache(tmp_path / "file", b""))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=12))
def test_pareto_front_is_all_pairs_that_no_other_dominates(pairs: list[tuple[int, int]]) -> None:
    front = pareto_front([cost for cost, _ in pairs], [gain for _, gain in pairs])
    best = {(cost, gain) for cost, gain in pairs if not any(c <= cost and g >= gain and (c, g) != (cost, gain) for c, g in pairs)}
    assert [pairs[index] for index in front] == sorted(best)


def test_csv_has_a_line_for_each_point(small_rows: list[Row]) -> None:
    bad = {**small_rows[0], "failed": 'a "reason", with a comma', "synthesised": {"luts": 7, "block_rams": 8, "multipliers": 9}}
    lines = list(csv.DictReader(csv_text([*small_rows, bad]).splitlines()))
    assert len(lines) == 7
    assert (lines[0]["bytes"], lines[0]["fits"]) == (str(small_rows[0]["bytes"]), "True")
    assert (lines[-1]["failed"], lines[-1]["luts_synthesised"]) == (bad["failed"], "7")


@needs_matplotlib
@pytest.mark.parametrize("preset", [None, "fig3b"])
def test_page_is_complete_escaped_and_self_contained(preset: str | None, small_rows: list[Row]) -> None:
    rows_ = [{**row, "top1": 0.5, "short": "<b>&"} for row in small_rows] + [{**small_rows[0], "failed": "<script>"}]
    page = exploration_page(rows_, 60e6, PRESETS[preset] if preset else None)
    assert preset or page == exploration_page(rows_, 60e6)
    assert "<script" not in page
    assert "<b>&" not in page
    assert "src=" not in page
    assert page.count("<svg") == page.count("</svg>") == 2 + (preset is not None)
    assert page.endswith("</html>\n")
    assert ("the paper's accuracies" in page) == (preset is not None)


@needs_matplotlib
def test_page_is_made_if_every_point_failed(small_rows: list[Row]) -> None:
    failed: PointResult = {**small_rows[0], **dict.fromkeys(("cycles", "bytes", "fps", "fits")), "failed": "no"}
    assert "0 of which fit; 1 failed" in exploration_page([failed], 60e6)
    assert "0 of which fit; 1 failed" in exploration_page([failed], 60e6, PRESETS["fig3a"])


def test_presets_compare_the_paper_with_its_own_networks_alone() -> None:
    preset = PRESETS["fig3a"]
    points = design_points(replace(preset.grid, sr=(0.125, 0.5), bypass=(Bypass.NONE, Bypass.COMPLEX), base_e=(128, 64)).models(), [DEVICE])
    sizes = {point.key: {"float32_bytes": float_bytes(point.model_source.metaparameters.network())} for point in points}  # type: ignore[union-attr]
    table = rows(points, {key: size | {"cycles": 1, "short": ""} for key, size in sizes.items()}, 1, {})
    assert paper_comparison(preset, table) == [
        ("sr", ["0.125", "0.5"]),
        ("32-bit MB, ours", ["4.8", "13"]),
        ("32-bit MB, the paper's", ["4.8", "13"]),
        ("top-5 %, the paper's", ["80.3", "85.6"]),
    ]


def test_presets_are_the_papers_sweeps() -> None:
    a, b = PRESETS["fig3a"], PRESETS["fig3b"]
    assert set(a.paper) <= set(a.grid.sr)
    assert set(b.paper) <= set(b.grid.pct3x3)
    assert (min(a.grid.sr), max(a.grid.sr), b.grid.sr) == (0.125, 1.0, (0.5,))


def run_command(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["explore", *map(str, arguments)])


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything runs in this process, and the cache is a folder of the test."""
    monkeypatch.setenv("FIREBRICK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(executors, "local_processes", lambda _jobs: InProcessExecutor().workers())
    return tmp_path


def test_command_prints_one_json_document(quick: Path) -> None:
    result = run_command(*SMALL_OPTIONS, "--sr", "0.25,0.5,0.25", "--bypass", "none,simple", "--lanes", 30, "--frequency", 50, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["frequency_mhz"] == 50
    assert [(row["sr"], row["bypass"]) for row in document["points"]] == [(0.25, "none"), (0.25, "simple"), (0.5, "none"), (0.5, "simple")]
    assert len(list((quick / "cache" / "explore").iterdir())) == 4


@needs_matplotlib
def test_command_writes_page_csv_and_json(quick: Path) -> None:
    result = run_command(*SMALL_OPTIONS, "--bits", "5,6", "--lanes", 30, "-o", quick / "out")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (quick / "out").iterdir()) == ["explore.csv", "explore.html", "explore.json"]
    assert len(json.loads((quick / "out" / "explore.json").read_text())["points"]) == 2
    assert "2 of 2 points fit" in result.stdout


def test_command_lists_failed_points_and_exits_with_a_status_of_its_own(quick: Path) -> None:
    result = run_command(*SMALL_OPTIONS, "--bits", "6,3", "--lanes", 30)
    assert result.exit_code == FAILED
    assert "failed: bits must be 4 to 8, not 3" in " ".join(result.stdout.split())
    assert result.stderr == "Error: 1 of 2 points could not be evaluated; the first: bits must be 4 to 8, not 3\n"
    assert quick.exists()


def test_command_evaluates_trained_models_and_their_accuracy(quick: Path, small_model: Path, images: list[Path]) -> None:
    labels = quick / "labels.csv"
    labels.write_text("file,class_index\n" + "".join(f"{path.name},{number}\n" for number, path in enumerate(images)))
    folder = images[0].parent
    result = run_command("--model", small_model, "--lanes", "10,20", "--pictures", folder, "--labels", labels, "--json")
    assert result.exit_code == 0, result.output
    arguments = ["evaluate", "--model", str(small_model), "--labels", str(labels), str(folder), "--json"]
    measured = json.loads(CliRunner().invoke(main, arguments).stdout)
    for row in json.loads(result.stdout)["points"]:
        assert (row["top1"], row["top5"]) == (measured["top1"], measured["top5"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sr", "0.5,x"], "must be numbers separated by commas, not '0.5,x'"),
        (["--bypass", "some"], "must be none, simple or complex"),
        (["--model", "squeezenet1_1", "--sr", "0.5"], "--model takes the place of networks to sweep"),
        (["--model", "squeezenet1_1", "--preset", "fig3a"], "--model takes the place"),
        (["--pictures", "."], "accuracy needs --model, --pictures and --labels"),
        (["--input", "0x5"], "must be rows x columns"),
    ],
)
def test_command_rejects_invalid_options(arguments: list[str], message: str) -> None:
    result = run_command(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lanes", "0"], "lanes must be at least 1, not 0"),
        (["--model", "none.fire"], "none.fire is neither a file nor a name"),
        (["--board", "ulx4s"], "not ulx4s"),
    ],
)
def test_command_errors_are_one_line(arguments: list[str], message: str) -> None:
    if "--board" in arguments:
        pytest.importorskip("amaranth_boards")
    result = run_command(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_output_needs_matplotlib_and_a_folder(quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = quick / "file"
    file.write_text("")
    if find_spec("matplotlib"):
        assert "is a file; name a folder" in run_command("-o", file).stderr
    monkeypatch.setattr("firebrick.sw.reports.matplotlib_plots.find_spec", lambda _name: None)
    assert install_extra("plots") in run_command("-o", quick / "out").stderr


def test_cluster_names_the_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(FirebrickError, match=re.escape(install_extra("cluster"))), executors.dask_cluster("tcp://127.0.0.1:1"):
        pass


@needs_distributed
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "no address", ""])
def test_cluster_that_does_not_answer_is_an_error(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "CONNECT_TIMEOUT", 0.5)
    with pytest.raises(FirebrickError, match="no Dask scheduler answers at"), executors.dask_cluster(address):
        pass


@pytest.mark.slow
@needs_distributed
def test_cluster_gives_the_same_results(tmp_path: Path) -> None:
    from distributed import LocalCluster

    points = quick_points(3)
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as local:
        results = explore(
            points, ResultCache(tmp_path / "cluster", b""), partial(executors.dask_cluster, local.scheduler_address), no_progress
        )
    assert rows(points, results, 60e6, {}) == explored(points, ResultCache(tmp_path / "local", b""))


@pytest.mark.slow
@needs_matplotlib
def test_processes_continue_after_a_failed_point_and_synthesise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyosys")
    monkeypatch.setenv("FIREBRICK_CACHE", str(tmp_path / "cache"))
    tiny = ("--base-e", "2", "--incr-e", "0", "--classes", "2", "--input", "35x35", "--bits", "6,9", "--lanes", "18")
    arguments = (*tiny, "--synthesise", "--jobs", "1", "-o", tmp_path / "out")
    result = run_command(*arguments)
    assert result.exit_code == FAILED, result.output
    good, bad = json.loads((tmp_path / "out" / "explore.json").read_text())["points"]
    assert bad["failed"] == "bits must be 4 to 8, not 9"
    actual = good["synthesised"]
    assert actual["multipliers"] == good["multipliers"]
    assert actual["block_rams"] == pytest.approx(good["block_rams"], abs=4)
    assert actual["luts"] == pytest.approx(good["luts"], rel=0.5)
    before = (tmp_path / "out" / "explore.csv").read_text()
    assert run_command(*arguments).exit_code == FAILED
    assert (tmp_path / "out" / "explore.csv").read_text() == before
