"""Things in use, fitted to the hands that hold them: sheets, boxes, wheels, tables."""

from functools import partial

import numpy as np

from dataset.synthetic.body.poser import Poser
from dataset.synthetic.rotations import SIDES, unit
from dataset.synthetic.scene.clutter import draw_held, mesh, paper, printed, solid, vessel
from dataset.synthetic.scene.furniture import NO_THINGS, Things, together

#: Half the thickness of hands and thighs, of fingertips, knuckles, wrists and elbows on a table.
_HAND, _THIGH = 2.0, 10.0
_ON_TABLE = {
    **{f"Hand{finger}3": 1.2 for finger in ("Index", "Middle", "Pinky", "Thumb")},
    **{"HandMiddle1": 2.0, "Hand": 3.0, "ForeArm": 5.0},
}
_UP = np.array([0.0, 1.0, 0.0])
#: Nothing in use comes nearer to the camera.
_CLEAR = 6.0


class _Person:
    """What things are fitted to; arrays with two rows are (left, right)."""

    def __init__(self, poser: Poser, joints: np.ndarray, turns: np.ndarray):
        self._row = row = poser.bones.row
        self._joints = joints
        out = -turns[[row["LeftHand"], row["RightHand"]], :, 1]
        palms = 0.3 * self.bones("Hand") + 0.7 * self.bones("HandMiddle1") + _HAND * out
        self.across, self.middle = palms[0] - palms[1], palms.mean(0)
        self.eyes = joints[row["Head"]] + turns[row["Head"]] @ [0.0, 8.0, 10.0]
        self.ahead = unit(turns[row["Spine1"]][:, 2] * (1.0, 0.0, 1.0))
        trunk = joints[[row[name] for name in ("Hips", "Spine", "Spine1")]]
        self.belly = trunk[(trunk @ self.ahead).argmax()] + (poser.volumes.front + 3) * self.ahead
        self.thighs = max(self.bones(name)[:, 1].max() for name in ("UpLeg", "Leg")) + _THIGH

    def bones(self, name: str) -> np.ndarray:
        """(2, 3) joints by their name without the side."""
        return self._joints[[self._row[side + name] for side, _ in SIDES]]


def _put(thing: Things, at: np.ndarray, y: np.ndarray, z: np.ndarray) -> Things:
    """A thing with its origin at (3,), its y axis along ``y`` and its z axis near ``z``."""
    y, x = unit(y), unit(np.cross(y, z))
    points = thing.vertices @ np.array([x, y, np.cross(x, y)]) + at
    return thing._replace(vertices=points.astype(np.float32))


def _sheet(rng: np.random.Generator, who: _Person) -> Things:
    """A newspaper or a book held at its sides, about facing the eyes, clear of belly and thighs."""
    sight = unit(who.eyes - who.middle) - rng.uniform(0.0, 0.6) * who.ahead
    wide, up = np.linalg.norm(who.across), unit(np.cross(who.across, sight))
    tall, back = wide * rng.uniform(0.6, 1.8), (who.middle - who.belly) @ who.ahead
    room = max(2.0, min((who.middle[1] - who.thighs) / up[1], 1.2 * back))
    below = min(rng.uniform(0.1, 0.5) * tall, room)
    v, u = np.mgrid[-below : tall - below : 25j, -0.5:0.5:25j]
    fold = rng.uniform(0.0, 0.12) * wide * (1 - 2 * np.abs(u))
    sheet = mesh(rng, np.stack([u * (wide + 3.0), fold, -v], -1), False, 1.0)
    return _put(printed(rng, sheet, 24), who.middle, np.cross(who.across, up), -up)


def _box(rng: np.random.Generator, who: _Person) -> Things:
    """Between the palms, clear of the belly."""
    deep, tall = rng.uniform(15.0, 38.0), rng.uniform(10.0, 32.0)
    up = unit(np.cross(who.ahead, who.across))
    box = solid(rng, np.array([np.linalg.norm(who.across), tall, deep]), 0.06, 0.4)
    ahead = max(0.0, deep / 2 - (who.middle - who.belly) @ who.ahead)
    low = who.middle - rng.uniform(0.3, 0.6) * tall * up
    return _put(box, low + ahead * who.ahead, up, np.cross(who.across, up))


def _wheel(rng: np.random.Generator, who: _Person) -> Things:
    """A steering wheel whose rim goes through both hands."""
    half, slope = np.linalg.norm(who.across) / 2, np.radians(rng.uniform(15.0, 40.0))
    radius, across = max(half * 1.02, rng.uniform(17.0, 19.5)), unit(who.across)
    axis = np.sin(slope) * _UP - np.cos(slope) * who.ahead  # to the driver
    axis = unit(axis - (axis @ across) * across)
    angle, around = np.linspace(0, 2 * np.pi, 33)[:, None], np.linspace(0, 2 * np.pi, 9)[:-1]
    out, tube = radius + 1.5 * np.cos(around), 1.5 * np.sin(around)
    ring = np.cos(angle) * out, tube + 0 * angle, np.sin(angle) * out
    rim = mesh(rng, np.stack(ring, -1), True, 1.0)
    rim = rim._replace(ends=np.arange(24, 265, 24))  # the shadow is open
    hub = solid(rng, np.array([0.7 * radius, 3.0, 0.6 * radius]), 0.5, 1.0)
    wheel = together([rim, hub, solid(rng, np.array([2 * radius, 1.5, 4.0]), 0.15, 1.0)])
    wheel.colours[:] = rng.uniform(0.01, 0.1)
    centre = who.middle + np.sqrt(radius**2 - half**2) * np.cross(axis, across)  # below
    return _put(wheel, centre, axis, np.cross(across, axis))


def _table(rng: np.random.Generator, who: _Person, keys: bool = False) -> Things:
    """A table below the hands, things on it, over the thighs; none where there is no room."""
    edge, left = who.belly @ who.ahead, np.cross(_UP, who.ahead)
    points = np.concatenate([who.bones(name) - room * _UP for name, room in _ON_TABLE.items()])
    over = points[points @ who.ahead > edge]
    top = over[:, 1].min(initial=1e3) - 2.0 * keys
    if not who.thighs + 3.0 < top < 110.0:
        return NO_THINGS
    deep = max(rng.uniform(45.0, 80.0), (over @ who.ahead).max() - edge + 4.0)
    wide, middle = rng.uniform(95.0, 160.0), who.belly * (1.0, 0.0, 1.0) + deep / 2 * who.ahead

    def stand(thing: Things, aside: float, up: float, ahead: float, turn: float = 0.0) -> Things:
        at = middle + aside * left + up * _UP + ahead * who.ahead
        return _put(thing, at, _UP, who.ahead + turn * left)

    parts = [stand(solid(rng, np.array([wide, 3.0, deep]), 0.03, 1.0), 0.0, top - 3.0, 0.0)]
    leg = solid(rng, np.array([4.0, top - 3.0, 4.0]), 0.1, 1.0)
    parts += [stand(leg, x * wide, 0.0, z * deep) for x in (-0.45, 0.45) for z in (-0.42, 0.45)]
    tips = who.bones("HandMiddle3").mean(0) - middle
    if keys:
        board = solid(rng, rng.uniform((30, 1.8, 11), (45, 1.8, 15)), 0.1, 0.3)
        parts.append(stand(board, tips @ left, top, tips @ who.ahead))
    for _ in range(int(rng.integers(0, 4))):  # beyond the hands
        thing = (paper, vessel)[rng.integers(2)](rng)
        ahead = deep / 2 - 15.0 - rng.random() * max(0.0, deep / 2 - 15.0 - tips @ who.ahead)
        parts.append(stand(thing, rng.uniform(-0.35, 0.35) * wide, top, ahead, rng.normal()))
    return together(parts)


_FITS = {"sheet": _sheet, "box": _box, "wheel": _wheel, "table": _table}
_FITS["keyboard"] = partial(_table, keys=True)


def draw_in_use(
    rng: np.random.Generator,
    what: str,
    poser: Poser,
    joints: np.ndarray,
    turns: np.ndarray,
    camera: np.ndarray,
) -> Things:
    """A thing in use in the hands of a body with (J, 3) joints and (J, 3, 3) turns on top of the
    T-pose, none where it would be at the ``camera`` (3,); for "" what is held at times."""
    if not what:
        return draw_held(rng, joints, turns, poser.body.rig.names)
    if what in _FITS:
        things = _FITS[what](rng, _Person(poser, joints, turns))
    else:
        things = draw_held(rng, joints, turns, poser.body.rig.names, what)
    distance = np.linalg.norm(things.vertices - camera, axis=1)
    return things if distance.min(initial=np.inf) > _CLEAR else NO_THINGS
