# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tensors of an ONNX file as arrays, whether their data lie in the file or in a file beside it, as PyTorch writes large models."""

import stat
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from firebrick.sw.errors import FirebrickError
from firebrick.sw.network.limits import WEIGHTS_MAX
from firebrick.sw.utils.atomic_files import read_limited

from ..feature_graph import printable, unsupported

if TYPE_CHECKING:
    from onnx import TensorProto

EXTERNAL_BYTES_MAX = 1 << 28
"""Maximum size of a file of external data in bytes."""


class TensorReader:
    """Reads tensors; external data only from regular files in the ONNX file's own folder, each of which is read once."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._files: dict[str, bytes] = {}

    def digests(self) -> dict[str, str]:
        """SHA-256 of each file of external data that was read, by file name."""
        return {name: sha256(data).hexdigest() for name, data in sorted(self._files.items())}

    def array(self, where: str, tensor: "TensorProto") -> NDArray[Any]:
        """A tensor's values; raises FirebrickError where it is damaged, too large, or holds no real numbers."""
        from onnx import TensorProto, numpy_helper

        shape = list(tensor.dims)
        if min(shape, default=1) < 0 or prod(shape) > WEIGHTS_MAX:
            raise unsupported(where, f"shape {shape[:8]} must have at most {WEIGHTS_MAX} elements")
        if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
            tensor = self._with_data(where, tensor)
        try:
            array: NDArray[Any] = numpy_helper.to_array(tensor)
        except Exception as error:  # shape, data type and data may contradict each other in many ways
            raise FirebrickError(f"{where}: its data do not fit its shape {shape[:8]}; export the file anew") from error
        if array.dtype.kind in "OSU":
            raise unsupported(where, "must hold numbers, not text")
        if array.dtype.kind == "c":
            raise unsupported(where, "must hold real numbers, not complex ones")
        return array

    def _with_data(self, where: str, tensor: "TensorProto") -> "TensorProto":
        """The tensor with its data inside. The entries of external data: onnx.proto, message TensorProto."""
        from onnx import TensorProto

        entries = {entry.key: entry.value for entry in tensor.external_data}
        data = self._file(where, entries.get("location", ""))
        try:
            offset, length = (int(entries.get(key, default)) for key, default in (("offset", "0"), ("length", str(len(data)))))
        except ValueError as error:
            raise FirebrickError(f"{where}: offset and length of its external data must be whole numbers; export the file anew") from error
        end = offset + length if "length" in entries else len(data)
        if not 0 <= offset <= end <= len(data):
            name = printable(entries["location"], 100)
            raise unsupported(where, f"its data, bytes {offset} to {end}, do not lie in {name}, which has {len(data)} bytes; copy it anew")
        return TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims, raw_data=data[offset:end])

    def _file(self, where: str, name: str) -> bytes:
        """The whole file of external data."""
        shown = printable(name, 100)
        if self._folder is None:
            raise unsupported(where, "its data lie in another file; save the model with its weights inside")
        if not name or name in (".", "..") or any(character in name for character in "/\\:\0"):
            raise unsupported(where, f"its data lie in {shown!r}; this must be the plain name of a file beside the ONNX file")
        if name not in self._files:
            self._files[name] = _read_regular(where, self._folder / name, shown)
        return self._files[name]


def _read_regular(where: str, path: Path, shown: str) -> bytes:
    """A regular file's bytes; a link may only lead to a file in the same folder."""
    hint = f"copy {shown} into the folder of the ONNX file"
    try:
        if path.resolve().parent != path.parent.resolve():
            raise unsupported(where, f"its data lie in {shown!r}, a link that leaves the folder; {hint}")
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise unsupported(where, f"its data lie in {shown!r}, which is no regular file; {hint}")
        if status.st_size > EXTERNAL_BYTES_MAX:
            raise unsupported(where, f"its data lie in {shown!r}, which must have at most {EXTERNAL_BYTES_MAX} bytes")
        return read_limited(path, EXTERNAL_BYTES_MAX, "an ONNX file with its external data")
    except FirebrickError:
        raise
    except (OSError, RuntimeError, ValueError) as problem:  # links in a circle are a RuntimeError up to Python 3.12
        reason = getattr(problem, "strerror", None) or "unknown error"
        raise FirebrickError(f"{where}: its data lie in {shown!r}, which cannot be read ({reason}); {hint}") from problem
