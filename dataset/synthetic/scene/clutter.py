"""Things on the floor or in a hand that look a little like hands and feet."""

from functools import partial

import numpy as np

from dataset.synthetic.clothes.materials import SKIN_TONES, cloth_colour
from dataset.synthetic.meshes import grid_faces
from dataset.synthetic.rotations import SIDES
from dataset.synthetic.scene.free_floor import FreeFloor, put
from dataset.synthetic.scene.furniture import NO_THINGS, Things, together, turned
from dataset.synthetic.scene.furniture_meshes import draw_piece
from dataset.synthetic.scene.place import Place
from dataset.synthetic.scene.textures import noise

#: Things lie this near to the feet, and clear of what is below the knees.
_NEAR, _KNEE = 200.0, 45.0
#: Share of the frames in rooms with furniture, how near to the feet it stands, and how many cells
#: beside what of the body is as low as its top.
_FURNISHED, _FAR, _BESIDE = 0.6, 280.0, 6
#: Share of the frames in which something is held, and of the things that are bright or like skin.
_HELD, _BRIGHT = 0.15, 1 / 3
#: Least and greatest extents of a box, a folded towel and a bag, and how round their edges are.
_PACKAGES = ((8, 5, 8), (45, 35, 45), 0.08), ((20, 3, 15), (45, 10, 35), 0.25)
_PACKAGES += (((20, 15, 12), (45, 40, 25), 0.5),)


def _colour(rng: np.random.Generator) -> np.ndarray:
    """(3,) linear: of cloth, or bright, or of skin."""
    if rng.random() > _BRIGHT:
        return cloth_colour(rng)
    if rng.random() < 0.5:
        return (SKIN_TONES[rng.integers(len(SKIN_TONES))] * rng.uniform(0.85, 1.1)) ** 2
    return np.clip(rng.uniform(0.6, 1.0) + rng.uniform(-0.7, 0.3, 3), 0.05, 0.97) ** 2


def mesh(rng: np.random.Generator, grid: np.ndarray, closed: bool, plain: float = 0.6) -> Things:
    """A grid (R, C, 3) of points as a thing in one colour or, by chance, striped or checked;
    ``closed`` joins its last column to the first."""
    rows, columns = grid.shape[:2]
    i, j, faces = grid_faces(rows, columns, closed)
    colours = np.tile(_colour(rng), (len(faces), 1))
    kind = rng.random()
    if kind > plain:
        i, j = (np.repeat(each.ravel(), 2) // rng.integers(1, 5) % 2 for each in (i, j))
        colours[(i if kind < (1 + plain) / 2 else i ^ j) == 1] = _colour(rng)
    vertices = grid.reshape(-1, 3).astype(np.float32)
    return Things(vertices, faces, colours.astype(np.float32), np.array([len(vertices)]))


def solid(rng: np.random.Generator, size: np.ndarray, edge: float, plain: float = 0.7) -> Things:
    """An ellipsoid of (3,) extents for ``edge`` 1, a box with rounded edges for less, on y = 0: a
    superellipsoid (Barr, 1981)."""
    up, around = np.linspace(-np.pi / 2, np.pi / 2, 13), np.linspace(0, 2 * np.pi, 25)[:-1]

    def power(x: np.ndarray) -> np.ndarray:
        return np.sign(x) * np.abs(np.round(x, 9)) ** edge

    level, ones = power(np.cos(up))[:, None], np.ones(24)
    parts = level * power(np.cos(around)), power(np.sin(up))[:, None] * ones
    grid = np.stack([*parts, level * power(np.sin(around))], -1) + np.array([0.0, 1.0, 0.0])
    return mesh(rng, grid * np.asarray(size) / 2, True, plain)


def _cloth(rng: np.random.Generator) -> Things:
    """Dropped cloth: a crumpled sheet that rests on the floor."""
    shape = noise(rng, 32, (2, 4, 8))[:21, :21], noise(rng, 32, (2, 4))[:21, :21]
    z, x = np.mgrid[-1:1:21j, -1:1:21j]
    fall = np.clip(1.6 * (1 - np.maximum(np.abs(x), np.abs(z))), 0, 1)
    y = 0.3 + rng.uniform(1.0, 7.0) * fall * np.abs(shape[0])
    wide, deep = rng.uniform(10, 35, 2)
    out = 1 + 0.12 * shape[1]
    return mesh(rng, np.stack([wide * x * out, y, deep * z * out], -1), False)


def _cable(rng: np.random.Generator) -> Things:
    """A cable, a strap or a belt in curves on the floor."""
    wide, flat = rng.uniform(0.4, 2.2), rng.uniform(0.3, 1.0)
    heading = np.cumsum(rng.normal(0, 0.35, 40)) + np.linspace(0, rng.uniform(-9, 9), 40)
    along = np.cumsum(np.stack([np.cos(heading), 0 * heading, np.sin(heading)], -1), 0)
    along = (along - along.mean(0)) * rng.uniform(1.0, 3.5)
    side = np.stack([-np.sin(heading), 0 * heading, np.cos(heading)], -1)
    angle = np.linspace(0, 2 * np.pi, 7)[:-1, None]
    ring = np.cos(angle) * side[:, None] * wide
    ring = ring + (1 + np.sin(angle)) * wide * flat * np.array([0.0, 1.0, 0.0])
    cable = mesh(rng, along[:, None] + ring, True, 0.9)
    return cable._replace(ends=np.arange(24, 241, 24))  # the shadows of its loops are open


def _shoes(rng: np.random.Generator) -> Things:
    """A pair, side by side or one kicked aside."""
    size = np.array([rng.uniform(8.5, 10.5), rng.uniform(7, 11), rng.uniform(24, 31)])
    shoe = solid(rng, size, 0.6, 1.0)
    ahead = shoe.vertices[:, 2] / size[2] + 0.5
    shoe.vertices[:, 1] *= 1 - 0.5 * np.clip(2 * ahead - 0.7, 0, 1)  # lower at the toes
    shoe.vertices[:, 0] *= 0.8 + 0.3 * ahead - 0.25 * np.clip(ahead - 0.8, 0, 1)
    x, y, z = (shoe.vertices[shoe.faces].mean(1) / size).T
    shoe.colours[(y > 0.75) & (z < 0) & (np.abs(x) < 0.3)] = 0.02  # where the foot goes in
    shoe.colours[y < 0.16] = rng.choice([0.02, 0.4, 0.8])
    turn, gap = rng.normal(0, 0.25 if rng.random() < 0.7 else 1.5), rng.uniform(12, 20)
    other = turned(shoe.vertices, turn) + np.array([gap + 8 * min(abs(turn), 1), 0, 0])
    return together([shoe, shoe._replace(vertices=other.astype(np.float32))])


def paper(rng: np.random.Generator) -> Things:
    """A sheet, a newspaper or a book: bright pages, lines of print."""
    size = np.array([rng.uniform(12, 32), rng.choice([0.3, 0.5, 2.5]), rng.uniform(16, 42)])
    z, x = np.mgrid[-0.5:0.5:25j, -0.5:0.5:13j]
    sides = np.maximum(np.abs(x), np.abs(z)) < 0.499
    page = mesh(rng, np.stack([x, 0.05 + sides, z], -1) * size, False, 1.0)
    return printed(rng, page, 12) if rng.random() < 0.7 else page


def printed(rng: np.random.Generator, page: Things, columns: int) -> Things:
    """A page, a grid of so many columns, with lines of print and pictures on it."""
    row, column = np.divmod(np.arange(len(page.faces)) // 2, columns)
    page.colours[:] = rng.uniform(0.6, 0.95)
    page.colours[(row % 2 == 1) & (row > 2) & (rng.random(len(row)) < 0.8)] *= 0.45
    for _ in range(int(rng.integers(0, 4))):
        r, c, half = rng.integers(0, (24, columns, 6))
        page.colours[(abs(row - r) <= half) & (abs(column - c) <= half)] = _colour(rng)
    return page


def _rug(rng: np.random.Generator) -> Things:
    """A flat rug or mat, which people may stand on."""
    z, x = np.mgrid[-1:1:31j, -1:1:31j]
    wide, deep = rng.uniform(25, 90, 2)
    return mesh(rng, np.stack([wide * x, 0.3 + 0 * x, deep * z], -1), False, 0.2)


def vessel(rng: np.random.Generator, least: float = 0.0) -> Things:
    """A bottle or a cup and, where ``least`` is below 0.3, a plate."""
    wide, kind = rng.uniform(3, 4.5), rng.uniform(least, 1)
    if kind < 0.3:  # each as radii and heights
        wide = rng.uniform(8, 14)
        profile = (0, 0.6, 1, 0.95, 0.6, 0), (0, 0, 2, 2, 0.6, 0.6)
    elif kind < 0.6:
        tall = rng.uniform(7, 12)
        profile = (0, 0.8, 1, 0.9, 0.7, 0), (0, 0, tall, tall, 1, 1)
    else:
        tall = rng.uniform(18, 30)
        profile = (0, 1, 1, 0.4, 0.4, 0), (0, 0, 0.6 * tall, 0.8 * tall, tall, tall)
    angle, (radius, height) = np.linspace(0, 2 * np.pi, 21)[:-1], np.array(profile)[..., None]
    radius = radius * wide
    ring = radius * np.cos(angle), height + 0 * angle, radius * np.sin(angle)
    made = mesh(rng, np.stack(ring, -1), True)
    if kind >= 0.6 and rng.random() < 0.5:  # a bottle on its side
        made = made._replace(vertices=made.vertices[:, [1, 0, 2]] + np.float32([0, wide, 0]))
    return made


def _package(rng: np.random.Generator) -> Things:
    low, high, edge = _PACKAGES[rng.integers(len(_PACKAGES))]
    return solid(rng, rng.uniform(low, high), edge)


def _ball(rng: np.random.Generator) -> Things:
    """A ball, a toy, a fruit: round."""
    return solid(rng, rng.uniform(5, 22) * (1 if rng.random() < 0.6 else rng.uniform(0.5, 1, 3)), 1)


def _phone(rng: np.random.Generator) -> Things:
    return solid(rng, np.array([7.5, 1.0, 15.5]), 0.15, 1.0)


_small = partial(draw_piece, small=True)
_KINDS = (_cloth, _cable, _shoes, paper, vessel, _package, _ball, _cloth, paper, _small, _small)


def draw_clutter(rng: np.random.Generator, body: np.ndarray, stands: Things, room: Place) -> Things:
    """4 to 14 things on the floor and in rooms at times furniture, clear of the clothed ``body``
    (V, 3), of each other and of what ``stands`` about, and at times a rug below them all."""
    floor, things = FreeFloor(room, body, stands), []
    if not room.outdoors and rng.random() < _FURNISHED:
        for _ in range(int(rng.integers(1, 5))):
            piece = draw_piece(rng, small=False)
            top = piece.vertices[:, 1].max()
            things += floor.add(rng, piece, _FAR, floor.beside(top + 6.0, _BESIDE))
    count = int(rng.integers(4, 15))
    if rng.random() < 0.25:
        things.append(put(rng, _rug(rng), floor.middle, 80.0))
    near = floor.beside(_KNEE, 2)
    for _ in range(count):
        things += floor.add(rng, _KINDS[rng.integers(len(_KINDS))](rng), _NEAR, near)
    return together(things)


def draw_held(
    rng: np.random.Generator, joints: np.ndarray, turns: np.ndarray, names: tuple[str, ...], what=""
) -> Things:
    """At times a thing in a hand of a body with (J, 3) joints and (J, 3, 3) turns on top of the
    T-pose; a "phone" or "vessel", where asked for, in the hand nearer to the head."""
    if not what and rng.random() >= _HELD:
        return NO_THINGS
    which, thing = rng.integers(2), (paper, vessel, _package, _phone)[rng.integers(4)](rng)
    if what:
        thing = _phone(rng) if what == "phone" else vessel(rng, 0.3)
        hands = joints[[names.index("LeftHand"), names.index("RightHand")]]
        which = np.linalg.norm(hands - joints[names.index("Head")], axis=1).argmin()
    side, sign = SIDES[which]
    extent = np.ptp(thing.vertices, axis=0)
    # The thinnest side in the palm, the longest across it.
    points = (thing.vertices - thing.vertices.min(0) - extent / 2)[:, np.argsort(extent)[[1, 0, 2]]]
    points *= min(1.0, 32.0 / extent.max())
    points += np.array([sign * 9.0, -2.0 - np.ptp(points[:, 1]) / 2, 0.0])
    hand = names.index(f"{side}Hand")
    return thing._replace(vertices=(points @ turns[hand].T + joints[hand]).astype(np.float32))
