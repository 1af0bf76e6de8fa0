"""results.json of an evaluation: its layout, and the one place where it is read back.

doc/evaluation.md says what each key means.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from base.errors import UserError
from base.skeleton import JOINTS
from utils.evaluation.mpjpe import ALL

#: Version of the layout; raised when a key changes its meaning.
SCHEMA = 1
#: Figures beyond 10¹² are no millimetres, shares or frames.
Count = Annotated[int, Field(ge=1, le=10**12)]
Number = Annotated[float, Field(ge=-1e12, le=1e12)]
Text = Annotated[str, Field(max_length=4096)]
Pair = Annotated[list[Number], Field(min_length=2, max_length=2)]


class _Part(BaseModel):
    # Keys may be added without another version.
    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


class _Error(_Part):
    mpjpe: Number = 0.0  # like other figures left out where nothing is measured
    mpjpe_interval: Pair = []
    mpjpe_mean_pose: Number = 0.0
    mpjpe_mean_pose_interval: Pair = []
    pa_mpjpe: Number = 0.0
    pa_mpjpe_interval: Pair = []


class _Cell(_Error):
    mpjpe: Number
    frames: Count


class _AllFrames(_Cell):
    pa_mpjpe: Number


class _Groups(_Part):
    """Action group → errors; others than All are there where they have frames."""

    __pydantic_extra__: dict[str, _Cell]
    all: _Cell = Field(alias=ALL)


class _Full(_Groups):
    all: _AllFrames = Field(alias=ALL)


class _Parts(_Part):
    full: _Groups
    upper: _Groups
    lower: _Groups


class _Decile(_Part):
    error: Number


class _Uncertainty(_Part):
    coverage: Number
    deciles: list[_Decile] = Field(min_length=10, max_length=10)


class Measured(_Parts):
    """What :func:`utils.evaluation.metrics.measure` returns, as far as it is read back."""

    full: _Full
    joints: dict[Literal[JOINTS], _Error] = Field(min_length=len(JOINTS))
    characters: dict[Text, _Parts] = Field(min_length=1)
    visibility: dict[Literal["visible", "hidden"], _Error] | None = None
    motion: dict[Text, Number | None] | None = None
    uncertainty: _Uncertainty | None = None


class _Pck(_Part):
    at_100: Number = Field(alias="100")


class _About(_Part):
    """What was evaluated."""

    version: Literal[SCHEMA] = Field(alias="schema")
    model: Text
    data: Literal["train", "val", "test"]
    data_root: Text
    frames: Count
    headset: Text | None = None
    format: Text | None = None


class Results(Measured, _About):
    """The whole file of demo.py."""

    pck: _Pck


class _AlignedCell(_Error):
    pa_mpjpe: Number
    frames: Count


class _AlignedGroups(_Part):
    __pydantic_extra__: dict[str, _AlignedCell]
    all: _AlignedCell = Field(alias=ALL)


class _AlignedParts(_Part):
    full: _AlignedGroups
    upper: _AlignedGroups
    lower: _AlignedGroups


class AlignedResults(_AlignedParts, _About):
    """The file of demo.py where only errors after alignment could be had."""

    characters: dict[Text, _AlignedParts] = Field(min_length=1)


class _Why(_Part):
    aligned_only: Text | None = None


def read_results(
    path: Path, kind: type[Measured] = Results, aligned: bool = False
) -> dict[str, Any]:
    """A results.json of demo.py, or that of a folder, checked as :class:`Results`; with ``kind``
    :class:`Measured` one without what was evaluated does, with ``aligned`` one of errors after
    alignment alone (:class:`AlignedResults`). UserError naming what is wrong."""
    path = path / "results.json" if path.is_dir() else path
    try:
        content = path.read_bytes()
        if why := _Why.model_validate_json(content).aligned_only:
            if not aligned:
                why = f"only errors after alignment ({why}), and MPJPE is needed"
                raise UserError(f"{path}: {why}")
            kind = AlignedResults
        found = kind.model_validate_json(content)
        return found.model_dump(by_alias=True, exclude_unset=True)
    except OSError as error:
        why = f"{path}: {error.strerror}"
        raise UserError(f"{why}: give the results.json of a demo.py run, or its folder") from None
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        why = "".join(f"{key}: " for key in fault["loc"]) + fault["msg"]
        raise UserError(f"{path}: not the results.json of a demo.py run ({why})") from None
