# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Weight reload of a recorded bitstream: what it changes, and which models it rejects."""

from dataclasses import replace

import numpy as np
import pytest

from firebrick.hw.verify.device_descriptor import descriptor_from_record
from firebrick.hw.verify.ecp5_bitstream import parse_configuration
from firebrick.hw.verify.weight_reload import reload_weights
from firebrick.hw.verify.weight_verification import verify_weights
from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.errors import FirebrickError
from firebrick.sw.link.identity import architecture_hash, decode_descriptor, model_checksum
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import LinearConv, Shape
from tests.helpers.recorded_bitstream import (
    DESCRIPTOR_BLOCK,
    TINY,
    changed,
    configuration,
    descriptor,
    exchanged,
    model,
    placed_descriptor,
    recorded,
    recorded_roms,
)


def test_reloaded_weights_are_verified() -> None:
    other = exchanged(7)
    reloaded = parse_configuration(reload_weights(configuration(), recorded_roms(), other, placed_descriptor()))
    assert verify_weights(reloaded, recorded_roms(), other, placed_descriptor())["proven"]
    assert not verify_weights(reloaded, recorded_roms(), model(), placed_descriptor())["proven"]
    assert reloaded.luts == configuration().luts
    back = parse_configuration(reload_weights(reloaded, recorded_roms(), model(), placed_descriptor()))
    assert back.text == configuration().text


@pytest.mark.parametrize("name", [TINY.name, "", "a name that is longer", "\u00e9\u00e9\u00e9"])
def test_reloaded_bitstream_reports_the_new_model(name: str) -> None:
    other = replace(exchanged(7), network=replace(TINY, name=name))
    reloaded = parse_configuration(reload_weights(configuration(), recorded_roms(), other, placed_descriptor()))
    payload = bytes(reloaded.block_rams[DESCRIPTOR_BLOCK][: placed_descriptor().bank.count])
    reported = decode_descriptor(payload)
    assert len(payload) == len(descriptor().encode())
    assert reported.checksum == model_checksum(other)
    assert name.startswith(reported.network)
    assert replace(reported, checksum=descriptor().checksum, network=TINY.name) == descriptor()
    report = verify_weights(reloaded, recorded_roms(), other, placed_descriptor())
    assert report["proven"]
    assert report["identity"]["checksum"] == model_checksum(other).hex()


def test_reload_of_the_same_model_changes_nothing() -> None:
    assert reload_weights(configuration(), recorded_roms(), model(), placed_descriptor()) == configuration().text


def test_reload_rejects_a_bitstream_whose_descriptor_is_in_logic() -> None:
    with pytest.raises(FirebrickError, match=r"its device descriptor is in logic; build it with --swappable"):
        reload_weights(configuration(), recorded_roms(), model(), descriptor_from_record(recorded()["record"]))


def test_reload_rejects_another_network_of_the_same_layers() -> None:
    wide = replace(TINY, input=Shape(3, 20, 16))
    other = Model(wide, model().layers, model().preprocessing, model().labels, model().score_scale)
    with pytest.raises(FirebrickError, match=r"was built for another network; build a bitstream for the model"):
        reload_weights(configuration(), recorded_roms(), other, placed_descriptor())


def test_reload_rejects_another_zero_point_of_scores() -> None:
    signed = replace(TINY, stages=(*TINY.stages[:-2], LinearConv("conv10", 5, 1), TINY.stages[-1]))
    built = replace(model(), network=signed, zero_point=70)
    placed = replace(placed_descriptor(), architecture=architecture_hash(signed, 70))
    reload_weights(configuration(), recorded_roms(), built, placed)
    with pytest.raises(FirebrickError, match=r"was built for another network, or another zero point of its scores"):
        reload_weights(configuration(), recorded_roms(), replace(built, zero_point=71), placed)


def test_reload_rejects_models_that_need_other_logic() -> None:
    expand = model().layers["fire2/expand3x3"]
    more = expand.codes.copy()
    more.reshape(-1)[np.flatnonzero(more == 0)[:3]] = 1
    large = np.where(expand.codes == 0, expand.codes, np.uint8(np.abs(expand.codebook).argmax()))
    other = np.where(expand.codebook == expand.codebook[expand.codes.max()], expand.codebook + 1, expand.codebook)
    cases = {
        "biases differ, and they are in logic": changed("conv10", bias=model().layers["conv10"].bias + 1),
        "the model shifts sums by": changed("conv10", shift=model().layers["conv10"].shift + 1),
        "nonzero where the decoder skips": changed("fire2/expand3x3", codes=more),
        "sums need more than 22 bits": changed("fire2/expand3x3", codes=large),
        "is not in its codebook": changed("fire2/expand3x3", codebook=other.astype(np.int32)),
        "its layers or their shapes are different": randomly_initialised(replace(TINY, input=Shape(4, 16, 16)), np.random.default_rng(0)),
    }
    for reason, misfit in cases.items():
        with pytest.raises(FirebrickError, match=reason) as caught:
            reload_weights(configuration(), recorded_roms(), misfit, placed_descriptor())
        assert "build" in str(caught.value)


def test_reload_rejects_other_words_in_look_up_tables() -> None:
    codes = model().layers["conv10"].codes.copy()
    first, second = np.flatnonzero(codes.reshape(-1))[[0, 5]]
    codes.reshape(-1)[[first, second]] = codes.reshape(-1)[[second, first]]
    with pytest.raises(FirebrickError, match=r"ROM words of conv10 part 0 are in look-up tables; build it with --swappable"):
        reload_weights(configuration(), recorded_roms(), changed("conv10", codes=codes), placed_descriptor())
