"""From a camera's picture to a square one, and back."""

import cv2
import numpy as np

from base.cameras.camera import Camera


def resize_square(square: np.ndarray, size: int) -> np.ndarray:
    """A square picture (S, S, 3) as (size, size, 3): shrinking averages over pixel areas, so that
    it does not alias; one of that size already is returned untouched."""
    side = square.shape[0]
    if side == size:
        return np.ascontiguousarray(square)
    method = cv2.INTER_AREA if size < side else cv2.INTER_CUBIC
    return cv2.resize(square, (size, size), interpolation=method)


class SquareCrop:
    """The largest centred square of a (height, width) picture, or with ``whole`` the smallest that
    holds it, black beside it, resized to ``size`` × ``size``.

    Of a 1280×800 picture the former is columns 240 to 1040, the reference's crop.
    """

    def __init__(self, size: int, width: int, height: int, whole: bool = False) -> None:
        self.size, self.width, self.height = size, width, height
        self.side = max(width, height) if whole else min(width, height)
        self.left, self.top = (width - self.side) // 2, (height - self.side) // 2
        self.scale = size / self.side

    def image(self, image: np.ndarray) -> np.ndarray:
        """Crop and resize a (height, width, C) uint8 picture to (size, size, C); ValueError for a
        picture of another size than this transform was made for."""
        if image.shape[:2] != (self.height, self.width):
            raise ValueError(
                f"picture is {image.shape[1]}×{image.shape[0]}, expected {self.width}×{self.height}"
            )
        left, top = max(self.left, 0), max(self.top, 0)
        square = image[top : top + self.side, left : left + self.side]
        if square.shape[:2] != (self.side, self.side):
            beside = ((-self.top, self.side - self.height + self.top),)
            beside += ((-self.left, self.side - self.width + self.left), (0, 0))
            square = np.pad(square, beside)
        return resize_square(square, self.size)

    def points(self, points: np.ndarray) -> np.ndarray:
        """(…, 2) source pixels → pixels of the square."""
        corner = np.array([self.left, self.top], points.dtype)
        return (points - corner + 0.5) * points.dtype.type(self.scale) - 0.5

    def points_back(self, points: np.ndarray) -> np.ndarray:
        """(…, 2) pixels of the square → source pixels."""
        corner = np.array([self.left, self.top], points.dtype)
        return (points + 0.5) / points.dtype.type(self.scale) - 0.5 + corner

    def camera(self, camera: Camera) -> Camera:
        """Camera of the square, given that of the source picture."""
        window = camera.cropped(self.left, self.top, self.side, self.side)
        return window.resized(self.size, self.size)


def square_of(camera: Camera, size: int | None = None) -> Camera:
    """The camera of a camera's largest centred square, ``size`` pixels a side, or as it is."""
    crop = SquareCrop(size or min(camera.width, camera.height), camera.width, camera.height)
    return crop.camera(camera)
