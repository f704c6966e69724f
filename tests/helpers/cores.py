# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Cores of networks so small that any simulator builds them in a second."""

import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from firebrick.hw.bus.top import BusOptions
from firebrick.hw.core.description import CoreDescription
from firebrick.hw.core.folder import core_files
from firebrick.hw.core.golden_vectors import GoldenVectors
from firebrick.hw.core.interface import bus_interface, stream_interface
from firebrick.hw.module_names import TOP
from firebrick.sw import golden
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.model.frames import with_border
from firebrick.sw.model.quantized import Model
from firebrick.sw.utils.atomic_files import write_folder
from tests.helpers.random_models import random_model

LANES = 8


@dataclass(frozen=True)
class Case:
    """What to make a core of."""

    signed: bool = False
    bus: BusOptions | None = None

    @property
    def model(self) -> Model:
        return tiny_model(signed=self.signed)

    @property
    def description(self) -> CoreDescription:
        return describe(self.model, self.bus)


CASES = {
    "unsigned": Case(),
    "signed": Case(signed=True),
    "axi": Case(bus=BusOptions()),
    "wishbone": Case(signed=True, bus=BusOptions(stream_bytes=16, wishbone=True, core_clock=True)),
}


def describe(model: Model, bus: BusOptions | None = None, name: str = TOP) -> CoreDescription:
    plan = compile_model(model, LANES)
    return CoreDescription(model, plan, stream_interface(plan.global_sum, name) if bus is None else bus_interface(bus, name), 50.0)


@cache
def tiny_model(*, signed: bool = False) -> Model:
    sizes: dict[str, Any] = {"height": 5, "width": 6, "kernel": 3, "stride": 1, "filters": 3, "fires": 1, "classes": 3}
    return random_model(np.random.default_rng(0), density=0.5, signed=signed, **sizes)


def noise(model: Model, pictures: int = 2) -> GoldenVectors:
    shape = model.preprocessing.image_shape(model.network.input)
    images = np.random.default_rng(1).integers(0, 256, (pictures, shape.channels, shape.height, shape.width), np.uint8)
    frames = with_border(images, model.preprocessing)
    return GoldenVectors([f"noise {index}" for index in range(pictures)], frames, golden.run(model, frames))


@cache
def files_of(name: str) -> dict[str, str]:
    """The files of the core of one of CASES."""
    case = CASES[name]
    return core_files(case.model, LANES, noise(case.model), frequency=50.0, bus=case.bus)[0]


def write(folder: Path, files: dict[str, str]) -> Path:
    write_folder(folder, {name: contents.encode() for name, contents in files.items()})
    return folder


def run_tool(*command: object, cwd: Path, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Exit status and output of a program."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False, env=os.environ | (env or {}))
    return done.returncode, done.stdout + done.stderr
