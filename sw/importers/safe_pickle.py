# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Float arrays out of a pickle, without running any code that the pickle names.

The unpickler resolves NumPy's names to the stand-ins below, which only check and store data. Every other name is rejected.
"""

import io
import math
import pickle
import pickletools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.errors import FirebrickError


class _Dtype:
    """Stands in for numpy.dtype; accepts only little-endian 32-bit floats."""

    def __init__(self, kind: str, *_: Any) -> None:
        if kind != "f4":
            raise FirebrickError(f"an array of type {str(kind)[:20]!r} where 32-bit floats are expected")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] != "<":
            raise FirebrickError("an array that is not little-endian")


class _Array:
    """Stands in for numpy.ndarray; holds the finished array after its state has been set."""

    value: NDArray[np.float32]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        if not isinstance(dtype, _Dtype) or not isinstance(data, bytes):
            raise FirebrickError("an array without plain data")
        if not isinstance(shape, tuple) or not all(type(length) is int and length > 0 for length in shape) or len(shape) > 8:
            raise FirebrickError("an array without a plain shape")
        if math.prod(shape) * 4 != len(data):
            raise FirebrickError(f"an array of shape {shape} with {len(data)} bytes")
        self.value = np.frombuffer(data, "<f4").astype(np.float32).reshape(shape, order="F" if fortran else "C")


def _reconstruct(*_: Any) -> _Array:
    return _Array()


_ALLOWED = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise FirebrickError(f"something that is not an array, {f'{module}.{name}'[:60]!r}")
        return _ALLOWED[module, name]


def read_pickled_arrays(data: bytes, what: str) -> dict[str, list[NDArray[np.float32]]]:
    """The arrays of a pickled dict, as lists of float32 arrays by name.

    Nothing named in the pickle is imported or called. Raises FirebrickError, naming ``what``, unless the pickle is exactly such a dict.
    """
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(argument or 0) > len(data):
                raise FirebrickError(f"an object with the number {argument}")  # the unpickler would make room for as many
        loaded = _Unpickler(io.BytesIO(data)).load()
    except FirebrickError as problem:
        raise FirebrickError(f"{what} holds {problem}; use the published file") from problem
    except Exception as problem:  # a broken pickle may raise anything
        raise FirebrickError(f"{what} is not a complete pickle; use the published file") from problem
    if not isinstance(loaded, dict):
        raise FirebrickError(f"{what} must hold a dict of layers, not {type(loaded).__name__}; use the published file")
    for name, arrays in loaded.items():
        if not isinstance(name, str) or not isinstance(arrays, list) or not all(isinstance(array, _Array) for array in arrays):
            raise FirebrickError(f"{what}, entry {str(name)[:40]!r}, is not a list of arrays; use the published file")
        if not all(hasattr(array, "value") for array in arrays):
            raise FirebrickError(f"{what}, entry {name[:40]!r}, holds an array without data; use the published file")
    return {name: [array.value for array in arrays] for name, arrays in loaded.items()}
