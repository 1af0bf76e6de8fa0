"""Writes the report: figures and frames as data, the page that shows them, and Plotly inside."""

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

import cv2
import numpy as np
from plotly.offline import get_plotlyjs
from tqdm import tqdm

from base.camera import RELEASE_CAMERA
from base.files import write_text
from base.skeleton import JOINTS, LIMBS, RIGHT_JOINTS
from dataset.transforms import SquareCrop, resize_square
from utils.drawing.frame import DrawnPose, standing_place
from utils.drawing.split import SplitPainter, described
from utils.evaluation.distances import ALL
from utils.evaluation.poses import FrameResult, frame_error_names
from utils.evaluation.published import TABLE_GROUPS
from utils.evaluation.tables import HEADS, result_blocks

#: Side of the embedded pictures, pixels.
_SIDE = 480

#: WebP qualities, tried from the first until a picture takes at most so many bytes: real ones take
#: 14 KB at the first, and 200 that take all of it still make a report of less than 15 MB.
_QUALITIES, _MOST_BYTES = (75, 50, 25, 5), 35_000

#: Errors listed beside each frame, and the headings of their columns.
_LISTED = {
    "mpjpe": "MPJPE",
    "mpjpe_upper": "upper",
    "mpjpe_lower": "lower",
    "pa_mpjpe": "PA-MPJPE",
    "absolute": "absolute",
}

_HERE = Path(__file__).resolve().parent


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
    data = {
        "about": f"{about['model']} on {about['data']}: {about['frames']} frames, "
        f"{len(frames)} of them shown one by one.",
        "figures": _figures(results),
        "table": _table(results),
        "actions": _bars_by_action(results),
        "joints": _bars(results["joints"], list(results["joints"]), "mpjpe"),
        "errors": list(_LISTED.values()),
        "limbs": LIMBS,
        "right": RIGHT_JOINTS,
        "jointNames": JOINTS,
        "side": _SIDE,
        "frames": [
            _frame(result, painter)
            for result in tqdm(frames, desc="report", unit="frame", dynamic_ncols=True)
        ],
    }
    # Inside a script element only "<" could end the data early.
    embedded = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    page = Template((_HERE / "page.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(f"Evaluation on the {about['data']} set"),
        css=(_HERE / "page.css").read_text(encoding="utf-8"),
        plotly=get_plotlyjs(),
        data=embedded,
        script=(_HERE / "page.js").read_text(encoding="utf-8"),
    )
    write_text(path, page)


def _figures(results: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Value, name and detail of each card at the top."""
    everything, pck = results["full"][ALL], results["pck"]

    def interval(name: str) -> str:
        ends = everything.get(f"{name}_interval")
        return f"95 %: {ends[0]:.1f} to {ends[1]:.1f}" if ends else ""

    cards = [
        (f"{everything['mpjpe']:.1f} mm", "MPJPE", interval("mpjpe")),
        (f"{everything['pa_mpjpe']:.1f} mm", "PA-MPJPE", interval("pa_mpjpe")),
        (f"{everything['absolute']:.1f} mm", "absolute", "in the camera's frame"),
        (f"{pck['100']:.1%}", "3D PCK at 100 mm", f"AUC {pck['auc']:.1%}"),
        (f"{results['bones']['error']:.1f} mm", "bone length error", ""),
    ]
    if "mpjpe_mean_pose" in everything:
        cards.insert(1, (f"{everything['mpjpe_mean_pose']:.1f} mm", "mean pose", "the baseline"))
    return cards


def _table(results: dict[str, Any]) -> dict[str, Any]:
    return {
        "heads": ["MPJPE, mm", *HEADS],
        "blocks": [
            {"title": block.title, "rows": [[row.name, *row.cells] for row in block.rows]}
            for block in result_blocks(results)
        ],
    }


def _bars(cells: dict[str, Any], names: Sequence[str], key: str) -> dict[str, Any]:
    """Values and the ends of their intervals, for a chart."""
    ends = [cells[name].get(f"{key}_interval") or [None, None] for name in names]
    return {
        "names": list(names),
        "values": [cells[name][key] for name in names],
        "low": [low for low, _ in ends],
        "high": [high for _, high in ends],
    }


def _bars_by_action(results: dict[str, Any]) -> dict[str, Any]:
    groups = [group for group in TABLE_GROUPS if group in results["full"]]
    return {
        "model": _bars(results["full"], groups, "mpjpe"),
        "baseline": _bars(results["full"], groups, "mpjpe_mean_pose"),
    }


def _frame(result: FrameResult, painter: SplitPainter) -> dict[str, Any]:
    small = SquareCrop(_SIDE)
    image = painter.image(result.frame_id)
    image = resize_square(image, _SIDE)
    camera = small.camera(RELEASE_CAMERA)
    predicted = DrawnPose.through_camera(result.predicted, camera)
    target = DrawnPose.through_camera(result.target, camera)
    floor = standing_place(target.joints3d)
    names = frame_error_names()
    return {
        "id": str(result.frame_id),
        "action": described(result.action),
        "errors": [round(result.errors[names.index(name)], 2) for name in _LISTED],
        "image": _data_uri(image),
        "predicted": _pose(predicted, floor),
        "truth": _pose(target, floor),
    }


def _pose(pose: DrawnPose, floor: np.ndarray) -> dict[str, Any]:
    return {
        "joints2d": [
            [round(float(x), 1), round(float(y), 1)] if np.isfinite([x, y]).all() else None
            for x, y in pose.joints2d
        ],
        "joints3d": (pose.joints3d - floor).round(3).tolist(),
    }


def _data_uri(image: np.ndarray) -> str:
    """A (H, W, 3) uint8 RGB picture as WebP in a URI."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    for quality in _QUALITIES:
        _, encoded = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])
        if len(encoded) <= _MOST_BYTES:
            break
    return "data:image/webp;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")
