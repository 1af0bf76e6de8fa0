"""Draw a sheet of frames of a set: the quickest way to see what is in it.

python utils/draw_contact_sheet.py --data_root data/synthetic --output sheet.png
python utils/draw_contact_sheet.py --data test --count 12 --columns 6 --seed 3 --output sheet.png
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError
from base.set_type import SetType
from utils.common.command import run_command
from utils.common.paths import DEFAULT_DATA_ROOT
from utils.drawing.sheet import choose_pictures, draw_sheet
from utils.drawing.write import picture_file, save_picture


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data_root", type=Path, default=DEFAULT_DATA_ROOT)
    parser.add_argument("--data", choices=[s.value for s in SetType], default="train")
    parser.add_argument("--output", type=picture_file, required=True, help="a .png or .jpg file")
    parser.add_argument("--count", type=int, default=64, help="frames (default: 64)")
    parser.add_argument("--columns", type=int, default=8, help="frames in a row (default: 8)")
    parser.add_argument("--size", type=int, default=256, help="side of each, pixels (default: 256)")
    parser.add_argument("--seed", type=int, default=0, help="which frames (default: 0)")
    options = parser.parse_args(argv)
    if min(options.count, options.columns, options.size) < 1 or options.seed < 0:
        raise UserError("--count, --columns and --size must be at least 1, --seed at least 0")
    pictures = choose_pictures(
        options.data_root, SetType(options.data), options.count, options.size, options.seed
    )
    save_picture(options.output, draw_sheet(pictures, options.columns))
    print(f"{len(pictures)} frames: {options.output}")


if __name__ == "__main__":
    run_command(main)
