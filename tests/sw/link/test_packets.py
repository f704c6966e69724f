# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Packets and device descriptors: decoding inverts encoding, and accepts nothing else.

The tests that mention a CRC or a layout compute it with zlib and from docs/protocol.md, not with the code under test.
"""

import re
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.errors import FirebrickError
from firebrick.sw.link.identity import DeviceDescriptor, architecture_hash, decode_descriptor, describe_device, model_checksum
from firebrick.sw.link.packets import (
    BUFFER_BYTES,
    COUNTER_NAMES,
    CRC,
    INITIAL_WINDOW,
    MAX_PAYLOAD,
    MAX_REPLY_PAYLOAD,
    Packet,
    PacketDecoder,
    PacketKind,
    decode_packet,
)
from tests.helpers.paths import ROOT
from tests.helpers.random_models import random_model

WORDS = st.integers(0, 0xFFFF)
PACKETS = st.builds(Packet, st.integers(0, 255), WORDS, WORDS, st.binary(max_size=600) | st.integers(0, 1100).map(bytes))
DESCRIPTOR = DeviceDescriptor(3, 224, 224, 1000, 2, 60_000_000, 320, 950_000, bytes(range(16)), "squeezenet1_1")


@given(PACKETS)
def test_packet_is_decoded_as_it_was_encoded(packet: Packet) -> None:
    wire = packet.encode()
    assert wire.count(0) == 1
    assert wire[-1] == 0
    assert decode_packet(wire[:-1]) == packet


@given(st.lists(PACKETS, max_size=5), st.integers(1, 50), st.binary(max_size=50).map(lambda junk: junk.replace(b"\0", b"\1") + b"\0"))
def test_decoder_finds_packets_for_any_partition_of_the_bytes_and_any_noise_between(packets: list[Packet], step: int, junk: bytes) -> None:
    wire = junk + b"\0\0".join(packet.encode() + junk for packet in packets)
    decoder = PacketDecoder()
    decoded = [packet for offset in range(0, len(wire), step) for packet in decoder.feed(wire[offset : offset + step])]
    assert decoded == packets
    assert decoder.damaged == (len(junk) > 1) * (len(packets) + 1)


@given(st.binary(max_size=300))
def test_decoder_accepts_no_noise(noise: bytes) -> None:
    assert list(PacketDecoder().feed(noise + b"\0")) == []


@given(PACKETS, st.data())
def test_decoder_accepts_no_damaged_packet(packet: Packet, data: st.DataObject) -> None:
    wire = bytearray(packet.encode())
    for position in data.draw(st.sets(st.integers(0, len(wire) - 1), min_size=1, max_size=4)):
        wire[position] ^= data.draw(st.integers(1, 255))
    assert packet not in list(PacketDecoder().feed(bytes(wire) + b"\0")) or bytes(wire) == packet.encode()


@given(PACKETS, st.data())
def test_decoder_accepts_no_truncated_packet(packet: Packet, data: st.DataObject) -> None:
    wire = packet.encode()
    assert list(PacketDecoder().feed(wire[: data.draw(st.integers(0, len(wire) - 2))] + b"\0")) == []


@pytest.mark.parametrize("size", range(9))
def test_decode_rejects_packets_shorter_than_header_and_crc(size: int) -> None:
    body = bytes(max(0, size - CRC.size))
    short = (body + CRC.pack(zlib.crc32(body)))[:size]
    with pytest.raises(FirebrickError, match=f"must have at least 9 bytes, not {size}|checksum is wrong"):
        decode_packet(cobs.encode(short))


def test_decoder_stores_no_more_than_a_packet_and_recovers() -> None:
    decoder = PacketDecoder()
    for _ in range(1000):
        assert list(decoder.feed(b"\x55" * 1000)) == []
        assert len(decoder._partial) <= 2 * BUFFER_BYTES
    packet = Packet(PacketKind.STATUS, 1, 2, b"xy")
    assert list(decoder.feed(b"\0" + packet.encode())) == [packet]
    assert decoder.damaged == 1


def test_two_packets_of_the_host_fit_the_buffer() -> None:
    assert 2 * MAX_PAYLOAD <= INITIAL_WINDOW < BUFFER_BYTES


@pytest.mark.parametrize("byte", [0, 1, 255])
def test_protocol_costs_at_most_three_per_cent_of_a_frame_and_its_scores(byte: int) -> None:
    """For any image: DATA, a STATUS for each, the SCORES, and the POLL that acknowledges them."""
    frame, scores, per_packet = 224 * 224 * 3, 2 * 1000, (MAX_REPLY_PAYLOAD - 2) // 2 * 2
    sizes = [min(MAX_PAYLOAD, frame - offset) for offset in range(0, frame, MAX_PAYLOAD)]
    sent = [Packet(PacketKind.DATA, 1, 1, bytes([byte]) * size) for size in sizes] + [Packet(PacketKind.POLL, 1, 1)]
    answers = [Packet(PacketKind.STATUS, 1, 1, bytes(2)) for _ in sizes]
    answers += [Packet(PacketKind.SCORES, 1, 1, bytes(2 + min(per_packet, scores - offset))) for offset in range(0, scores, per_packet)]
    wire = sum(len(packet.encode()) for packet in sent + answers)
    assert wire / (frame + scores) < 1.03


@pytest.mark.parametrize("name", ["squeezenet1_1", "", "é" * 200])
def test_descriptor_is_decoded_as_it_was_encoded(name: str) -> None:
    payload = replace(DESCRIPTOR, network=name).encode()
    decoded = decode_descriptor(payload)
    assert len(payload) <= MAX_REPLY_PAYLOAD
    assert name.startswith(decoded.network)
    assert replace(decoded, network="") == replace(DESCRIPTOR, network="")


@pytest.mark.parametrize("score_bytes", [1, 2, 7])
def test_descriptor_tells_whether_scores_are_signed(score_bytes: int) -> None:
    descriptor = replace(DESCRIPTOR, score_bytes=score_bytes, score_signed=True)
    assert decode_descriptor(descriptor.encode()) == descriptor
    with pytest.raises(FirebrickError, match=f"bytes of a score must be 1 to 7, not {0x80 + score_bytes}"):
        decode_descriptor(b"\1" + descriptor.encode()[1:])  # version 1 has no such flag


@pytest.mark.parametrize("score_bytes", [0, 8, 127])
def test_descriptor_bounds_the_bytes_of_signed_scores(score_bytes: int) -> None:
    with pytest.raises(FirebrickError, match=f"bytes of a score must be 1 to 7, not {0x80 + score_bytes}"):
        decode_descriptor(replace(DESCRIPTOR, score_bytes=score_bytes, score_signed=True).encode())


@given(st.binary(max_size=MAX_REPLY_PAYLOAD) | st.binary(max_size=MAX_REPLY_PAYLOAD).map(lambda rest: b"\2" + rest))
def test_descriptor_of_random_bytes_ends_in_one_sentence(payload: bytes) -> None:
    try:
        decode_descriptor(payload)
    except FirebrickError as error:
        assert str(error).startswith("the device")  # noqa: PT017 - hypothesis also generates valid descriptors


@pytest.mark.parametrize(("version", "advice"), [(0, "write its bitstream again, made with this release"), (9, "update this host")])
def test_descriptor_of_another_version_says_what_to_do(version: int, advice: str) -> None:
    message = rf"the device speaks version {version} of the protocol and this host versions 1 and 2; {advice}"
    with pytest.raises(FirebrickError, match=message):
        decode_descriptor(bytes([version]) + DESCRIPTOR.encode()[1:])


def test_descriptor_of_the_version_before_is_understood() -> None:
    assert decode_descriptor(b"\x01" + DESCRIPTOR.encode()[1:]) == replace(DESCRIPTOR, version=1)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"channels": 0}, "channels must be at least 1, not 0"),
        ({"rows": 0}, "rows must be at least 1, not 0"),
        ({"columns": 0}, "columns must be at least 1, not 0"),
        ({"channels": 3, "rows": 5000, "columns": 5000}, "bytes of a frame must be 1 to 65,535,000, not 75,000,000"),
        ({"channels": 65535, "rows": 65535, "columns": 65535}, "bytes of a frame must be 1 to 65,535,000, not 281,462,092,005,375"),
        ({"classes": 0}, "classes must be at least 1, not 0"),
        ({"score_bytes": 0}, "bytes of a score must be 1 to 7, not 0"),
        ({"score_bytes": 8}, "bytes of a score must be 1 to 7, not 8"),
        ({"score_bytes": 255}, "bytes of a score must be 1 to 7, not 255"),
        ({"window": 0}, "bytes of its window must be at least 1,000, not 0"),
        ({"window": MAX_PAYLOAD - 1}, "bytes of its window must be at least 1,000, not 999"),
        ({"clock": 0}, "clock in Hz must be 100,000 to 1,000,000,000, not 0"),
        ({"clock": 99_999}, "clock in Hz must be 100,000 to 1,000,000,000, not 99,999"),
        ({"clock": 0xFFFFFFFF}, "clock in Hz must be 100,000 to 1,000,000,000, not 4,294,967,295"),
        ({"lanes": 0}, "lanes must be at least 1, not 0"),
        ({"cycles": 0}, "cycles of a frame must be 1 to 36,000,000,000, not 0"),
        ({"cycles": 0xFFFFFFFF, "clock": 1_000_000}, "cycles of a frame must be 1 to 600,000,000, not 4,294,967,295"),
        ({"network": "a\x1b[2J"}, "the network's name, 'a\\x1b[2J', is not printable"),
    ],
)
def test_descriptor_with_an_impossible_value_names_it(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(FirebrickError, match=re.escape(f"the device descriptor is impossible: {complaint}; write its bitstream again")):
        decode_descriptor(replace(DESCRIPTOR, **changes).encode())


def test_descriptor_that_is_cut_says_so() -> None:
    payload = replace(DESCRIPTOR, network="").encode()
    with pytest.raises(FirebrickError, match="the device descriptor is empty; write its bitstream again"):
        decode_descriptor(b"")
    for size in range(1, len(payload)):
        with pytest.raises(FirebrickError, match=f"the device descriptor has {size} bytes instead of at least {len(payload)}; write"):
            decode_descriptor(payload[:size])
    assert decode_descriptor(payload).network == ""


def test_checksum_depends_on_the_model_but_not_on_its_metadata() -> None:
    model = random_model(np.random.default_rng(0))
    name, layer = next(iter(model.layers.items()))
    assert model_checksum(replace(model, metadata={"licence": "another"})) == model_checksum(model)
    assert model_checksum(replace(model, layers={**model.layers, name: replace(layer, bias=layer.bias + 1)})) != model_checksum(model)


@pytest.mark.parametrize("size", [38, 40, 51, MAX_REPLY_PAYLOAD])
def test_descriptor_of_a_given_size_cuts_or_pads_its_name(size: int) -> None:
    unnamed = len(replace(DESCRIPTOR, network="").encode())
    payload = DESCRIPTOR.encode(size)
    assert len(payload) == size
    assert decode_descriptor(payload) == replace(DESCRIPTOR, network=DESCRIPTOR.network[: size - unnamed])


def test_architecture_hash_depends_on_the_structure_but_not_on_the_name() -> None:
    network = random_model(np.random.default_rng(0)).network
    first, *rest = network.stages
    others = [
        replace(network, input=replace(network.input, height=network.input.height + 2)),
        replace(network, stages=(replace(first, name="other"), *rest)),
    ]
    assert architecture_hash(replace(network, name="another")) == architecture_hash(network)
    hashes = {architecture_hash(other) for other in (network, *others)} | {architecture_hash(network, zero) for zero in (0, 1, 77)}
    assert len(hashes) == 5


def test_descriptor_describes_the_model_and_its_plan() -> None:
    model = random_model(np.random.default_rng(1))
    plan = compile_model(model, 40)
    descriptor = describe_device(model, plan, 50e6)
    shape = model.network.input
    assert descriptor.frame_bytes == shape.channels * shape.height * shape.width
    assert (descriptor.classes, descriptor.clock) == (model.network.classes, 50_000_000)
    assert (descriptor.lanes, descriptor.cycles) == (plan.lanes, plan.cycles)
    assert 256**descriptor.score_bytes > 255 * plan.global_sum.height * plan.global_sum.source.width
    assert not descriptor.score_signed
    signed = random_model(np.random.default_rng(1), signed=True)
    assert describe_device(signed, compile_model(signed, 40), 50e6).score_signed


def test_protocol_page_shows_a_packet_as_it_is_encoded() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text()
    wire = Packet(PacketKind.OPEN, 0x1234, 0).encode()
    assert f"`{wire.hex(' ').upper()}`" in page
    for kind in PacketKind:
        assert f"\n| {kind.value} {kind.name} |" in page
    for name in COUNTER_NAMES:
        assert f"\n| {name} |" in page
