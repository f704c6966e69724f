# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Files that are given away tell nothing of the machine that made them: no folder, no user, no host."""

import getpass
import json
import platform
import zlib
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from firebrick.sw.cli.main import main
from firebrick.sw.fire_format.file import read_fire
from tests.helpers.onnx_files import FileStyle, random_file

pytest.importorskip("onnx", reason="needs the package onnx")

import numpy as np

ROOT = Path(__file__).parents[3]


def run(*arguments: object) -> None:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output


def secrets(folder: Path) -> list[bytes]:
    """What must not appear: folders, and names of user and machine where they are distinctive enough not to occur by chance."""
    names = [str(folder), str(ROOT), str(Path.home()), *(name for name in (getpass.getuser(), platform.node()) if len(name) > 7)]
    return [name.encode() for name in names]


def test_what_is_given_away_contains_no_local_paths(tmp_path: Path) -> None:
    folder = tmp_path / "somebody's folder"
    (folder / "photos").mkdir(parents=True)
    for index in range(3):
        pixels = np.random.default_rng(index).integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{index}.png")
    model, network = random_file(np.random.default_rng(1), FileStyle())
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    (folder / "names.txt").write_text("".join(f"class {index}\n" for index in range(network.classes)))
    run(
        *("import", folder / "net.onnx", "-o", folder / "net.fire"),
        *("--calibrate", folder / "photos", "--class-names", folder / "names.txt"),
    )
    run("verilog", "--model", folder / "net.fire", "-o", folder / "verilog")
    metadata = json.dumps(read_fire(folder / "net.fire").metadata)
    assert "names.txt" in metadata
    given = {"metadata": metadata.encode()} | {path.name: path.read_bytes() for path in (folder / "verilog").rglob("*") if path.is_file()}
    given["net.fire"] = (folder / "net.fire").read_bytes()
    given["description"] = zlib.decompressobj().decompress(given["net.fire"][14:])
    assert {"firebrick.v", "README.md", "report.json"} <= given.keys()
    assert [(name, secret) for name, data in given.items() for secret in secrets(folder) if secret in data] == []
