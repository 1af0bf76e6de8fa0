"""Pictures of a clothed body in its place, seen by the release's camera or another."""

from dataclasses import dataclass

import numpy as np

from base.camera import MAYA_TO_CAMERA, RELEASE_CAMERA, euler_sxyz_to_matrix
from base.camera_model import AnyCamera
from dataset.synthetic.clothes.materials import Material
from dataset.synthetic.clothes.outfit import Outfit
from dataset.synthetic.render.background import Surroundings
from dataset.synthetic.render.camera_response import Look, develop
from dataset.synthetic.render.passes import OBJECT_IDS
from dataset.synthetic.render.ray_casting import Traced, rays_of
from dataset.synthetic.render.shading import BodyShader, lambert
from dataset.synthetic.scene.place import Place, box

_OBJECT_OF_MATERIAL = np.full(len(Material), OBJECT_IDS["top"], np.uint8)
_OBJECT_OF_MATERIAL[[Material.SKIN, Material.LIPS]] = OBJECT_IDS["skin"]
_OBJECT_OF_MATERIAL[Material.HAIR] = OBJECT_IDS["hair"]
_OBJECT_OF_MATERIAL[[Material.BOTTOMS, Material.BELT]] = OBJECT_IDS["bottoms"]
_OBJECT_OF_MATERIAL[[Material.SHOES, Material.SOLE]] = OBJECT_IDS["shoes"]


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
        self.outfit = outfit
        self._place, self._look = place, look
        self._rays = rays_of(camera, step)
        self._shader = BodyShader(outfit, place)
        self._surroundings = Surroundings(place, step)

    def draw(
        self,
        vertices: np.ndarray,
        trans: np.ndarray,
        rot: np.ndarray,
        seat: np.ndarray,
        joints: np.ndarray,
        rng: np.random.Generator,
        passes: tuple[str, ...] = (),
    ) -> Drawing:
        """Draw a frame.

        Args:
            vertices: (V, 3) clothed skin, world centimetres.
            trans, rot: the camera, as in the labels.
            seat: (4,) of :class:`~world_frames.Frames`.
            joints: (J, 3) world centimetres, to find out how far the rays to them get.
            rng: source of the grain.
            passes: which of :data:`passes.PASSES` to draw as well.
        """
        things, thing_faces, colours = _things(self._place, seat)
        body_faces = len(self.outfit.faces)
        scene = Traced(
            np.concatenate([vertices, things]) - trans,
            np.concatenate([self.outfit.faces, thing_faces + len(vertices)]),
        )
        to_world = (euler_sxyz_to_matrix(rot) @ MAYA_TO_CAMERA).astype(np.float32)
        rays = self._rays
        directions = rays.directions @ to_world.T
        # Only where a scout or one next to it meets something is every ray cast.
        rows = rays.promising(scene, directions)
        hits = scene.first(rays.origins[: len(rows)], directions[rows])
        struck = hits["primID"]
        met = np.zeros(len(directions), bool)
        met[rows] = struck >= 0
        light = np.empty((len(directions), 3), np.float32)

        of_body = np.flatnonzero((struck >= 0) & (struck < body_faces))
        body = rows[of_body]
        local = (vertices - trans).astype(np.float32)
        light[body], material = self._shader.shade(
            scene, local, struck[of_body], hits["u"][of_body], hits["v"][of_body]
        )

        of_things = np.flatnonzero(struck >= body_faces)
        thing = rows[of_things]
        if len(thing):
            albedo = colours[struck[of_things] - body_faces]
            shade = lambert(self._place, hits["Ng"][of_things], directions[thing])
            light[thing] = albedo * shade

        free = np.flatnonzero(~met)
        shadow = self._surroundings.shadow(vertices, things, trans)
        light[free] = self._surroundings.light(directions[free], trans, shadow)
        image = develop(light, rays, self._look, rng)
        further = {}
        if "depth" in passes:
            distance = self._surroundings.distance(directions, trans)
            distance[rows] = np.where(struck >= 0, hits["tfar"], distance[rows])
            # Along the optical axis, millimetres; beyond what 16 bits hold there is nothing.
            depth = distance * rays.cosine * 10.0
            depth = np.where(depth < 65535.0, depth, 0.0)
            further["depth"] = rays.picture((depth + 0.5).astype(np.uint16))
        if "objectId" in passes:
            identity = np.full(len(directions), OBJECT_IDS["surroundings"], np.uint8)
            identity[thing] = OBJECT_IDS["things"]
            identity[body] = _OBJECT_OF_MATERIAL[material]
            further["objectId"] = rays.picture(identity)
        return Drawing(image, scene.lead(joints - trans), further)


def _things(place: Place, seat: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (8 B, 3), triangles (12 B, 3) and their linear colours (12 B, 3) of what stands
    about, a plain seat of someone who sits among it."""
    x, height, z, heading = seat
    if height <= 0:
        return place.vertices, place.faces, place.face_colours
    size = np.array([36.0, max(height, 1.0), 36.0])
    corners, triangles = box(np.array([x, height / 2, z]), size, heading)
    return (
        np.concatenate([place.vertices, corners.astype(np.float32)]),
        np.concatenate([place.faces, triangles.astype(np.int32) + len(place.vertices)]),
        np.concatenate([place.face_colours, np.full((len(triangles), 3), 0.12, np.float32)]),
    )
