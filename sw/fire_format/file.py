# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The `.fire` file: a whole compressed model in one file.

    magic | version, uint16 | length of the description, uint32 | description | layer | layer | ... | CRC-32 of all before, uint32

Numbers are little-endian. The description is zlib-compressed JSON (see metadata.py); layers come in the network's order (see layer.py).
The same model gives the same bytes. The reader checks every number against the data before it uses it.
"""

import zlib
from pathlib import Path
from struct import Struct

from ..errors import FirebrickError
from ..model.quantized import Model, QuantizedLayer
from ..network.graph import MaxPool
from ..utils.atomic_files import write_atomically
from .layer import decode_layer, encode_layer, encoded_size
from .metadata import Description, read_description, write_description

MAGIC = b"\x89FIRE\r\n\x1a"
VERSION = 2
LATER_FEATURES_VERSION = 2
"""Version of files whose scores may be negative, whose pools are not as in the paper, or whose images have a border. The others have
version 1, so that older releases read them."""
BYTES_MAX = 1 << 23
"""Maximum file size in bytes; SqueezeNet's has half a megabyte."""
DESCRIPTION_MAX = 1 << 22
"""Maximum size of the description in bytes, before compression."""

_HEAD = Struct("<8sHI")
_CRC = Struct("<I")
CRC_BYTES = _CRC.size


def encode_description(model: Model) -> bytes:
    """A file's bytes from the magic to the first layer."""
    description = zlib.compress(write_description(model), 9)
    return _HEAD.pack(MAGIC, _version(model), len(description)) + description


def encode_model(model: Model) -> bytes:
    """A `.fire` file's bytes; raises FirebrickError unless the model is consistent and fits the format."""
    model.verify()
    data = encode_description(model) + b"".join(encode_layer(layer).data for layer in model.layers.values())
    data += _CRC.pack(zlib.crc32(data))
    _check_size(model, len(data))
    return data


def file_size(model: Model) -> int:
    """Size of a model's `.fire` file in bytes, computed without encoding it; raises FirebrickError as `encode_model` does."""
    model.verify()
    size = len(encode_description(model)) + sum(map(encoded_size, model.layers.values())) + CRC_BYTES
    _check_size(model, size)
    return size


def _version(described: Model | Description) -> int:
    """The first version whose readers know all that a model has."""
    network = described.network
    has_other_pools = any(isinstance(stage, MaxPool) and stage != MaxPool(stage.name) for stage in network.stages)
    return LATER_FEATURES_VERSION if network.signed_scores or has_other_pools or described.preprocessing.has_border else 1


def _check_size(model: Model, size: int) -> None:
    if size > BYTES_MAX:
        raise FirebrickError(f"model of {model.network.name}: a .fire file must have at most {BYTES_MAX} bytes, not {size}")


def decode_model(data: bytes) -> Model:
    """The model in a `.fire` file's bytes, verified; raises FirebrickError, with a message to put behind "the file's", when damaged."""
    if not data.startswith(MAGIC):
        raise FirebrickError("first bytes are not those of a .fire file")
    if len(data) > BYTES_MAX:
        raise FirebrickError(f"size must be at most {BYTES_MAX} bytes")
    if len(data) < _HEAD.size + _CRC.size:
        raise FirebrickError(f"size, {len(data)} bytes, is too small; it was cut short")
    _, version, length = _HEAD.unpack_from(data)
    if not 1 <= version <= VERSION:
        raise FirebrickError(f"version must be 1 or {VERSION}, not {version}; it needs another release of firebrick")
    body = memoryview(data)[: -_CRC.size]
    if zlib.crc32(body) != _CRC.unpack_from(data, len(body))[0]:
        raise FirebrickError("checksum is wrong; it was damaged or cut short")
    description = _read_description(body[_HEAD.size :], length)
    if version != _version(description):
        raise FirebrickError(f"version must be {_version(description)}, not {version}, for its network and images")
    rest = body[_HEAD.size + length :]
    layers: dict[str, QuantizedLayer] = {}
    for layer in description.network.layers():
        try:
            layers[layer.name], rest = decode_layer(rest, layer)
        except FirebrickError as error:
            raise FirebrickError(f"layer {layer.name} is damaged: {error}") from error
    if rest:
        raise FirebrickError(f"last layer is followed by {len(rest)} bytes that do not belong there")
    model = Model(layers=layers, **vars(description))
    model.verify()
    return model


def write_fire(model: Model, path: Path) -> None:
    """Write a model to a `.fire` file atomically; raises FirebrickError as `encode_model` does, or when the path cannot be written."""
    write_atomically(path, encode_model(model))


def read_fire(path: Path) -> Model:
    """The model in a `.fire` file; raises FirebrickError when it is missing or damaged."""
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise FirebrickError(f"cannot read {path}: {error.strerror}") from error
    try:
        return decode_model(data)
    except FirebrickError as error:
        raise FirebrickError(f"{path} cannot be used: its {error}; get the file again, or make it anew with `firebrick import`") from error


def _read_description(data: memoryview, length: int) -> Description:
    if len(data) < length:
        raise FirebrickError("description is longer than the file")
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(data[:length], DESCRIPTION_MAX)
    except zlib.error as error:
        raise FirebrickError("description is not compressed as it should be") from error
    if unpacker.unconsumed_tail or not unpacker.eof or unpacker.unused_data:
        raise FirebrickError(f"description does not end where it should, or has more than {DESCRIPTION_MAX} bytes")
    return read_description(text)
