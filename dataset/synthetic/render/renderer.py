"""Pictures of a clothed body in its place, seen by the camera of a headset."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from base.headset import RELEASE_HEADSET, Headset
from base.release_camera import MAYA_TO_CAMERA, euler_sxyz_to_matrix
from dataset.synthetic.clothes.materials import Material
from dataset.synthetic.clothes.outfit import Outfit
from dataset.synthetic.render.background import Background, shadow_below, sunshine
from dataset.synthetic.render.camera_response import CameraResponse, develop
from dataset.synthetic.render.ray_casting import Traced, rays_of
from dataset.synthetic.render.shading import lambert, shade
from dataset.synthetic.scene.clutter import NO_THINGS, Things
from dataset.synthetic.scene.place import Place


class ObjectId(IntEnum):
    """What a pixel of the ``objectId`` pass shows; 0 lies outside the disc."""

    SURROUNDINGS, THINGS, SKIN, HAIR, TOP, BOTTOMS, SHOES = range(1, 8)


_OBJECT_OF_MATERIAL = np.full(len(Material), ObjectId.TOP, np.uint8)
_OBJECT_OF_MATERIAL[[Material.SKIN, Material.LIPS]] = ObjectId.SKIN
_OBJECT_OF_MATERIAL[Material.HAIR] = ObjectId.HAIR
_OBJECT_OF_MATERIAL[[Material.BOTTOMS, Material.BELT]] = ObjectId.BOTTOMS
_OBJECT_OF_MATERIAL[[Material.SHOES, Material.SOLE]] = ObjectId.SHOES


@dataclass(frozen=True)
class Renderer:
    """Draws one person in one place."""

    outfit: Outfit
    place: Place
    response: CameraResponse
    step: int = 1  # pixels between neighbouring rays
    headset: Headset = RELEASE_HEADSET

    def draw(
        self,
        vertices: np.ndarray,
        trans: np.ndarray,
        rot: np.ndarray,
        seat: np.ndarray,
        joints: np.ndarray,
        rng: np.random.Generator,
        passes: tuple[str, ...] = (),
        clutter: Things = NO_THINGS,
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Draw a frame of clothed skin (V, 3), world centimetres, and of the passes asked for.

        ``trans`` and ``rot`` are the camera's as in the labels, ``seat`` (4,) as in
        :class:`frames.Frames`; ``rng`` is the source of the grain, ``clutter`` lies about.

        Returns:
            Pictures by name: ``rgba`` (H, W, 3) uint8 RGB; ``depth`` (H, W) uint16, millimetres
            along the optical axis, 0 for none; ``objectId`` (H, W) uint8, see
            :class:`ObjectId`.  And by how many centimetres the first surface on the way to each
            of the ``joints`` (J, 3) lies before it: (J,).
        """
        outfit, place, rays = self.outfit, self.place, rays_of(self.headset, self.step)
        things = place.things.with_seat(seat)
        scene = Traced(
            np.concatenate([vertices, things.corners.reshape(-1, 3), clutter.vertices]) - trans,
            np.concatenate(
                [
                    outfit.faces,
                    things.faces + len(vertices),
                    clutter.faces + len(vertices) + 8 * len(things.corners),
                ]
            ),
        )
        to_world = (euler_sxyz_to_matrix(rot) @ MAYA_TO_CAMERA).astype(np.float32)
        directions = rays.directions @ to_world.T
        # Only where a scout or one next to it meets something is every ray cast.
        rows = rays.promising(scene, directions)
        hits = scene.first(directions[rows])
        struck = hits["primID"]
        of_body = np.flatnonzero((struck >= 0) & (struck < len(outfit.faces)))
        beyond = len(outfit.faces) + len(things.faces)  # from there on clutter
        of_things = np.flatnonzero((struck >= len(outfit.faces)) & (struck < beyond))
        of_clutter = np.flatnonzero(struck >= beyond)
        body, thing, lying = rows[of_body], rows[of_things], rows[of_clutter]

        light = np.empty((len(directions), 3), np.float32)
        local = (vertices - trans).astype(np.float32)
        where = struck[of_body], hits["u"][of_body], hits["v"][of_body]
        light[body], material = shade(outfit, place, scene, local, *where)
        box = (struck[of_things] - len(outfit.faces)) // 12
        lit = lambert(place, hits["Ng"][of_things], directions[thing])
        light[thing] = things.colours[box] * lit
        free = np.ones(len(directions), bool)
        free[rows] = struck < 0
        free = np.flatnonzero(free)
        shadow = shadow_below(place.sun, vertices, things.corners, trans)
        if len(clutter.ends):
            seen = directions[lying]
            points = seen * hits["tfar"][of_clutter, None]
            share = sunshine(place, shadow, points, trans)
            lit = lambert(place, hits["Ng"][of_clutter], seen, share)
            light[lying] = clutter.colours[struck[of_clutter] - beyond] * lit
            own = shadow_below(place.sun, vertices[:0], clutter.apart(), trans)
            shadow = np.maximum(shadow, own)
        background = Background(place, trans, shadow, rays.per_radian)
        light[free] = background.light(directions[free])
        pictures = {"rgba": develop(light, rays, self.response, rng)}
        if "depth" in passes:
            distance = background.distance(directions)
            distance[rows] = np.where(struck >= 0, hits["tfar"], distance[rows])
            # Along the optical axis, millimetres; beyond what 16 bits hold, and behind the camera,
            # there is nothing.
            depth = distance * rays.cosine * 10.0
            depth = np.where((depth > 0.0) & (depth < 65535.0), depth, 0.0)
            pictures["depth"] = rays.picture((depth + 0.5).astype(np.uint16))
        if "objectId" in passes:
            identity = np.full(len(directions), ObjectId.SURROUNDINGS, np.uint8)
            identity[thing] = identity[lying] = ObjectId.THINGS
            identity[body] = _OBJECT_OF_MATERIAL[material]
            pictures["objectId"] = rays.picture(identity)
        return pictures, scene.lead(joints - trans)
