"""Frames of a person: draw poses, throw away impossible ones, put the rest into the world."""

from dataclasses import dataclass

import numpy as np

from dataset.synthetic.body import Body
from dataset.synthetic.motion import draw_action, draw_pose
from dataset.synthetic.posing import Poser, stack
from dataset.synthetic.rig import Rig, camera_poses

_ATTEMPTS = 12


@dataclass(frozen=True)
class Frames:
    """N frames of one person, world axes (centimetres, y up, floor at y = 0).

    Attributes:
        actions: N clip names.
        joints: (N, J, 3) joints.
        turns: (N, J, 3, 3) turns of the bones on top of the T-pose.
        seats: (N,) height of the seat, 0 for none.
        trans: (N, 3) camera position.
        rot: (N, 3) camera angles, degrees.
    """

    actions: list[str]
    joints: np.ndarray
    turns: np.ndarray
    seats: np.ndarray
    trans: np.ndarray
    rot: np.ndarray


class Trunk:
    """A rough trunk, head and thighs to keep the arms out of."""

    def __init__(self, body: Body):
        rig = body.rig
        self._rig = rig
        trunk = np.isin(rig.main_bone, [rig.index(name) for name in ("Spine", "Spine1", "Spine2")])
        skin = body.vertices[trunk]
        self.half_width = float(np.percentile(np.abs(skin[:, 0]), 80))
        self.back, self.front = (float(v) for v in np.percentile(skin[:, 2], (4, 96)))

    def hit(self, joints: np.ndarray, turns: np.ndarray, rig: Rig) -> np.ndarray:
        """(N,) whether an arm goes through trunk, head, thigh, camera or the other arm."""
        row = self._rig.index
        bad = np.zeros(len(joints), bool)
        spine = joints[:, row("Spine1")]
        chest = turns[:, row("Spine1")]
        middle = (self.front + self.back) / 2
        depth = (self.front - self.back) / 2
        head = joints[:, row("Head")] + turns[:, row("Head")] @ np.array([0.0, 7.0, 3.0])
        camera = joints[:, row("Head")] + turns[:, row("Head")] @ rig.offset
        bad |= (np.linalg.norm(joints - camera[:, None], axis=-1) < 8.0).any(1)
        arms = []
        for side in ("Left", "Right"):
            elbow = joints[:, row(f"{side}ForeArm")]
            wrist = joints[:, row(f"{side}Hand")]
            knuckles = joints[:, row(f"{side}HandMiddle1")]
            points = np.stack(
                [elbow, (elbow + wrist) / 2, wrist, knuckles, 2 * knuckles - wrist], 1
            )
            arms.append(points)
            local = np.einsum("nba,npb->npa", chest, points - spine[:, None])
            ellipse = (local[..., 0] / (self.half_width + 3.0)) ** 2
            ellipse += ((local[..., 2] - middle) / (depth + 3.0)) ** 2
            beside = (local[..., 1] > -28.0) & (local[..., 1] < 30.0)
            bad |= (beside & (ellipse < 0.9)).any(1)
            bad |= (np.linalg.norm(points - head[:, None], axis=-1) < 12.0).any(1)
            for leg in ("Left", "Right"):
                near = _to_segment(
                    points, joints[:, row(f"{leg}UpLeg")], joints[:, row(f"{leg}Leg")]
                )
                bad |= (near < 8.5).any(1)
            bad |= (points[..., 1] < 2.5).any(1)
        apart = np.linalg.norm(arms[0][:, :, None] - arms[1][:, None], axis=-1)
        bad |= (apart < 6.0).any((1, 2))
        knees = joints[:, row("LeftLeg")] - joints[:, row("RightLeg")]
        bad |= np.linalg.norm(knees, axis=-1) < 9.0
        return bad


def _to_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(N, P) distance of (N, P, 3) points from N segments."""
    along = (end - start)[:, None]
    share = ((points - start[:, None]) * along).sum(-1) / (along * along).sum(-1)
    nearest = start[:, None] + np.clip(share, 0, 1)[..., None] * along
    return np.linalg.norm(points - nearest, axis=-1)


def draw_frames(
    body: Body, rig: Rig, draws: list[np.random.Generator], roam: float = 40.0
) -> Frames:
    """Draw one frame from each generator.

    A pose whose arms go through the body is drawn again, a few times.

    Args:
        body: the person.
        rig: how they wear the headset.
        draws: one generator per frame, so that a frame does not depend on its neighbours.
        roam: how far from the world's origin people stray, centimetres.
    """
    poser, trunk = Poser(body), Trunk(body)
    actions = [draw_action(rng) for rng in draws]
    count = len(draws)
    joints = turns = None
    seats = np.zeros(count)
    open_rows = np.arange(count)
    for attempt in range(_ATTEMPTS):
        poses = stack([draw_pose(actions[row], draws[row]) for row in open_rows])
        new_joints, new_turns = poser.place(poses)
        if joints is None:
            joints, turns = np.empty_like(new_joints), np.empty_like(new_turns)
        joints[open_rows], turns[open_rows] = new_joints, new_turns
        seats[open_rows] = poses["seat"] * poser.leg_length
        open_rows = open_rows[trunk.hit(new_joints, new_turns, rig)]
        if len(open_rows) == 0 or attempt == _ATTEMPTS - 1:
            break
    heading = np.array([rng.uniform(-np.pi, np.pi) for rng in draws])
    place = np.array([rng.uniform(-roam, roam, 2) for rng in draws])
    c, s = np.cos(heading), np.sin(heading)
    world = np.zeros((count, 3, 3))
    world[:, 1, 1] = 1.0
    world[:, 0, 0] = world[:, 2, 2] = c
    world[:, 0, 2], world[:, 2, 0] = s, -s
    joints = np.einsum("nab,njb->nja", world, joints)
    joints[..., 0] += place[:, None, 0]
    joints[..., 2] += place[:, None, 1]
    turns = world[:, None] @ turns
    head = body.rig.index("Head")
    trans, rot = camera_poses(rig, joints[:, head], turns[:, head])
    return Frames(actions, joints, turns, seats, trans, rot)


#: How far a joint may lie under the surface that is seen before it, centimetres for a body 170 cm
#: tall, by the start of its name without the side: half the thickness of the flesh and the cloth
#: around it, with some room.  Beyond that something else is in between.
_FLESH = {
    "HandThumb": 3.5,
    "Hand": 4.5,
    "ForeArm": 8.0,
    "Arm": 11.0,
    "Shoulder": 11.0,
    "UpLeg": 17.0,
    "Leg": 10.0,
    "Foot": 9.0,
    "ToeBase": 6.0,
    "Neck": 14.0,
    "Head": 16.0,
    "Hips": 22.0,
    "Spine": 22.0,
}


def occluded(lead: np.ndarray, body: Body) -> np.ndarray:
    """Which joints are hidden.

    Args:
        lead: (J,) centimetres by which the first surface on the way from the camera to each joint
            lies before the joint.
        body: whose joints they are.

    Returns:
        (J,) bool.
    """
    plain = [name.removeprefix("Left").removeprefix("Right") for name in body.rig.names]
    flesh = [next(cm for start, cm in _FLESH.items() if name.startswith(start)) for name in plain]
    return lead > np.array(flesh) * float(np.ptp(body.vertices[:, 1])) / 170.0


def seat_of(frames: Frames, row: int, names: tuple[str, ...]) -> tuple[np.ndarray, float] | None:
    """Top centre and heading of the seat in a frame, None where nobody sits on one."""
    if frames.seats[row] == 0:
        return None
    hips = frames.joints[row, names.index("Hips")]
    forward = frames.turns[row, names.index("Hips"), :, 2]
    top = np.array([hips[0], hips[1] - 13.0, hips[2]])
    return top, float(np.arctan2(forward[0], forward[2]))
