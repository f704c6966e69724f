# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Devices: a board, the generated hardware in simulation, or the golden model, which all take frames and give scores."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from .checks import PathLike, as_path, check_count
from .inputs import Images, OneImage, frames_of
from .model import Model, as_model
from .prediction import Prediction, predict
from .sw.driver.device import Device as DriverDevice
from .sw.errors import FirebrickError
from .sw.utils.progress import Progress, no_progress
from .sw.zoo.catalogue import DEFAULT_LANES

if TYPE_CHECKING:
    from .sw.stream.inference import Prediction as StreamPrediction

TOP = 5
"""Classes of a prediction, unless another number is asked for."""


class Device:
    """A device that runs one model: `open_device` opens it; a context manager closes it.

    Examples:
        >>> with firebrick.open_device("serial:/dev/ttyUSB0", "digits") as device:
        ...     for prediction in device.stream("camera"):
        ...         print(prediction.label, prediction.probability)
    """

    def __init__(self, driver: DriverDevice, model: Model) -> None:
        self._driver = driver
        self.model = model
        """The model that the device runs."""

    def stream(self, source: "PathLike | Iterable[OneImage]", *, top: int = TOP, limit: int | None = None) -> Iterator[Prediction]:
        """The prediction of each frame, in order, as soon as it is known; a result may come some frames after its own.

        Args:
            source: a video, an image or animation, a folder of images, ``camera`` (``camera:N``) or ``pattern``, by name or path; or any
                iterable of frames (bytes of shape (channels, rows, columns)), files and Pillow images, which may have no end.
            top: how many classes each prediction lists.
            limit: the maximum number of frames.

        Raises:
            FirebrickError: there is no such source, a frame has another shape or type, or the device is lost or closed.
        """
        check_count("top", top)
        if limit is not None:
            check_count("limit", limit)
        if isinstance(source, str | os.PathLike):
            return self._stream_source(str(as_path(source)), top, limit)
        return self._stream_images(source, top, limit)

    def classify(self, images: Images, *, top: int = TOP) -> list[Prediction]:
        """The prediction of each image; see `Model.classify`, which does the same in the golden model.

        Raises:
            FirebrickError: an image cannot be read or has another shape or type, or the device is lost or closed.
        """
        check_count("top", top)
        return list(self._stream_images(images, top, None))

    def scores(self, images: Images) -> NDArray[np.int64]:
        """The integer scores of each image, shape (n, classes); see `Model.scores`.

        Raises:
            FirebrickError: as `classify`, and for a frame that was damaged on the link and has no scores.
        """
        rows = []
        for prediction in self._stream_images(images, 1, None):
            if prediction.scores is None:
                raise FirebrickError(f"frame {prediction.frame} was damaged on the link and has no scores; check the cable and try again")
            rows.append(prediction.scores)
        return np.stack(rows) if rows else np.zeros((0, self.model.classes), np.int64)

    def counters(self) -> dict[str, int]:
        """Counters since the device was opened: ``frames``, and of a board those of the link, such as ``repeated`` packets.

        Raises:
            FirebrickError: the device is lost or closed.
        """
        return self._driver.counters()

    def close(self) -> None:
        """Release the device; a second call does nothing."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _stream_images(self, images: Images, top: int, limit: int | None) -> Iterator[Prediction]:
        model = self.model.quantized
        names: deque[str | None] = deque()

        def frames() -> Iterator[NDArray[np.uint8]]:
            for count, (frame, name) in enumerate(frames_of(images, model.preprocessing, model.network.input), 1):
                names.append(name)
                yield frame
                if count == limit:
                    return

        for result in self._driver.stream(frames()):
            yield predict(model, result.frame, names.popleft(), result.scores, top, result.seconds)

    def _stream_source(self, source: str, top: int, limit: int | None) -> Iterator[Prediction]:
        from .sw.stream.frame_reader import FrameReader
        from .sw.stream.inference import run_inference
        from .sw.stream.open_source import open_source

        model = self.model.quantized
        reader = FrameReader(open_source(source, model.preprocessing.resize), model, limit=limit)
        for result in run_inference(self._driver, reader):
            yield self._predicted(result, top)

    def _predicted(self, result: "StreamPrediction", top: int) -> Prediction:
        return predict(self.model.quantized, result.number, result.frame.name or None, result.scores, top, result.latency)


def open_device(address: str, model: "Model | PathLike", *, lanes: int = DEFAULT_LANES, progress: Progress | None = None) -> Device:
    """Open a device.

    Args:
        address: ``golden`` (the golden model), ``sim`` (the virtual board: the generated hardware in simulation, with its link),
            ``serial:PORT``, ``socket://HOST:PORT``, ``rfc2217://HOST:PORT``, or ``usb``.
        model: the model that the device must run; a board says so, and is refused if it runs another.
        lanes: multipliers of the virtual board. Building it takes minutes the first time.
        progress: called with each step, how much of it is done, and the total.

    Raises:
        FirebrickError: the address is unknown, nothing answers there, or the device runs another model.

    Examples:
        >>> with firebrick.open_device("golden", "digits") as device:
        ...     device.scores(numpy.zeros((1, 8, 8), numpy.uint8)).shape
        (1, 10)
    """
    from .sim.open_device import open_device as open_driver

    loaded = as_model(model)
    check_count("lanes", lanes)
    if not isinstance(address, str):
        raise FirebrickError(f"the address of a device must be a str such as 'golden' or 'serial:/dev/ttyUSB0', not {address!r}")
    return Device(open_driver(address, loaded.quantized, lanes=lanes, progress=progress or no_progress), loaded)
