# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Folders of pictures for distillation, their views, and the course of a gradual distillation (all without PyTorch)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import file_size
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Shape
from firebrick.sw.training.distillation.compression_goal import PRUNED, CompressionGoal, RateController
from firebrick.sw.training.distillation.config import GradualConfig
from firebrick.sw.training.distillation.pace import Pace, duration
from firebrick.sw.training.distillation.picture_set import PictureSet, drawing_probabilities, read_pictures
from firebrick.sw.training.distillation.views import SMALL_SCALES, Views, centre_frames
from tests.helpers.random_models import random_model

SHAPE, PREPROCESSING = Shape(3, 30, 26), Preprocessing(35, (0.0, 0.0, 0.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty pictures, of which the first two are the same, one of a single colour, and a damaged one."""
    folder = tmp_path_factory.mktemp("pictures")
    for index in range(20):
        rng = np.random.default_rng(max(1, index))
        (folder / f"{index % 3}").mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (50 + index, 60, 3), dtype=np.uint8)).save(folder / f"{index % 3}" / f"{index:02}.png")
    first = (folder / "1" / "01.png").read_bytes()
    (folder / "0" / "00.png").write_bytes(first)
    Image.new("RGB", (60, 60), (90, 80, 70)).save(folder / "flat.png")
    (folder / "broken.png").write_bytes(first[:200])
    return folder


@pytest.fixture(scope="module")
def pictures(folder: Path) -> PictureSet:
    return read_pictures(sorted(folder.rglob("*.png")), PREPROCESSING, SHAPE)


def test_pictures_of_no_use_are_left_out_and_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = read_pictures(sorted(folder.rglob("*.png")), PREPROCESSING, SHAPE)
    assert (len(found), found.left_out) == (20, 2)
    assert "2 of 22 pictures are left out; the first:" in caplog.text
    with pytest.raises(FirebrickError, match=r"none of 1 pictures is of use: .*broken\.png cannot be read"):
        read_pictures([folder / "broken.png"], PREPROCESSING, SHAPE)


@pytest.mark.parametrize("memory", [0, 20_000, 10**9])
def test_memory_is_bounded_and_changes_no_view(pictures: PictureSet, memory: int) -> None:
    limited = read_pictures(pictures.paths, PREPROCESSING, SHAPE, memory)
    kept = sum(pixels.nbytes for pixels in limited._kept.values())
    assert kept <= memory
    assert (kept > 0) == (memory > 0)
    even = np.full(len(pictures), 1 / len(pictures))
    ours, all_kept = (Views(one, even, 3, 6, 0).make(2).frames for one in (limited, pictures))
    np.testing.assert_array_equal(ours, all_kept)


def test_split_is_of_contents_and_keeps_copies_together(pictures: PictureSet, tmp_path: Path) -> None:
    train, held_out = pictures.split()
    assert (len(train) + len(held_out), len(set(held_out.digests))) == (20, 1)
    assert not set(train.digests) & set(held_out.digests)
    renamed = []
    for index, path in enumerate(reversed(pictures.paths)):
        renamed.append(tmp_path / f"{index:02}.png")
        renamed[-1].write_bytes(path.read_bytes())
    again = read_pictures(renamed, PREPROCESSING, SHAPE).split()[1]
    assert set(again.digests) == set(held_out.digests)
    with pytest.raises(FirebrickError, match="9 pictures are too few to hold some out"):
        pictures.choose(range(1, 10)).split()


def test_held_out_pictures_are_not_learned_from(pictures: PictureSet, caplog: pytest.LogCaptureFixture) -> None:
    copy = next(index for index, path in enumerate(pictures.paths) if path.name == "01.png")
    rest = pictures.without(pictures.choose([copy]))
    assert sorted({path.name for path in pictures.paths} - {path.name for path in rest.paths}) == ["00.png", "01.png"]
    assert "2 pictures are held out as well" in caplog.text


def test_thin_kinds_are_drawn_more_often() -> None:
    probabilities = drawing_probabilities(["cat"] * 16 + ["newt"])
    assert probabilities[-1] == pytest.approx(4 * probabilities[0])
    assert probabilities.sum() == pytest.approx(1)


def test_views_depend_on_seed_and_step_alone(pictures: PictureSet) -> None:
    even = np.full(len(pictures), 1 / len(pictures))
    first, other = (Views(pictures, even, seed, 8, 0) for seed in (0, 1))
    in_order = [first(step, 5).frames for step in range(5)]
    np.testing.assert_array_equal(in_order[3], Views(pictures, even, 0, 8, 0).make(3).frames)
    assert (in_order[3] != in_order[2]).any()
    assert (in_order[3] != other.make(3).frames).any()
    assert in_order[0].shape == (8, 3, 30, 26)
    first.close()


def test_mixed_views_are_made_of_their_partners(pictures: PictureSet, monkeypatch: pytest.MonkeyPatch) -> None:
    even = np.full(len(pictures), 1 / len(pictures))
    views = Views(pictures, even, 4, 6, 0)
    mixed = [views.make(step) for step in range(24)]
    monkeypatch.setattr("firebrick.sw.training.distillation.views.MIX_PROBABILITY", 0.0)
    kinds = set()
    for step, batch in enumerate(mixed):
        plain = views.make(step).frames
        partner = plain[::-1]
        if batch.mix_ratio == 1:
            kinds.add("plain")
            np.testing.assert_array_equal(batch.frames, plain)
        elif ((batch.frames == plain) | (batch.frames == partner)).all():
            kinds.add("cut")
            assert (batch.frames == plain).mean() == pytest.approx(batch.mix_ratio, abs=0.05)
        else:
            kinds.add("blended")
            np.testing.assert_allclose(batch.frames, batch.mix_ratio * plain + (1 - batch.mix_ratio) * partner, atol=0.51)
        assert 0.5 <= batch.mix_ratio <= 1
    assert kinds == {"plain", "cut", "blended"}


def test_first_views_of_large_networks_are_smaller(pictures: PictureSet) -> None:
    large = replace(pictures, shape=Shape(3, 224, 224))
    views = Views(large, np.ones(len(large)) / len(large), 0, 2, 4)
    assert [views.size(step) for step in range(5)] == [(128, 128), (160, 160)] * 2 + [(224, 224)]
    assert views.make(1).frames.shape == (2, 3, round(SMALL_SCALES[1] * 224), 160)


def test_centre_frames_are_what_the_network_sees(pictures: PictureSet) -> None:
    from firebrick.sw.data.images import read_images

    np.testing.assert_array_equal(centre_frames(pictures, 2, 5), read_images(pictures.paths[2:5], PREPROCESSING, SHAPE))


def test_densities_fall_by_a_cubic_schedule_to_the_goal() -> None:
    model = random_model(np.random.default_rng(1), density=0.8)
    (name, layer), *_ = ((name, layer) for name, layer in model.layers.items() if layer.nonzero > 20)
    first = layer.nonzero / layer.codes.size
    rate = RateController(model, CompressionGoal(dict.fromkeys(model.layers, 0.3), dict.fromkeys(model.layers, 1.0)), 1000)
    counts = [rate.count(name, step) for step in range(0, 1001, 50)]
    assert counts[0] == layer.nonzero
    assert counts == sorted(counts, reverse=True)
    assert rate.count(name, 300) == round(layer.codes.size * (0.3 + (first - 0.3) * 0.125))
    assert rate.count(name, round(1000 * PRUNED)) == rate.count(name, 1000) == round(0.3 * layer.codes.size)


def test_multiplier_rises_while_the_file_is_too_large_and_falls_while_it_is_small() -> None:
    model = random_model(np.random.default_rng(1), density=0.8)
    size = file_size(model)
    for limit, rises in ((size // 2, True), (size, True), (2 * size, False)):
        goal = CompressionGoal(dict.fromkeys(model.layers, 0.3), dict.fromkeys(model.layers, 1.0), limit)
        rate = RateController(model, goal, 100)
        rate.steer(model, 100)
        assert (rate.multiplier > 1) == rises
        assert goal.is_met(model) == (limit > size + 48)
    unlimited = RateController(model, CompressionGoal({}, {}), 100)
    unlimited.steer(model, 50)
    assert unlimited.multiplier == 1


def test_time_left_follows_the_work_of_the_steps() -> None:
    pace = Pace([1.0, 1.0, 1.0, 1.0, 2.0, 2.0])
    assert pace.seconds(0) == 0
    for step, seconds in enumerate((50.0, 9.0, 3.0, 3.0)):  # the first two are not counted
        pace.note(step, seconds)
    assert pace.seconds(4) == pytest.approx(12)
    assert [duration(seconds) for seconds in (4, 59, 600, 11_100)] == ["4 s", "59 s", "10 min", "3 h 05 min"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "distil must be 1 to"),
        ({"batch": 0}, "batch must be 1 to"),
        ({"learning_rate": 0.0}, "rate must be above 0"),
        ({"temperature": -1.0}, "temperature must be above 0"),
        ({"balance": "size"}, "balance must be one of class, folder, none, not size"),
        ({"start": "middle"}, "start must be one of lossless, target, not middle"),
    ],
)
def test_config_rejects_values_out_of_range(changes: dict[str, float], message: str) -> None:
    with pytest.raises(FirebrickError, match=message):
        GradualConfig(**{"steps": 1, **changes}).verify()  # type: ignore[arg-type]
