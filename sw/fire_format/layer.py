# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""One layer of a `.fire` file: codebook and biases in the fewest bits, codes and zero runs Huffman coded.

The coding is that of Deep Compression (arXiv:1510.00149, Sections 2 to 4). A sparse layer is a list of weight entries in the order (filter,
input channel, kernel row, kernel column). An entry is a code and a zero run: the number of zero weights before it. A run too long for its
alphabet is split by padding zeros, entries of code 0 with the longest run. Zeros after the last entry are implied.

    weights     0 0 5 0 0 0 0 7 0     with runs of 2 bits (0..3)
    entries     (run 2, code of 5)  (run 3, padding zero)  (run 0, code of 7)

A dense layer has a code for each weight, zeros included, and no runs. The writer takes whichever is smallest: dense, or one of the
eight run alphabets.

Layout, little-endian: HEADER; then five parts, each of whole bytes, most significant bit first, filled up with 0 bits: centroids 1 and
up, biases (both in two's complement), 4-bit Huffman code lengths of all codes and then of all runs, codes, runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from struct import Struct

import numpy as np
from numpy.typing import NDArray

from ..coding.huffman import CanonicalCode, code_lengths
from ..errors import FirebrickError
from ..model.quantized import CENTROID_BITS, QuantizedLayer
from ..network.graph import Layer

CODE_WORD_MAX = 12
"""Maximum length of a Huffman code word in bits."""
RUN_BITS_MAX = 8
"""Maximum width of a zero run before Huffman coding."""

HEADER = Struct("<5B3I")
"""Codebook index bits; shift; centroid bits; bias bits; run bits r (alphabet 0..2^r - 1; 0 for a dense layer); entries; bytes of codes;
bytes of runs."""
_LENGTH_BITS = 4
"""Width of a code length in the tables; CODE_WORD_MAX fits."""

Integers = NDArray[np.integer]


@dataclass(frozen=True)
class EncodedLayer:
    """A layer's bytes, part by part, and how its weights were coded."""

    header: bytes
    codebook: bytes
    biases: bytes
    tables: bytes
    """Huffman code lengths."""
    codes: bytes
    zero_runs: bytes
    entries: int
    """Number of symbols in the stream of codes, and in the stream of runs where there is one."""
    run_bits: int
    """Width of a zero run before Huffman coding; 0 for a dense layer."""
    entropy_bits: float
    """Entries times the entropy of codes and of runs: a lower bound for every symbol-by-symbol code of these streams."""

    @property
    def data(self) -> bytes:
        """The layer's bytes in the file."""
        return self.header + self.codebook + self.biases + self.tables + self.codes + self.zero_runs


def encode_layer(layer: QuantizedLayer) -> EncodedLayer:
    """The layer in the coding with the fewest bits; of equal ones the smaller run alphabet wins, and a dense layer before all."""
    flat = layer.codes.ravel()
    bias_bits, centroid_bits = _signed_width(layer.bias), _signed_width(layer.codebook)
    coding = _smallest_coding(layer)
    codes, runs = _entries(flat, coding.run_bits) if coding.run_bits else (flat, np.empty(0, np.int64))
    code_stream, run_stream = (_huffman(symbols, lengths) for symbols, lengths in zip((codes, runs), coding.lengths, strict=True))
    return EncodedLayer(
        HEADER.pack(layer.bits, layer.shift, centroid_bits, bias_bits, coding.run_bits, codes.size, len(code_stream), len(run_stream)),
        codebook=_pack(layer.codebook[1:], centroid_bits),
        biases=_pack(layer.bias, bias_bits),
        tables=_pack(np.array(sum(coding.lengths, ())), _LENGTH_BITS),
        codes=code_stream,
        zero_runs=run_stream,
        entries=codes.size,
        run_bits=coding.run_bits,
        entropy_bits=_entropy_bits(codes) + _entropy_bits(runs),
    )


def encoded_size(layer: QuantizedLayer) -> int:
    """Size of the layer in the file in bytes, computed without encoding it."""
    coding = _smallest_coding(layer)
    bits_of_parts = (
        (len(layer.codebook) - 1) * _signed_width(layer.codebook),
        len(layer.bias) * _signed_width(layer.bias),
        _LENGTH_BITS * coding.symbols,
        *coding.stream_bits,
    )
    return HEADER.size + sum(-(-bits // 8) for bits in bits_of_parts)


def decode_layer(data: memoryview, layer: Layer) -> tuple[QuantizedLayer, memoryview]:
    """The layer at the start of ``data``, and the bytes after it; raises FirebrickError when it is damaged or not of ``layer``'s shape.

    Every number in the header is bounded before anything is allocated.
    """
    bits, shift, centroid_bits, bias_bits, run_bits, entries, code_bytes, run_bytes = HEADER.unpack(_take(data, HEADER.size))
    for name, value, lowest, highest in (
        ("codebook bits", bits, 1, 8),
        ("centroid bits", centroid_bits, 1, CENTROID_BITS),
        ("bias bits", bias_bits, 1, 32),
        ("run bits", run_bits, 0, RUN_BITS_MAX),
        ("entries", entries, 0 if run_bits else layer.weights, layer.weights),
    ):
        if not lowest <= value <= highest:
            raise FirebrickError(f"{name} must be {f'{lowest} to ' * (lowest < highest)}{highest}, not {value}")
    alphabets = (1 << bits) + (1 << run_bits if run_bits else 0)
    arrays = ((1 << bits) - 1, centroid_bits), (layer.conv.filters, bias_bits), (alphabets, _LENGTH_BITS)  # count and width of each
    rest = data[HEADER.size :]
    parts = []
    for size in [(count * width + 7) // 8 for count, width in arrays] + [code_bytes, run_bytes]:
        parts.append(_take(rest, size))
        rest = rest[size:]
    centroids, biases = (_unpack(part, *array, signed=True) for part, array in zip(parts, arrays[:2], strict=False))
    lengths = tuple(_unpack(parts[2], *arrays[2]).tolist())
    flat = np.zeros(layer.weights, np.uint8)
    codes = _decode(parts[3], lengths[: 1 << bits], entries, "codes")
    if run_bits:
        runs = _decode(parts[4], lengths[1 << bits :], entries, "zero runs")
        positions = np.cumsum(runs.astype(np.int64) + 1) - 1
        if entries and positions[-1] >= layer.weights:
            raise FirebrickError(f"zero runs lead past the last of {layer.weights} weights")
        flat[positions] = codes
    elif run_bytes:
        raise FirebrickError("a dense layer must not have zero runs")
    else:
        flat[:] = codes
    codebook = np.concatenate([[0], centroids]).astype(np.int32)
    return QuantizedLayer(flat.reshape(layer.weight_shape), codebook, biases, shift), rest


@dataclass(frozen=True)
class _LayerCoding:
    """A way to turn a layer's weights into symbols: dense, or sparse with one alphabet of zero runs."""

    run_bits: int
    counts: tuple[Integers, Integers]
    """How often each code and each run occurs."""

    @cached_property
    def lengths(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Code word lengths of codes and of runs."""
        codes, runs = self.counts
        return code_lengths(codes, CODE_WORD_MAX), code_lengths(runs, CODE_WORD_MAX)

    @property
    def symbols(self) -> int:
        """Size of both alphabets together."""
        return sum(map(len, self.counts))

    @property
    def stream_bits(self) -> tuple[int, int]:
        """Size in bits of the streams of codes and of runs."""
        codes, runs = (int(counts @ np.array(lengths, np.int64)) for counts, lengths in zip(self.counts, self.lengths, strict=True))
        return codes, runs

    @property
    def total_bits(self) -> int:
        """Size in bits of streams and tables."""
        return sum(self.stream_bits) + _LENGTH_BITS * self.symbols


def _smallest_coding(layer: QuantizedLayer) -> _LayerCoding:
    """The coding whose streams and tables take the fewest bits."""
    return min(_codings(layer), key=lambda coding: coding.total_bits)


def _codings(layer: QuantizedLayer) -> Iterator[_LayerCoding]:
    """The dense coding, then the sparse ones from the smallest run alphabet up."""
    flat = layer.codes.ravel()
    positions = np.flatnonzero(flat)
    codes = np.bincount(flat[positions], minlength=1 << layer.bits)
    yield _LayerCoding(0, (_with_zeros(codes, flat.size - positions.size), np.empty(0, np.int64)))
    run_counts = np.bincount(np.diff(positions, prepend=-1) - 1)
    for run_bits in range(1, RUN_BITS_MAX + 1):
        # Row r of the folded counts has the runs that need r padding zeros; each of those takes up 2^run_bits weights.
        folded = np.pad(run_counts, (0, -len(run_counts) % (1 << run_bits))).reshape(-1, 1 << run_bits)
        padding_zeros = int(folded.sum(axis=1) @ np.arange(len(folded)))
        runs = folded.sum(axis=0)
        runs[-1] += padding_zeros
        yield _LayerCoding(run_bits, (_with_zeros(codes, padding_zeros), runs))
        if not padding_zeros:
            break  # a larger alphabet would only add symbols that never occur


def _with_zeros(codes: Integers, zeros: int) -> Integers:
    """Counts of codes, that of code 0 set to ``zeros``."""
    return np.concatenate([[zeros], codes[1:]])


def _entries(flat: NDArray[np.uint8], run_bits: int) -> tuple[Integers, Integers]:
    """Codes and runs of a sparse layer's entries, padding zeros included."""
    positions = np.flatnonzero(flat)
    run_lengths = np.diff(positions, prepend=-1) - 1
    padding_zeros = run_lengths >> run_bits
    nonzero_entries = np.cumsum(padding_zeros + 1) - 1  # each non-zero weight comes after its padding zeros
    codes = np.zeros(positions.size + int(padding_zeros.sum()), np.uint8)
    runs = np.full(codes.size, (1 << run_bits) - 1, np.int64)
    codes[nonzero_entries] = flat[positions]
    runs[nonzero_entries] = run_lengths - (padding_zeros << run_bits)
    return codes, runs


def _huffman(symbols: Integers, lengths: tuple[int, ...]) -> bytes:
    return np.packbits(CanonicalCode(lengths).encode(symbols)).tobytes()


def _decode(data: memoryview, lengths: tuple[int, ...], count: int, what: str) -> NDArray[np.uint16]:
    """Symbols of a Huffman stream, which must fill its bytes exactly; ``what`` is for messages."""
    if max(lengths) > CODE_WORD_MAX:
        raise FirebrickError(f"{what}: Huffman words must have at most {CODE_WORD_MAX} bits, not {max(lengths)}")
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
    """Number of symbols times their entropy in bits."""
    if not symbols.size:
        return 0.0
    counts = np.bincount(symbols)
    counts = counts[counts > 0]
    return float((counts * np.log2(symbols.size / counts)).sum())


def _signed_width(values: Integers) -> int:
    """Bits of the narrowest two's complement that holds every value."""
    return max(int(value ^ (value >> 63)).bit_length() for value in values.astype(np.int64)) + 1


def _pack(values: Integers, width: int) -> bytes:
    """Values of ``width`` bits one after the other, most significant bit first."""
    return np.packbits((values.astype(np.int64)[:, None] >> np.arange(width - 1, -1, -1)) & 1).tobytes()


def _unpack(data: memoryview, count: int, width: int, signed: bool = False) -> NDArray[np.int64]:
    """The inverse of `_pack`; raises FirebrickError unless the bits after the last value are 0."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    if bits[count * width :].any():
        raise FirebrickError("the bits after a part must be 0")
    values = bits[: count * width].reshape(count, width).astype(np.int64) @ (1 << np.arange(width - 1, -1, -1, dtype=np.int64))
    return values - (values >> (width - 1) << width if signed else 0)


def _take(data: memoryview, size: int) -> memoryview:
    if len(data) < size:
        raise FirebrickError("the file ends in the middle of it")
    return data[:size]
