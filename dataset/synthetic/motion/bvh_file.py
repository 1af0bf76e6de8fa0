"""Reading BVH motion files: a hierarchy of joints, and numbers for each frame.

Strict: what does not hold together is refused with the file's name, never guessed.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from base.errors import UserError
from dataset.synthetic.rotations import rotation

#: Deeper than any skeleton: a file that opens more braces is no BVH.
_DEEPEST = 200
#: Characters in which number and time of the frames are looked for.
_HEADER = 400


@dataclass(eq=False)
class BvhJoint:
    """One joint of a file."""

    name: str  # as in the file
    parent: int  # row of its parent, -1 for the root
    offset: np.ndarray | None = None  # (3,) from its parent in the rest pose
    # names such as ``Xposition`` or ``Zrotation``, in the order of the numbers
    channels: list[str] = field(default_factory=list)
    first: int = 0  # column of the first of them


@dataclass(frozen=True)
class Bvh:
    """A motion file, in its own axes and units."""

    joints: list[BvhJoint]  # J joints, parents first; ends of limbs (``End Site``) are left out
    values: np.ndarray  # (F, C) numbers of the channels of all joints, one after another
    frame_time: float  # seconds from one frame to the next

    def channels(self, joint: BvhJoint, kind: str) -> list[tuple[str, np.ndarray]]:
        """Axis and (F,) values of the channels of a joint that end in ``kind``."""
        columns = self.values.T[joint.first :]
        return [
            (channel[0].lower(), values)
            for channel, values in zip(joint.channels, columns, strict=False)
            if channel.endswith(kind)
        ]

    def forward(self) -> tuple[np.ndarray, np.ndarray]:
        """(F, J, 3, 3) turns of the joints against the rest pose, and (F, J, 3) their places.

        The rotations of a joint are applied from left to right: R = R1 · R2 · R3.
        """
        count = len(self.values)
        turns = np.tile(np.eye(3), (count, len(self.joints), 1, 1))
        places = np.tile(self.joints[0].offset, (count, len(self.joints), 1))
        for axis, values in self.channels(self.joints[0], "position"):
            places[:, 0, "xyz".index(axis)] += values
        for row, joint in enumerate(self.joints):
            for axis, values in self.channels(joint, "rotation"):
                turns[:, row] = turns[:, row] @ rotation(axis, values)
            if joint.parent >= 0:
                above = turns[:, joint.parent]
                turns[:, row] = above @ turns[:, row]
                places[:, row] = places[:, joint.parent] + above @ joint.offset
        return turns, places

    def rest(self) -> np.ndarray:
        """(J, 3) joints of the rest pose, the root at the origin."""
        places = np.zeros((len(self.joints), 3))
        for row, joint in enumerate(self.joints[1:], start=1):
            places[row] = places[joint.parent] + joint.offset
        return places


def read_bvh(path: Path) -> Bvh:
    """Read a BVH file.

    Raises:
        UserError: for a file that cannot be read, is cut off, or is no BVH.
    """
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    head, *rest = re.split(r"^[ \t]*MOTION\b", text, maxsplit=1, flags=re.MULTILINE)
    if not head.lstrip("\ufeff \t\r\n").startswith("HIERARCHY"):
        raise UserError(f"{path}: no BVH file: it does not begin with HIERARCHY")
    joints = _read_hierarchy(path, head)
    if not rest:
        raise UserError(f"{path}: cut off: it has no MOTION section")
    (motion,) = rest
    header = motion[:_HEADER].split()
    try:
        count = int(header[header.index("Frames:") + 1])
        frame_time = float(header[header.index("Time:") + 1])
    except (ValueError, IndexError):
        raise UserError(f"{path}: MOTION states no 'Frames:' and 'Frame Time:'") from None
    if count < 1 or not 0 < frame_time < 10:
        raise UserError(f"{path}: {count} frames of {frame_time} s each are no motion")
    numbers = motion.partition("Time:")[2].split()[1:]
    width = sum(len(joint.channels) for joint in joints)
    if len(numbers) < count * width:
        whole = len(numbers) // max(width, 1)
        raise UserError(f"{path}: cut off: {whole} of {count} frames are whole")
    if len(numbers) > count * width:
        raise UserError(f"{path}: holds more numbers than {count} frames of {width} channels have")
    try:
        values = np.array(numbers, float).reshape(count, width)
    except ValueError:
        raise UserError(f"{path}: what should be numbers after 'Frame Time:' are none") from None
    if not np.isfinite(values).all():
        raise UserError(f"{path}: holds numbers that are not finite")
    return Bvh(joints, values, frame_time)


def _read_hierarchy(path: Path, head: str) -> list[BvhJoint]:
    """The joints, parents first."""
    joints: list[BvhJoint] = []
    inside: list[BvhJoint | None] = []  # whose braces are open; None for an End Site
    opened: tuple[str, str] | None = None  # kind and name of a joint before its brace
    for number, line in enumerate(head.lstrip("\ufeff").splitlines(), start=1):
        for statement in filter(str.strip, re.split("([{}])", line)):
            kind, *words = statement.split()
            try:
                if kind in ("ROOT", "JOINT", "End"):
                    opened = kind, " ".join(words)
                elif kind == "{" and opened:
                    inside.append(_opened(*opened, joints, inside))
                    opened = None
                elif kind == "}":
                    inside.pop()
                elif kind == "OFFSET":
                    offset = np.array(words, float)
                    if offset.shape != (3,) or not np.isfinite(offset).all():
                        raise ValueError
                    if inside[-1]:
                        inside[-1].offset = offset
                elif kind == "CHANNELS":
                    count, *channels = words
                    known = all(re.fullmatch("[XYZ](position|rotation)", name) for name in channels)
                    if len(channels) != int(count) or not known or not inside[-1]:
                        raise ValueError
                    inside[-1].channels = channels
                elif kind != "HIERARCHY":
                    raise ValueError
            except (ValueError, IndexError):
                raise UserError(f"{path}: line {number} is no BVH: {line.strip()[:60]!r}") from None
    if inside or opened:
        raise UserError(f"{path}: cut off: the HIERARCHY is not closed")
    if not joints:
        raise UserError(f"{path}: the HIERARCHY has no joint")
    column = 0
    for joint in joints:
        if joint.offset is None:
            raise UserError(f"{path}: joint {joint.name} has no OFFSET")
        joint.first, column = column, column + len(joint.channels)
    return joints


def _opened(
    kind: str, name: str, joints: list[BvhJoint], inside: list[BvhJoint | None]
) -> BvhJoint | None:
    """The joint whose brace opens, added to the others; None for an End Site."""
    root = kind == "ROOT"  # one a file
    if len(inside) > _DEEPEST or root != (not inside) or (root and joints):
        raise ValueError
    if kind == "End":
        return None
    parent = inside[-1] if inside else None
    if not name or (inside and parent is None):
        raise ValueError
    joints.append(BvhJoint(name, joints.index(parent) if parent else -1))
    return joints[-1]
