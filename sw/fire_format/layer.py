# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""One layer of a `.fire` file: codebook and biases in the fewest bits, codes and gaps Huffman coded (arXiv:1510.00149, Sections 2 to 4).

A sparse layer is a list of entries in the order (filter, input channel, kernel row, kernel column). Each entry is a code and a gap,
the number of zero weights skipped before it. A gap that exceeds its alphabet is bridged by entries of code 0 with the greatest gap,
which stand for a zero. Zeros after the last entry are implied. A dense layer has a code for each weight, zeros included, and no gaps.
Whichever takes fewer bytes is written, with the best of eight gap alphabets.

Layout, little-endian: HEADER; then five parts, each of whole bytes, most significant bit first, filled up with 0 bits: centroids 1 and
up, biases (both in two's complement), 4-bit code lengths of all codes and then of all gaps, codes, gaps.
"""

from dataclasses import dataclass
from functools import cached_property
from struct import Struct

import numpy as np
from numpy.typing import NDArray

from ..coding.huffman import CanonicalCode, code_lengths
from ..errors import FirebrickError
from ..model.quantized import CENTROID_BITS, QuantizedLayer
from ..network.graph import Layer

WORD_MAX = 12
"""Longest Huffman word in bits."""
GAP_BITS_MAX = 8

HEADER = Struct("<5B3I")
"""Codebook index bits; shift; centroid bits; bias bits; gap bits g (alphabet 0..2^g - 1; 0 for a dense layer); entries; bytes of codes;
bytes of gaps."""
_LENGTH_BITS = 4

Integers = NDArray[np.integer]


@dataclass(frozen=True)
class EncodedLayer:
    """A layer's bytes, part by part, and how its weights were cut into symbols."""

    header: bytes
    codebook: bytes
    biases: bytes
    tables: bytes
    codes: bytes
    gaps: bytes
    entries: int
    """Symbols in the code stream, and in the gap stream where there is one."""
    gap_bits: int
    """Width of a gap before Huffman coding; 0 when there is no gap stream."""
    entropy_bits: float
    """Entries times the entropy of codes and of gaps: what no symbol-by-symbol code of these streams can undercut."""

    @property
    def data(self) -> bytes:
        """The layer as it stands in the file."""
        return self.header + self.codebook + self.biases + self.tables + self.codes + self.gaps


def encode_layer(layer: QuantizedLayer) -> EncodedLayer:
    """The layer in the cut that takes the fewest bytes; ties go to the smaller gap alphabet, a dense layer first."""
    flat = layer.codes.ravel()
    biases = _pack(layer.bias, bias_bits := _width(layer.bias))
    codebook = _pack(layer.codebook[1:], centroid_bits := _width(layer.codebook))
    cut = _best_cut(layer)
    codes, gaps = _entries(flat, cut.gap_bits) if cut.gap_bits else (flat, np.empty(0, np.int64))
    coded_codes, coded_gaps = (_huffman(symbols, lengths) for symbols, lengths in zip((codes, gaps), cut.lengths, strict=True))
    return EncodedLayer(
        HEADER.pack(layer.bits, layer.shift, centroid_bits, bias_bits, cut.gap_bits, codes.size, len(coded_codes), len(coded_gaps)),
        codebook,
        biases,
        _pack(np.array(sum(cut.lengths, ())), _LENGTH_BITS),
        coded_codes,
        coded_gaps,
        codes.size,
        cut.gap_bits,
        _entropy_bits(codes) + _entropy_bits(gaps),
    )


def encoded_size(layer: QuantizedLayer) -> int:
    """Bytes of the layer in the file, which are counted and not made."""
    cut = _best_cut(layer)
    numbers = (len(layer.codebook) - 1) * _width(layer.codebook), len(layer.bias) * _width(layer.bias), _LENGTH_BITS * cut.symbols
    return HEADER.size + sum(-(-bits // 8) for bits in (*numbers, *cut.bits))


def decode_layer(data: memoryview, layer: Layer) -> tuple[QuantizedLayer, memoryview]:
    """The first layer in ``data``, of the shape that ``layer`` says, and what follows it; raises FirebrickError when it is damaged."""
    bits, shift, centroid_bits, bias_bits, gap_bits, entries, code_bytes, gap_bytes = HEADER.unpack(_take(data, HEADER.size))
    for name, value, least, most in (
        ("codebook bits", bits, 1, 8),
        ("centroid bits", centroid_bits, 1, CENTROID_BITS),
        ("bias bits", bias_bits, 1, 32),
        ("gap bits", gap_bits, 0, GAP_BITS_MAX),
        ("entries", entries, 0 if gap_bits else layer.weights, layer.weights),
    ):
        if not least <= value <= most:
            raise FirebrickError(f"{name} must be {f'{least} to ' * (least < most)}{most}, not {value}")
    alphabets = (1 << bits) + (1 << gap_bits if gap_bits else 0)
    sizes = ((1 << bits) - 1, centroid_bits), (layer.conv.filters, bias_bits), (alphabets, _LENGTH_BITS)
    rest = data[HEADER.size :]
    parts = []
    for size in [(count * width + 7) // 8 for count, width in sizes] + [code_bytes, gap_bytes]:
        parts.append(_take(rest, size))
        rest = rest[size:]
    centroids, biases = (_unpack(part, *size, signed=True) for part, size in zip(parts, sizes[:2], strict=False))
    lengths = tuple(_unpack(parts[2], *sizes[2]).tolist())
    flat = np.zeros(layer.weights, np.uint8)
    codes = _decode(parts[3], lengths[: 1 << bits], entries, "codes")
    if gap_bits:
        positions = np.cumsum(_decode(parts[4], lengths[1 << bits :], entries, "gaps").astype(np.int64) + 1) - 1
        if entries and positions[-1] >= layer.weights:
            raise FirebrickError(f"gaps lead past the last of {layer.weights} weights")
        flat[positions] = codes
    elif gap_bytes:
        raise FirebrickError("a dense layer must not have gaps")
    else:
        flat[:] = codes
    codebook = np.concatenate([[0], centroids]).astype(np.int32)
    return QuantizedLayer(flat.reshape(layer.weight_shape), codebook, biases, shift), rest


@dataclass(frozen=True)
class _Cut:
    """A way to cut a layer's weights into symbols."""

    gap_bits: int
    counts: tuple[Integers, Integers]
    """How often each code and each gap occurs."""

    @cached_property
    def lengths(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of the words of codes and of gaps."""
        codes, gaps = self.counts
        return code_lengths(codes, WORD_MAX), code_lengths(gaps, WORD_MAX)

    @property
    def symbols(self) -> int:
        """Codes and gaps that have an entry in the tables of lengths."""
        return sum(map(len, self.counts))

    @property
    def bits(self) -> tuple[int, int]:
        """Of the streams of codes and of gaps."""
        codes, gaps = (int(counts @ np.array(lengths, np.int64)) for counts, lengths in zip(self.counts, self.lengths, strict=True))
        return codes, gaps


def _best_cut(layer: QuantizedLayer) -> _Cut:
    """The cut whose streams and tables take the fewest bits."""
    flat = layer.codes.ravel()
    positions = np.flatnonzero(flat)
    codes = np.bincount(flat[positions], minlength=1 << layer.bits)
    skipped = np.bincount(np.diff(positions, prepend=-1) - 1)
    cuts = [_Cut(0, (_with_zeros(codes, flat.size - positions.size), np.empty(0, np.int64)))]
    for gap_bits in range(1, GAP_BITS_MAX + 1):
        folded = np.pad(skipped, (0, -len(skipped) % (1 << gap_bits))).reshape(-1, 1 << gap_bits)
        fillers = int(folded.sum(axis=1) @ np.arange(len(folded)))
        gaps = folded.sum(axis=0)
        gaps[-1] += fillers
        cuts.append(_Cut(gap_bits, (_with_zeros(codes, fillers), gaps)))
        if not fillers:
            break  # a greater alphabet only has more gaps that do not occur
    return min(cuts, key=lambda cut: sum(cut.bits) + _LENGTH_BITS * cut.symbols)


def _with_zeros(codes: Integers, zeros: int) -> Integers:
    """Counts of codes with so many of code 0, of which there are none so far."""
    return np.concatenate([[zeros], codes[1:]])


def _entries(flat: NDArray[np.uint8], gap_bits: int) -> tuple[Integers, Integers]:
    """Codes and gaps of a sparse layer's entries, fillers included."""
    positions = np.flatnonzero(flat)
    skipped = np.diff(positions, prepend=-1) - 1
    fillers = skipped >> gap_bits
    ends = np.cumsum(fillers + 1) - 1
    codes = np.zeros(positions.size + int(fillers.sum()), np.uint8)
    gaps = np.full(codes.size, (1 << gap_bits) - 1, np.int64)
    codes[ends] = flat[positions]
    gaps[ends] = skipped - (fillers << gap_bits)
    return codes, gaps


def _huffman(symbols: Integers, lengths: tuple[int, ...]) -> bytes:
    return np.packbits(CanonicalCode(lengths).encode(symbols)).tobytes()


def _decode(data: memoryview, lengths: tuple[int, ...], count: int, what: str) -> NDArray[np.uint16]:
    if max(lengths) > WORD_MAX:
        raise FirebrickError(f"{what}: Huffman words must have at most {WORD_MAX} bits, not {max(lengths)}")
    try:
        code, bits = CanonicalCode(lengths), np.unpackbits(np.frombuffer(data, np.uint8))
        symbols = code.decode(bits, count)
        used = code.bit_count(symbols)
    except FirebrickError as error:
        raise FirebrickError(f"{what}: {error}") from error
    if bits.size - used >= 8 or bits[used:].any():
        raise FirebrickError(f"{what}: {count} symbols do not fill their {len(data)} bytes")
    return symbols


def _entropy_bits(symbols: Integers) -> float:
    if not symbols.size:
        return 0.0
    counts = np.bincount(symbols)
    counts = counts[counts > 0]
    return float((counts * np.log2(symbols.size / counts)).sum())


def _width(values: Integers) -> int:
    """Bits of the narrowest two's complement that holds every value."""
    return max(int(value ^ (value >> 63)).bit_length() for value in values.astype(np.int64)) + 1


def _pack(values: Integers, width: int) -> bytes:
    return np.packbits((values.astype(np.int64)[:, None] >> np.arange(width - 1, -1, -1)) & 1).tobytes()


def _unpack(data: memoryview, count: int, width: int, signed: bool = False) -> NDArray[np.int64]:
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    if bits[count * width :].any():
        raise FirebrickError("the bits after a part must be 0")
    values = bits[: count * width].reshape(count, width).astype(np.int64) @ (1 << np.arange(width - 1, -1, -1, dtype=np.int64))
    return values - (values >> (width - 1) << width if signed else 0)


def _take(data: memoryview, size: int) -> memoryview:
    if len(data) < size:
        raise FirebrickError("the file ends in the middle of it")
    return data[:size]
