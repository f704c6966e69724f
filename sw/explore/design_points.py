# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The points of an exploration: what is built, and for what."""

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

LARGEST = "LFE5U-85F"
"""The device that plans for a number of lanes are held against."""
MAX_NETWORKS = 100_000


@dataclass(frozen=True)
class PlanTarget:
    """What a plan is made for: the fastest that a device has room for, or the fastest with so many multipliers."""

    name: str
    """Of the board or device, or how many lanes."""
    available: Resources
    """What there is of everything; with lanes, on the largest device."""
    lanes: int | None = None
    fabric: Fabric = ECP5
    """What it is made of."""


def lanes_target(lanes: int) -> PlanTarget:
    """The target of so many multipliers. Raises FirebrickError unless there is at least one."""
    if lanes < 1:
        raise FirebrickError(f"lanes must be at least 1, not {lanes}")
    return PlanTarget(f"{lanes} lanes", DEVICES[LARGEST.lower()].resources, lanes)


@dataclass(frozen=True)
class SyntheticModel:
    """A network of the design space with generated weights."""

    metaparameters: Metaparameters = field(default_factory=Metaparameters)
    classes: int = 1000
    height: int = 227
    width: int = 227
    bits: int = 6
    density: float = 0.33
    seed: int = 0

    @property
    def name(self) -> str:
        """The network's, with what is not usual of its input and classes."""
        return self.metaparameters.name

    def model(self) -> Model:
        """The model. Raises FirebrickError where the metaparameters do not fit."""
        return synthetic_model(self.metaparameters.network(self.classes, self.height, self.width), self.bits, self.density, self.seed)


@dataclass(frozen=True)
class TrainedModel:
    """A model that there is."""

    name: str
    data: bytes = field(repr=False)
    """Of its `.fire` file."""

    @cached_property
    def sha256(self) -> str:
        """Digest of the file."""
        return hashlib.sha256(self.data).hexdigest()

    def model(self) -> Model:
        """The model. Raises FirebrickError where the file is damaged."""
        return decode_model(self.data)


@dataclass(frozen=True)
class DesignPoint:
    """One combination of what can be chosen."""

    model_source: SyntheticModel | TrainedModel
    target: PlanTarget

    @property
    def key(self) -> str:
        """Everything that decides what is measured, as text."""
        subject = self.model_source.sha256 if isinstance(self.model_source, TrainedModel) else repr(self.model_source)
        return f"{subject} {self.target.lanes} {self.target.available} {self.target.fabric}"


@dataclass(frozen=True)
class Grid:
    """The values that each choice takes; the points are all combinations, targets changing fastest."""

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

    def subjects(self) -> list[SyntheticModel]:
        """All networks with their weights, in order. Raises FirebrickError where they are more than MAX_NETWORKS."""
        meta = (self.base_e, self.incr_e, self.pct3x3, self.freq, self.sr, self.bypass)
        count = prod(len(axis) for axis in (*meta, self.classes, self.bits, self.density))
        if count > MAX_NETWORKS:
            raise FirebrickError(f"{count:,} networks are more than {MAX_NETWORKS:,}; leave some values out")
        return [
            SyntheticModel(Metaparameters(base_e, incr_e, pct3x3, freq, sr, bypass), classes, *self.size, bits, density, self.seed)
            for base_e, incr_e, pct3x3, freq, sr, bypass, classes, bits, density in product(
                self.base_e, self.incr_e, self.pct3x3, self.freq, self.sr, self.bypass, self.classes, self.bits, self.density
            )
        ]


def design_points(subjects: Iterable[SyntheticModel | TrainedModel], targets: Sequence[PlanTarget]) -> list[DesignPoint]:
    """Every subject for every target, each combination once; those that differ in name alone are measured once."""
    found = (DesignPoint(*pair) for pair in product(subjects, targets))
    return list({(point.key, point.model_source.name, point.target.name): point for point in found}.values())
