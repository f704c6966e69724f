# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A DVI screen: from the recorded bits of its four channels to pictures, with all that a strict screen would object to."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...sw.display.video_mode import VGA, VideoMode
from .dvi import DISPARITY_MAX, decoder_tables, encoder_tables

SYMBOL_BITS = 10
COLOURS = 3
"""Channels of colours: 0 blue, 1 green, 2 red. Channel 3 is the clock."""
CLOCK_SYMBOL = 0b0000011111
"""The clock channel's bits of a pixel, which may begin anywhere in it."""


class SignalError(Exception):
    """The bits are not those of a DVI transmitter in the expected mode."""


@dataclass(frozen=True)
class Screens:
    """What a screen has shown."""

    pictures: list[NDArray[np.uint8]]
    """The whole pictures, shape (height, width, 3), red, green and blue."""
    transitions: float
    """Level changes of a colour channel per pixel; blanking included."""
    disparity: int
    """The largest difference of ones and zeros in a line of a channel, up to any of its pixels."""


def decode_screens(recording: NDArray[np.uint8] | Path, mode: VideoMode = VGA, *, skip_pixels: int = 100) -> Screens:
    """Decode a recording: a byte for each cycle of the serial clock, with two bits for each of the channels 0 to 3, the first one lower.

    Everything is checked: the period of the clock channel, that every symbol is the one that DVI's encoder would send after those before,
    the levels and lengths of the synchronisation pulses, and the blanking of all channels. Raises SignalError with what is wrong, and at
    which pixel. ``skip_pixels`` are left out at the beginning, until the transmitter has settled.
    """
    cycles = np.fromfile(recording, np.uint8) if isinstance(recording, Path) else recording
    bits = np.stack([cycles >> shift & 1 for shift in range(8)], axis=1).reshape(-1, 4, 2).transpose(1, 0, 2).reshape(4, -1)
    bits = bits[:, skip_pixels * SYMBOL_BITS :]
    channels = [_align(channel, number) for number, channel in enumerate(bits[:COLOURS])]
    _check_clock(bits[COLOURS])
    offsets = {offset for offset, _ in channels}
    if len(offsets) != 1:
        raise SignalError(f"the symbols of the channels begin at different bits: {sorted(offsets)}")
    symbols = np.stack([symbols for _, symbols in channels])
    colours, controls = decoder_tables()
    control = controls[symbols]
    blank = control >= 0
    if not (blank == blank[0]).all():
        raise SignalError(f"the channels are not blanked together, at pixel {int((blank != blank[0]).any(axis=0).argmax())}")
    if (control[1:][blank[1:]] != 0).any():
        raise SignalError("the control bits of channels 1 and 2 must be 0")
    pixels = mode.line.total * mode.frame.total
    first = _first_pixel(control[0], mode)
    count = (symbols.shape[1] - first) // pixels
    if count < 1:
        raise SignalError("no whole picture was recorded")
    frames = slice(first, first + count * pixels)
    _check_timing(control[0, frames].reshape(count, mode.frame.total, mode.line.total), mode)
    shape = (COLOURS, count, mode.frame.total, mode.line.total)
    active = symbols[:, frames].reshape(shape)[:, :, : mode.frame.active, : mode.line.active]
    disparity = _check_symbols(active)
    pictures = colours[active][::-1].transpose(1, 2, 3, 0)
    transitions = float(np.count_nonzero(np.diff(bits[:COLOURS])) / (bits.shape[1] / SYMBOL_BITS) / COLOURS)
    return Screens(list(pictures), transitions, disparity)


def _align(bits: NDArray[np.uint8], number: int) -> tuple[int, NDArray[np.int64]]:
    """Where symbols begin, which those of blanking show, and the symbols."""
    _, controls = decoder_tables()
    candidates = []
    for offset in range(SYMBOL_BITS):
        whole = bits[offset : offset + (len(bits) - offset) // SYMBOL_BITS * SYMBOL_BITS].reshape(-1, SYMBOL_BITS)
        symbols = whole @ (1 << np.arange(SYMBOL_BITS))
        candidates.append((np.count_nonzero(controls[symbols] >= 0), -offset, symbols))
    found, negative, symbols = max(candidates, key=lambda candidate: candidate[:2])
    if found < len(symbols) // 10:
        raise SignalError(f"channel {number}: no control symbols, which show where symbols begin")
    return -negative, symbols


def _check_clock(bits: NDArray[np.uint8]) -> None:
    period = bits[: len(bits) // SYMBOL_BITS * SYMBOL_BITS].reshape(-1, SYMBOL_BITS)
    pattern = period[0]
    if (period != pattern).any() or not any(
        (np.roll(pattern, n) @ (1 << np.arange(SYMBOL_BITS))) == CLOCK_SYMBOL for n in range(SYMBOL_BITS)
    ):
        raise SignalError("the clock channel must be five ones and five zeros for each pixel")


def _first_pixel(control: NDArray[np.int8], mode: VideoMode) -> int:
    """The first pixel of the first whole picture: the vertical pulse begins a known number of pixels behind one."""
    low = (control >= 0) & (control & 2 == 0)
    falling = np.flatnonzero(~low[:-1] & low[1:] & (control[:-1] >= 0)) + 1
    if not len(falling):
        raise SignalError("no vertical synchronisation pulse")
    return int((falling[0] - mode.frame.pulse.start * mode.line.total) % (mode.line.total * mode.frame.total))


def _check_timing(control: NDArray[np.int8], mode: VideoMode) -> None:
    """Control bits of whole frames, shape (frames, lines, pixels); -1 for pixels."""
    line, frame = np.arange(mode.line.total), np.arange(mode.frame.total)[:, None]
    horizontal = (line < mode.line.pulse.start) | (line >= mode.line.pulse.stop)
    vertical = (frame < mode.frame.pulse.start) | (frame >= mode.frame.pulse.stop)
    expected = np.where((line < mode.line.active) & (frame < mode.frame.active), -1, horizontal + 2 * vertical)
    wrong = np.argwhere(control != expected)
    if len(wrong):
        picture, y, x = wrong[0]
        raise SignalError(
            f"picture {picture}, line {y}, pixel {x}: blanking and pulses are {control[picture, y, x]}, not {expected[y, x]} "
            "(vertical, horizontal level; -1 for a visible pixel)"
        )


def _check_symbols(active: NDArray[np.int64]) -> int:
    """Symbols of whole lines, shape (channels, frames, lines, pixels): each is what DVI's encoder sends, from disparity 0 in each line."""
    symbols, after = encoder_tables()
    colours, _ = decoder_tables()
    disparity = np.zeros(active.shape[:-1], np.int16)
    largest = 0
    for x in range(active.shape[-1]):
        sent = active[..., x]
        place = disparity + DISPARITY_MAX, colours[sent]
        if (symbols[place] != sent).any():
            channel, picture, y = np.argwhere(symbols[place] != sent)[0]
            raise SignalError(
                f"channel {channel}, picture {picture}, line {y}, pixel {x}: symbol {sent[channel, picture, y]:010b} is not what DVI sends "
                f"for {colours[sent][channel, picture, y]} at disparity {disparity[channel, picture, y]}"
            )
        disparity = after[place]
        largest = max(largest, int(np.abs(disparity).max()))
    return largest
