"""Reading BVH motion files: a hierarchy of joints, and numbers for each frame.

What can only mean one thing is read; what does not hold together is refused, never guessed.
"""

import re
from dataclasses import dataclass, field
from itertools import islice, takewhile
from pathlib import Path

import numpy as np

from base.errors import UserError
from dataset.synthetic.rotations import rotation

#: What a file may hold, at most: bytes, joints, joints times frames, and any number in it.
_BYTES, _JOINTS, _POSES, _NUMBER = 128 << 20, 1000, 2_000_000, 1e6
#: Seconds from one frame to the next, and the rates a rounded one stands for, frames a second.
_TIMES = 0.001, 1.0
_RATES = 10, 12, 12.5, 15, 20, 24, 25, 30, 48, 50, 60, 72, 75, 80, 90, 96, 100, 120, 125, 144
_RATES += 150, 180, 200, 240, 250, 300, 360, 480, 500
#: How files of other encodings than UTF-8 begin.
_ENCODINGS = {
    **{b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"},
    **{b"H\0": "utf-16-le", b"\0H": "utf-16-be"},
}


@dataclass(eq=False)
class BvhJoint:
    """One joint of a file."""

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
    note: str  # what was not as the file says, for its user; empty otherwise

    def forward(self) -> tuple[np.ndarray, np.ndarray]:
        """(F, J, 3, 3) turns of the joints against the rest pose, and (F, J, 3) their places; the
        rotations of a joint are applied from left to right: R = R1 · R2 · R3."""
        shape = len(self.joints[0].values), len(self.joints), 1
        turns, places = np.tile(np.eye(3), (*shape, 1)), np.zeros((*shape[:2], 3))
        for row, joint in enumerate(self.joints):
            places[:, row] = joint.offset
            for axis, values in joint.moves("position"):
                places[:, row, "xyz".index(axis)] += self._added(joint, axis, values)
            for axis, values in joint.moves("rotation"):
                turns[:, row] = turns[:, row] @ rotation(axis, values)
            if joint.parent >= 0:
                above = turns[:, joint.parent]
                turns[:, row] = above @ turns[:, row]
                moved = np.einsum("fab,fb->fa", above, places[:, row])
                places[:, row] = places[:, joint.parent] + moved
        return turns, places

    @staticmethod
    def _added(joint: BvhJoint, axis: str, values: np.ndarray) -> np.ndarray:
        """(F,) what a position adds to the offset: some programs write it below the root with the
        offset in it, and then it is nearer to the offset than to 0."""
        whole = values - joint.offset["xyz".index(axis)]
        return whole if joint.parent >= 0 and abs(whole).sum() < abs(values).sum() else values

    def rest(self) -> np.ndarray:
        """(J, 3) joints of the rest pose, the roots at the origin."""
        places: list[np.ndarray] = []
        for joint in self.joints:
            root = joint.parent < 0
            places.append(np.zeros(3) if root else places[joint.parent] + joint.offset)
        return np.array(places)


def read_bvh(path: Path) -> Bvh:
    """Read a BVH file; a UserError for one that cannot be read, is cut off, or is no BVH."""
    head, *motion = re.split(r"(?<![^\s}])MOTION(?!\S)", _read_text(path), maxsplit=1)
    if not head.lstrip().startswith("HIERARCHY"):
        raise UserError(f"{path}: no BVH file: it does not begin with HIERARCHY")
    if motion and "," in motion[0] and "." not in motion[0]:  # decimals of other countries
        head, motion = head.replace(",", "."), [motion[0].replace(",", ".")]
    joints = _read_hierarchy(path, head)
    if not motion:
        raise UserError(f"{path}: cut off: it has no MOTION section")
    said = re.match(r"\s*Frames\s*:\s*(\S+)\s+Frame\s+Time\s*:\s*(\S+)", motion[0], re.IGNORECASE)
    try:
        count, frame_time = int(_plain(said[1])), float(_plain(said[2]))
    except (TypeError, ValueError):
        raise UserError(f"{path}: MOTION states no 'Frames:' and 'Frame Time:'") from None
    if not 1 <= count <= _POSES or not _TIMES[0] <= frame_time <= _TIMES[1]:
        raise UserError(
            f"{path}: {said[1]:.20} frames of {said[2]:.20} s each are no motion: there must be "
            f"1 to {_POSES} of {_TIMES[0]} to {_TIMES[1]} s"
        )
    values, note = _read_values(path, motion[0][said.end() :], joints, count)
    # As many as there are, or as there will be at 30 a second.
    if len(joints) * len(values) * max(1.0, 30 * frame_time) > _POSES:
        raise UserError(f"{path}: {len(values)} frames are too many: cut it into shorter clips")
    ends = np.cumsum([len(joint.channels) for joint in joints])
    for joint, columns in zip(joints, np.split(values, ends[:-1], axis=1), strict=True):
        joint.values = columns
        if any((scale != 1).any() for _, scale in joint.moves("scale")):
            raise UserError(f"{path}: joint {joint.name} is scaled: export the clip without scales")
    note = note or _note_of_radians(path, joints)
    # 0.033 is one 30th of a second; some programs cut digits off, and 0.066 is one 15th.
    digit, most = 10.0 ** -len(said[2].partition(".")[2]), 0.02 * frame_time
    below, above = min(0.5 * digit, most), min(digit, most)
    rates = [rate for rate in _RATES if -below <= 1 / rate - frame_time <= above]
    return Bvh(joints, 1 / rates[0] if len(rates) == 1 else frame_time, note)


def _read_text(path: Path) -> str:
    """A file's text without comments, which begin with # or //."""
    try:
        if not Path(path).is_file():
            raise UserError(f"{path}: is no file")
        with Path(path).open("rb") as file:
            raw = file.read(_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if len(raw) > _BYTES:
        raise UserError(f"{path}: larger than {_BYTES >> 20} MiB: cut it into shorter clips")
    encoding = next((_ENCODINGS[mark] for mark in _ENCODINGS if raw.startswith(mark)), "utf-8-sig")
    return re.sub(r"(?<!\S)(?:#|//)[^\r\n]*", "", raw.decode(encoding, "replace"))


def _plain(text: str) -> str:
    """A text, in which Python would also read 1_0 and digits of other scripts as numbers."""
    if "_" in text or not text.isascii():
        raise ValueError
    return text


def _note_of_radians(path: Path, joints: list[BvhJoint]) -> str:
    """That a clip, in which some joint turns, may be in radians: none turns by more than 2π."""
    angles = [values for joint in joints for _, values in joint.moves("rotation")]
    if max((abs(each).max() for each in angles), default=9) > 2 * np.pi or not any(
        map(np.ptp, angles)
    ):
        return ""
    return f"{path}: no joint turns by more than 6.3 degrees: are its rotations in radians?"


def _read_values(
    path: Path, text: str, joints: list[BvhJoint], count: int
) -> tuple[np.ndarray, str]:
    """(F, C) numbers of the ``count`` frames that a file states, or of more if it holds more lines
    of as many numbers as there are channels; and a note of that."""
    width = sum(len(joint.channels) for joint in joints)
    try:
        numbers = _plain(text).split()
        values = np.fromiter(map(float, numbers), float, len(numbers))
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
    if rest or (there > count and {len(line.split()) for line in text.splitlines()} - {0, width}):
        raise UserError(f"{path}: holds more numbers than {count} frames of {width} channels have")
    note = f"{path}: says {count} frames and holds {there}: all are used" if there > count else ""
    return values.reshape(there, width), note


def _read_hierarchy(path: Path, head: str) -> list[BvhJoint]:
    """The joints, parents first.  Statements may share lines, or take several."""
    joints: list[BvhJoint] = []
    inside: list[int | None] = []  # rows of those whose braces are open; None for an End Site
    found = re.finditer(r"[{}]|[^\s{}]+", head)
    words = (match.group() for match in found)
    next(words)  # HIERARCHY
    for statement in found:
        kind = statement.group()
        try:
            if kind == "}":
                inside.pop()
            elif kind in ("ROOT", "JOINT", "End"):
                if bool(inside) == (kind == "ROOT") or (inside and inside[-1] is None):
                    raise ValueError
                name = " ".join(takewhile(lambda word: word != "{", words))
                if not 0 < len(name) < 200:
                    raise ValueError
                if len(joints) == _JOINTS:
                    raise UserError(f"{path}: more than {_JOINTS} joints")
                if kind != "End":
                    joints.append(BvhJoint(name, inside[-1] if inside else -1))
                inside.append(None if kind == "End" else len(joints) - 1)
            elif kind == "OFFSET":
                offset = np.array([float(_plain(word)) for word in islice(words, 3)])
                if offset.shape != (3,) or not (abs(offset) <= _NUMBER).all():
                    raise ValueError
                if inside[-1] is not None:
                    joints[inside[-1]].offset = offset
            elif kind == "CHANNELS" and inside[-1] is not None:
                count = int(_plain(next(words)))
                channels = [word.lower() for word in islice(words, min(count, 10))]
                known = re.compile("[xyz](position|rotation|scale)").fullmatch
                if len({*channels}) != count or not all(map(known, channels)):
                    raise ValueError
                joints[inside[-1]].channels = channels
            else:
                raise ValueError
        except (ValueError, IndexError, StopIteration):
            line, start = head.count("\n", 0, statement.start()) + 1, statement.start()
            text = head[start : start + 60].partition("\n")[0].strip()
            raise UserError(f"{path}: line {line} is no BVH: {text!r}") from None
    if inside:
        raise UserError(f"{path}: cut off: the HIERARCHY is not closed")
    if not joints:
        raise UserError(f"{path}: the HIERARCHY has no joint")
    if lost := [joint.name for joint in joints if joint.offset is None]:
        raise UserError(f"{path}: joint {lost[0]} has no OFFSET")
    return joints
