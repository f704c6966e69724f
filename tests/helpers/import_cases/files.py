# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Files: their names, and weights beside them."""

from collections.abc import Callable
from pathlib import Path

from onnx import ModelProto, TensorProto, external_data_helper

from tests.helpers.import_cases.case import ImportCase, edited

_PLAIN = edited(lambda editor: editor)
DATA = "it.onnx.data"


def save_with_data(model: ModelProto, folder: Path, one_file: bool = True) -> Path:
    """Write all weights beside the file, as PyTorch does by default."""
    path = folder / "it.onnx"
    external_data_helper.convert_model_to_external_data(model, one_file, DATA if one_file else None, size_threshold=0)
    model = external_data_helper.write_external_data_tensors(model, str(folder))
    path.write_bytes(model.SerializeToString())
    return path


def _changed(change: Callable[[TensorProto, Path], object]) -> Callable[[ModelProto, Path], Path]:
    """Write weights beside the file, and change the first tensor's entry, or the file of weights."""

    def save(model: ModelProto, folder: Path) -> Path:
        path = save_with_data(model, folder)
        model = ModelProto.FromString(path.read_bytes())
        change(model.graph.initializer[0], folder / DATA)
        path.write_bytes(model.SerializeToString())
        return path

    return save


def _entry(key: str, value: str) -> Callable[[TensorProto, Path], object]:
    def change(tensor: TensorProto, _: Path) -> None:
        for entry in tensor.external_data:
            entry.value = value if entry.key == key else entry.value

    return change


def _link_out(_: TensorProto, path: Path) -> None:
    outside = path.parent.parent / f"{path.parent.name}.data"
    path.rename(outside)
    path.symlink_to(outside)


def _named(name: str) -> Callable[[ModelProto, Path], Path]:
    def save(model: ModelProto, folder: Path) -> Path:
        path = folder / name
        path.write_bytes(model.SerializeToString())
        return path

    return save


def _shorter(_: TensorProto, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


CASES = (
    ImportCase("weights in one file beside it (`it.onnx.data`), PyTorch's default", _PLAIN, save=save_with_data),
    ImportCase("each tensor in a file of its own", _PLAIN, save=lambda model, folder: save_with_data(model, folder, False)),
    ImportCase("a suffix in capitals (`IT.ONNX`)", _PLAIN, save=_named("IT.ONNX")),
    ImportCase("weights that are missing", _PLAIN, "which cannot be read (No such file", save=_changed(lambda _, path: path.unlink())),
    ImportCase("weights cut short", _PLAIN, "which has 20 bytes; copy it anew", save=_changed(_shorter)),
    ImportCase("an offset beyond the end", _PLAIN, "do not lie in it.onnx.data", save=_changed(_entry("offset", "99999999"))),
    ImportCase("an offset below zero", _PLAIN, "do not lie in it.onnx.data", save=_changed(_entry("offset", "-8"))),
    ImportCase("a length that is not that of the shape", _PLAIN, "its data do not fit its shape", save=_changed(_entry("length", "4"))),
    ImportCase(
        "an absolute path",
        _PLAIN,
        "must be the plain name of a file beside the ONNX file",
        save=_changed(_entry("location", "/etc/passwd")),
    ),
    ImportCase(
        "a path to another folder", _PLAIN, "must be the plain name of a file", save=_changed(_entry("location", "../it.onnx.data"))
    ),
    ImportCase(
        "a link to a file of another folder", _PLAIN, "a link that leaves the folder; copy it.onnx.data into", save=_changed(_link_out)
    ),
)
