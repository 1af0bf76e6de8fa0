"""``poses.glb``: an animated skeleton in glTF 2.0, with a body of simple bones to be seen."""

import numpy as np
import pygltflib as gltf

from base.skeleton import JOINT_PREFIX
from utils.inference.outputs import Summary
from utils.inference.sinks.whole import ClipFormat
from utils.motion.rig import (
    CHILDREN,
    NUM_RIG_JOINTS,
    PARENTS,
    RIG_JOINTS,
    forward_kinematics,
)
from utils.motion.solver import Motion

#: Half the width of a bone at its thickest, share of its length, and how far along that is.
_WIDTH, _THICKEST = 0.12, 0.2
#: Faces of an octahedron of a start, four corners around, and an end.
_FACES = np.array([(0, b, a) for a, b in ((1, 2), (2, 3), (3, 4), (4, 1))])
_FACES = np.concatenate([_FACES, [(5, a, b) for a, b in ((1, 2), (2, 3), (3, 4), (4, 1))]])


def _body(offsets: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners (V, 3) at rest, the row of the joint each moves with (V,), and faces (T, 3) of bones
    drawn as octahedra, of joints that are ``at`` (20, 3) at rest."""
    corners, owners, faces = [], [], []
    for row, parent in enumerate(PARENTS[1:], 1):
        bone, start = offsets[row], at[parent]
        if not bone.any():
            continue
        side = np.cross(bone, np.eye(3)[np.abs(bone).argmin()])
        side *= _WIDTH * np.linalg.norm(bone) / np.linalg.norm(side)
        other = np.cross(bone, side) / np.linalg.norm(bone)
        middle = start + _THICKEST * bone
        faces.append(_FACES + 6 * len(corners))
        corners.append([start, *(middle + v for v in (side, other, -side, -other)), at[row]])
        owners += [parent] * 6
    return np.concatenate(corners), np.array(owners), np.concatenate(faces)


class _Buffer:
    """The binary part of a file that is being put together."""

    def __init__(self, file: gltf.GLTF2) -> None:
        self.file, self.content = file, b""

    def add(self, values: np.ndarray, kind: str, target: int | None = None) -> int:
        """Index of the accessor of (N,) or (N, …) values."""
        data = np.ascontiguousarray(values)
        types = {"f": gltf.FLOAT, "H": gltf.UNSIGNED_SHORT, "B": gltf.UNSIGNED_BYTE}
        view = gltf.BufferView(
            buffer=0, byteOffset=len(self.content), byteLength=data.nbytes, target=target
        )
        self.file.bufferViews.append(view)
        flat = data.reshape(len(data), -1)
        accessor = gltf.Accessor(
            bufferView=len(self.file.bufferViews) - 1,
            componentType=types[data.dtype.char],
            count=len(data),
            type=kind,
            min=flat.min(0).tolist(),
            max=flat.max(0).tolist(),
        )
        self.file.accessors.append(accessor)
        self.content += data.tobytes() + bytes(-data.nbytes % 4)
        return len(self.file.accessors) - 1


def glb_bytes(motion: Motion, seconds: np.ndarray) -> bytes:
    """The file of a motion whose F frames are at rising ``seconds`` (F,)."""
    file = gltf.GLTF2(asset=gltf.Asset(version="2.0", generator="xr_egopose"), scene=0)
    buffer = _Buffer(file)
    file.nodes = [
        gltf.Node(
            name=JOINT_PREFIX + name,
            translation=(motion.root[0] if row == 0 else motion.offsets[row]).tolist(),
            children=[RIG_JOINTS.index(child) for child in CHILDREN[name]],
        )
        for row, name in enumerate(RIG_JOINTS)
    ]
    file.nodes.append(gltf.Node(name="body", mesh=0, skin=0))
    file.scenes = [gltf.Scene(nodes=[0, NUM_RIG_JOINTS])]

    unturned = np.tile([0.0, 0.0, 0.0, 1.0], (1, NUM_RIG_JOINTS, 1))
    (at,), _ = forward_kinematics(motion.offsets, np.zeros((1, 3)), unturned)
    corners, owners, faces = _body(motion.offsets, at)
    to_joints = np.repeat(np.eye(4)[None], NUM_RIG_JOINTS, 0)
    to_joints[:, 3, :3] = -at  # column by column
    rows, weights = np.zeros((2, len(owners), 4))
    rows[:, 0], weights[:, 0] = owners, 1
    attributes = gltf.Attributes(
        POSITION=buffer.add(corners.astype("f"), gltf.VEC3, gltf.ARRAY_BUFFER),
        JOINTS_0=buffer.add(rows.astype("B"), gltf.VEC4, gltf.ARRAY_BUFFER),
        WEIGHTS_0=buffer.add(weights.astype("f"), gltf.VEC4, gltf.ARRAY_BUFFER),
    )
    indices = faces.reshape(-1).astype("H")
    indices = buffer.add(indices, gltf.SCALAR, gltf.ELEMENT_ARRAY_BUFFER)
    file.materials = [
        gltf.Material(
            pbrMetallicRoughness=gltf.PbrMetallicRoughness(
                baseColorFactor=[0.9, 0.45, 0.1, 1.0], metallicFactor=0.0
            )
        )
    ]
    body = gltf.Primitive(attributes=attributes, indices=indices, material=0)
    file.meshes = [gltf.Mesh(primitives=[body])]
    bind = buffer.add(to_joints.reshape(-1, 16).astype("f"), gltf.MAT4)
    joints = list(range(NUM_RIG_JOINTS))
    file.skins = [gltf.Skin(inverseBindMatrices=bind, skeleton=0, joints=joints)]

    times = buffer.add(np.asarray(seconds, "f"), gltf.SCALAR)
    animation = gltf.Animation(name="poses")
    tracks = [(0, "translation", motion.root, gltf.VEC3)]
    turns = motion.rotations
    tracks += [(row, "rotation", turns[:, row], gltf.VEC4) for row in range(NUM_RIG_JOINTS)]
    for row, path, values, kind in tracks:
        output, number = buffer.add(values.astype("f"), kind), len(animation.samplers)
        animation.samplers.append(gltf.AnimationSampler(input=times, output=output))
        target = gltf.AnimationChannelTarget(node=row, path=path)
        animation.channels.append(gltf.AnimationChannel(sampler=number, target=target))
    file.animations = [animation]
    file.buffers = [gltf.Buffer(byteLength=len(buffer.content))]
    file.set_binary_blob(buffer.content)
    return b"".join(file.save_to_bytes())


class GlbFormat(ClipFormat):
    """With the frames' own times."""

    def finish(self, summary: Summary) -> None:
        seconds = np.array([result.seconds(self.run.fps) for result in self.results])
        self.stream.buffer.write(glb_bytes(self.motion(), seconds))
