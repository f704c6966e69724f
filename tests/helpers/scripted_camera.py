# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A scripted device with a camera."""

import numpy as np

from firebrick.sw import golden
from firebrick.sw.link.packets import CAMERA_FIELDS, CLASS_INDEX, MAX_REPLY_PAYLOAD, Packet, PacketKind
from tests.helpers.boards import tiny_frames
from tests.helpers.scripted_device import DESCRIPTOR, MODEL, ScriptedDevice

PICTURE = tiny_frames(np.random.default_rng(3), 1)[0]
WIRE = PICTURE.transpose(1, 2, 0).tobytes()


class ScriptedCamera(ScriptedDevice):
    """A device with a camera that always sees PICTURE, and whose line follows it from a pace on.

    ``present`` without it the device knows nothing of cameras; ``silent``: it gives no frame; ``wrong``: a score is not the golden model's.
    """

    def __init__(self, *, follows_from: int = 0, present: bool = True, silent: bool = False, wrong: bool = False) -> None:
        super().__init__()
        self.follows_from, self.present, self.silent, self.wrong = follows_from, present, silent, wrong
        self.paces: list[int] = []

    def handle(self, packet: Packet) -> None:
        if packet.kind not in (PacketKind.CAMERA, PacketKind.CAPTURE, PacketKind.PACE):
            super().handle(packet)
        elif self.present and packet.kind == PacketKind.CAMERA:
            pace = self.paces[-1] if self.paces else 0
            self.send(PacketKind.CAMERA_REPORT, 0, CAMERA_FIELDS.pack(0 if self.silent else 1, pace, 10, 2, 3, 1))
        elif self.present:
            super().handle(Packet(PacketKind.OPEN, self.session, 0))  # answers STATUS
            if packet.kind == PacketKind.PACE:
                self.paces.append(packet.sequence)
            elif not self.silent:
                self._give(packet.sequence)

    def _give(self, result: int) -> None:
        pace = self.paces[-1] if self.paces else 0
        if pace:
            packets = [WIRE[start : start + MAX_REPLY_PAYLOAD] for start in range(0, len(WIRE), MAX_REPLY_PAYLOAD)]
            for number, payload in enumerate(packets if pace >= self.follows_from else packets[:3]):
                self.send(PacketKind.PICTURE, number, payload)
        scores = golden.run(MODEL, PICTURE[None])[0]
        scores[2] += self.wrong
        data = b"".join(int(score).to_bytes(DESCRIPTOR.score_bytes, "little", signed=DESCRIPTOR.score_signed) for score in scores)
        self.send(PacketKind.SCORES, result, CLASS_INDEX.pack(0) + data)
