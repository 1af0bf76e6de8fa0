"""Pictures: the release camera's rays into a clothed body and its place, shaded and developed."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh

from base.camera import MAYA_TO_CAMERA, RELEASE_CAMERA, euler_sxyz_to_matrix
from base.camera_model import AnyCamera
from dataset.synthetic.clothing import (
    BELT,
    BOTTOMS,
    HAIR,
    LIPS,
    MATERIALS,
    SHOES,
    SKIN,
    SOLE,
    Outfit,
    vertex_normals,
)
from dataset.synthetic.floors import (
    FLOOR_CM,
    FLOOR_PX,
    LAMPS_CM,
    LAMPS_PX,
    LIGHT_CM,
    LIGHT_PX,
    noise,
)
from dataset.synthetic.labels import RIM
from dataset.synthetic.passes import OBJECT_IDS
from dataset.synthetic.scene import WALL_HEIGHT, WALL_WIDTH, Place, box

_SHADOW_PX, _SHADOW_CM = 384, 480.0
_FAR = 1e6
#: Height a panorama is taken from, centimetres.
_TRIPOD = 150.0


@dataclass(frozen=True)
class Look:
    """How a camera develops its pictures.

    Attributes:
        exposure: gain on the linear light.
        vignette: loss of light at the rim.
        grain: deviation of the noise, grey levels.
        blur: of the optics, pixels.
        white: (3,) gains of the white balance.
        contrast: share of an S-shaped tone curve, 0 for none.
        saturation: of the colours, 0 for grey.
    """

    exposure: float
    vignette: float
    grain: float
    blur: float
    white: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 0.0
    saturation: float = 1.0


def draw_look(rng: np.random.Generator) -> Look:
    """Draw a camera's look."""
    warm = float(rng.normal(0.0, 0.06))
    return Look(
        exposure=float(np.exp(rng.normal(0.38, 0.28))),
        vignette=float(rng.uniform(0.0, 0.35)),
        grain=float(rng.uniform(0.3, 2.5)),
        blur=float(rng.uniform(0.35, 1.1)),
        white=(float(np.exp(0.05 + warm)), 1.0, float(np.exp(-0.05 - warm))),
        contrast=float(rng.uniform(0.0, 0.7)),
        saturation=float(rng.uniform(0.5, 0.95)),
    )


@dataclass(frozen=True)
class _Rays:
    """Rays of all pixels inside the rim: where they belong, and their directions.

    Attributes:
        shape: (height, width) of the picture.
        pixels: (N,) places of the rays in it, outside: those of all others.
        directions: (N, 3) float32, the camera's axes; origins: as many zeros.
        cosine: (N,) of the angle from the optical axis.
        stride: every so many pixels a scout looks whether anything is there at all.
        scouts: (S,) rows of the rays that do; cells: their places in the grid of scouts.
    """

    shape: tuple[int, int]
    pixels: np.ndarray
    outside: np.ndarray
    directions: np.ndarray
    origins: np.ndarray
    cosine: np.ndarray
    stride: int
    scouts: np.ndarray
    cells: np.ndarray


@lru_cache(maxsize=2)
def _rays(full: AnyCamera, step: int) -> _Rays:
    camera = full.resized(full.width // step, full.height // step)
    v, u = np.mgrid[: camera.height, : camera.width]
    pixels = np.stack([u, v], -1).reshape(-1, 2).astype(float)
    directions = camera.unproject(pixels)
    inside = np.flatnonzero((directions[:, 2] > np.cos(RIM)) & camera.covers(pixels))
    directions = directions[inside].astype(np.float32)
    shape = camera.height, camera.width
    outside = np.setdiff1d(np.arange(shape[0] * shape[1]), inside)
    stride = 3 if step == 1 else 2
    y, x = np.divmod(inside, shape[1])
    scouts = np.flatnonzero((y % stride == 0) & (x % stride == 0))
    cells = y[scouts] // stride * -(-shape[1] // stride) + x[scouts] // stride
    return _Rays(
        shape=shape,
        pixels=inside,
        outside=outside,
        directions=directions,
        origins=np.zeros_like(directions),
        cosine=np.ascontiguousarray(directions[:, 2]),
        stride=stride,
        scouts=scouts,
        cells=cells,
    )


@lru_cache(maxsize=1)
def _cloth_noise() -> np.ndarray:
    rng = np.random.default_rng(7)
    return np.clip(noise(rng, 512, (16, 32, 64, 256)), -2.5, 2.5)


@lru_cache(maxsize=1)
def _grain() -> np.ndarray:
    grain = np.random.default_rng(11).standard_normal((1024, 1400)).astype(np.float32)
    return cv2.merge([grain] * 3)


_OBJECT_OF_MATERIAL = np.full(MATERIALS, OBJECT_IDS["top"], np.uint8)
_OBJECT_OF_MATERIAL[[SKIN, LIPS]] = OBJECT_IDS["skin"]
_OBJECT_OF_MATERIAL[HAIR] = OBJECT_IDS["hair"]
_OBJECT_OF_MATERIAL[[BOTTOMS, BELT]] = OBJECT_IDS["bottoms"]
_OBJECT_OF_MATERIAL[[SHOES, SOLE]] = OBJECT_IDS["shoes"]


@dataclass(frozen=True)
class Drawing:
    """A drawn frame.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        lead: (J,) centimetres by which the first surface on the way to each joint lies before it.
        passes: further pictures by name: ``depth`` (H, W) uint16, millimetres along the optical
            axis, 0 for none; ``objectId`` (H, W) uint8, see :data:`passes.OBJECT_IDS`.
    """

    image: np.ndarray
    lead: np.ndarray
    passes: dict[str, np.ndarray]


class Traced:
    """A scene with the camera at its origin, to be asked with rays."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray):
        self._scene = rtcore_scene.EmbreeScene()
        self._mesh = TriangleMesh(
            scene=self._scene,
            vertices=np.ascontiguousarray(vertices, np.float32),
            indices=np.ascontiguousarray(faces, np.int32),
        )

    def first(self, origins: np.ndarray, directions: np.ndarray) -> dict[str, np.ndarray]:
        """First hits: ``primID`` (-1 for none), ``tfar``, ``u``, ``v``, ``Ng``."""
        return self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            output=True,
        )

    def blocked(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """(N,) whether anything lies along the rays."""
        hit = self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
            query="OCCLUDED",
        )
        return hit >= 0


class Renderer:
    """Draws one person in one place."""

    def __init__(
        self,
        outfit: Outfit,
        place: Place,
        look: Look,
        step: int = 1,
        camera: AnyCamera = RELEASE_CAMERA,
    ):
        self.outfit, self.place, self.look, self.step = outfit, place, look, step
        self.camera = camera
        self._faces = outfit.faces
        self._floor_light = _floor_light(place)

    def draw(
        self,
        vertices: np.ndarray,
        trans: np.ndarray,
        rot: np.ndarray,
        seat: tuple[np.ndarray, float] | None,
        joints: np.ndarray,
        rng: np.random.Generator,
        passes: tuple[str, ...] = (),
    ) -> Drawing:
        """Draw a frame.

        Args:
            vertices: (V, 3) clothed skin, world centimetres.
            trans, rot: the camera, as in the labels.
            seat: (centre of the seat's top (3,), heading in radians) of someone who sits.
            joints: (J, 3) world centimetres, to find out how far the rays to them get.
            rng: source of the grain.
            passes: which of :data:`passes.PASSES` to draw as well.
        """
        place = self.place
        body_faces = len(self._faces)
        things, thing_faces, colours = [place.vertices], [place.faces], [place.face_colours]
        if seat is not None:
            corners, triangles = _stool(*seat)
            thing_faces.append(triangles + len(place.vertices))
            things.append(corners)
            colours.append(np.full((len(triangles), 3), 0.12, np.float32))
        extra = np.concatenate(things)
        all_vertices = np.concatenate([vertices, extra]) - trans
        faces = np.concatenate([self._faces, np.concatenate(thing_faces) + len(vertices)])
        scene = Traced(all_vertices, faces)

        to_world = (euler_sxyz_to_matrix(rot) @ MAYA_TO_CAMERA).astype(np.float32)
        rays = _rays(self.camera, self.step)
        directions = rays.directions @ to_world.T
        # Only where a scout or one next to it meets something is every ray cast.
        rows = self._promising(scene, directions, rays)
        hits = scene.first(rays.origins[: len(rows)], directions[rows])
        triangle = np.full(len(directions), -1, np.int32)
        triangle[rows] = hits["primID"]
        light = np.empty((len(directions), 3), np.float32)

        struck = hits["primID"]
        of_body = np.flatnonzero((struck >= 0) & (struck < body_faces))
        body = rows[of_body]
        local = (vertices - trans).astype(np.float32)
        light[body], material = self._shade_body(
            scene, local, struck[of_body], hits["u"][of_body], hits["v"][of_body]
        )

        of_things = np.flatnonzero(struck >= body_faces)
        thing = rows[of_things]
        if len(thing):
            albedo = np.concatenate(colours)[struck[of_things] - body_faces]
            light[thing] = albedo * self._lambert(hits["Ng"][of_things], directions[thing])

        free = np.flatnonzero(triangle < 0)
        shadow = self._shadow(vertices, extra, trans)
        light[free] = self._surroundings(directions[free], trans, shadow)
        image = self._develop(light, rays, rng)
        further = {}
        if "depth" in passes:
            distance = self._distance(directions, trans)
            distance[rows] = np.where(struck >= 0, hits["tfar"], distance[rows])
            # Along the optical axis, millimetres; beyond what 16 bits hold there is nothing.
            depth = distance * rays.cosine * 10.0
            depth = np.where(depth < 65535.0, depth, 0.0)
            further["depth"] = self._enlarged((depth + 0.5).astype(np.uint16), rays)
        if "objectId" in passes:
            identity = np.full(len(triangle), OBJECT_IDS["surroundings"], np.uint8)
            identity[thing] = OBJECT_IDS["things"]
            identity[body] = _OBJECT_OF_MATERIAL[material]
            further["objectId"] = self._enlarged(identity, rays)
        return Drawing(image, self._lead(scene, joints - trans), further)

    def _promising(self, scene: Traced, directions: np.ndarray, rays: _Rays) -> np.ndarray:
        """Rows of the rays next to which body or things are."""
        scouted = np.ascontiguousarray(directions[rays.scouts])
        height, width = (-(-size // rays.stride) for size in rays.shape)
        met = np.zeros(height * width, np.uint8)
        met[rays.cells] = scene.blocked(rays.origins[: len(scouted)], scouted)
        near = cv2.dilate(met.reshape(height, width), np.ones((3, 3), np.uint8))
        near = near.repeat(rays.stride, axis=0).repeat(rays.stride, axis=1)
        near = near[: rays.shape[0], : rays.shape[1]]
        return np.flatnonzero(near.ravel()[rays.pixels])

    def _enlarged(self, values: np.ndarray, rays: _Rays) -> np.ndarray:
        """Values of the rays as a picture of the camera's size, 0 outside the disc."""
        picture = np.zeros(rays.shape[0] * rays.shape[1], values.dtype)
        picture[rays.pixels] = values
        size = self.camera.width, self.camera.height
        return cv2.resize(picture.reshape(rays.shape), size, interpolation=cv2.INTER_NEAREST)

    def _distance(self, directions: np.ndarray, trans: np.ndarray) -> np.ndarray:
        """(N,) centimetres to the floor or the walls."""
        down, wall = self._room(directions, trans)
        return np.minimum(down, wall)

    def _lead(self, scene: Traced, joints: np.ndarray) -> np.ndarray:
        distance = np.linalg.norm(joints, axis=1)
        hits = scene.first(np.zeros_like(joints), joints / distance[:, None])
        reached = np.where(hits["primID"] >= 0, hits["tfar"], np.inf)
        return np.maximum(distance - reached, 0.0)

    def _lambert(self, normal: np.ndarray, direction: np.ndarray) -> np.ndarray:
        normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        normal = np.where((normal * direction).sum(1, keepdims=True) > 0, -normal, normal)
        sun = np.clip(normal @ self.place.sun.astype(np.float32), 0, 1)[:, None]
        sky = (0.65 + 0.35 * normal[:, 1:2]) * self.place.ambient.astype(np.float32)
        return sun * self.place.sun_colour.astype(np.float32) + sky

    def _shade_body(
        self,
        scene: Traced,
        vertices: np.ndarray,
        triangle: np.ndarray,
        u: np.ndarray,
        v: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Linear light (N, 3) and material (N,) of the hits, from light baked at the vertices."""
        place, outfit = self.place, self.outfit
        normals = vertex_normals(vertices, self._faces)
        corners = self._faces[triangle]
        seen = np.zeros(len(vertices), bool)
        for column in range(3):
            seen[corners[:, column]] = True
        used = np.flatnonzero(seen)
        packed = np.zeros((len(vertices), 6), np.float32)
        packed[:, :3] = outfit.tpose
        packed[used, 3:] = self._bake(scene, vertices[used], normals[used])
        at = np.take(packed, corners[:, 0], axis=0)
        at *= (1 - u - v)[:, None]
        for column, weight in ((1, u), (2, v)):
            corner = np.take(packed, corners[:, column], axis=0)
            corner *= weight[:, None]
            at += corner
        point = at[:, :3]
        colour, material = outfit.colour(outfit.face_part[triangle], point)
        table = _cloth_noise()
        cells = (point * 5.0).astype(np.int32)
        wrinkle = table[(cells[:, 1]) & 511, (cells[:, 0] + cells[:, 2]) & 511]
        strength = np.full(16, 0.10, np.float32)
        strength[[SKIN, LIPS]] = 0.03
        strength[HAIR], strength[SHOES] = 0.3, 0.05
        colour *= (1 + strength[material] * wrinkle)[:, None]
        light = at[:, 3:4] * place.sun_colour.astype(np.float32)
        light += at[:, 4:5] * place.ambient.astype(np.float32)
        light += at[:, 5:6] * self._floor_light
        return colour * light, material

    def _bake(self, scene: Traced, vertices: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """(V, 3) shares of the sun's, the sky's and the floor's light at vertices, all shadowed."""
        origins = vertices + normals * 0.8

        def open_share(direction: np.ndarray, slack: float) -> np.ndarray:
            share = np.clip(normals @ direction + slack, 0, 1)
            rows = np.flatnonzero(share > 0)
            toward = np.broadcast_to(direction, (len(rows), 3))
            share[rows] *= ~scene.blocked(origins[rows], toward)
            return share

        sun = open_share(self.place.sun.astype(np.float32), 0.0)
        sky = sum(open_share(direction, 0.15) for direction in _SKY) / (0.5 * len(_SKY))
        # What lies face down over an open floor, the chin above all, is lit from below.
        floor = sum(open_share(direction, 0.0) for direction in _FLOOR) / -_FLOOR[:, 1].sum()
        return np.stack([sun, np.minimum(0.25 + 0.75 * sky, 1.2), floor], axis=1)

    def _shadow(self, vertices: np.ndarray, extra: np.ndarray, trans: np.ndarray) -> np.ndarray:
        """Shadow on the floor around the camera: (S, S) float32 in [0, 1]."""
        sun = self.place.sun
        scale = _SHADOW_PX / _SHADOW_CM

        def on_floor(points: np.ndarray) -> np.ndarray:
            flat = points[:, [0, 2]] - points[:, 1:2] * (sun[[0, 2]] / sun[1])
            return (flat - trans[[0, 2]]) * scale + _SHADOW_PX / 2

        mask = np.zeros((_SHADOW_PX, _SHADOW_PX), np.uint8)
        spots = on_floor(vertices).astype(np.int32)
        inside = ((spots >= 0) & (spots < _SHADOW_PX)).all(1)
        mask[spots[inside, 1], spots[inside, 0]] = 255
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
        for start in range(0, len(extra), 8):
            outline = cv2.convexHull(on_floor(extra[start : start + 8]).astype(np.int32))
            cv2.fillConvexPoly(mask, outline, 255)
        return cv2.GaussianBlur(mask, (0, 0), 2.0).astype(np.float32) / 255

    def _surroundings(
        self, directions: np.ndarray, trans: np.ndarray, shadow: np.ndarray
    ) -> np.ndarray:
        """Linear light (N, 3) of rays that meet neither body nor things."""
        place = self.place
        if place.panorama is not None:
            return self._panorama(directions, trans, shadow)
        down, wall = self._room(directions, trans)
        light = np.empty((len(directions), 3), np.float32)
        floor = np.flatnonzero(down < wall)
        light[floor] = self._floor(directions[floor], down[floor], trans, shadow)
        rest = np.flatnonzero(down >= wall)
        light[rest] = self._walls(directions[rest], wall[rest], trans)
        return light

    def _room(self, directions: np.ndarray, trans: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N,) distances to the floor and to the walls, centimetres."""
        place = self.place
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1.0 / directions
        down = np.where(directions[:, 1] < 0, -trans[1] * inverse[:, 1], _FAR)
        wall = np.full(len(directions), _FAR, np.float32)
        for k, axis in enumerate((0, 2)):
            edge = place.centre[k] + np.sign(directions[:, axis]) * place.half[k] - trans[axis]
            wall = np.minimum(
                wall, np.where(directions[:, axis] != 0, edge * inverse[:, axis], _FAR)
            )
        return down, wall

    def _panorama(
        self, directions: np.ndarray, trans: np.ndarray, shadow: np.ndarray
    ) -> np.ndarray:
        """The panorama, its lower part laid on the floor as seen from where it was taken.

        Seen from inside, its columns run to the right: from +z towards -x.
        """
        picture = self.place.panorama
        seen = directions.copy()
        dark = np.zeros(len(directions), np.float32)
        down = np.flatnonzero(directions[:, 1] < -0.002)
        across = directions[down][:, [0, 2]] * (-trans[1] / directions[down, 1])[:, None]
        spot = np.insert(across + trans[[0, 2]], 1, -_TRIPOD, axis=1)
        seen[down] = spot / np.linalg.norm(spot, axis=1, keepdims=True)
        place = across * (_SHADOW_PX / _SHADOW_CM) + _SHADOW_PX / 2
        place = np.clip(place, -_SHADOW_PX, 2 * _SHADOW_PX)  # beyond the map there is none
        dark[down] = _sample(shadow, place[:, 0], place[:, 1], cv2.BORDER_CONSTANT)
        height, width = picture.shape[:2]
        u = (np.arctan2(-seen[:, 0], seen[:, 2]) / (2 * np.pi) % 1.0) * width
        v = np.arccos(np.clip(seen[:, 1], -1, 1)) / np.pi * height - 0.5
        colour = _sample(picture, u - 0.5, np.clip(v, 0, height - 1))
        return colour * colour * (1 - 0.6 * dark)[:, None] * np.float32(1 / 255**2)

    def _floor(
        self, directions: np.ndarray, distance: np.ndarray, trans: np.ndarray, shadow: np.ndarray
    ) -> np.ndarray:
        place = self.place
        x = directions[:, 0] * distance
        z = directions[:, 2] * distance
        c, s = np.cos(place.floor_turn), np.sin(place.floor_turn)
        scale = FLOOR_PX / FLOOR_CM
        wx, wz = x + np.float32(trans[0]), z + np.float32(trans[2])
        u = (wx * c - wz * s).astype(np.float32) * np.float32(scale)
        v = (wx * s + wz * c).astype(np.float32) * np.float32(scale)
        # A pixel covers more floor the further and the flatter it is seen.
        footprint = np.float32(self.step * scale / 350.0) * distance
        footprint /= np.sqrt(np.maximum(-directions[:, 1], np.float32(0.02)))
        albedo = np.empty((len(x), 3), np.float32)
        last = len(place.floor) - 1
        for number, texture in enumerate(place.floor):
            near = footprint >= (2**number if number else -1)
            rows = np.flatnonzero(near & (footprint < 2 ** (number + 1)) if number < last else near)
            if len(rows):
                shrink = np.float32(0.5**number)
                albedo[rows] = _sample(texture, u[rows] * shrink, v[rows] * shrink)
        albedo *= albedo * np.float32(1 / 255**2)
        fraction = np.float32(_SHADOW_PX / _SHADOW_CM)
        middle = np.float32(_SHADOW_PX / 2)
        dark = _sample(shadow, x * fraction + middle, z * fraction + middle, cv2.BORDER_CONSTANT)
        fraction = np.float32(LIGHT_PX / LIGHT_CM)
        spots = _sample(
            place.light_map,
            wx * fraction + LIGHT_PX / 2,
            wz * fraction + LIGHT_PX / 2,
            cv2.BORDER_REPLICATE,
        )
        sun = ((1 - dark) * spots)[:, None] * (place.sun[1] * place.sun_colour).astype(np.float32)
        light = albedo * (sun + place.ambient.astype(np.float32))
        if place.gloss > 0:
            # Schlick's term: much of what is above shows in a glossy floor seen at a flat angle.
            share = np.float32(place.gloss) * (0.05 + 0.95 * (1 + directions[:, 1]) ** 3)
            climb = np.float32(place.height) / np.maximum(-directions[:, 1], 0.05)
            fraction = np.float32(LAMPS_PX / LAMPS_CM)
            mirrored = _sample(
                place.lamps,
                (wx + directions[:, 0] * climb) * fraction,
                (wz + directions[:, 2] * climb) * fraction,
            )
            light += (share * mirrored)[:, None] * place.above.astype(np.float32)
        return light

    def _walls(self, directions: np.ndarray, distance: np.ndarray, trans: np.ndarray) -> np.ndarray:
        place = self.place
        point = directions * distance[:, None] + trans.astype(np.float32)
        flat = (point[:, [0, 2]] - place.centre) / place.half
        along_x = np.abs(flat[:, 0]) > np.abs(flat[:, 1])
        side = np.where(along_x, flat[:, 0] > 0, flat[:, 1] > 0)
        turn = np.where(along_x, flat[:, 1], flat[:, 0])
        around = (np.where(along_x, 0, 2) + side + (turn + 1) / 2) / 4 * WALL_WIDTH
        up = point[:, 1] / place.height
        colour = _sample(
            place.walls,
            around.astype(np.float32),
            ((1 - np.clip(up, 0, 1)) * (WALL_HEIGHT - 1)).astype(np.float32),
        )
        light = colour * colour * np.float32(1 / 255**2)
        light *= (place.ambient + 0.6 * place.sun_colour).astype(np.float32)
        light[up > 1] = place.above
        return light

    def _develop(self, light: np.ndarray, rays: _Rays, rng: np.random.Generator) -> np.ndarray:
        """Linear light of the rays → 8-bit picture."""
        look = self.look
        fall = (look.exposure * 255**2) * (1 - look.vignette * (1 - rays.cosine))
        grey = np.array([[0.30], [0.59], [0.11]])
        mixing = (look.saturation * np.eye(3) + (1 - look.saturation) * grey) * look.white
        light = light @ mixing.astype(np.float32)
        light *= fall[:, None]
        np.clip(light, 0, 255**2, out=light)
        np.sqrt(light, out=light)
        height, width = rays.shape
        image = np.zeros((height * width, 3), np.float32)
        image[rays.pixels] = light
        image = image.reshape(height, width, 3)
        image = cv2.GaussianBlur(image, (0, 0), max(look.blur / self.step, 0.3))
        table = _grain()
        y, x = rng.integers(0, table.shape[0] - height), rng.integers(0, table.shape[1] - width)
        grain = table[y : y + height, x : x + width]
        # Rounds and saturates.
        image = cv2.addWeighted(image, 1.0, grain, look.grain, 0.0, dtype=cv2.CV_8U)
        tone = np.linspace(0, 1, 256)
        curve = tone + look.contrast * (tone * tone * (3 - 2 * tone) - tone)
        image = cv2.LUT(image, np.round(curve * 255).astype(np.uint8))
        image.reshape(-1, 3)[rays.outside] = 0
        if self.step > 1:
            size = self.camera.width, self.camera.height
            image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        return image


def _sample(
    texture: np.ndarray, u: np.ndarray, v: np.ndarray, border: int = cv2.BORDER_WRAP
) -> np.ndarray:
    """Bilinear samples (N,) or (N, 3) float32 of a texture at (N,) pixel coordinates."""
    width = 1024
    # At least one: OpenCV refuses empty maps, and a view may hold no wall, or no floor, at all.
    rows = max(1, -(-len(u) // width))
    padded = np.zeros((2, rows * width), np.float32)
    padded[0, : len(u)], padded[1, : len(v)] = u, v
    grid = padded.reshape(2, rows, width)
    found = cv2.remap(texture, grid[0], grid[1], cv2.INTER_LINEAR, borderMode=border)
    return found.reshape(rows * width, *texture.shape[2:])[: len(u)].astype(np.float32, copy=False)


def _floor_light(place: Place) -> np.ndarray:
    """(3,) float32 linear light that the floor throws back, its mean over the place."""
    if place.panorama is not None:
        lower = place.panorama[place.panorama.shape[0] // 2 :].astype(np.float32)
        return (lower * lower).mean((0, 1)) / 255**2
    coarse = place.floor[-1].astype(np.float32)
    albedo = (coarse * coarse).mean((0, 1)) / 255**2
    sun = place.light_map.mean() * place.sun[1] * place.sun_colour
    return (albedo * (sun + place.ambient)).astype(np.float32)


def _ring(tilt: float, around: tuple[float, ...]) -> list[tuple[float, float, float]]:
    """Directions at an angle to straight up, degrees, seen at these bearings."""
    t = np.radians(tilt)
    return [(np.sin(t) * np.cos(a), np.cos(t), np.sin(t) * np.sin(a)) for a in np.radians(around)]


#: Where light of the sky, and of the floor, is looked for.
_SKY = np.array([(0.0, 1.0, 0.0), *_ring(55.0, (20.0, 110.0, 200.0, 290.0))], np.float32)
_FLOOR = np.array(_ring(125.0, (65.0, 155.0, 245.0, 335.0)), np.float32)


def _stool(top: np.ndarray, heading: float) -> tuple[np.ndarray, np.ndarray]:
    """A plain seat whose top centre is ``top``."""
    corners, triangles = box(
        np.array([top[0], top[1] / 2, top[2]]), np.array([36.0, max(top[1], 1.0), 36.0]), heading
    )
    return corners.astype(np.float32), triangles.astype(np.int32)
