# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The design space of the SqueezeNet paper (arXiv:1602.07360, Sections 5 and 6): a few metaparameters describe a whole network."""

import math
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal

from .errors import FirebrickError
from .network import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape, Stage

FIRES = range(2, 10)
"""The numbers of the Fire modules, fire2 to fire9."""
FILTERS_MAX = 65535
"""Most filters of a kind in a Fire module; as many as a `.fire` file can say."""


@dataclass(frozen=True)
class Metaparameters:
    """What Section 5.1 varies, and the bypass of Section 6; the defaults are SqueezeNet v1.0.

    Fire module i, counted from 0, has e_i = base_e + incr_e * floor(i / freq) expand filters. Rounding, where the paper says none:

    - 3x3 filters: pct3x3 * e_i to the nearest whole number, halves up; the rest of e_i are 1x1 filters.
    - squeeze filters: sr * e_i to the nearest whole number, halves up, but at least one.

    Shares are taken as the decimal numbers that they print as, so 0.145 of 100 is 14.5 and becomes 15. What is outside the Fire modules
    is as in Table 1: conv1 7x7/2 with 96 filters, pooling after conv1, fire4 and fire8, conv10 with a filter a class.
    """

    base_e: int = 128
    """Expand filters of the first Fire module; at least 1."""
    incr_e: int = 128
    """How many more there are after every ``freq`` Fire modules; not negative."""
    pct3x3: float = 0.5
    """Share of expand filters that are 3x3, 0 to 1."""
    freq: int = 2
    """Fire modules of one width in a row; at least 1."""
    sr: float = 0.125
    """The squeeze ratio: squeeze filters for each expand filter, above 0 to 1."""
    bypass: Bypass = Bypass.NONE
    """``simple``: where a Fire module's channel counts are equal; ``complex``: there, and a 1x1 convolution where they are not (Fig. 2)."""

    def verify(self) -> None:
        """Raise FirebrickError unless every metaparameter lies in its range."""
        for name, least in (("base_e", 1), ("incr_e", 0), ("freq", 1)):
            if not least <= getattr(self, name) <= FILTERS_MAX:
                raise FirebrickError(f"{name} must be {least} to {FILTERS_MAX}, not {getattr(self, name)}")
        if not 0 <= self.pct3x3 <= 1:
            raise FirebrickError(f"pct3x3 must be 0 to 1, not {self.pct3x3}")
        if not 0 < self.sr <= 1:
            raise FirebrickError(f"sr must be above 0 and at most 1, not {self.sr}")
        if self.bypass not in list(Bypass):
            raise FirebrickError(f"bypass must be one of {', '.join(Bypass)}, not {self.bypass}")
        if self.expand(len(FIRES) - 1) > FILTERS_MAX:
            raise FirebrickError(f"fire9 must have at most {FILTERS_MAX} expand filters, not {self.expand(len(FIRES) - 1)}")

    def expand(self, index: int) -> int:
        """Expand filters of the Fire module with this index, counted from 0 (e_i in Section 5.1)."""
        return self.base_e + self.incr_e * (index // self.freq)

    @property
    def name(self) -> str:
        """``squeezenet1_0``, or ``squeezenet`` and whatever differs from it."""
        changed = [f"_{field.name}_{getattr(self, field.name)}" for field in fields(self) if getattr(self, field.name) != field.default]
        return "squeezenet" + "".join(changed) if changed else "squeezenet1_0"

    def network(self, classes: int = 1000, height: int = 227, width: int = 227) -> Network:
        """The network for pictures of this many rows and columns; raises FirebrickError when they or the metaparameters do not fit."""
        self.verify()
        stages: list[Stage] = [Conv("conv1", 96, 7, stride=2), MaxPool("pool1")]
        channels = 96
        for index, number in enumerate(FIRES):
            expand = self.expand(index)
            threes = _share(self.pct3x3, expand)
            squeeze = max(1, _share(self.sr, expand))
            stages.append(Fire(f"fire{number}", squeeze, expand - threes, threes, self._bypass(channels, expand)))
            if number in (4, 8):
                stages.append(MaxPool(f"pool{number}"))
            channels = expand
        stages += [Conv("conv10", classes, 1), GlobalAverage("pool10")]
        network = Network(self.name, Shape(3, height, width), tuple(stages))
        network.verify()
        return network

    def _bypass(self, inputs: int, outputs: int) -> Bypass:
        if self.bypass != Bypass.NONE and inputs == outputs:
            return Bypass.SIMPLE
        return Bypass.COMPLEX if self.bypass == Bypass.COMPLEX else Bypass.NONE


def _share(share: float, count: int) -> int:
    return int((Decimal(str(share)) * count).to_integral_value(ROUND_HALF_UP))


def float_bytes(network: Network) -> int:
    """Bytes of the parameters as 32-bit floats."""
    return 4 * sum(layer.parameters for layer in network.layers())


def megabytes(size: int) -> float:
    """Bytes in the paper's MB: units of 2^20 bytes, rounded up as ``ls -lh`` does, to tenths below 10 and to whole ones from there.

    That is how every size of Fig. 3 comes out as printed.
    """
    tenths = math.ceil(10 * size / 2**20)
    return tenths / 10 if tenths < 100 else float(math.ceil(size / 2**20))
