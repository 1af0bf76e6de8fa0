"""Reading BVH motion files: what can only mean one thing is read, anything else is refused."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from base.documents import decode_text
from base.errors import UserError
from dataset.synthetic.rotations import apply, rotation

#: Joints times frames of a file, and any number in it, at most.
_POSES, _NUMBER = 2_000_000, 1e6
#: Seconds from one frame to the next, and the rates a rounded one stands for, frames a second.
_TIMES = 0.001, 1.0
_RATES = 10, 12, 12.5, 15, 20, 24, 25, 30, 48, 50, 60, 72, 75, 80, 90, 96, 100, 120, 125, 144
_RATES += 150, 180, 200, 240, 250, 300, 360, 480, 500
#: Statements of the hierarchy; the last group is what is none.
_STATEMENTS = re.compile(
    r"(?P<kind>ROOT|JOINT|End)\s+(?P<name>[^{}]*[^{}\s])\s*\{|(?P<end>\})"
    r"|OFFSET(?P<offset>(?:\s+[-+.\deE]+){3})(?![^\s}])"
    r"|CHANNELS\s+(?P<count>\d+)(?P<channels>(?:\s+(?i:[xyz](?:position|rotation|scale))\b)*)"
    r"|(?P<other>\S[^\n]*)"
)


@dataclass(eq=False)
class BvhJoint:
    name: str  # as in the file
    parent: int  # row of its parent, -1 for a root
    offset: np.ndarray | None = None  # (3,) from its parent in the rest pose
    channels: list[str] = field(default_factory=list)  # such as ``xposition`` or ``zrotation``
    values: np.ndarray | None = None  # (F, C) numbers of the channels

    def moves(self, kind: str) -> list[tuple[str, np.ndarray]]:
        """Axis and (F,) values of the channels that end in ``kind``."""
        columns = zip(self.channels, self.values.T, strict=True)
        return [(name[0], values) for name, values in columns if name.endswith(kind)]


@dataclass(frozen=True)
class Bvh:
    """A motion file, in its own axes and units."""

    joints: list[BvhJoint]  # parents first; ends of limbs (``End Site``) are left out
    frame_time: float  # seconds from one frame to the next

    def forward(self) -> tuple[np.ndarray, np.ndarray]:
        """(F, J, 3, 3) turns of the joints against the rest pose, and (F, J, 3) their places; the
        rotations of a joint are applied from left to right: R = R1 · R2 · R3."""
        shape = len(self.joints[0].values), len(self.joints), 3
        turns, places = np.tile(np.eye(3), (*shape[:2], 1, 1)), np.zeros(shape)
        for row, joint in enumerate(self.joints):
            places[:, row] = joint.offset
            for axis, values in joint.moves("position"):
                k = "xyz".index(axis)
                # Some programs write positions with the offset in them: nearer to it than to 0.
                more = values - joint.offset[k]
                whole = joint.parent >= 0 and abs(more).sum() < abs(values).sum()
                places[:, row, k] += more if whole else values
            for axis, values in joint.moves("rotation"):
                turns[:, row] = turns[:, row] @ rotation(axis, values)
            if joint.parent >= 0:
                above = turns[:, joint.parent]
                turns[:, row] = above @ turns[:, row]
                places[:, row] = places[:, joint.parent] + apply(above, places[:, row])
        return turns, places

    def rest(self) -> np.ndarray:
        """(J, 3) joints of the rest pose, the roots at the origin."""
        places: list[np.ndarray] = []
        for joint in self.joints:
            root = joint.parent < 0
            places.append(np.zeros(3) if root else places[joint.parent] + joint.offset)
        return np.array(places)


def read_bvh(path: Path) -> Bvh:
    """Read a BVH file; a UserError for one that cannot be read, is cut off, or is no BVH."""
    try:
        text = decode_text(path.read_bytes(), "replace")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", "no text")
        raise UserError(f"{path}: cannot be read ({reason})") from None
    text = re.sub(r"(?<!\S)(?:#|//)[^\r\n]*", "", text)  # comments
    head, *motion = re.split(r"(?<![^\s}])MOTION(?!\S)", text, maxsplit=1)
    if not head.lstrip().startswith("HIERARCHY"):
        raise UserError(f"{path}: no BVH file: it does not begin with HIERARCHY")
    if motion and "," in motion[0] and "." not in motion[0]:  # decimals of other countries
        head, motion = head.replace(",", "."), [motion[0].replace(",", ".")]
    joints = _read_hierarchy(path, head)
    if not motion:
        raise UserError(f"{path}: cut off: it has no MOTION section")
    said = re.match(r"\s*Frames\s*:\s*(\S+)\s+Frame\s+Time\s*:\s*(\S+)", motion[0], re.IGNORECASE)
    try:
        count, frame_time = int(said[1]), float(said[2])
    except (TypeError, ValueError):
        raise UserError(f"{path}: MOTION states no 'Frames:' and 'Frame Time:'") from None
    if not 1 <= count <= _POSES or not _TIMES[0] <= frame_time <= _TIMES[1]:
        raise UserError(
            f"{path}: {said[1]:.20} frames of {said[2]:.20} s each are no motion: there must be "
            f"1 to {_POSES} of {_TIMES[0]} to {_TIMES[1]} s"
        )
    values = _read_values(path, motion[0][said.end() :], joints, count)
    # As many as there are, or as there will be at 30 a second.
    if len(joints) * len(values) * max(1.0, 30 * frame_time) > _POSES:
        raise UserError(f"{path}: {len(values)} frames are too many: cut it into shorter clips")
    ends = np.cumsum([len(joint.channels) for joint in joints])
    for joint, joint.values in zip(joints, np.split(values, ends[:-1], axis=1), strict=True):
        if any((scale != 1).any() for _, scale in joint.moves("scale")):
            raise UserError(f"{path}: joint {joint.name} is scaled: export the clip without scales")
    # 0.033 is one 30th of a second; some programs cut digits off, and 0.066 is one 15th.
    digit, most = 10.0 ** -len(said[2].partition(".")[2]), 0.02 * frame_time
    below, above = min(0.5 * digit, most), min(digit, most)
    rates = [rate for rate in _RATES if -below <= 1 / rate - frame_time <= above]
    return Bvh(joints, 1 / rates[0] if len(rates) == 1 else frame_time)


def _read_values(path: Path, text: str, joints: list[BvhJoint], count: int) -> np.ndarray:
    """(F, C) numbers of the ``count`` frames that a file states, or of more if it holds more."""
    width = sum(len(joint.channels) for joint in joints)
    try:
        values = np.fromiter(map(float, text.split()), float)
    except ValueError:
        raise UserError(f"{path}: what should be numbers after 'Frame Time:' are none") from None
    if not (abs(values) <= _NUMBER).all():  # NaN is not either
        raise UserError(f"{path}: holds numbers that are not finite, or beyond a million")
    there, rest = divmod(len(values), max(width, 1))
    if there < count:
        raise UserError(
            f"{path}: cut off: {there} of {count} frames are whole; export it again, or state "
            f"'Frames: {there}' in it"
        )
    if rest:
        raise UserError(f"{path}: holds more numbers than {count} frames of {width} channels have")
    return values.reshape(there, width)


def _read_hierarchy(path: Path, head: str) -> list[BvhJoint]:
    """The joints, parents first.  Statements may share lines, or take several."""
    joints: list[BvhJoint] = []
    inside: list[BvhJoint | None] = []  # those whose braces are open; None for an End Site
    for found in _STATEMENTS.finditer(head, head.index("HIERARCHY") + len("HIERARCHY")):
        try:
            if found["end"]:
                inside.pop()
            elif kind := found["kind"]:
                if bool(inside) == (kind == "ROOT") or (inside and not inside[-1]):
                    raise ValueError
                joint = BvhJoint(found["name"], joints.index(inside[-1]) if inside else -1)
                joints += [joint] * (kind != "End")
                inside.append(None if kind == "End" else joint)
            elif found["offset"]:
                offset = np.array(found["offset"].split(), float)
                if not (abs(offset) <= _NUMBER).all():
                    raise ValueError
                if inside[-1]:
                    inside[-1].offset = offset
            elif found["other"] or not inside[-1]:
                raise ValueError
            else:
                channels = found["channels"].lower().split()
                if len({*channels}) != int(found["count"]):
                    raise ValueError
                inside[-1].channels = channels
        except (ValueError, IndexError):
            line = head.count("\n", 0, found.start()) + 1
            text = found.group().partition("\n")[0].strip()
            raise UserError(f"{path}: line {line} is no BVH: {text[:60]!r}") from None
    if inside:
        raise UserError(f"{path}: cut off: the HIERARCHY is not closed")
    if not joints:
        raise UserError(f"{path}: the HIERARCHY has no joint")
    if lost := [joint.name for joint in joints if joint.offset is None]:
        raise UserError(f"{path}: joint {lost[0]} has no OFFSET")
    return joints
