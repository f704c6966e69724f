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
from ..network.stored_fields import stored_fields
from ..plan.nodes import Plan
from .packets import INITIAL_WINDOW, MAX_PAYLOAD, MAX_REPLY_PAYLOAD, SESSION_PACKETS, SUPPORTED_VERSIONS, VERSION

_LAYOUT = struct.Struct("<BHHHHBHIHI16s")  # the table "Device descriptor" of docs/protocol.md; the name follows
CHECKSUM_BYTES = 16
"""Bytes of a model's checksum."""
MAX_FRAME_BYTES = SESSION_PACKETS * MAX_PAYLOAD
"""Maximum bytes of a frame: those of a session."""
SIGNED_SCORES = 0x80
"""Flag in the byte with the bytes of a score: scores are in two's complement."""
MAX_SCORE_BYTES = 7
"""Maximum bytes of a score: the host keeps scores in signed integers of 8 bytes."""
CLOCKS = range(100_000, 1_000_000_001)
"""Possible clock frequencies in Hz, with ample margin: FPGAs run at 1 to 500 MHz."""
MAX_FRAME_SECONDS = 600
"""Maximum seconds of a frame by cycles and clock; timeouts of the host are multiples of a frame's time."""
_ADVICE = "write its bitstream again, made with this release"


def model_checksum(model: Model) -> bytes:
    """Distinguishes a model from every other one: the first 16 bytes of the SHA-256 of its `.fire` file without metadata."""
    return hashlib.sha256(encode_model(replace(model, metadata={}))).digest()[:CHECKSUM_BYTES]


def architecture_hash(network: Network, zero_point: int = 0) -> str:
    """Distinguishes a network's structure from every other one, whatever its name: a SHA-256 in hexadecimal digits.

    The zero point of scores (`Model.zero_point`) is a part of it, since the hardware has it in logic.
    """
    stages: list[object] = [[type(stage).__name__, stored_fields(stage)] for stage in network.stages]
    if zero_point:
        stages.append(zero_point)
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
    score_signed: bool = False
    """Whether scores are in two's complement."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame."""
        return self.channels * self.rows * self.columns

    def encode(self, size: int | None = None) -> bytes:
        """The payload of an IDENTITY packet; a name that does not fit is cut. With ``size``, spaces fill up the payload to that size."""
        try:
            fixed = _LAYOUT.pack(
                *(self.version, self.channels, self.rows, self.columns, self.classes, self.score_bytes | SIGNED_SCORES * self.score_signed),
                *(self.window, self.clock, self.lanes, self.cycles, self.checksum),
            )
        except struct.error as error:
            raise FirebrickError(
                f"the accelerator of {self.network[:60]} does not fit a device descriptor, which holds at most 255 channels of the input, "
                "65535 rows, columns, classes and lanes, and 4294967295 cycles; use a smaller network"
            ) from error
        # Cutting may split a character; decoding and encoding again drops its rest.
        name = self.network.encode()[: (size or MAX_REPLY_PAYLOAD) - len(fixed)].decode(errors="ignore").encode()
        return (fixed + name).ljust(size or 0)

    def as_dict(self) -> dict[str, int | str]:
        """JSON-serialisable form, with the checksum in hexadecimal digits."""
        keys = {"window": "room"}  # a key that readers of these documents know by its old name
        return {**{keys.get(name, name): value for name, value in vars(self).items()}, "checksum": self.checksum.hex()}


def decode_descriptor(payload: bytes) -> DeviceDescriptor:
    """The descriptor in an IDENTITY packet. Raises FirebrickError for another version of the protocol and for impossible values.

    Everything that the host calculates with is bounded here: sizes of arrays, timeouts, and what it prints.
    """
    if not payload:
        raise FirebrickError(f"the device descriptor is empty; {_ADVICE}")
    if payload[0] not in SUPPORTED_VERSIONS:
        known = " and ".join(map(str, SUPPORTED_VERSIONS))
        advice = "update this host" if payload[0] > VERSION else _ADVICE
        raise FirebrickError(f"the device speaks version {payload[0]} of the protocol and this host versions {known}; {advice}")
    if len(payload) < _LAYOUT.size:
        raise FirebrickError(f"the device descriptor has {len(payload)} bytes instead of at least {_LAYOUT.size}; {_ADVICE}")
    version, channels, rows, columns, classes, score_bytes, window, clock, lanes, cycles, checksum = _LAYOUT.unpack_from(payload)
    name = payload[_LAYOUT.size :].decode(errors="replace").rstrip(" ")
    signed = version > 1 and SIGNED_SCORES < score_bytes <= SIGNED_SCORES + MAX_SCORE_BYTES
    score_bytes -= SIGNED_SCORES * signed
    shape = (channels, rows, columns, classes)
    descriptor = DeviceDescriptor(*shape, score_bytes, clock, lanes, cycles, checksum, name, window, version, signed)
    limits = {
        "channels": (channels, 1, None),
        "rows": (rows, 1, None),
        "columns": (columns, 1, None),
        "bytes of a frame": (descriptor.frame_bytes, 1, MAX_FRAME_BYTES),
        "classes": (classes, 1, None),
        "bytes of a score": (score_bytes, 1, MAX_SCORE_BYTES),
        "bytes of its window": (window, MAX_PAYLOAD, None),
        "clock in Hz": (clock, CLOCKS.start, CLOCKS.stop - 1),
        "lanes": (lanes, 1, None),
        "cycles of a frame": (cycles, 1, MAX_FRAME_SECONDS * clock),
    }
    for field, (value, lowest, highest) in limits.items():
        if value < lowest or (highest is not None and value > highest):
            allowed = f"at least {lowest:,}" if highest is None else f"{lowest:,} to {highest:,}"
            raise FirebrickError(f"the device descriptor is impossible: {field} must be {allowed}, not {value:,}; {_ADVICE}")
    if not name.isprintable():
        raise FirebrickError(f"the device descriptor is impossible: the network's name, {name[:60]!r}, is not printable; {_ADVICE}")
    return descriptor


def describe_device(model: Model, plan: Plan, clock: float) -> DeviceDescriptor:
    """The descriptor of a model's accelerator, built to a plan, at a clock frequency in Hz."""
    shape = model.network.input
    return DeviceDescriptor(
        channels=shape.channels,
        rows=shape.height,
        columns=shape.width,
        classes=model.network.classes,
        score_bytes=-(-plan.global_sum.score_bits // 8),
        score_signed=plan.global_sum.score_signed,
        clock=round(clock),
        lanes=plan.lanes,
        cycles=plan.cycles,
        checksum=model_checksum(model),
        network=model.network.name,
    )
