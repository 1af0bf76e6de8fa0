"""The network's view: the square picture that those of every headset are brought into.

It is that of a camera which looks straight down, x to the wearer's left, y forward; joints are in
its axes.  Pictures of the release, and of others that show a hemisphere in a centred square that is
the view already, are cropped and resized; those of any other lens or tilt are re-rendered
(:class:`~dataset.lens_warp.CameraWarp`).
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from base.cameras import same_camera
from base.cameras.camera import Camera
from base.cameras.fisheye import equidistant_camera
from base.errors import UserError
from base.headset import RELEASE_HEADSET, Headset
from dataset.lens_warp import RIM, CameraWarp
from dataset.square_crop import SquareCrop, square_of

#: Maps a picture, its pixels and its camera together, so that the three always agree.
Transform = SquareCrop | CameraWarp
#: Degrees across a view that belongs to no headset.
_FIELD_OF_VIEW = 130.0
#: Nothing from behind the camera, up to 125°, lands so near the axis, radians.
_SURELY_ONE_TO_ONE = np.radians(80.0)
#: Labels that are compared with their camera when a set is opened, and by what share of the
#: picture's shorter side their median may be off.
_COMPARED, _MOST_OFF = 50, 0.01


class HeadsetView:
    """Frames of a ``headset``, its labels in pixels of its own picture, through the cameras of its
    pictures as they are ``kept`` and of the network's square ``view``."""

    def __init__(self, headset: Headset, kept: Camera, view: Camera) -> None:
        self.headset, self.kept, self.view = headset, kept, view
        self._rotation = headset.rotation
        upright = np.allclose(self._rotation, np.eye(3))
        #: Whether a crop is all it takes: pictures that show more, or less, than a hemisphere are
        #: black in the view where there is nothing to see, however they are kept.
        self.plain = (
            upright
            and abs(headset.rim - RIM) < 1e-6
            and same_camera(square_of(kept, view.width), view)
        )

    @property
    def transform(self) -> Transform:
        """From the pictures as they are kept to the view."""
        if self.plain:
            return SquareCrop(self.view.width, self.kept.width, self.kept.height)
        return _warp(self.headset, self.kept, self.view)

    def labels(
        self, joints2d: np.ndarray, joints3d: np.ndarray, visible: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Labels of the headset, (…, 16, 2) float32 pixels, (…, 16, 3) float32 metres in its
        camera's frame and (…, 16) bool, in the view."""
        if self.plain:
            camera = self.headset.camera
            crop = SquareCrop(self.view.width, camera.width, camera.height)
            joints2d, joints3d = crop.points(joints2d), joints3d.copy()
            # A joint beside the square is not seen, though the whole picture may hold it.
            return joints2d, joints3d, visible & self.view.in_picture(joints2d)
        turned = joints3d @ self._rotation
        joints2d = self.view.project(turned, clamp=True).astype(np.float32)
        inside = self.view.in_picture(joints2d) & (self.view.angle(turned) <= RIM)
        return joints2d, turned.astype(np.float32), visible & inside


@lru_cache(maxsize=1024)  # 0.8 MB each at 368 pixels
def _warp(headset: Headset, kept: Camera, view: Camera) -> CameraWarp:
    return CameraWarp(kept, view, headset.rotation, headset.rim)


def own_view(headsets: Sequence[Headset], size: int | None) -> Camera:
    """The view of a model that is trained on these headsets from random weights, ``size`` pixels a
    side, or as large as the largest of their squares: the release's square where it is among them,
    for its pictures need not be re-rendered then; the one headset's own square where it looks
    straight down through a lens of round symmetry; otherwise an equidistant lens of 130° across."""
    if RELEASE_HEADSET in headsets:
        return square_of(RELEASE_HEADSET.camera, size)
    first = headsets[0]
    upright = np.allclose(first.rotation, np.eye(3))
    if len(set(headsets)) == 1 and upright and first.camera.is_round:
        return square_of(first.camera, size)
    size = size or max(min(each.camera.width, each.camera.height) for each in headsets)
    centre = (size - 1) / 2
    return equidistant_camera(size, size, (centre, centre), size / 2, _FIELD_OF_VIEW)


def projection_residuals(
    joints2d: np.ndarray, joints3d: np.ndarray, headset: Headset
) -> np.ndarray:
    """(…, 16) distances of 2D joints from the projections of the 3D joints, pixels of the headset.

    NaN for joints outside the picture, and for those behind the camera whose pixel lies far off
    axis too: there the lens's model is not one-to-one, and the release does not say how it draws
    them.
    """
    camera = headset.camera
    joints2d, joints3d = joints2d.astype(np.float64), joints3d.astype(np.float64)
    rays = camera.unproject(joints2d, clamp=True)
    inside = camera.in_picture(joints2d) & (
        (camera.angle(joints3d) < camera.max_theta) | (camera.angle(rays) < _SURELY_ONE_TO_ONE)
    )
    off = np.linalg.norm(camera.project(joints3d, clamp=True) - joints2d, axis=-1)
    return np.where(inside, off, np.nan)


def refuse_other_camera(
    rows: np.ndarray, numbers: np.ndarray, headset: Headset, where: str
) -> None:
    """Raise UserError where the labels of a headset, ``numbers`` of a table's rows, do not fit its
    camera."""
    spread = np.linspace(0, len(numbers) - 1, min(len(numbers), _COMPARED)).astype(int)
    sample = rows[numbers[spread]]
    residuals = projection_residuals(sample["joints2d"], sample["joints3d"], headset)
    if np.isnan(residuals).all():
        return
    off, camera = float(np.nanmedian(residuals)), headset.camera
    if off > _MOST_OFF * min(camera.width, camera.height):
        name = headset.name or "its headset"
        raise UserError(
            f"{where}: its 2D joints lie {off:.1f} px off its 3D joints seen through the camera of "
            f"{name}: state the right one with --headset FILE, or in the labels"
        )
