# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Text for C source code."""


def c_string(text: str) -> str:
    """A C string literal; bytes beyond ASCII, and those that C gives a meaning, as octal escapes, which end after three digits."""
    plain = set(range(0x20, 0x7F)) - set(b'"\\\\?')
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in text.encode()) + '"'
