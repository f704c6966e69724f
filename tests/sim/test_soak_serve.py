# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A short soak test of the live view, and that it would notice."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from firebrick.sim.soak import serve
from firebrick.sim.soak.__main__ import main
from firebrick.sim.soak.known_frames import KnownFrames, known_image
from firebrick.sim.soak.server_process import Usage
from firebrick.sw.zoo import catalogue


def test_short_soak_finds_every_result_right_and_nothing_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "QUIET_SECONDS", 1.0)
    result = CliRunner().invoke(main, ["serve", "--frames", "250", "--viewers", "3"])
    report = json.loads(result.stdout)
    assert (result.exit_code, report["faults"]) == (0, [])
    assert report["frames"] >= 250
    assert min(report["viewers"], report["checked"], report["uploads"]) > 0


def test_growth_is_reported() -> None:
    faults = serve.growth(Usage(100 * 2**20, 9, 8), Usage(150 * 2**20, 10, 30))
    assert [fault.split()[0] for fault in faults] == ["memory", "file", "threads"]
    assert serve.growth(Usage(100 * 2**20, 9, 8), Usage(110 * 2**20, 9, 10)) == []


def test_image_or_labels_of_another_frame_are_noticed() -> None:
    model, rng = catalogue.load("digits"), np.random.default_rng(1)
    first, second = (known_image(model, "a.png", rng) for _ in range(2))
    both = KnownFrames("both", b"", [*first.images, *second.images], [*first.top5, *second.top5])
    assert both.check(2, first.top5[0], first.data)
    assert not both.check(2, second.top5[0], first.data)
    assert not both.check(2, first.top5[0], second.data)
