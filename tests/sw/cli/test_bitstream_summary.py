# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The last lines of `firebrick bitstream`."""

from pathlib import Path

import pytest

from firebrick.sw.cli.bitstream import _print_summary
from tests.helpers.build_reports import report


@pytest.mark.parametrize("changes", [{}, {"project": "project", "bitstream": None, "install": "Vivado", "fmax_mhz": None}])
def test_last_line_says_what_a_host_sees(changes: dict[str, str | None], capsys: pytest.CaptureFixture[str]) -> None:
    built = report() | {"bitstream": "firebrick.bit", "simulated_cycles_per_frame": None} | changes
    built["host"][0]["fps"] = 3488.37
    _print_summary(built, Path("out"))  # type: ignore[arg-type]
    *_, before, last = capsys.readouterr().out.splitlines()
    assert "1234.5 frames/s of 3 classes in the engines at 40.0 MHz" in before
    assert last == (
        "a host sees 3,488 frames/s over UART, 3 Mbaud, limited by bytes on the wire, latency 512 ms, in a stream 543 ms; "
        "with --link usb 7.34 frames/s over USB full speed, limited by round trips, latency 512 ms, in a stream 543 ms"
    )
