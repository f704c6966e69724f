# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What stands in logic beside a weight ROM, held against what its words are decoded with: each table, case by case."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...sw.coding.huffman import CanonicalCode
from ...sw.coding.streams import HuffmanStream
from .block_ram import PlacedBank
from .logic_cones import ConeEvaluator, ConfigurationMemory
from .rom_map import PlacedRom

NOISE_SEED = 1
"""Of the bits round a code word, which must not matter."""


@dataclass(frozen=True)
class TableCheck:
    """One table in logic."""

    table: str
    cases: int
    wrong: int
    """Cases in which logic gives something else."""
    unknown: bool = False
    """What it gives cannot be told from the gates that the build has kept."""


def read_lut_bank(placed: PlacedRom, bank: PlacedBank, chip: ConfigurationMemory) -> tuple[int, ...] | None:
    """The words of a bank in logic, as its look-up tables give them; None where that cannot be told."""
    addresses = bank.first + np.arange(bank.count)
    logic = ConeEvaluator(placed.gates, chip, _bits(bank.address_nets, addresses), bank.count)
    words = logic.word(bank.data_nets) if bank.data_nets else None
    return None if words is None else tuple(words.tolist())


def check_tables(placed: PlacedRom, chip: ConfigurationMemory) -> Iterator[TableCheck]:
    """Every table in logic of a part: code words, gaps, codebooks, the order of positions, and the start values of sums."""
    weights = placed.rom.weights
    yield _code(placed, "codes", weights.codes, chip)
    if weights.zero_runs is not None:
        yield _code(placed, "gaps", weights.zero_runs, chip)
    yield _codebooks(placed, chip)
    yield _gaps(placed, chip)
    yield _groups(placed, chip)
    yield _begin(placed)
    yield _starts(placed, chip)


def _code(placed: PlacedRom, stream: str, encoded: HuffmanStream, chip: ConfigurationMemory) -> TableCheck:
    """Each code word at each offset gives its rank and the offset behind it."""
    width, code = encoded.width, CanonicalCode(encoded.lengths)
    ranks, offsets = (grid.reshape(-1) for grid in np.meshgrid(np.arange(len(encoded.lengths)), np.arange(width), indexing="ij"))
    lengths, words = np.array(encoded.lengths, np.int64)[ranks], np.array(code.words, np.int64)[ranks]
    above = 2 * width - offsets - lengths  # bits of the window behind the word
    noise = np.random.default_rng(NOISE_SEED).integers(0, 1 << 2 * width, len(ranks))
    window = noise & ~(((1 << lengths) - 1) << above) | words << above
    signals = {f"{stream}.current": window >> width, f"{stream}.following": window & (1 << width) - 1, f"{stream}.offset": 1 << offsets}
    signals |= _constant(len(ranks), {f"{stream}.current_valid": 1, f"{stream}.following_valid": 1})
    signals |= _constant(len(ranks), {f"{stream}.skip": 0, f"{stream}.taken": 0, f"{stream}.full": 0})
    rank = _read(placed, chip, signals, f"{stream}.rank")
    after = _read(placed, chip, signals, f"{stream}.offset", after=True)
    expected = [(after, 1 << (offsets + lengths) % width)]
    return _compare(f"{stream}: code words", [*expected, (rank, ranks)] if len(encoded.lengths) > 1 else expected)


def _codebooks(placed: PlacedRom, chip: ConfigurationMemory) -> TableCheck:
    """Each rank of each kind gives its centroid."""
    books = placed.rom.weights.codebooks
    ranks = np.concatenate([np.arange(len(book)) for book in books])
    kinds = np.repeat(np.arange(len(books)), [len(book) for book in books])
    found = _read(placed, chip, {"held.rank": ranks, "held.kind": kinds} | _ready(len(ranks)), "centroid", signed=True)
    return _compare("codebooks", [(found, np.concatenate([np.array(book) for book in books]))])


def _gaps(placed: PlacedRom, chip: ConfigurationMemory) -> TableCheck:
    """From place 0 of a tap, each gap leads to the place behind it."""
    weights = placed.rom.weights
    gaps = np.array(weights.run_lengths if weights.zero_runs is not None else (0,), np.int64)
    nothing = np.zeros(len(gaps), np.int64)
    signals = {"gaps.rank": np.arange(len(gaps)), "held.inner": nothing, "held.tap": nothing, "held.group": nothing, "held.kind": nothing}
    if weights.inner == 1:
        return TableCheck("gaps", 0, 0)
    found = _read(placed, chip, signals | _ready(len(gaps)), "held.inner", after=True)
    return _compare("gaps", [(found, (gaps + 1) % weights.inner)])


def _groups(placed: PlacedRom, chip: ConfigurationMemory) -> TableCheck:
    """Behind the last place of each group comes the first one of the next."""
    weights = placed.rom.weights
    groups, kinds = np.arange(weights.groups), np.array(weights.filter_types, np.int64)
    gap = weights.run_lengths[0] if weights.zero_runs is not None else 0
    last = np.where(kinds == 1, weights.taps // 2, weights.taps - 1)
    place = np.full(len(groups), weights.inner - 1 - gap)
    signals = {"held.group": groups, "held.kind": kinds, "held.tap": last, "held.inner": place, "gaps.rank": np.zeros_like(groups)}
    signals |= _ready(len(groups))
    following = np.roll(kinds, -1)
    wanted = {
        "held.inner": (weights.inner > 1, np.zeros_like(groups)),
        "held.tap": (weights.taps > 1, np.where(following == 1, weights.taps // 2, 0)),
        "held.group": (weights.groups > 1, (groups + 1) % weights.groups),
        "held.kind": (len(set(weights.filter_types)) > 1, following),
    }
    found = [(_read(placed, chip, signals, name, after=True), one) for name, (there, one) in wanted.items() if there]
    return _compare("order of filters", found)


def _begin(placed: PlacedRom) -> TableCheck:
    """What is held in the beginning is the place of the last entry."""
    weights = placed.rom.weights
    wanted = {"held.inner": weights.last[1], "held.tap": weights.last[0], "held.group": weights.groups - 1}
    found = [(name, placed.targets[name], value) for name, value in wanted.items() if name in placed.targets]
    known = [(net, value >> place & 1) for _, nets, value in found for place, net in enumerate(nets) if net in placed.gates]
    return TableCheck("first place", len(known), sum(placed.gates[net].option != bit for net, bit in known))


def _starts(placed: PlacedRom, chip: ConfigurationMemory) -> TableCheck:
    """Each filter's sum starts from its bias and rounding term."""
    starts = np.array(placed.rom.accumulator_init, np.int64)
    found = _read(placed, chip, {"filter": np.arange(len(starts))}, "start", signed=True)
    return _compare("biases", [(found, starts)])


def _ready(cases: int) -> dict[str, NDArray[np.int64]]:
    """The signals that make the decoder go on."""
    return _constant(cases, {"ranks.valid": 1, "steps.valid": 1, "steps.taken": 0, "output.valid": 0})


def _constant(cases: int, signals: dict[str, int]) -> dict[str, NDArray[np.int64]]:
    return {name: np.full(cases, value) for name, value in signals.items()}


def _read(
    placed: PlacedRom,
    chip: ConfigurationMemory,
    signals: dict[str, NDArray[np.int64]],
    target: str,
    *,
    after: bool = False,
    signed: bool = False,
) -> NDArray[np.int64] | None:
    """What a signal is where others are given, one case for each of their values; None where that cannot be told."""
    if target not in placed.targets:
        return None
    known = {net: held for name, values in signals.items() for net, held in _bits(placed.sources.get(name, ()), values).items()}
    logic = ConeEvaluator(placed.gates, chip, known, len(next(iter(signals.values()))))
    return logic.word(placed.targets[target], after=after, signed=signed)


def _bits(nets: Sequence[int], values: NDArray[np.int64]) -> dict[int, NDArray[np.bool_]]:
    """The value of each net, but for constant ones."""
    return {net: (values >> place & 1).astype(np.bool_) for place, net in enumerate(nets) if net > 1}


def _compare(table: str, found: Sequence[tuple[NDArray[np.int64] | None, NDArray[np.int64]]]) -> TableCheck:
    cases = max((len(wanted) for _, wanted in found), default=0)
    if any(one is None for one, _ in found):
        return TableCheck(table, cases, 0, unknown=True)
    wrong = np.zeros(cases, np.bool_)
    for one, wanted in found:
        wrong |= one != wanted
    return TableCheck(table, cases, int(wrong.sum()))
