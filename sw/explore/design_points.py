# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The points of a design space: models, and the targets that they are planned for."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod

from ..errors import FirebrickError
from ..fire_format.file import decode_model
from ..fpga.devices import DEVICES
from ..fpga.fabric import ECP5, Fabric
from ..fpga.resources import Resources
from ..model.quantized import Model
from ..network.graph import Bypass
from ..network.metaparameters import Metaparameters
from .synthetic_weights import synthetic_model

LARGEST_DEVICE = "LFE5U-85F"
"""The device that plans for a number of lanes are compared with."""
MAX_NETWORKS = 100_000


@dataclass(frozen=True)
class PlanTarget:
    """What a plan is made for: the fastest that fits a device, or the fastest with a number of multipliers."""

    name: str
    """The board or device, or the number of lanes."""
    available: Resources
    """Resources of the device; with a number of lanes, of the largest device."""
    lanes: int | None = None
    fabric: Fabric = ECP5


def lanes_target(lanes: int) -> PlanTarget:
    """The target of this many multipliers. Raises FirebrickError if there is none."""
    if lanes < 1:
        raise FirebrickError(f"lanes must be at least 1, not {lanes}")
    return PlanTarget(f"{lanes} lanes", DEVICES[LARGEST_DEVICE.lower()].resources, lanes)


@dataclass(frozen=True)
class SyntheticModel:
    """A network of the design space with random weights."""

    metaparameters: Metaparameters = field(default_factory=Metaparameters)
    classes: int = 1000
    height: int = 227
    width: int = 227
    bits: int = 6
    density: float = 0.33
    seed: int = 0

    @property
    def name(self) -> str:
        """The network's name."""
        return self.metaparameters.name

    def model(self) -> Model:
        """Make the model. Raises FirebrickError if the metaparameters do not fit each other."""
        network = self.metaparameters.network(self.classes, self.height, self.width)
        return synthetic_model(network, self.bits, self.density, self.seed)


@dataclass(frozen=True)
class TrainedModel:
    """A model that exists as a `.fire` file."""

    name: str
    data: bytes = field(repr=False)
    """The bytes of the file."""

    @cached_property
    def sha256(self) -> str:
        """Digest of the file."""
        return hashlib.sha256(self.data).hexdigest()

    def model(self) -> Model:
        """Decode the model. Raises FirebrickError if the file is damaged."""
        return decode_model(self.data)


@dataclass(frozen=True)
class DesignPoint:
    """One model for one target."""

    model_source: SyntheticModel | TrainedModel
    target: PlanTarget

    @property
    def key(self) -> str:
        """Everything that decides the result, as text."""
        source = self.model_source.sha256 if isinstance(self.model_source, TrainedModel) else repr(self.model_source)
        return f"{source} {self.target.lanes} {self.target.available} {self.target.fabric}"


@dataclass(frozen=True)
class Grid:
    """The values of each design choice; a sweep covers all combinations."""

    base_e: Sequence[int] = (128,)
    incr_e: Sequence[int] = (128,)
    pct3x3: Sequence[float] = (0.5,)
    freq: Sequence[int] = (2,)
    sr: Sequence[float] = (0.125,)
    bypass: Sequence[Bypass] = (Bypass.NONE,)
    classes: Sequence[int] = (1000,)
    bits: Sequence[int] = (6,)
    density: Sequence[float] = (0.33,)
    size: tuple[int, int] = (227, 227)
    seed: int = 0

    def models(self) -> list[SyntheticModel]:
        """All networks with their weights, in order. Raises FirebrickError if there are more than MAX_NETWORKS."""
        metaparameters = (self.base_e, self.incr_e, self.pct3x3, self.freq, self.sr, self.bypass)
        axes = (*metaparameters, self.classes, self.bits, self.density)
        count = prod(len(axis) for axis in axes)
        if count > MAX_NETWORKS:
            raise FirebrickError(f"{count:,} networks are more than {MAX_NETWORKS:,}; leave some values out")
        return [
            SyntheticModel(Metaparameters(base_e, incr_e, pct3x3, freq, sr, bypass), classes, *self.size, bits, density, self.seed)
            for base_e, incr_e, pct3x3, freq, sr, bypass, classes, bits, density in product(*axes)
        ]


def design_points(models: Iterable[SyntheticModel | TrainedModel], targets: Sequence[PlanTarget]) -> list[DesignPoint]:
    """Every model for every target, each combination once; targets change fastest.

    Points that differ in name only are listed each, but have one key.
    """
    points = (DesignPoint(model, target) for model, target in product(models, targets))
    return list({(point.key, point.model_source.name, point.target.name): point for point in points}.values())
