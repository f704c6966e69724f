# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the chunks of a PNG say that Pillow does not: the significant bits of its samples, and how much is no image data.

PNG specification, third edition, sections 5.3 (chunk layout), 11.2.1 (IHDR) and 11.3.2.2 (sBIT).
"""

import struct
from collections.abc import Iterator
from typing import IO

from PIL import ImageFile, PngImagePlugin

_SIGNATURE_BYTES = 8
_CRC_BYTES = 4
_DEPTH_OFFSET = 24
"""Of the sample depth, in the file."""


def png_significant_bits(file: ImageFile.ImageFile) -> int | None:
    """The bits of the first channel that are significant, where an opened PNG has 16-bit samples and says that fewer are; else None."""
    if not isinstance(file, PngImagePlugin.PngImageFile) or file.fp is None:
        return None
    for kind, offset, _ in _chunks(file.fp):
        if kind == b"sBIT" and _byte(file.fp, _DEPTH_OFFSET) == 16 > _byte(file.fp, offset) > 0:
            return _byte(file.fp, offset)
        if kind in (b"IDAT", b"PLTE"):  # sBIT stands before these
            break
    return None


def png_metadata_bytes(file: PngImagePlugin.PngImageFile) -> int:
    """The bytes of all chunks of an opened PNG that hold no image data."""
    return sum(length for kind, _, length in _chunks(file.fp) if kind not in (b"IDAT", b"fdAT")) if file.fp is not None else 0


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each chunk, offset and length of its data; the file's position stays the same for whoever takes them."""
    offset = _SIGNATURE_BYTES
    while len(start := _read(file, offset, 8)) == 8:
        length, kind = struct.unpack(">I4s", start)
        yield kind, offset + 8, length
        offset += 8 + length + _CRC_BYTES


def _byte(file: IO[bytes], offset: int) -> int:
    return int.from_bytes(_read(file, offset, 1))


def _read(file: IO[bytes], offset: int, count: int) -> bytes:
    """Bytes at an offset; leaves the file's position as it was."""
    position = file.tell()
    file.seek(offset)
    data = file.read(count)
    file.seek(position)
    return data
