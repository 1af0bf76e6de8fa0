"""Pictures of a clothed body in its place, seen by the release's camera or another."""

import numpy as np

from base.camera import MAYA_TO_CAMERA, RELEASE_CAMERA, euler_sxyz_to_matrix
from base.cameras.camera import Camera
from dataset.synthetic.clothes.materials import Material
from dataset.synthetic.clothes.outfit import Outfit
from dataset.synthetic.render.background import Background
from dataset.synthetic.render.camera_response import CameraResponse, develop
from dataset.synthetic.render.passes import OBJECT_IDS
from dataset.synthetic.render.ray_casting import Traced, rays_of
from dataset.synthetic.render.shading import BodyShader, lambert
from dataset.synthetic.scene.place import Place

_OBJECT_OF_MATERIAL = np.full(len(Material), OBJECT_IDS["top"], np.uint8)
_OBJECT_OF_MATERIAL[[Material.SKIN, Material.LIPS]] = OBJECT_IDS["skin"]
_OBJECT_OF_MATERIAL[Material.HAIR] = OBJECT_IDS["hair"]
_OBJECT_OF_MATERIAL[[Material.BOTTOMS, Material.BELT]] = OBJECT_IDS["bottoms"]
_OBJECT_OF_MATERIAL[[Material.SHOES, Material.SOLE]] = OBJECT_IDS["shoes"]


class Renderer:
    """Draws one person in one place."""

    def __init__(
        self,
        outfit: Outfit,
        place: Place,
        response: CameraResponse,
        step: int = 1,
        camera: Camera = RELEASE_CAMERA,
    ):
        self.outfit = outfit
        self._place, self._response = place, response
        self._rays = rays_of(camera, step)
        self._shader = BodyShader(outfit, place)
        self._background = Background(place, step)

    def draw(
        self,
        vertices: np.ndarray,
        trans: np.ndarray,
        rot: np.ndarray,
        seat: np.ndarray,
        joints: np.ndarray,
        rng: np.random.Generator,
        passes: tuple[str, ...] = (),
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Draw a frame.

        Args:
            vertices: (V, 3) clothed skin, world centimetres.
            trans, rot: the camera, as in the labels.
            seat: (4,) as :attr:`world_frames.Frames.seats`.
            joints: (J, 3) world centimetres, to find out how far the rays to them get.
            rng: source of the grain.
            passes: which of :data:`passes.PASSES` to draw as well.

        Returns:
            Pictures by name: ``rgba`` (H, W, 3) uint8 RGB; ``depth`` (H, W) uint16, millimetres
            along the optical axis, 0 for none; ``objectId`` (H, W) uint8, see
            :data:`passes.OBJECT_IDS`.  And (J,) centimetres by which the first surface on the way
            to each joint lies before it.
        """
        rays, background, outfit = self._rays, self._background, self.outfit
        things = self._place.things.with_seat(seat)
        scene = Traced(
            np.concatenate([vertices, things.corners]) - trans,
            np.concatenate([outfit.faces, things.faces + len(vertices)]),
        )
        to_world = (euler_sxyz_to_matrix(rot) @ MAYA_TO_CAMERA).astype(np.float32)
        directions = rays.directions @ to_world.T
        # Only where a scout or one next to it meets something is every ray cast.
        rows = rays.promising(scene, directions)
        hits = scene.first(rays.origins[: len(rows)], directions[rows])
        struck = hits["primID"]
        of_body = np.flatnonzero((struck >= 0) & (struck < len(outfit.faces)))
        of_things = np.flatnonzero(struck >= len(outfit.faces))
        body, thing = rows[of_body], rows[of_things]

        light = np.empty((len(directions), 3), np.float32)
        local = (vertices - trans).astype(np.float32)
        light[body], material = self._shader.shade(
            scene, local, struck[of_body], hits["u"][of_body], hits["v"][of_body]
        )
        shade = lambert(self._place, hits["Ng"][of_things], directions[thing])
        light[thing] = things.colours[struck[of_things] - len(outfit.faces)] * shade
        free = np.ones(len(directions), bool)
        free[rows] = struck < 0
        free = np.flatnonzero(free)
        shadow = background.shadow(vertices, things.corners, trans)
        light[free] = background.light(directions[free], trans, shadow)
        pictures = {"rgba": develop(light, rays, self._response, rng)}
        if "depth" in passes:
            distance = background.distance(directions, trans)
            distance[rows] = np.where(struck >= 0, hits["tfar"], distance[rows])
            # Along the optical axis, millimetres; beyond what 16 bits hold there is nothing.
            depth = distance * rays.cosine * 10.0
            depth = np.where(depth < 65535.0, depth, 0.0)
            pictures["depth"] = rays.picture((depth + 0.5).astype(np.uint16))
        if "objectId" in passes:
            identity = np.full(len(directions), OBJECT_IDS["surroundings"], np.uint8)
            identity[thing] = OBJECT_IDS["things"]
            identity[body] = _OBJECT_OF_MATERIAL[material]
            pictures["objectId"] = rays.picture(identity)
        return pictures, scene.lead(joints - trans)
