# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""All proofs."""

from collections.abc import Sequence

from ...sw.errors import FirebrickError
from .proof import Proof
from .properties import (
    adapters,
    buffers,
    bus,
    counters,
    endpoint,
    frame_feeder,
    frame_guard,
    huffman_decoder,
    line_buffers,
    mac_array,
    packet_buffer,
    packet_receiver,
    score_buffer,
    usb_crossing,
    weight_decoder,
)

MODULES = (
    buffers,
    adapters,
    line_buffers,
    mac_array,
    frame_feeder,
    packet_buffer,
    packet_receiver,
    endpoint,
    usb_crossing,
    score_buffer,
    counters,
    huffman_decoder,
    weight_decoder,
    frame_guard,
    bus,
)
PROOFS: tuple[Proof, ...] = tuple(proof for module in MODULES for proof in module.PROOFS)
"""Every proof, in the order of the table in the documentation."""


def choose(names: Sequence[str], *, everything: bool = False) -> list[Proof]:
    """The proofs of these names; without names the quick ones, or all. Raises FirebrickError for an unknown name."""
    known = {proof.name: proof for proof in PROOFS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise FirebrickError(f"there is no proof named {', '.join(unknown)}; the proofs are {', '.join(known)}")
    if names:
        return [known[name] for name in dict.fromkeys(names)]
    return [proof for proof in PROOFS if proof.quick or everything]
