# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Accuracy of a model on labelled images, in the golden model."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from .. import golden
from ..camera.picture import Picture, camera_picture
from ..camera.sensor import Sensor
from ..data.camera_images import sensor_image
from ..data.image_folders import LabelledImages, images_by_class
from ..data.images import read_images
from ..data.labels import present_images, read_label_csv
from ..errors import FirebrickError
from ..model.quantized import Model
from ..utils.progress import Progress, no_progress
from .fidelity import standard_error

_BATCH = 4


class Accuracy(TypedDict):
    """Number of images, top-1 and top-5 accuracy from 0 to 1, and their standard errors."""

    images: int
    top1: float
    top5: float
    top1_error: float
    top5_error: float
    calibrated: bool
    """These images, all of them and no others, calibrated the model, by its metadata: they are not held out."""


def evaluate(
    model: Model,
    folder: Path,
    labels: Path | None = None,
    progress: Progress = no_progress,
    limit: int | None = None,
    sensor: Sensor | None = None,
) -> Accuracy:
    """Top-1 and top-5 accuracy on the images of ``folder`` that the CSV file ``labels`` names, see `read_label_csv` and `present_images`.

    Without ``labels``, on the images in its subfolders, see `images_by_class`. ``limit`` is the most images that are evaluated, see
    `spread`. With ``sensor``, they are seen through a model of this camera. Images are read in the order of their paths. Of equal scores
    the lower class index ranks first. Raises FirebrickError where the folder or an image cannot be read, or a label is unknown.
    """
    labelled = read_label_csv(labels, model.network.classes) if labels else []
    if not folder.is_dir():
        raise FirebrickError(f"{folder} is not a folder; name the one with the labelled images")
    rows = present_images(folder, labelled, labels) if labels else images_by_class(folder, model.labels)
    if limit is not None:
        rows = spread(rows, limit)
    rows = sorted(rows)  # as calibration reads them
    digest = hashlib.sha256()
    hits = np.zeros(5, np.int64)  # images whose class has rank 1 to 5
    for start in range(0, len(rows), _BATCH):
        progress("evaluating", start, len(rows))
        batch = rows[start : start + _BATCH]
        paths = [path for path, _ in batch]
        if sensor is None:
            frames = read_images(paths, model.preprocessing, model.network.input)
        else:
            picture = camera_picture(sensor, model.preprocessing, model.network.input)
            frames = photographs(paths, sensor, picture, model.preprocessing.resize)
        digest.update(frames.tobytes())
        ranking = np.argsort(-golden.run(model, frames), axis=1, kind="stable")[:, :5]
        correct = ranking == np.array([index for _, index in batch])[:, None]
        hits[: correct.shape[1]] += correct.sum(axis=0)
    progress("evaluating", len(rows), len(rows))
    top1, top5 = float(hits[0] / len(rows)), float(hits.sum() / len(rows))
    return Accuracy(
        images=len(rows),
        top1=top1,
        top5=top5,
        top1_error=standard_error(top1, len(rows)),
        top5_error=standard_error(top5, len(rows)),
        calibrated=model.metadata.get("calibration sha256") == digest.hexdigest(),
    )


def photographs(paths: Sequence[Path], sensor: Sensor, picture: Picture, resize: int) -> NDArray[np.uint8]:
    """Image files as a network sees them through a camera, see `sensor_image`: (frames, channels, rows, columns)."""
    return np.stack([picture.compute(sensor_image(path, sensor, picture, resize)) for path in paths])


def spread(rows: LabelledImages, count: int) -> LabelledImages:
    """At most ``count`` of the images, evenly spread over the list: always the same ones, and of sorted classes as many of each."""
    return [rows[index * len(rows) // count] for index in range(count)] if count < len(rows) else rows
