# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the files of a core say about it."""

import re
from dataclasses import dataclass, field

from ...sw.compiler.latency import latencies
from ...sw.fpga.cost_model import estimate
from ...sw.fpga.fabric import ECP5, GOWIN, XILINX, Fabric
from ...sw.fpga.resources import Resources, total
from ...sw.link.identity import model_checksum
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan
from ...sw.utils.distribution import VERSION
from ..module_names import TOP
from .interface import CoreInterface
from .ports import score_bits

FABRICS: dict[str, Fabric] = {"Lattice ECP5": ECP5, "Xilinx 7 series": XILINX, "Gowin GW2A": GOWIN}
"""The families for which a core's resources are predicted."""


@dataclass(frozen=True)
class CoreDescription:
    """A model's accelerator, in the terms of somebody who puts it into a design."""

    model: Model = field(repr=False)
    plan: Plan = field(repr=False)
    interface: CoreInterface
    frequency: float
    """The clock in MHz that throughput and latency are stated at, and that the constraints ask for."""

    @property
    def name(self) -> str:
        """The core's name for FuseSoC and IP-XACT: its own, or else that of the network as an identifier."""
        if self.interface.name != TOP:
            return self.interface.name
        return re.sub(r"\W+", "_", self.plan.name, flags=re.ASCII).strip("_") or "network"

    @property
    def vlnv(self) -> str:
        """Vendor, library, name and version, by which FuseSoC knows the core."""
        return f"firebrick:cores:{self.name}:{VERSION}"

    @property
    def checksum(self) -> str:
        """The model's checksum in hexadecimal digits."""
        return model_checksum(self.model).hex()

    @property
    def channels(self) -> str:
        """What the channels of a picture are."""
        count = self.model.network.input.channels
        return {1: "grey", 3: "R, G, B"}.get(count, f"{count} channels")

    @property
    def frame_bytes(self) -> int:
        """Bytes of a picture."""
        shape = self.model.network.input
        return shape.channels * shape.height * shape.width

    @property
    def score_bits(self) -> int:
        """Bits of a score of a core with plain streams, and in the bench's file."""
        return score_bits(self.plan.global_sum.score_bits)

    @property
    def busy_bits(self) -> int:
        """Bits of the bare core's ``busy``."""
        return sum(len(engine.partitions) for engine in self.plan.engines)

    @property
    def score_bytes(self) -> int:
        """Bytes of a score on a bus."""
        return -(-self.plan.global_sum.score_bits // 8)

    @property
    def latency(self) -> int:
        """Predicted cycles from a picture's first byte to its last score, when it comes alone and a byte each cycle."""
        shape = self.model.network.input
        arrivals = [float(shape.channels * shape.width * (row + 1)) for row in range(shape.height)]
        return round(latencies(self.plan, arrivals, frames=1, in_flight=1)[0])

    @property
    def interval(self) -> int:
        """Predicted cycles from one picture to the next in a stream: the engines' cycles, or those in which the bytes come."""
        return max(self.plan.cycles, self.frame_bytes)

    @property
    def resources(self) -> dict[str, Resources]:
        """What the accelerator is expected to take of FPGAs, by family."""
        return {family: total(estimate(self.plan, fabric)) for family, fabric in FABRICS.items()}

    @property
    def licence(self) -> str:
        """The licence of the weights, as far as the model knows it."""
        keys = ("source licence", "licence", "provenance")
        return next((self.model.metadata[key] for key in keys if key in self.model.metadata), "not stated in the model")

    def milliseconds(self, cycles: int) -> float:
        """The time of some cycles at the stated clock."""
        return cycles / self.frequency / 1000
