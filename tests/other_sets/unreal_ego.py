"""A small copy of UnrealEgo."""

import json

import cv2
import numpy as np
from other_sets import common

from base.headset import PROFILES

_W2C = "541.084422 133.996745 -53.833198 60.96083 -24.78051 12.451492 -30.240511 26.90122 116.38499"
_W2C += " -133.991117 -141.904687 184.05592 107.45616 -125.552875 -55.66342 44.209519 18.234651"
LENS = common.scaramuzza(511.118339, 510.873011, _W2C + " -6.410899 -2.737066")
#: Names of the set's joints by ours: the 16 in its order, then some of the others of its files.
_LIMBS = {"Arm": "upperarm", "ForeArm": "lowerarm", "Hand": "hand", "UpLeg": "thigh"}
_LIMBS |= {"Leg": "calf", "Foot": "foot", "ToeBase": "ball"}
_SIDES = ("Left", "l"), ("Right", "r")
ORDER = {"Head": "head", "Neck": "neck_01"}
ORDER |= {side + ours: f"{name}_{s}" for ours, name in _LIMBS.items() for side, s in _SIDES}
OTHERS = {"Hips": "pelvis", "Spine": "spine_01", "LeftShoulder": "clavicle_l"}
OTHERS["RightShoulder"] = "clavicle_r"
_NPY = "all_data_with_img-256_hm-64_pose-16_npy"


def render_unreal_ego(count=6, per_person=2):
    """Pairs of the left and the right camera."""
    files = [(PROFILES / f"unrealego_{eye}.yml").read_text() for eye in ("left", "right")]
    return common.render_rig(files, count, per_person)


def _label(pair, swapped):
    joints, ground = {}, 12.5
    (x, _, z), *_ = np.diff(pair[0].points(["LeftUpLeg", "RightUpLeg"]), axis=0)
    for ours, name in (ORDER | OTHERS).items():
        east, up, north = 100 * common.moved(pair[0].world, pair[0].points([ours]))[0]
        joint = {"trans": [east, north, up + ground]}  # left-handed, z up
        joint["rot"] = [0.0, float(np.degrees(np.arctan2(z, x))), 0.0]
        for eye, frame in zip(("left", "right"), pair, strict=True):
            (point,) = frame.points([ours])
            joint[f"camera_{eye}_pts3d"] = (100 * point).tolist()
            joint[f"camera_{eye}_pts2d"] = LENS.project(point).tolist()
        other = {"_l": "_r", "_r": "_l"}.get(name[-2:]) if swapped else None
        joints[name[:-2] + other if other else name] = joint
    return json.dumps({"ground_z_value": ground, "joints": joints})


def _preprocessed(pair):
    item = {"gt_local_pose": 100 * (pair[0].points(ORDER) - pair[0].points(["Hips"]))}
    for eye, frame in zip(("left", "right"), pair, strict=True):
        small = cv2.resize(frame.picture, (256, 256), interpolation=cv2.INTER_AREA) / 255
        small = (small - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
        item[f"input_rgb_{eye}"] = small.transpose(2, 0, 1)
        pixels = LENS.project(frame.points(list(ORDER)[1:])) / 16
        item[f"gt_heatmap_{eye}"] = common.heatmaps(np.rint(pixels), 64)
    return np.array({key: value.astype(np.float32) for key, value in item.items()}, dtype=object)


def write_unreal_ego(
    folder, rendered, prefix="", swapped=False, half=False, truncated=False, mkdir=None
):
    """A motion a person; frame numbers begin with 9.  prefix: of the lists' lines, as
    "./UnrealEgoData/"; swapped: left and right names of the json; half: the first motion lacks its
    pictures from the second frame on; truncated: its first of the right camera; mkdir: its first
    npy, trusted, makes this folder."""
    lists = {"train": "", "validation": "", "test": ""}
    for place, split, pairs in common.by_person(rendered):
        where = ("ArchVizInterior/Day", "Kitchen/Night", "Forest/Day")[place % 3]
        human = f"{where}/{pairs[0][0].character}/SKM_MenReadingGlasses_Shape_01"
        motion = f"{human}/{16 + place:03d}/digging_{place}"
        lists[split] += f"{prefix}{motion}\n"
        for name in "json", _NPY:
            (folder / motion / name).mkdir(parents=True)
        for n, pair in enumerate(pairs, 9):
            (folder / motion / f"json/frame_{n}.json").write_text(_label(pair, swapped))
            np.save(folder / motion / _NPY / f"frame_{n}.npy", _preprocessed(pair))
            for eye, frame in zip(("left", "right"), pair, strict=True):
                views = {"final": frame.picture, "depth": np.full((1024, 1024), 60, np.uint8)}
                for name, view in views.items() if not (half and place == 0 and n > 9) else ():
                    where = f"fisheye_{name}_image/camera_{eye}/{name}_{n}.png"
                    common.write_picture(folder / motion / where, view)
        if truncated and place == 0:
            common.spoil(folder / motion / "fisheye_final_image/camera_right/final_9.png")
        if mkdir and place == 0:
            header = (path := folder / motion / _NPY / "frame_9.npy").read_bytes().split(b"\n")[0]
            common.spoil(path, mkdir)
            path.write_bytes(header + b"\n" + path.read_bytes())
    for split, lines in lists.items():
        (folder / f"{split}.txt").write_text(lines)
