# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The readers that are fuzzed: each with valid inputs to start from. Where a package is missing, its readers are left out."""

import io
import json
import pickle
import struct
import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from firebrick.hw.verify.ecp5_bitstream import Configuration, parse_configuration, read_bitstream
from firebrick.hw.verify.readback import bounded_gates, read_rom_map
from firebrick.hw.verify.weight_verification import verify_weights
from firebrick.sw.data.images import read_image
from firebrick.sw.data.labels import read_label_csv
from firebrick.sw.evaluation.result_store import ResultStore
from firebrick.sw.fire_format.file import MAGIC, decode_model, encode_description, encode_model
from firebrick.sw.importers.caffe.importer import caffe_model
from firebrick.sw.importers.class_names import read_class_names
from firebrick.sw.importers.deep_compression import parse_net
from firebrick.sw.importers.ndf import layers_from_arrays
from firebrick.sw.importers.onnx.importer import onnx_model
from firebrick.sw.importers.safe_pickle import read_pickled_arrays
from firebrick.sw.link.identity import decode_descriptor
from firebrick.sw.link.packets import Packet, PacketDecoder, PacketKind
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Bypass, Conv, GlobalAverage, Network, Shape
from firebrick.sw.stream.video_source import VideoFile
from tests.helpers import recorded_bitstream as recorded
from tests.helpers.caffe_files import SMALL, CaffeWriter
from tests.helpers.random_models import random_model

from .check import Target
from .mutation import mutate_json

FOLDER = Path(tempfile.mkdtemp(prefix="firebrick-fuzz-"))
"""Where inputs lie of readers that read files."""
HEAD = struct.Struct("<8sHI")
SAMPLE = random_model(np.random.default_rng(5), fires=2, height=9, width=9, kernel=3, bypass=Bypass.SIMPLE)
LAYERS_AT = len(encode_description(SAMPLE))
PUBLISHED = Network("published", Shape(3, 4, 4), (Conv("conv1", 2, 3), Conv("conv2", 5, 1), GlobalAverage("pool")))
SMALL_INPUT = Shape(3, 32, 48)


def file_with(data: bytes, name: str) -> Path:
    path = FOLDER / name
    path.write_bytes(data)
    return path


def fire_bytes(description: bytes, layers: bytes) -> bytes:
    packed = zlib.compress(description, 1)
    data = HEAD.pack(MAGIC, HEAD.unpack_from(encode_description(SAMPLE))[1], len(packed)) + packed + layers
    return data + struct.pack("<I", zlib.crc32(data))


def read_description(data: bytes) -> None:
    decode_model(fire_bytes(data, encode_model(SAMPLE)[LAYERS_AT:-4])).verify()


def read_layers(data: bytes) -> None:
    start = encode_description(SAMPLE)
    body = start + data
    decode_model(body + struct.pack("<I", zlib.crc32(body))).verify()


def onnx_seeds() -> Sequence[bytes]:
    from tests.helpers.onnx_files import FileStyle, random_file

    styles = (FileStyle(), FileStyle(constant_nodes=True, late_relu=True), FileStyle(swapped=True, end_pads=True))
    return [random_file(np.random.default_rng(seed), style)[0].SerializeToString() for seed, style in enumerate(styles)]


def pickle_seeds() -> Sequence[bytes]:
    rng = np.random.default_rng(0)
    shapes = {"conv1": [(3, 3, 3, 2), (2,)], "conv2": [(1, 1, 2, 5), (5,)]}
    arrays = {name: [rng.standard_normal(shape).astype(np.float32) for shape in pair] for name, pair in shapes.items()}
    return [pickle.dumps(arrays, protocol) for protocol in (3, 4)]


def read_pickle(data: bytes) -> None:
    layers_from_arrays(PUBLISHED, read_pickled_arrays(data, "it"))


def net_seeds() -> Sequence[bytes]:
    rng, counts, blocks = np.random.default_rng(0), [], []
    for layer in PUBLISHED.layers():
        count = layer.weights
        counts.append(count)
        floats = rng.standard_normal(256 + layer.conv.filters).astype("<f4").tobytes()
        blocks.append(floats + rng.integers(0, 256, count, np.uint8).tobytes() + bytes((count + 1) // 2))
    return [struct.pack(f"<{len(counts)}I", *counts) + b"".join(blocks)]


def rom_map_seeds() -> Sequence[bytes]:
    record = recorded.recorded()["record"]
    return [json.dumps(record | {"identity": identity}).encode() for identity in (None, recorded.placed_descriptor().as_dict())]


@cache
def bitstream_text() -> str:
    return recorded.configuration().text


@cache
def configuration() -> Configuration:
    return parse_configuration(bitstream_text())


def read_rom_record(data: bytes) -> None:
    bitstream = FOLDER / "firebrick.bit"
    file_with(data, "firebrick.roms.json")
    roms, descriptor = read_rom_map(bitstream)
    with bounded_gates():
        json.dumps(verify_weights(configuration(), roms, recorded.model(), descriptor))


def descriptor_seeds() -> Sequence[bytes]:
    return [recorded.descriptor().encode(), replace(recorded.descriptor(), network="n" * 60).encode(112)]


def packet_seeds() -> Sequence[bytes]:
    packets = [Packet(kind, 3, 7, bytes(range(kind))).encode() for kind in PacketKind]
    return [b"".join(packets), b"\0\0" + packets[1][1:] + packets[2]]


def read_packets(data: bytes) -> None:
    decoder = PacketDecoder()
    whole = [packet for start in range(0, len(data), 7) for packet in decoder.feed(data[start : start + 7])]
    again = PacketDecoder()
    if whole != list(again.feed(data)):
        raise AssertionError("packets depend on how the bytes arrive")


def image_seeds() -> Sequence[bytes]:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 4), np.uint8)
    seeds = []
    for form, mode in (
        ("PNG", "RGBA"),
        ("PNG", "I;16"),
        ("JPEG", "RGB"),
        ("GIF", "P"),
        ("BMP", "RGB"),
        ("TIFF", "RGB"),
        ("WEBP", "RGBA"),
        ("PPM", "L"),
    ):
        image = Image.fromarray(pixels) if mode != "I;16" else Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
        file = io.BytesIO()
        (image if mode in ("I;16", "RGBA") else image.convert("RGB").convert(mode)).save(file, form)
        seeds.append(file.getvalue())
    return seeds


def read_image_file(data: bytes) -> None:
    frame = read_image(file_with(data, "image"), Preprocessing(64, (0.0, 0.0, 0.0)), SMALL_INPUT)
    if frame.shape != (3, 32, 48) or frame.dtype != np.uint8:
        raise AssertionError("a frame of another shape")


def video_seeds() -> Sequence[bytes]:
    from tests.helpers.live_view import noise, write_video

    seeds = []
    for name, codec, form in (
        ("a.mp4", "mpeg4", "yuv420p"),
        ("a.avi", "png", "rgb24"),
        ("a.ts", "mpeg2video", "yuv420p"),
        ("a.mkv", "mjpeg", "yuvj420p"),
    ):
        write_video(FOLDER / name, noise(4), rate=25, codec=codec, pixels=form)
        seeds.append((FOLDER / name).read_bytes())
    return seeds


def read_video(data: bytes) -> None:
    for frame in islice(VideoFile(file_with(data, "video")).frames(), 50):
        if frame.image.mode != "RGB":
            raise AssertionError("a frame that is not RGB")


def store_seeds() -> Sequence[bytes]:
    entry = {"file": "a.fire", "sha256": "0" * 64, "bytes": 10, "nonzero": 3, "agreement": 0.5}
    return [json.dumps({"task": "t", "results": {"float": entry, "a": entry}}).encode()]


LABELS = b'file,class_index,name\na.jpg,0,cat\nb.jpg,1,"dog, small"\n'
NAMES = b"Katze\nHund\nMaus\n"


def _targets() -> list[Target]:
    """All readers whose packages are installed."""
    fire = ("sw/fire_format/*.py", "sw/network/graph.py", "sw/network/stage_names.py", "sw/coding/huffman.py")
    matched = ("sw/importers/feature_graph.py", "sw/importers/fire_matcher.py", "sw/importers/normalisation.py")
    proved = ("sw/plan/rom_record.py", "hw/verify/*.py")
    targets = [
        Target("fire-description", read_description, lambda: [zlib.decompress(encode_description(SAMPLE)[HEAD.size :])], fire, mutate_json),
        Target("fire-layers", read_layers, lambda: [encode_model(SAMPLE)[LAYERS_AT:-4]], fire),
        Target("net", lambda data: parse_net(data, PUBLISHED, "it"), net_seeds, ("sw/importers/deep_compression.py",)),
        Target("pickle", read_pickle, pickle_seeds, ("sw/importers/safe_pickle.py", "sw/importers/ndf.py")),
        Target("rom-record", read_rom_record, rom_map_seeds, proved, mutate_json),
        Target(
            "bitstream-text",
            lambda data: parse_configuration(data.decode(errors="replace")),
            lambda: [bitstream_text().encode()],
            ("hw/verify/ecp5_bitstream.py",),
        ),
        Target(
            "bitstream",
            lambda data: read_bitstream(file_with(data, "a.bit")),
            lambda: [b"\xff\x00firebrick"],
            ("hw/verify/ecp5_bitstream.py",),
        ),
        Target("descriptor", decode_descriptor, descriptor_seeds, ("sw/link/identity.py",)),
        Target("packets", read_packets, packet_seeds, ("sw/link/packets.py",)),
        Target("image", read_image_file, image_seeds, ("sw/data/images.py",), megabytes=300),
        Target("labels", lambda data: read_label_csv(file_with(data, "a.csv"), 10), lambda: [LABELS], ("sw/data/labels.py",)),
        Target("class-names", lambda data: read_class_names(file_with(data, "a.txt")), lambda: [NAMES], ("sw/importers/class_names.py",)),
        Target(
            "results",
            lambda data: ResultStore(file_with(data, "a.json"), "t"),
            store_seeds,
            ("sw/evaluation/result_store.py",),
            mutate_json,
        ),
    ]
    if find_spec("onnx"):
        sources = (*matched, "sw/importers/onnx/*.py")
        targets.append(Target("onnx", lambda data: onnx_model(data, "it.onnx").verify(), onnx_seeds, sources))
    if find_spec("google.protobuf"):
        sources = (*matched, "sw/importers/caffe/*.py")
        seeds: Callable[[], Sequence[bytes]] = lambda: [CaffeWriter(seed, old=bool(seed)).network(SMALL) for seed in (0, 1)]  # noqa: E731
        targets.append(Target("caffe", lambda data: caffe_model(data, "it.caffemodel").verify(), seeds, sources))
    if find_spec("av"):
        targets.append(Target("video", read_video, video_seeds, ("sw/stream/video_source.py",), seconds=20.0))
    return targets


TARGETS = {target.name: target for target in _targets()}
