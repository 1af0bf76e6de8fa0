"""What a person does over time: clips of some seconds, one after another, blended, 30 frames a
second, on one small circle of floor."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from dataset.synthetic.body.pose import Pose, stack
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.motion.programs import CLIPS, perform, shares_of
from dataset.synthetic.motion.take import Path, Take, ease
from dataset.synthetic.motion.walking import TRAVELLING

FRAMES_PER_SECOND = 30
#: Seconds in which one clip goes over into the next, and where someone gets down or up for it.
_BLEND, _SLOW_BLEND = 1.0, 1.8
_GETS_DOWN = {"lower_stretching", "Sitting_Thumbs_Up", "Sitting_Disapproval", "Petting_Animal"}
_BLOCK = 32
_TRIES = 4
_TOLERATED = 0.04


@dataclass(frozen=True)
class Clip:
    """One clip of a timeline.

    Attributes:
        action: its name.
        first: its first frame; the blend from the one before begins there.
        blend: seconds in which it takes over from the clip before; its own time begins after.
        duration: seconds after the blend.
        path: where it happens.
        steps, step_length: of those that walk; centimetres.
    """

    action: str
    first: int
    blend: float
    duration: float
    path: Path
    steps: int
    step_length: float


class Timeline:
    """The clips of one person in one environment.

    Args:
        poser: of the person.
        random: gives the random numbers of a purpose from its integer key.
        checked: draw clips anew in which limbs go through the body too often; where frames are
            picked one by one, single frames are looked at instead.
        camera: (3,) from the head joint, which hands keep clear of, centimetres.
        clips: names of those that are performed; all for none.
    """

    def __init__(
        self,
        poser: Poser,
        random: Callable[..., np.random.Generator],
        camera: np.ndarray,
        checked: bool = False,
        clips: Sequence[str] = (),
    ):
        self._poser, self._random, self._checked = poser, random, checked
        self._camera, self._shares = camera, shares_of(clips)
        self._rng = random(0)
        rng = self._rng
        centre = rng.uniform(-25.0, 25.0, 2)
        sense = 1.0 if rng.random() < 0.5 else -1.0
        self._path = Path(tuple(centre.tolist()), float(rng.uniform(85.0, 125.0)), sense)
        self._angle = float(rng.uniform(0, 2 * math.pi))
        self._clips: list[Clip] = []
        self._takes: dict[int, Take] = {}
        self._end = 0

    def _extend(self) -> None:
        """Plan the next clips; what they are depends on nothing but their place."""
        rng, leg = self._rng, self._poser.bones.leg_length
        actions = rng.choice(len(CLIPS), size=_BLOCK, p=self._shares)
        frames = rng.integers(110, 216, _BLOCK)
        facing = np.clip(rng.normal(0.0, 45.0, _BLOCK), -80.0, 80.0)
        share = rng.random(_BLOCK)
        for row in range(_BLOCK):
            action, count = CLIPS[actions[row]], int(frames[row])
            down = action in _GETS_DOWN or (self._clips and self._clips[-1].action in _GETS_DOWN)
            blending = _SLOW_BLEND if down else _BLEND
            duration = count / FRAMES_PER_SECOND - blending
            steps, length = 0, 0.0
            turned = float(facing[row])
            if action in TRAVELLING:
                low, high, pace = TRAVELLING[action]
                length = leg * (low + (high - low) * float(share[row]))
                steps, turned = max(2, round(duration * pace)), 0.0
            path = self._path
            path = Path(path.centre, path.radius, path.sense, self._angle, turned)
            self._clips.append(Clip(action, self._end, blending, duration, path, steps, length))
            self._end += count
            self._angle += path.sense * steps * length / path.radius

    def clip(self, number: int) -> Clip:
        """One clip by its number."""
        while number >= len(self._clips):
            self._extend()
        return self._clips[number]

    def at(self, frame: int) -> int:
        """Number of the clip a frame belongs to."""
        while frame >= self._end:
            self._extend()
        low, high = 0, len(self._clips)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._clips[middle].first <= frame else (low, middle)
        return low

    def _new_take(self, number: int, attempt: int) -> Take:
        clip = self.clip(number)
        poser = self._poser
        return Take(
            self._random(number + 1, attempt),
            clip.duration,
            clip.path,
            clip.steps,
            clip.step_length,
            poser.bones.leg_length,
            poser.bones.hip,
        )

    def take(self, number: int) -> Take:
        """The performance of a clip."""
        if number not in self._takes:
            self._takes[number] = self._choose(number)
        return self._takes[number]

    def _choose(self, number: int) -> Take:
        if not self._checked:
            return self._new_take(number, 0)
        clip, best = self.clip(number), (2.0, None)
        times = np.arange(0.0, clip.duration, 0.2)
        for attempt in range(_TRIES):
            take = self._new_take(number, attempt)
            poses = stack([perform(clip.action, take, float(time)) for time in times])
            joints, turns = self._poser.place(poses)
            share = float(self._poser.volumes.hit(joints, turns, self._camera).mean())
            if share < best[0]:
                best = share, take
            if share <= _TOLERATED:
                break
        return best[1]

    def pose(self, frame: int) -> tuple[str, Pose]:
        """Action and pose of a frame."""
        number = self.at(frame)
        clip = self.clip(number)
        since = (frame - clip.first) / FRAMES_PER_SECOND
        pose = perform(clip.action, self.take(number), since - clip.blend)
        if since < clip.blend and number > 0:
            before = self.clip(number - 1)
            gone = (frame - before.first) / FRAMES_PER_SECOND - before.blend
            old = perform(before.action, self.take(number - 1), gone)
            pose = blend(
                old, pose, since / clip.blend, self._poser.bones.leg_length, self._poser.bones.hip
            )
        return clip.action, pose

    def place(
        self, frames: list[int]
    ) -> tuple[list[str], dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """Frames as the poser places them.

        Returns:
            N actions, the fields of N poses, (N, J, 3) joints and (N, J, 3, 3) turns of the bones,
            see :meth:`Poser.place`.
        """
        actions, poses = zip(*(self.pose(frame) for frame in frames), strict=True)
        stacked = stack(list(poses))
        return list(actions), stacked, *self._poser.place(stacked)


def _turned(x: float, z: float, degrees: float) -> tuple[float, float]:
    """Body axes at a heading → world axes."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return x * c + z * s, z * c - x * s


def blend(old: Pose, new: Pose, share: float, leg: float, hip: float) -> Pose:
    """Between two poses: the trunk goes over smoothly, the feet step over one after the other.

    Args:
        old, new: the poses.
        share: 0 for the old one, 1 for the new one.
        leg, hip: length of the legs and half the distance between the hips, centimetres.
    """
    mixed, weight = Pose(), ease(share)
    for each in fields(Pose):
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
            spots.append((pose.root[0] + x, pose.root[1] + z))
            headings.append(base + sign * pose.toe_out[side])
        moved = math.dist(*spots)
        x = spots[0][0] * (1 - step) + spots[1][0] * step - mixed.root[0]
        z = spots[0][1] * (1 - step) + spots[1][1] * step - mixed.root[1]
        x, z = _turned(x, z, -mixed.root[2])
        height = old.foot[side, 1] * (1 - step) + new.foot[side, 1] * step
        height += min(0.09, 0.4 * moved / leg) * math.sin(math.pi * step) ** 2
        mixed.foot[side] = ((sign * x - hip) / leg, height, z / leg)
        heading = headings[0] * (1 - step) + headings[1] * step
        mixed.toe_out[side] = sign * (heading - mixed.root[2])
    return mixed
