# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a device says of itself: which network it runs, made from which model, by which plan."""

import hashlib
import json
import struct
from dataclasses import asdict, dataclass, replace

from ..errors import FirebrickError
from ..fire_format.file import encode_model
from ..model.quantized import Model
from ..network.graph import Network
from ..plan.nodes import Plan
from .packets import INITIAL_WINDOW, MAX_REPLY_PAYLOAD, VERSION

_LAYOUT = struct.Struct("<BHHHHBHIHI16s")
CHECKSUM_BYTES = 16
"""Bytes of a model's checksum."""


def model_checksum(model: Model) -> bytes:
    """What tells a model from every other: the first 16 bytes of the SHA-256 of its `.fire` file without its metadata."""
    return hashlib.sha256(encode_model(replace(model, metadata={}))).digest()[:CHECKSUM_BYTES]


def architecture_hash(network: Network) -> str:
    """What tells a network's structure from every other, whatever its name: a SHA-256 in hexadecimal digits."""
    stages = [[type(stage).__name__, asdict(stage)] for stage in network.stages]
    return hashlib.sha256(json.dumps([asdict(network.input), stages], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class DeviceDescriptor:
    """What a device runs, and how."""

    channels: int
    rows: int
    columns: int
    """A frame's shape."""
    classes: int
    score_bytes: int
    """Bytes of a score, least significant first."""
    clock: int
    """Of the accelerator, in Hz."""
    lanes: int
    """Multipliers of the plan."""
    cycles: int
    """Of the plan, for a frame."""
    checksum: bytes
    """Of the model (``checksum``)."""
    network: str
    """Its name."""
    window: int = INITIAL_WINDOW
    """Bytes of frames that the device's buffer takes."""
    version: int = VERSION
    """Of the protocol."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame."""
        return self.channels * self.rows * self.columns

    def encode(self, size: int | None = None) -> bytes:
        """The payload of an IDENTITY packet; a long name is cut. To ``size`` bytes where that is given: a short name gets spaces."""
        fixed = _LAYOUT.pack(
            *(self.version, self.channels, self.rows, self.columns, self.classes, self.score_bytes),
            *(self.window, self.clock, self.lanes, self.cycles, self.checksum),
        )
        name = self.network.encode()[: (size or MAX_REPLY_PAYLOAD) - len(fixed)].decode(errors="ignore").encode()
        return (fixed + name).ljust(size or 0)

    def as_dict(self) -> dict[str, int | str]:
        """For JSON; the checksum in hexadecimal digits."""
        fields = vars(self)
        return {**{"room" if name == "window" else name: value for name, value in fields.items()}, "checksum": self.checksum.hex()}


def decode_descriptor(payload: bytes) -> DeviceDescriptor:
    """The identity in an IDENTITY packet. Raises FirebrickError for one of another version of the protocol, and where it is nonsense."""
    if payload[:1] != bytes([VERSION]):
        raise FirebrickError(
            f"the device speaks version {payload[0] if payload else 'none'} of the protocol and this host version {VERSION}; "
            "make the bitstream anew with this release"
        )
    if len(payload) < _LAYOUT.size:
        raise FirebrickError("the device's identity is cut short; that is a fault of the device")
    version, channels, rows, columns, classes, score_bytes, room, clock, lanes, cycles, model = _LAYOUT.unpack_from(payload)
    if not (channels and rows and columns and classes and score_bytes in range(1, 9) and room and clock and cycles):
        raise FirebrickError("the device's identity is nonsense; that is a fault of the device")
    name = payload[_LAYOUT.size :].decode(errors="replace").rstrip(" ")
    return DeviceDescriptor(channels, rows, columns, classes, score_bytes, clock, lanes, cycles, model, name, room, version)


def describe_device(model: Model, plan: Plan, clock: float) -> DeviceDescriptor:
    """The identity of a model's accelerator, built to a plan, at a clock of so many Hz."""
    shape = model.network.input
    return DeviceDescriptor(
        channels=shape.channels,
        rows=shape.height,
        columns=shape.width,
        classes=model.network.classes,
        score_bytes=-(-plan.global_sum.score_bits // 8),
        clock=round(clock),
        lanes=plan.lanes,
        cycles=plan.cycles,
        checksum=model_checksum(model),
        network=model.network.name,
    )
