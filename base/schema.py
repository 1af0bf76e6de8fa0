"""Typed records of what files hold, and the base of every section of the configuration."""

import difflib
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

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


def read_record(record: type[Record], content: Any) -> Record:
    """A file's content as a record; UserError, without the file's name, for the first wrong key."""
    try:
        return record.model_validate(content)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"])) or "its content"
        if fault["type"] == "missing":
            raise UserError(f"{key} is missing") from None
        if fault["type"] == "extra_forbidden":
            *sections, last = fault["loc"]
            for name in sections:
                record = record.model_fields[name].annotation
            known = record.model_fields
            near = difflib.get_close_matches(str(last), known, 1)
            hint = f"did you mean {near[0]}" if near else f"known are {', '.join(known)}"
            raise UserError(f"unknown key {key}; {hint}") from None
        reason = fault["msg"].removeprefix("Value error, ")
        raise UserError(f"{key}: {reason}, not {shown(fault['input'])}") from None


class Section(BaseModel):
    """A frozen group of settings, which refuses unknown keys, and numbers that are not finite, with
    an error that names the key."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False
    )
