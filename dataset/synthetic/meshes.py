"""Triangle meshes: faces of a grid of points, normals, smoothing, and what rays meet."""

import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh

from dataset.synthetic.rotations import unit

#: What is this little before a point does not hide it.
_TOUCHES = 0.5


def grid_faces(rows: int, columns: int, closed: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row and column of each cell of a grid of points, and (F, 3) two triangles for each."""
    i, j = np.mgrid[: rows - 1, : columns if closed else columns - 1]
    a, b = i * columns + j, i * columns + (j + 1) % columns
    return i, j, np.stack([a, b, a + columns, b, b + columns, a + columns], -1).reshape(-1, 3)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) float32 unit normals of a mesh, weighted by area."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.repeat(np.cross(b - a, c - a), 3, axis=0)
    return unit(_summed(faces.ravel(), normal, len(vertices))).astype(np.float32)


def smoothed(vertices: np.ndarray, faces: np.ndarray, rounds: int) -> np.ndarray:
    """Vertices (V, …) moved to the mean of their neighbours, ``rounds`` times."""
    start, end = (faces[:, order].ravel() for order in ([0, 1, 2, 1, 2, 0], [1, 2, 0, 0, 1, 2]))
    count = np.maximum(np.bincount(start, minlength=len(vertices)), 1)[:, None]
    for _ in range(rounds):
        vertices = _summed(start, vertices[end], len(vertices)) / count
    return vertices


def _summed(rows: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """(count, …) sums of (N, …) values by their (N,) rows."""
    return np.stack([np.bincount(rows, column, minlength=count) for column in values.T], -1)


class Traced:
    """A scene to be asked with rays (N, 3), which start at its origin or elsewhere."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray):
        self._scene = rtcore_scene.EmbreeScene()
        faces = np.ascontiguousarray(faces, np.int32)
        self._mesh = TriangleMesh(self._scene, np.ascontiguousarray(vertices, np.float32), faces)

    def first(
        self, directions: np.ndarray, origins: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """First hits: ``primID`` (-1 for none), ``tfar``, ``u``, ``v``, ``Ng``."""
        return self._scene.run(*_rays(directions, origins), output=True)

    def blocked(self, directions: np.ndarray, origins: np.ndarray | None = None) -> np.ndarray:
        """(N,) whether anything lies along rays."""
        return self._scene.run(*_rays(directions, origins), query="OCCLUDED") >= 0

    def lead(self, points: np.ndarray, body: int) -> np.ndarray:
        """(N,) by how much the first surface on the way to (N, 3) points lies before them, infinite
        where that is of a thing: of none of the first ``body`` triangles."""
        distance = np.linalg.norm(points, axis=1)
        hits = self.first(points / distance[:, None])
        reached = np.where(hits["primID"] >= 0, hits["tfar"], np.inf)
        lead = np.maximum(distance - reached, 0.0)
        return np.where((lead > _TOUCHES) & (hits["primID"] >= body), np.inf, lead)


def _rays(directions: np.ndarray, origins: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    directions = np.ascontiguousarray(directions, np.float32)
    if origins is None:
        return np.zeros_like(directions), directions
    return np.ascontiguousarray(origins, np.float32), directions
