"""Registries name their classes as "module:class", so that only those in use are imported."""

import importlib
from typing import Any


def load_class(place: str) -> Any:
    """The class at a place "module:class"."""
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)
