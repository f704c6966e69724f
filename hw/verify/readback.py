# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A finished bitstream and the files beside it: its ROM map and its model; and the comparison of all three."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...sw.errors import FirebrickError
from ...sw.model.quantized import Model
from ...sw.utils.atomic_files import read_limited
from ...sw.utils.progress import Progress
from .device_descriptor import PlacedDescriptor, descriptor_from_record
from .ecp5_bitstream import unpack
from .rom_map import DAMAGED, PlacedRom, roms_from_record
from .weight_verification import verify_weights

ROM_MAP_MAX = 1 << 28
"""Bytes that a ROM map may have; that of the largest design has a tenth of it."""
REASONS_MAX = 3
"""Number of reasons that an error message lists; a damaged bitstream can give hundreds."""


def rom_map_path(bitstream: Path) -> Path:
    """The ROM map that belongs to a bitstream: `firebrick.roms.json` beside `firebrick.bit`."""
    return bitstream.with_suffix(".roms.json")


def model_path(bitstream: Path) -> Path:
    """The model that a bitstream holds: a file of the bitstream's own name if there is one, else model.fire beside it."""
    own = bitstream.with_suffix(".fire")
    return own if own.exists() else bitstream.with_name("model.fire")


def new_model_path(bitstream: Path, model: bytes) -> Path:
    """Where to write the model of a new bitstream: where ``model_path`` finds it, and other bitstreams in the folder keep theirs.

    Raises FirebrickError if another model would be lost.
    """
    own, shared = bitstream.with_suffix(".fire"), bitstream.with_name("model.fire")
    others = any(path != bitstream for path in bitstream.parent.glob(f"*{bitstream.suffix}"))
    for path in [own] if others or own.exists() else [shared, own]:
        if bitstream.exists() or not path.exists() or path.read_bytes() == model:
            return path
    raise FirebrickError(f"{own}, where the model of {bitstream.name} would be, is another model; name another output")


def read_rom_map(bitstream: Path) -> tuple[list[PlacedRom], PlacedDescriptor | None]:
    """The ROM map beside a bitstream: its weight ROMs, and its device descriptor where that is in block RAM.

    Raises FirebrickError if the file is missing, damaged, or of another version.
    """
    path = rom_map_path(bitstream)
    try:
        document = json.loads(read_limited(path, ROM_MAP_MAX, "the ROM map that `firebrick bitstream` wrote beside the bitstream"))
        return roms_from_record(document), descriptor_from_record(document)
    except (ValueError, RecursionError) as error:
        raise error if isinstance(error, FirebrickError) else FirebrickError(f"{path}: {DAMAGED}") from error


@contextmanager
def bounded_gates() -> Iterator[None]:
    """Evaluating gates is recursive: within, a ROM map whose gates form a longer chain than any design's is rejected as damaged."""
    try:
        yield
    except RecursionError as error:
        raise FirebrickError(DAMAGED) from error


def verify_bitstream(
    data: bytes, name: str, roms: list[PlacedRom], descriptor: PlacedDescriptor | None, model: Model, progress: Progress
) -> dict[str, Any]:
    """Unpack a bitstream and compare its contents with a model: the JSON document that `firebrick prove --json` prints.

    Raises FirebrickError if ``data`` is no whole ECP5 bitstream, or one of another build than ``roms``.
    """
    configuration = unpack(data, name, progress)
    progress("decoding")
    return {"bitstream": name} | verify_weights(configuration, roms, model, descriptor)


def require_verified(report: dict[str, Any], complaint: str) -> None:
    """Raise FirebrickError, which lists the first few reasons, unless everything was verified."""
    if report["proven"]:
        return
    entries = [*([report["identity"]] if report["identity"] else []), *report["layers"]]
    reasons = list(dict.fromkeys(f"{entry['name']}: {reason}" for entry in entries for reason in entry["reasons"]))
    more = f" and {len(reasons) - REASONS_MAX} more" if len(reasons) > REASONS_MAX else ""
    raise FirebrickError(f"{complaint}: {'; '.join(reasons[:REASONS_MAX])}{more}")
