"""results.json of an evaluation: its layout, and the one place where it is read back.

doc/evaluation.md says what each key means.
"""

from itertools import chain
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from base.errors import UserError

#: Version of the layout; raised when a key changes its meaning.
SCHEMA = 1
#: Action group → name of an error → value, or ends of its interval.
_Groups = dict[str, dict[str, int | FiniteFloat | list[FiniteFloat]]]


class _Parts(BaseModel):
    # Keys may be added without another version.
    model_config = ConfigDict(extra="allow")

    full: _Groups
    upper: _Groups
    lower: _Groups


class Measured(_Parts):
    """What :func:`utils.evaluation.metrics.measure` returns, as far as it is always there."""

    full: _Groups = Field(min_length=1)
    characters: dict[str, _Parts]
    aligned_only: str | None = None

    @model_validator(mode="after")
    def _errors_are_there(self) -> "Measured":
        needed = {"pa_mpjpe" if self.aligned_only else "mpjpe", "frames"}
        for parts in (self, *self.characters.values()):
            groups = chain(parts.full.items(), parts.upper.items(), parts.lower.items())
            for group, cell in groups:
                if missing := needed - cell.keys():
                    raise ValueError(f"no {min(missing)} of {group}")
        return self


class Results(Measured):
    """The whole file of demo.py."""

    version: Literal[SCHEMA] = Field(alias="schema")
    model: str
    data: str
    data_root: str
    frames: int


def read_results(
    path: Path, kind: type[Measured] = Results, aligned: bool = False
) -> dict[str, Any]:
    """A results.json of demo.py, or that of a folder; with ``kind`` :class:`Measured` one without
    what was evaluated does, with ``aligned`` one of errors after alignment alone. UserError naming
    what is wrong."""
    path = path / "results.json" if path.is_dir() else path
    try:
        found = kind.model_validate_json(path.read_bytes())
    except OSError as error:
        why = f"{path}: {error.strerror}"
        raise UserError(f"{why}: give the results.json of a demo.py run, or its folder") from None
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        why = "".join(f"{key}: " for key in fault["loc"]) + fault["msg"]
        raise UserError(f"{path}: not the results.json of a demo.py run ({why})") from None
    if found.aligned_only and not aligned:
        why = f"only errors after alignment ({found.aligned_only}), and MPJPE is needed"
        raise UserError(f"{path}: {why}")
    return found.model_dump(by_alias=True, exclude_unset=True)
