# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The registers of the OV7670: what they mean by the bits of its data sheet is what capture and picture expect."""

import pytest

from firebrick.sw.camera.ov7670 import OV7670, OV7670_VGA
from firebrick.sw.camera.sensor import Op, Sensor

BOTH = pytest.mark.parametrize("sensor", [OV7670, OV7670_VGA], ids=lambda sensor: sensor.name)
PIXELS_OF_A_LINE, LINES_OF_A_FRAME = 784, 510
"""Of the sensor in 640x480, blank ones included [data sheet, figure 6]."""


def registers(sensor: Sensor) -> dict[int, int]:
    """What the registers have after the set-up, with a prescaler of 1."""
    return {step.register: step.value for step in sensor.setup if step.op in (Op.WRITE, Op.PRESCALE)}


def window(values: dict[int, int]) -> tuple[int, int, int, int]:
    """First and last pixel and line: HSTART, HSTOP with HREF, VSTART, VSTOP with VREF."""
    horizontal = (values[0x17] << 3 | values[0x32] & 7, values[0x18] << 3 | values[0x32] >> 3 & 7)
    vertical = (values[0x19] << 2 | values[0x03] & 3, values[0x1A] << 2 | values[0x03] >> 2 & 3)
    return *horizontal, *vertical


@BOTH
def test_set_up_knows_the_sensor_resets_it_and_starts_its_clock_last(sensor: Sensor) -> None:
    first, reset, wait, *others, last = sensor.setup
    assert (first.op, first.register, first.value) == (Op.EXPECT, 0x0A, 0x76)
    assert (reset.op, reset.register, reset.value) == (Op.WRITE, 0x12, 0x80)
    assert (wait.op, wait.value >= 1) == (Op.WAIT, True)
    assert (last.op, last.register) == (Op.PRESCALE, 0x11)
    assert last.value & 0x7F == 0, "the prescaler's six bits are added; bit 6 would leave it out"
    written = [step.register for step in others]
    assert len(set(written)) == len(written), "no register is written twice"
    assert {step.op for step in others} == {Op.WRITE}


@BOTH
def test_pixels_are_rgb565_of_the_full_range(sensor: Sensor) -> None:
    values = registers(sensor)
    assert values[0x12] == 0x04, "COM7: RGB, no colour bars, no reset"
    assert values[0x40] & 0xF0 == 0xD0, "COM15: 0x00 to 0xFF, RGB565"
    assert values[0x8C] & 0x02 == 0, "RGB444 is off, which would go before RGB565"
    assert values[0x0C] & 0x40 == 0, "COM3: the bytes are not exchanged"
    assert (values[0x70] | values[0x71]) & 0x80 == 0, "no test pattern"


@BOTH
def test_pins_are_as_the_capture_reads_them(sensor: Sensor) -> None:
    com10 = registers(sensor)[0x15]
    assert com10 & 0x40 == 0, "HREF, not HSYNC"
    assert com10 & 0x20 == 0, "PCLK does not stop in blanks: VSYNC is sampled by it"
    assert com10 & 0x10 == 0, "data change at PCLK's falling edge"
    assert sensor.rising_edge
    assert (com10 & 0x08 == 0) == sensor.href_high
    assert (com10 & 0x02 == 0) == sensor.vsync_high


@BOTH
def test_window_has_the_pixels_and_lines_of_the_picture(sensor: Sensor) -> None:
    values = registers(sensor)
    left, right, top, bottom = window(values)
    assert values[0x3A] & 1 == 0, "TSLB: the window does not follow the resolution"
    scale = 640 // sensor.columns
    assert (right - left) % PIXELS_OF_A_LINE == scale * sensor.columns
    assert bottom - top == scale * sensor.rows


def test_qvga_samples_down_by_two_and_halves_the_clock() -> None:
    values = registers(OV7670)
    assert values[0x0C] & 0x0C == 0x04, "COM3: sampled down, not scaled"
    assert values[0x3E] == 0x19, "COM14: PCLK scaled, by hand, over 2"
    assert values[0x72] == 0x11, "by two in both directions"
    assert values[0x73] & 0x0F == 1, "the clock of the sampling, likewise over 2"
    vga = registers(OV7670_VGA)
    assert (vga[0x0C], vga[0x3E], vga[0x73] & 0x0F) == (0, 0, 0)


@BOTH
def test_thirty_frames_a_second_without_the_pll(sensor: Sensor) -> None:
    values = registers(sensor)
    assert values[0x6B] & 0xC0 == 0, "DBLV: the PLL is bypassed"
    divided = 2 if values[0x3E] & 0x10 else 1
    assert sensor.pclk == sensor.xclk / divided
    assert values[0x3B] & 0xE0 == 0, "COM11: no night mode, which makes frames longer"
    seconds = PIXELS_OF_A_LINE * 2 * LINES_OF_A_FRAME / sensor.xclk
    assert 1 / seconds == pytest.approx(30, rel=1e-3)
    assert sensor.frame_seconds() == pytest.approx(seconds, rel=2e-3)


@BOTH
def test_automatics_are_on_from_the_end_of_the_set_up(sensor: Sensor) -> None:
    values = registers(sensor)
    assert values[0x13] & 0x07 == 0x07, "COM8: gain, white balance, exposure"
    order = [step.register for step in sensor.setup]
    assert order.index(0x13) > max(order.index(register) for register in (0x14, 0x24, 0x25, 0x26, 0x43, 0x6C))
    assert values[0x24] > values[0x25], "the range of brightness that is aimed at"
    assert values[0xB1] & 0x04, "the black level is calibrated"
    assert values[0xB0] == 0x84, "without this reserved value greens and reds are wrong"


def test_vga_counts_every_line_of_the_data_sheet() -> None:
    assert OV7670_VGA.lines == LINES_OF_A_FRAME
    assert OV7670_VGA.line == 2 * PIXELS_OF_A_LINE
    assert (OV7670_VGA.vsync_lines, OV7670_VGA.front_lines, OV7670_VGA.back_lines) == (3, 17, 10)
