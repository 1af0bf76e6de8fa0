"""Whether a camera read from a file can be one: wrong units and wrong models are told here."""

import math
from collections.abc import Iterator
from dataclasses import astuple

import numpy as np

from base.cameras.camera import Camera
from base.errors import UserError

_LARGEST = 1e9
#: Off-centre terms larger than these are no lens's, but a fisheye's coefficients in their place.
_MOST_TANGENTIAL = 0.02
#: Degrees; a camera that sees no further than this from its axis sees no body.
_LEAST_ANGLE = 20.0
#: Share of the picture to which the lens's model must reach.
_LEAST_SHARE = 0.1


def check_plausible(camera: Camera) -> None:
    """UserError for a camera that nobody has; what needs the picture's size only where it is known
    (not 0×0)."""
    for wrong, why in _doubts(camera):
        if wrong:
            raise UserError(why)


def _doubts(camera: Camera) -> Iterator[tuple[bool, str]]:
    values = np.concatenate([np.ravel(value) for value in astuple(camera)])
    finite = (np.abs(values) < _LARGEST).all()  # not for NaN
    yield not finite, "holds a number that is not finite, or beyond any camera's"
    sides = camera.width, camera.height
    focal = min(getattr(camera, "fx", math.inf), getattr(camera, "fy", math.inf))
    yield focal <= 0, "the focal length must be above zero"
    yield (
        focal < max(4.0, max(sides) / 20),
        f"a focal length of {focal:g} is not one in pixels: millimetres, or picture widths?",
    )
    tangential = getattr(camera, "distortion", ())[2:4]
    yield (
        any(abs(term) > _MOST_TANGENTIAL for term in tangential),
        f"tangential terms of {' and '.join(f'{term:g}' for term in tangential)} are no lens's: if "
        "they are a fisheye's k3 and k4, state model: fisheye (ROS: distortion_model: equidistant)",
    )
    folds = camera.max_theta < math.radians(5)
    yield folds, "the distortion folds over on the axis: wrong coefficients or model?"
    if not all(sides):
        return
    picture = f"the picture of {camera.width}×{camera.height}"
    yield (
        not camera.in_picture(np.array([camera.cx, camera.cy])),
        f"the principal point ({camera.cx:g}, {camera.cy:g}) lies outside {picture}",
    )
    places = np.stack(np.meshgrid(*(np.linspace(0, side - 1, 33) for side in sides)), -1)
    seen = np.degrees(camera.angle(camera.unproject(places)))
    inside = np.isfinite(seen)
    furthest = seen[inside].max(initial=0.0)
    yield (
        furthest < _LEAST_ANGLE,
        f"a camera that sees no further than {furthest:.0f}° from its axis does not see the "
        "wearer's body: are the focal length and the picture size of one picture?",
    )
    yield (
        inside.mean() < _LEAST_SHARE,
        f"the lens covers {inside.mean():.0%} of {picture}: are the focal length and the "
        "coefficients right?",
    )
