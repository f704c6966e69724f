# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Cores: a folder with an accelerator's Verilog and all that belongs to it; and the pictures of its benches."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .hw.module_names import TOP
from .sw import golden
from .sw.data.calibration_set import photographs
from .sw.data.images import read_images, to_input_frame
from .sw.errors import FirebrickError
from .sw.model.frames import with_border
from .sw.model.quantized import Model
from .sw.stream.test_pattern import draw
from .sw.utils.atomic_files import write_folder
from .sw.utils.progress import Progress, no_progress

if TYPE_CHECKING:
    from .hw.bus.top import BusOptions
    from .hw.core.golden_vectors import GoldenVectors
    from .sw.plan.nodes import Plan

INTERFACES = ("native", "axi", "wishbone")
"""Streams alone; AXI4-Stream with registers on AXI4-Lite; or the same with registers on Wishbone."""
BUS_WIDTHS = (8, 16, 32, 64, 128)
"""Bits of AXI4-Stream's TDATA."""
PICTURES = 2
"""Pictures by default: the second one follows the first without a pause."""


def write_core(
    model: Model,
    lanes: "int | Plan",
    folder: Path,
    *,
    frequency: float,
    name: str = TOP,
    bus: "BusOptions | None" = None,
    images: Sequence[Path] = (),
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Write the core of a model to a folder, for a number of multipliers or a plan, and return its report.

    ``frequency`` is the clock in MHz at which times are stated; ``name`` is what the names of modules and
    files begin with; ``bus`` is None for plain streams; ``images`` are the pictures of the
    benches. Raises FirebrickError if the lanes do not suffice, the name is no identifier, an image cannot be read, or the folder cannot be
    written to.
    """
    from .hw.core.folder import core_files
    from .hw.core.names import check_core_name

    check_core_name(name)
    vectors = golden_vectors(model, images, progress)
    files, report = core_files(model, lanes, vectors, frequency=frequency, name=name, bus=bus, progress=progress)
    progress("writing files")
    write_folder(folder, {name: contents.encode() for name, contents in files.items()})
    return report


def bus_options(interface: str, width: int | None, core_clock: bool) -> "BusOptions | None":
    """The bus of a core: None for ``native``; the options of ``axi`` and ``wishbone``, of 32 bits unless ``width`` is given.

    Raises FirebrickError for another interface or width, and for options of a bus without one.
    """
    from .hw.bus.top import BusOptions

    if interface not in INTERFACES:
        raise FirebrickError(f"interface must be one of {', '.join(INTERFACES)}, not {interface!r}")
    if width is not None and width not in BUS_WIDTHS:
        raise FirebrickError(f"bus_width must be one of {', '.join(map(str, BUS_WIDTHS))} bits, not {width!r}")
    if interface == "native":
        if width or core_clock:
            raise FirebrickError("bus_width and core_clock belong to a bus; take the interface axi or wishbone")
        return None
    return BusOptions(stream_bytes=(width or 32) // 8, wishbone=interface == "wishbone", core_clock=core_clock)


def golden_vectors(model: Model, paths: Sequence[Path], progress: Progress) -> "GoldenVectors":
    """The pictures in some files, or else photographs of scikit-image or, where that is missing, drawn pictures; with their scores.

    Raises FirebrickError for files that cannot be read as images.
    """
    from .hw.core.golden_vectors import GoldenVectors

    shape = model.network.input
    if not paths and shape.channels in (1, 3) and find_spec("skimage"):
        paths = photographs()[:PICTURES]
    if paths:
        names, frames = [path.name for path in paths], read_images(paths, model.preprocessing, shape)
    else:
        names, frames = _drawn(model)
    scores = []
    for index in range(len(frames)):
        progress("golden model", index, len(frames))
        scores.append(golden.run(model, frames[index : index + 1])[0])
    return GoldenVectors(names, frames, np.stack(scores))


def _drawn(model: Model) -> tuple[list[str], NDArray[np.uint8]]:
    """Test patterns, or noise where the network sees other channels than colour or grey."""
    preprocessing, shape = model.preprocessing, model.network.input
    numbers = range(1, PICTURES + 1)
    if shape.channels in (1, 3):
        frames = np.stack([to_input_frame(draw(number), preprocessing, shape) for number in numbers])
        return [f"test pattern {number}" for number in numbers], frames
    image = preprocessing.image_shape(shape)
    noise = np.random.default_rng(0).integers(0, 256, (len(numbers), image.channels, image.height, image.width), np.uint8)
    return [f"noise {number}" for number in numbers], with_border(noise, preprocessing)
