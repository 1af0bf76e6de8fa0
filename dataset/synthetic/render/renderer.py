"""Pictures of a clothed body in its place, seen by the camera of a headset."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from base.headset import RELEASE_HEADSET, Headset
from base.release_camera import MAYA_TO_CAMERA, euler_sxyz_to_matrix
from dataset.synthetic.clothes.materials import Material, Outfit
from dataset.synthetic.meshes import Traced
from dataset.synthetic.render.light import Background, lambert, shade, shadow_below
from dataset.synthetic.render.picture_camera import CameraResponse, develop, rays_of
from dataset.synthetic.scene.furniture import NO_THINGS, Things, together
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
        stands: Things,
        joints: np.ndarray,
        rng: np.random.Generator,
        passes: tuple[str, ...] = (),
        clutter: Things = NO_THINGS,
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Draw a frame of clothed skin (V, 3), world centimetres, of what ``stands`` about and of
        ``clutter``, seen by a camera at ``trans`` and ``rot`` of the labels; ``rng`` draws grain.
        Returns pictures by name: ``rgba`` (H, W, 3) uint8 RGB; ``depth`` (H, W) uint16, millimetres
        along the optical axis, 0 for none; ``objectId`` (H, W) uint8, see :class:`ObjectId`. And
        (J,) centimetres by which the first surface on the way to ``joints`` (J, 3) lies before,
        infinite for one of things."""
        outfit, place, rays = self.outfit, self.place, rays_of(self.headset, self.step)
        # Triangles are of the outfit, then from here on of what stands, and of clutter.
        first = len(outfit.faces)
        beyond = first + len(stands.faces)
        things = together([stands, clutter])
        scene = Traced(
            np.concatenate([vertices, things.vertices]) - trans,
            np.concatenate([outfit.faces, things.faces + len(vertices)]),
        )
        to_world = (euler_sxyz_to_matrix(rot) @ MAYA_TO_CAMERA).astype(np.float32)
        directions = rays.directions @ to_world.T
        # Only where a scout or one next to it meets something is every ray cast.
        rows = rays.promising(scene, directions)
        hits = scene.first(directions[rows])
        struck = hits["primID"]
        of_body = np.flatnonzero((struck >= 0) & (struck < first))
        light = np.empty((len(directions), 3), np.float32)
        where = struck[of_body], hits["u"][of_body], hits["v"][of_body]
        local = (vertices - trans).astype(np.float32)
        light[rows[of_body]], material = shade(outfit, place, scene, local, *where)
        shadow = shadow_below(place.sun, vertices, stands.apart(), trans)
        background = Background(place, trans, shadow, rays.per_radian)
        of_things = np.flatnonzero(struck >= first)
        toward, triangle = directions[rows[of_things]], struck[of_things]
        # The shadow falls on what lies, not on what stands.
        share = background.sunshine(toward * hits["tfar"][of_things, None])
        share[triangle < beyond] = 1.0
        lit = lambert(place, hits["Ng"][of_things], toward, share)
        light[rows[of_things]] = things.colours[triangle - first] * lit
        own = shadow_below(place.sun, vertices[:0], clutter.apart(), trans)
        background.shadow = np.maximum(shadow, own)
        free = np.delete(np.arange(len(directions)), rows[struck >= 0])
        light[free] = background.light(directions[free])
        pictures = {"rgba": develop(light, rays, self.response, rng)}
        if "depth" in passes:
            distance = background.distance(directions)
            distance[rows] = np.where(struck >= 0, hits["tfar"], distance[rows])
            depth = distance * rays.cosine * 10.0
            depth[(depth <= 0.0) | (depth >= 65535.0)] = 0.0  # behind the camera, beyond 16 bits
            pictures["depth"] = rays.picture((depth + 0.5).astype(np.uint16))
        if "objectId" in passes:
            identity = np.full(len(directions), ObjectId.SURROUNDINGS, np.uint8)
            identity[rows[struck >= first]] = ObjectId.THINGS
            identity[rows[of_body]] = _OBJECT_OF_MATERIAL[material]
            pictures["objectId"] = rays.picture(identity)
        return pictures, scene.lead(joints - trans, first)
