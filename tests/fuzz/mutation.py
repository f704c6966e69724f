# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Mutations of inputs: of bytes, and of JSON documents value by value. A function of the generator and the seeds alone."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

INTEGERS = (-(1 << 63), -(1 << 31), -1, 0, 1, 2, 255, 256, 65535, 65536, (1 << 31) - 1, 1 << 32, (1 << 63) - 1)
VALUES: tuple[Any, ...] = (
    *INTEGERS,
    *(None, True, False, 0.5, -0.0, 1e308, float("nan"), float("inf"), 10**4000),
    *("", "0", "-1", "1e9", "a/b", "../../x", "\0", "\x1b[2J", "\ud800", "ß", "x" * 70_000),
    *([], {}, [[]], [0] * 1000, {"": {}}, [None]),
)
"""What replaces a value of a document."""
WIDTHS = (1, 2, 4, 8)


def mutate(draw: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Some bytes with one to several changes."""
    for _ in range(draw.choice((1, 1, 1, 2, 4, 16))):
        data = draw.choice(BYTE_MUTATIONS)(draw, data, draw.choice(seeds))
    return data


def mutate_json(draw: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """A JSON document with one to several values, keys or items changed; now and then its bytes are changed instead."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return mutate(draw, draw.choice(seeds), seeds)
    if draw.random() < 0.05:
        return mutate(draw, data, seeds)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        tree = _change(draw, tree)
    try:
        return json.dumps(tree).encode()
    except (ValueError, RecursionError):
        return data


def _change(draw: random.Random, tree: Any) -> Any:
    """A document with one value replaced, removed, repeated or exchanged, at a random depth."""
    container: Any = None
    key: Any = None
    node = tree
    while isinstance(node, dict | list) and node and (container is None or draw.random() < 0.85):
        container, key = node, draw.choice(list(node) if isinstance(node, dict) else range(len(node)))
        node = container[key]
    if container is None:
        return draw.choice(VALUES)
    match draw.randrange(8):
        case 0:
            del container[key]
        case 1 if isinstance(container, list):
            container.insert(draw.randrange(len(container) + 1), node)
        case 1:
            container[str(draw.choice(VALUES))[:20]] = node
        case 2 if isinstance(container, list):
            draw.shuffle(container)
        case 3 if isinstance(node, int) and not isinstance(node, bool) and abs(node) < 1 << 70:
            container[key] = node + draw.choice((-1, 1, 2, 255, -node * 2))
        case 4 if isinstance(node, list):
            container[key] = node * draw.choice((2, 50))
        case _:
            container[key] = draw.choice(VALUES)
    return tree


def _flip(draw: random.Random, data: bytes, _: bytes) -> bytes:
    return _with(data, draw.randrange(len(data)), bytes([data[draw.randrange(len(data))] ^ 1 << draw.randrange(8)])) if data else data


def _overwrite(draw: random.Random, data: bytes, _: bytes) -> bytes:
    return _with(data, draw.randrange(len(data) + 1), draw.randbytes(draw.choice((1, 2, 8))))


def _integer(draw: random.Random, data: bytes, _: bytes) -> bytes:
    width, value = draw.choice(WIDTHS), draw.choice(INTEGERS)
    return _with(data, draw.randrange(len(data) + 1), (value % (1 << 8 * width)).to_bytes(width, draw.choice(("little", "big"))))


def _cut(draw: random.Random, data: bytes, _: bytes) -> bytes:
    start = draw.randrange(len(data) + 1)
    return data[:start] + data[start + draw.choice((1, 4, 64, len(data))) :]


def _insert(draw: random.Random, data: bytes, _: bytes) -> bytes:
    start = draw.randrange(len(data) + 1)
    return data[:start] + draw.randbytes(draw.choice((1, 4, 64))) + data[start:]


def _repeat(draw: random.Random, data: bytes, _: bytes) -> bytes:
    start = draw.randrange(len(data) + 1)
    chunk = data[start : start + draw.choice((1, 8, 200))]
    return data[:start] + chunk * draw.choice((2, 3, 1000 if len(chunk) < 16 else 3)) + data[start:]


def _splice(draw: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: draw.randrange(len(data) + 1)] + other[draw.randrange(len(other) + 1) :]


def _with(data: bytes, start: int, part: bytes) -> bytes:
    return data[:start] + part + data[start + len(part) :]


BYTE_MUTATIONS: tuple[Callable[[random.Random, bytes, bytes], bytes], ...] = (
    *(_flip, _flip, _overwrite, _overwrite, _integer, _integer, _cut, _insert, _repeat, _splice),
)
