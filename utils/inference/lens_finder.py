"""Which lens pictures of a size were taken with, and the view of them that the network gets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from base.calibration import TRAINING, Calibration, load_calibration
from base.cameras.camera import Camera
from base.cameras.fisheye import equidistant_camera
from base.errors import UserError
from base.headset import RELEASE_HEADSET, Headset, load_headset
from base.release_camera import RELEASE_CAMERA, RELEASE_SQUARE
from dataset.headset_view import HeadsetView, Transform
from dataset.lens_warp import RIM
from dataset.square_crop import SquareCrop
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


def _training_camera(width: int, height: int) -> Camera:
    """The training camera of other pictures, whose centred square is its own."""
    crop = SquareCrop(1, width, height)
    square = RELEASE_SQUARE.resized(crop.side, crop.side)
    return square.cropped(-crop.left, -crop.top, width, height)


def _is_training_circle(circle: ImageCircle, camera: Camera) -> bool:
    rim = camera.project(np.array([np.sin(RIM), 0.0, np.cos(RIM)]))[0] - camera.cx
    off = np.abs(np.subtract(circle, [camera.cx, camera.cy, rim]))
    return bool((off < _SAME_CIRCLE * rim).all())


@dataclass(frozen=True, slots=True)
class Lens:
    """What is known of the headset of pictures of one size: their camera in ``headset``, where it
    is from in words, and whether it is ``assumed``; how its ``orientation`` is known, and by how
    much mean confidence it leads, if the network looked for it."""

    headset: Headset
    lens: str
    assumed: bool
    orientation: str = "as stated"
    lead: float = math.inf

    def view(self, camera: Camera) -> Transform:
        """From its pictures to those of the network's camera."""
        return HeadsetView(self.headset, self.headset.camera, camera).transform

    def turned(self, rotate: float, orientation: str, lead: float = math.inf) -> "Lens":
        """With another orientation of the pictures, see :class:`base.headset.Headset`."""
        headset = replace(self.headset, rotate=rotate)
        return replace(self, headset=headset, orientation=orientation, lead=lead)


class LensFinder:
    """What is known of the headset, as the options of ``inference.py`` state it: degrees, ``mount``
    forward and left, ``rotate`` None for a turn that the network finds. UserError for an unknown
    camera, values that cannot be, and options that exclude each other."""

    def __init__(
        self,
        headset: str | Headset | None = None,
        camera: str | None = None,
        fov: float | None = None,
        rotate: float | None = None,
        mount: tuple[float, float] | None = None,
    ) -> None:
        unknown = headset is None and camera in (None, CIRCLE)
        if headset is not None:
            if any(given is not None for given in (camera, fov, rotate, mount)):
                raise UserError(
                    "--headset says it all: leave out --camera, --fov, --rotate and --mount"
                )
            self._headset = headset if isinstance(headset, Headset) else load_headset(headset)
            name = f"headset {self._headset.name}"
            self._calibration = Calibration(self._headset.camera, name)
        else:
            options = {"fov": fov, "rotate": rotate, "mount": mount}
            stated = {key: value for key, value in options.items() if value is not None}
            text = ", ".join(f"--{key} {value!r:.60}" for key, value in stated.items())
            stated["forward"], stated["left"] = stated.pop("mount", (0.0, 0.0))
            try:
                self._headset = Headset.from_dict(Headset(RELEASE_CAMERA).as_dict() | stated)
            except ValueError as error:
                raise UserError(f"{text}: {error}") from None
            fov = self._headset.fov
            named = f"'{TRAINING}' or '{CIRCLE}'"
            self._calibration = None if unknown else load_calibration(camera, named)
        if fov is not None and not unknown:
            raise UserError(f"--fov is for a lens without calibration; --camera {camera} has one")
        self._camera, self._fov = camera, fov
        #: Whether a lens does not depend on pictures.
        self.stated = not unknown

    def find(self, pictures: Sequence[np.ndarray], otherwise: Lens | None = None) -> Lens:
        """The lens of one or more pictures (H, W, 3) uint8 of one size, ``otherwise`` where they
        show no image circle; UserError where the calibration is of another size, or nothing tells
        the lens."""
        height, width = pictures[0].shape[:2]

        def lens(camera: Camera, fov: float | None, text: str, assumed: bool = False) -> Lens:
            return Lens(replace(self._headset, camera=camera, fov=fov), text, assumed)

        training = _training_camera(width, height), RELEASE_HEADSET.fov
        if self._camera == TRAINING:
            return lens(*training, f"training camera ({self._calibration.source})")
        if self._calibration is not None:
            camera = self._calibration.for_picture(width, height)
            return lens(camera, self._headset.fov, self._calibration.source)
        circle = find_image_circle(pictures)
        if circle is None and otherwise is not None:
            return otherwise
        unlike = ""
        if self._camera is None and self._fov is None:
            shaped = width == height or abs(width / height / _ASPECT - 1) < 0.005
            if circle is None:
                return lens(*training, _BY_SHAPE if shaped else _UNKNOWN, assumed=True)
            if shaped and _is_training_circle(circle, training[0]):
                return lens(*training, _BY_CIRCLE)
            unlike = ", unlike the training camera's" if shaped else ""
        fov = DEFAULT_FOV if self._fov is None else self._fov
        if circle is not None:
            x, y, radius = circle
            found = f"image circle of {radius:.0f} px found at ({x:.0f}, {y:.0f}){unlike}"
        elif self._fov is None:
            raise UserError(
                f"--camera circle: no image circle is seen in pictures of {width}×{height}; "
                "give --fov DEGREES across the picture, or --camera FILE"
            )
        else:
            # Without a dark surround the lens fills the longer side.
            circle = ImageCircle((width - 1) / 2, (height - 1) / 2, max(width, height) / 2)
            found = "image circle taken to be as wide as the picture"
        camera = equidistant_camera(width, height, (circle.x, circle.y), circle.radius, fov)
        angle = f"{fov:g}° {'assumed' if self._fov is None else 'as stated'}"
        return lens(camera, fov, f"no calibration: {found}, equidistant, {angle}", assumed=True)
