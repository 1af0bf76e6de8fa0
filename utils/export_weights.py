"""Make a small file of a trained model to give away: its weights alone, in half precision.

Keeps what the model needs to run and to be trained further: configuration, camera, mean pose, the
calibration of its confidences, the commands that made it.  Leaves out the optimiser's state and all
else of the run, so that further training starts at epoch 1.  Writes the file's card beside it, with
the figures of a demo.py run.

Example, from a checkpoint to the pretrained weights:
  python demo.py --load_model experiments/Own/checkpoints/model_best.tar --data test \\
      --data_root data/benchmark/full --save_dir experiments/own_test
  python utils/export_weights.py --load_model experiments/Own/checkpoints/model_best.tar \\
      --results experiments/own_test/results.json \\
      --data_command "python utils/make_synthetic.py --output data/… --train 50000 …" \\
      --command "python train.py --training_type finetune --config transformer …"
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError
from utils.common.command import command_parser, parse_early, run_command
from utils.common.pretrained import PRETRAINED


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    own = {"type": Path, "required": True, "help": "finetuned checkpoint"}
    parser = command_parser(__doc__, load_model=own)
    add = parser.add_argument
    text = "results.json of demo.py with it, for the card"
    add("--results", type=Path, required=True, help=text)
    text = "make_synthetic.py command of its training set, for the card"
    add("--data_command", required=True, help=text)
    add("--command", required=True, help="command that trained it on that set, for the card")
    add("--output", type=Path, default=PRETRAINED, help="default: model/weights/base.tar")
    arguments = parser.parse_args(argv)
    if arguments.output.suffix != ".tar":
        raise UserError(f"--output {arguments.output}: checkpoints are called .tar")
    if arguments.output.resolve() == arguments.load_model.resolve():
        raise UserError("--output must be another file than --load_model")
    if "make_synthetic" not in arguments.data_command:
        raise UserError("--data_command: the card is of frames of utils/make_synthetic.py")
    return arguments


parse_early(__name__, parse_arguments)

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from base.files import replacing, sha256, write_bytes, write_text
from utils.common.checkpoint import OF_THE_RUN, Checkpoint, read_content, save_checkpoint
from utils.common.networks import load_pose_model
from utils.evaluation.mpjpe import ALL, BODY_PARTS
from utils.evaluation.results import read_results
from utils.inference.confidence import confidence_path
from utils.inference.square_predictor import SquarePredictor, distance_mm

#: What a repository can bear.
MOST_BYTES = 40_000_000
#: Millimetres that half precision may move a joint on average.
_MOST_MOVED = 1.0

_CARD = """\
# {file}

Written by `utils/export_weights.py`; change that, not this page. Use,
licence and limits, which all weights share, are in [README.md](README.md).

| | |
|---|---|
| model | {model.kind}, {model.backbone}, pictures of {size} px |
| trunk started from | {start} |
| parameters | {parameters:.1f} M |
| file | {megabytes:.1f} MB, weights in half precision, no state of the optimiser |
| SHA-256 | `{sha256}` |
| exported | {day} |

## Data and training

Frames of `utils/make_synthetic.py`: free bodies, clothes and places, seen through the cameras
that `--headset` names, without it the release's; no picture of the release and no photograph of
a person.

{commands}

The whole configuration is in the file, under `config`.

## Numbers

`demo.py --data {results[data]}`, {results[frames]} frames of the set `{data_root}`:
people, clothes and places that are not in the training set. In brackets 95 % intervals, characters
resampled.

| figure | value |
|---|---:|
{figures}
"""


def _figures(results: dict[str, Any]) -> str:
    def with_interval(cell: dict[str, Any], name: str) -> str:
        ends = cell.get(f"{name}_interval")
        return f"{cell[name]:.1f}" + (f" [{ends[0]:.1f}, {ends[1]:.1f}]" if ends else "")

    whole = results["full"][ALL]
    rows = {f"MPJPE, {p} body, mm": with_interval(results[p][ALL], "mpjpe") for p in BODY_PARTS}
    rows["PA-MPJPE, mm"] = with_interval(whole, "pa_mpjpe")
    for kind, cell in (results.get("visibility") or {}).items():
        if "mpjpe" in cell:
            rows[f"MPJPE of {kind} joints, mm"] = with_interval(cell, "mpjpe")
    rows["PCK at 100 mm"] = f"{results['pck']['100']:.1%}"
    if uncertainty := results.get("uncertainty"):
        rows["90 % coverage"] = f"{uncertainty['coverage']:.1%}"
    if "mpjpe_mean_pose" in whole:
        rows["for comparison: the mean pose, MPJPE, mm"] = f"{whole['mpjpe_mean_pose']:.1f}"
    return "\n".join(f"| {name} | {value} |" for name, value in rows.items())


def card(path: Path, loaded: Checkpoint, results: dict[str, Any], commands: Sequence[str]) -> str:
    """The card as Markdown, of a file of weights, with the results of demo.py and the commands that
    made its training sets and trained it, in their order."""
    imagenet = loaded.config.model.imagenet
    start = f"ImageNet weights ({imagenet})" if imagenet else "random weights"
    return _CARD.format(
        file=path.name,
        start=start,
        model=loaded.config.model,
        size=loaded.model.input_size,
        parameters=sum(weights.numel() for weights in loaded.model.parameters()) / 1e6,
        megabytes=path.stat().st_size / 1e6,
        sha256=sha256(path),
        day=datetime.date.today().isoformat(),
        commands="\n".join(f"    {command}" for command in commands),
        results=results,
        data_root=Path(results["data_root"]).name,
        figures=_figures(results),
    )


def halved(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Matrices and kernels in half precision; vectors, which weigh nothing, as they are: statistics
    of batch norms may leave its range; UserError for another weight that does so."""
    # A view would keep its whole storage.
    small = {name: value.clone().contiguous() for name, value in weights.items()}
    for name, value in small.items():
        if value.is_floating_point() and value.dim() >= 2:
            small[name] = value.half()
            if not torch.isfinite(small[name]).all():
                raise UserError(f"{name}: not finite in half precision, this cannot be exported")
    return small


def exported(path: Path, commands: Sequence[str]) -> dict[str, Any]:
    """Content of the small file of a checkpoint, with the commands that made it."""
    content = read_content(path)
    training = content.get("training") or {}
    kept = {key: value for key, value in content.items() if key not in OF_THE_RUN}
    states = [key for key in kept if key.endswith("_state_dict") and kept[key] is not None]
    kept |= {key: halved(kept[key]) for key in states}
    made_by = {key: training[key] for key in ("stage", "epoch", "best_value") if key in training}
    return kept | {"made_by": made_by | {"commands": list(commands)}}


def joints_moved(before: Path, after: Path) -> float:
    """Mean distance in millimetres between the joints of two models on the same noise."""
    models, cpu = [load_pose_model(path).model for path in (before, after)], torch.device("cpu")
    shape = 4, models[0].input_size, models[0].input_size, 3
    noise = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    return float(distance_mm(*((SquarePredictor(m, cpu, "fp32"), noise) for m in models)).mean())


def main(argv: list[str] | None = None) -> None:
    arguments = parse_arguments(argv)
    source, output = arguments.load_model, arguments.output
    loaded, page = load_pose_model(source), output.with_suffix(".md")
    results = read_results(arguments.results)
    if results.get("model_sha256") not in [sha256(p) for p in (source, output) if p.is_file()]:
        of = f"--results is of another file ({results['model']}) than {source}"
        raise UserError(f"{of}: run demo.py with --load_model of that")
    commands = [arguments.data_command, arguments.command]
    with replacing(output, single_writer=True) as temporary:
        save_checkpoint(temporary, exported(source, commands))
        if (size := temporary.stat().st_size) > MOST_BYTES:
            most = f"a file of at most {MOST_BYTES / 1e6:.0f} MB is to be given away"
            small = f"{size / 1e6:.1f} MB in half precision, but {most}: train a smaller network"
            raise UserError(f"{source}: {small}")
        moved = joints_moved(source, temporary)
        if moved > _MOST_MOVED:
            raise UserError(f"{source}: half precision moves its joints by {moved:.1f} mm")
    if (calibration := confidence_path(source)).is_file():
        write_bytes(confidence_path(output), calibration.read_bytes())
    else:
        confidence_path(output).unlink(missing_ok=True)  # of an earlier export: of other weights
    write_text(page, card(output, loaded, results, commands))
    print(
        f"{output}: {size / 1e6:.1f} MB, {source.stat().st_size / size:.1f} times less than "
        f"{source}; its joints move by {moved:.3f} mm. Card: {page}"
    )


if __name__ == "__main__":
    run_command(main)
