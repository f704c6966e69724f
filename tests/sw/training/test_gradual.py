# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Gradual distillation on a folder of pictures: it meets its limits, helps, resumes, and its parts keep their promises."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from firebrick.sw import golden
from firebrick.sw.compression.budget import Budget, multiplications
from firebrick.sw.compression.compressor import compress
from firebrick.sw.compression.gradual_job import PictureFolders, run_gradual_job
from firebrick.sw.compression.job import CompressionJob, JobFiles
from firebrick.sw.compression.quantize import COMPACT_CENTROID_MAX, integer_limits
from firebrick.sw.compression.settings import CompressionSettings
from firebrick.sw.data.images import read_images
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import encode_model, file_size
from firebrick.sw.golden import floating
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Shape
from firebrick.sw.training.distillation.config import GradualConfig
from firebrick.sw.training.distillation.picture_set import read_pictures
from tests.helpers.float_models import NETWORK, SIGNED_NETWORK, float_model
from tests.helpers.random_models import random_model

torch = pytest.importorskip("torch", reason="needs PyTorch, which the extra train brings")

from firebrick.sw.training.distillation import gradual_loop  # noqa: E402
from firebrick.sw.training.distillation.held_out import HeldOut, exact_dtype  # noqa: E402
from firebrick.sw.training.distillation.qat_layers import QatLayer  # noqa: E402
from firebrick.sw.training.distillation.rate_layer import RateLayer, cheapest_cells  # noqa: E402
from firebrick.sw.training.distillation.student_teacher import Student  # noqa: E402
from firebrick.sw.training.distillation.teachers import Teachers  # noqa: E402

CONFIG = GradualConfig(60, batch=8, learning_rate=5e-3, evaluations=6, start="lossless")
METADATA = 300
"""Bytes of metadata, which are a large part of so small a model."""


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(3)
    for index in range(60):
        blobs = Image.fromarray(rng.integers(0, 256, (7, 9, 3), dtype=np.uint8)).resize((60, 44), Image.Resampling.BICUBIC)
        blobs.save(folder / f"{index:02}.png")
    return sorted(folder.iterdir())


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)  # threads wait for each other where tests run on all cores


@pytest.fixture(scope="module")
def source(paths: list[Path]) -> FloatModel:
    """A network whose classes compete: scores of each have the same mean and spread."""
    made = float_model(NETWORK, seed=1)
    scores = floating.run(made, read_images(paths, made.preprocessing, made.network.input))
    means, spreads = scores.mean(axis=0), scores.std(axis=0)
    gains = np.where(spreads > 0.1, 2 / np.maximum(spreads, 0.1), 0).astype(np.float32)
    made.weights["conv10"] *= gains[:, None, None, None]
    made.biases["conv10"] = (gains * (made.biases["conv10"] - means) + np.where(gains > 0, 8, 0)).astype(np.float32)
    return made


def job(**budget: Any) -> CompressionJob:
    return CompressionJob(CompressionSettings(5, compact=True), Budget(**budget))


@pytest.fixture(scope="module")
def unlimited(source: FloatModel, paths: list[Path]) -> Model:
    return compress(source, CompressionSettings(5, compact=True), calibration=paths)


def test_training_meets_both_limits_and_stays_compact(source: FloatModel, paths: list[Path], unlimited: Model) -> None:
    limits = {"bytes": round(0.85 * file_size(unlimited)) + METADATA, "multiplications": round(0.7 * multiplications(unlimited))}
    lines: list[str] = []
    model, report = run_gradual_job(source, job(**limits), PictureFolders(paths), CONFIG, say=lines.append)
    assert file_size(model) <= limits["bytes"]
    assert multiplications(model) <= limits["multiplications"]
    for layer in model.layers.values():
        centroid_max, bias_step = integer_limits(layer.shift, compact=True)
        assert np.abs(layer.codebook).max() <= centroid_max == COMPACT_CENTROID_MAX
        assert not (layer.bias % bias_step).any()
    curve = report["curve"]
    assert [entry["step"] for entry in curve] == [0, 10, 20, 30, 40, 50, 60]
    assert curve[0]["bytes"] > curve[-1]["bytes"]
    assert report["best"]["pictures"] == report["held out"] == 6
    assert report["best step"] >= 40  # those before were not yet pruned to the limits
    assert any("views a second" in line for line in lines)
    assert model.metadata["distillation pictures"] == "54 pictures in 1 folders"


def test_training_helps(source: FloatModel, paths: list[Path], unlimited: Model) -> None:
    limit = round(0.7 * file_size(unlimited)) + METADATA
    config = replace(CONFIG, steps=160, evaluations=2, start="target")
    model, report = run_gradual_job(source, job(bytes=limit), PictureFolders(paths[:50], paths[50:]), config)
    assert divergence(source, model, paths[50:]) < 0.85 * report["curve"][0]["held_out"]["kl_divergence"]
    assert report["best"]["kl_divergence"] == pytest.approx(divergence(source, model, paths[50:]), rel=1e-3)


def test_masks_that_are_chosen_anew_do_no_harm(source: FloatModel, paths: list[Path]) -> None:
    """Weights come back from near zero only once they are nearer to a centroid; else each would jump to the smallest one."""
    config = replace(CONFIG, steps=60, evaluations=2, learning_rate=2e-3)
    _, report = run_gradual_job(source, CompressionJob(CompressionSettings(5)), PictureFolders(paths[:50], paths[50:]), config)
    first, last = (report["curve"][index]["held_out"]["kl_divergence"] for index in (0, -1))
    assert last < 2 * first + 0.01


def divergence(source: FloatModel, model: Model, paths: list[Path]) -> float:
    frames = read_images(paths, source.preprocessing, source.network.input)
    ours, theirs = (
        torch.log_softmax(torch.from_numpy(np.asarray(one, np.float64)), 1)
        for one in (golden.run(model, frames) * model.score_scale, floating.run(source, frames))
    )
    return float((theirs.exp() * (theirs - ours)).sum(1).mean())


def test_interrupted_training_gives_the_same_model(
    source: FloatModel, paths: list[Path], unlimited: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradual_loop, "_SAVE_EVERY", 10)
    config, work = replace(CONFIG, steps=40, batch=4, seed=5, evaluations=4), job(bytes=round(0.85 * file_size(unlimited)) + METADATA)
    whole, _ = run_gradual_job(source, work, PictureFolders(paths), config)
    files = JobFiles(tmp_path / "m.fire")

    def interrupt(step: str, done: int = 0, _total: int = 0, /) -> None:
        if (step, done) == ("distilling", 37):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_gradual_job(source, work, PictureFolders(paths), config, (), files, interrupt)
    steps: list[int] = []
    seen: set[str] = set()

    def note(step: str, done: int = 0, _total: int = 0, /) -> None:
        seen.add(step)
        steps.extend([done] * (step == "distilling"))

    resumed, report = run_gradual_job(source, work, PictureFolders(paths), config, (), files, note)
    assert steps[0] == 30
    assert "searching" not in seen
    assert encode_model(resumed) == encode_model(whole)
    assert [entry["step"] for entry in report["curve"]] == [0, 10, 20, 30, 40]
    steps.clear()
    run_gradual_job(source, work, PictureFolders(paths), replace(config, seed=6), (), files, note)
    assert steps[0] == 0  # another seed is another task


@pytest.mark.parametrize("seed", range(3))
def test_held_out_scores_are_the_golden_models(seed: int, paths: list[Path]) -> None:
    source = float_model(SIGNED_NETWORK if seed else NETWORK, seed=seed)
    model = compress(source, CompressionSettings(8), calibration=paths[:8])
    pictures = read_pictures(paths[:20], source.preprocessing, source.network.input)
    labels = [index % 10 for index in range(20)]
    metrics = HeldOut(pictures, labels, Teachers(source, ()), torch.device("cpu")).evaluate(model)
    frames = read_images(paths[:20], source.preprocessing, source.network.input)
    scores = golden.run(model, frames)
    assert metrics.top1 == pytest.approx((scores.argmax(1) == labels).mean())
    assert metrics.agreement == pytest.approx((scores.argmax(1) == floating.run(source, frames).argmax(1)).mean())


@pytest.mark.parametrize("seed", range(4))
def test_exact_dtype_is_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    shape = model.network.input
    frames = rng.integers(0, 256, (2, shape.channels, shape.height, shape.width), dtype=np.uint8)
    scores, _ = Student(model, exact_dtype(model))(torch.from_numpy(frames).float())
    np.testing.assert_array_equal(np.rint(scores.detach().double().numpy() / model.score_scale), golden.run(model, frames))


@pytest.mark.parametrize("seed", range(20))
def test_cheapest_cells_are_those_of_an_exhaustive_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    centroids = rng.integers(-9, 10, 12).astype(float)  # some of them alike
    prices = rng.uniform(0, (0, 1, 20, 200)[seed % 4], 12)
    order, borders = cheapest_cells(centroids.tolist(), prices.tolist())
    values = rng.uniform(-12, 12, 500)
    chosen = np.array(order)[np.searchsorted(borders, values)]
    costs = (values[:, None] - centroids) ** 2 + prices
    np.testing.assert_allclose(costs[np.arange(500), chosen], costs.min(1))
    assert borders == sorted(borders)


def test_layer_without_a_price_equals_the_plain_one_and_pruned_weights_learn() -> None:
    model = random_model(np.random.default_rng(2), density=0.5)
    (layer,) = (one for one in model.network.layers() if one.name == "conv1")
    plain, rated = (kind(layer.conv, model.layers["conv1"], torch.float32) for kind in (QatLayer, RateLayer))
    assert torch.equal(plain.weights(), rated.weights())
    rated.weights().square().sum().add(rated.weights().sum()).backward()
    assert (rated.latent.grad[~rated.kept] != 0).all()
    rated.zero_grad()
    plain.weights().square().sum().backward()
    rated.weights().square().sum().backward()
    torch.testing.assert_close(plain.centroids.grad, rated.centroids.grad)


def test_higher_price_gives_more_uneven_codes() -> None:
    model = random_model(np.random.default_rng(4), density=1.0)
    layer = max(model.network.layers(), key=lambda one: one.weights)
    rated = RateLayer(layer.conv, model.layers[layer.name], torch.float32)

    def entropy() -> float:
        counts = torch.bincount(rated.codes()[rated.kept], minlength=len(rated.centroids) + 1)[:-1].double()
        fractions = counts[counts > 0] / counts.sum()
        return float(-(fractions * fractions.log2()).sum())

    before = entropy()
    rated.price = 0.5 * float(rated.latent.detach().square().mean())
    assert entropy() < before - 0.2


def test_pruned_weights_come_back_where_they_have_grown() -> None:
    model = random_model(np.random.default_rng(2), density=0.5)
    layer = max(model.network.layers(), key=lambda one: one.weights)
    rated = RateLayer(layer.conv, model.layers[layer.name], torch.float32)
    count = int(rated.kept.sum())
    with torch.no_grad():
        gone = torch.nonzero(~rated.kept)[0]
        smallest = float(rated.centroids.abs().min())
        rated.latent[tuple(gone)] = 0.4 * smallest
        rated.select(count + 5)
        assert int(rated.kept.sum()) == count  # nearer to zero than to any centroid, like all that are pruned
        rated.latent[tuple(gone)] = 1e6
    rated.select(count)
    assert rated.kept[tuple(gone)]
    assert int(rated.kept.sum()) == count


def test_teachers_are_averaged_in_the_order_of_the_sources_classes(source: FloatModel) -> None:
    other = float_model(NETWORK, seed=7)
    order = np.random.default_rng(0).permutation(10)
    moved = replace(
        other,
        labels=tuple(other.labels[index] for index in order),
        weights={**other.weights, "conv10": other.weights["conv10"][order]},
        biases={**other.biases, "conv10": other.biases["conv10"][order]},
        preprocessing=replace(other.preprocessing, mean=(10.0, 20.0, 30.0)),
    )
    frames = np.random.default_rng(1).integers(0, 256, (3, 3, 37, 33), dtype=np.uint8)
    mean, maps = Teachers(source, [moved])(torch.from_numpy(frames).float())
    expected = sum(
        torch.softmax(
            torch.from_numpy(
                floating.run(replace(one, preprocessing=moved.preprocessing if one is other else one.preprocessing), frames).astype(
                    np.float32
                )
            ),
            1,
        )
        for one in (source, other)
    )
    torch.testing.assert_close(mean, expected / 2, rtol=1e-3, atol=1e-4)
    assert len(maps) == 5


def test_teacher_of_another_size_sees_views_in_its_own_size(source: FloatModel) -> None:
    larger = float_model(replace(NETWORK, input=Shape(3, 74, 66)), seed=7)
    frames = torch.zeros(2, 3, 37, 33)
    assert Teachers(source, [larger])(frames)[0].shape == (2, 10)


def test_teacher_that_does_not_fit_is_refused(source: FloatModel) -> None:
    classes = replace(float_model(NETWORK, seed=7), labels=tuple("abcdefghij"))
    with pytest.raises(FirebrickError, match=r"teacher noise has other classes than noise \(10 and 10; 'class 0' for one\)"):
        Teachers(source, [classes])
    grey = float_model(replace(NETWORK, input=Shape(1, 37, 33)), seed=7)
    Teachers(source, [grey])  # sees the luminance
    with pytest.raises(FirebrickError, match="teacher noise sees 3 channels, and noise 1; take one"):
        Teachers(grey, [source])


def test_mixed_and_balanced_training_of_a_grey_network_runs(paths: list[Path]) -> None:
    grey = float_model(replace(NETWORK, input=Shape(1, 37, 33)), seed=7)
    model, _ = run_gradual_job(
        grey, CompressionJob(CompressionSettings(4)), PictureFolders(paths), replace(CONFIG, steps=4, balance="folder")
    )
    assert model.network.input.channels == 1


def test_limits_that_training_cannot_meet_are_an_error_at_the_end(
    source: FloatModel, paths: list[Path], unlimited: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradual_loop, "_FITS", 1)
    monkeypatch.setattr("firebrick.sw.training.distillation.compression_goal.CompressionGoal.is_met", lambda _goal, _model: False)
    with pytest.raises(FirebrickError, match="no model of the training met its limits"):
        run_gradual_job(source, job(bytes=round(0.85 * file_size(unlimited)) + METADATA), PictureFolders(paths), replace(CONFIG, steps=4))


def test_training_goes_on_from_a_compressed_model(source: FloatModel, paths: list[Path], unlimited: Model) -> None:
    config = replace(CONFIG, steps=20, start="target")
    densities = [layer.nonzero for layer in unlimited.layers.values()]
    model, report = run_gradual_job(source, job(), PictureFolders(paths), config, start=unlimited)
    assert all(layer.nonzero <= most for layer, most in zip(model.layers.values(), densities, strict=True))
    assert report["curve"][0]["bytes"] < 1.2 * file_size(unlimited) + METADATA
    assert len(model.metadata["start sha256"]) == 64


def test_start_that_does_not_fit_is_refused_before_any_work(source: FloatModel, paths: list[Path], unlimited: Model) -> None:
    other = replace(unlimited, network=replace(unlimited.network, name="other"))
    with pytest.raises(FirebrickError, match=f"is not of the network {NETWORK.name}"):
        run_gradual_job(source, job(), PictureFolders(paths), CONFIG, start=other)
    name, layer = next(iter(unlimited.layers.items()))
    wide = layer.codebook.copy()
    wide[-1] = COMPACT_CENTROID_MAX + 1
    start = replace(unlimited, layers={**unlimited.layers, name: replace(layer, codebook=wide)})
    with pytest.raises(FirebrickError, match=f"not compressed with --lean: see {name}"):
        run_gradual_job(source, job(), PictureFolders(paths), CONFIG, start=start)
