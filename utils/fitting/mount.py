"""Where a camera is on the head, and which way it looks, from marks on a wearer in its pictures."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from base.cameras.camera import Camera
from base.errors import UserError
from base.headset import RELEASE_HEADSET, mount_angles, mount_rotation
from base.skeleton import MEAN_HEIGHT
from utils.fitting.wearer import MARKS, NECK, ON_HEAD, POSES, wearer

#: Marks of one picture: name → (x, y) pixels.
Marks = Mapping[str, Sequence[float]]

#: How far beyond the rim of what the lens sees a mark may be, picture heights.
_BEYOND = 0.02
#: Standard deviations: of a mark, picture heights; of how the head is held, degrees.
_MARK_SPREAD, _HEAD_SPREAD = 0.004, 3.0
#: From so many standard deviations on, a residual counts less than squared.
_OUTLIER = 2.0
_LEAST_MARKS = 4
#: A fit is refused if the marks miss by more, root mean square in standard deviations, or if a
#: length (cm) or an angle (degrees) is known less well than this.
_WORST_MISS, _WORST = 2.0, np.array([8.0] * 3 + [12.0] * 3)
#: What is fitted, in this order, and its unit for the optimiser: 5 cm, 10°.
_MOUNT = ("left", "up", "ahead", "rotate", "forward", "left tilt")
_UNITS = np.array([5.0, 5.0, 5.0, 10.0, 10.0, 10.0])
_RIGID = np.isin(MARKS, ON_HEAD)


class MountFit(NamedTuple):
    """A fitted mount, as in :class:`~base.headset.Headset`, with standard deviations."""

    position: np.ndarray  # (3,) centimetres to the left, up, ahead of the tip of the nose
    position_error: np.ndarray
    angles: tuple[float, float, float]  # rotate, forward, left, degrees
    angle_error: np.ndarray
    #: For each picture the place of every landmark, marked or not; NaN where the lens sees none.
    reprojected: list[dict[str, np.ndarray]]
    residual: float  # root mean square distance of the marks from these, pixels


def _in_camera(x: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(…, 3) points in the camera's frame, centimetres, of the mount ``x[:6]``."""
    mount = x[:6] * _UNITS
    left, up, ahead = np.moveaxis(landmarks - mount[:3], -1, 0)
    return np.stack([left, ahead, -up], -1) @ mount_rotation(*mount[3:]).T


def _seen(camera: Camera, pixels: np.ndarray, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3) rays of (N, 2) marks, and the radians that a mark's deviation in pixels makes."""
    rays = camera.unproject(pixels, clamp=True)
    beyond = np.linalg.norm(camera.project(rays, clamp=True) - pixels, axis=-1)
    if (beyond > _BEYOND * camera.height).any():
        bad = int(np.argmax(beyond))
        raise UserError(
            f"the {names[bad]} is marked at {np.round(pixels[bad])}, where this lens sees "
            "nothing: is it the calibration of these pictures?"
        )
    step = _MARK_SPREAD * camera.height
    beside = [camera.unproject(pixels + offset, clamp=True) for offset in np.eye(2) * step]
    moved = [np.linalg.norm(ray - rays, axis=-1) for ray in beside]
    return rays, np.maximum(np.mean(moved, 0), step * 1e-4)


def fit_mount(
    camera: Camera, marks: Sequence[Marks], pose: str = POSES[0], height: float = MEAN_HEIGHT
) -> MountFit:
    """The most likely mount for what is marked in pictures through ``camera``, some of
    :data:`MARKS` in each, of a person who stands upright (``pose`` and ``height`` as of
    :func:`wearer`), is built as people are, holds the head level to some degrees and puts the
    headset on a little differently each time, which are fitted along; marks far off count less
    (soft L1). UserError for too few marks, or such as no mount or more than one fits."""
    names = [name for marked in marks for name in marked]
    if len(known := sorted(set(names))) < _LEAST_MARKS:
        raise UserError(
            f"{len(known)} parts of the body are marked ({', '.join(known) or 'none'}): "
            f"mark at least {_LEAST_MARKS}; the feet tell the tilt"
        )
    picture = np.repeat(np.arange(len(marks)), [*map(len, marks)])
    mark = np.array([MARKS.index(name) for name in names])
    pixels = np.array([pixel for marked in marks for pixel in marked.values()], float)
    rays, deviation = _seen(camera, pixels, names)
    mean, spread = wearer(pose, height)

    # In standard deviations x is the mount (6), the person's build (8, 3), and for each picture how
    # the head is held (3) and how the headset sits (3).
    def landmarks(x: np.ndarray) -> np.ndarray:
        """(pictures, landmarks, 3) cm from the nose."""
        build, turns, shifts = np.split(x[6:].reshape(-1, 3), [len(MARKS), -len(marks)])
        at = mean + spread * build
        turned = Rotation.from_rotvec(np.radians(_HEAD_SPREAD) * turns).as_matrix() @ (at - NECK).T
        placed = np.where(_RIGID[:, None], at, np.swapaxes(turned, 1, 2) + NECK)
        return placed - (shifts * RELEASE_HEADSET.position_spread)[:, None]

    def misses(x: np.ndarray) -> np.ndarray:
        """Each mark's (3,) off its ray."""
        points = _in_camera(x, landmarks(x)[picture, mark])
        found = points / np.maximum(np.linalg.norm(points, axis=-1, keepdims=True), 1e-9)
        return (found - rays) / deviation[:, None]

    free = np.zeros(mean.size + 6 * len(marks))
    turns = itertools.product((0.0, 90.0, 180.0, -90.0), (0.0, 40.0))
    starts = (np.array([*RELEASE_HEADSET.position, *turn, 0.0]) / _UNITS for turn in turns)

    def average(x: np.ndarray) -> np.ndarray:
        return misses(np.append(x, free)).ravel() / 5

    rough = [least_squares(average, x, loss="soft_l1", max_nfev=60) for x in starts]
    start = np.append(min(rough, key=lambda found: found.cost).x, free)
    how = {"loss": "soft_l1", "f_scale": _OUTLIER, "max_nfev": 200}
    fit = least_squares(lambda x: np.append(misses(x).ravel(), x[6:]), start, **how)
    miss = float(np.sqrt(2 * fit.cost / max(2 * len(mark) - 6, 1)))
    if miss > _WORST_MISS:
        worst = names[np.linalg.norm(misses(fit.x), axis=-1).argmax()].replace("_", " ")
        raise UserError(
            f"no mount fits the marks ({miss:.1f} times as far off as people differ, most of all "
            f"the {worst}): check it, left and right (the wearer's), --pose and --camera"
        )
    error = np.sqrt(np.diag(np.linalg.pinv(fit.jac.T @ fit.jac)))[:6] * max(1.0, miss) * _UNITS
    if (vague := error > _WORST).any():
        raise UserError(
            f"the marks do not tell '{_MOUNT[vague.argmax()]}' (± {error[vague][0]:.0f}): mark "
            "more, near ones (nose, chin, shoulders) and the feet"
        )
    mount = fit.x[:6] * _UNITS
    seen = camera.project(_in_camera(fit.x, landmarks(fit.x)))
    off = float(np.sqrt(np.nanmean(np.sum((seen[picture, mark] - pixels) ** 2, -1))))
    places = [dict(zip(MARKS, of, strict=True)) for of in seen]
    angles = mount_angles(mount_rotation(*mount[3:]))
    return MountFit(mount[:3], error[:3], angles, error[3:], places, off)
