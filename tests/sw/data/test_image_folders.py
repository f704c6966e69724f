# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Folders: which files are images, what is said of the others, and which class a subfolder is for."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from firebrick.sw.cli.main import main
from firebrick.sw.data import wordnet
from firebrick.sw.data.dataset import read_dataset
from firebrick.sw.data.image_folders import images_by_class, images_in
from firebrick.sw.data.image_formats import FORMATS, SUFFIXES
from firebrick.sw.data.wordnet import indices_of_ids, names_of_ids
from firebrick.sw.errors import FirebrickError
from firebrick.sw.importers.class_names import imagenet_class_names


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40)).save(folder / name, "PNG")


def test_suffixes_are_all_that_pillow_has_for_the_formats() -> None:
    Image.init()
    registered = {suffix for suffix, kind in Image.registered_extensions().items() if kind in FORMATS or kind in ("MPO", "DIB")}
    assert set(SUFFIXES) == registered


def test_files_with_any_suffix_of_an_image_are_read(tmp_path: Path) -> None:
    names = [f"{index}{suffix}" for index, suffix in enumerate((*SUFFIXES, *(suffix.upper() for suffix in SUFFIXES)))]
    fill(tmp_path, *names)
    assert {path.name for path in images_in(tmp_path)} == set(names)


def test_names_that_begin_with_a_dot_are_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(tmp_path, "a.jpg", "._a.jpg", ".thumbnails/a.jpg", "sub/.DS_Store", "sub/._b.png")
    assert images_in(tmp_path) == [tmp_path / "a.jpg"]
    assert not caplog.messages


def test_other_files_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(tmp_path, "a.jpg", "b.heic", "sub/c.HEIC", "notes.txt", "README")
    assert images_in(tmp_path) == [tmp_path / "a.jpg"]
    assert f"4 files (2 .heic, 1 without a suffix, 1 .txt) in {tmp_path} not read, as images have the suffixes .jpg .jpeg" in caplog.text
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(FirebrickError, match=r"holds no images but 4 files \(2 \.heic"):
        images_in(tmp_path)


def test_class_folders_count_other_files_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(tmp_path, "cat/a.jpg", "cat/b.heic", "dog/c.png", "dog/d.txt", "labels.csv", ".DS_Store")
    assert images_by_class(tmp_path, ("dog", "cat")) == [(tmp_path / "cat" / "a.jpg", 1), (tmp_path / "dog" / "c.png", 0)]
    assert len(caplog.messages) == 1
    assert "3 files (" in caplog.text


def test_warnings_go_to_stderr_without_options(tmp_path: Path, small_model: Path) -> None:
    fill(tmp_path, "class 1/a.jpg", "class 1/b.heic")
    result = CliRunner().invoke(main, ["evaluate", "--json", "--model", str(small_model), str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[0].startswith(f"Warning: 1 file (1 .heic) in {tmp_path} not read")
    assert '"images": 1' in result.stdout


@pytest.mark.parametrize("names", [imagenet_class_names(), tuple(synonyms[1] for synonyms in wordnet._synonyms())])
def test_wordnet_ids_name_imagenet_classes(tmp_path: Path, names: tuple[str, ...]) -> None:
    fill(tmp_path, "n01443537/a.jpg", "n03773504/b.jpg", "n04008634/c.jpg", f"{names[1]}/d.jpg")
    found = {path.name: index for path, index in images_by_class(tmp_path, names)}
    assert found == {"a.jpg": 1, "b.jpg": 657, "c.jpg": 744, "d.jpg": 1}, "goldfish, two missiles, goldfish"


def test_wordnet_ids_name_some_imagenet_classes_in_any_order() -> None:
    labels = ("hammerhead", "Goldfish", "something else", "missile")
    assert indices_of_ids(labels) == {"n01443537": 1, "n01494475": 0}
    assert indices_of_ids(["class 0"] * 1000) == {}


def test_folder_that_is_the_name_of_two_classes_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, "crane/a.jpg")  # the bird and the machine
    with pytest.raises(FirebrickError, match="crane is the name of classes 134 and 517; name it by its WordNet id"):
        images_by_class(tmp_path, imagenet_class_names())


def test_unknown_wordnet_id_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, "n99999999/a.jpg")
    with pytest.raises(FirebrickError, match="n99999999 must be named after a class"):
        images_by_class(tmp_path, imagenet_class_names())


def test_dataset_of_wordnet_folders_has_imagenet_names(tmp_path: Path) -> None:
    folders = [f"{part}/{name}" for part in ("train", "val") for name in ("n01440764", "n03888257")]
    fill(tmp_path, *(f"{folder}/{index}.JPEG" for folder in folders for index in range(3)))
    dataset = read_dataset(tmp_path)
    assert dataset.class_names == ("tench", "parachute")
    assert [index for _, index in dataset.val] == [0] * 3 + [1] * 3
    assert names_of_ids(["n03773504", "n04008634", "n01443537"]) == ("missile (n03773504)", "missile (n04008634)", "goldfish")
    assert names_of_ids(["n01443537", "cat"]) == ("n01443537", "cat")
    assert indices_of_ids(["missile (n03773504)", "missile (n04008634)"]) == {"n03773504": 0, "n04008634": 1}
