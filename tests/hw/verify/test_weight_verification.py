# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Read-back verification of a recorded bitstream: what passes, what is found to differ, and what cannot be determined."""

from dataclasses import replace

import numpy as np
import pytest

from firebrick.hw.verify.device_descriptor import descriptor_from_record
from firebrick.hw.verify.weight_verification import verify_weights
from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.errors import FirebrickError
from firebrick.sw.link.identity import model_checksum
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Conv, GlobalAverage, Shape
from tests.helpers.recorded_bitstream import (
    ROM_BLOCK,
    TINY,
    changed,
    configuration,
    descriptor,
    exchanged,
    model,
    placed_descriptor,
    recorded,
    recorded_roms,
    verdicts,
)


def test_verification_reads_every_weight_out_of_block_ram_and_logic() -> None:
    report = verify_weights(configuration(), recorded_roms(), model())
    assert report["proven"]
    assert report["weights"] == report["weights_proven"] == sum(layer.codes.size for layer in model().layers.values())
    assert all(layer["equal"] == layer["weights"] for layer in report["layers"])
    assert sum(rom["block_bits"] for rom in report["roms"]) == 9 * 2048
    assert sum(rom["logic_bits"] for rom in report["roms"]) > 5000
    assert not [table for rom in report["roms"] for table in rom["tables"] if table["wrong"] or table["unknown"]]


@pytest.mark.parametrize("seed", range(6))
def test_verification_fails_with_a_wrong_bit_in_a_block_ram(seed: int) -> None:
    rng = np.random.default_rng(seed)
    index, bit = int(rng.integers(2040)), int(rng.integers(9))
    unit = recorded()["contents"][str(ROM_BLOCK)][index] ^ 1 << bit
    verdict = verdicts(verify_weights(configuration(units={index: unit}), recorded_roms(), model()))
    assert "different" in (verdict["fire2/expand1x1"], verdict["fire2/expand3x3"])
    assert {verdict["conv1"], verdict["fire2/squeeze1x1"], verdict["conv10"]} == {"proven"}


def test_verification_fails_with_wrong_look_up_tables() -> None:
    """Nearly every recorded look-up table decides about a value; the others only decide when the decoder moves to the next entry."""
    rng = np.random.default_rng(0)
    luts = recorded()["luts"]
    sample = [str(bel) for bel in rng.choice(sorted(luts), 24, replace=False)]
    failed = [bel for bel in sample if not verify_weights(configuration({bel: luts[bel] ^ 0xFFFF}), recorded_roms(), model())["proven"]]
    assert len(failed) >= 0.8 * len(sample)


def test_verification_finds_a_single_other_weight() -> None:
    layer = model().layers["fire2/squeeze1x1"]
    codes = layer.codes.copy()
    index = tuple(np.argwhere(codes != 0)[0])
    codes[index] = codes[index] % (len(layer.codebook) - 1) + 1
    report = verify_weights(configuration(), recorded_roms(), changed("fire2/squeeze1x1", codes=codes))
    assert verdicts(report) == {name: "different" if name == "fire2/squeeze1x1" else "proven" for name in model().layers}
    assert report["layers"][1]["reasons"] == ["1 of 64 weights differ"]


def test_verification_finds_other_biases_of_the_model() -> None:
    report = verify_weights(configuration(), recorded_roms(), changed("conv10", bias=model().layers["conv10"].bias + 1))
    assert verdicts(report) == {name: "different" if name == "conv10" else "proven" for name in model().layers}
    assert report["layers"][-1]["reasons"] == ["conv10 part 0 has other biases than the model"]
    assert not report["proven"]


def test_verification_finds_another_shift_of_the_model() -> None:
    """The biases make up for the rounding term of the other shift, so that sums start from the same values as before."""
    layer = model().layers["conv10"]
    shifted = changed("conv10", shift=layer.shift + 1)
    rounding = shifted.layers["conv10"].accumulator_init - layer.accumulator_init
    other = changed("conv10", shift=layer.shift + 1, bias=layer.bias - rounding)
    assert (other.layers["conv10"].accumulator_init == layer.accumulator_init).all()
    report = verify_weights(configuration(), recorded_roms(), other)
    assert verdicts(report) == {name: "different" if name == "conv10" else "proven" for name in model().layers}
    assert report["layers"][-1]["reasons"] == [f"conv10 part 0 shifts sums by {layer.shift}, the model by {layer.shift + 1}"]


def test_verification_finds_another_shape_of_a_layer() -> None:
    other = replace(TINY, stages=(Conv("conv1", 4, 3, stride=2), *TINY.stages[1:3], Conv("conv10", 6, 1), GlobalAverage("pool10")))
    report = verify_weights(configuration(), recorded_roms(), randomly_initialised(other, np.random.default_rng(0), density=0.5))
    assert report["layers"][-1]["reasons"] == ["its weights have shape (5, 64, 1, 1) in the build, (6, 64, 1, 1) in the model"]


def test_verification_says_what_is_unknown() -> None:
    blind = [replace(placed, gates={}) if placed.rom.engine == "conv10" else placed for placed in recorded_roms()]
    report = verify_weights(configuration(), blind, model())
    assert verdicts(report) == {name: "unknown" if name == "conv10" else "proven" for name in model().layers}
    assert not report["proven"]
    assert "conv10 part 0: ROM words in look-up tables" in report["layers"][-1]["reasons"]


def test_verification_says_which_tables_are_unknown() -> None:
    """All words of fire2/expand are read, but no signal of its decoder is in the ROM map."""
    blind = [replace(placed, targets={}) if placed.rom.engine == "fire2/expand" else placed for placed in recorded_roms()]
    report = verify_weights(configuration(), blind, model())
    unknown = ["fire2/expand1x1", "fire2/expand3x3"]
    assert verdicts(report) == {name: "unknown" if name in unknown else "proven" for name in model().layers}
    assert not report["proven"]
    tables = ["codes: code words", "zero runs: code words", "codebooks", "zero runs", "filter order", "biases"]
    assert all(layer["reasons"] == [f"fire2/expand part 0: {table}" for table in tables] for layer in report["layers"][2:4])


def test_verification_rejects_a_bitstream_of_another_build() -> None:
    with pytest.raises(FirebrickError, match="no block RAM in use at X6/Y25/EBR1: it is not of this build"):
        verify_weights(replace(configuration(), block_ram_ids={}), recorded_roms(), model())


def test_verification_finds_a_descriptor_of_another_model() -> None:
    stale = configuration(payload=replace(descriptor(), checksum=model_checksum(exchanged(7))).encode())
    report = verify_weights(stale, recorded_roms(), model(), placed_descriptor())
    assert set(verdicts(report).values()) == {"proven"}
    assert not report["proven"]
    assert "the device reports another model" in report["identity"]["reasons"][0]
    for payload in (bytes(8), replace(descriptor(), rows=17).encode(), replace(descriptor(), network="tony").encode()):
        assert not verify_weights(configuration(payload=payload), recorded_roms(), model(), placed_descriptor())["proven"]


def test_verification_finds_another_network_of_the_same_layers() -> None:
    wide = replace(TINY, input=Shape(3, 20, 16))
    other = Model(wide, model().layers, model().preprocessing, model().labels, model().score_scale)
    report = verify_weights(configuration(), recorded_roms(), other, placed_descriptor())
    assert set(verdicts(report).values()) == {"proven"}
    assert not report["proven"]
    assert "the engines were built for another network than the model's" in report["identity"]["reasons"]


def test_verification_leaves_out_a_descriptor_in_logic() -> None:
    report = verify_weights(configuration(), recorded_roms(), model(), descriptor_from_record(recorded()["record"]))
    assert report["proven"]
    assert report["identity"] is None
