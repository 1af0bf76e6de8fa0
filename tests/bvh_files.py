"""BVH files of known poses of our own bodies, from a rest pose of one's choice."""

import numpy as np
from scipy.spatial.transform import Rotation

from dataset.synthetic.body.poser import Poser

#: Axes of a file as rows in ours: as Mixamo has them; z up; turned about the vertical.
Y_UP = np.eye(3)
Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
FACING_ASIDE = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])


def about(axis: str, degrees: float) -> np.ndarray:
    """(3, 3) rotation about the x, y or z axis."""
    return Rotation.from_euler(axis, degrees, degrees=True).as_matrix()


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
    own: np.ndarray | None = None,
) -> str:
    """A clip of poses of a body: (F, J, 3) joints and (F, J, 3, 3) turns of :meth:`Poser.place`.

    Args:
        rest: (J, 3, 3) turns of the rest pose on top of the T-pose; the T-pose by default.
        axes: rows are our axes in those of the file.
        order: of the rotation channels.
        prefix: of the names; those that contain ``skip`` are left out.
        scale: of the file's unit, in our centimetres.
        frame_time: seconds.
        own: (J, 3, 3) axes of each joint, as columns, in the rest pose; the world's by default.
    """
    names, parents = poser.body.rig.names, poser.body.rig.parents
    rest = np.tile(np.eye(3), (len(names), 1, 1)) if rest is None else rest
    at_rest = poser.bones.joints(rest[None])[0] @ axes / scale
    own = np.tile(np.eye(3), (len(names), 1, 1)) if own is None else own
    # World turn of a bone from the file's rest pose, in which all axes are the world's.
    spins = axes.T @ (turns @ np.swapaxes(rest, -1, -2)) @ axes @ own
    lines, columns = ["HIERARCHY"], [joints[:, 0] @ axes / scale]

    def write(row: int, depth: int) -> None:
        pad, parent = "  " * depth, parents[row]
        channels, offset, local = (
            [f"{letter}rotation" for letter in order],
            at_rest[row],
            spins[:, row],
        )
        if depth == 0:
            channels = ["Xposition", "Yposition", "Zposition", *channels]
            offset = offset * 0
        else:
            offset = own[parent].T @ (offset - at_rest[parent])
            local = np.swapaxes(spins[:, parent], 1, 2) @ local
        columns.append(Rotation.from_matrix(local).as_euler(order, degrees=True))
        lines.extend(
            [
                f"{pad}{'JOINT' if depth else 'ROOT'} {prefix}{names[row]}",
                pad + "{",
                f"{pad}  OFFSET {' '.join(f'{v:.6f}' for v in offset)}",
                f"{pad}  CHANNELS {len(channels)} {' '.join(channels)}",
            ]
        )
        children = [k for k, p in enumerate(parents) if p == row and skip not in names[k]]
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


def along_bones(poser: Poser) -> np.ndarray:
    """(J, 3, 3) axes of the joints as LAFAN1 has them, as columns: x along the bone."""
    names, tpose = poser.body.rig.names, poser.bones.joints(np.eye(3)[None, None].repeat(52, 1))[0]
    left, up, ahead = np.eye(3)
    own = np.tile(np.stack([up, ahead, left], 1), (len(names), 1, 1))
    for row, name in enumerate(names):
        side = -1.0 if name.startswith("Right") else 1.0
        for part, end, axes in (
            ("Shoulder", "Arm", (side * left, ahead, -side * up)),
            ("Arm", "ForeArm", (side * left, ahead, -side * up)),
            ("ForeArm", "Hand", (side * left, -up, -side * ahead)),
            ("UpLeg", "Leg", (-up, -ahead, left)),
            ("Leg", "Foot", (-up, -ahead, left)),
            ("Foot", "ToeBase", (ahead, up, -left)),
        ):
            if name.endswith(f"t{part}"):
                bone = tpose[names.index(name.replace(part, end))] - tpose[row]
                turn = Rotation.align_vectors(bone, axes[0])[0].as_matrix()
                own[row] = turn @ np.stack(axes, 1)
        if "Hand" in name:
            own[row] = own[names.index(name[: name.index("Hand")] + "ForeArm")]
        elif "Toe" in name:
            own[row] = own[names.index(name.replace("ToeBase", "Foot"))]
    return own
