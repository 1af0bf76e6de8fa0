"""Draw a model's 2D joints over pictures, many on one sheet: for real frames without labels.

python utils/draw_predictions.py --input_dir real_frames --camera training --output sheet.png

The lower a joint's confidence, the fainter it is.  With a file of known places of joints
({"a.png": {"LeftHand": [218, 117]}}, pixels of the picture) it counts how many are found:

python utils/draw_predictions.py --load_model model_best.tar --input_dir real_frames \\
    --camera training --points points.json --within 15 --output sheet.png
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from utils.common.command import command_parser, number, parse_early, picture_file, run_command


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    output = {"type": picture_file, "help": "a .png or .jpg file"}
    camera = {"help": "as in inference.py (default: found by the pictures)"}
    parser = command_parser(__doc__, "load_model", "gpu", output=output, camera=camera)
    add = parser.add_argument
    add("--input_dir", type=Path, required=True, help="folder of pictures")
    text = "degrees, as in inference.py (default: found by the network)"
    add("--rotate", type=number(-360, 360), help=text)
    add("--points", type=Path, help="annotated joint positions, see above")
    text = "distance in pixels below which a joint counts as found (default: 15)"
    add("--within", type=number(0, 10_000), default=15.0, help=text)
    return parser.parse_args(argv)


parse_early(__name__, parse_arguments)

import numpy as np
from tqdm import tqdm

from base.errors import UserError
from base.skeleton import JOINTS
from dataset.square_crop import SquareCrop
from utils.common.points import read_points
from utils.common.pretrained import chosen_model
from utils.drawing import style
from utils.drawing.frame_painter import DrawnPose, FramePainter, draw_legend, draw_sheet
from utils.drawing.write import save_picture
from utils.inference.picture_source import open_source
from utils.inference.predictor import EgoPosePredictor

#: Side of a picture on the sheet, pixels, and pictures in a row.
_SIZE, _COLUMNS = 400, 4


def main(argv: list[str] | None = None) -> None:
    options = parse_arguments(argv)
    if not options.input_dir.is_dir():
        raise UserError(f"--input_dir {options.input_dir}: no such folder")
    source = open_source(str(options.input_dir))
    pictures = [shot.file for shot in source]
    points = read_points(options.points, pictures, JOINTS) if options.points else {}
    how = {"camera": options.camera, "rotate": options.rotate, "gpu": options.gpu}
    predictor = EgoPosePredictor(chosen_model(options.load_model), **how)
    predictor.study(source.sample(8))
    painter, drawn, distances = FramePainter(_SIZE), [], []
    for shot in tqdm(source, total=source.total, unit="picture"):
        try:
            picture = shot.read()
            pose = predictor(picture)
        except UserError as error:
            tqdm.write(f"Left out {shot.file}: {error}")
            continue
        for joint, place in points.get(shot.file, {}).items():
            distances.append(np.hypot(*(pose.joints2d[JOINTS.index(joint)] - place)))
        crop = SquareCrop(_SIZE, picture.shape[1], picture.shape[0])
        joints = DrawnPose(crop.points(pose.joints2d), pose.joints3d, pose.confidence)
        drawn.append(painter.picture(crop.image(picture), [(joints, style.PREDICTED)]))
    if not drawn:
        raise UserError(f"--input_dir {options.input_dir}: none of its pictures can be read")
    sheet = draw_sheet(drawn, _COLUMNS)
    legend = draw_legend(sheet.shape[1], 2 * painter.scale, truth=False, faint=True, note="")
    save_picture(options.output, np.vstack([sheet, legend]))
    print(f"{len(drawn)} pictures: {options.output}")
    if distances:
        found = f"{np.mean(np.array(distances) <= options.within):.0%} of {len(distances)} known"
        median = f"median distance {np.median(distances):.1f} px"
        print(f"{found} joints are found within {options.within:g} px; {median}")


if __name__ == "__main__":
    run_command(main)
