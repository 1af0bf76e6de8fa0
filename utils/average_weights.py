"""Average the weights of several checkpoints of one model.

If one was trained from another, or all from a common one, their average often generalises better
than any of them (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).

All else, such as configuration and mean pose, is that of the last one given; the state of its
optimiser is left out.

halfway between the pretrained weights and what was trained from them:
  python utils/average_weights.py --output experiments/Own/average.tar \\
      --load_model pretrained experiments/Own/checkpoints/model_best.tar
the last three epochs of a run, the last one counting twice:
  python utils/average_weights.py --output average.tar --shares 1 1 2 \\
      --load_model checkpoint_4.tar checkpoint_5.tar checkpoint_6.tar
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from utils.common.command import command_parser, parse_early, run_command


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    text = "two checkpoints or more; 'pretrained' for the weights that come with this project"
    models = {"nargs": "+", "required": True, "help": text}
    parser = command_parser(__doc__, load_model=models, output={"help": "a .tar file"})
    text = "relative weight of each (default: equal)"
    parser.add_argument("--shares", type=float, nargs="+", help=text)
    return parser.parse_args(argv)


parse_early(__name__, parse_arguments)

from collections.abc import Sequence
from typing import Any

import torch

from base.errors import UserError
from base.files import replacing
from model.weight_file import check_finite
from utils.common.checkpoint import OF_THE_RUN, read_checkpoint, read_content, save_checkpoint


def average(
    weights: Sequence[dict[str, torch.Tensor]], shares: Sequence[float]
) -> dict[str, torch.Tensor]:
    """Weighted mean of the weights of networks, in float32; what counts steps is the last one's;
    ValueError for networks of different names or shapes."""
    shapes = [{name: value.shape for name, value in each.items()} for each in weights]
    if any(other != shapes[-1] for other in shapes):
        raise ValueError("networks of different names or shapes")
    total = float(sum(shares))
    return {
        name: sum(w[name].float() * (s / total) for w, s in zip(weights, shares, strict=True))
        if value.is_floating_point()
        else value
        for name, value in weights[-1].items()
    }


def averaged(paths: Sequence[Path], shares: Sequence[float]) -> dict[str, Any]:
    """Content of the checkpoint that is the average of others; UserError for a file that is none,
    and for checkpoints of different models or cameras."""
    checkpoints = [read_checkpoint(path) for path in paths]
    for checkpoint in checkpoints:
        if checkpoint.camera != checkpoints[-1].camera:
            both = f"{checkpoint.path} and {paths[-1]}"
            raise UserError(f"--load_model: {both} were trained for other cameras")
    last = read_content(paths[-1])
    content = {key: value for key, value in last.items() if key not in OF_THE_RUN}
    for key in dict.fromkeys(key for checkpoint in checkpoints for key in checkpoint.networks):
        networks = [checkpoint.networks.get(key) for checkpoint in checkpoints]
        try:
            if None in networks:
                raise ValueError("one has none")
            for path, weights in zip(paths, networks, strict=True):
                check_finite(weights, f"{path}: {key}")
            content[key] = average(networks, shares)
        except ValueError as error:
            names = " and ".join(map(str, paths))
            raise UserError(f"--load_model: {names} are not of one model: {key}, {error}") from None
    return content


def main(argv: list[str] | None = None) -> None:
    options = parse_arguments(argv)
    paths, shares = options.load_model, options.shares or [1.0] * len(options.load_model)
    if len(paths) < 2:
        raise UserError("--load_model: give two checkpoints or more")
    if len(shares) != len(paths) or min(shares) < 0 or not 0 < sum(shares) < float("inf"):
        raise UserError("--shares: one number for each checkpoint, none negative, not all 0")
    if options.output.suffix != ".tar":
        raise UserError(f"--output {options.output}: checkpoints are called .tar")
    if options.output.resolve() in [path.resolve() for path in paths]:
        raise UserError("--output must be another file than those of --load_model")
    with replacing(options.output, single_writer=True) as temporary:  # refused before the work
        save_checkpoint(temporary, averaged(paths, shares))
    print(f"Average of {len(paths)} checkpoints: {options.output}")


if __name__ == "__main__":
    run_command(main)
