"""One frame's json of the release, checked and brought into our units."""

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import BrokenFrameError, UserError
from base.headset import RELEASE_HEADSET, Headset
from base.skeleton import JOINT_PREFIX, JOINTS

_METRES_PER_CENTIMETRE = 0.01

#: A joint further than this from the camera (metres) is a fault of the label, not a pose.
MAX_DISTANCE = 10.0
#: Metres, the least and most of the diagonal of the box that a person's joints fill; pixels.
SPANS, _MOST_PIXELS = (0.3, 4.0), 1e6
#: Characters of an action's name.
_LONGEST_ACTION = 200


@dataclass(slots=True)
class Label:
    """Labels of one frame."""

    joints2d: np.ndarray  # (16, 2) float32 pixels of the picture as the headset takes it
    joints3d: np.ndarray  # (16, 3) float32 metres, camera frame
    visible: np.ndarray  # (16,) bool, inside the picture and, where occlusion is known, not hidden
    action: str  # clip name
    occlusion_known: bool = False  # whether ``visible`` tells hidden joints from those seen
    headset: Headset = RELEASE_HEADSET  # whose camera the joints were seen through


def parse_label(data: bytes, path: Path | str, unstated: Headset = RELEASE_HEADSET) -> Label:
    """The labels in a json file's bytes; ``path`` names it in errors.

    The release's files know nothing of occlusion, and are of one headset; those of the synthetic
    set have ``visible``, and ``headset`` where it is another.  ``unstated`` is the headset of files
    that do not state one; BrokenFrameError for what is no json, lacks a key or a joint, or holds
    values that are not finite or cannot be a person in front of the camera.
    """
    try:
        return _label(json.loads(data), unstated)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise BrokenFrameError(f"{path}: not valid JSON, or nested too deeply") from None
    except KeyError as error:
        raise BrokenFrameError(f"{path}: has no {error}") from None
    except UserError as error:
        raise BrokenFrameError(f"{path}: {error}") from None
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise BrokenFrameError(f"{path}: labels are not arrays of numbers") from None


def _label(content: dict[str, Any], unstated: Headset) -> Label:
    """Of the content of a file; errors do not name it."""
    rows = _joint_rows(content)
    points3d, points2d = (np.asarray(content[f"pts{n}d_fisheye"]) for n in (3, 2))
    seen, action = np.asarray(content.get("visible", True)), content["action"]
    if {points3d.dtype.kind, points2d.dtype.kind} - {*"if"} or seen.dtype.kind not in "bi":
        raise TypeError
    if not isinstance(action, str) or len(action) > _LONGEST_ACTION:
        raise UserError(f"its action is no text of up to {_LONGEST_ACTION} characters")
    if not action.strip() or not action.isprintable() or {*action} & {*"/\\"}:
        raise UserError(f"its action {action!a:.60} is empty, or no name of a clip")
    if not np.isin(seen, (0, 1)).all():
        raise UserError("visible holds other values than 0 and 1")
    stated = content.get("headset")
    headset = unstated if stated is None else _headset(json.dumps(stated))
    count = len(content["joints"])
    if points3d.shape != (3, count) or points2d.shape != (2, count) or seen.size not in (1, count):
        raise UserError(
            f"{count} joints, but pts3d_fisheye is {points3d.shape}, "
            f"pts2d_fisheye {points2d.shape}, visible {seen.shape}"
        )
    joints3d = points3d.T[rows] * _METRES_PER_CENTIMETRE
    joints2d = points2d.T[rows]
    metres, pixels = float(np.abs(joints3d).max()), float(np.abs(joints2d).max())
    if not math.isfinite(metres + pixels):
        raise UserError("joint positions are not finite")
    if metres > MAX_DISTANCE:
        raise UserError(f"a joint is over {MAX_DISTANCE:g} m from the camera")
    if pixels > _MOST_PIXELS:
        raise UserError(f"a joint is over {_MOST_PIXELS:g} pixels from the picture")
    span = math.hypot(*(joints3d.max(0) - joints3d.min(0)))
    if not SPANS[0] <= span <= SPANS[1]:
        raise UserError(f"the joints span {span:.3g} m, which is no person: are they centimetres?")
    camera = headset.camera
    visible = camera.in_picture(joints2d) & (camera.angle(joints3d) < headset.rim)
    visible &= np.broadcast_to(seen.astype(bool), (count,))[rows]
    pixels2d, metres3d = joints2d.astype(np.float32), joints3d.astype(np.float32)
    return Label(pixels2d, metres3d, visible, action, "visible" in content, headset)


@lru_cache(maxsize=64)
def _headset(text: str) -> Headset:
    """Of its json: one object for all frames of a headset."""
    try:
        return Headset.from_dict(json.loads(text))
    except ValueError as error:
        raise UserError(f"its headset: {error}") from None


def _joint_rows(content: dict[str, Any]) -> list[int]:
    """Rows of our 16 joints in the file's own order, found by name."""
    names = [joint["name"].removeprefix(JOINT_PREFIX) for joint in content["joints"]]
    row_of = {name: row for row, name in enumerate(names)}
    missing = [name for name in JOINTS if name not in row_of]
    if missing:
        raise UserError(f"has no joint {', '.join(missing)}")
    if len(row_of) < len(names) and (twice := [n for n in JOINTS if names.count(n) > 1]):
        raise UserError(f"has more than one joint {', '.join(twice)}")
    return [row_of[name] for name in JOINTS]
