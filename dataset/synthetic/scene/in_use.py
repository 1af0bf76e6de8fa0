"""Things in use, fitted to the hands that hold them: sheets, boxes, wheels, tables and what is on them.

Axes and units are the world's: centimetres, y up, the floor at y = 0.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dataset.synthetic.body.poser import Poser
from dataset.synthetic.clothes.outfit import cloth_colour
from dataset.synthetic.rotations import SIDES
from dataset.synthetic.scene.clutter import mesh, paper, solid, vessel
from dataset.synthetic.scene.furniture import NO_THINGS, Things, together

#: Half the thickness of a hand, a forearm and a thigh with its cloth, centimetres.
_HAND, _ARM, _THIGH = 2.0, 5.0, 10.0
#: Nothing comes nearer to the camera.
_CLEAR = 6.0


class _Person(NamedTuple):
    """What things are fitted to; arrays with two rows are (left, right)."""

    palms: np.ndarray  # (2, 3) on the skin, in the middle
    out: np.ndarray  # (2, 3) the way the palms look
    thumbward: np.ndarray  # (2, 3) across the palms
    fingers: np.ndarray  # (2, 3) the way stretched fingers point
    bones: Callable[[str], np.ndarray]  # (2, 3) joints by their name without the side
    eyes: np.ndarray  # (3,)
    mouth: np.ndarray  # (3,)
    ahead: np.ndarray  # (3,) level
    front: np.ndarray  # (3,) on the belly, or before it

    @property
    def near(self) -> int:
        """The side of the hand nearer to the eyes."""
        return int(np.linalg.norm(self.palms - self.eyes, axis=1).argmin())


def _person(poser: Poser, joints: np.ndarray, turns: np.ndarray) -> _Person:
    row = poser.bones.row

    def bones(name: str) -> np.ndarray:
        return joints[[row[side + name] for side, _ in SIDES]]

    hands = turns[[row[f"{side}Hand"] for side, _ in SIDES]]
    out, thumbward = -hands[:, :, 1], hands[:, :, 2]
    fingers = hands[:, :, 0] * np.array([[1.0], [-1.0]])
    palms = 0.3 * bones("Hand") + 0.7 * bones("HandMiddle1") + _HAND * out
    head, turn = joints[row["Head"]], turns[row["Head"]]
    ahead = _unit(turns[row["Spine1"]][:, 2] * (1.0, 0.0, 1.0))
    trunk = joints[[0, row["Spine"], row["Spine1"]]]
    front = trunk[(trunk @ ahead).argmax()] + (poser.volumes.front + 3.0) * ahead
    eyes, mouth = (head + turn @ np.array(at) for at in ((0.0, 8.0, 10.0), (0.0, 0.0, 11.0)))
    return _Person(palms, out, thumbward, fingers, bones, eyes, mouth, ahead, front)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _put(thing: Things, at: np.ndarray, y: np.ndarray, z: np.ndarray) -> Things:
    """A thing with its origin at (3,), its y axis along ``y`` and its z axis near ``z``."""
    y = _unit(y)
    x = _unit(np.cross(y, z))
    points = thing.vertices @ np.array([x, y, np.cross(x, y)]) + at
    return thing._replace(vertices=points.astype(np.float32))


def _phone(rng: np.random.Generator, person: _Person) -> Things:
    """In the palm, or between both, its screen towards the eyes as far as the hand allows."""
    size = np.array([rng.uniform(6.8, 8.0), 0.9, rng.uniform(14.0, 17.0)])
    phone = solid(rng, size, 0.15, 1.0)
    height = phone.vertices[phone.faces].mean(1)[:, 1]
    phone.colours[height > 0.85] = rng.uniform(0.0, 1.0, 3) ** 2 * rng.choice([0.1, 1.0])
    side = person.near
    at, out, along = person.palms[side], person.out[side], person.thumbward[side]
    along = along + 0.7 * person.fingers[side]
    if np.linalg.norm(np.subtract(*person.palms)) < 17.0:
        at, out = person.palms.mean(0), _unit(person.out.sum(0))
        along = (person.thumbward + person.fingers).sum(0)
    return _put(phone, at + 1.5 * person.fingers[side], out + _unit(person.eyes - at), along)


def _sheet(rng: np.random.Generator, person: _Person) -> Things:
    """A newspaper or a book held at its sides, facing the eyes."""
    across = np.subtract(*person.palms)  # to the left
    wide, middle = np.linalg.norm(across), person.palms.mean(0)
    sight = _unit(_unit(person.eyes - middle) - rng.uniform(0.0, 0.6) * person.ahead)
    up = np.cross(sight, across / wide)
    tall = wide * rng.uniform(0.6, 1.8)
    # Down to the belly or the thighs.
    room = (
        middle[1] - _THIGH - max(person.bones("UpLeg")[:, 1].max(), person.bones("Leg")[:, 1].max())
    )
    room = min(room / up[1], 1.2 * (middle - person.front) @ person.ahead)
    below = np.clip(rng.uniform(0.1, 0.5) * tall, 2.0, max(2.0, room))
    v, u = np.mgrid[-below : tall - below : 25j, -0.5:0.5:25j]
    fold = rng.uniform(0.0, 0.12) * wide * (1 - 2 * np.abs(u)) - rng.uniform(0.0, 1.0) * np.abs(u)
    grid = np.stack([u * (wide + rng.uniform(1.0, 5.0)), v, -fold], -1)
    sheet = mesh(rng, grid, False, 1.0)
    row, column = np.divmod(np.arange(len(sheet.faces)) // 2, 24)
    sheet.colours[:] = rng.uniform(0.5, 0.95)
    print_on = (row % 2 == 1) & (column % 12 != 0) & (rng.random(len(row)) < 0.85)
    sheet.colours[print_on] *= 0.5
    for _ in range(int(rng.integers(0, 4))):  # pictures
        r, c = rng.integers(0, 18, 2)
        inside = (abs(row - r - 3) < 4) & (abs(column - c - 3) < 4)
        sheet.colours[inside] = cloth_colour(rng) * rng.uniform(0.5, 1.5, (inside.sum(), 1))
    axes = np.array([across / wide, up, np.cross(across / wide, up)])
    points = sheet.vertices @ axes + middle + 0.3 * sight
    return sheet._replace(vertices=points.astype(np.float32))


def _box(rng: np.random.Generator, person: _Person) -> Things:
    """Between the palms, clear of the belly."""
    across, middle = np.subtract(*person.palms), person.palms.mean(0)
    deep, tall = rng.uniform(15.0, 38.0), rng.uniform(10.0, 32.0)
    near = (middle - person.front) @ person.ahead
    middle = middle + max(0.0, deep / 2 - near) * person.ahead
    box = solid(rng, np.array([np.linalg.norm(across), tall, deep]), 0.06, 0.4)
    up = np.cross(person.ahead, across)
    return _put(box, middle - rng.uniform(0.3, 0.6) * tall * _unit(up), up, np.cross(across, up))


def _vessel(rng: np.random.Generator, person: _Person) -> Things:
    """A bottle or a cup in the palm, upright, and tilted to the mouth near it."""
    thing = vessel(rng)
    while np.ptp(thing.vertices[:, 1]) < 1.2 * np.ptp(thing.vertices[:, 0]):
        thing = vessel(rng)
    side = person.near
    palm, out = person.palms[side], person.out[side]
    to_mouth = person.mouth - palm
    tilt = np.clip(1.6 - np.linalg.norm(to_mouth) / 18.0, 0.0, 1.0)
    way = (1 - tilt) * np.array([0.0, 1.0, 0.0]) + tilt * _unit(to_mouth)
    way = way - (way @ out) * out  # along the palm
    wide, tall, _ = np.ptp(thing.vertices, axis=0)
    at = palm + out * wide / 2 - _unit(way) * tall * rng.uniform(0.35, 0.5)
    return _put(thing, at, way, person.fingers[side])


def _wheel(rng: np.random.Generator, person: _Person) -> Things:
    """A steering wheel whose rim goes through both hands."""
    across, middle = np.subtract(*person.palms), person.palms.mean(0)
    half = np.linalg.norm(across) / 2
    radius = max(half * 1.02, rng.uniform(17.0, 19.5))
    if radius > 24.0:
        return NO_THINGS
    across = across / half / 2
    slope = np.radians(rng.uniform(15.0, 40.0))
    axis = np.array([0.0, np.sin(slope), 0.0]) - np.cos(slope) * person.ahead  # to the driver
    axis = _unit(axis - (axis @ across) * across)
    centre = middle + np.sqrt(radius**2 - half**2) * np.cross(axis, across)  # below
    angle, around = np.linspace(0, 2 * np.pi, 33)[:, None], np.linspace(0, 2 * np.pi, 9)[:-1]
    tube = rng.uniform(1.2, 1.7)
    out = radius + tube * np.cos(around)
    ring = np.cos(angle) * out, tube * np.sin(around) + 0 * angle, np.sin(angle) * out
    rim = mesh(rng, np.stack(ring, -1), True, 1.0)
    rim = rim._replace(ends=np.arange(3 * 8, 33 * 8 + 1, 3 * 8))
    rim.colours[:] = rng.uniform(0.01, 0.1)
    hub = solid(rng, np.array([0.7 * radius, 3.0, 0.6 * radius]), 0.5, 1.0)
    spokes = solid(rng, np.array([2 * radius, 1.5, 4.0]), 0.15, 1.0)
    for part in (hub, spokes):
        part.colours[:] = rim.colours[0]
    return _put(together([rim, hub, spokes]), centre, axis, np.cross(across, axis))


def _table(rng: np.random.Generator, person: _Person, keyboard: bool = False) -> Things:
    """A table under the hands, over the thighs, with things on it; none where there is no room."""
    to_left = np.cross([0.0, 1.0, 0.0], person.ahead)
    hands = [person.bones(f"Hand{finger}3") for finger in ("Index", "Middle", "Pinky", "Thumb")]
    low = [(each, 1.2) for each in hands] + [(person.bones("HandMiddle1"), _HAND)]
    low += [(person.bones("Hand"), 3.0), (person.bones("ForeArm"), _ARM)]
    low += [((person.bones("Hand") + person.bones("ForeArm")) / 2, _ARM - 1.0)]
    edge = person.front @ person.ahead
    points = np.concatenate([each - [0.0, room, 0.0] for each, room in low])
    over = points[points @ person.ahead > edge]
    legs = np.linspace(person.bones("UpLeg"), person.bones("Leg"), 9).reshape(-1, 3)
    legs = legs[legs @ person.ahead > edge - _THIGH, 1]
    top = over[:, 1].min(initial=1e3) - 2.0 * keyboard
    if not legs.max(initial=0.0) + _THIGH + 3.0 < top < 110.0:
        return NO_THINGS
    deep = max(rng.uniform(45.0, 80.0), (over @ person.ahead).max() - edge + 4.0)
    wide, aside = rng.uniform(95.0, 160.0), rng.uniform(-10.0, 10.0)
    middle = person.front * (1.0, 0.0, 1.0) + aside * to_left + deep / 2 * person.ahead

    def stand(thing: Things, left: float, up: float, ahead: float, turn: float = 0.0) -> Things:
        at = middle + left * to_left + ahead * person.ahead + [0.0, up, 0.0]
        return _put(thing, at, np.array([0.0, 1.0, 0.0]), person.ahead + turn * to_left)

    board = solid(rng, np.array([wide, 3.0, deep]), 0.03, 0.8)
    parts = [stand(board, 0.0, top - 3.0, 0.0)]
    leg = solid(rng, np.array([4.0, top - 3.0, 4.0]), 0.1, 1.0)
    for x in (-0.45, 0.45):
        for z in (-0.42, 0.45):
            parts.append(stand(leg, x * wide, 0.0, z * deep))
    tips = person.bones("HandMiddle3").mean(0) - middle
    if keyboard:
        keys = solid(rng, np.array([rng.uniform(30, 45), 1.8, rng.uniform(11, 15)]), 0.1, 0.3)
        parts.append(stand(keys, tips @ to_left, top, tips @ person.ahead))
    for _ in range(int(rng.integers(0, 4))):  # beyond the hands
        thing = (paper, vessel)[rng.integers(2)](rng)
        room = max(0.0, deep / 2 - 15.0 - tips @ person.ahead)
        ahead = deep / 2 - 15.0 - rng.uniform(0.0, room)
        parts.append(stand(thing, rng.uniform(-0.35, 0.35) * wide, top, ahead, rng.normal()))
    return together(parts)


def _keyboard(rng: np.random.Generator, person: _Person) -> Things:
    return _table(rng, person, keyboard=True)


IN_USE: dict[str, Callable[[np.random.Generator, _Person], Things]] = {
    "phone": _phone,
    "sheet": _sheet,
    "box": _box,
    "vessel": _vessel,
    "wheel": _wheel,
    "table": _table,
    "keyboard": _keyboard,
}


def draw_in_use(
    rng: np.random.Generator,
    what: str,
    poser: Poser,
    joints: np.ndarray,
    turns: np.ndarray,
    camera: np.ndarray,
) -> Things:
    """One of :data:`IN_USE` in the hands of a body with (J, 3) joints and (J, 3, 3) turns on top of
    the T-pose; none where it would be at the ``camera``, (3,)."""
    things = IN_USE[what](rng, _person(poser, joints, turns))
    distance = np.linalg.norm(things.vertices - camera, axis=1)
    return things if distance.min(initial=np.inf) > _CLEAR else NO_THINGS
