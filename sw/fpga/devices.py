# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The FPGAs of known boards with their resources, from the data sheets."""

from dataclasses import dataclass

from .fabric import ECP5, GOWIN, ICE40, ICE40_PLAIN, INTEL, INTEL_ALM, MACHXO, XILINX, Fabric
from .resources import Resources

FABRICS = {
    "ECP5": ECP5,
    "iCE40": ICE40_PLAIN,
    "iCE40 UltraPlus": ICE40,
    "GW1N": GOWIN,
    "GW2A": GOWIN,
    "Cyclone V": INTEL_ALM,
    **dict.fromkeys(("Cyclone III", "Cyclone IV", "MAX 10"), INTEL),
    **dict.fromkeys(("MachXO2", "MachXO3"), MACHXO),
    **dict.fromkeys(("7 series", "Spartan-3A", "Spartan-6", "UltraScale", "UltraScale+"), XILINX),
}
"""The fabric of each family."""
TABLE = """
LFE5U-12F        24288   56   28  ECP5
LFE5U-25F        24288   56   28  ECP5
LFE5UM-25F       24288   56   28  ECP5
LFE5UM5G-25F     24288   56   28  ECP5
LFE5U-45F        43848  108   72  ECP5
LFE5UM-45F       43848  108   72  ECP5
LFE5UM5G-45F     43848  108   72  ECP5
LFE5U-85F        83640  208  156  ECP5
LFE5UM-85F       83640  208  156  ECP5
LFE5UM5G-85F     83640  208  156  ECP5
iCE40HX1K         1280   16    0  iCE40
iCE40LP1K         1280   16    0  iCE40
iCE40HX4K         7680   32    0  iCE40
iCE40HX8K         7680   32    0  iCE40
iCE40LP8K         7680   32    0  iCE40
iCE40UP5K         5280   30    8  iCE40 UltraPlus
GW1NR-9C          8640   26   20  GW1N
GW2A-18C         20736   46   48  GW2A
LCMXO2-256HC       256    0    0  MachXO2
LCMXO2-1200HC     1280    7    0  MachXO2
LCMXO2-1200ZE     1280    7    0  MachXO2
LCMXO2-4000HC     4320   10    0  MachXO2
LCMXO2-7000HE     6864   26    0  MachXO2
LCMXO3L-6900C     6864   26    0  MachXO3
LCMXO3LF-6900C    6864   26    0  MachXO3
xc3s200a          3584   16   16  Spartan-3A
xc6slx9           5720   32   16  Spartan-6
xc6slx45         27288  116   58  Spartan-6
xc7a15t          10400   50   45  7 series
xc7a35t          20800  100   90  7 series
xc7a35ti         20800  100   90  7 series
xc7a50t          32600  150  120  7 series
xc7a100t         63400  270  240  7 series
xc7a100ti        63400  270  240  7 series
xc7a200t        134600  730  740  7 series
xc7k325t        203800  890  840  7 series
xc7s25           14600   90   80  7 series
xc7s50           32600  150  120  7 series
xc7z007s         14400  100   66  7 series
xc7z010          17600  120   80  7 series
xc7z020          53200  280  220  7 series
xcku040         242400 1200 1920  UltraScale
xczu48dr        425280 2160 4272  UltraScale+
EP3C16           15408   56   56  Cyclone III
EP3C25           24624   66   66  Cyclone III
EP4CE6            6272   30   15  Cyclone IV
EP4CE22          22320   66   66  Cyclone IV
5CEBA4           36960  308  132  Cyclone V
5CSEMA5          64150  397  174  Cyclone V
5CSEBA6          83820  557  224  Cyclone V
10M50DA          49760  182  144  MAX 10
"""
"""Device (its name in amaranth-boards), LUTs, block RAMs, multipliers and family.

Open tools treat a 12F as a 25F and an HX4K as an HX8K, which are the same dies. Multipliers have 18x18 bits or a little more, in an iCE40
16x16."""


_TWO_PLL_LUTS = 24288
"""LUTs of the largest ECP5 with two PLLs, the 25F."""


@dataclass(frozen=True)
class FpgaDevice:
    """An FPGA."""

    name: str
    family: str
    resources: Resources

    @property
    def fabric(self) -> Fabric:
        """The fabric of its family."""
        return FABRICS[self.family]

    @property
    def plls(self) -> int:
        """PLLs; those of families other than the ECP5 are not counted here: 1 (ECP5 and ECP5-5G Family Data Sheet, table 1.1)."""
        if self.family != "ECP5":
            return 1
        return 2 if self.resources.luts <= _TWO_PLL_LUTS else 4


def find_device(name: str) -> FpgaDevice | None:
    """A device by name, upper or lower case; None if it is unknown."""
    return DEVICES.get(name.lower())


def _devices() -> dict[str, FpgaDevice]:
    devices = {}
    for line in TABLE.strip().splitlines():
        name, luts, block_rams, multipliers, family = line.split(maxsplit=4)
        devices[name.lower()] = FpgaDevice(name, family, Resources(int(luts), int(block_rams), int(multipliers)))
    return devices


DEVICES = _devices()
"""By name in lower case."""
