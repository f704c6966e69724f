# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Identities: of a device (its descriptor), of a model (its checksum) and of a network's structure (its hash)."""

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

_LAYOUT = struct.Struct("<BHHHHBHIHI16s")  # the table "Device descriptor" of docs/protocol.md; the name follows
CHECKSUM_BYTES = 16
"""Bytes of a model's checksum."""


def model_checksum(model: Model) -> bytes:
    """Distinguishes a model from every other one: the first 16 bytes of the SHA-256 of its `.fire` file without metadata."""
    return hashlib.sha256(encode_model(replace(model, metadata={}))).digest()[:CHECKSUM_BYTES]


def architecture_hash(network: Network) -> str:
    """Distinguishes a network's structure from every other one, whatever its name: a SHA-256 in hexadecimal digits."""
    stages = [[type(stage).__name__, asdict(stage)] for stage in network.stages]
    return hashlib.sha256(json.dumps([asdict(network.input), stages], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class DeviceDescriptor:
    """The model and the plan that a device runs, as it reports them to the host."""

    channels: int
    rows: int
    columns: int
    """Channels, rows and columns are the shape of a frame."""
    classes: int
    score_bytes: int
    """Bytes of a score, least significant first."""
    clock: int
    """Clock frequency of the accelerator in Hz."""
    lanes: int
    """Multipliers of the plan."""
    cycles: int
    """Clock cycles of a frame, by the plan."""
    checksum: bytes
    """Checksum of the model (``model_checksum``)."""
    network: str
    """Name of the network."""
    window: int = INITIAL_WINDOW
    """Payload bytes that fit the device's empty packet buffer."""
    version: int = VERSION
    """Version of the protocol."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame."""
        return self.channels * self.rows * self.columns

    def encode(self, size: int | None = None) -> bytes:
        """The payload of an IDENTITY packet; a name that does not fit is cut. With ``size``, spaces fill up the payload to that size."""
        fixed = _LAYOUT.pack(
            *(self.version, self.channels, self.rows, self.columns, self.classes, self.score_bytes),
            *(self.window, self.clock, self.lanes, self.cycles, self.checksum),
        )
        # Cutting may split a character; decoding and encoding again drops its rest.
        name = self.network.encode()[: (size or MAX_REPLY_PAYLOAD) - len(fixed)].decode(errors="ignore").encode()
        return (fixed + name).ljust(size or 0)

    def as_dict(self) -> dict[str, int | str]:
        """JSON-serialisable form, with the checksum in hexadecimal digits."""
        keys = {"window": "room"}  # a key that readers of these documents know by its old name
        return {**{keys.get(name, name): value for name, value in vars(self).items()}, "checksum": self.checksum.hex()}


def decode_descriptor(payload: bytes) -> DeviceDescriptor:
    """The descriptor in an IDENTITY packet. Raises FirebrickError for another version of the protocol and for impossible values."""
    if payload[:1] != bytes([VERSION]):
        raise FirebrickError(
            f"the device speaks version {payload[0] if payload else 'none'} of the protocol and this host version {VERSION}; "
            "rebuild the bitstream with this release"
        )
    if len(payload) < _LAYOUT.size:
        raise FirebrickError("the device descriptor is truncated; that is a fault of the device")
    version, channels, rows, columns, classes, score_bytes, window, clock, lanes, cycles, checksum = _LAYOUT.unpack_from(payload)
    if not (channels and rows and columns and classes and score_bytes in range(1, 9) and window and clock and cycles):
        raise FirebrickError("the device descriptor has impossible values; that is a fault of the device")
    name = payload[_LAYOUT.size :].decode(errors="replace").rstrip(" ")
    return DeviceDescriptor(channels, rows, columns, classes, score_bytes, clock, lanes, cycles, checksum, name, window, version)


def describe_device(model: Model, plan: Plan, clock: float) -> DeviceDescriptor:
    """The descriptor of a model's accelerator, built to a plan, at a clock frequency in Hz."""
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
