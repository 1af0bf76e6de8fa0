"""Reading BVH motion files: a hierarchy of joints, and numbers for each frame.

Strict: what does not hold together is refused with the file's name, never guessed.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from base.errors import UserError
from dataset.synthetic.rotations import rotation

#: Characters in which number and time of the frames are searched.
_HEADER = 400


@dataclass(eq=False)
class BvhJoint:
    """One joint of a file."""

    name: str  # as in the file
    parent: int  # row of its parent, -1 for the root
    offset: np.ndarray | None = None  # (3,) from its parent in the rest pose
    channels: list[str] = field(default_factory=list)  # such as ``Xposition`` or ``Zrotation``
    values: np.ndarray | None = None  # (F, C) numbers of the channels

    def moves(self, kind: str) -> list[tuple[str, np.ndarray]]:
        """Axis and (F,) values of the channels that end in ``kind``."""
        columns = zip(self.channels, self.values.T, strict=True)
        return [(name[0].lower(), values) for name, values in columns if name.endswith(kind)]


@dataclass(frozen=True)
class Bvh:
    """A motion file, in its own axes and units."""

    joints: list[BvhJoint]  # parents first; ends of limbs (``End Site``) are left out
    frame_time: float  # seconds from one frame to the next

    def forward(self) -> tuple[np.ndarray, np.ndarray]:
        """(F, J, 3, 3) turns of the joints against the rest pose, and (F, J, 3) their places.

        The rotations of a joint are applied from left to right: R = R1 · R2 · R3.
        """
        shape = len(self.joints[0].values), len(self.joints), 1
        turns = np.tile(np.eye(3), (*shape, 1))
        places = np.tile(self.joints[0].offset, shape)
        for axis, values in self.joints[0].moves("position"):
            places[:, 0, "xyz".index(axis)] += values
        for row, joint in enumerate(self.joints):
            for axis, values in joint.moves("rotation"):
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
    """Read a BVH file; a UserError for one that cannot be read, is cut off, or is no BVH."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    head, *motion = re.split(r"^[ \t]*MOTION\b", text, maxsplit=1, flags=re.MULTILINE)
    if not head.lstrip().startswith("HIERARCHY"):
        raise UserError(f"{path}: no BVH file: it does not begin with HIERARCHY")
    joints = _read_hierarchy(path, head)
    if not motion:
        raise UserError(f"{path}: cut off: it has no MOTION section")
    header = motion[0][:_HEADER].split()
    try:
        count = int(header[header.index("Frames:") + 1])
        frame_time = float(header[header.index("Time:") + 1])
    except (ValueError, IndexError):
        raise UserError(f"{path}: MOTION states no 'Frames:' and 'Frame Time:'") from None
    if count < 1 or not 0 < frame_time < 10:
        raise UserError(f"{path}: {count} frames of {frame_time} s each are no motion")
    numbers = motion[0].partition("Time:")[2].split()[1:]
    width = sum(len(joint.channels) for joint in joints)
    if len(numbers) < count * width:
        raise UserError(f"{path}: cut off: {len(numbers) // width} of {count} frames are whole")
    if len(numbers) > count * width:
        raise UserError(f"{path}: holds more numbers than {count} frames of {width} channels have")
    try:
        values = np.array(numbers, float).reshape(count, width)
    except ValueError:
        raise UserError(f"{path}: what should be numbers after 'Frame Time:' are none") from None
    if not np.isfinite(values).all():
        raise UserError(f"{path}: holds numbers that are not finite")
    ends = np.cumsum([len(joint.channels) for joint in joints])
    for joint, columns in zip(joints, np.split(values, ends[:-1], axis=1), strict=True):
        joint.values = columns
    return Bvh(joints, frame_time)


def _read_hierarchy(path: Path, head: str) -> list[BvhJoint]:
    """The joints, parents first."""
    joints: list[BvhJoint] = []
    named: list[BvhJoint | None] = []  # whose brace is to come; None for an End Site
    inside: list[BvhJoint | None] = []  # whose braces are open
    for number, line in enumerate(head.splitlines(), start=1):
        for statement in filter(str.strip, re.split("([{}])", line)):
            kind, *words = statement.split()
            try:
                if kind == "{":
                    inside.append(named.pop())
                elif kind == "}":
                    inside.pop()
                elif (kind == "ROOT" and words and not joints) or (kind == "JOINT" and words):
                    # No joint is inside an End Site, or outside the root.
                    parent = -1 if kind == "ROOT" else joints.index(inside[-1])
                    joints.append(BvhJoint(" ".join(words), parent))
                    named.append(joints[-1])
                elif kind == "End" and inside:
                    named.append(None)
                elif kind == "OFFSET":
                    offset = np.array(words, float)
                    if offset.shape != (3,) or not np.isfinite(offset).all():
                        raise ValueError
                    if inside[-1]:
                        inside[-1].offset = offset
                elif kind == "CHANNELS" and inside[-1]:
                    count, *channels = words
                    known = all(re.fullmatch("[XYZ](position|rotation)", name) for name in channels)
                    if len(channels) != int(count) or not known:
                        raise ValueError
                    inside[-1].channels = channels
                elif kind != "HIERARCHY":
                    raise ValueError
            except (ValueError, IndexError):
                raise UserError(f"{path}: line {number} is no BVH: {line.strip()[:60]!r}") from None
    if inside or named:
        raise UserError(f"{path}: cut off: the HIERARCHY is not closed")
    if not joints:
        raise UserError(f"{path}: the HIERARCHY has no joint")
    if lost := [joint.name for joint in joints if joint.offset is None]:
        raise UserError(f"{path}: joint {lost[0]} has no OFFSET")
    return joints
