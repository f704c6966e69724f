# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Distillation: the student computes what the hardware computes; training helps, resumes, and is reproducible.

The references are the golden model, to which the hardware is compared bit by bit, and the float network in NumPy.
"""

import ctypes
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from firebrick.sw import golden
from firebrick.sw.compression.compressor import compress
from firebrick.sw.compression.settings import CompressionSettings
from firebrick.sw.data.images import read_images
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import encode_model
from firebrick.sw.golden import floating
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.model.frames import with_border
from firebrick.sw.model.quantized import NO_BORDER, Border, Model
from firebrick.sw.network.graph import Bypass, Network, Shape
from firebrick.sw.training.distillation import DistillationConfig
from tests.helpers.float_models import NETWORK, SIGNED_NETWORK, float_model
from tests.helpers.random_models import random_model

torch = pytest.importorskip("torch", reason="needs PyTorch, which the extra train brings")

from firebrick.sw.training import torch_backend  # noqa: E402
from firebrick.sw.training.distillation import loop  # noqa: E402
from firebrick.sw.training.distillation.augmentation import Augmenter  # noqa: E402
from firebrick.sw.training.distillation.optimisation import first  # noqa: E402
from firebrick.sw.training.distillation.qat_layers import Requantise  # noqa: E402
from firebrick.sw.training.distillation.student_teacher import Student, Teacher  # noqa: E402


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(3)
    for index in range(24):
        blobs = Image.fromarray(rng.integers(0, 256, (7, 9, 3), dtype=np.uint8)).resize((60, 44), Image.Resampling.BICUBIC)
        blobs.save(folder / f"{index:02}.png")
    return sorted(folder.iterdir())


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)  # threads wait for each other where tests run on all cores


def softmax(scores: NDArray[Any]) -> NDArray[np.float64]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def distance(model: Model, source: FloatModel, paths: list[Path]) -> float:
    """Mean KL divergence of the model's class probabilities from the float network's."""
    frames = read_images(paths, source.preprocessing, source.network.input)
    float_probabilities, probabilities = softmax(floating.run(source, frames)), softmax(golden.run(model, frames) * model.score_scale)
    return float((float_probabilities * np.log((float_probabilities + 1e-9) / (probabilities + 1e-9))).sum(axis=1).mean())


@pytest.mark.parametrize(("bypass", "signed"), [*((bypass, False) for bypass in Bypass), (Bypass.NONE, True)])
@pytest.mark.parametrize("seed", range(3))
def test_student_in_float64_equals_the_golden_model(seed: int, bypass: Bypass, signed: bool) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng, bypass=bypass, signed=signed)
    shape = model.network.input
    frames = rng.integers(0, 256, (2, shape.channels, shape.height, shape.width), dtype=np.uint8)
    student = Student(model, torch.float64)
    scores, _ = student(torch.from_numpy(frames).double())
    np.testing.assert_array_equal(np.rint(scores.detach().numpy() / model.score_scale), golden.run(model, frames))


@pytest.mark.parametrize("seed", range(3))
def test_untrained_student_equals_the_model(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    again = Student(model).to_model()
    for name, layer in model.layers.items():
        np.testing.assert_array_equal(again.layers[name].weights, layer.weights)
        np.testing.assert_array_equal(again.layers[name].bias, layer.bias)


def bordered(source: FloatModel, border: Border) -> FloatModel:
    """The network for images with a border of a mean that is not integral."""
    return replace(source, preprocessing=replace(source.preprocessing, mean=(120.25, 110.5, 99.7), border=border))


@pytest.mark.parametrize("border", [NO_BORDER, (1, 2, 0, 3)])
@pytest.mark.parametrize("network", [NETWORK, SIGNED_NETWORK])
def test_teacher_is_the_float_network(paths: list[Path], network: Network, border: Border) -> None:
    source = bordered(float_model(network), border)
    frames = read_images(paths[:3], source.preprocessing, source.network.input)
    scores, _ = Teacher(source)(torch.from_numpy(frames).float())
    np.testing.assert_allclose(scores.numpy(), floating.run(source, frames), rtol=1e-3, atol=1e-3)


def test_last_feature_maps_of_the_student_are_those_of_the_teacher_without_a_last_relu(paths: list[Path]) -> None:
    source = float_model(SIGNED_NETWORK)
    model = compress(source, CompressionSettings(8), calibration=paths)
    frames = torch.from_numpy(read_images(paths[:4], source.preprocessing, source.network.input)).float()
    ours, theirs = (network(frames)[1][-1].detach().numpy() for network in (Student(model), Teacher(source)))
    assert theirs.min() < 0
    positions = ours.shape[2] * ours.shape[3]
    np.testing.assert_allclose(ours * model.score_scale * positions, theirs, atol=0.1 * np.abs(theirs).max())


def test_gradient_is_straight_through_inside_the_clamps() -> None:
    sums = torch.tensor([-3.0, 0.2, 0.7, 100.2, 254.3, 254.6, 300.0]).reshape(1, 1, 1, 7).requires_grad_()
    bias = torch.zeros(1, 1, 1, requires_grad=True)
    out = Requantise.apply(sums, bias, torch.float32)
    assert out.flatten().tolist() == [0, 0, 1, 100, 254, 255, 255]
    out.sum().backward()
    assert sums.grad.flatten().tolist() == [0, 0, 1, 1, 1, 0, 0]
    assert bias.grad.item() == 3


@pytest.mark.parametrize("network", [NETWORK, SIGNED_NETWORK])
def test_training_reduces_the_kl_divergence(paths: list[Path], network: Network) -> None:
    source = float_model(network, seed=1)
    source.weights["conv10"] *= 8  # so that the scores differ between images
    model = compress(source, CompressionSettings(4, density=0.3), calibration=paths)
    trained = loop.distil(model, source, paths, DistillationConfig(120, learning_rate=5e-3))
    assert distance(trained, source, paths) < 0.7 * distance(model, source, paths)
    for name, layer in model.layers.items():
        assert not ((trained.layers[name].codes != 0) & (layer.codes == 0)).any()
        assert trained.layers[name].shift == layer.shift
    assert trained.metadata["distilled"] == "120 steps, seed 0"


def test_first_frames_have_the_gradient_of_a_slice_in_the_layout_of_the_maps() -> None:
    rng = torch.Generator().manual_seed(1)
    maps = torch.rand(5, 3, 4, 6, generator=rng).contiguous(memory_format=torch.channels_last).requires_grad_()
    weights = torch.rand(2, 3, 4, 6, generator=rng)
    (expected,) = torch.autograd.grad((maps[:2] * weights).sum(), maps)
    (gradient,) = torch.autograd.grad((first([maps], 2)[0] * weights).sum(), maps)
    assert torch.equal(gradient, expected)
    assert gradient.is_contiguous(memory_format=torch.channels_last)
    assert not expected.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("library", [object(), None])
def test_memory_is_kept_only_where_glibc_can(library: object, monkeypatch: pytest.MonkeyPatch) -> None:
    torch_backend.keep_freed_memory()  # glibc or not, without an error
    calls: list[tuple[int, int]] = []
    real = SimpleNamespace(mallopt=lambda parameter, value: calls.append((parameter, value)))
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: library or real)
    torch_backend.keep_freed_memory()
    assert calls == ([] if library else [(-4, 0), (-1, -1)])  # M_MMAP_MAX, M_TRIM_THRESHOLD of malloc.h


def test_dense_phase_moves_weights_but_adds_none(paths: list[Path]) -> None:
    source = float_model(seed=1)
    model = compress(source, CompressionSettings(4, density=0.4), calibration=paths)
    trained = loop.distil(model, source, paths, DistillationConfig(60, learning_rate=2e-2, dense_phase=True))
    moved = 0
    for name, layer in model.layers.items():
        assert trained.layers[name].nonzero <= layer.nonzero
        moved += int(((trained.layers[name].codes != 0) & (layer.codes == 0)).sum())
    assert moved > 0


def test_labels_change_the_predictions(paths: list[Path]) -> None:
    source = float_model(seed=1)
    model = compress(source, CompressionSettings(4), calibration=paths)
    frames = read_images(paths, source.preprocessing, source.network.input)
    labels = [3] * len(paths)
    trained = loop.distil(model, source, paths, DistillationConfig(80, learning_rate=2e-2, label_weight=10.0), labels=labels)
    assert (golden.run(trained, frames).argmax(axis=1) == 3).mean() > (golden.run(model, frames).argmax(axis=1) == 3).mean()


def test_interrupted_training_gives_the_same_model(paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = float_model(seed=1)
    model = compress(source, CompressionSettings(4), calibration=paths)
    config, checkpoint = DistillationConfig(30, seed=5), tmp_path / "training"
    monkeypatch.setattr(loop, "_SAVE_EVERY", 10)
    whole = loop.distil(model, source, paths, config)

    def interrupt(_step: str, done: int = 0, _total: int = 0, /) -> None:
        if done == 17:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.distil(model, source, paths, config, checkpoint=checkpoint, progress=interrupt)
    steps: list[int] = []

    def note(_step: str, done: int = 0, _total: int = 0, /) -> None:
        steps.append(done)

    resumed = loop.distil(model, source, paths, config, checkpoint=checkpoint, progress=note)
    assert steps[0] == 10
    assert encode_model(resumed) == encode_model(whole)
    steps.clear()
    loop.distil(model, source, paths, replace(config, seed=6), checkpoint=checkpoint, progress=note)
    assert steps[0] == 0  # another seed is another task
    checkpoint.write_bytes(b"PK" + bytes(100))
    with pytest.raises(FirebrickError, match="is damaged; delete it"):
        loop.distil(model, source, paths, config, checkpoint=checkpoint)


def test_augmentations_depend_on_seed_and_step_only(paths: list[Path]) -> None:
    source = float_model()
    augmenters = [Augmenter(paths, source.preprocessing, source.network, seed) for seed in (0, 0, 1)]
    first, again, other = (augmenter.batch(7, 4).frames for augmenter in augmenters)
    np.testing.assert_array_equal(first, again)
    assert first.dtype == np.uint8
    assert first.shape == (4, 3, source.network.input.height, source.network.input.width)
    assert (first != other).any()
    assert (first != augmenters[0].batch(8, 4).frames).any()


@pytest.mark.parametrize("side", [37, 160])
def test_augmented_images_get_their_border_after_they_are_scaled_and_mixed(paths: list[Path], side: int) -> None:
    source = bordered(float_model(replace(NETWORK, input=Shape(3, side, side))), (1, 2, 0, 3))
    preprocessing = replace(source.preprocessing, resize=side + 3)
    plain = Augmenter(paths, replace(preprocessing, border=NO_BORDER), network_for(source, side - 1, side - 5), 0)
    augmenter = Augmenter(paths, preprocessing, source.network, 0)
    for step in range(6):
        batch = augmenter.batch(step, 3)
        np.testing.assert_array_equal(batch.frames, with_border(plain.batch(step, 3).frames, preprocessing))
        assert (batch.frames[:, :, 0] == np.array([120, 110, 100])[:, None]).all()


def network_for(source: FloatModel, height: int, width: int) -> Network:
    return replace(source.network, input=Shape(3, height, width))


def test_network_with_a_border_is_distilled(paths: list[Path]) -> None:
    source = bordered(float_model(), (1, 1, 1, 1))
    model = compress(source, CompressionSettings(6), calibration=paths)
    distilled = loop.distil(model, source, paths, DistillationConfig(steps=2))
    assert distilled.preprocessing == source.preprocessing
