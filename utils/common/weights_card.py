"""The card of a file of weights: what it is, what it was made of, what it can and cannot do."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from base.files import sha256
from utils.common.networks import LoadedModel
from utils.evaluation.mpjpe import ALL, BODY_PARTS

_LIMITS = """\
- Trained on synthetic frames only: drawn people in drawn places, one person a picture, who wears
  the headset. Nothing is claimed about photographs; expect larger errors there, and look at the
  pictures that `inference.py` draws before you rely on a pose.
- One camera: the release's fisheye lens, mounted in front of the face and looking down. Pictures of
  other lenses have to be re-rendered (`inference.py --camera`).
- What the generator does not draw it has not seen: other people in the picture, for one.
  `doc/synthetic.md` says what there is.
- Half precision: made to be run and to be trained further, not to go on with its own training."""


def _interval(cell: dict[str, Any], name: str) -> str:
    ends = cell.get(f"{name}_interval")
    return f"{cell[name]:.1f}" + (f" [{ends[0]:.1f}, {ends[1]:.1f}]" if ends else "")


def _figures(results: dict[str, Any]) -> list[str]:
    """Lines of the table of figures."""
    whole = results["full"][ALL]
    rows = [
        *(
            (f"MPJPE, {part} body, mm", _interval(results[part][ALL], "mpjpe"))
            for part in BODY_PARTS
        ),
        ("PA-MPJPE, mm", _interval(whole, "pa_mpjpe")),
    ]
    for kind, cell in (results.get("visibility") or {}).items():
        if "mpjpe" in cell:
            rows.append((f"MPJPE of {kind} joints, mm", _interval(cell, "mpjpe")))
    rows.append(("PCK at 100 mm", f"{results['pck']['100']:.1%}"))
    if sure := results.get("uncertainty"):
        rows.append(("90 % coverage", f"{sure['coverage']:.1%}"))
    if "mpjpe_mean_pose" in whole:
        rows.append(("for comparison: the mean pose, MPJPE, mm", f"{whole['mpjpe_mean_pose']:.1f}"))
    return [f"| {name} | {value} |" for name, value in rows]


def card(
    path: Path,
    loaded: LoadedModel,
    results: dict[str, Any],
    commands: Sequence[str],
    day: datetime.date,
) -> str:
    """The card as Markdown.

    Args:
        path: the file of weights.
        loaded: the model.
        results: of demo.py with it.
        commands: that made its training sets and trained it, in their order.
        day: of the export.
    """
    model, config = loaded.model, loaded.config
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return "\n".join(
        [
            f"# {path.name}",
            "",
            "Written by `utils/export_weights.py`; change that, not this page.",
            "",
            "| | |",
            "|---|---|",
            f"| model | {config.model.kind}, {config.model.backbone}, "
            f"pictures of {model.input_size} px |",
            f"| parameters | {parameters / 1e6:.1f} M |",
            f"| file | {path.stat().st_size / 1e6:.1f} MB, weights in half precision, no state of "
            "the optimiser |",
            f"| SHA-256 | `{sha256(path)}` |",
            f"| exported | {day.isoformat()} |",
            "",
            "## Use",
            "",
            "`demo.py` and `inference.py` run these weights where no `--load_model` is given;",
            "`train.py --training_type finetune --load_model pretrained` trains them further, on",
            "the release for example, and `EgoPosePredictor()` is the same from Python.",
            "",
            "## Data and training",
            "",
            "Frames of `utils/make_synthetic.py`: free bodies, clothes and places, seen through",
            "the release's camera; no picture of the release and no photograph of a person.",
            "",
            *(f"    {command}" for command in commands),
            "",
            "The whole configuration is in the file, under `config`.",
            "",
            "## Licence",
            "",
            "The weights are under the MIT licence of this repository. The bodies they were",
            "trained on are Anny's: code Apache-2.0, data CC0.",
            "",
            "## Numbers",
            "",
            f"`demo.py --data {results['data']}`, {results['frames']} frames of the set "
            f"`{Path(results['data_root']).name}`: people, clothes and places",
            "that are not in the training set. In brackets 95 % intervals, characters resampled.",
            "",
            "| figure | value |",
            "|---|---:|",
            *_figures(results),
            "",
            "## Limits",
            "",
            _LIMITS,
            "",
        ]
    )
