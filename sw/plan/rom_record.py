# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A partition's weight ROM in the ROM map of a build: written, and read again with every number checked.

The keys belong to the format of the file and stay as they are when a field is renamed.
"""

from typing import Any

from ..coding.streams import EncodedWeights, HuffmanStream
from ..errors import FirebrickError
from ..model.quantized import CENTROID_BITS
from ..network.limits import KERNEL_MAX
from .rom_layout import PartitionRom

WORDS_MAX = 1 << 20
WEIGHTS_MAX = 1 << 26
WIDTH_MAX = 18
INIT_BITS = 40
"""Limits of what a record may say: beyond every engine, and small enough that decoding a malicious record stays cheap."""


def rom_to_record(rom: PartitionRom) -> dict[str, Any]:
    """A ROM as a JSON-serialisable document for `rom_from_record`. Of its words, only the number is kept: the bitstream has them."""
    weights = rom.weights
    return {
        "engine": rom.engine,
        "number": rom.partition,
        "layers": rom.layers,
        "squeeze": rom.squeeze,
        "filters": rom.filters,
        "filter_kinds": rom.filter_types,
        "channels": rom.channels,
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
        "start": rom.accumulator_init,
        "bits": rom.accumulator_bits,
        "shift": rom.shift,
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
    """A ROM from the document that `rom_to_record` made; its words are all zero. Raises FirebrickError if the document is anything else."""
    try:
        rom = _parse(document)
        if not _is_consistent(rom):
            raise ValueError
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise FirebrickError("the ROM map of the build is damaged; build the bitstream again") from error
    return rom


def _parse(document: Any) -> PartitionRom:
    entry = dict(document["weights"])
    codes, zero_runs = (_parse_stream(entry[name]) for name in ("codes", "gaps"))
    if codes is None:
        raise TypeError
    weights = EncodedWeights(
        inner=int(entry["inner"]),
        taps=int(entry["taps"]),
        filter_types=_integers(entry["kinds"]),
        codes=codes,
        codebooks=tuple(_integers(codebook) for codebook in entry["codebooks"]),
        zero_runs=zero_runs,
        run_lengths=_integers(entry["gap_values"]),
        last=(int(entry["last"][0]), int(entry["last"][1])),
        entries_per_group=_integers(entry["counts"]),
        lut_rom_bits=int(entry["logic_bits"]),
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


def _is_consistent(rom: PartitionRom) -> bool:
    """Whether the numbers fit together and are within the limits."""
    weights, filters, channels = rom.weights, len(rom.filters), len(rom.channels)
    rows, columns = (channels, filters) if rom.squeeze else (filters, channels)
    types = set(weights.filter_types)
    centroids = [centroid for codebook in weights.codebooks for centroid in codebook]
    streams = [stream for stream in (weights.codes, weights.zero_runs) if stream is not None]
    return all(
        (
            (weights.groups, weights.inner) == (rows, columns),
            filters == len(rom.filter_types) == len(rom.accumulator_init),
            weights.filter_types == ((0,) * channels if rom.squeeze else rom.filter_types),
            sorted(rom.channels) == list(range(channels)),
            types <= set(range(min(len(rom.layers), len(weights.codebooks), 2))),
            weights.taps in [kernel**2 for kernel in range(1, KERNEL_MAX + 1)],
            0 < weights.groups * weights.taps * weights.inner <= WEIGHTS_MAX,
            all(0 < stream.count <= WEIGHTS_MAX for stream in streams),
            all(max(stream.lengths, default=0) <= stream.width <= WIDTH_MAX for stream in streams),
            all(0 < len(stream.lengths) <= 1 << WIDTH_MAX // 2 for stream in streams),
            all(len(codebook) > 0 for codebook in weights.codebooks),
            max(map(abs, centroids), default=0) < 1 << CENTROID_BITS,
            len(weights.run_lengths) > 0,
            all(0 <= run < weights.inner for run in weights.run_lengths),
            0 <= weights.last[0] < weights.taps,
            0 <= weights.last[1] < weights.inner,
            min(rom.filters, default=0) >= 0,
            max(map(abs, rom.accumulator_init), default=0) < 1 << INIT_BITS,
        )
    )


def _parse_stream(document: Any) -> HuffmanStream | None:
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
