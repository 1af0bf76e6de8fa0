"""Where a camera is on the head, and which way it looks, from marks on a wearer in its pictures."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from base.cameras.camera import Camera
from base.errors import UserError
from base.headset import RELEASE_HEADSET, mount_angles, mount_rotation
from utils.fitting.wearer import MARKS, MEAN_HEIGHT, NECK, ON_HEAD, POSES, wearer

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


@dataclass(frozen=True)
class MountFit:
    """A fitted mount, as in :class:`~base.headset.Headset`, with standard deviations."""

    position: np.ndarray  # (3,) centimetres to the left, up, ahead of the tip of the nose
    position_error: np.ndarray
    angles: tuple[float, float, float]  # rotate, forward, left, degrees
    angle_error: np.ndarray
    #: For each picture the place of every landmark, marked or not; NaN where the lens sees none.
    reprojected: list[dict[str, np.ndarray]]
    residual: float  # root mean square distance of the marks from these, pixels


class _Problem:
    """Residuals, in standard deviations, of the unknowns x: the mount (6), the person's build
    (8, 3), and for each picture how the head is held (3) and how the headset sits (3)."""

    def __init__(self, camera: Camera, marks: Sequence[Marks], pose: str, height: float) -> None:
        self.camera, self.count = camera, len(marks)
        self.mean, self.spread = wearer(pose, height)
        rows = [
            (picture, MARKS.index(name), pixel)
            for picture, marked in enumerate(marks)
            for name, pixel in marked.items()
        ]
        self.picture, self.mark = (np.array([row[k] for row in rows], int) for k in (0, 1))
        self.pixels = np.array([row[2] for row in rows], float).reshape(-1, 2)
        self.rays = camera.unproject(self.pixels, clamp=True)
        beyond = np.linalg.norm(camera.project(self.rays, clamp=True) - self.pixels, axis=-1)
        if (beyond > _BEYOND * camera.height).any():
            bad = int(np.argmax(beyond))
            raise UserError(
                f"the {MARKS[self.mark[bad]]} is marked at {np.round(self.pixels[bad])}, "
                "where this lens sees nothing: is it the calibration of these pictures?"
            )
        # Radians that a mark's deviation in pixels makes.
        step = _MARK_SPREAD * camera.height
        beside = [camera.unproject(self.pixels + offset, clamp=True) for offset in np.eye(2) * step]
        moved = [np.linalg.norm(ray - self.rays, axis=-1) for ray in beside]
        self.deviation = np.maximum(np.mean(moved, 0), step * 1e-4)
        self.rigid = np.isin(MARKS, ON_HEAD)

    def landmarks(self, x: np.ndarray) -> np.ndarray:
        """(pictures, landmarks, 3) cm from the nose."""
        build, turns, shifts = np.split(x[6:].reshape(-1, 3), [len(MARKS), -self.count])
        at = self.mean + self.spread * build
        turned = Rotation.from_rotvec(np.radians(_HEAD_SPREAD) * turns).as_matrix() @ (at - NECK).T
        placed = np.where(self.rigid[:, None], at, np.swapaxes(turned, 1, 2) + NECK)
        return placed - (shifts * RELEASE_HEADSET.position_spread)[:, None]

    def in_camera(self, x: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """(…, 3) points in the camera's frame, centimetres."""
        mount = x[:6] * _UNITS
        left, up, ahead = np.moveaxis(landmarks - mount[:3], -1, 0)
        return np.stack([left, ahead, -up], -1) @ mount_rotation(*mount[3:]).T

    def misses(self, x: np.ndarray) -> np.ndarray:
        """Each mark's (3,) off its ray."""
        points = self.in_camera(x, self.landmarks(x)[self.picture, self.mark])
        rays = points / np.maximum(np.linalg.norm(points, axis=-1, keepdims=True), 1e-9)
        return (rays - self.rays) / self.deviation[:, None]

    def residuals(self, x: np.ndarray) -> np.ndarray:
        return np.append(self.misses(x).ravel(), x[6:])


def fit_mount(
    camera: Camera, marks: Sequence[Marks], pose: str = POSES[0], height: float = MEAN_HEIGHT
) -> MountFit:
    """The most likely mount for what is marked in pictures through ``camera``, some of
    :data:`MARKS` in each, of a person who stands upright (``pose`` and ``height`` as of
    :func:`wearer`), is built as people are, holds the head level to some degrees and puts the
    headset on a little differently each time, which are fitted along; marks far off count less
    (soft L1). UserError for too few marks, or such as no mount or more than one fits."""
    names = {name for marked in marks for name in marked}
    if len(names) < _LEAST_MARKS:
        raise UserError(
            f"{len(names)} parts of the body are marked ({', '.join(sorted(names)) or 'none'}): "
            f"mark at least {_LEAST_MARKS}; the feet tell the tilt"
        )
    problem = _Problem(camera, marks, pose, height)
    free = np.zeros(problem.mean.size + 6 * problem.count)

    def mount_only(x: np.ndarray) -> np.ndarray:
        return problem.misses(np.append(x, free)).ravel() / 5

    turns = itertools.product((0.0, 90.0, 180.0, -90.0), (0.0, 40.0))
    starts = (np.array([*RELEASE_HEADSET.position, *turn, 0.0]) / _UNITS for turn in turns)
    rough = [least_squares(mount_only, x, loss="soft_l1", max_nfev=60) for x in starts]
    start = np.append(min(rough, key=lambda found: found.cost).x, free)
    fit = least_squares(problem.residuals, start, loss="soft_l1", f_scale=_OUTLIER, max_nfev=200)
    miss = float(np.sqrt(2 * fit.cost / max(2 * len(problem.mark) - 6, 1)))
    if miss > _WORST_MISS:
        off = np.linalg.norm(problem.misses(fit.x), axis=-1)
        worst = MARKS[problem.mark[off.argmax()]].replace("_", " ")
        raise UserError(
            f"no mount fits the marks ({miss:.1f} times as far off as people differ, most of all "
            f"the {worst}): check it, left and right (the wearer's), --pose and --camera"
        )
    deviation = np.sqrt(np.diag(np.linalg.pinv(fit.jac.T @ fit.jac)))[:6]
    deviation *= max(1.0, miss) * _UNITS
    if (vague := deviation > _WORST).any():
        raise UserError(
            f"the marks do not tell '{_MOUNT[vague.argmax()]}' (± {deviation[vague][0]:.0f}): mark "
            "more, near ones (nose, chin, shoulders) and the feet"
        )
    mount = fit.x[:6] * _UNITS
    points = problem.in_camera(fit.x, problem.landmarks(fit.x))
    seen = camera.project(points)
    off = seen[problem.picture, problem.mark] - problem.pixels
    return MountFit(
        mount[:3],
        deviation[:3],
        mount_angles(mount_rotation(*mount[3:])),
        deviation[3:],
        [dict(zip(MARKS, places, strict=True)) for places in seen],
        float(np.sqrt(np.nanmean(np.sum(off**2, -1)))),
    )
