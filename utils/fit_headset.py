"""Fit a headset file: where the camera is on the head and which way it looks, from a few pictures
of a person who wears it, stands upright, looks straight ahead and lets the arms hang (--pose).

A window asks for nose, chin, shoulders, wrists and tips of the feet in each picture; what cannot be
seen is left out.  Four marks are the least, and the feet tell the tilt; two or three pictures of
the person, who puts the headset on anew, are better than one:
  python utils/fit_headset.py --pictures a.png b.png --camera calib.json --output mine.yml
on a machine without a display, with the marks in a file ({"a.png": {"chin": [640, 131]}}, pixels),
which the window writes as well (mine_points.json):
  python utils/fit_headset.py --pictures a.png b.png --camera calib.json --output mine.yml \\
      --points points.json
where places in 3D are known, the lens as well, without a calibration:
  python utils/fit_headset.py --labels labels.json --output mine.yml

mine_a.png, … beside the output show marks and fit: look at them.  More in doc/headset.md.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from utils.common.command import command_parser, number, parse_early, run_command
from utils.fitting.wearer import MARKS, POSES


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    output = {"type": Path, "required": True, "help": "the headset file to write, .yml"}
    parser = command_parser(__doc__, output=output)
    add = parser.add_argument
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--pictures", type=Path, nargs="+", help="of one person who wears it")
    text = 'known places instead: {"size": [640, 480], "points": [[left, up, ahead], …], "pixels": '
    text += '[[x, y], …], "depth": […]}, cm from the tip of the nose, the depth if it is known'
    source.add_argument("--labels", type=Path, metavar="FILE", help=text)
    add("--camera", metavar="FILE", help="calibration of the pictures, as inference.py --camera")
    text = f"marks instead of the window, by picture: {', '.join(MARKS)}"
    add("--points", type=Path, metavar="FILE", help=text)
    add(
        "--height", type=number(1.2, 2.3), default=1.72, help="of the person, metres (default 1.72)"
    )
    add("--pose", choices=POSES, default=POSES[0], help="of the arms (default: %(default)s)")
    return parser.parse_args(argv)


parse_early(__name__, parse_arguments)

import json
from typing import Annotated, Any

import cv2
import numpy as np
import yaml
from pydantic import Field

from base.calibration import load_calibration
from base.cameras import camera_to_dict
from base.cameras.camera import Camera
from base.errors import UserError
from base.files import replacing, write_bytes
from base.headset import Pixels, load_headset, mount_angles
from base.schema import Section
from dataset.pictures import read_picture
from utils.common.points import Points, read_json, read_points
from utils.drawing.style import OUTLINE, PAPER, PREDICTED, TRUTH
from utils.drawing.text import draw_text
from utils.drawing.write import save_picture
from utils.fitting.lens import fit_lens
from utils.fitting.mount import MountFit, fit_mount
from utils.fitting.window import MarkingWindow

#: Centimetres: the furthest point of labels is between these, or they are in another unit.
_REACH = 10, 1000
#: Labels that a fitted lens misses by more, pixels of a picture 1000 high, are not reproduced.
_WORST_LABELS = 2.0

Number = Annotated[float, Field(allow_inf_nan=False)]


class Labels(Section):
    """The file of ``--labels``.

    Attributes:
        size: width and height of the pictures.
        points: centimetres from the tip of the nose: to the wearer's left, up, ahead.
        pixels: where they are seen.
        depth: along the optical axis, centimetres, where it is known.
    """

    size: tuple[Pixels, Pixels]
    points: list[tuple[Number, Number, Number]]
    pixels: list[tuple[Number, Number]]
    depth: list[Number] | None = None


def draw_fit(picture: np.ndarray, marks: dict[str, Any], fitted: dict[str, Any]) -> np.ndarray:
    """The (H, W, 3) RGB picture with marks as blue rings and the fit's landmarks as orange crosses,
    a line between the two; the names of left and right stand on the outer sides of the two, and
    below each other where they are near."""
    drawn = picture.copy()
    size = max(6, picture.shape[0] // 60)
    thin, taken = max(1, size // 6), []
    fitted = {name: place for name, place in fitted.items() if np.abs(place).max() < 2**14}
    for name, place in sorted(fitted.items(), key=lambda item: item[1][1]):
        x, y = at = np.rint(place).astype(int).tolist()
        for width, rim in ((thin + 2, True), (thin, False)):
            true, predicted = (PAPER if rim else colour[0] for colour in (TRUTH, PREDICTED))
            if name in marks:
                mark = tuple(np.rint(marks[name]).astype(int).tolist())
                cv2.line(drawn, mark, at, true, width, cv2.LINE_AA)
                cv2.circle(drawn, mark, size, true, width, cv2.LINE_AA)
            cv2.drawMarker(drawn, at, predicted, cv2.MARKER_TILTED_CROSS, 2 * size, width)
        partner = name.replace(*("left", "right")[:: 1 if "left" in name else -1])
        before = x < fitted.get(partner, place)[0]
        while any(there == before and abs(y - other) < 2 * size for there, other in taken):
            y += 1
        taken.append((before, y))
        x += -2 * size if before else 2 * size
        for shift, colour in ((-1, OUTLINE), (1, OUTLINE), (0, PAPER)):
            where, how = (x + shift, y + shift), {"bold": True, "anchor": float(before)}
            draw_text(drawn, name.replace("_", " "), where, 2 * size, colour, **how)
    return drawn


def _yaml(camera: Camera, comment: str, mount: list[tuple[str, Any, str]]) -> str:
    """A headset file with a comment above and one at each of the mount's (key, value, comment)."""
    lens = json.loads(json.dumps({"camera": camera_to_dict(camera)}))
    lines = [f"# {line}" for line in comment.splitlines()]
    lines += yaml.safe_dump(lens, sort_keys=False, width=100, default_flow_style=None).splitlines()
    lines += [f"{key}: {value}  # {note}".rstrip(" #") for key, value, note in mount]
    return "\n".join(lines) + "\n"


def _drawing(output: Path, picture: str) -> Path:
    """Where the marks and the fit of a picture are drawn."""
    return output.with_name(f"{output.stem}_{Path(picture).stem}.png")


def _keep_inputs(args: argparse.Namespace) -> None:
    """UserError where two files to write are one, or one is a file that is read."""
    pictures = args.pictures or []
    written = [args.output, *(_drawing(args.output, path.name) for path in pictures)]
    camera = args.camera, args.camera and args.camera.partition("#")[0]
    read = {Path(path).resolve() for path in (*pictures, args.labels, *camera, args.points) if path}
    for row, path in enumerate(written):
        if path in written[:row]:
            raise UserError(f"--pictures: {path} would show two of them: rename one")
        if path.resolve() in read:
            raise UserError(f"--output {args.output}: {path}, which is read, would be replaced")


def _mount(fit: MountFit) -> list[tuple[str, Any, str]]:
    position = [round(value, 1) for value in fit.position.tolist()]
    across, up, ahead = fit.position_error
    rotate, forward, left = (f"degrees, ± {error:.1f}" for error in fit.angle_error)
    note = f"cm left, up, ahead of the tip of the nose, ± {across:.1f}, {up:.1f}, {ahead:.1f}"
    return [
        ("position", position, note),
        ("forward", round(fit.forward, 1), forward),
        ("left", round(fit.left, 1), left),
        ("rotate", round(fit.rotate, 1), rotate),
    ]


def _read_pictures(paths: list[Path]) -> dict[str, np.ndarray]:
    pictures = {path.name: read_picture(path) for path in paths}
    sizes = {picture.shape[1::-1] for picture in pictures.values()}
    if len(sizes) > 1:
        raise UserError(f"--pictures are of several sizes: {sorted(sizes)}")
    return pictures


def _marked(pictures: dict[str, np.ndarray], points: Path) -> Points:
    """What the user marks in a window; goes on with what ``points`` holds."""
    marks = read_points(points, pictures, MARKS) if points.exists() else {}
    marks |= {name: {} for name in pictures if name not in marks}

    def save() -> None:
        write_bytes(points, json.dumps(marks, indent=1).encode())

    MarkingWindow(pictures, MARKS, marks, save).run()
    return marks


def _fit_pictures(args: argparse.Namespace) -> None:
    if not args.camera:
        raise UserError("--camera: the calibration of the pictures is needed")
    pictures = _read_pictures(args.pictures)
    height, width = next(iter(pictures.values())).shape[:2]
    camera = load_calibration(args.camera).for_picture(width, height)
    if args.points:
        points = read_points(args.points, pictures, MARKS)
    else:
        args.points = args.output.with_name(f"{args.output.stem}_points.json")
        points = _marked(pictures, args.points)
    marks = {name: points[name] for name in pictures if points.get(name)}
    fit = fit_mount(camera, list(marks.values()), args.pose, args.height)
    number = sum(map(len, marks.values()))
    comment = (
        f"Fitted to {number} marks in {len(marks)} pictures of a person of {args.height:g} m, "
        f"residual {fit.residual:.1f} px;\n± are standard deviations. Lens: {args.camera}."
    )
    _save(args.output, _yaml(camera, comment, _mount(fit)))
    for name, fitted in zip(marks, fit.reprojected, strict=True):
        path = _drawing(args.output, name)
        save_picture(path, draw_fit(pictures[name], marks[name], fitted))
        print(f"marks and fit: {path}")


def _fit_labels(args: argparse.Namespace) -> None:
    labels = read_json(args.labels, Labels, "--labels")
    counts = {
        len(each) for each in (labels.points, labels.pixels, labels.depth) if each is not None
    }
    if len(counts) != 1:
        raise UserError(f"--labels {args.labels}: there must be as many pixels as points")
    off = np.abs(np.array(labels.pixels).reshape(-1, 2) * 2 + 1 - labels.size) > labels.size
    if off.any():
        x, y = labels.pixels[int(off.any(1).argmax())]
        raise UserError(
            f"--labels {args.labels}: pixel ({x:g}, {y:g}) is outside the picture of "
            f"{labels.size[0]}×{labels.size[1]}: is that width and height? Leave out what is unseen"
        )
    # To the axes of the head.
    left, up, ahead = np.array(labels.points).reshape(-1, 3).T
    depth = None if labels.depth is None else np.array(labels.depth)
    points = np.stack([left, ahead, -up], -1)
    fit = fit_lens(points, np.array(labels.pixels), *labels.size, depth)
    reach = float(np.linalg.norm(points, axis=1).max())
    if not _REACH[0] < reach < _REACH[1]:
        raise UserError(
            f"--labels {args.labels}: the furthest point is {reach:.3g} from the tip of the nose: "
            "centimetres are needed"
        )
    miss = float(np.sqrt(np.mean(fit.residual**2)))
    if miss > _WORST_LABELS * labels.size[1] / 1000:
        raise UserError(f"--labels {args.labels}: no lens fits them, the best misses {miss:.1f} px")
    left, ahead, down = fit.position.tolist()
    angles = zip(("rotate", "forward", "left"), mount_angles(fit.rotation), strict=True)
    position = [round(value, 2) for value in (left, -down, ahead)]
    comment = f"Lens and mount fitted to {len(points)} labels of {args.labels.name}, "
    comment += f"residual {miss:.2f} px."
    mount = [("position", position, "cm left, up, ahead of the tip of the nose")]
    mount += [(key, round(value, 2), "degrees") for key, value in angles]
    _save(args.output, _yaml(fit.camera, comment, mount))


def _save(output: Path, text: str) -> None:
    with replacing(output) as temporary:
        temporary.write_bytes(text.encode(errors="backslashreplace"))
        try:
            headset = load_headset(temporary)
        except UserError as error:
            fault = str(error).removeprefix(f"--headset {temporary}: ")
            raise UserError(f"{output} is not written, no headset is as fitted: {fault}") from None
    x, y, z = headset.position
    print(
        f"{output}: {x:g} cm to the left, {y:g} up, {z:g} ahead of the tip of the nose; looks "
        f"{headset.forward:g}° ahead and {headset.left:g}° to the left of straight down; "
        f"rotate {headset.rotate:g}°"
    )


def main(argv: list[str] | None = None) -> None:
    args = parse_arguments(argv)
    if args.output.suffix not in (".yml", ".yaml"):
        raise UserError(f"--output {args.output}: give a .yml file")
    _keep_inputs(args)
    (_fit_labels if args.labels else _fit_pictures)(args)


if __name__ == "__main__":
    run_command(main)
