# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Every row of the table in docs/imports.md: a file that is read has the scores that another program computes; one that is not says why."""

import runpy
import zlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the package onnx")
pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")

import onnx

from firebrick.sw.errors import FirebrickError
from firebrick.sw.golden import floating
from firebrick.sw.importers import import_source
from firebrick.sw.model.frames import with_border
from tests.helpers.import_cases import ONNX_CASES
from tests.helpers.import_cases.case import Floats
from tests.helpers.paths import ROOT

CASES = {f"{section}: {case.what}": case for section, cases in ONNX_CASES.items() for case in cases}


def expected_scores(path: Path, images: Floats, oracle: str) -> Floats:
    """What onnxruntime or QONNX's executor computes, one image at a time."""
    if oracle == "qonnx":
        return _qonnx_scores(path, images)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(_with_open_sides(path)), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.stack([np.asarray(session.run(None, {name: image[None]})[0]).reshape(-1) for image in images])


def _with_open_sides(path: Path) -> Path:
    """A file beside this one whose sides of 0 or -1 are open as ONNX has it now; the same file where there are none."""
    model = onnx.load(path, load_external_data=False)
    sides = [side for side in model.graph.input[0].type.tensor_type.shape.dim if side.HasField("dim_value") and side.dim_value < 1]
    for index, side in enumerate(sides):
        side.dim_param = f"side{index}"
    if sides:
        path = path.with_name("open.onnx")
        path.write_bytes(model.SerializeToString())
    return path


def _qonnx_scores(path: Path, images: Floats) -> Floats:
    pytest.importorskip("qonnx", reason="needs the package qonnx")
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    model = ModelWrapper(str(path)).transform(InferShapes())
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    model = model.transform(InferShapes())
    [output] = [value.name for value in model.graph.output]
    return np.stack([execute_onnx(model, {"image": image[None]})[output].reshape(-1) for image in images])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.refused], ids=str)
def test_what_is_read_has_the_scores_of_the_file(name: str, tmp_path: Path) -> None:
    case, rng = CASES[name], np.random.default_rng(zlib.crc32(name.encode()))
    path = case.write(tmp_path, rng)
    model = import_source(str(path), case.options)
    size = model.preprocessing.image_shape(model.network.input)
    images = rng.integers(0, 256, (3, size.channels, size.height, size.width), dtype=np.uint8)
    expected = expected_scores(path, np.asarray(case.feed(images)), case.oracle)
    scores = case.end(floating.run(model, with_border(images, model.preprocessing)))
    assert (expected != 0).mean() > 0.3
    assert np.abs(scores - expected).max() <= case.tolerance * np.abs(expected).max()
    np.testing.assert_allclose(model.preprocessing.mean, case.normalisation.mean, atol=1e-3)
    assert model.preprocessing.border == case.border
    assert (case.changed in model.metadata.get("changed", "")) == ("changed" not in model.metadata or bool(case.changed))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.refused], ids=str)
def test_what_is_refused_says_why_in_one_sentence(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    path = case.write(tmp_path, np.random.default_rng(zlib.crc32(name.encode())))
    with pytest.raises(FirebrickError) as caught:
        import_source(str(path), case.options)
    message = str(caught.value)
    assert message.startswith(f"{path.name}: ")
    assert case.refused in message
    assert "\n" not in message
    assert len(message) < 500


def test_the_page_has_these_cases() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "import_table.py"))
    page = script["PAGE"].read_text()
    assert page.split(script["START"])[1].split(script["END"])[0].strip() == script["tables"]().strip(), "run scripts/import_table.py"
