# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The registers of an accelerator on a bus: the one table from which hardware, documentation and host software are made (docs/axi.md)."""

import struct
from dataclasses import dataclass
from enum import StrEnum

from ..errors import FirebrickError
from ..model.quantized import Model
from ..plan.nodes import Plan
from .identity import model_checksum

MAGIC = int.from_bytes(b"FBRK", "little")
"""The first register, by which software recognises the accelerator."""
INTERFACE_VERSION = 1
"""Changes when software for an earlier version would go wrong."""
CHECKSUM_WORDS = 4
"""Registers that hold the checksum of the model."""


class Access(StrEnum):
    """How software may access a register."""

    READ = "RO"
    """Writing has no effect."""
    READ_WRITE = "RW"
    CLEAR = "W1C"
    """Writing a 1 clears a bit."""
    TRIGGER = "W1S"
    """Writing a 1 begins something; it reads as 1 until that has ended."""


@dataclass(frozen=True)
class Field:
    """Some bits of a register."""

    name: str
    low: int
    """Number of the lowest bit."""
    width: int
    description: str


@dataclass(frozen=True)
class Register:
    """A register of 32 bits; bits without a field read as 0."""

    name: str
    offset: int
    """Address in bytes, a multiple of 4."""
    access: Access
    description: str
    fields: tuple[Field, ...] = ()
    """Its parts, if it is not one number."""


def _registers() -> tuple[Register, ...]:
    identity = [
        ("MAGIC", f"{MAGIC:#010x}: the characters FBRK, the first in the lowest byte", ()),
        ("VERSION", f"version of this interface: {INTERFACE_VERSION}", ()),
        *((f"CHECKSUM_{word}", f"bytes {4 * word} to {4 * word + 3} of the model's checksum", ()) for word in range(CHECKSUM_WORDS)),
        ("CHANNELS", "channels of a frame", ()),
        ("ROWS", "rows of a frame", ()),
        ("COLUMNS", "columns of a frame", ()),
        ("FRAME_BYTES", "bytes of a frame: channels x rows x columns", ()),
        ("CLASSES", "classes, the number of scores of a frame", ()),
        (
            "FORMAT",
            "format of the streams",
            (
                Field("SCORE_BYTES", 0, 8, "bytes of a score, least significant first"),
                Field("SCORE_BITS", 8, 8, "bits of a score that carry its value"),
                Field("SCORE_SIGNED", 16, 1, "scores are in two's complement"),
                Field("STREAM_BYTES", 24, 8, "bytes of TDATA"),
            ),
        ),
        ("SCORE_SCALE", "a score times this is the network's output before softmax; an IEEE 754 number of 32 bits", ()),
        ("LANES", "multipliers", ()),
        ("FRAME_CYCLES", "cycles of a frame in a continuous stream, as planned", ()),
    ]
    control: list[tuple[str, Access, str, tuple[Field, ...]]] = [
        (
            "CONTROL",
            Access.TRIGGER,
            "soft reset and counters",
            (
                Field("RESET", 0, 1, "drop all frames that are in the accelerator, and reset it; reads as 1 until that is done"),
                Field("ABORT", 1, 1, "with RESET: forget the packet that is being received, too: the next beat begins a frame"),
                Field("CLEAR", 2, 1, "set all counters to 0; reads as 0"),
            ),
        ),
        (
            "STATUS",
            Access.READ,
            "what happens now",
            (
                Field("BUSY", 0, 1, "frames are in the accelerator, or a packet is being received or sent"),
                Field("RECEIVING", 1, 1, "a packet has begun to arrive and has not ended"),
                Field("SENDING", 2, 1, "the scores of a frame have begun to leave and not ended"),
                Field("IN_FLIGHT", 8, 8, "frames that began to arrive and whose scores have not all left"),
            ),
        ),
        (
            "EVENTS",
            Access.CLEAR,
            "what has happened",
            (
                Field("DONE", 0, 1, "the scores of a frame were sent"),
                Field("SHORT", 1, 1, "a packet had fewer bytes than a frame; its frame was dropped"),
                Field("LONG", 2, 1, "a packet had more bytes than a frame; its frame was dropped"),
                Field("RESET_DONE", 3, 1, "a soft reset has ended"),
            ),
        ),
        ("IRQ_ENABLE", Access.READ_WRITE, "events that raise the interrupt; bits as in EVENTS", ()),
        ("FRAMES_IN", Access.READ, "frames received whole", ()),
        ("FRAMES_OUT", Access.READ, "frames whose scores were sent", ()),
        ("SHORT_FRAMES", Access.READ, "packets with too few bytes", ()),
        ("LONG_FRAMES", Access.READ, "packets with too many bytes", ()),
        ("CYCLES_LOW", Access.READ, "cycles of the accelerator's clock; reading it keeps the upper half for CYCLES_HIGH", ()),
        ("CYCLES_HIGH", Access.READ, "upper half of the cycles, as of the last reading of CYCLES_LOW", ()),
    ]
    rows = [*((name, Access.READ, text, fields) for name, text, fields in identity), *control]
    return tuple(Register(name, 4 * index, access, text, fields) for index, (name, access, text, fields) in enumerate(rows))


REGISTERS: tuple[Register, ...] = _registers()
"""All registers by offset, without gaps."""
BY_NAME: dict[str, Register] = {register.name: register for register in REGISTERS}
ADDRESS_BITS = (4 * len(REGISTERS) - 1).bit_length()
"""Bits of an address in bytes."""
EVENT_BITS = len(BY_NAME["EVENTS"].fields)


@dataclass(frozen=True)
class CoreDescriptor:
    """What an accelerator on a bus reports of itself."""

    checksum: bytes
    """Checksum of the model (``model_checksum``)."""
    channels: int
    rows: int
    columns: int
    classes: int
    score_bits: int
    score_signed: bool
    score_scale: float
    lanes: int
    cycles: int
    """Clock cycles of a frame, by the plan."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame."""
        return self.channels * self.rows * self.columns

    @property
    def score_bytes(self) -> int:
        """Bytes of a score in the stream."""
        return -(-self.score_bits // 8)

    def words(self, stream_bytes: int) -> dict[str, int]:
        """The values of the constant registers by name, for streams of so many bytes.

        Raises FirebrickError for a value that a register cannot hold.
        """
        checksum = struct.unpack(f"<{CHECKSUM_WORDS}I", self.checksum)
        form = {
            "SCORE_BYTES": self.score_bytes,
            "SCORE_BITS": self.score_bits,
            "SCORE_SIGNED": int(self.score_signed),
            "STREAM_BYTES": stream_bytes,
        }
        try:
            scale = struct.unpack("<I", struct.pack("<f", self.score_scale))[0]
        except OverflowError as error:
            raise FirebrickError(f"the scale of the scores, {self.score_scale}, is beyond a register's number of 32 bits") from error
        words = {
            "MAGIC": MAGIC,
            "VERSION": INTERFACE_VERSION,
            **{f"CHECKSUM_{word}": value for word, value in enumerate(checksum)},
            "CHANNELS": self.channels,
            "ROWS": self.rows,
            "COLUMNS": self.columns,
            "FRAME_BYTES": self.frame_bytes,
            "CLASSES": self.classes,
            "FORMAT": sum(form[field.name] << field.low for field in BY_NAME["FORMAT"].fields),
            "SCORE_SCALE": scale,
            "LANES": self.lanes,
            "FRAME_CYCLES": self.cycles,
        }
        if wide := [name for name, value in words.items() if value >> 32]:
            raise FirebrickError(f"{wide[0]} is {words[wide[0]]:,}, and a register holds 32 bits; use a smaller network")
        return words


def describe_core(model: Model, plan: Plan) -> CoreDescriptor:
    """The descriptor of a model's accelerator, built to a plan."""
    shape = model.network.input
    return CoreDescriptor(
        checksum=model_checksum(model),
        channels=shape.channels,
        rows=shape.height,
        columns=shape.width,
        classes=model.network.classes,
        score_bits=plan.global_sum.score_bits,
        score_signed=plan.global_sum.score_signed,
        score_scale=model.score_scale,
        lanes=plan.lanes,
        cycles=plan.cycles,
    )
