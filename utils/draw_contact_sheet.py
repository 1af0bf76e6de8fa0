"""Draw a sheet of frames of a set: the quickest way to see what is in it.

python utils/draw_contact_sheet.py --data_root data/synthetic --output sheet.png
python utils/draw_contact_sheet.py --data test --count 12 --columns 6 --seed 3 --output sheet.png
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from tqdm import tqdm

from base.errors import BrokenFrameError, UserError
from base.set_type import SetType
from dataset.mocap import open_split
from dataset.packed import Packed, is_packed
from dataset.transforms import resize_square
from utils.command import run_command
from utils.defaults import DEFAULT_DATA_ROOT
from utils.drawing.write import save_picture


def draw_sheet(pictures: list[np.ndarray], columns: int) -> np.ndarray:
    """Pictures side by side, row by row, what is left of the last row white.

    Args:
        pictures: (S, S, 3) uint8 each.
        columns: pictures in a row.

    Returns:
        (rows · S, columns · S, 3) uint8.
    """
    size = pictures[0].shape[0]
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * size, columns * size, 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        sheet[row * size : (row + 1) * size, column * size : (column + 1) * size] = picture
    return sheet


def choose_pictures(
    root: Path, set_type: SetType, count: int, size: int, seed: int
) -> list[np.ndarray]:
    """Up to ``count`` readable frames of a split, drawn at random: (size, size, 3) RGB each,
    enlarged where the set is packed smaller.

    Raises:
        UserError: for a missing split, or one without any readable picture.
    """
    split = Packed(root, set_type) if is_packed(root) else open_split(root, set_type, size)
    order = np.random.default_rng(seed).permutation(len(split))
    pictures: list[np.ndarray] = []
    with tqdm(total=min(count, len(split)), unit="frame", desc="reading") as bar:
        for index in order:
            if len(pictures) == count:
                break
            try:
                pictures.append(resize_square(split[int(index)].image, size))
            except BrokenFrameError as error:
                tqdm.write(f"skipped: {error}", file=sys.stderr)
                continue
            bar.update()
    if not pictures:
        raise UserError(f"{root}: none of the {len(split)} pictures of {set_type.folder} is whole")
    return pictures


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_root", type=Path, default=DEFAULT_DATA_ROOT)
    parser.add_argument("--data", choices=[s.value for s in SetType], default="train")
    parser.add_argument("--output", type=Path, required=True, help="a .png or .jpg file")
    parser.add_argument("--count", type=int, default=64, help="frames (default 64)")
    parser.add_argument("--columns", type=int, default=8, help="frames in a row (default 8)")
    parser.add_argument("--size", type=int, default=256, help="side of each, pixels (default 256)")
    parser.add_argument("--seed", type=int, default=0, help="which frames (default 0)")
    options = parser.parse_args(argv)
    if min(options.count, options.columns, options.size) < 1 or options.seed < 0:
        raise UserError("--count, --columns and --size must be at least 1, --seed at least 0")
    if options.output.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UserError(f"--output {options.output}: give a .png or .jpg file")
    pictures = choose_pictures(
        options.data_root, SetType(options.data), options.count, options.size, options.seed
    )
    sheet = draw_sheet(pictures, options.columns)
    save_picture(options.output, sheet)
    print(f"{len(pictures)} frames: {options.output}")


if __name__ == "__main__":
    run_command(main)
