"""What a person does over time: clips of some seconds, blended, on one small circle of floor."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from dataset.synthetic.body.pose import BodyPose, stack
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.motion.everyday import ACTIVITIES, instead
from dataset.synthetic.motion.performance import CirclePath, Clip, Performance, ease
from dataset.synthetic.motion.programs import CLIPS, perform, shares_of
from dataset.synthetic.motion.walking import TRAVELLING
from dataset.synthetic.rotations import rotation

FRAMES_PER_SECOND = 30
#: Seconds in which one clip goes over into the next, and where someone gets down or up for it.
_BLEND, _SLOW_BLEND = 1.0, 1.8
_GETS_DOWN = {"lower_stretching", "Sitting_Thumbs_Up", "Sitting_Disapproval", "Petting_Animal"}
_BLOCK = 32
_TRIES, _ATTEMPTS = 4, 8
_TOLERATED = 0.04


@dataclass(frozen=True)
class Frames:
    """N frames, world axes: centimetres, y up, the floor at y = 0."""

    actions: np.ndarray  # (N,) clip names
    joints: np.ndarray  # (N, J, 3)
    turns: np.ndarray  # (N, J, 3, 3) turns of the bones on top of the T-pose
    seats: np.ndarray  # (N, 4) x, height (0 for none), z of a seat's top, its heading in radians
    uses: np.ndarray  # (N,) what is used, as :func:`scene.in_use.draw_in_use` takes it, or ""


class Timeline:
    """The clips of one person in one environment; ``random`` gives the random numbers of a key.

    Where ``checked``, clips in which limbs go through the body, or the ``camera`` (3,) centimetres
    from the head joint, are drawn anew. ``clips`` are performed, all for none; by the numbers of
    ``everyday`` people do what they do every day instead of some on the spot."""

    def __init__(
        self,
        poser: Poser,
        random: Callable[..., np.random.Generator],
        camera: np.ndarray,
        checked: bool = False,
        clips: Sequence[str] = (),
        everyday: np.random.Generator | None = None,
    ):
        self._poser, self._random, self._rng = poser, random, (rng := random(0))
        self._camera, self._checked = camera, checked
        self._shares, self._everyday = shares_of(clips), everyday
        centre = tuple(rng.uniform(-25.0, 25.0, 2).tolist())
        sense = 1.0 if rng.random() < 0.5 else -1.0
        radius = float(rng.uniform(85.0, 125.0))
        # Where the next clip begins.
        self._path = CirclePath(centre, radius, sense, float(rng.uniform(0, 2 * math.pi)))
        self._clips: list[Clip] = []
        self._performances: dict[int, Performance] = {}
        self._end = 0

    def _extend(self) -> None:
        """Plan the next clips; what they are depends on nothing but their place."""
        rng, leg = self._rng, self._poser.bones.leg_length
        draws = (
            rng.choice(len(CLIPS), size=_BLOCK, p=self._shares),
            rng.integers(110, 216, _BLOCK).tolist(),
            np.clip(rng.normal(0.0, 45.0, _BLOCK), -80.0, 80.0).tolist(),
            rng.random(_BLOCK).tolist(),
            self._everyday.random(_BLOCK) if self._everyday else np.ones(_BLOCK),
        )
        for number, frames, facing, share, lot in zip(*draws, strict=True):
            everyday = "" if (action := CLIPS[number]) in TRAVELLING else instead(lot)
            if everyday:
                action = ACTIVITIES[everyday].action
            before = self._clips[-1].action if self._clips else None
            blend = _SLOW_BLEND if {action, before} & _GETS_DOWN else _BLEND
            duration = frames / FRAMES_PER_SECOND - blend
            steps, length, path = 0, 0.0, replace(self._path, facing=facing)
            if action in TRAVELLING:
                low, high, pace = TRAVELLING[action]
                steps, path = max(2, round(duration * pace)), self._path
                length = leg * (low + (high - low) * share)
            clip = Clip(action, self._end, blend, duration, path, steps, length, everyday)
            self._clips.append(clip)
            self._end += frames
            angle = path.start + path.sense * steps * length / path.radius
            self._path = replace(self._path, start=angle)

    def _performance(self, number: int) -> Performance:
        """The performance of a clip; where they are checked, the first that is good enough."""
        if number not in self._performances:
            clip, poser, bones, best = self._clips[number], self._poser, self._poser.bones, 2.0
            for attempt in range(_TRIES if self._checked else 1):
                rng = self._random(number + 1, attempt)
                act = Performance(rng, clip, bones.leg_length, bones.hip)
                share = 0.0
                if self._checked:
                    times = np.arange(0.0, clip.duration, 0.2).tolist()
                    placed = poser.place(stack([perform(act, time) for time in times]))
                    share = poser.volumes.hit(*placed, self._camera).mean()
                if share < best:
                    best, self._performances[number] = share, act
                if share <= _TOLERATED:
                    break
        return self._performances[number]

    def pose(self, frame: int) -> tuple[str, BodyPose, str]:
        """Action and pose of a frame, and what is used."""
        while frame >= self._end:
            self._extend()
        number = bisect_right(self._clips, frame, key=lambda clip: clip.first) - 1
        clip, bones = self._clips[number], self._poser.bones
        since = (frame - clip.first) / FRAMES_PER_SECOND
        pose = perform(self._performance(number), since - clip.blend)
        if number == 0 or since >= clip.blend:
            return clip.action, pose, ACTIVITIES[clip.everyday].uses if clip.everyday else ""
        before = self._clips[number - 1]
        time = (frame - before.first) / FRAMES_PER_SECOND - before.blend
        old = perform(self._performance(number - 1), time)
        return clip.action, _blend(old, pose, since / clip.blend, bones.leg_length, bones.hip), ""

    def place(self, frames: list[int]) -> Frames:
        """Frames of the person, posed and put into the world."""
        poser = self._poser
        actions, poses, uses = zip(*map(self.pose, frames), strict=True)
        joints, turns = poser.place(poses := stack(poses))
        x, z, degrees = poses["root"].T
        heading, world = np.radians(degrees), rotation("y", degrees)
        joints = np.einsum("nab,njb->nja", world, joints)
        joints[..., [0, 2]] += poses["root"][:, None, :2]
        back = poses["seat_back"] * poser.bones.leg_length
        height = np.where(poses["seat"] > 0, poser.seat_height(poses["seat"]), 0.0)
        x, z = x - back * np.sin(heading), z - back * np.cos(heading)
        seats = np.stack([x, height, z, heading], -1)
        actions, uses = np.array([actions, uses], object)
        return Frames(actions, joints, world[:, None] @ turns, seats, uses)


def _turned(x: float, z: float, degrees: float) -> tuple[float, float]:
    """Body axes at a heading → world axes."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return x * c + z * s, z * c - x * s


def _blend(old: BodyPose, new: BodyPose, share: float, leg: float, hip: float) -> BodyPose:
    """Between two poses by ``share``: the trunk goes over smoothly, the feet step in turn."""
    mixed, weight = BodyPose(), ease(share)
    for each in fields(BodyPose):
        a, b = getattr(old, each.name), getattr(new, each.name)
        setattr(mixed, each.name, a * (1 - weight) + b * weight)
    change = (new.root[2] - old.root[2] + 180.0) % 360.0 - 180.0
    mixed.root[2] = old.root[2] + weight * change
    if old.seat and new.seat:
        mixed.seat, mixed.seat_back = new.seat, new.seat_back
    for side, sign, begin in ((0, 1.0, 0.0), (1, -1.0, 0.42)):
        step = ease((share - begin) / 0.58)
        spots, headings = [], []
        for pose, base in ((old, old.root[2]), (new, old.root[2] + change)):
            aside = sign * (pose.foot[side, 0] * leg + hip)
            x, z = _turned(aside, pose.foot[side, 2] * leg, base)
            spots.append(np.add(pose.root[:2], (x, z)))
            headings.append(base + sign * pose.toe_out[side])
        moved = math.dist(*spots)
        spot = spots[0] * (1 - step) + spots[1] * step - mixed.root[:2]
        x, z = _turned(*spot, -mixed.root[2])
        height = old.foot[side, 1] * (1 - step) + new.foot[side, 1] * step
        height += min(0.09, 0.4 * moved / leg) * math.sin(math.pi * step) ** 2
        mixed.foot[side] = ((sign * x - hip) / leg, height, z / leg)
        heading = headings[0] * (1 - step) + headings[1] * step
        mixed.toe_out[side] = sign * (heading - mixed.root[2])
    return mixed


def draw_frames(
    poser: Poser, camera: np.ndarray, place: Callable, starts: list[int], stride: int, draws: list
) -> Frames:
    """Of each of N ``starts`` one of the ``stride`` frames that a timeline's ``place`` gives from
    there on, by its own generator of ``draws``: if there is a choice, none in which an arm goes
    through the body or near the ``camera``, (3,) centimetres from the head joint."""
    if stride == 1:
        return place(starts)
    rows, frames = np.arange(len(starts)), None
    for _ in range(_ATTEMPTS):
        drawn = place([starts[row] + int(draws[row].integers(stride)) for row in rows])
        frames = frames or drawn
        for name, values in vars(drawn).items():
            getattr(frames, name)[rows] = values
        rows = rows[poser.volumes.hit(drawn.joints, drawn.turns, camera)]
        if not len(rows):
            break
    return frames
