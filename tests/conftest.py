# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A small model and images as files, for the tests of the command line."""

import gc
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firebrick.sim import verilator
from firebrick.sw.fire_format.file import write_fire
from firebrick.sw.model.quantized import Preprocessing
from tests.helpers.random_models import random_model

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it to its background jobs, whose children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

QUICKLY_COMPILED = verilator.MAKE_VARIABLES.replace("OPT_GLOBAL={level}", "OPT_GLOBAL=-O0").format(level="-O1")
"""How simulations that run for a second are compiled."""

gc.set_threshold(100_000, 20, 50)
"""Circuits are many small objects that live as long as their simulation: looking for garbage as often as Python does costs a tenth."""


def pytest_collection_finish() -> None:
    """What was imported and collected stays; nobody need look for garbage in it."""
    gc.freeze()


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .fire file of a network that takes milliseconds."""
    drawn = random_model(np.random.default_rng(5), height=24, width=24, channels=3, kernel=3, stride=2, fires=2, classes=7, density=0.5)
    path = tmp_path_factory.mktemp("model") / "small.fire"
    write_fire(replace(drawn, preprocessing=Preprocessing(32, (123.0, 117.0, 104.0))), path)
    return path


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three images of noise, in a folder of their own."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(7)
    paths = [folder / name for name in ("a.png", "b.jpg", "c.png")]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(path)
    return paths


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all test processes of this run: what one has compiled serves the others."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def compiled_board(shared_folder: Path) -> Iterator[None]:
    """A cache in which the virtual board of the tiny network is compiled once: that of the environment, or else a new one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verilator, "MAKE_VARIABLES", QUICKLY_COMPILED)
        patch.setenv("FIREBRICK_CACHE", os.environ.get("FIREBRICK_CACHE") or str(shared_folder / "boards"))
        yield
