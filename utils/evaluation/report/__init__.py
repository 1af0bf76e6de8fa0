"""An evaluation as one HTML file that needs no network and no server."""

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

from base.files import write_text
from base.skeleton import JOINTS, LIMBS, RIGHT_JOINTS
from dataset.transforms import resize_square
from utils.drawing import style
from utils.drawing.frame_painter import DrawnPose, standing_place
from utils.drawing.split_painter import SplitPainter, described
from utils.evaluation.mpjpe import ALL
from utils.evaluation.poses import Poses
from utils.evaluation.published import TABLE_GROUPS
from utils.evaluation.tables import HEADS, result_blocks, text_summary

#: Side of the embedded pictures, pixels.
_SIDE = 480
#: WebP qualities, tried from the first until a picture takes at most so many bytes: real ones are
#: 14 KB at the first, and 200 of the largest still make a report of less than 15 MB.
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
    poses: Poses,
    rows: Sequence[int],
    painter: SplitPainter,
) -> None:
    """Write the report: ``about`` is "model", "data" and "frames" of the run, ``results`` what
    :func:`utils.evaluation.metrics.measure` returns, ``rows`` the frames shown one by one."""
    groups = {name: results["full"][name] for name in TABLE_GROUPS if name in results["full"]}
    camera = painter.dataset.camera.resized(_SIDE, _SIDE)
    listed, frames = [], []
    for row in tqdm(rows, "report", unit="frame", dynamic_ncols=True):
        frame_id, action = poses.frame_ids[row], described(poses.actions[row])
        errors = [f"{poses.frame_errors[name][row]:.1f}" for name in _LISTED]
        picture = f'<td><img loading=lazy alt="" src="{_webp(painter.image(frame_id))}"></td>'
        listed.append(f"<tr>{picture}{_cells([str(frame_id), action, *errors], text=2)}</tr>")
        pair = {"predicted": poses.predicted[row], "truth": poses.target[row]}
        drawn = {kind: DrawnPose.through_camera(pose, camera) for kind, pose in pair.items()}
        floor = standing_place(drawn["truth"].joints3d)
        frames.append({kind: _joints(pose, floor) for kind, pose in drawn.items()})
    actions = [_bars(groups, "mpjpe", "this model", "predicted")]
    if "mpjpe_mean_pose" in groups[ALL]:
        actions.append(_bars(groups, "mpjpe_mean_pose", "mean pose", "baseline"))
    data = {
        "actions": actions,
        "joints": [_bars(results["joints"], "mpjpe", "this model", "predicted")],
        "frames": frames,
        **{"limbs": LIMBS, "right": RIGHT_JOINTS, "jointNames": JOINTS, "colours": _COLOURS},
    }
    shown = f"{about['frames']} frames, {len(frames)} of them shown one by one"
    shown += f"; headset: {', '.join(headsets)}." if (headsets := about.get("headsets")) else "."
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
        rows="\n".join(listed),
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
    return "".join(
        f"<{tag}{' class=text' if column < text else ''}>{escape(value)}</{tag}>"
        for column, value in enumerate(values)
    )


def _table_rows(results: dict[str, Any]) -> Iterable[str]:
    yield f"<tr>{_cells(['MPJPE, mm', *HEADS], 'th')}</tr>"
    for title, rows in result_blocks(results):
        lines = [_cells([name, *cells]) for name, cells in rows]
        if title:
            lines.insert(0, f"<td class=title colspan={len(HEADS) + 1}>{escape(title)}</td>")
        yield f"<tr class=rule>{lines[0]}</tr>"
        yield from (f"<tr>{line}</tr>" for line in lines[1:])


def _bars(cells: dict[str, Any], key: str, name: str, tone: str) -> dict[str, Any]:
    """Plotly's bars of the value ``key`` of each cell, with its interval where there is one."""
    values = np.array([cell[key] for cell in cells.values()])
    ends = np.array([cell.get(f"{key}_interval") or (cell[key],) * 2 for cell in cells.values()])
    lines = {"type": "data", "symmetric": False, "thickness": 1.2, "width": 3}
    lines |= {"array": (ends[:, 1] - values).tolist(), "arrayminus": (values - ends[:, 0]).tolist()}
    bars = {"type": "bar", "name": name, "x": list(cells), "y": values.tolist(), "error_y": lines}
    return bars | {"marker": {"color": _COLOURS[tone]}}


def _webp(image: np.ndarray) -> str:
    """A picture as an address that holds it."""
    bgr = cv2.cvtColor(resize_square(image, _SIDE), cv2.COLOR_RGB2BGR)
    for quality in _QUALITIES:
        _, webp = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])
        if len(webp) <= _MOST_BYTES:
            break
    return "data:image/webp;base64," + base64.b64encode(webp.tobytes()).decode("ascii")


def _joints(pose: DrawnPose, floor: np.ndarray) -> dict[str, Any]:
    """Pixels of the embedded picture, None outside the lens, and metres above the floor."""
    pixels = pose.joints2d.round(1).tolist()
    return {
        "joints2d": [None if np.isnan(x) else (x, y) for x, y in pixels],
        "joints3d": (pose.joints3d - floor).round(3).tolist(),
    }
