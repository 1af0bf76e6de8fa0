"""Which lens pictures of a size were taken with, and the view of them that the network gets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from base.base_transform import BaseTransform
from base.calibration import TRAINING, load_calibration
from base.cameras.camera import Camera
from base.cameras.fisheye import equidistant_camera
from base.errors import UserError
from base.headset import mount_rotation
from base.release_camera import RELEASE_CAMERA, RELEASE_SQUARE, FisheyeCamera
from dataset.transforms import SquareCrop
from dataset.warp import RIM, CameraWarp
from utils.inference.image_circle import ImageCircle, find_image_circle

#: ``--camera circle``: no calibration, the image circle decides.
CIRCLE = "circle"
DEFAULT_FOV = 180.0

_ASPECT = RELEASE_CAMERA.width / RELEASE_CAMERA.height
_BY_CIRCLE = "taken for the training camera's, by its image circle"
_BY_SHAPE = "taken for the training camera's, assumed by its shape: no image circle is visible"
_UNKNOWN = (
    "unknown lens without a visible image circle, assumed to be the training camera's: give "
    "--camera FILE, or --fov DEGREES across the picture"
)
#: By how much of its radius an image circle may differ from the training camera's.
_SAME_CIRCLE = 0.05


def _training_camera(width: int, height: int) -> FisheyeCamera:
    """The training camera of other pictures, whose centred square is its own."""
    crop = SquareCrop(1, width, height)
    square = RELEASE_SQUARE.resized(crop.side, crop.side)
    return square.cropped(-crop.left, -crop.top, width, height)


def _is_training_circle(circle: ImageCircle, width: int, height: int) -> bool:
    camera = _training_camera(width, height)
    rim = camera.project(np.array([np.sin(RIM), 0.0, np.cos(RIM)]))[0] - camera.cx
    off = np.abs(np.subtract(circle, [camera.cx, camera.cy, rim]))
    return bool((off < _SAME_CIRCLE * rim).all())


@dataclass(frozen=True, slots=True)
class View:
    """How pictures of one size reach the network: picture → its square, and pixels back; the lens
    in words, for the screen and ``poses.json``; and whether it is ``assumed``."""

    transform: BaseTransform
    lens: str
    assumed: bool


class Lens:
    """What is known of the camera; UserError for one that is unknown, or a calibrated one and
    ``fov``.

    ``camera`` is None to judge by the picture, "training", "circle", or a calibration file; ``fov``
    the angle across the image circle, degrees, of a lens without calibration; ``rotate`` the
    degrees by which its pictures must be turned clockwise for the wearer's face to be at the top
    and what is ahead at the bottom; ``mount`` those by which it looks (forward, to the wearer's
    left) of straight down. ``rotation`` (3, 3) is :func:`mount_rotation` of these, and
    ``needs_pictures`` whether the lens is judged by what pictures show.
    """

    def __init__(
        self,
        camera: str | None = None,
        fov: float | None = None,
        rotate: float = 0.0,
        mount: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        if fov is not None and not 20 <= fov <= 300:
            raise UserError(f"--fov {fov:g}: degrees across the image circle, 20 to 300")
        self.needs_pictures = camera in (None, CIRCLE)
        if fov is not None and not self.needs_pictures:
            raise UserError(f"--fov is for a lens without calibration; --camera {camera} has one")
        self.camera, self.fov = camera, fov
        self.rotation = mount_rotation(rotate, *mount)
        self._calibration = None if self.needs_pictures else load_calibration(camera)

    def view(self, pictures: Sequence[np.ndarray], input_size: int) -> View:
        """View of one or more pictures (H, W, 3) uint8 of one size, as the network's square of side
        ``input_size``; UserError where the calibration is of another size, or nothing tells the
        lens."""
        height, width = pictures[0].shape[:2]

        def warped(camera: Camera, lens: str, assumed: bool) -> View:
            target = RELEASE_SQUARE.resized(input_size, input_size)
            return View(CameraWarp(camera, target, self.rotation), lens, assumed)

        def training(lens: str, assumed: bool = False) -> View:
            if np.allclose(self.rotation, np.eye(3)):
                return View(SquareCrop(input_size, width, height), lens, assumed)
            return warped(_training_camera(width, height), lens, assumed)

        if self.camera == TRAINING:
            return training(f"training camera ({self._calibration.source})")
        if self._calibration is not None:
            camera = self._calibration.for_picture(width, height)
            return warped(camera, self._calibration.source, False)
        circle = find_image_circle(pictures)
        unlike = ""
        if self.camera is None and self.fov is None:
            shaped = width == height or abs(width / height / _ASPECT - 1) < 0.005
            if circle is None:
                return training(_BY_SHAPE if shaped else _UNKNOWN, assumed=True)
            if shaped and _is_training_circle(circle, width, height):
                return training(_BY_CIRCLE)
            unlike = ", unlike the training camera's" if shaped else ""
        fov = DEFAULT_FOV if self.fov is None else self.fov
        if circle is not None:
            place = f"{circle.radius:.0f} px found at ({circle.x:.0f}, {circle.y:.0f}){unlike}"
            found = f"image circle of {place}"
        elif self.fov is None:
            raise UserError(
                f"--camera circle: no image circle is seen in pictures of {width}×{height}; "
                "give --fov DEGREES across the picture, or --camera FILE"
            )
        else:
            # Without a dark surround the lens fills the longer side.
            circle = ImageCircle((width - 1) / 2, (height - 1) / 2, max(width, height) / 2)
            found = "image circle taken to be as wide as the picture"
        camera = equidistant_camera(width, height, (circle.x, circle.y), circle.radius, fov)
        angle = f"{fov:g}° {'assumed' if self.fov is None else 'as stated'}"
        return warped(camera, f"no calibration: {found}, equidistant, {angle}", True)
