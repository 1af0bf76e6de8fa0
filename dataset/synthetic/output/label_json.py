"""A frame's json, with the release's keys."""

import json

import numpy as np

from base.headset import RELEASE_HEADSET, Headset
from base.release_camera import world_to_camera
from base.skeleton import JOINT_PREFIX

_CM_DECIMALS, _PIXEL_DECIMALS, _DEGREE_DECIMALS = 5, 4, 3
_CAMERA_DEGREE_DECIMALS = 8


def _euler_sxyz(matrices: np.ndarray) -> np.ndarray:
    """(J, 3, 3) rotations → (J, 3) degrees about the static x, y, z axes."""
    y = np.arcsin(np.clip(-matrices[:, 2, 0], -1, 1))
    x = np.arctan2(matrices[:, 2, 1], matrices[:, 2, 2])
    z = np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])
    return np.degrees(np.stack([x, y, z], -1))


def encode_label(
    action: str,
    names: tuple[str, ...],
    joints: np.ndarray,
    turns: np.ndarray,
    trans: np.ndarray,
    rot: np.ndarray,
    occluded: np.ndarray | None,
    headset: Headset,
    more: dict,
) -> bytes:
    """The content of a label's json file.

    World joints and camera are rounded first and the camera-frame points and pixels derived from
    the rounded values, so that what is read back agrees with the camera formula to 1e-3 px.

    Args:
        action: clip name.
        names: J joint names without the release's prefix.
        joints: (J, 3) world centimetres.
        turns: (J, 3, 3) orientation of the bones in the world, identity in a T-pose facing +z.
        trans, rot: (3,) camera position, centimetres, and angles, degrees.
        occluded: (J,) bool, joints hidden behind something; None where that is not known, and then
            ``visible`` is only whether a joint lies inside the picture's disc.
        headset: as it is meant to be worn; noted in the label if it is not the release's.
        more: further entries that the release does not have.
    """
    joints = np.round(joints, _CM_DECIMALS)
    trans = np.round(trans, _CM_DECIMALS)
    rot = np.round(rot, _CAMERA_DEGREE_DECIMALS)
    points = np.round(world_to_camera(joints, trans, rot), _CM_DECIMALS)
    camera = headset.camera
    visible = camera.in_view(points) & (camera.angle(points) < headset.rim)
    if occluded is not None:
        visible &= ~occluded
    angles = np.round(_euler_sxyz(turns), _DEGREE_DECIMALS).tolist()
    fov = round(2 * float(np.degrees(headset.rim)), _DEGREE_DECIMALS)
    content = {
        "action": action,
        "camera": {"cam_fov": fov, "trans": trans.tolist(), "rot": rot.tolist()},
        "joints": [
            {"name": JOINT_PREFIX + name, "trans": place, "rot": angle}
            for name, place, angle in zip(names, joints.tolist(), angles, strict=True)
        ],
        "pts3d_fisheye": points.T.tolist(),
        "pts2d_fisheye": np.round(camera.project(points, clamp=True).T, _PIXEL_DECIMALS).tolist(),
        "visible": visible.tolist(),
        **({} if headset == RELEASE_HEADSET else {"headset": headset.as_dict()}),
        **more,
    }
    return json.dumps(content, separators=(",", ":")).encode()
