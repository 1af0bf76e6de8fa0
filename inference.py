"""3D poses of your own pictures with a finetuned model.

Every picture of a folder (png, jpg, jpeg; any size; grey, colour or transparent) becomes one entry
of poses.json, 3D joints in metres and 2D joints in the picture's own pixels, and one picture with
the pose drawn beside it.

examples:
  python inference.py --gpu 0 --load_model experiments/Finetune/checkpoints/model_best.tar \\
      --input_dir my_pictures --save_dir my_poses
  numbers only, no pictures:
  python inference.py --load_model model_best.tar --input_dir my_pictures --no_pictures
"""

import argparse
from pathlib import Path

from base.errors import UserError
from dataset.pictures import list_pictures
from utils.command import run_command
from utils.device import GPU_HELP
from utils.inference.predictor import EgoPosePredictor
from utils.inference.run import infer_pictures

__all__ = ["EgoPosePredictor", "main"]

#: Unreadable files that are named one by one on the screen; poses.json names all.
_NAMED = 20


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gpu", default="0", help=GPU_HELP)
    parser.add_argument(
        "--load_model", type=Path, required=True, help="checkpoint of the finetuned model"
    )
    parser.add_argument("--input_dir", type=Path, required=True, help="folder of pictures")
    parser.add_argument(
        "--save_dir",
        type=Path,
        default=Path("experiments/inference"),
        help="where poses.json and the folder 'pictures' go (default: %(default)s)",
    )
    parser.add_argument(
        "--batch_size", type=int, default=16, help="pictures at once (default: %(default)s)"
    )
    parser.add_argument(
        "--no_pictures", action="store_true", help="write poses.json alone, which is faster"
    )
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    arguments = parser.parse_args(argv)
    if arguments.batch_size < 1:
        raise UserError(f"--batch_size {arguments.batch_size}: at least 1 is needed")
    return arguments


def report(pictures: int, unreadable: list[dict[str, str]], save_dir: Path, drawn: bool) -> None:
    """Say what was done and what could not be."""
    print(f"Poses of {pictures - len(unreadable)} pictures: {save_dir / 'poses.json'}")
    if drawn:
        print(f"Drawn beside them: {save_dir / 'pictures'}")
    if unreadable:
        print(f"{len(unreadable)} of {pictures} pictures could not be read:")
        for item in unreadable[:_NAMED]:
            print(f"  {item['file']}: {item['reason']}")
        if len(unreadable) > _NAMED:
            print(f"  and {len(unreadable) - _NAMED} more, all named in poses.json")


def main(argv: list[str] | None = None) -> None:
    """Poses of a folder of pictures."""
    arguments = parse_arguments(argv)
    pictures = list_pictures(arguments.input_dir)
    predictor = EgoPosePredictor(arguments.load_model, arguments.gpu, arguments.precision)
    draw = not arguments.no_pictures
    unreadable = infer_pictures(
        predictor, pictures, arguments.save_dir, arguments.batch_size, draw=draw
    )
    report(len(pictures), unreadable, arguments.save_dir, draw)


if __name__ == "__main__":
    run_command(main)
