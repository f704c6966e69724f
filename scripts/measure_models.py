# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Measure the accuracy of the shipped models of 1000 classes on labelled pictures, for `firebrick models`: rewrites accuracy.json."""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from firebrick.sw.errors import FirebrickError
from firebrick.sw.evaluation.accuracy import evaluate
from firebrick.sw.zoo import catalogue

MODELS = Path(__file__).parent.parent / "sw" / "zoo" / "models"
CLASSES = 1000


def measure(name: str, folder: Path, labels: Path, measured_on: str) -> catalogue.MeasuredAccuracy | None:
    """The accuracy of a model; None for one of other classes."""
    model = catalogue.load(name)
    if model.network.classes != CLASSES:
        return None
    found = evaluate(model, folder, labels)
    if found["calibrated"]:
        raise FirebrickError(f"these pictures calibrated {name}; give others")
    return {
        "pictures": found["images"],
        "measured_on": measured_on,
        **{key: round(found[key], 4) for key in ("top1", "top5", "top1_error", "top5_error")},  # type: ignore[literal-required]
        "sha256": hashlib.sha256((MODELS / f"{name}.fire").read_bytes()).hexdigest(),
    }


def main() -> None:
    """Measure all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the pictures, none of which the models were made with")
    parser.add_argument("--labels", type=Path, required=True, help="CSV file with their classes")
    parser.add_argument("--measured-on", required=True, help="what the pictures are, in words that follow their number")
    options = parser.parse_args()
    measured: dict[str, Any] = {}
    for name in catalogue.names():
        if entry := measure(name, options.folder, options.labels, options.measured_on):
            measured[name] = entry
            print(f"{name}: top-1 {entry['top1']:.1%}, top-5 {entry['top5']:.1%}", flush=True)
    (MODELS / "accuracy.json").write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    try:
        main()
    except FirebrickError as problem:
        sys.exit(f"Error: {problem}")
