# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The script that measures the frontier: its table, and that it names models that ship."""

import runpy
from typing import Any

from firebrick.sw.zoo import catalogue
from tests.helpers.paths import ROOT


def _entry(size: int, **rest: Any) -> dict[str, Any]:
    return {"bytes": size, "multiplications": 123_400_000, "top1": 0.5, "top1_error": 0.016, "top5": 0.75, "agreement": 0.6, **rest}


def test_table_goes_from_large_to_small_and_ends_with_the_paper() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "frontier.py"))
    assert set(script["SHIPPED"]) <= set(catalogue.names())
    dense = {"top1": 0.6, "top1_error": 0.0156, "top5": 0.8, "agreement": 1.0}
    points = {"6bit-price8": _entry(363_027, price=8.0), "6bit-price3.5": _entry(459_987, price=3.5)}
    models = {"a": _entry(466_270, model="squeezenet1_1"), "b": _entry(400_000, model="table1")}
    lines = script["table"]({"float": dense, **points, **models}).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| float32",
        "| `squeezenet1_1`",
        "| price 3.5",
        "| densities of Table 1",
        "| price 8",
        "| the paper's 0.47 MB, on ImageNet's 50,000",
    ]
    assert lines[2] == "| float32 | 4,941,984 | 349 M | 60.0 (1.6) | 80.0 | 100.0 |"
    assert lines[3] == "| `squeezenet1_1` | 466,270 | 123 M | 50.0 (1.6) | 75.0 | 60.0 |"
    assert lines[-1].endswith(" | 492,831 |  | 57.5 | 80.3 |  |")
