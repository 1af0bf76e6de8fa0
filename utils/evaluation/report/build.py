"""Writes the report: the page with its tables, poses as data, and Plotly inside."""

import base64
import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import cv2
import numpy as np
from plotly.offline import get_plotlyjs
from tqdm import tqdm

from base.camera import FisheyeCamera
from base.files import write_text
from base.skeleton import JOINTS, LIMBS, RIGHT_JOINTS
from dataset.transforms import resize_square
from utils.drawing import style
from utils.drawing.frame import DrawnPose, standing_place
from utils.drawing.split import SplitPainter, described
from utils.evaluation.poses import FrameResult, frame_error_names
from utils.evaluation.published import TABLE_GROUPS
from utils.evaluation.tables import HEADS, result_blocks, text_summary

#: Side of the embedded pictures, pixels.
_SIDE = 480
#: WebP qualities, tried from the first until a picture takes at most so many bytes: real ones take
#: 14 KB at the first, and 200 that take all of it still make a report of less than 15 MB.
_QUALITIES, _MOST_BYTES = (75, 50, 25, 5), 35_000
#: Errors listed beside each frame, and the headings of their columns.
_LISTED = {"mpjpe": "MPJPE", "mpjpe_upper": "upper", "mpjpe_lower": "lower"}
_LISTED |= {"pa_mpjpe": "PA-MPJPE", "absolute": "absolute"}
_TONES = ("ink", "muted", "grid", "backdrop", "outline", "predicted", "truth", "baseline")
_COLOURS = {name: style.hex_code(getattr(style, name.upper())) for name in _TONES}


def write_report(
    path: Path,
    about: dict[str, Any],
    results: dict[str, Any],
    frames: Sequence[FrameResult],
    painter: SplitPainter,
) -> None:
    """Write one HTML file that needs nothing else, not even a network.

    Args:
        path: of the file.
        about: "model", "data" and "frames" of the run.
        results: of :func:`utils.evaluation.metrics.measure`.
        frames: those shown one by one.
        painter: of the set they are from.
    """
    groups = {name: results["full"][name] for name in TABLE_GROUPS if name in results["full"]}
    listed = tqdm(frames, "report", unit="frame", dynamic_ncols=True)
    rows = [f"<tr>{_frame_cells(result, painter)}</tr>" for result in listed]
    camera = painter.dataset.camera.resized(_SIDE, _SIDE)
    data = {
        "actions": [
            _bars(groups, "mpjpe", "this model", "predicted"),
            _bars(groups, "mpjpe_mean_pose", "mean pose", "baseline"),
        ],
        "joints": [_bars(results["joints"], "mpjpe", "this model", "predicted")],
        "frames": [_poses(result, camera) for result in frames],
        **{"limbs": LIMBS, "right": RIGHT_JOINTS, "jointNames": JOINTS, "colours": _COLOURS},
    }
    shown = f"{about['frames']} frames, {len(frames)} of them shown one by one."
    page = {
        kind: Path(__file__).with_name(f"page.{kind}").read_text(encoding="utf-8")
        for kind in ("html", "css", "js")
    }
    text = Template(page["html"]).substitute(
        title=escape(f"Evaluation on the {about['data']} set"),
        about=escape(f"{about['model']} on {about['data']}: {shown}"),
        side=_SIDE,
        summary=escape(text_summary(results)),
        heads=_cells(["", "frame", "action", *_LISTED.values()], "th", text=3),
        rows="\n".join(rows),
        table="\n".join(_table_rows(results)),
        colours="".join(f"--{name}: {code}; " for name, code in _COLOURS.items()),
        css=page["css"],
        plotly=get_plotlyjs(),
        # Inside a script element only "<" could end the data early.
        data=json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        script=page["js"],
    )
    write_text(path, text)


def _cells(values: Iterable[str], tag: str = "td", text: int = 1) -> str:
    """Cells of a table's row, the first ``text`` of them aligned as text."""
    tags = [f"<{tag} class=text>"] * text
    return "".join(
        f"{tags[column] if column < text else f'<{tag}>'}{escape(value)}</{tag}>"
        for column, value in enumerate(values)
    )


def _table_rows(results: dict[str, Any]) -> Iterable[str]:
    yield f"<tr>{_cells(['MPJPE, mm', *HEADS], 'th')}</tr>"
    for block in result_blocks(results):
        rows = [_cells([row.name, *row.cells]) for row in block.rows]
        if block.title:
            rows.insert(0, f"<td class=title colspan={len(HEADS) + 1}>{escape(block.title)}</td>")
        yield f"<tr class=rule>{rows[0]}</tr>"
        yield from (f"<tr>{row}</tr>" for row in rows[1:])


def _bars(cells: dict[str, Any], key: str, name: str, tone: str) -> dict[str, Any]:
    """Plotly's bars of the value ``key`` of each cell, with its interval where there is one."""
    values = np.array([cell[key] for cell in cells.values()])
    ends = np.array([cell.get(f"{key}_interval") or (cell[key],) * 2 for cell in cells.values()])
    lines = {"type": "data", "symmetric": False, "thickness": 1.2, "width": 3}
    lines |= {"array": (ends[:, 1] - values).tolist(), "arrayminus": (values - ends[:, 0]).tolist()}
    bars = {"type": "bar", "name": name, "x": list(cells), "y": values.tolist(), "error_y": lines}
    return bars | {"marker": {"color": _COLOURS[tone]}}


def _frame_cells(result: FrameResult, painter: SplitPainter) -> str:
    """Picture, identity, action and errors of a frame."""
    errors = dict(zip(frame_error_names(), result.errors, strict=True))
    bgr = cv2.cvtColor(resize_square(painter.image(result.frame_id), _SIDE), cv2.COLOR_RGB2BGR)
    for quality in _QUALITIES:
        _, webp = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])
        if len(webp) <= _MOST_BYTES:
            break
    source = "data:image/webp;base64," + base64.b64encode(webp.tobytes()).decode("ascii")
    values = [str(result.frame_id), described(result.action)]
    values += [f"{errors[name]:.1f}" for name in _LISTED]
    return f'<td><img loading=lazy alt="" src="{source}"></td>{_cells(values, text=2)}'


def _poses(result: FrameResult, camera: FisheyeCamera) -> dict[str, Any]:
    """Both poses: pixels of the camera's picture, None outside the lens, metres on the floor."""
    poses = {"predicted": result.predicted, "truth": result.target}
    drawn = {name: DrawnPose.through_camera(pose, camera) for name, pose in poses.items()}
    floor = standing_place(drawn["truth"].joints3d)
    return {
        name: {
            "joints2d": [
                None if np.isnan(x) else (x, y) for x, y in pose.joints2d.round(1).tolist()
            ],
            "joints3d": (pose.joints3d - floor).round(3).tolist(),
        }
        for name, pose in drawn.items()
    }
