"""The ideal fisheye lens, for cameras of which nothing is known but their image circle."""

import math

from base.camera import FisheyeCamera


def equidistant_camera(
    width: int, height: int, centre: tuple[float, float], radius: float, fov: float
) -> FisheyeCamera:
    """A lens whose image grows evenly with the angle: r = f θ.

    Args:
        width, height: picture size, pixels.
        centre: of the image circle, pixels.
        radius: of the image circle, pixels.
        fov: angle across the image circle, degrees.

    Raises:
        ValueError: for a radius or an angle that no lens has.
    """
    if radius <= 0 or not 0 < fov < 360:
        raise ValueError(f"no lens has an image circle of {radius} px across {fov}°")
    f = radius / math.radians(fov / 2)
    return FisheyeCamera(f, f, *centre, (0.0, 0.0, 0.0, 0.0), width, height)
