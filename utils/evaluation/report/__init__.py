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
from base.skeleton import JOINTS
from dataset.square_crop import resize_square
from utils.common.pretrained import model_name
from utils.drawing import style
from utils.drawing.frame_painter import DrawnPose, standing_place
from utils.drawing.split_painter import SplitPainter, described
from utils.evaluation.poses import Poses
from utils.evaluation.tables import TABLE_GROUPS, result_table, text_summary

#: Side of the embedded pictures, pixels.
_SIDE = 480
_QUALITY = 75  # of WebP: pictures of 14 KB, 200 of which make a report of less than 15 MB
#: Errors listed beside each frame, and the headings of their columns.
_LISTED = {"mpjpe": "MPJPE", "mpjpe_upper": "upper", "mpjpe_lower": "lower"}
_LISTED |= {"pa_mpjpe": "PA-MPJPE", "absolute": "absolute"}
#: Bars by action: key of the results, name, tone; the mean pose where there is a training set.
_BARS = (("mpjpe", "this model", "predicted"), ("mpjpe_mean_pose", "mean pose", "baseline"))
_TONES = ("ink", "muted", "grid", "backdrop", "outline", "baseline")
_COLOURS = {name: style.hex_code(getattr(style, name.upper())) for name in _TONES}
_COLOURS |= {
    f"{kind}{side}": style.hex_code(shade)
    for kind, shades in (("predicted", style.PREDICTED), ("truth", style.TRUTH))
    for side, shade in zip(("", "-left", "-right"), shades, strict=True)
}


def write_report(
    path: Path, results: dict[str, Any], poses: Poses, rows: Sequence[int], painter: SplitPainter
) -> None:
    """Write the report: ``results`` as of results.json, ``rows`` the frames shown one by one;
    BrokenFrameError for one that cannot be read any more."""
    groups = {name: results["full"][name] for name in TABLE_GROUPS if name in results["full"]}
    camera = painter.dataset.camera.resized(_SIDE, _SIDE)
    shown = {name: head for name, head in _LISTED.items() if name in poses.frame_errors}
    listed, frames = [], []
    for row in tqdm(rows, "report", unit="frame", dynamic_ncols=True):
        frame_id, action = poses.frame_ids[row], described(poses.actions[row])
        errors = [f"{poses.frame_errors[name][row]:.1f}" for name in shown]
        picture = f'<td><img loading=lazy alt="" src="{_webp(painter.image(frame_id))}"></td>'
        listed.append(f"<tr>{picture}{_cells([str(frame_id), action, *errors], text=2)}</tr>")
        pair = {"predicted": poses.predicted[row], "truth": poses.target[row]}
        drawn = {kind: DrawnPose.through_camera(pose, camera) for kind, pose in pair.items()}
        floor = standing_place(drawn["truth"].joints3d)
        frames.append({kind: _joints(pose, floor) for kind, pose in drawn.items()})
    bars = _BARS
    if aligned_only := results.get("aligned_only"):
        bars = (("pa_mpjpe", *_BARS[0][1:]),)
    sides = [style.side(joint) for joint in range(len(JOINTS))]
    data = {
        "actions": [_bars(groups, *each) for each in bars if each[0] in groups["All"]],
        "joints": [_bars(results.get("joints", {}), *_BARS[0])],
        "frames": frames,
        "bones": [(*bone, style.side(*bone)) for bone in style.BONES],
        **{"jointNames": JOINTS, "sides": sides, "room": _room(frames), "colours": _COLOURS},
    }
    # Without where it lies: a report is made to be sent around.
    model = model_name(Path(results["model"]), results["model_sha256"])
    about = f"Model: {model}; {results['frames']} frames, {len(frames)} of them shown one by one; "
    about += f"headset: {', '.join(results['headsets'])}."
    page = {
        kind: Path(__file__).with_name(f"page.{kind}").read_text(encoding="utf-8")
        for kind in ("html", "css", "js")
    }
    text = Template(page["html"]).substitute(
        title=f"Evaluation on the {results['data']} set",
        about=escape(about),
        side=_SIDE,
        summary=escape(text_summary(results)),
        heads=_cells(["", "frame", "action", *shown.values()], "th", text=3),
        rows="\n".join(listed),
        measure="PA-MPJPE" if aligned_only else "MPJPE",
        no_joints=" hidden" if aligned_only else "",
        table="\n".join(_table_rows(results)),
        notes="".join(f'\n    <p class="note">{escape(note)}</p>' for note in _notes(results)),
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
    blocks, heads = result_table(results)
    yield f"<tr>{_cells(heads, 'th')}</tr>"
    for title, rows in blocks:
        if not rows:
            continue
        lines = [_cells(row) for row in rows]
        if title:
            lines.insert(0, f"<td class=title colspan={len(heads)}>{escape(title)}</td>")
        yield f"<tr class=rule>{lines[0]}</tr>"
        yield from (f"<tr>{line}</tr>" for line in lines[1:])


def _notes(results: dict[str, Any]) -> Iterable[str]:
    """What stands below the table."""
    yield from (title for title, rows in result_table(results)[0] if not rows)
    if protocol := results.get("protocol"):
        yield f"Data: {protocol['citation']}. Licence: {protocol['licence']}."


def _bars(cells: dict[str, Any], key: str, name: str, tone: str) -> dict[str, Any]:
    """Plotly's bars of the value ``key`` of each cell, with its interval where there is one."""
    lines = {"type": "data", "symmetric": False, "thickness": 1.2, "width": 3}
    lines |= {"array": [], "arrayminus": []}
    cells = {name: cell for name, cell in cells.items() if key in cell}
    values = [cell[key] for cell in cells.values()]
    for value, cell in zip(values, cells.values(), strict=True):
        ends = cell.get(f"{key}_interval")
        # Plotly reads null as a length of 0, and draws none for what is no number.
        lines["array"].append(ends[1] - value if ends else "none")
        lines["arrayminus"].append(value - ends[0] if ends else "none")
    bars = {"type": "bar", "name": name, "x": list(cells), "y": values, "error_y": lines}
    return bars | {"marker": {"color": _COLOURS[tone]}}


def _webp(image: np.ndarray) -> str:
    """A picture as an address that holds it."""
    bgr = cv2.cvtColor(resize_square(image, _SIDE), cv2.COLOR_RGB2BGR)
    _, webp = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
    return "data:image/webp;base64," + base64.b64encode(webp.tobytes()).decode("ascii")


def _joints(pose: DrawnPose, floor: np.ndarray) -> dict[str, Any]:
    """Pixels of the embedded picture and metres above the floor; None for joints outside the lens,
    and for those that are not known."""
    places = {"joints2d": pose.joints2d.round(1), "joints3d": (pose.joints3d - floor).round(3)}
    return {k: [None if np.isnan(x).any() else x.tolist() for x in v] for k, v in places.items()}


def _room(frames: list[dict[str, Any]]) -> dict[str, float]:
    """Half the side of the floor that is below all poses, and how low and high they are, metres:
    at least 1 m × 1 m × 1.6 m."""
    poses = [pose["joints3d"] for frame in frames for pose in frame.values()]
    joints = np.array([joint for pose in poses for joint in pose if joint])
    across, up = np.abs(joints[..., :2]).max(initial=0.5), -joints[..., 2]
    low, high = up.min(initial=0), up.max(initial=1.6)
    return {"reach": across + 0.02, "low": low - 0.02, "high": high + 0.02}
