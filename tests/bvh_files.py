"""BVH files of known poses of our own bodies, from a rest pose of one's choice."""

import numpy as np

from dataset.synthetic.body.poser import Poser

#: Axes of a file as rows in ours: as Mixamo has them; z up; turned about the vertical.
Y_UP = np.eye(3)
Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
FACING_ASIDE = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])


def about(axis: int, degrees: float) -> np.ndarray:
    """(3, 3) rotation about the x, y or z axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def angles(matrix: np.ndarray, order: str) -> list[float]:
    """Degrees about three different axes with matrix = R(order[0]) · R(order[1]) · R(order[2])."""
    i, j, k = ("XYZ".index(letter) for letter in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    second = np.arcsin(np.clip(sign * matrix[i, k], -1, 1))
    first = np.arctan2(-sign * matrix[j, k], matrix[k, k])
    third = np.arctan2(-sign * matrix[i, j], matrix[i, i])
    found = np.degrees([first, second, third]).tolist()
    made = np.linalg.multi_dot([about(a, d) for a, d in zip((i, j, k), found, strict=True)])
    assert np.allclose(made, matrix, atol=1e-6)
    return found


def bvh_text(
    poser: Poser,
    joints: np.ndarray,
    turns: np.ndarray,
    rest: np.ndarray | None = None,
    axes: np.ndarray = Y_UP,
    order: str = "ZXY",
    prefix: str = "mixamorig:",
    scale: float = 1.0,
    frame_time: float = 1 / 30,
    skip: str = "no joint",
) -> str:
    """A clip of poses of a body.

    Args:
        poser: of the body.
        joints, turns: (F, J, 3) and (F, J, 3, 3) as :meth:`Poser.place` gives.
        rest: (J, 3, 3) turns of the rest pose on top of the T-pose; the T-pose by default.
        axes: rows are our axes in those of the file.
        order: of the rotation channels.
        prefix: of the names.
        scale: of the file's unit, in our centimetres.
        frame_time: seconds.
        skip: names that contain this are left out.
    """
    rig = poser.body.rig
    count = len(rig.names)
    rest = np.tile(np.eye(3), (count, 1, 1)) if rest is None else rest
    offsets = np.diff(poser.bones.joints(rest[None])[0][[[max(p, 0), k] for k, p in
                      enumerate(rig.parents)]], axis=1)[:, 0] @ axes / scale  # fmt: skip
    lines, columns = ["HIERARCHY"], []
    # World turn of a bone from the file's rest pose.
    spins = axes.T @ (turns @ np.swapaxes(rest, -1, -2)) @ axes

    def write(row: int, depth: int) -> None:
        pad, parent = "  " * depth, rig.parents[row]
        lines.append(f"{pad}{'JOINT' if depth else 'ROOT'} {prefix}{rig.names[row]}")
        lines.append(pad + "{")
        lines.append(f"{pad}  OFFSET {' '.join(f'{v:.6f}' for v in offsets[row])}")
        channels = [f"{letter}rotation" for letter in order]
        if depth == 0:
            channels = ["Xposition", "Yposition", "Zposition", *channels]
            columns.append(joints[:, 0] @ axes / scale)
        lines.append(f"{pad}  CHANNELS {len(channels)} {' '.join(channels)}")
        local = spins[:, row] if parent < 0 else (
            np.swapaxes(spins[:, parent], 1, 2) @ spins[:, row]
        )  # fmt: skip
        columns.append(np.array([angles(matrix, order) for matrix in local]))
        children = [k for k, p in enumerate(rig.parents) if p == row and skip not in rig.names[k]]
        for child in children:
            write(child, depth + 1)
        if not children:
            lines.extend([f"{pad}  End Site", pad + "  {", f"{pad}    OFFSET 0 1 0", pad + "  }"])
        lines.append(pad + "}")

    write(0, 0)
    table = np.concatenate(columns, 1)
    lines += ["MOTION", f"Frames: {len(table)}", f"Frame Time: {frame_time:.8f}"]
    lines += [" ".join(f"{value:.6f}" for value in row) for row in table]
    return "\n".join(lines) + "\n"
