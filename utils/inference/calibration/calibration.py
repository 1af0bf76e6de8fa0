"""The camera that ``--camera`` names, whatever kind of file it is in."""

import math
import re
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import numpy as np

from base.camera import RELEASE_CAMERA
from base.cameras.camera import Camera
from base.errors import UserError
from utils.inference.calibration import colmap, ocam, opencv
from utils.inference.calibration.values import Fault

#: ``--camera training``: the camera of the data set.
TRAINING = "training"
#: Sides whose ratio differs by less than this belong to one picture, scaled and rounded.
_ASPECT_TOLERANCE = 0.005


@dataclass(frozen=True)
class Calibration:
    """A camera, its size 0×0 where the file states none, and where it is from, in words."""

    camera: Camera
    source: str

    def for_picture(self, width: int, height: int) -> Camera:
        """The camera of pictures of a size, scaled or cropped around the centre if need be;
        UserError for pictures that are neither."""
        camera = self.camera
        if (width, height) == (camera.width, camera.height):
            return camera
        if not camera.width:
            return replace(camera, width=width, height=height)
        stretch = (width / camera.width) / (height / camera.height)
        if abs(stretch - 1) < _ASPECT_TOLERANCE:
            return camera.resized(width, height)
        narrower = width < camera.width and height == camera.height
        lower = width == camera.width and height < camera.height
        if narrower or lower:
            left, top = (camera.width - width) // 2, (camera.height - height) // 2
            return camera.cropped(left, top, width, height)
        raise UserError(
            f"a picture of {width}×{height} is neither a scaled nor a centrally cropped "
            f"{camera.width}×{camera.height}, for which the camera is calibrated ({self.source})"
        )


def load_calibration(name: str) -> Calibration:
    """The camera of "training" or of a file; ``cameras.txt#2`` is camera 2 of a COLMAP file;
    UserError for a file that is missing, not a calibration, or incomplete."""
    if name == TRAINING:
        return Calibration(RELEASE_CAMERA, "xR-EgoPose, as given by the dataset's first author")
    path, _, number = name.partition("#")
    try:
        text = Path(path if number else name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise UserError(
            f"--camera {name}: {reason}; give a calibration file, or '{TRAINING}'"
        ) from None
    try:
        camera, kind = _parse(text, number)
        _check(camera)
    except Fault as fault:
        raise UserError(f"--camera {name}: {fault}") from None
    return Calibration(camera, f"{kind}, {name}")


def _parse(text: str, number: str) -> tuple[Camera, str]:
    """A file's camera and what kind of file it is."""
    if not text.strip():
        raise Fault("the file is empty")
    if text.lstrip().startswith("#polynomial"):
        return ocam.read_text(text), "OCamCalib"
    if re.search(r"^\s*\d+\s+[A-Z_]{4,}\s+\d+\s+\d+\s", text, re.MULTILINE):
        return colmap.read_colmap(text, number)
    content = opencv.structured(text)
    if "polynomialC2W" in content:
        return ocam.read_json(content), "OCamCalib"
    return opencv.read_opencv(content)


def _check(camera: Camera) -> None:
    values = [np.ravel(value) for value in astuple(camera)]
    if not np.isfinite(np.concatenate(values)).all():
        raise Fault("holds a number that is not finite")
    if getattr(camera, "fx", 1.0) <= 0 or getattr(camera, "fy", 1.0) <= 0:
        raise Fault("the focal length must be above zero")
    if camera.max_theta < math.radians(5):
        raise Fault("the distortion folds over on the optical axis: wrong coefficients or model?")
