"""A small copy of EgoBody3M: four grey cameras on a VR headset, projections but no calibration."""

import json

import cv2
import numpy as np
import yaml
from other_sets import common
from scipy.spatial.transform import Rotation

from base.headset import mount_angles

#: Ours of the set's 26 joints; Heel and Midfoot lie on the line from the ankle to the toes.
JOINTS26 = "Head LeftShoulder LeftArm LeftForeArm LeftHand RightShoulder RightArm RightForeArm"
JOINTS26 += " RightHand Neck Hips Spine Spine1 Spine2 RightUpLeg RightLeg RightFoot RightFoot"
JOINTS26 += " RightHeel RightMidfoot LeftUpLeg LeftLeg LeftFoot LeftFoot LeftHeel LeftMidfoot"
#: Of each camera: centre (cm) and rotation vector in the headset's axes (x to the wearer's left, y
#: up, z forward), focal length, centre and size of the picture, about as in the genuine sample.
EYES = (
    ((7.60, -2.25, 3.46), (1.0196, -1.4864, 1.6842), 242.2, (316.8, 242.7), (636, 480)),
    ((3.27, -2.63, 5.92), (-0.2760, -0.2731, 1.5514), 488.2, (643.2, 510.3), (1280, 1024)),
    ((-3.10, -2.60, 5.87), (-0.2746, -0.2729, 1.5535), 488.0, (642.9, 510.2), (1280, 1024)),
    ((-7.69, -2.25, 3.40), (-1.3160, 0.8852, 0.7592), 241.7, (319.1, 236.4), (636, 480)),
)
#: Terms of Kannala and Brandt: of this device, and of another.
K = (0.05, -0.03), (0.02, -0.015)


def lens(eye, other=False):
    """Of a camera; another device's centre, focal length and terms differ."""
    (cx, cy), f, (k1, k2) = EYES[eye][3], EYES[eye][2] * (1.03 if other else 1), K[other]
    centre = (cx + 4, cy - 3) if other else (cx, cy)
    return common.Lens(centre, lambda angle: f * angle * (1 + k1 * angle**2 + k2 * angle**4))


def from_headset(eye):
    """(4, 4) headset → camera axes, cm."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(EYES[eye][1]).as_matrix()
    matrix[:3, 3] = -matrix[:3, :3] @ EYES[eye][0]
    return matrix


def render_ego_body3m(count=6, per_person=2):
    """Tuples of the four cameras; the nose is 3.5 cm below and 2.5 before the headset's origin."""
    files = []
    for eye, ((x, y, z), _, f, (cx, cy), (width, height)) in enumerate(EYES):
        camera = {"model": "fisheye", "fx": f, "fy": f, "cx": cx, "cy": cy, "k": list(K[0])}
        turn = from_headset(eye)[:3, :3] @ [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
        mount = dict(zip(("rotate", "forward", "left"), mount_angles(turn), strict=True))
        mount |= {"position": [x, y + 3.5, z - 2.5], "picture": [width, height]}
        files.append(yaml.safe_dump({"camera": camera} | mount))
    return common.render_rig(files, count, per_person)


def joints26(frame):
    """(26, 3) metres, camera axes."""
    feet = {}
    for side in "Left", "Right":
        ankle, toes = frame.points([f"{side}Foot", f"{side}ToeBase"])
        for name, share in ("Heel", -0.25), ("Midfoot", 0.5):
            feet[side + name] = ankle + share * (toes - ankle)
    names = JOINTS26.split()
    return np.array([feet[n] if n in feet else frame.points([n])[0] for n in names])


def in_headset(label):
    """(26, 3) joints of a label in the headset's axes, cm."""
    to_world = np.array(label["world_from_headset_xf_cm"])
    return common.moved(np.linalg.inv(to_world), np.array(label["joint_positions_world_cm"]))


def projected(eye, points, other=False):
    """(N, 3) pixels and depth in cm of points in the headset's axes; those behind are mirrored."""
    points = common.moved(from_headset(eye), points)
    depth = points[:, 2:]
    return np.concatenate([lens(eye, other).project(points * np.sign(depth)), depth], 1)


def write_ego_body3m(
    folder, rendered, corrupt=False, other_device=False, truncated=False, mkdir=None
):
    """A recording a person.  corrupt: the first recording's second json is cut off; other_device:
    the second recording has other lenses; truncated: the first recording's first picture; mkdir:
    sequences.py, if it is run, makes this folder."""
    lists = {"train": [], "validation": [], "test": []}
    for place, split, frames in common.by_person(rendered):
        recording, odd = folder / str(603778748449000 + 7 * place), other_device and place == 1
        lists[split].append(recording.name)
        for n, views in enumerate(frames, 5 * place):
            world_cm = views[0].world.copy()
            world_cm[:3, 3] *= 100
            label = {"frame_index": n, "world_from_headset_xf_cm": world_cm @ from_headset(0)}
            label["annotation_level"] = 0
            label["joint_positions_world_cm"] = common.moved(world_cm, 100 * joints26(views[0]))
            for eye, view in enumerate(views):
                pixels = projected(eye, in_headset(label), odd)
                label[f"projected_joint_positions_cam{eye}_px"] = pixels
                picture = cv2.cvtColor(view.picture, cv2.COLOR_RGB2GRAY)
                picture = lens(eye).as_seen_by(lens(eye, True), picture) if odd else picture
                common.write_picture(recording / f"frame{n:04d}_cam{eye}.jpg", picture)
            floats = {k: v if np.isscalar(v) else np.float32(v).tolist() for k, v in label.items()}
            (recording / f"frame{n:04d}.json").write_text(json.dumps(floats, indent=2))
        for name, wanted in ("frame0001.json", corrupt), ("frame0000_cam0.jpg", truncated):
            if wanted and place == 0:
                common.spoil(recording / name)
    lines = [f"{split}_sequences = {names}\n" for split, names in lists.items()]
    lines += [f"__import__('os').mkdir({str(mkdir)!r})\n"] if mkdir else []
    (folder / "sequences.py").write_text("".join(lines))
