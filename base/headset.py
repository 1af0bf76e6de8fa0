"""A headset: its camera, and where and how it is worn on the head.

The axes of the head are those of a camera that looks straight down: x to the wearer's left, y
forward, z down.  A headset file (doc/headset.md) is YAML with the keys of :class:`HeadsetFile`.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, PlainValidator
from scipy.spatial.transform import Rotation

from base.calibration import Calibration, check_plausible, load_calibration
from base.cameras import camera_from_dict, camera_to_dict
from base.cameras.camera import Camera, rays_around
from base.documents import parse_yaml
from base.errors import UserError
from base.headset_files import headset_path
from base.release_camera import RELEASE_CAMERA
from base.schema import Section, read_record

#: Degrees of the optical axis from straight down.
_MOST_TILT = 80
#: Degrees from straight down, and the share of these directions that a camera must see.
_BELOW, _LEAST_SEEN = 60, 0.1

_Centimetres = Annotated[float, Field(ge=-50, le=50)]
_Degrees = Annotated[float, Field(ge=-180, le=180)]
_Spread = Annotated[float, Field(ge=0, le=30)]
_Pixels = Annotated[int, Field(ge=16, lt=2**15)]


def mount_rotation(rotate: float = 0.0, forward: float = 0.0, left: float = 0.0) -> np.ndarray:
    """(3, 3) rotation of directions from the axes of the head to those of the camera, degrees as of
    :class:`Headset`."""
    return Rotation.from_euler("ZXY", [-rotate, forward, -left], degrees=True).as_matrix()


def mount_angles(rotation: np.ndarray) -> tuple[float, float, float]:
    """Inverse of :func:`mount_rotation`: rotate, forward, left in degrees, forward within ±90."""
    rotate, forward, left = Rotation.from_matrix(rotation).as_euler("ZXY", degrees=True).tolist()
    return -rotate, forward, -left


@dataclass(frozen=True)
class Headset:
    """A camera on the head; lengths in centimetres, angles in degrees."""

    camera: Camera
    #: From the tip of the nose: to the wearer's left, up, ahead.
    position: tuple[float, float, float] = (0.0, -3.2, 2.3)
    forward: float = 0.0  # by which it looks ahead of straight down
    left: float = 0.0  # and to the wearer's left
    #: By which pictures are turned clockwise to have the face at the top, what is ahead at the
    #: bottom.
    rotate: float = 0.0
    fov: float | None = None  # of the image circle; None for as far as the lens's model reaches
    #: Standard deviations of how it is worn.
    position_spread: tuple[float, float, float] = (0.7, 0.6, 0.8)
    tilt_spread: float = 1.6
    name: str = ""  # for reports

    @property
    def rotation(self) -> np.ndarray:
        """See :func:`mount_rotation`."""
        return mount_rotation(self.rotate, self.forward, self.left)

    @property
    def rim(self) -> float:
        """Angle from the optical axis up to which anything is seen, radians."""
        limit = self.camera.max_theta
        return limit if self.fov is None else min(limit, math.radians(self.fov) / 2)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(replace(self, camera=None)) | {"camera": camera_to_dict(self.camera)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Headset":
        """The headset of :meth:`as_dict`, also after JSON; ValueError for values that cannot be."""
        if not isinstance(values, Mapping) or not isinstance(values.get("camera"), Mapping):
            raise ValueError("not a headset: it has no camera")
        stated = dict(values)
        camera, name = camera_from_dict(stated.pop("camera")), stated.pop("name", "")
        if not (isinstance(name, str) and name.isprintable() and len(name) < 200):
            raise ValueError("its name is no short text")
        if not (camera.width and camera.height):
            raise ValueError("its camera has no picture size")
        spread = {key: stated.pop(f"{key}_spread", None) for key in ("position", "tilt")}
        if None not in spread.values():
            stated["spread"] = spread
        try:
            return _made(read_record(HeadsetFile, stated | {"camera": ""}), camera, name)
        except UserError as error:
            raise ValueError(str(error)) from None


#: For records of what files hold.
StoredHeadset = Annotated[Headset, PlainValidator(Headset.from_dict)]
#: The headset of the release: about 2 cm before the nose, looking straight down.
RELEASE_HEADSET = Headset(RELEASE_CAMERA, fov=180.0, name="xr-egopose")


class WearSpread(Section):
    """How differently people wear it: standard deviations, centimetres and degrees."""

    position: tuple[_Spread, _Spread, _Spread] = RELEASE_HEADSET.position_spread
    tilt: _Spread = RELEASE_HEADSET.tilt_spread


class HeadsetFile(Section):
    """Content of a headset file, see :class:`Headset`; ``camera`` is the path of a calibration,
    relative to the file, or the lens itself: ``model`` and its fields; ``picture`` its width and
    height, pixels, where they are not those of the calibration."""

    camera: str | dict[str, Any]
    picture: tuple[_Pixels, _Pixels] | None = None
    position: tuple[_Centimetres, _Centimetres, _Centimetres]
    forward: _Degrees = 0.0
    left: _Degrees = 0.0
    rotate: float = Field(0.0, ge=-360, le=360)
    fov: float | None = Field(None, ge=20, le=300)
    spread: WearSpread = WearSpread()


def load_headset(name: str | Path) -> Headset:
    """The headset of :func:`base.headset_files.headset_path`; UserError for a file that is missing,
    has unknown keys, or values that cannot be."""
    path = headset_path(name)
    try:
        documents = parse_yaml(path.read_bytes())
        if len(documents) != 1 or not isinstance(documents[0], dict):
            raise UserError("holds no settings")
        stated = read_record(HeadsetFile, documents[0])
        headset = _made(stated, _camera(stated, path), path.stem)
        # Of the directions around straight down, where the wearer's body is.
        rays = rays_around(np.radians(np.linspace(2, _BELOW, 15)), 32) @ headset.rotation.T
        seen = headset.camera.in_picture(headset.camera.project(rays, clamp=True))
        share = (seen & (headset.camera.angle(rays) <= headset.rim)).mean()
        if share < _LEAST_SEEN:
            below = f"{share:.0%} of what is within {_BELOW}° of straight down"
            raise UserError(f"its camera sees {below}: check forward, left and fov")
        return headset
    except OSError as error:
        raise UserError(f"--headset {name}: {error.strerror}") from None
    except UserError as error:
        raise UserError(f"--headset {name}: {error!s:.600}") from None  # it may cite what is long


def _made(stated: HeadsetFile, camera: Camera, name: str) -> Headset:
    mount = stated.position, stated.forward, stated.left, stated.rotate, stated.fov
    headset = Headset(camera, *mount, stated.spread.position, stated.spread.tilt, name)
    tilts = abs(stated.forward), abs(stated.left)
    if max(tilts) > 90 or headset.rotation[2, 2] < math.cos(math.radians(_MOST_TILT)):
        raise UserError(f"a camera tilted by more than {_MOST_TILT}° does not see the body")
    return headset


def _camera(stated: HeadsetFile, path: Path) -> Camera:
    try:
        if isinstance(stated.camera, str):
            # Relative to the headset file also with a choice: "calibration.yaml#cam1".
            found = load_calibration(str(path.parent / stated.camera))
        else:
            # The picture's size may be stated beside the lens instead of in it.
            lens = camera_from_dict({"width": 0, "height": 0} | stated.camera)
            found = Calibration(check_plausible(lens), "the lens of the headset file")
    except (UserError, ValueError) as error:
        raise UserError(f"camera: {error}") from None
    if stated.picture is not None:
        return found.for_picture(*stated.picture)
    if not found.camera.width:
        unknown = "the calibration does not state the size of the pictures"
        raise UserError(f"{unknown}: add 'picture: [WIDTH, HEIGHT]'")
    return found.camera
