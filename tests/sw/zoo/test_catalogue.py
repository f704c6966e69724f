# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The short imports that the README uses, and the promise that listing models needs no NumPy."""

import subprocess
import sys

import numpy as np

from firebrick.sw.fire_format import read_fire, write_fire
from firebrick.sw.golden import run
from firebrick.sw.model import FloatModel, Model
from firebrick.sw.network import Conv, Fire, Network
from firebrick.sw.zoo import DEFAULT, load, names


def test_short_imports_are_the_objects_of_their_modules() -> None:
    from firebrick.sw import fire_format, golden, model, network, zoo

    assert (read_fire, write_fire) == (fire_format.file.read_fire, fire_format.file.write_fire)
    assert run is golden.integer.run
    assert (Model, FloatModel) == (model.quantized.Model, model.float_model.FloatModel)
    assert (Network, Fire, Conv) == (network.graph.Network, network.graph.Fire, network.graph.Conv)
    assert (load, names, DEFAULT) == (zoo.catalogue.load, zoo.catalogue.names, zoo.catalogue.DEFAULT)


def test_a_shipped_model_runs_with_short_imports_alone() -> None:
    digits = load("digits")
    assert run(digits, np.zeros((1, 1, 8, 8), np.uint8)).shape == (1, 10)


def test_listing_models_loads_no_numpy() -> None:
    check = "import sys, firebrick.sw.zoo as zoo; zoo.names(); print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout == "False\n"
