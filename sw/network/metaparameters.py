# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The design space of the SqueezeNet paper (arXiv:1602.07360, Sections 5 and 6): a few metaparameters describe a network."""

import math
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal

from ..errors import FirebrickError
from .graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape, Stage

FIRES_MAX = 8
"""Maximum number of Fire modules: fire2 to fire9."""
FILTERS_MAX = 65535
"""Maximum number of filters of a kind in a Fire module: the largest number in a `.fire` file."""


@dataclass(frozen=True)
class Metaparameters:
    """The metaparameters of Section 5.1 and the bypass of Section 6; the defaults are SqueezeNet v1.0.

    Fire module i, counted from 0, has e_i = base_e + incr_e * floor(i / freq) expand filters. The paper does not define the rounding
    of other counts. Here:

    - 3x3 filters: pct3x3 * e_i, rounded to the nearest integer, halves up; the rest of e_i are 1x1 filters.
    - squeeze filters: sr * e_i, rounded to the nearest integer, halves up, but at least one.

    Fractions are exact decimals, so 0.145 of 100 is 14.5 and becomes 15. The paper fixes the stages outside the Fire modules, and the
    number of Fire modules, as in Table 1; here these may vary too, for small images and small boards. The last convolution is called
    conv10 and the average pool10, however many stages there are.
    """

    base_e: int = 128
    """Expand filters of the first Fire module; at least 1."""
    incr_e: int = 128
    """Expand filters added after every ``freq`` Fire modules; not negative."""
    pct3x3: float = 0.5
    """Fraction of the expand filters that are 3x3, 0 to 1."""
    freq: int = 2
    """Number of consecutive Fire modules with the same width; at least 1."""
    sr: float = 0.125
    """The squeeze ratio, squeeze filters per expand filter; above 0 to 1."""
    bypass: Bypass = Bypass.NONE
    """``simple``: a bypass where a Fire module's input and output have equally many channels; ``complex``: also a 1x1 convolution
    where they have not (Fig. 2)."""
    fires: int = 8
    """Number of Fire modules, named from fire2; 1 to 8."""
    conv1: tuple[int, int, int] = (96, 7, 2)
    """Filters, kernel and stride of the first convolution, each at least 1."""
    pools: tuple[int, ...] = (1, 4, 8)
    """Numbers of the stages (1 is conv1, 2 is fire2, ...) that a pool follows; in order."""

    def verify(self) -> None:
        """Raise FirebrickError unless every metaparameter lies in its range."""
        ranges = (("base_e", 1, FILTERS_MAX), ("incr_e", 0, FILTERS_MAX), ("freq", 1, FILTERS_MAX), ("fires", 1, FIRES_MAX))
        for name, lowest, highest in ranges:
            if not lowest <= getattr(self, name) <= highest:
                raise FirebrickError(f"{name} must be {lowest} to {highest}, not {getattr(self, name)}")
        if not all(1 <= value <= FILTERS_MAX for value in self.conv1):
            raise FirebrickError(f"conv1's filters, kernel and stride must be 1 to {FILTERS_MAX}, not {self.conv1}")
        if list(self.pools) != sorted({*self.pools}.intersection(range(1, self.fires + 2))):
            raise FirebrickError(f"pools must be stages from 1 to {self.fires + 1} in order, not {self.pools}")
        if not 0 <= self.pct3x3 <= 1:
            raise FirebrickError(f"pct3x3 must be 0 to 1, not {self.pct3x3}")
        if not 0 < self.sr <= 1:
            raise FirebrickError(f"sr must be above 0 and at most 1, not {self.sr}")
        if self.bypass not in list(Bypass):
            raise FirebrickError(f"bypass must be one of {', '.join(Bypass)}, not {self.bypass}")
        widest = self.expand(self.fires - 1)
        if widest > FILTERS_MAX:
            raise FirebrickError(f"fire{self.fires + 1} must have at most {FILTERS_MAX} expand filters, not {widest}")

    def expand(self, index: int) -> int:
        """Expand filters of the Fire module with this index, counted from 0 (e_i in Section 5.1)."""
        return self.base_e + self.incr_e * (index // self.freq)

    @property
    def name(self) -> str:
        """``squeezenet1_0``, or ``squeezenet`` followed by the name and value of each metaparameter that differs from it."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if getattr(self, field.name) != field.default}
        words = [f"_{name}_{'-'.join(map(str, value)) or 'none' if isinstance(value, tuple) else value}" for name, value in values.items()]
        return "squeezenet" + "".join(words) if words else "squeezenet1_0"

    def network(self, classes: int = 1000, height: int = 227, width: int = 227, channels: int = 3) -> Network:
        """The network for images of this shape; raises FirebrickError when the metaparameters are out of range or do not fit the shape."""
        self.verify()
        shape = Shape(channels, height, width)
        filters, kernel, stride = self.conv1
        stages: list[Stage] = [Conv("conv1", filters, kernel, stride)]
        if 1 in self.pools:
            stages.append(MaxPool("pool1"))
        channels = filters
        for index, number in enumerate(range(2, self.fires + 2)):
            expand = self.expand(index)
            expand3x3 = _round_half_up(self.pct3x3, expand)
            squeeze = max(1, _round_half_up(self.sr, expand))
            stages.append(Fire(f"fire{number}", squeeze, expand - expand3x3, expand3x3, self._bypass(channels, expand)))
            if number in self.pools:
                stages.append(MaxPool(f"pool{number}"))
            channels = expand
        stages += [Conv("conv10", classes, 1), GlobalAverage("pool10")]
        network = Network(self.name, shape, tuple(stages))
        network.verify()
        return network

    def _bypass(self, inputs: int, outputs: int) -> Bypass:
        if self.bypass != Bypass.NONE and inputs == outputs:
            return Bypass.SIMPLE
        return Bypass.COMPLEX if self.bypass == Bypass.COMPLEX else Bypass.NONE


def _round_half_up(fraction: float, count: int) -> int:
    """``fraction * count`` to the nearest integer, the fraction taken as the decimal number that it prints as."""
    return int((Decimal(str(fraction)) * count).to_integral_value(ROUND_HALF_UP))


def float_bytes(network: Network) -> int:
    """Size of the parameters as 32-bit floats, in bytes."""
    return 4 * sum(layer.parameters for layer in network.layers())


def megabytes(size: int) -> float:
    """A size in the paper's MB: units of 2^20 bytes, rounded up as ``ls -lh`` does, to tenths below 10 and to integers from there.

    With this rounding, every size in Fig. 3 comes out as printed.
    """
    tenths = math.ceil(10 * size / 2**20)
    return tenths / 10 if tenths < 100 else float(math.ceil(size / 2**20))
