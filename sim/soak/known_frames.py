# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Images and videos of which every frame's prediction is known from the golden model."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...sw import golden
from ...sw.data.images import to_input_frame
from ...sw.golden.top_k import top_k
from ...sw.model.quantized import Model

SIDE = 64
CELLS = 8
"""Cells of an image in each direction: large enough that a JPEG keeps their colours."""
RATE = 250
"""Frames per second of a video."""


@dataclass(frozen=True)
class KnownFrames:
    """A source of frames that repeats."""

    name: str
    data: bytes
    """The file."""
    images: Sequence[Image.Image]
    top5: Sequence[list[dict[str, Any]]]
    """Of each image, as the page receives it."""

    def check(self, number: int, top5: list[dict[str, Any]] | None, jpeg: bytes) -> bool:
        """Whether a frame has its own image and prediction."""
        index = number % len(self.images)
        shown = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"), np.int16)
        distances = [np.abs(np.asarray(image, np.int16) - shown).mean() for image in self.images]
        return int(np.argmin(distances)) == index and top5 == self.top5[index]


def known_image(model: Model, name: str, rng: np.random.Generator) -> KnownFrames:
    """An image (PNG)."""
    image = _image(rng)
    data = io.BytesIO()
    image.save(data, "PNG")
    return KnownFrames(name, data.getvalue(), [image], [_top5(model, image)])


def known_video(model: Model, name: str, rng: np.random.Generator, distinct: int, repeats: int, folder: Path) -> KnownFrames:
    """A video without loss, of images that repeat."""
    import av

    images = [_image(rng) for _ in range(distinct)]
    path = folder / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "rgb24"
        for image in images * repeats:
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode(None))
    return KnownFrames(name, path.read_bytes(), images, [_top5(model, image) for image in images])


def _image(rng: np.random.Generator) -> Image.Image:
    cells = rng.integers(0, 256, (CELLS, CELLS, 3), dtype=np.uint8)
    return Image.fromarray(cells.repeat(SIDE // CELLS, 0).repeat(SIDE // CELLS, 1))


def _top5(model: Model, image: Image.Image) -> list[dict[str, Any]]:
    frame = to_input_frame(image, model.preprocessing, model.network.input)
    return [dict(score) for score in top_k(model, golden.run(model, frame[np.newaxis])[0], 5)]
