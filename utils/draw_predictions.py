"""Draw a model's 2D joints over pictures, many on one sheet: a look at how it does on real frames.

python utils/draw_predictions.py --input_dir real_frames --camera training --output sheet.png

Joints with little confidence are drawn as rings.  Where you know some joints' places, a file of
them ({"a.png": {"LeftHand": [218, 117]}}, pixels of the picture) tells how many are met:

python utils/draw_predictions.py --load_model model_best.tar --input_dir real_frames \\
    --camera training --points points.json --within 15 --output sheet.png
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.errors import UserError  # before OpenCV, to explain what that lacks

# isort: split
import cv2
import numpy as np
from tqdm import tqdm

from base.skeleton import JOINTS, LIMBS
from utils.box import chosen_model, model_path
from utils.command import run_command
from utils.draw_contact_sheet import draw_sheet
from utils.drawing.write import save_picture
from utils.inference.open_source import open_source
from utils.inference.predictor import EgoPosePredictor

#: Above this height of its heatmap a joint counts as seen.
_SURE = 0.3
_LEFT, _RIGHT, _MIDDLE = (255, 150, 40), (60, 170, 255), (240, 240, 240)


def overlay(
    picture: np.ndarray, joints2d: np.ndarray, confidence: np.ndarray, size: int
) -> np.ndarray:
    """Draw joints over a picture.

    Args:
        picture: (H, W, 3) uint8 RGB.
        joints2d: (16, 2) pixels of it.
        confidence: (16,) in [0, 1].
        size: side of the result; the picture's central square is shown.

    Returns:
        (size, size, 3) uint8 RGB.  Left limbs are orange, right ones blue.
    """
    height, width = picture.shape[:2]
    side = min(height, width)
    corner = np.array([(width - side) // 2, (height - side) // 2])
    square = picture[corner[1] : corner[1] + side, corner[0] : corner[0] + side]
    drawn = cv2.resize(np.ascontiguousarray(square), (size, size), interpolation=cv2.INTER_AREA)
    spots = (joints2d - corner + 0.5) * size / side - 0.5
    at = [tuple(int(v) for v in np.round(spot)) for spot in np.clip(spots, -size, 2 * size)]

    def colour(joint: int) -> tuple[int, int, int]:
        if joint < 2:
            return _MIDDLE
        return _LEFT if 2 <= joint <= 4 or 8 <= joint <= 11 else _RIGHT

    width = max(1, size // 160)
    for start, end in LIMBS:
        cv2.line(drawn, at[start], at[end], colour(end), width, cv2.LINE_AA)
    for joint, spot in enumerate(at):
        fill = -1 if confidence[joint] >= _SURE else width
        cv2.circle(drawn, spot, max(2, size // 80), colour(joint), fill, cv2.LINE_AA)
    return drawn


def read_points(path: Path, pictures: Sequence[str]) -> dict[str, dict[str, list[float]]]:
    """Known places of joints: picture's name → joint's name → (x, y) pixels.

    Raises:
        UserError: for a file that is missing or none of this kind, an unknown joint, or one that
            names none of ``pictures``, which are files' names.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"--points {path}: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"--points {path}: not JSON ({error})") from None
    try:
        points = {
            picture: {joint: [float(x), float(y)] for joint, (x, y) in places.items()}
            for picture, places in content.items()
        }
    except (AttributeError, TypeError, ValueError):
        raise UserError(
            f'--points {path}: not of the form {{"a.png": {{"LeftHand": [218, 117]}}}}'
        ) from None
    unknown = {joint for places in points.values() for joint in places} - set(JOINTS)
    if unknown:
        raise UserError(f"--points {path}: no joint {min(unknown)}; known: {', '.join(JOINTS)}")
    if not points.keys() & set(pictures):
        raise UserError(f"--points {path}: names none of the pictures")
    return points


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--load_model",
        type=model_path,
        help="finetuned model (default: box, the weights that come with this project)",
    )
    parser.add_argument("--input_dir", type=Path, required=True, help="folder of pictures")
    parser.add_argument("--output", type=Path, required=True, help="a .png or .jpg file")
    parser.add_argument("--gpu", default="0", help="CUDA device, or cpu (default 0)")
    parser.add_argument(
        "--camera", help="of the pictures, as in inference.py (default: by picture)"
    )
    parser.add_argument(
        "--rotate", type=float, default=0.0, help="degrees, as in inference.py (default 0)"
    )
    parser.add_argument(
        "--network_view",
        action="store_true",
        help="show each picture as the network sees it: through the training camera's lens",
    )
    parser.add_argument("--points", type=Path, help="places of joints that you know, see above")
    parser.add_argument(
        "--within", type=float, default=15.0, help="pixels in which a joint is met (default 15)"
    )
    parser.add_argument("--columns", type=int, default=4, help="pictures in a row (default 4)")
    parser.add_argument("--size", type=int, default=400, help="side of each (default 400)")
    options = parser.parse_args(argv)
    if min(options.columns, options.size) < 1:
        raise UserError("--columns and --size must be at least 1")
    if options.output.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UserError(f"--output {options.output}: give a .png or .jpg file")
    if not options.input_dir.is_dir():
        raise UserError(f"--input_dir {options.input_dir}: no such folder")
    source = open_source(str(options.input_dir))
    points = read_points(options.points, [shot.file for shot in source]) if options.points else {}
    predictor = EgoPosePredictor(
        chosen_model(options.load_model),
        camera=options.camera,
        rotate=options.rotate,
        gpu=options.gpu,
    )
    drawn, misses = [], []
    for shot in tqdm(source, total=source.total, unit="picture"):
        try:
            picture = shot.read()
            prepared = predictor.prepare(picture)
        except UserError as error:
            tqdm.write(f"Left out {shot.file}: {error}")
            continue
        pose = predictor.poses([prepared])[0]
        joints2d = pose.joints2d
        for joint, place in points.get(shot.file, {}).items():
            misses.append(float(np.hypot(*(joints2d[JOINTS.index(joint)] - place))))
        if options.network_view:
            picture, joints2d = prepared.square, prepared.view.points(joints2d)
        drawn.append(overlay(picture, joints2d, pose.confidence, options.size))
    if not drawn:
        raise UserError(f"--input_dir {options.input_dir}: none of its pictures can be read")
    save_picture(options.output, draw_sheet(drawn, options.columns))
    print(f"{len(drawn)} pictures: {options.output}")
    if misses:
        met = np.mean(np.array(misses) <= options.within)
        print(
            f"{met:.0%} of {len(misses)} known joints are met within {options.within:g} px; "
            f"median distance {np.median(misses):.1f} px"
        )


if __name__ == "__main__":
    run_command(main)
