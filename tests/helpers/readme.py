# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The Python program of the README, and what it needs around it."""

import os
import re
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image

from firebrick.sw.network.graph import Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from tests.helpers.paths import ROOT

NETWORK = Network(
    "flowers",
    Shape(3, 24, 24),
    (Conv("conv1", 16, 3, stride=2), MaxPool("pool1"), Fire("fire2", 8, 16, 16), Conv("conv10", 16, 1), GlobalAverage("pool10")),
)
IMAGES = ("aster.png", "rose.jpg", "tulip.webp")
PRINTS_PATH = '#!/bin/sh\nfor last; do :; done\necho "loaded $last"\n'
"""Stands for openFPGALoader."""


def program() -> str:
    """The README's only block of Python."""
    [block] = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    return str(block)


def prepare(folder: Path) -> None:
    """Put the files that the program reads into a folder, and openFPGALoader into its subfolder bin."""
    from tests.helpers.onnx_files import FileStyle, file_with  # needs the package onnx, which the program alone does not

    (folder / "photos").mkdir()
    rng = np.random.default_rng(1)
    for name in IMAGES:
        Image.fromarray(rng.integers(0, 256, (24, 30, 3), np.uint8)).save(folder / "photos" / name)
    (folder / "flowers.onnx").write_bytes(file_with(np.random.default_rng(8), FileStyle(), NETWORK).SerializeToString())
    (folder / "bin").mkdir()
    (folder / "bin" / "openFPGALoader").write_text(PRINTS_PATH)
    (folder / "bin" / "openFPGALoader").chmod(0o755)


def run_program(python: Path, folder: Path, stand_in: str = "") -> str:
    """What the program prints that a Python with the package runs in a prepared folder, after ``stand_in``."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env["PATH"] = f"{folder / 'bin'}{os.pathsep}{env['PATH']}"
    done = subprocess.run([python, "-c", stand_in + program()], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def check_output(output: str, folder: Path) -> None:
    """Every step left something: predictions of all images twice, a model, Verilog, a bitstream, and a loaded board."""
    for name in IMAGES:
        assert output.count(f"{name} class ") == 2
    assert "Resources(luts=" in output
    assert (folder / "flowers.fire").stat().st_size > 100
    assert list((folder / "build" / "verilog").iterdir())
    assert re.search(r"^loaded .*/build/ulx3s_85f/firebrick\.bit$", output, re.MULTILINE)
