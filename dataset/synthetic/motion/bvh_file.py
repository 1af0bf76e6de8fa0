"""Reading BVH motion files: a hierarchy of joints, and numbers for each frame.

Strict: what does not hold together is refused with the file's name, never guessed.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base.errors import UserError
from dataset.synthetic.rotations import rotation

_AXES = {"X": 0, "Y": 1, "Z": 2}
#: Deeper than any skeleton: a file that opens more braces is no BVH.
_DEEPEST = 200
#: Characters in which number and time of the frames are looked for.
_HEADER = 400


@dataclass(frozen=True)
class Joint:
    """One joint of a file.

    Attributes:
        name: as in the file.
        parent: row of its parent, -1 for the root.
        offset: (3,) from its parent in the rest pose.
        channels: names such as ``Xposition`` or ``Zrotation``, in the order of the numbers.
    """

    name: str
    parent: int
    offset: np.ndarray
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Bvh:
    """A motion file, in its own axes and units.

    Attributes:
        joints: J joints, parents first; ends of limbs (``End Site``) are left out.
        values: (F, C) numbers of the channels of all joints, one after another.
        frame_time: seconds from one frame to the next.
    """

    joints: tuple[Joint, ...]
    values: np.ndarray
    frame_time: float

    def rotations(self) -> np.ndarray:
        """(F, J, 3, 3) rotation of each joint in its parent's frame.

        The channels of a joint are applied from left to right: R = R1 · R2 · R3.
        """
        turned = np.tile(np.eye(3), (len(self.values), len(self.joints), 1, 1))
        for row, channel, column in self._channels("rotation"):
            turned[:, row] = turned[:, row] @ rotation(channel[0].lower(), self.values[:, column])
        return turned

    def root(self) -> np.ndarray:
        """(F, 3) place of the root."""
        place = np.tile(self.joints[0].offset, (len(self.values), 1))
        for row, channel, column in self._channels("position"):
            if row == 0:
                place[:, _AXES[channel[0]]] += self.values[:, column]
        return place

    def rest(self) -> np.ndarray:
        """(J, 3) joints of the rest pose, the root at the origin."""
        places = np.zeros((len(self.joints), 3))
        for row, joint in enumerate(self.joints):
            if joint.parent >= 0:
                places[row] = places[joint.parent] + joint.offset
        return places

    def _channels(self, kind: str) -> list[tuple[int, str, int]]:
        found, column = [], 0
        for row, joint in enumerate(self.joints):
            for channel in joint.channels:
                if channel[1:] == kind:
                    found.append((row, channel, column))
                column += 1
        return found


def read_bvh(path: Path) -> Bvh:
    """Read a BVH file.

    Raises:
        UserError: for a file that cannot be read, is cut off, or is no BVH.
    """
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    head, *rest = re.split(r"^\s*MOTION\b", text, maxsplit=1, flags=re.MULTILINE)
    if not head.lstrip("\ufeff \t\r\n").startswith("HIERARCHY"):
        raise UserError(f"{path}: no BVH file: it does not begin with HIERARCHY")
    joints = _read_hierarchy(path, head)
    if not rest:
        raise UserError(f"{path}: cut off: it has no MOTION section")
    (motion,) = rest
    header = motion[:_HEADER].split()
    try:
        count = int(header[header.index("Frames:") + 1])
        at = header.index("Time:")
        frame_time = float(header[at + 1])
    except (ValueError, IndexError):
        raise UserError(f"{path}: MOTION states no 'Frames:' and 'Frame Time:'") from None
    if count < 1 or not 0 < frame_time < 10:
        raise UserError(f"{path}: {count} frames of {frame_time} s each are no motion")
    _, _, table = motion.partition("Time:")
    numbers = table.split()[1:]
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


def _read_hierarchy(path: Path, head: str) -> tuple[Joint, ...]:
    """The joints, parents first."""
    joints: list[list] = []  # name, parent, offset, channels
    open_rows: list[int | None] = []  # None for an End Site
    opened: tuple[str, str] | None = None
    for number, line in enumerate(head.splitlines(), start=1):
        kind, rest = (*line.lstrip("\ufeff").split(None, 1), "", "")[:2]
        rest = rest.strip()
        if kind in ("", "HIERARCHY"):
            continue
        try:
            if kind in ("ROOT", "JOINT", "End"):
                inside, brace, _ = rest.partition("{")
                opened = kind, inside.strip()
                if brace:
                    _open(joints, open_rows, opened)
                    opened = None
            elif kind == "{" and opened is not None:
                _open(joints, open_rows, opened)
                opened = None
            elif kind == "}":
                open_rows.pop()
            elif kind == "OFFSET":
                offset = np.array(rest.split(), float)
                if offset.shape != (3,) or not np.isfinite(offset).all():
                    raise ValueError
                if open_rows[-1] is not None:
                    joints[open_rows[-1]][2] = offset
            elif kind == "CHANNELS":
                count, *channels = rest.split()
                known = all(
                    name[:1] in _AXES and name[1:] in ("position", "rotation") for name in channels
                )
                if len(channels) != int(count) or not known or open_rows[-1] is None:
                    raise ValueError
                joints[open_rows[-1]][3] = tuple(channels)
            else:
                raise ValueError
        except (ValueError, IndexError):
            raise UserError(f"{path}: line {number} is no BVH: {line.strip()[:60]!r}") from None
    if open_rows or opened is not None:
        raise UserError(f"{path}: cut off: the HIERARCHY is not closed")
    if not joints:
        raise UserError(f"{path}: the HIERARCHY has no joint")
    for name, _, offset, _ in joints:
        if offset is None:
            raise UserError(f"{path}: joint {name} has no OFFSET")
    return tuple(Joint(*fields) for fields in joints)


def _open(joints: list[list], open_rows: list[int | None], opened: tuple[str, str]) -> None:
    kind, name = opened
    if len(open_rows) > _DEEPEST or (kind == "ROOT") != (not open_rows):
        raise ValueError
    if kind == "End":
        open_rows.append(None)
        return
    if kind == "ROOT" and joints:  # one skeleton a file
        raise ValueError
    parent = open_rows[-1] if open_rows else -1
    if parent is None or not name:
        raise ValueError
    joints.append([name, parent, None, ()])
    open_rows.append(len(joints) - 1)
