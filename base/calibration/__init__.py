"""Calibrations as people have them on disk, told apart by their content (doc/inference.md).

One reader a kind of file: what finds the cameras in a file's content, and what reads one of them.
Every camera has pixels with their centres at integers, whatever the file's convention.
"""

import contextlib
import gzip
import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from base.calibration import ocam, opencv, tools
from base.calibration.values import Reader
from base.cameras import camera_to_dict
from base.cameras.camera import Camera
from base.cameras.ocam import OCamCamera
from base.documents import YamlLoader, decode_text, parse_json, parse_yaml
from base.errors import UserError
from base.release_camera import RELEASE_CAMERA

#: ``--camera training``: the camera of the data set.
TRAINING = "training"
#: Sides whose ratio differs by less than this belong to one picture, scaled and rounded.
_ASPECT_TOLERANCE = 0.005
#: Off-centre terms larger than these are no lens's, but a fisheye's coefficients in their place.
_MOST_TANGENTIAL = 0.02
#: Degrees from its axis and share of the picture that a camera sees at least.
_LEAST_ANGLE, _LEAST_SHARE = 20.0, 0.1
#: In the order in which they are asked.
READERS = (tools.COLMAP, *ocam.READERS, *tools.READERS, opencv.READER)


@dataclass(frozen=True)
class Calibration:
    """A camera, its size 0×0 where the file states none, and where it is from, in words."""

    camera: Camera
    source: str

    def for_picture(self, width: int, height: int) -> Camera:
        """The camera of pictures of a size, scaled or cropped around the centre if need be;
        UserError for pictures that are neither, or cannot be of the camera."""
        camera = self.camera
        if (width, height) == (camera.width, camera.height):
            return camera
        if not camera.width:
            sized = {"width": width, "height": height}
            if isinstance(camera, OCamCamera):
                sized["radius"] = ocam.corner_distance(camera.cx, camera.cy, width, height)
            try:
                return check_plausible(replace(camera, **sized))
            except UserError as fault:
                raise UserError(f"{self.source}: {fault}") from None
        stretch = (width / camera.width) / (height / camera.height)
        if abs(stretch - 1) < _ASPECT_TOLERANCE:
            return camera.resized(width, height)
        left, top = (camera.width - width) // 2, (camera.height - height) // 2
        if min(left, top) == 0 and (width == camera.width or height == camera.height):
            return camera.cropped(left, top, width, height)
        raise UserError(
            f"{self.source}: a picture of {width}×{height} is neither a scaled nor a centrally "
            f"cropped {camera.width}×{camera.height}, for which the camera is calibrated"
        )


def load_calibration(name: str, named: str = f"'{TRAINING}'") -> Calibration:
    """The camera of "training", of a file, or of a folder of COLMAP's.

    ``file#left`` is the camera of that name, of several; ``file#1`` is also "cam1"; UserError
    starting with the name, for a file that is missing, of an unknown kind, incomplete or
    implausible, and for several cameras of which none is chosen; ``named`` is what else it offers.
    """
    if name == TRAINING:
        return Calibration(RELEASE_CAMERA, "xR-EgoPose, as given by the dataset's first author")
    path, chosen = Path(name), ""
    try:
        if not name or "\0" in name:
            raise UserError("the name of the calibration is empty or holds a null character")
        if "#" in name and not path.exists():
            path, _, chosen = name.rpartition("#")
            path = Path(path)
        if path.is_dir():
            files = (path / "cameras.bin", path / "cameras.txt")
            path = next((file for file in files if file.exists()), path)
        found = [camera for part in _read_parts(path) for camera in _cameras(part)]
        kind, camera = _choose(found, chosen, path.name)
    except OSError as error:
        reason = f"{error.strerror}; give a calibration file, or {named}"
        raise UserError(f"{name}: {reason}") from None
    except RecursionError:
        raise UserError(f"{name}: not a calibration: nested too deeply") from None
    except UserError as fault:
        raise UserError(f"{name}: {fault!s:.600}") from None  # it may cite what is long
    model = camera_to_dict(camera).get("model", "fisheye")
    return Calibration(camera, f"{name} ({kind}{'' if model == 'ocam' else f' {model}'})")


class _Loader(YamlLoader):
    """YAML with OpenCV's matrices."""


for _kind in ("opencv-matrix", "opencv-nd-matrix"):
    _Loader.add_constructor(
        f"tag:yaml.org,2002:{_kind}", lambda loader, node: loader.construct_mapping(node, True)
    )


def _read_parts(path: Path) -> list[Any]:
    """The documents in a file, one as a rule: mappings and lists of XML, JSON or YAML, possibly
    compressed; the text of a file of another kind; the bytes of one that is not text."""
    data = path.read_bytes()
    if data.startswith(b"\x1f\x8b"):  # as OpenCV's FileStorage writes it
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            raise UserError("the compressed file is broken") from None
    try:
        text = decode_text(data).strip()
    except UnicodeDecodeError:
        return [data]
    if not text:
        raise UserError("the file is empty")
    if text.startswith("<"):
        try:
            root = ElementTree.fromstring(text)
        except ElementTree.ParseError as error:
            raise UserError(f"broken XML: {error}") from None
        return [{root.tag: _element(root)}]
    if text.startswith(("{", "[{")):
        for texts in ([text], text.splitlines()):
            with contextlib.suppress(UserError):  # YAML allows more than JSON does
                return [parse_json(part) for part in texts]
    # OpenCV writes "%YAML:1.0", which no YAML reader but its own accepts.
    body = re.sub(r"\A%YAML[^\n]*\n", "", text)
    try:
        parts = [part for part in parse_yaml(body, _Loader) if part is not None]
    except UserError as error:
        if not re.search(r"^[ \t{\[]*[\w.\"]+[ \t]*:", body, re.MULTILINE):
            return [text]
        raise UserError(f"not a calibration of a known kind; as YAML or JSON {error}") from None
    return parts if parts and all(isinstance(part, dict | list) for part in parts) else [text]


def _element(element: ElementTree.Element) -> Any:
    """Of an element with others inside the mapping of their names to their content."""
    if len(element):
        return {child.tag: _element(child) for child in element}
    return (element.text or "").strip()


def _cameras(node: Any, name: str = "") -> Iterator[tuple[str, Reader, Any]]:
    """The cameras of a content and of its parts: name, reader, and the part that says it."""
    for reader in READERS:
        if found := reader.find(node):
            yield from ((own or name, reader, part) for own, part in found.items())
            return
    if isinstance(node, list):
        node = {f"cam{number}": part for number, part in enumerate(node)}
    if isinstance(node, dict):
        for key, part in node.items():
            yield from _cameras(part, str(key))


def _choose(found: list[tuple[str, Reader, Any]], chosen: str, file: str) -> tuple[str, Camera]:
    """Kind and camera of the name ``chosen``, or of the only one there is."""
    if not found:
        kinds = ", ".join(dict.fromkeys(reader.kind for reader in READERS))
        raise UserError(f"not a calibration of a known kind; known are {kinds}")
    names = list(dict.fromkeys(name for name, _, _ in found))
    if chosen:
        wanted = chosen if chosen in names else f"cam{chosen}"
        found = [entry for entry in found if entry[0] == wanted]
        if not found:
            raise UserError(f"holds no camera {chosen}, but {', '.join(names) or 'one'}")
    elif len(names) > 1:
        raise UserError(f"holds cameras {', '.join(names)}: choose one, as in {file}#{names[0]}")
    read: dict[Camera, str] = {}
    for _, reader, part in found:
        try:
            camera = reader.read(part)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # Parts of other types than the tool writes.
            raise UserError(f"not as {reader.kind} writes it: {error}") from None
        read[check_plausible(camera)] = reader.kind
    if len(read) > 1:
        raise UserError(f"holds {len(read)} different cameras of one name: leave one in the file")
    [(camera, kind)] = read.items()
    return kind, camera


def check_plausible(camera: Camera) -> Camera:
    """The camera itself; UserError for one that nobody has, for wrong units or a wrong model; what
    needs the picture's size is asked only where it is known (not 0×0)."""

    def refuse(wrong: bool, why: str) -> None:
        if wrong:
            raise UserError(why)

    sides = camera.width, camera.height
    focal = min(getattr(camera, "fx", math.inf), getattr(camera, "fy", math.inf))
    odd = f"a focal length of {focal:g} is not one in pixels: millimetres, or picture widths?"
    refuse(focal < max(4.0, max(sides) / 20), odd)
    tangential = getattr(camera, "distortion", ())[2:4]
    refuse(
        any(abs(term) > _MOST_TANGENTIAL for term in tangential),
        f"tangential terms of {' and '.join(f'{term:g}' for term in tangential)} are no lens's: if "
        "they are a fisheye's k3 and k4, state model: fisheye (ROS: distortion_model: equidistant)",
    )
    if not all(sides):
        return camera
    picture = f"the picture of {camera.width}×{camera.height}"
    middle = f"the principal point ({camera.cx:g}, {camera.cy:g}) lies outside {picture}"
    refuse(not camera.in_picture(np.array([camera.cx, camera.cy])), middle)
    places = np.stack(np.meshgrid(*(np.linspace(0, side - 1, 33) for side in sides)), -1)
    seen = np.degrees(camera.angle(camera.unproject(places)))
    inside = np.isfinite(seen)
    furthest, share = seen[inside].max(initial=0.0), inside.mean()
    refuse(
        furthest < _LEAST_ANGLE,
        f"a camera that sees no further than {furthest:.0f}° from its axis does not see the "
        "wearer's body: are the focal length and the picture size of one picture?",
    )
    right = "are the focal length and the coefficients right?"
    refuse(share < _LEAST_SHARE, f"the lens covers {share:.0%} of {picture}: {right}")
    return camera
