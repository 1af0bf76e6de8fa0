"""Which lens pictures of a size were taken with, and the view of them that the network gets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from base.base_transform import BaseTransform
from base.camera import RELEASE_CAMERA, FisheyeCamera
from base.cameras.camera import Camera
from base.cameras.fisheye import equidistant_camera
from base.errors import UserError
from dataset.transforms import SquareCrop
from utils.inference.calibration.calibration import BUILT_IN, Calibration, load_calibration
from utils.inference.image_circle import ImageCircle, find_image_circle
from utils.inference.mount import mount_rotation
from utils.inference.warp import RIM, CameraWarp

#: ``--camera circle``: no calibration; the image circle tells what can be told.
CIRCLE = "circle"
DEFAULT_FOV = 180.0

_ASPECT = RELEASE_CAMERA.width / RELEASE_CAMERA.height
_BY_SHAPE = "taken for the training camera's, assumed by its shape: no image circle is visible"
_UNKNOWN = (
    "unknown lens without a visible image circle, assumed to be the training camera's: give "
    "--camera FILE, or --fov DEGREES across the picture"
)
#: By how much of its radius an image circle may differ from the training camera's.
_SAME_CIRCLE = 0.05


def _training_square(side: int) -> FisheyeCamera:
    """The training camera of square pictures."""
    return SquareCrop(side).camera(RELEASE_CAMERA)


def _training_camera(width: int, height: int) -> FisheyeCamera:
    """The training camera of other pictures: their centred square is its, whatever is beside it."""
    crop = SquareCrop(1, width, height)
    return _training_square(crop.side).cropped(-crop.left, -crop.top, width, height)


@dataclass(frozen=True, slots=True)
class View:
    """How pictures of one size reach the network.

    Attributes:
        transform: picture → the network's square, and pixels back.
        lens: the lens in words, for the person and for ``poses.json``.
        assumed: whether that is a guess, which the person should know.
    """

    transform: BaseTransform
    lens: str
    assumed: bool


class Lens:
    """What was said about the camera.

    Args:
        camera: None to judge by the picture, "training", "circle", or a calibration file.
        fov: angle across the image circle, degrees, where no calibration tells it.
        rotate, mount: how the camera is turned, see :func:`utils.inference.mount.mount_rotation`.

    Raises:
        UserError: for a camera that is unknown, or one that states its own angles and ``fov`` too.
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
        if fov is not None and camera not in (None, CIRCLE):
            raise UserError(f"--fov is for a lens without calibration; --camera {camera} has one")
        self.camera, self.fov = camera, fov
        self.rotation = mount_rotation(rotate, *mount)
        self._calibration: Calibration | None = None
        if camera not in (None, CIRCLE):
            self._calibration = load_calibration(camera)

    @property
    def needs_pictures(self) -> bool:
        """Whether a look at several pictures helps to find the image circle."""
        return self.camera in (None, CIRCLE)

    def view(self, pictures: Sequence[np.ndarray], input_size: int) -> View:
        """View of pictures of one size.

        Args:
            pictures: one or more (H, W, 3) uint8 of that size.
            input_size: side S of the network's square, pixels.

        Raises:
            UserError: where the calibration is of another size.
        """
        height, width = pictures[0].shape[:2]
        if self.camera == "training":
            lens = f"training camera ({BUILT_IN['training'][1]})"
            return self._training(width, height, input_size, lens)
        if self._calibration is not None:
            camera = self._calibration.for_picture(width, height)
            return View(self._warp(camera, input_size), self._calibration.source, False)
        circle = find_image_circle(pictures)
        shaped = width == height or abs(width / height / _ASPECT - 1) < 0.005
        unlike = ""
        if self.camera is None and self.fov is None:
            if circle is None:
                lens = _BY_SHAPE if shaped else _UNKNOWN
                return self._training(width, height, input_size, lens, assumed=True)
            if shaped and self._like_training(circle, width, height):
                lens = "taken for the training camera's, by its image circle"
                return self._training(width, height, input_size, lens)
            unlike = ", unlike the training camera's" if shaped else ""
        camera, lens = self._equidistant(width, height, circle, unlike)
        return View(self._warp(camera, input_size), lens, True)

    @staticmethod
    def _like_training(circle: ImageCircle, width: int, height: int) -> bool:
        camera = _training_camera(width, height)
        rim = camera.project(np.array([np.sin(RIM), 0.0, np.cos(RIM)]))[0] - camera.cx
        found = np.array([circle.x, circle.y, circle.radius])
        return bool((np.abs(found - [camera.cx, camera.cy, rim]) < _SAME_CIRCLE * rim).all())

    def _training(
        self, width: int, height: int, input_size: int, lens: str, assumed: bool = False
    ) -> View:
        """The centred square of a picture of the training camera, or of one taken for it."""
        crop = SquareCrop(input_size, width, height)
        if np.allclose(self.rotation, np.eye(3)):
            return View(crop, lens, assumed)
        return View(self._warp(_training_camera(width, height), input_size), lens, assumed)

    def _equidistant(
        self, width: int, height: int, circle: ImageCircle | None, unlike: str
    ) -> tuple[Camera, str]:
        fov = DEFAULT_FOV if self.fov is None else self.fov
        angle = f"{fov:g}° " + ("assumed" if self.fov is None else "as stated")
        if circle is None:
            if self.fov is None:
                raise UserError(
                    f"--camera circle: no image circle is seen in pictures of {width}×{height}; "
                    "give --fov DEGREES across the picture, or --camera FILE"
                )
            # Without a dark surround the lens fills the longer side.
            circle = ImageCircle((width - 1) / 2, (height - 1) / 2, max(width, height) / 2)
            where = "image circle taken to be as wide as the picture"
        else:
            where = (
                f"image circle of {circle.radius:.0f} px found at ({circle.x:.0f}, {circle.y:.0f})"
                f"{unlike}"
            )
        camera = equidistant_camera(width, height, (circle.x, circle.y), circle.radius, fov)
        return camera, f"no calibration: {where}, equidistant, {angle}"

    def _warp(self, camera: Camera, input_size: int) -> CameraWarp:
        target = _training_square(input_size)
        return CameraWarp(camera, target, self.rotation)
