"""Draw a sheet of frames of a set: the quickest way to see what is in it.

python utils/draw_contact_sheet.py --data_root data/synthetic --output sheet.png
python utils/draw_contact_sheet.py --data test --count 12 --columns 6 --seed 3 --output sheet.png
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from utils.common.command import (
    command_parser,
    parse_early,
    picture_file,
    run_command,
    whole_number,
)


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    output = {"type": picture_file, "help": "a .png or .jpg file"}
    parser = command_parser(
        __doc__, "data_root", "format", data={"default": "train"}, output=output
    )
    for name, least, most, default, text in (
        ("count", 1, 2000, 64, "frames"),
        ("columns", 1, 100, 8, "frames in a row"),
        ("size", 8, 800, 256, "side of each, pixels"),
        ("seed", 0, 2**32, 0, "which frames"),
    ):
        about = {"type": whole_number(least, most), "help": f"{text} (default: {default})"}
        parser.add_argument(f"--{name}", default=default, **about)
    return parser.parse_args(argv)


parse_early(__name__, parse_arguments)

import numpy as np
from tqdm import tqdm

from base.errors import BrokenFrameError, UserError
from base.set_type import SetType
from dataset import open_split
from dataset.square_crop import resize_square
from utils.drawing.frame_painter import draw_sheet
from utils.drawing.write import save_picture


def main(argv: list[str] | None = None) -> None:
    options = parse_arguments(argv)
    set_type, pictures = SetType(options.data), []
    how = {"report": False, "format": options.format}
    split = open_split(options.data_root, set_type, **how)
    with tqdm(total=min(options.count, len(split)), unit="frame", desc="reading") as bar:
        for index in np.random.default_rng(options.seed).permutation(len(split)):
            if len(pictures) == options.count:
                break
            try:
                pictures.append(resize_square(split[int(index)].image, options.size))
                bar.update()
            except BrokenFrameError as error:
                tqdm.write(f"skipped: {error}", file=sys.stderr)
    if not pictures:
        what = f"none of the {len(split)} pictures of {set_type.folder} is whole"
        raise UserError(f"{options.data_root}: {what}")
    save_picture(options.output, draw_sheet(pictures, options.columns))
    print(f"{len(pictures)} frames: {options.output}")


if __name__ == "__main__":
    run_command(main)
