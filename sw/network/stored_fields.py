# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Dataclasses that gain fields over time, while what is stored or digested of older ones stays the same."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

LATER = {"later": True}
"""Metadata of a field that a dataclass once did not have: it is stored and digested only where it has not its default value."""


def stored_fields(instance: "DataclassInstance") -> dict[str, Any]:
    """The fields as they are stored: those that came later are left out while they have their default values."""
    values = [(one, getattr(instance, one.name)) for one in fields(instance)]
    return {one.name: value for one, value in values if not one.metadata or value != one.default}


def stored_repr(instance: "DataclassInstance") -> str:
    """The repr of a dataclass without the fields that are not stored; digests that are kept (`float_digest`) hold it."""
    return f"{type(instance).__name__}({', '.join(f'{key}={value!r}' for key, value in stored_fields(instance).items())})"
