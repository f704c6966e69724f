# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The description in a `.fire` file: canonical JSON with everything of a model except its integers.

Keys are sorted; every key is required and no other is allowed. Fields that came later are there only where they have not their default
values: zero_point, the border of images, and those of stages (`stored_fields`). Sizes are bounded (`sw/network/limits.py`), and with
them the memory that a hostile file can ask for.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, NoReturn, TypeVar

from ..errors import FirebrickError
from ..model.quantized import ACTIVATION_MAX, NO_BORDER, Model, Preprocessing
from ..network import limits
from ..network.graph import Bypass, Conv, Fire, GlobalAverage, LinearConv, MaxPool, Network, Shape, Stage
from ..network.stored_fields import stored_fields

NUMBER_MAX = limits.SIDE_MAX
"""Maximum of every size, count and resize length."""

_STAGE_TYPES: dict[str, type[Stage]] = {
    "conv": Conv,
    "fire": Fire,
    "pool": MaxPool,
    "average": GlobalAverage,
    "linear_conv": LinearConv,
}
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Description:
    """A `Model` without its layers; the fields are those of the model."""

    network: Network
    preprocessing: Preprocessing
    labels: tuple[str, ...]
    score_scale: float
    metadata: dict[str, str]
    zero_point: int


def write_description(model: Model) -> bytes:
    """A model's description as UTF-8 JSON; raises FirebrickError when `read_description` would reject it."""
    kinds = {stage_type: kind for kind, stage_type in _STAGE_TYPES.items()}
    network = model.network
    tree: dict[str, Any] = {
        "labels": model.labels,
        "metadata": model.metadata,
        "network": {
            "input": asdict(network.input),
            "name": network.name,
            "stages": [stored_fields(stage) | {"kind": kinds[type(stage)]} for stage in network.stages],
        },
        "preprocessing": stored_fields(model.preprocessing),
        "score_scale": float(model.score_scale),
    }
    if model.zero_point:
        tree["zero_point"] = int(model.zero_point)
    try:
        text = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except (TypeError, UnicodeEncodeError) as error:
        raise FirebrickError(f"model of {network.name}: its description cannot be written as JSON: {error}") from error
    read_description(text)
    return text


def read_description(text: bytes) -> Description:
    """The description in UTF-8 JSON, its network verified; raises FirebrickError on anything unexpected."""
    try:
        tree = json.loads(text.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise FirebrickError(f"description is not JSON ({type(error).__name__})") from error
    keys = {"labels", "metadata", "network", "preprocessing", "score_scale"}
    signed = isinstance(tree, dict) and "zero_point" in tree
    top = _table(tree, "description", keys | {"zero_point"} if signed else keys)
    metadata = top["metadata"]
    if not isinstance(metadata, dict):
        raise FirebrickError("metadata must be a table of texts")
    return Description(
        _network(top["network"]),
        _preprocessing(top["preprocessing"]),
        tuple(_list(top["labels"], "labels", _text, NUMBER_MAX)),
        _number(top["score_scale"], "score_scale"),
        {_text(key, "metadata key"): _text(value, f"metadata {key!r}", lines=True) for key, value in metadata.items()},
        _zero_point(top["zero_point"]) if signed else 0,
    )


def _network(tree: Any) -> Network:
    table = _table(tree, "network", {"input", "name", "stages"})
    shape = _table(table["input"], "network input", {"channels", "height", "width"})
    network = Network(
        _text(table["name"], "network name"),
        Shape(**{key: _integer(value, f"input {key}") for key, value in shape.items()}),
        tuple(_list(table["stages"], "stages", _stage, limits.STAGES_MAX)),
    )
    network.verify()
    network.verify_totals()
    return network


def _stage(tree: Any, where: str) -> Stage:
    kind = tree.get("kind") if isinstance(tree, dict) else None
    if not isinstance(kind, str) or kind not in _STAGE_TYPES:
        raise FirebrickError(f"{where} must be of a kind among {', '.join(_STAGE_TYPES)}")
    stage_type = _STAGE_TYPES[kind]
    present = [field for field in fields(stage_type) if not field.metadata or field.name in tree]
    table = _table(tree, where, {"kind"} | {field.name for field in present})
    values: dict[str, Any] = {}
    for field in present:
        value, what = table[field.name], f"{where}, {field.name}"
        if field.metadata and value == field.default:
            raise FirebrickError(f"{what} must be left out where it is {json.dumps(field.default)}")
        if field.type is bool:
            if not isinstance(value, bool):
                raise FirebrickError(f"{what} must be true or false")
            values[field.name] = value
        elif field.type is int:
            values[field.name] = _integer(value, what)
        elif field.type is Bypass:
            if value not in list(Bypass):
                raise FirebrickError(f"{what} must be one of {', '.join(Bypass)}")
            values[field.name] = Bypass(value)
        else:
            values[field.name] = _text(value, what)
    return stage_type(**values)


def _zero_point(value: Any) -> int:
    if not 1 <= _integer(value, "zero_point") <= ACTIVATION_MAX:
        raise FirebrickError(f"zero_point must be 1 to {ACTIVATION_MAX}, or left out, not {value}")
    return int(value)


def _preprocessing(tree: Any) -> Preprocessing:
    keys = {"mean", "resize"}
    bordered = isinstance(tree, dict) and "border" in tree
    table = _table(tree, "preprocessing", keys | {"border"} if bordered else keys)
    mean = _list(table["mean"], "mean", _number, 3)
    if len(mean) != 3:
        raise FirebrickError(f"mean must be 3 numbers, not {len(mean)}")
    border = _list(table["border"], "border", _integer, 4) if bordered else NO_BORDER
    if len(border) != 4 or (bordered and not any(border)):
        raise FirebrickError("border must be 4 numbers of pixels, of top, left, bottom and right, or left out where there is none")
    return Preprocessing(_integer(table["resize"], "resize"), (mean[0], mean[1], mean[2]), (border[0], border[1], border[2], border[3]))


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _table(value: Any, what: str, keys: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != keys:
        raise FirebrickError(f"{what} must be a table with the keys {', '.join(sorted(keys))}")
    return value


def _list(value: Any, what: str, read: Callable[[Any, str], _Item], max_length: int) -> list[_Item]:
    if not isinstance(value, list) or len(value) > max_length:
        raise FirebrickError(f"{what} must be a list of at most {max_length}")
    return [read(item, f"{what}, item {index}") for index, item in enumerate(value)]


def _integer(value: Any, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= NUMBER_MAX:
        raise FirebrickError(f"{what} must be an integer from 0 to {NUMBER_MAX}")
    return value


def _number(value: Any, what: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 1e30 or not math.isfinite(value):
        raise FirebrickError(f"{what} must be a finite number")
    return float(value)


def _text(value: Any, what: str, lines: bool = False) -> str:
    if not isinstance(value, str) or not (value.replace("\n", "") if lines else value).isprintable():
        raise FirebrickError(f"{what} must be printable text")
    return value
