# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Cache keys made from source code."""

from firebrick.sw.utils.source_hash import combined_hash, source_code


def test_sources_are_those_that_generate_hardware() -> None:
    code = source_code("firebrick.hw.codegen.verilog")
    for part in (b"class ConvEngine", b"def allocate", b"class CanonicalCode", b"class FirebrickError"):
        assert part in code, part
    for part in (b"click.command", b"def evaluate", b"class Simulator", b"def calibration_frames"):
        assert part not in code, part


def test_digest_tells_parts_apart() -> None:
    assert combined_hash("a", b"b") == combined_hash(b"a", "b")
    assert len({combined_hash("ab"), combined_hash("a", "b"), combined_hash("", "ab"), combined_hash("ab", "")}) == 4
