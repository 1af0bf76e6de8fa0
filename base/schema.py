"""Typed records of what files hold, and the base of every section of the configuration."""

import difflib
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, field_validator

from base.errors import UserError, shown

Record = TypeVar("Record", bound=BaseModel)


def option(default: Any, about: str, **bounds: Any) -> Any:
    """A setting with its default, what it does, in a line, and what its value must be."""
    return Field(default, description=about, **bounds)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 4096:
        raise ValueError("must be a text")
    return value


#: A name or a path, also one of a file system's that is no UTF-8, which pydantic's own refuse.
Text = Annotated[str, PlainValidator(_text)]


def keys(record: type[BaseModel]) -> list[str]:
    """Dotted names of all that a record and those in it hold."""
    found = []
    for name, field in record.model_fields.items():
        inner = field.annotation
        nested = isinstance(inner, type) and issubclass(inner, BaseModel)
        found += [name, *(f"{name}.{key}" for key in (keys(inner) if nested else ()))]
    return found


def first_fault(error: ValidationError, known: Sequence[str]) -> str:
    """The first fault of what was validated, in one line; ``known`` are the keys that there are."""
    fault = error.errors(include_url=False)[0]
    key = ".".join(map(str, fault["loc"])) or "its content"
    if fault["type"] == "missing":
        return f"{key} is missing"
    if fault["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        near = " or ".join(difflib.get_close_matches(key, known, 3, 0.5))
        there = ", ".join(name for name in known if "." not in name)
        hint = f"did you mean {near}?" if near else f"there is {there}"
        return f"unknown key {key:.80}; {hint}"
    return f"{key}: {fault['msg'].removeprefix('Value error, ')}, not {shown(fault['input'])}"


def read_record(record: type[Record], content: Any) -> Record:
    """A file's content as a record; UserError, without the file's name, for the first wrong key."""
    try:
        return record.model_validate(content)
    except ValidationError as error:
        raise UserError(first_fault(error, keys(record))) from None


class Section(BaseModel):
    """A frozen group of settings, which refuses unknown keys, numbers that are not finite, and true
    or false where a number is asked for, with an error that names the key."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value_for_a_number(cls, value: Any, info: Any) -> Any:
        annotation = cls.model_fields[info.field_name].annotation
        # Pydantic would take true for 1: a rotation that is switched on, for 1 degree.
        if isinstance(value, bool) and bool not in (annotation, *get_args(annotation)):
            raise ValueError("must not be true or false")
        return value
