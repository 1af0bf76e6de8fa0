"""For the writers of other laboratories' sets: frames that the generator renders for their
headsets, lenses by the sets' own formulas, what is spoilt on request."""

import json
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from commands import make_set
from scipy.spatial.transform import Rotation

from base.skeleton import JOINT_PREFIX, JOINTS


@dataclass(frozen=True)
class Rendered:
    picture: np.ndarray  # (H, W, 3) uint8 RGB
    joints3d: np.ndarray  # (16, 3) metres; x right in the picture, y down, z out of the lens
    character: str
    environment: str
    number: int
    extra: dict[str, np.ndarray]  # the generator's other joints: Hips, Spine, LeftShoulder …
    world: np.ndarray  # (4, 4) camera axes → a world with y up and its floor at 0; metres

    def points(self, names):
        """(N, 3) joints by name, metres, camera axes."""
        joints = self.extra | dict(zip(JOINTS, self.joints3d, strict=True))
        return np.array([joints[name] for name in names])


def moved(matrix, points):
    """(N, 3) points after a (4, 4) rigid motion."""
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def _read(path):
    label, world = json.loads(path.read_text()), np.eye(4)
    names = [joint["name"].removeprefix(JOINT_PREFIX) for joint in label["joints"]]
    joints = dict(zip(names, np.array(label["pts3d_fisheye"]).T / 100, strict=True))
    turn = Rotation.from_euler("xyz", label["camera"]["rot"], degrees=True).as_matrix()
    world[:3, :3], world[:3, 3] = turn * (1, -1, -1), np.array(label["camera"]["trans"]) / 100
    character, number = path.stem.rsplit("_", 1)
    picture = cv2.imread(str(path.parents[1] / "rgba" / f"{character}.rgba.{number}.png"))
    pose = np.array([joints.pop(name) for name in JOINTS])
    where = character, path.parents[2].name, int(number)
    return Rendered(picture[..., ::-1].copy(), pose, *where, joints, world)


def render(headset, count=6, per_person=2):
    """Frames of ``count / per_person`` people with a headset: a profile's name, or a file."""
    with TemporaryDirectory() as folder:
        many = ("--train", count, "--val", 0, "--test", 0, "--frames_per_character", per_person)
        fast = ("--seed", 0, "--workers", 1, "--ray_step", 4, "--headset", headset)
        root = make_set(Path(folder) / "set", *many, *fast)
        return [_read(path) for path in sorted(root.rglob("*_[0-9]*.json"))]


def render_rig(files, count, per_person):
    """Tuples of frames that the cameras of one headset, texts of headset files, take together."""
    views, rigid = [], "\nspread: {position: [0, 0, 0], tilt: 0}\n"  # all wear it alike
    with TemporaryDirectory() as folder:
        for number, text in enumerate(files):
            (path := Path(folder) / f"{number}.yml").write_text(text + rigid)
            views.append(render(path, count, per_person))
    for frames in (together := list(zip(*views, strict=True))):
        poses = [moved(frame.world, frame.joints3d) for frame in frames]
        np.testing.assert_allclose(poses, [poses[0]] * len(poses), atol=1e-5)
    return together


def by_person(rendered):
    """(place, split, frames) of each person; the last two are in validation and test."""
    people = [list(of) for _, of in groupby(rendered, lambda f: np.ravel(f)[0].character)]
    splits = ["train"] * (len(people) - 2) + ["validation" if people[2:] else "train", "test"]
    return list(zip(range(len(people)), splits[-len(people) :], people, strict=True))


@dataclass(frozen=True)
class Lens:
    centre: tuple[float, float]
    radius: object  # function of the angle from the axis: pixels from the centre

    def project(self, points):
        """(…, 2) pixels of (…, 3) points, camera axes; on the axis the centre."""
        across = np.hypot(points[..., 0], points[..., 1])
        scale = self.radius(np.arctan2(across, points[..., 2])) / np.maximum(across, 1e-12)
        return self.centre + points[..., :2] * scale[..., None]

    def as_seen_by(self, other, picture):
        """A picture of this lens as the other would have taken it; black beyond 92°."""
        offset = np.stack(np.meshgrid(*map(np.arange, picture.shape[1::-1])), -1) - other.centre
        angles = np.radians(np.arange(0.0, 92.0, 0.01))
        far = np.maximum(np.linalg.norm(offset, axis=-1, keepdims=True), 1e-9)
        angle = np.interp(far, other.radius(angles), angles, right=np.nan)
        rays = np.concatenate([np.sin(angle) * offset / far, np.cos(angle)], -1)
        pixels = np.nan_to_num(self.project(rays), nan=-9).astype(np.float32)
        return cv2.remap(picture, *np.moveaxis(pixels, -1, 0), cv2.INTER_LINEAR)


def scaramuzza(cx, cy, w2c):
    """ρ = Σ w2c[i] θ^i, θ = atan2(−z, r): the angle from the axis less a right angle."""
    terms = [float(term) for term in w2c.split()]
    return Lens((cx, cy), lambda angle: np.polynomial.polynomial.polyval(angle - np.pi / 2, terms))


def write_picture(path, picture):
    """RGB or grey, JPEG or PNG by the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = picture[..., ::-1] if picture.ndim == 3 else picture
    assert cv2.imwrite(str(path), picture)


def spoil(path, mkdir=None):
    """Keep the first half of a file; or make it a pickle that makes a folder when trusted."""
    half = path.read_bytes()[: path.stat().st_size // 2]
    path.write_bytes(b"cos\nmkdir\n(V%s\ntR." % str(mkdir).encode() if mkdir else half)
