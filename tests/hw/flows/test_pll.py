# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Clock settings: every PLL stays within its data sheet's limits and comes close to the target frequency from below."""

import pytest

from firebrick.hw.flows import gowin, ice40
from firebrick.hw.flows.ecp5 import USB_HZ, USB_IO_HZ, usb_pll_settings
from firebrick.hw.flows.pll import DIVIDER_MAX, PFD_HZ, VCO_HZ, PllLimits, pll_settings
from firebrick.hw.flows.vendor import MMCM_LIMITS
from firebrick.sw.errors import FirebrickError


@pytest.mark.parametrize("megahertz", [25, 50, 60, 66, 80, 100, 133])
@pytest.mark.parametrize("source", [12e6, 25e6, 100e6])
def test_pll_comes_close_and_stays_within_its_limits(source: float, megahertz: int) -> None:
    settings = pll_settings(source, megahertz * 1e6)
    assert 0.95 * megahertz * 1e6 <= settings.output_hz <= megahertz * 1e6 * 1.000001
    assert VCO_HZ[0] <= settings.output_hz * settings.output_divider <= VCO_HZ[1]
    assert PFD_HZ[0] <= source / settings.input_divider <= PFD_HZ[1]


def test_pll_rejects_frequencies_out_of_reach() -> None:
    with pytest.raises(FirebrickError, match="a clock of 25 MHz cannot be turned into one of 1 MHz; choose another frequency"):
        pll_settings(25e6, 1e6)


@pytest.mark.parametrize("megahertz", [12, 16, 25, 48, 50, 100])
def test_usb_pll_makes_both_of_its_clocks_exactly(megahertz: int) -> None:
    settings = usb_pll_settings(megahertz * 1_000_000)
    assert settings.vco_hz % USB_IO_HZ == settings.vco_hz % USB_HZ == 0
    assert VCO_HZ[0] <= settings.vco_hz <= VCO_HZ[1]
    assert PFD_HZ[0] <= settings.input_hz / settings.input_divider <= PFD_HZ[1]
    assert max(settings.input_divider, settings.output_divider, settings.vco_hz / USB_HZ) <= DIVIDER_MAX


def test_usb_pll_rejects_unsuitable_board_clocks() -> None:
    with pytest.raises(FirebrickError, match=r"a clock of 33\.333 MHz cannot be turned into those of USB; choose the link uart"):
        usb_pll_settings(33_333_000)


@pytest.mark.parametrize("megahertz", [16.5, 20, 33, 40, 60, 100])
@pytest.mark.parametrize(
    ("source", "limits"),
    [
        (12e6, ice40.PLL_LIMITS),
        (100e6, ice40.PLL_LIMITS),
        *((27e6, limits) for limits in gowin.PLL_LIMITS.values()),
        (100e6, MMCM_LIMITS),
        (12e6, MMCM_LIMITS),
    ],
)
def test_plls_come_close_and_stay_within_their_limits(source: float, limits: PllLimits, megahertz: float) -> None:
    settings = pll_settings(source, megahertz * 1e6, limits)
    fed = source / settings.input_divider * settings.feedback_divider
    output, vco = (fed, fed * settings.output_divider) if limits.feedback_from_output else (fed / settings.output_divider, fed)
    assert settings.output_hz == pytest.approx(output)
    assert 0.95 * megahertz * 1e6 <= output <= megahertz * 1e6 * 1.000001
    assert limits.vco_hz[0] <= vco <= limits.vco_hz[1]
    assert limits.pfd_hz[0] <= source / settings.input_divider <= limits.pfd_hz[1]
