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

mine_a.png, … beside the output show marks and fit: look at them.  More in doc/headset.md.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from base.skeleton import HEIGHTS, MEAN_HEIGHT
from utils.common.command import command_parser, number, parse_early, run_command
from utils.fitting.wearer import MARKS, POSES


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    output = {"type": Path, "required": True, "help": "the headset file to write, .yml"}
    camera = {"required": True, "help": "calibration of the pictures, as inference.py --camera"}
    parser = command_parser(__doc__, output=output, camera=camera)
    add = parser.add_argument
    text = "of one person who wears it"
    add("--pictures", type=Path, nargs="+", required=True, help=text)
    text = f"marks instead of the window, by picture: {', '.join(MARKS)}"
    add("--points", type=Path, metavar="FILE", help=text)
    text = "of the person, metres (default: %(default)s)"
    add("--height", type=number(*HEIGHTS), default=MEAN_HEIGHT, help=text)
    add("--pose", choices=POSES, default=POSES[0], help="of the arms (default: %(default)s)")
    return parser.parse_args(argv)


parse_early(__name__, parse_arguments)

import json
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import yaml

from base.calibration import load_calibration
from base.cameras import camera_to_dict
from base.errors import UserError
from base.files import replacing, write_bytes
from base.headset import load_headset
from dataset.pictures import read_picture
from utils.common.points import read_points
from utils.drawing.style import OUTLINE, PAPER, PREDICTED, TRUTH, hex_code
from utils.drawing.text import draw_text
from utils.drawing.write import save_picture
from utils.fitting.mount import MountFit, fit_mount

#: What the window does, shown under the picture.
_KEYS = "click: mark    n: not to be seen    u: back    close the window: done"


class MarkingWindow:
    """Asks for each of ``names`` in each of the ``pictures``, name → (H, W, 3) uint8 RGB, from the
    first that ``points``, picture's name → what is marked → (x, y), lacks. These are changed in
    place, and ``changed`` is called after each change."""

    def __init__(
        self,
        pictures: dict[str, np.ndarray],
        names: Sequence[str],
        points: dict[str, dict[str, tuple[float, float]]],
        changed: Callable[[], None],
    ) -> None:
        import matplotlib.pyplot as plt

        self._plt, self._pictures, self._points, self._changed = plt, pictures, points, changed
        self._steps = [(picture, name) for picture in pictures for name in names]
        missing = [name not in points[picture] for picture, name in self._steps]
        self._at = int(np.argmax(missing))
        self.figure, self._axes = plt.subplots(figsize=(10, 10))
        self.figure.canvas.mpl_connect("button_press_event", self._clicked)
        self.figure.canvas.mpl_connect("key_press_event", self._pressed)
        self._go(0)

    def run(self) -> None:
        """Show it until it is closed or all is marked; UserError without a display."""
        if self.figure.canvas.required_interactive_framework is None:
            self._plt.close(self.figure)
            raise UserError("no display for a window: mark elsewhere and give --points FILE")
        self._plt.show()

    def _go(self, steps: int) -> None:
        self._at += steps
        if self._at == len(self._steps):
            self._plt.close(self.figure)
            return
        (picture, name), axes = self._steps[self._at], self._axes
        axes.clear()
        axes.set_axis_off()
        axes.imshow(self._pictures[picture])
        blue = hex_code(TRUTH[1])
        for marked, (x, y) in self._points[picture].items():
            axes.plot(x, y, "+", color=blue, markersize=12, markeredgewidth=2)
            axes.annotate(marked, (x, y), (6, 6), textcoords="offset points", color=blue)
        axes.set_title(f"{picture}: mark the {name.replace('_', ' ')} of the wearer\n{_KEYS}")
        self.figure.canvas.draw_idle()

    def _clicked(self, event) -> None:
        zooming = getattr(self.figure.canvas.toolbar, "mode", "")
        if event.inaxes is self._axes and event.button == 1 and not zooming:
            picture, name = self._steps[self._at]
            self._points[picture][name] = (round(event.xdata, 1), round(event.ydata, 1))
            self._changed()
            self._go(1)

    def _pressed(self, event) -> None:
        back = event.key == "u" and self._at > 0
        if back or event.key == "n":
            picture, name = self._steps[self._at - back]
            if self._points[picture].pop(name, None):
                self._changed()
            self._go(-1 if back else 1)


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
        hues = TRUTH[0], PREDICTED[0]
        for width, (true, predicted) in ((thin + 2, (PAPER, PAPER)), (thin, hues)):
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
            where, how = (x + shift, y + shift), {"bold": True, "anchor": "r" if before else "l"}
            draw_text(drawn, name.replace("_", " "), where, 2 * size, colour, **how)
    return drawn


def _drawing(output: Path, picture: str) -> Path:
    return output.with_name(f"{output.stem}_{Path(picture).stem}.png")


def _keep_inputs(args: argparse.Namespace) -> None:
    """UserError where two files to write are one, or one is a file that is read."""
    written = [args.output, *(_drawing(args.output, path.name) for path in args.pictures)]
    read = (*args.pictures, args.camera, args.camera.partition("#")[0], args.points)
    taken = {Path(path).resolve() for path in read if path}
    for path in written:
        if path.resolve() in taken:
            raise UserError(f"{path} is read, or written twice: give another --output, or rename")
        taken.add(path.resolve())


def _save(args: argparse.Namespace, lens: dict[str, Any], fit: MountFit, count: int) -> None:
    """Write the headset file."""
    text = yaml.safe_dump({"camera": lens}, sort_keys=False, width=100, default_flow_style=None)
    across, up, ahead = fit.position_error
    text = (
        f"# Fitted to {count} marks in {len(fit.reprojected)} pictures of a person of "
        f"{args.height:g} m, residual {fit.residual:.1f} px;\n"
        f"# ± are standard deviations. Lens: {args.camera}.\n{text}"
        f"position: {np.round(fit.position, 1).tolist()}  # cm left, up, ahead of the tip of the "
        f"nose, ± {across:.1f}, {up:.1f}, {ahead:.1f}\n"
    )
    angles = zip(("rotate", "forward", "left"), fit.angles, fit.angle_error, strict=True)
    for name, angle, error in angles:
        text += f"{name}: {np.round(angle, 1)}  # degrees, ± {error:.1f}\n"
    with replacing(args.output) as temporary:
        temporary.write_bytes(text.encode(errors="backslashreplace"))
        try:
            headset = load_headset(temporary)
        except UserError as error:
            fault = str(error).removeprefix(f"--headset {temporary}: ")
            unfit = f"{args.output} is not written, no headset is as fitted"
            raise UserError(f"{unfit}: {fault}") from None
    x, y, z = headset.position
    print(
        f"{args.output}: {x:g} cm to the left, {y:g} up, {z:g} ahead of the tip of the nose; looks "
        f"{headset.forward:g}° ahead and {headset.left:g}° to the left of straight down; "
        f"rotate {headset.rotate:g}°"
    )


def main(argv: list[str] | None = None) -> None:
    args = parse_arguments(argv)
    if args.output.suffix not in (".yml", ".yaml"):
        raise UserError(f"--output {args.output}: give a .yml file")
    _keep_inputs(args)
    pictures = {path.name: read_picture(path) for path in args.pictures}
    sizes = {picture.shape[1::-1] for picture in pictures.values()}
    if len(sizes) > 1:
        raise UserError(f"--pictures are of several sizes: {sorted(sizes)}")
    camera = load_calibration(args.camera).for_picture(*sizes.pop())
    path = args.points or args.output.with_name(f"{args.output.stem}_points.json")
    points = read_points(path, pictures, MARKS) if args.points or path.exists() else {}
    if not args.points:  # the window goes on with what is marked
        points |= {name: {} for name in pictures if name not in points}
        MarkingWindow(
            *(pictures, MARKS, points),
            lambda: write_bytes(path, json.dumps(points, indent=1).encode()),
        ).run()
    marks = {name: points[name] for name in pictures if points.get(name)}
    fit = fit_mount(camera, list(marks.values()), args.pose, args.height)
    lens = json.loads(json.dumps(camera_to_dict(camera)))
    _save(args, lens, fit, sum(map(len, marks.values())))
    for name, fitted in zip(marks, fit.reprojected, strict=True):
        drawing = _drawing(args.output, name)
        save_picture(drawing, draw_fit(pictures[name], marks[name], fitted))
        print(f"marks and fit: {drawing}")


if __name__ == "__main__":
    run_command(main)
