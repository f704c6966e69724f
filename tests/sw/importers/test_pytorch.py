# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""PyTorch modules built as torchvision builds its SqueezeNets, against PyTorch itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the package torch, of the extra train")
pytest.importorskip("onnx", reason="needs the package onnx")

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from firebrick.sw.errors import FirebrickError
from firebrick.sw.golden import floating
from firebrick.sw.importers import import_source
from firebrick.sw.importers.normalisation import TORCH
from firebrick.sw.importers.pytorch import from_module
from firebrick.sw.model.frames import with_border
from firebrick.sw.network.graph import Bypass, Fire
from firebrick.sw.network.presets import squeezenet1_0, squeezenet1_1


class FireModule(nn.Module):
    """A Fire module with an optional bypass, which torchvision's does not have."""

    def __init__(self, inputs: int, fire: Fire) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, fire.squeeze, 1)
        self.expand1x1 = nn.Conv2d(fire.squeeze, fire.expand1x1, 1)
        self.expand3x3 = nn.Conv2d(fire.squeeze, fire.expand3x3, 3, padding=1)
        self.bypass = nn.Conv2d(inputs, fire.expand1x1 + fire.expand3x3, 1) if fire.bypass is Bypass.COMPLEX else nn.Identity()
        self.added = fire.bypass is not Bypass.NONE

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        squeezed = torch.relu(self.squeeze(x))
        out = torch.cat([torch.relu(self.expand1x1(squeezed)), torch.relu(self.expand3x3(squeezed))], 1)
        return out + torch.relu(self.bypass(x)) if self.added else out


def squeezenet(version: str, classes: int = 1000) -> nn.Module:
    """The layers of torchvision's squeezenet1_0 or squeezenet1_1."""
    widths = [16, 16, 32, 32, 48, 48, 64, 64]
    first, pools = ((96, 7), (2, 6)) if version == "1_0" else ((64, 3), (1, 3))
    layers: list[nn.Module] = [nn.Conv2d(3, *first, stride=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, ceil_mode=True)]
    inputs = first[0]
    for index, squeeze in enumerate(widths):
        layers.append(FireModule(inputs, Fire("", squeeze, 4 * squeeze, 4 * squeeze)))
        inputs = 8 * squeeze
        if index in pools:
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
    tail = [nn.Dropout(0.5), nn.Conv2d(512, classes, 1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(1)]
    return nn.Sequential(*layers, *tail)


def torch_scores(module: nn.Module, frames: np.ndarray) -> np.ndarray:
    mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (TORCH.mean, TORCH.std))
    module.eval()
    with torch.no_grad():
        return np.asarray(module((torch.from_numpy(frames).float() - mean) / std).numpy())


@pytest.mark.parametrize(("version", "preset"), [("1_0", squeezenet1_0), ("1_1", squeezenet1_1)])
def test_torch_squeezenets_are_the_presets(version: str, preset: type) -> None:
    torch.manual_seed(0)
    module = squeezenet(version)
    module.train()
    model = from_module(module, size=(96, 96))
    assert all(part.training for part in module.modules())
    assert model.network.stages == preset(size=96).stages
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 96, 96), dtype=np.uint8)
    expected = torch_scores(module, frames)
    np.testing.assert_allclose(floating.run(model, frames), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("bypass", list(Bypass))
def test_torch_modules_with_bypass(bypass: Bypass) -> None:
    torch.manual_seed(1)
    fire = Fire("", 3, 5, 7, bypass)
    module = nn.Sequential(
        nn.Conv2d(3, 12, 3), nn.ReLU(), FireModule(12, fire), nn.Conv2d(12, 4, 1), nn.ReLU(), nn.AvgPool2d((9, 12)), nn.Flatten()
    )
    model = from_module(module, size=(11, 14), labels=["a", "b", "c", "d"])
    assert [stage.bypass for stage in model.network.stages if isinstance(stage, Fire)] == [bypass]
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 11, 14), dtype=np.uint8)
    np.testing.assert_allclose(floating.run(model, frames), torch_scores(module, frames), rtol=1e-4, atol=1e-5)


def test_torch_head_without_relu_has_negative_scores() -> None:
    torch.manual_seed(3)
    layers = [nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), FireModule(8, Fire("", 3, 5, 7)), nn.Dropout(), nn.Conv2d(12, 6, 1)]
    module = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model = from_module(module, size=(11, 14))
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 11, 14), dtype=np.uint8)
    expected = torch_scores(module, frames)
    assert (expected < 0).any()
    np.testing.assert_allclose(floating.run(model, frames), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("padding", [1, (2, 1)])
def test_torch_module_with_a_padded_first_convolution_has_a_border(padding: int | tuple[int, int]) -> None:
    torch.manual_seed(4)
    layers = [nn.Conv2d(3, 8, 3, stride=2, padding=padding), nn.ReLU(), FireModule(8, Fire("", 3, 5, 7)), nn.Conv2d(12, 6, 1)]
    module = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model = from_module(module, size=(11, 14))
    rows, columns = (padding, padding) if isinstance(padding, int) else padding
    assert model.preprocessing.border == (rows, columns, rows, columns)
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 11, 14), dtype=np.uint8)
    scores = floating.run(model, with_border(images, model.preprocessing))
    np.testing.assert_allclose(scores, torch_scores(module, images), rtol=1e-4, atol=1e-5)


def small() -> nn.Module:
    torch.manual_seed(2)
    layers = [nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), FireModule(8, Fire("", 3, 5, 7)), nn.Dropout(), nn.Conv2d(12, 4, 1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def compiled_in_place(module: nn.Module) -> nn.Module:
    module.compile()
    return module


def exported(module: nn.Module) -> torch.export.ExportedProgram:
    return torch.export.export(module.eval(), (torch.zeros(1, 3, 17, 20),))


WRAPPED: dict[str, Callable[[nn.Module], Any]] = {
    "half": nn.Module.half,
    "double": nn.Module.double,
    "bfloat16": nn.Module.bfloat16,
    "compiled": torch.compile,
    "compiled in place": compiled_in_place,
    "DataParallel": nn.DataParallel,
    "compiled DataParallel in half": lambda module: torch.compile(nn.DataParallel(module.half())),
    "moving average": AveragedModel,
    "channels last": lambda module: module.to(memory_format=torch.channels_last),
    "scripted": torch.jit.script,
    "traced": lambda module: torch.jit.trace(module.eval(), torch.zeros(1, 3, 17, 20)),
    "exported": exported,
    "module of an export": lambda module: exported(module).module(),
}


@pytest.mark.filterwarnings("ignore")  # torch deprecates scripts
@pytest.mark.parametrize("form", WRAPPED)
def test_torch_modules_of_any_type_and_in_any_wrapper(form: str) -> None:
    plain, wrapped = small(), WRAPPED[form](small())
    model = from_module(wrapped, size=(17, 20))
    if isinstance(wrapped, nn.Module) and form not in ("traced", "module of an export"):
        assert all(part.training for part in wrapped.modules())
        assert (form == "compiled in place") == (getattr(wrapped, "_compiled_call_impl", None) is not None)
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 17, 20), dtype=np.uint8)
    expected = torch_scores(plain, frames)
    tolerance = {"half": 2e-3, "bfloat16": 2e-2, "compiled DataParallel in half": 2e-3}.get(form, 2e-5)
    np.testing.assert_allclose(floating.run(model, frames), expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


@pytest.mark.filterwarnings("ignore")  # torch's exporter misses torchvision, and deprecates its predecessor
@pytest.mark.parametrize("options", [{}, {"dynamo": False}, {"dynamo": False, "do_constant_folding": False}], ids=str)
def test_torch_exports_to_files_are_read(options: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="needs the package onnxscript")
    norm = nn.BatchNorm2d(8)
    module = nn.Sequential(small()[0], norm, *small()[1:])
    for numbers in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
        nn.init.uniform_(numbers, 0.5, 2)
    torch.onnx.export(module.eval(), (torch.zeros(1, 3, 17, 20),), str(tmp_path / "it.onnx"), **options)
    assert (tmp_path / "it.onnx.data").exists() == ("dynamo" not in options)
    model = import_source(str(tmp_path / "it.onnx"))
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 17, 20), dtype=np.uint8)
    np.testing.assert_allclose(floating.run(model, frames), torch_scores(module, frames), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: small().state_dict(), r"^a state dict has weights but no layers; load it into its module .*, and give that$"),
        (lambda: torch.compile(small()).state_dict(), "consume_prefix_in_state_dict_if_present\\(state, '_orig_mod.'\\)$"),
        (lambda: nn.DataParallel(small()).state_dict(), "its names begin with 'module.', of DataParallel: remove that with"),
        (lambda: "squeezenet", "^must be given a torch.nn.Module, not a str$"),
    ],
)
def test_torch_rejects_what_is_no_module(wrong: Callable[[], Any], message: str) -> None:
    with pytest.raises(FirebrickError, match=message):
        from_module(wrong())


class Failing(nn.Conv2d):
    def forward(self, *_: torch.Tensor) -> torch.Tensor:
        raise ValueError("Give the option. " + "This sentence is long, " * 20 + "and the next one is never seen.")


def test_torch_reasons_end_with_a_sentence() -> None:
    with pytest.raises(FirebrickError, match=r"^Failing cannot be exported for images of 224x224: Give the option\.$"):
        from_module(Failing(3, 3, 1))


def test_torch_rejects_modules_outside_the_family() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sigmoid(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(FirebrickError, match=r"^Sequential: node '/1/Sigmoid' \(Sigmoid\): this operator is not supported"):
        from_module(module)
    with pytest.raises(FirebrickError, match=r"^Sequential cannot be exported for images of 2x2: .*Kernel size"):
        from_module(module, size=(2, 2))
