# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""An engine's part from the record that a build keeps, which is a file like any other and may say anything."""

from typing import Any

from ..coding.streams import EncodedWeights, HuffmanStream
from ..errors import FirebrickError
from ..model.quantized import CENTROID_BITS
from .rom_layout import PartitionRom

WORDS_MAX = 1 << 20
WEIGHTS_MAX = 1 << 26
KERNEL_MAX = 11
WIDTH_MAX = 18
INIT_BITS = 40
"""What a record may speak of at most: more than any engine has."""


def rom_to_record(part: PartitionRom) -> dict[str, Any]:
    """A part as a JSON-serialisable document, which `rom_from_record` reads.

    The ROM words are left out, except for their number: they are in the bitstream. The keys belong to the format of the file and stay
    as they are when a field is renamed.
    """
    weights = part.weights
    return {
        "engine": part.engine,
        "number": part.partition,
        "layers": part.layers,
        "squeeze": part.squeeze,
        "filters": part.filters,
        "filter_kinds": part.filter_types,
        "channels": part.channels,
        "weights": {
            "inner": weights.inner,
            "taps": weights.taps,
            "kinds": weights.filter_types,
            "codes": _stream_to_record(weights.codes),
            "codebooks": weights.codebooks,
            "gaps": _stream_to_record(weights.zero_runs) if weights.zero_runs is not None else None,
            "gap_values": weights.run_lengths,
            "last": weights.last,
            "counts": weights.entries_per_group,
            "logic_bits": weights.lut_rom_bits,
        },
        "start": part.accumulator_init,
        "bits": part.accumulator_bits,
        "shift": part.shift,
    }


def _stream_to_record(stream: HuffmanStream) -> dict[str, Any]:
    return {
        "lengths": stream.lengths,
        "width": stream.width,
        "words": len(stream.words),
        "count": stream.count,
        "bits": stream.bits,
    }


def rom_from_record(document: Any) -> PartitionRom:
    """A part from what `rom_to_record` made, its words all zero. Raises FirebrickError where it is something else."""
    try:
        part = _part_from(document)
        if not _is_sound(part):
            raise ValueError
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise FirebrickError("the ROM map of the build is damaged; build the bitstream again") from error
    return part


def _part_from(document: Any) -> PartitionRom:
    inner = dict(document["weights"])
    streams = {name: _encoded(inner[name]) for name in ("codes", "gaps")}
    codes = streams["codes"]
    if codes is None:
        raise TypeError
    weights = EncodedWeights(
        inner=int(inner["inner"]),
        taps=int(inner["taps"]),
        filter_types=_integers(inner["kinds"]),
        codes=codes,
        codebooks=tuple(_integers(book) for book in inner["codebooks"]),
        zero_runs=streams["gaps"],
        run_lengths=_integers(inner["gap_values"]),
        last=(int(inner["last"][0]), int(inner["last"][1])),
        entries_per_group=_integers(inner["counts"]),
        lut_rom_bits=int(inner["logic_bits"]),
    )
    return PartitionRom(
        engine=str(document["engine"]),
        partition=int(document["number"]),
        layers=tuple(str(name) for name in document["layers"]),
        squeeze=bool(document["squeeze"]),
        filters=_integers(document["filters"]),
        filter_types=_integers(document["filter_kinds"]),
        channels=_integers(document["channels"]),
        weights=weights,
        accumulator_init=_integers(document["start"]),
        accumulator_bits=int(document["bits"]),
        shift=int(document["shift"]),
    )


def _is_sound(part: PartitionRom) -> bool:
    """The numbers fit together, and are none that decoding could not hold."""
    weights, filters, channels = part.weights, len(part.filters), len(part.channels)
    rows, columns = (channels, filters) if part.squeeze else (filters, channels)
    kinds = set(weights.filter_types)
    values = [value for book in weights.codebooks for value in book]
    streams = [stream for stream in (weights.codes, weights.zero_runs) if stream is not None]
    return all(
        (
            (weights.groups, weights.inner) == (rows, columns),
            filters == len(part.filter_types) == len(part.accumulator_init),
            weights.filter_types == ((0,) * channels if part.squeeze else part.filter_types),
            sorted(part.channels) == list(range(channels)),
            kinds <= set(range(min(len(part.layers), len(weights.codebooks), 2))),
            weights.taps in [kernel**2 for kernel in range(1, KERNEL_MAX + 1, 2)],
            0 < weights.groups * weights.taps * weights.inner <= WEIGHTS_MAX,
            all(0 < stream.count <= WEIGHTS_MAX for stream in streams),
            all(max(stream.lengths, default=0) <= stream.width <= WIDTH_MAX for stream in streams),
            all(0 < len(stream.lengths) <= 1 << WIDTH_MAX // 2 for stream in streams),
            all(len(book) > 0 for book in weights.codebooks),
            max(map(abs, values), default=0) < 1 << CENTROID_BITS,
            len(weights.run_lengths) > 0,
            all(0 <= value < weights.inner for value in weights.run_lengths),
            0 <= weights.last[0] < weights.taps,
            0 <= weights.last[1] < weights.inner,
            min(part.filters, default=0) >= 0,
            max(map(abs, part.accumulator_init), default=0) < 1 << INIT_BITS,
        )
    )


def _encoded(document: Any) -> HuffmanStream | None:
    if document is None:
        return None
    words = int(document["words"])
    if not 0 < words <= WORDS_MAX:
        raise ValueError
    return HuffmanStream(
        _integers(document["lengths"]), int(document["width"]), (0,) * words, int(document["count"]), int(document["bits"])
    )


def _integers(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)
