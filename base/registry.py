"""Registries name their classes as "module:class", so that only those in use are imported."""

import importlib
from typing import Any


def load_class(place: str) -> Any:
    """The class at a place "module:class"; the module beside this package, wherever it lies."""
    module, name = place.split(":")
    parent = __name__.removesuffix("base.registry")
    return getattr(importlib.import_module(parent + module), name)
