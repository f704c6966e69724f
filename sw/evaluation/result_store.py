# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A folder of models, each made and judged once: what is done survives an interruption."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..errors import FirebrickError
from ..fire_format.file import encode_model
from ..model.float_model import FloatModel
from ..model.quantized import Model
from ..utils.atomic_files import write_atomically
from .fidelity import FidelityMetrics

logger = logging.getLogger(__name__)

ResultEntry = dict[str, Any]
"""One result: a judgement's fields; of a model also ``file``, its ``sha256`` and ``bytes``, and ``nonzero`` weights; what callers add."""


def task_digest(source: FloatModel, pictures: Iterable[Path], *rest: object) -> str:
    """Of all that decides a result, this release included; ``rest`` by its repr."""
    found = hashlib.sha256(repr((version("firebrick"), source.network, source.preprocessing, rest)).encode())
    for name, weights in source.weights.items():
        found.update(weights.tobytes() + source.biases[name].tobytes())
    for path in pictures:
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


class ResultStore:
    """Models in a folder, and a JSON document {task, results} of what was found of each, by name.

    Both are written as soon as a model is judged, each file whole or not at all. What the document has, and whose file is there as it
    was, is not done again.

    Args:
        path: of the document; models are beside it.
        task: digest of what decides all results alike. Raises FirebrickError where the document is of another task, or damaged.
    """

    def __init__(self, path: Path, task: str) -> None:
        self.path, self.task = path, task
        self.entries: dict[str, ResultEntry] = {}
        if not path.exists():
            return
        try:
            document = json.loads(path.read_bytes())
            self.entries = {name: dict(entry) for name, entry in document["results"].items()}
            known = document["task"]
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise FirebrickError(f"{path} is damaged; delete it, or name another output") from problem
        if known != task:
            raise FirebrickError(f"{path} holds results of another network, other pictures or another release; name another output")

    def evaluate_model(
        self, name: str, make: Callable[[], Model], judge: Callable[[Model], FidelityMetrics], **more: object
    ) -> ResultEntry:
        """What was found of a model that is made where it is not there yet; its file is ``name``.fire."""
        file = self.path.with_name(f"{name}.fire")
        if self._done(name, file):
            logger.info("cached result: %s in %s", name, self.path)
        else:
            model = make()
            data = encode_model(model)
            found = judge(model).as_dict()
            write_atomically(file, data)
            checksum, nonzero = hashlib.sha256(data).hexdigest(), sum(layer.nonzero for layer in model.layers.values())
            self._add(name, {**more, "file": file.name, "sha256": checksum, "bytes": len(data), "nonzero": nonzero, **found})
        return self.entries[name]

    def evaluate_float(self, judge: Callable[[], FidelityMetrics], **more: object) -> ResultEntry:
        """What was found of the float network, which has no file."""
        if "float" not in self.entries:
            self._add("float", {**more, **judge().as_dict()})
        return self.entries["float"]

    def _done(self, name: str, file: Path) -> bool:
        if name not in self.entries or not file.exists():
            return False
        return hashlib.sha256(file.read_bytes()).hexdigest() == self.entries[name].get("sha256")

    def _add(self, name: str, entry: ResultEntry) -> None:
        self.entries[name] = entry
        write_atomically(self.path, json.dumps({"task": self.task, "results": self.entries}, indent=2).encode() + b"\n")
