# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The result store: a folder of models, each made and evaluated once; an interrupted evaluation resumes."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..compression.budget import multiplications
from ..errors import FirebrickError
from ..fire_format.file import encode_model
from ..model.float_digest import float_digest
from ..model.float_model import FloatModel
from ..model.quantized import Model
from ..utils.atomic_files import write_atomically
from ..utils.distribution import VERSION
from ..utils.sealed_json import json_digest
from .fidelity import FidelityMetrics

logger = logging.getLogger(__name__)

ResultEntry = dict[str, Any]
"""One result: the fidelity metrics; of a model also ``file``, its ``sha256`` and ``bytes``, ``nonzero`` weights and ``multiplications`` a
frame; what callers add."""

_FLOAT = "float"
"""Name of the float network's result."""


def task_digest(source: FloatModel, images: Iterable[Path], *rest: object) -> str:
    """A digest of everything that determines a result: this release, the float network, the images, and the repr of ``rest``."""
    digest = float_digest(source, VERSION, source.network, source.preprocessing, rest)
    for path in images:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class ResultStore:
    """Models in a folder, and a JSON document {task, results, sha256} with the metrics of each and their digest, by name.

    Both are written as soon as a model is evaluated; an interruption leaves no file incomplete. A result is reused if the document has it,
    its digest is right and the model's file is unchanged.

    Args:
        path: of the document; models are beside it.
        task: digest of what determines all results alike.

    Raises FirebrickError where the document is of another task, or damaged.
    """

    def __init__(self, path: Path, task: str) -> None:
        self.path, self.task = path, task
        self.entries: dict[str, ResultEntry] = {}
        if not path.exists():
            return
        try:
            document = json.loads(path.read_bytes())
            entries = {name: dict(entry) for name, entry in document["results"].items()}
            stored_task, digests = document["task"], dict(document["sha256"]) if "sha256" in document else {}
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise FirebrickError(f"{path} is damaged; delete it, or name another output") from problem
        if stored_task != task:
            raise FirebrickError(f"{path} holds results of another network, other images or another release; name another output")
        self.entries = {name: entry for name, entry in entries.items() if digests.get(name) == json_digest(entry)}

    def evaluate_model(
        self, name: str, make: Callable[[], Model], evaluate: Callable[[Model], FidelityMetrics], **details: object
    ) -> ResultEntry:
        """The result of a model, which is made unless its result is stored; its file is ``name``.fire. ``details`` go into the entry."""
        file = self.path.with_name(f"{name}.fire")
        if self._is_stored(name, file):
            logger.info("cached result: %s in %s", name, self.path)
        else:
            model = make()
            data = encode_model(model)
            metrics = evaluate(model).as_dict()
            write_atomically(file, data)
            sizes = {
                "bytes": len(data),
                "nonzero": sum(layer.nonzero for layer in model.layers.values()),
                "multiplications": multiplications(model),
            }
            self._add(name, {**details, "file": file.name, "sha256": hashlib.sha256(data).hexdigest(), **sizes, **metrics})
        return self.entries[name]

    def evaluate_float(self, evaluate: Callable[[], FidelityMetrics], **details: object) -> ResultEntry:
        """The result of the float network, which has no file."""
        if _FLOAT not in self.entries:
            self._add(_FLOAT, {**details, **evaluate().as_dict()})
        return self.entries[_FLOAT]

    def _is_stored(self, name: str, file: Path) -> bool:
        if "multiplications" not in self.entries.get(name, {}) or not file.exists():  # older documents do not have them
            return False
        return hashlib.sha256(file.read_bytes()).hexdigest() == self.entries[name].get("sha256")

    def _add(self, name: str, entry: ResultEntry) -> None:
        self.entries[name] = entry
        digests = {name: json_digest(entry) for name, entry in self.entries.items()}
        document = {"task": self.task, "results": self.entries, "sha256": digests}
        write_atomically(self.path, json.dumps(document, indent=2).encode() + b"\n")
