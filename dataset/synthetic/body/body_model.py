"""Bodies: the Anny model in the Mixamo rig. Centimetres, y up; a body at rest stands at the origin
and faces +z, its left side towards +x."""

import os
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from base.errors import UserError
from base.skeleton import JOINT_PREFIX
from dataset.synthetic.rotations import to_tpose

#: Mean and deviation of the stature in centimetres by [male][short].
_STATURE = {True: ((177.0, 5.0), (164.0, 3.0)), False: ((166.0, 5.0), (154.0, 3.0))}


@dataclass(frozen=True)
class Rig:
    """What all bodies share: J joints, V vertices."""

    names: tuple[str, ...]  # of the joints without the release's prefix, parents first
    parents: tuple[int, ...]  # -1 for the root
    faces: np.ndarray  # (F, 3) int32 vertex indices
    weights: np.ndarray  # (V, J) float32 skinning weights
    main_bone: np.ndarray  # (V,) the bone that moves each vertex most

    def index(self, joint: str) -> int:
        return self.names.index(joint)


@dataclass(frozen=True)
class Body:
    """One person's shape in the rest pose."""

    rig: Rig
    heads: np.ndarray  # (J, 3) joints at rest, centimetres
    vertices: np.ndarray  # (V, 3) float32 skin at rest, centimetres
    # (J, 3, 3) rotation of each bone from rest to the T-pose.  Poses are rotations on top of it, so
    # that anatomical directions are the same for every body
    to_tpose: np.ndarray
    male: bool
    phenotype: dict[str, float]  # of the shape, each in [0, 1]

    def length(self, start: str, end: str) -> float:
        """Distance between two joints at rest, centimetres."""
        rows = [self.rig.index(start), self.rig.index(end)]
        return float(np.linalg.norm(np.diff(self.heads[rows], axis=0)))

    def _blended(self, joints: np.ndarray, turns: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(V, 3, 4) affine map of each vertex from rest to a pose."""
        matrix = turns @ self.to_tpose
        offset = joints - np.einsum("jab,jb->ja", matrix, self.heads)
        packed = np.concatenate([matrix, offset[..., None]], -1).reshape(-1, 12)
        return (weights @ packed.astype(np.float32)).reshape(-1, 3, 4)

    def unskin(
        self, joints: np.ndarray, turns: np.ndarray, points: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        """The rest positions (N, 3) that a pose moves to (N, 3) points, with (N, J) weights."""
        blended = self._blended(joints, turns, weights).astype(float)
        return np.linalg.solve(blended[..., :3], (points - blended[..., 3])[..., None])[..., 0]

    def skin(self, joints: np.ndarray, turns: np.ndarray, *clothed: np.ndarray) -> np.ndarray:
        """Linear blend skinning of (J, 3) joints and (J, 3, 3) turns on top of the T-pose: (V, 3)
        float32 centimetres.  ``clothed`` are other vertices and weights (V, J) than the body's."""
        rest, weights = clothed or (self.vertices, self.rig.weights)
        blended = self._blended(joints, turns, weights)
        return np.einsum("vab,vb->va", blended[..., :3], rest) + blended[..., 3]


@lru_cache(maxsize=1)
def _model():
    """The model of all bodies; a UserError where its packages cannot be loaded."""
    try:
        # Loads torch and compiles on the first use of a machine: only where it is needed.
        import anny
        import warp

        # Anny's kernels report their loading otherwise, once in each process.
        warp.config.log_level = getattr(warp, "LOG_ERROR", 40)
        errors, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)  # native code warns that there is no CUDA
        try:
            warp.init()
        finally:
            os.dup2(errors, 2)
        return anny.Anny(rig="mixamo", phenotypes="all")
    except Exception as error:  # whatever importing, compiling and reading raise
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"the body model of the package anny cannot be loaded ({type(error).__name__}: "
            f"{reason}): install requirements.txt"
        ) from error


@lru_cache(maxsize=1)
def load_rig() -> Rig:
    """Load the body model (about a minute the first time on a machine, then a second)."""
    model = _model()
    indices = model.vertex_bone_indices.numpy()
    weights = np.zeros((len(indices), len(model.bone_labels)), np.float32)
    rows = np.arange(len(indices))[:, None]
    np.add.at(weights, (rows, indices), model.vertex_bone_weights.numpy().astype(np.float32))
    return Rig(
        names=tuple(label.removeprefix(JOINT_PREFIX) for label in model.bone_labels),
        parents=tuple(int(parent) for parent in model.bone_parents),
        faces=model.get_triangular_faces().numpy().astype(np.int32),
        weights=weights,
        main_bone=weights.argmax(1),
    )


def make_body(male: bool, full: bool, short: bool, rng: np.random.Generator) -> Body:
    """Draw a person, of heavy build if ``full`` and below the average height if ``short``."""
    import torch

    rig, model = load_rig(), _model()
    spans = {
        "gender": (0.0, 0.15) if male else (0.85, 1.0), "age": (0.6, 0.85), "muscle": (0.35, 0.75),
        "weight": (0.78, 1.0) if full else (0.3, 0.6), "proportions": (0.4, 0.9),
        "cupsize": (0.3, 0.7), "firmness": (0.4, 0.8),
    }  # fmt: skip
    spans |= dict.fromkeys(("african", "asian", "caucasian"), (0.0, 1.0))
    phenotype = {name: rng.uniform(*span) for name, span in spans.items()}

    def at_rest(*heights: float) -> dict[str, torch.Tensor]:
        values = [[phenotype.get(name, h) for name in model.phenotype_labels] for h in heights]
        return model(phenotype_kwargs=torch.tensor(values, dtype=model.dtype))

    def to_world(points: torch.Tensor) -> np.ndarray:
        """Z-up metres facing -y → y-up centimetres facing +z."""
        x, y, z = np.moveaxis(points[0].numpy(), -1, 0)
        return np.stack([x, z, -y], -1) * 100.0

    stature = rng.normal(*_STATURE[male][short])
    with torch.no_grad():
        # Linear in height between 0, 0.5 and 1: three bodies give the one of a stature.
        up = at_rest(0.0, 0.5, 1.0)["rest_vertices"][..., 2]
        statures = (up.amax(-1) - up.amin(-1)).numpy() * 100.0
        phenotype["height"] = float(np.interp(stature, statures, (0.0, 0.5, 1.0)))
        rest = at_rest(0.0)
    heads = to_world(rest["rest_bone_heads"])
    turns = to_tpose(dict(zip(rig.names, heads, strict=True)))
    tpose = np.stack([turns.get(name, np.eye(3)) for name in rig.names])
    vertices = to_world(rest["rest_vertices"]).astype(np.float32)
    return Body(rig, heads, vertices, tpose, male, phenotype)
