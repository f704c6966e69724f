# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A case of importing a network: a file that a test makes, and whether it is read or refused."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from firebrick.sw.importers import ImportOptions
from firebrick.sw.importers.normalisation import TORCH, Normalisation
from firebrick.sw.model.quantized import NO_BORDER, Border
from tests.helpers.import_cases.graphs import GraphEditor

Floats = NDArray[np.floating]
Frames = NDArray[np.uint8]
Build = Callable[[np.random.Generator], ModelProto]


def normalised(frames: Frames, normalisation: Normalisation) -> Floats:
    """What a network with this normalisation is given."""
    mean, std = (np.array(numbers)[:, None, None] for numbers in (normalisation.mean, normalisation.std))
    images: Floats = ((frames - mean) / std).astype(np.float32)
    return images[:, ::-1] if normalisation.bgr else images


def torch_images(frames: Frames) -> Floats:
    """Images as torchvision normalises them."""
    return normalised(frames, TORCH)


@dataclass(frozen=True)
class ImportCase:
    """A row of the table of docs/imports.md, and the parameter of a test."""

    what: str
    """What the file has, in Markdown."""
    build: Build
    """Makes the file from random numbers."""
    refused: str = ""
    """The sentence with which it is refused, without file and node, or a part of it; empty where it is read."""
    feed: Callable[[Frames], Floats | Frames] = torch_images
    """What the file's input is given, for images."""
    end: Callable[[Floats], Floats] = np.asarray
    """What the file makes of the scores."""
    options: ImportOptions = field(default_factory=ImportOptions)
    tolerance: float = 2e-5
    """Largest relative difference of scores from the oracle's."""
    normalisation: Normalisation = TORCH
    """The normalisation that the model must have in the end."""
    border: Border = NO_BORDER
    """The border of images that the model must have."""
    changed: str = ""
    """What the import must say that it changed."""
    oracle: str = "onnxruntime"
    """What computes the expected scores: onnxruntime or qonnx."""
    save: Callable[[ModelProto, Path], Path] | None = None
    """Writes the file into a folder, if it is more than one file or has an unusual name; returns its path."""

    def write(self, folder: Path, rng: np.random.Generator) -> Path:
        """Write the file; returns its path."""
        model = self.build(rng)
        if self.save:
            return self.save(model, folder)
        path = folder / "it.onnx"
        path.write_bytes(model.SerializeToString())
        return path


def edited(change: Callable[[GraphEditor], object], **overrides: Any) -> Build:
    """A builder: a small random file, changed."""

    def build(rng: np.random.Generator) -> ModelProto:
        editor = GraphEditor(rng, **overrides)
        change(editor)
        return editor.model

    return build
