"""Augmentation on the device, with pictures, 2D and 3D labels moved together.

Two moves are exact for a central fisheye camera: turning about the optical axis, and mirroring
left and right.  Both act in the plane of normalised coordinates ((x - cx)/fx, (y - cy)/fy), so the
off-centre principal point and unequal focal lengths are honoured; in 3D they turn, or negate, x
and y of the camera frame.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F

from base.cameras.camera import Camera
from base.schema import Section, option
from base.skeleton import MIRROR


class Augmentation(Section):
    """What is drawn for each frame."""

    rotation: float = option(
        0.0, "standard deviation about the optical axis, degrees", ge=0, le=180
    )
    mirror: bool = option(False, "swap left and right in half of the frames")
    colour: float = option(0.0, "changes of brightness, colour balance and contrast", ge=0, le=1)
    noise: float = option(0.0, "largest standard deviation, share of the full range", ge=0, le=1)
    blur: float = option(0.0, "largest standard deviation of the Gaussian, pixels", ge=0, le=20)

    @property
    def moves(self) -> bool:
        """Whether labels change."""
        return self.rotation > 0 or self.mirror

    @property
    def changes(self) -> bool:
        """Whether two views of a frame differ at all."""
        return self.moves or self.blur > 0 or self.colour > 0 or self.noise > 0


class BatchPart(NamedTuple):
    """Part ``number``, from 0, of a batch divided into ``parts`` equal ones.

    Numbers are drawn for all parts and those of this one taken, so that what happens to a frame
    does not depend on how its batch was divided.
    """

    number: int = 0
    parts: int = 1

    def draw(
        self,
        distribution: Callable[..., torch.Tensor],
        count: int,
        *shape: int,
        generator: torch.Generator,
    ) -> torch.Tensor:
        """(count, …) numbers of ``torch.rand`` or ``torch.randn`` for this part's frames."""
        drawn = distribution(count * self.parts, *shape, generator=generator)
        return drawn[self.number * count : (self.number + 1) * count]


WHOLE = BatchPart()


def move_matrices(angle: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
    """(count, 2, 2) matrices on normalised coordinates: mirrored where (count,) bool says so, then
    turned by (count,) radians, from x to y."""
    cos, sin = angle.cos(), angle.sin()
    matrix = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
    flip = torch.ones(len(angle), 1, 2)
    flip[mirrored, 0, 0] = -1.0
    return matrix * flip


def draw_moves(
    count: int, augmentation: Augmentation, generator: torch.Generator, part: BatchPart = WHOLE
) -> tuple[torch.Tensor, torch.Tensor]:
    """Random moves: (count, 2, 2) matrices on normalised coordinates, (count,) bool mirrored."""
    angle = part.draw(torch.randn, count, generator=generator)
    angle = angle * math.radians(augmentation.rotation)
    mirrored = part.draw(torch.rand, count, generator=generator) < 0.5 * augmentation.mirror
    return move_matrices(angle, mirrored), mirrored


def swap_sides(joints: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
    """(B, 16, …) with left and right joints exchanged where the frame is mirrored."""
    where = mirrored.view(-1, *[1] * (joints.dim() - 1))
    return torch.where(where, joints[:, list(MIRROR)], joints)


def move_joints2d(
    joints2d: torch.Tensor, matrix: torch.Tensor, mirrored: torch.Tensor, camera: Camera
) -> torch.Tensor:
    """Move (B, 16, 2) pixels by the (B, 2, 2) matrices and swap the joints of mirrored frames."""
    centre = joints2d.new_tensor([camera.cx, camera.cy])
    focal = joints2d.new_tensor([camera.fx, camera.fy])
    moved = ((joints2d - centre) / focal) @ matrix.transpose(1, 2) * focal + centre
    return swap_sides(moved, mirrored)


def move_joints3d(
    joints3d: torch.Tensor, matrix: torch.Tensor, mirrored: torch.Tensor
) -> torch.Tensor:
    """Move (B, 16, 3) camera-frame points likewise: x and y by the matrix, z stays."""
    xy = joints3d[..., :2] @ matrix.transpose(1, 2)
    return swap_sides(torch.cat([xy, joints3d[..., 2:]], -1), mirrored)


def move_images(images: torch.Tensor, matrix: torch.Tensor, camera: Camera) -> torch.Tensor:
    """Move (B, 3, S, S) pictures likewise; what comes from outside is the value of black, -1."""
    size = images.shape[-1]
    focal = images.new_tensor([camera.fx, camera.fy])
    centre = images.new_tensor([camera.cx, camera.cy])
    # A target pixel finds its source through the inverse; the matrices are orthogonal.
    inverse = matrix.transpose(1, 2) * focal[:, None] / focal
    offset = centre - inverse @ centre
    # grid_sample measures from -1 to 1 over pixel areas: pixel p ↔ (2p + 1)/S - 1.
    shift = (2 * offset + 1 - size) / size - inverse @ images.new_full((2,), (1 - size) / size)
    theta = torch.cat([inverse, shift[..., None]], -1)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images + 1, grid, padding_mode="zeros", align_corners=False) - 1


def blur_images(
    images: torch.Tensor,
    augmentation: Augmentation,
    generator: torch.Generator,
    part: BatchPart = WHOLE,
) -> torch.Tensor:
    """Blur (B, 3, S, S) pictures, each with a Gaussian of its own width up to ``blur`` pixels."""
    count, channels, size, _ = images.shape
    sigma = augmentation.blur * part.draw(torch.rand, count, generator=generator)
    reach = math.ceil(3 * augmentation.blur)
    offset = torch.arange(-reach, reach + 1)
    # A width near zero leaves the centre tap alone.
    kernel = torch.exp(-0.5 * (offset / sigma.clamp(min=1e-3)[:, None]) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).to(images.device)
    kernel = kernel.repeat_interleave(channels, 0)[:, None, None]
    # Each channel of each frame is a group of one convolution, first across, then down.
    groups = count * channels
    blurred = images.reshape(1, groups, size, size)
    for taps, padding in (
        (kernel, (reach, reach, 0, 0)),
        (kernel.transpose(2, 3), (0, 0, reach, reach)),
    ):
        blurred = F.conv2d(F.pad(blurred, padding, mode="replicate"), taps, groups=groups)
    return blurred.view_as(images)


def change_colours(
    images: torch.Tensor,
    augmentation: Augmentation,
    generator: torch.Generator,
    part: BatchPart = WHOLE,
) -> torch.Tensor:
    """Brightness, colour balance, contrast and pixel noise on (B, 3, S, S) pictures in [-1, 1]."""
    count, device = images.shape[0], images.device

    def uniform(*shape: int) -> torch.Tensor:
        return (part.draw(torch.rand, count, *shape, generator=generator) * 2 - 1).to(device)

    strength = augmentation.colour
    gain = torch.exp(0.5 * strength * uniform(1, 1, 1) + 0.2 * strength * uniform(3, 1, 1))
    contrast = torch.exp(0.4 * strength * uniform(1, 1, 1))
    brightness = (images + 1) * 0.5 * gain
    # About the mean of what the lens shows.  Black stays black: its surround does not change.
    shown = brightness > 0
    mean = brightness.sum((1, 2, 3), keepdim=True) / shown.sum((1, 2, 3), keepdim=True).clamp(min=1)
    brightness = brightness + shown * (brightness - mean) * (contrast - 1)
    if augmentation.noise > 0:
        amount = part.draw(torch.rand, count, 1, 1, 1, generator=generator).to(device)
        # Six million numbers for a batch: drawn where they are used, from a seed that comes with
        # the others, each part from its own.
        seed = int(torch.randint(2**62, (), generator=generator)) + part.number
        drawn = torch.Generator(device).manual_seed(seed)
        noise = torch.empty_like(brightness).normal_(generator=drawn)
        brightness = brightness + augmentation.noise * amount * noise
    return brightness.clamp_(0, 1) * 2 - 1


def augment(
    images: torch.Tensor | None,
    joints2d: torch.Tensor,
    joints3d: torch.Tensor,
    visible: torch.Tensor,
    augmentation: Augmentation,
    camera: Camera,
    generator: torch.Generator,
    moves: tuple[torch.Tensor, torch.Tensor] | None = None,
    part: BatchPart = WHOLE,
) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pictures and labels moved together, then the pictures blurred and their colours changed.

    Returns the first four arguments augmented: (B, 3, S, S) pictures in [-1, 1], or None for labels
    alone, (B, 16, 2) pixels, (B, 16, 3) metres in the camera frame and (B, 16) bool.  Numbers come
    from ``generator``, on the CPU; ``moves`` of :func:`draw_moves` are drawn if not given.
    """
    if augmentation.moves:
        drawn = moves or draw_moves(len(joints2d), augmentation, generator, part)
        matrix, mirrored = (move.to(joints2d.device) for move in drawn)
        if images is not None:
            images = move_images(images, matrix, camera)
        joints2d = move_joints2d(joints2d, matrix, mirrored, camera)
        joints3d = move_joints3d(joints3d, matrix, mirrored)
        visible = swap_sides(visible, mirrored)
    # In the order light goes: through the lens, to the sensor.
    if images is not None and augmentation.blur > 0:
        images = blur_images(images, augmentation, generator, part)
    if images is not None and (augmentation.colour > 0 or augmentation.noise > 0):
        images = change_colours(images, augmentation, generator, part)
    return images, joints2d, joints3d, visible
