# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Rebuild the model `digits`: scikit-learn's handwritten digits as image files, a network trained on them, and its compressed model.

Every fifth image is for test and the others are for training; both are from the same writers. Images are 10x10 with a border of one
pixel: training uses random crops of 8x8, and the centre crop is the original digit.
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
    """All images as bytes, (1797, 8, 8), white on black, and the digit that each shows."""
    from sklearn.datasets import load_digits

    dataset: Any = load_digits()
    return np.rint(dataset.images * 255 / 16).astype(np.uint8), dataset.target.astype(np.int64)


def is_test(count: int) -> NDArray[np.bool_]:
    """Which of ``count`` images are for test."""
    return np.arange(count) % TEST_EVERY == TEST_EVERY - 1


def main(folder: Path) -> None:
    """Make digits.fire in a folder: write the images, train, compress, evaluate."""
    images, labels = digits()
    for index, (image, digit, test) in enumerate(zip(images, labels, is_test(len(labels)), strict=True)):
        path = folder / "digits" / ("val" if test else "train") / str(digit) / f"{index:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.pad(image, 1)).save(path)
    for command in (
        ["train", "digits", "-o", "digits.onnx", *SHAPE.split(), *TRAINING.split(), "--provenance", PROVENANCE],
        ["compress", "digits.onnx", "-o", "digits.fire", "--bits", "6", "--calibrate", "digits/train"],
        ["evaluate", "--model", "digits.fire", "digits/val"],
    ):
        program = Path(sys.executable).with_name("firebrick")
        one_thread = os.environ | {"OMP_NUM_THREADS": "1"}  # float sums, hence the result, depend on the number of threads
        subprocess.run([str(program), *command], cwd=folder, check=True, env=one_thread)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python scripts/train_digits.py FOLDER")
    main(Path(sys.argv[1]))
