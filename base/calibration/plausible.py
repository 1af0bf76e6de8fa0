"""Whether a camera read from a file can be one: wrong units and wrong models are told here."""

import math
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
    values = np.concatenate([np.ravel(value) for value in astuple(camera)])
    if not (np.abs(values) < _LARGEST).all():  # also for NaN
        raise UserError("holds a number that is not finite, or beyond any camera's")
    sides = camera.width, camera.height
    focal = min(getattr(camera, "fx", math.inf), getattr(camera, "fy", math.inf))
    if focal <= 0:
        raise UserError("the focal length must be above zero")
    if focal < max(4.0, max(sides) / 20):
        raise UserError(
            f"a focal length of {focal:g} is not one in pixels: is it in millimetres, or in "
            "picture widths?"
        )
    tangential = getattr(camera, "distortion", ())[2:4]
    if any(abs(term) > _MOST_TANGENTIAL for term in tangential):
        raise UserError(
            f"tangential terms of {tangential[0]:g} and {tangential[1]:g} are no lens's: if these "
            "are a fisheye's k3 and k4, state model: fisheye (ROS: distortion_model: equidistant)"
        )
    if camera.max_theta < math.radians(5):
        raise UserError("the distortion folds over on the axis: wrong coefficients or model?")
    if not all(sides):
        return
    if not camera.in_picture(np.array([camera.cx, camera.cy])):
        raise UserError(
            f"the principal point ({camera.cx:g}, {camera.cy:g}) lies outside the picture of "
            f"{camera.width}×{camera.height}"
        )
    places = np.stack(np.meshgrid(*(np.linspace(0, side - 1, 33) for side in sides)), -1)
    seen = np.degrees(camera.angle(camera.unproject(places)))
    inside = np.isfinite(seen)
    if (furthest := float(seen[inside].max(initial=0.0))) < _LEAST_ANGLE:
        raise UserError(
            f"a camera that sees no further than {furthest:.0f}° from its axis does not see the "
            "wearer's body: are the focal length and the picture size of one picture?"
        )
    if inside.mean() < _LEAST_SHARE:
        raise UserError(
            f"the lens covers {inside.mean():.0%} of the picture of {camera.width}×"
            f"{camera.height}: are the focal length and the coefficients right?"
        )
