# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the model `digits` again: scikit-learn's handwritten digits as pictures, a network trained on them, and its integers.

Every fifth picture is a test picture and the others are learned; the same writers wrote both. Pictures are 10x10 with a border of one
pixel: training shifts crops of 8x8 over them, and the middle is the digit as it comes.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PROVENANCE = (
    "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, doi 10.24432/C50P49, CC BY 4.0;"
    " the 1797 pictures of sklearn.datasets.load_digits, of which every fifth is for test"
)
SHAPE = "--grey --input 8x8 --resize 10 --conv1 12,5,1 --fires 1 --base-e 24 --sr 0.25 --pools none"
TRAINING = "--batch 64 --rate 0.1 --dropout 0.1 --epochs 150 --no-mirror"
TEST_EVERY = 5


def digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All pictures as bytes, (1797, 8, 8), white on black, and the digit that each shows."""
    from sklearn.datasets import load_digits

    found: Any = load_digits()
    return np.rint(found.images * 255 / 16).astype(np.uint8), found.target.astype(np.int64)


def is_test(count: int) -> NDArray[np.bool_]:
    """Which of so many pictures are for test."""
    return np.arange(count) % TEST_EVERY == TEST_EVERY - 1


def main(folder: Path) -> None:
    """Make digits.fire in a folder, and whatever comes before it."""
    pictures, shown = digits()
    for index, (picture, digit, test) in enumerate(zip(pictures, shown, is_test(len(shown)), strict=True)):
        path = folder / "digits" / ("val" if test else "train") / str(digit) / f"{index:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.pad(picture, 1)).save(path)
    for command in (
        ["train", "digits", "-o", "digits.onnx", *SHAPE.split(), *TRAINING.split(), "--provenance", PROVENANCE],
        ["compress", "digits.onnx", "-o", "digits.fire", "--bits", "6", "--calibrate", "digits/train"],
        ["evaluate", "--model", "digits.fire", "digits/val"],
    ):
        program = Path(sys.executable).with_name("firebrick")
        one_thread = os.environ | {"OMP_NUM_THREADS": "1"}  # as float sums depend on how many there are
        subprocess.run([str(program), *command], cwd=folder, check=True, env=one_thread)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python scripts/train_digits.py FOLDER")
    main(Path(sys.argv[1]))
