# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Checks of what a weight decoder keeps in logic: each table is evaluated case by case and compared with the one used for decoding.

========================================  ================================  ===================================
check, as reports call it                 given signals                     compared with the expected
========================================  ================================  ===================================
codes: code words, zero runs: code words  window, offset                    symbol, next offset
codebooks                                 symbol, filter type               centroid
zero runs                                 zero run's symbol, position 0     next position within the tap
filter order                              last position of each group       first position of the next group
initial position                          none: values after configuration  position of the last entry
biases                                    filter                            bias and rounding term
========================================  ================================  ===================================

Together with the ROM words these tables determine every weight, its position, and what its sum starts from. Signals are named by the
keys of `SOURCE_SIGNALS` and `TARGET_SIGNALS`.
"""

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
"""Seed of the random bits around a code word, which must not change how it is decoded."""


@dataclass(frozen=True)
class TableCheck:
    """The result of checking one table."""

    table: str
    cases: int
    wrong: int
    """Number of cases in which the logic gives another value than expected."""
    unknown: bool = False
    """The value depends on gates that the ROM map does not contain, so nothing can be said."""


def read_lut_bank(placed: PlacedRom, bank: PlacedBank, memory: ConfigurationMemory) -> tuple[int, ...] | None:
    """The words of a ROM bank in look-up tables, evaluated for each of its addresses; None if they cannot be determined."""
    addresses = bank.first - bank.address_offset + np.arange(bank.count)
    cone = ConeEvaluator(placed.gates, memory, _bits(bank.address_nets, addresses), bank.count)
    words = cone.word(bank.data_nets) if bank.data_nets else None
    return None if words is None else tuple(words.tolist())


def check_tables(placed: PlacedRom, memory: ConfigurationMemory) -> Iterator[TableCheck]:
    """Check every table that the decoder of one partition has in logic."""
    weights = placed.rom.weights
    yield _check_code_words(placed, "codes", "codes", weights.codes, memory)
    if weights.zero_runs is not None:
        yield _check_code_words(placed, "zero runs", "gaps", weights.zero_runs, memory)
    yield _check_codebooks(placed, memory)
    yield _check_zero_runs(placed, memory)
    yield _check_filter_order(placed, memory)
    yield _check_initial_position(placed)
    yield _check_accumulator_init(placed, memory)


def _check_code_words(placed: PlacedRom, name: str, decoder: str, stream: HuffmanStream, memory: ConfigurationMemory) -> TableCheck:
    """Each code word at each offset of the window gives its symbol, and the offset behind it.

    The window of the Huffman decoder is two ROM words, most significant bit first, with random bits around the code word::

        |<-- current: width bits --->|<- following: width bits -->|
        |<- offset ->|<- code word ->|<--------- behind --------->|
    """
    width, code = stream.width, CanonicalCode(stream.lengths)
    symbols, offsets = (grid.reshape(-1) for grid in np.meshgrid(np.arange(len(stream.lengths)), np.arange(width), indexing="ij"))
    lengths, code_words = np.array(stream.lengths, np.int64)[symbols], np.array(code.words, np.int64)[symbols]
    behind = 2 * width - offsets - lengths
    noise = np.random.default_rng(NOISE_SEED).integers(0, 1 << 2 * width, len(symbols))
    window = noise & ~(((1 << lengths) - 1) << behind) | code_words << behind
    signals = {f"{decoder}.current": window >> width, f"{decoder}.following": window & (1 << width) - 1}
    signals |= {f"{decoder}.offset": 1 << offsets}  # one-hot
    # The decoder holds two valid words, is not at the end of the stream, and its output is free: it takes the code word.
    signals |= _constant(len(symbols), {f"{decoder}.current_valid": 1, f"{decoder}.following_valid": 1})
    signals |= _constant(len(symbols), {f"{decoder}.skip": 0, f"{decoder}.taken": 0, f"{decoder}.full": 0})
    symbol = _evaluate(placed, memory, signals, f"{decoder}.rank")
    next_offset = _evaluate(placed, memory, signals, f"{decoder}.offset", next_state=True)
    results = [(next_offset, 1 << (offsets + lengths) % width)]
    if len(stream.lengths) > 1:  # the only symbol of a stream needs no logic
        results.append((symbol, symbols))
    return _compare(f"{name}: code words", results)


def _check_codebooks(placed: PlacedRom, memory: ConfigurationMemory) -> TableCheck:
    """Each symbol of each filter type gives its centroid."""
    codebooks = placed.rom.weights.codebooks
    symbols = np.concatenate([np.arange(len(codebook)) for codebook in codebooks])
    types = np.repeat(np.arange(len(codebooks)), [len(codebook) for codebook in codebooks])
    signals = {"held.rank": symbols, "held.kind": types} | _advancing(len(symbols))
    centroids = _evaluate(placed, memory, signals, "centroid", signed=True)
    return _compare("codebooks", [(centroids, np.concatenate([np.array(codebook) for codebook in codebooks]))])


def _check_zero_runs(placed: PlacedRom, memory: ConfigurationMemory) -> TableCheck:
    """From position 0 of a tap, a run of n zeros leads to position n + 1, modulo the positions of a tap."""
    weights = placed.rom.weights
    if weights.inner == 1:  # every position is 0; the filter order check covers the steps from tap to tap
        return TableCheck("zero runs", 0, 0)
    runs = np.array(weights.run_lengths if weights.zero_runs is not None else (0,), np.int64)
    signals = {"gaps.rank": np.arange(len(runs))} | _constant(len(runs), {"held.inner": 0, "held.tap": 0, "held.group": 0, "held.kind": 0})
    position = _evaluate(placed, memory, signals | _advancing(len(runs)), "held.inner", next_state=True)
    return _compare("zero runs", [(position, (runs + 1) % weights.inner)])


def _check_filter_order(placed: PlacedRom, memory: ConfigurationMemory) -> TableCheck:
    """A step from the end of each group leads to the first position of the next group, and from the last group to group 0."""
    weights = placed.rom.weights
    groups, types = np.arange(weights.groups), np.array(weights.filter_types, np.int64)
    # The most frequent zero run, symbol 0, is applied to the one position from which it steps exactly one past the end.
    run = weights.run_lengths[0] if weights.zero_runs is not None else 0
    last_tap = np.where(types == 1, weights.taps // 2, weights.taps - 1)
    last_inner = np.full(len(groups), weights.inner - 1 - run)
    signals = {"held.group": groups, "held.kind": types, "held.tap": last_tap, "held.inner": last_inner}
    signals |= {"gaps.rank": np.zeros_like(groups)} | _advancing(len(groups))
    next_types = np.roll(types, -1)
    # A register that can only ever have one value needs no logic and is not compared.
    expected = {
        "held.inner": (weights.inner > 1, np.zeros_like(groups)),
        "held.tap": (weights.taps > 1, np.where(next_types == 1, weights.taps // 2, 0)),
        "held.group": (weights.groups > 1, (groups + 1) % weights.groups),
        "held.kind": (len(set(weights.filter_types)) > 1, next_types),
    }
    results = [
        (_evaluate(placed, memory, signals, name, next_state=True), values) for name, (compared, values) in expected.items() if compared
    ]
    return _compare("filter order", results)


def _check_initial_position(placed: PlacedRom) -> TableCheck:
    """After configuration the position registers hold the position of the last entry, from which the first entry is counted.

    The values come from the flip-flops of the routed netlist; a case is one bit.
    """
    weights = placed.rom.weights
    expected = {"held.inner": weights.last[1], "held.tap": weights.last[0], "held.group": weights.groups - 1}
    bits = [(net, value >> index & 1) for name, value in expected.items() for index, net in enumerate(placed.targets.get(name, ()))]
    flip_flops = [(placed.gates[net], bit) for net, bit in bits if net in placed.gates]
    return TableCheck("initial position", len(flip_flops), sum(gate.option != bit for gate, bit in flip_flops))


def _check_accumulator_init(placed: PlacedRom, memory: ConfigurationMemory) -> TableCheck:
    """Each filter's sum starts from its bias and rounding term."""
    expected = np.array(placed.rom.accumulator_init, np.int64)
    values = _evaluate(placed, memory, {"filter": np.arange(len(expected))}, "start", signed=True)
    return _compare("biases", [(values, expected)])


def _advancing(cases: int) -> dict[str, NDArray[np.int64]]:
    """Both input streams have an entry and the output is free, so the decoder moves to the next entry."""
    return _constant(cases, {"ranks.valid": 1, "steps.valid": 1, "steps.taken": 0, "output.valid": 0})


def _constant(cases: int, signals: dict[str, int]) -> dict[str, NDArray[np.int64]]:
    return {name: np.full(cases, value) for name, value in signals.items()}


def _evaluate(
    placed: PlacedRom,
    memory: ConfigurationMemory,
    signals: dict[str, NDArray[np.int64]],
    target: str,
    *,
    next_state: bool = False,
    signed: bool = False,
) -> NDArray[np.int64] | None:
    """The value of ``target`` for given values of other signals, one case for each value; None if it cannot be determined."""
    if target not in placed.targets:
        return None
    known = {net: bit for name, values in signals.items() for net, bit in _bits(placed.sources.get(name, ()), values).items()}
    cone = ConeEvaluator(placed.gates, memory, known, len(next(iter(signals.values()))))
    return cone.word(placed.targets[target], next_state=next_state, signed=signed)


def _bits(nets: Sequence[int], values: NDArray[np.int64]) -> dict[int, NDArray[np.bool_]]:
    """The value of each net of a signal. The constant nets 0 and 1 are left out: synthesis may have tied a bit to one."""
    return {net: (values >> index & 1).astype(np.bool_) for index, net in enumerate(nets) if net > 1}


def _compare(table: str, results: Sequence[tuple[NDArray[np.int64] | None, NDArray[np.int64]]]) -> TableCheck:
    """Count the cases in which any of the evaluated signals differs from its expected values."""
    cases = max((len(expected) for _, expected in results), default=0)
    wrong = np.zeros(cases, np.bool_)
    for values, expected in results:
        if values is None:
            return TableCheck(table, cases, 0, unknown=True)
        wrong |= values != expected
    return TableCheck(table, cases, int(wrong.sum()))
