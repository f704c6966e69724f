# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The OV7670 of OmniVision: 640x480 or 320x240 pixels at 30 frames a second.

Sources: [DS] "OV7670/OV7171 Advanced Information, Preliminary Datasheet", version 1.4, August 2006: names and meanings of registers
(table 5), frame timing (figures 6 and 7). [IG] "OV7670/OV7171 CMOS VGA CameraChip Implementation Guide", version 1.0, September 2005:
values for 30 frames a second from 24 MHz, for resolutions and for colours. Where these are silent, drivers that are in use with sensors:
[LX] Linux, drivers/media/i2c/ov7670.c: ``ov7670_default_regs``, values of OmniVision, and ``ov7670_fmt_rgb565``. [LO] LiveOV7670,
src/lib/LiveOV7670Library/CameraOV7670RegistersQVGA.cpp. [AF] Adafruit_OV7670, src/ov7670.c, whose authors measured windows.
"""

from typing import TypeAlias

from .sensor import Op, Sensor, Step

Values: TypeAlias = tuple[tuple[int, int], ...]
"""Registers and values."""

# Registers, by their names in [DS].
GAIN, BLUE, RED, VREF = 0x00, 0x01, 0x02, 0x03
PID, COM3, CLKRC, COM7, COM8, COM9, COM10 = 0x0A, 0x0C, 0x11, 0x12, 0x13, 0x14, 0x15
HSTART, HSTOP, VSTART, VSTOP, AEW, AEB, VPT = 0x17, 0x18, 0x19, 0x1A, 0x24, 0x25, 0x26
HREF, TSLB, COM11, COM12, COM13, COM14, EDGE, COM15, COM16 = 0x32, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x40, 0x41
MTX1, MTXS, GFIX, DBLV = 0x4F, 0x58, 0x69, 0x6B
SCALING_XSC, SCALING_YSC, SCALING_DCWCTR, SCALING_PCLK_DIV, SCALING_PCLK_DELAY = 0x70, 0x71, 0x72, 0x73, 0xA2
SLOP, RGB444, ABLC1, THL_ST = 0x7A, 0x8C, 0xB1, 0xB3
PRODUCT = 0x76
"""The value of PID: 0x76 in its upper byte [DS]; VER, the lower one, is 0x73 in most."""

CLOCK: Values = (
    (DBLV, 0x0A),  # PLL bypassed: PCLK is XCLK over the prescaler [IG, 30 frames a second from 24 MHz]
    (COM11, 0x0A),  # no night mode, which would halve the frame rate in the dark; 50 Hz banding filter, exposure below it [IG]
)
FORMAT: Values = (
    (COM15, 0xD0),  # full output range, 0x00 to 0xFF; RGB565 [DS]
    (RGB444, 0x00),  # not RGB444 [DS]
    (TSLB, 0x04),  # bit 0 is clear: the window is that of its registers, not one that follows the resolution [LX, AF]
    (COM10, 0x00),  # VSYNC is high when active, HREF, PCLK runs in blanks, too [DS; bits also in LX]
)
VGA: Values = (
    *((COM3, 0x00), (COM14, 0x00)),  # no scaling [IG]
    *((SCALING_XSC, 0x3A), (SCALING_YSC, 0x35), (SCALING_DCWCTR, 0x11), (SCALING_PCLK_DIV, 0xF0), (SCALING_PCLK_DELAY, 0x02)),  # [IG]
    *((HSTART, 0x13), (HSTOP, 0x01), (HREF, 0xB6), (VSTART, 0x02), (VSTOP, 0x7A), (VREF, 0x0A)),  # pixels 158 to 14, lines 10 to 490 [LX]
)
QVGA: Values = (
    *((COM3, 0x04), (COM14, 0x19)),  # sampled down; PCLK halved [IG, LO, AF]
    *((SCALING_XSC, 0x3A), (SCALING_YSC, 0x35), (SCALING_DCWCTR, 0x11), (SCALING_PCLK_DIV, 0xF1), (SCALING_PCLK_DELAY, 0x02)),  # [IG]
    # Pixels 180 to 36, lines 10 to 490 of 640x480 [LO]; [AF] has pixels 174 to 30. The picture's columns are far from both ends.
    *((HSTART, 0x16), (HSTOP, 0x04), (HREF, 0x24), (VSTART, 0x02), (VSTOP, 0x7A), (VREF, 0x0A)),
)
COLOUR: Values = (
    *zip(range(MTX1, MTX1 + 6), (0xB3, 0xB3, 0x00, 0x3D, 0xA7, 0xE4), strict=True),  # colour matrix for RGB [LX]
    (MTXS, 0x9E),  # signs of the matrix [LX]
    (COM13, 0xC0),  # gamma, saturation adjusted automatically [DS]
    (COM16, 0x38),  # edges enhanced and noise removed automatically, gain of the white balance [DS]
    # The gamma curve: the slope of its last segment, and its level at 15 brightnesses [LX].
    *zip(
        range(SLOP, SLOP + 16),
        (0x20, 0x10, 0x1E, 0x35, 0x5A, 0x69, 0x76, 0x80, 0x88, 0x8F, 0x96, 0xA3, 0xAF, 0xC4, 0xD7, 0xE8),
        strict=True,
    ),
)
EXPOSURE: Values = (
    (COM9, 0x38),  # gain of 16 at most [DS]; bit 3, reserved, as in [LX]
    *((ABLC1, 0x0C), (THL_ST, 0x82)),  # black level calibrated automatically, and its target [LX, AF]; off after power-up [DS]
    *((AEW, 0x95), (AEB, 0x33), (VPT, 0xE3)),  # the range of mean brightness that is aimed at [LX]
    # Reserved registers of the white balance; without these values colours are wrong [LX].
    *zip(range(0x43, 0x49), (0x0A, 0xF0, 0x34, 0x58, 0x28, 0x3A), strict=True),
    *zip(range(0x59, 0x5F), (0x88, 0x88, 0x44, 0x67, 0x49, 0x0E), strict=True),
    *zip(range(0x6C, 0x70), (0x0A, 0x55, 0x11, 0x9F), strict=True),
    *((GFIX, 0x00), (BLUE, 0x40), (RED, 0x60)),  # gains to begin with [LX]
    (0xB0, 0x84),  # reserved; without it colours are wrong [LX, AF]
    (COM8, 0xE7),  # gain, white balance and exposure automatic, fast; banding filter [DS]
)


def _sensor(name: str, columns: int, rows: int, resolution: Values, pclk: float, blank: tuple[int, int, int]) -> Sensor:
    """The sensor in one of its resolutions."""
    com7 = 0x04  # RGB; its resolution is that of ``resolution``
    values = (*CLOCK, *FORMAT, *resolution, *COLOUR, *EXPOSURE)
    return Sensor(
        name=name,
        columns=columns,
        rows=rows,
        xclk=24e6,
        xclk_range=(10e6, 48e6),  # [DS]
        pclk=pclk,
        line=2 * 784,  # 784 pixels of 2 bytes; in QVGA every second line is left out, and PCLK is half as fast [DS]
        vsync_lines=blank[0],
        front_lines=blank[1],
        back_lines=blank[2],
        address=0x42,
        address_bytes=1,
        setup=(
            Step(Op.EXPECT, PRODUCT, PID),
            Step(Op.WRITE, 0x80, COM7),  # all registers as after power-up [DS]
            Step(Op.WAIT, 2),  # 1 ms [DS, settling time after a software reset]
            Step(Op.WRITE, com7, COM7),
            *(Step(Op.WRITE, value, register) for register, value in values),
            Step(Op.PRESCALE, 0x80, CLKRC),  # [IG, 30 frames a second from 24 MHz]
        ),
        watch=(Step(Op.EXPECT, PRODUCT, PID), Step(Op.EXPECT, com7, COM7), Step(Op.WAIT, 250)),
    )


OV7670 = _sensor("ov7670", 320, 240, QVGA, 12e6, (2, 8, 5))
"""320x240 pixels. VSYNC and the blank lines are those of 640x480, in lines of twice the time: 3, 17 and 10, rounded [DS, figure 6]."""
OV7670_VGA = _sensor("ov7670-vga", 640, 480, VGA, 24e6, (3, 17, 10))
"""640x480 pixels [DS, figure 6]."""
