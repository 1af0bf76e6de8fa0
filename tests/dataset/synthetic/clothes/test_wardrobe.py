"""Clothes: kinds, sheets that stand off the body and move with it."""

import numpy as np
import pytest

from dataset.synthetic.body.body_model import make_body
from dataset.synthetic.body.pose import Pose, stack
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.clothes.cuts import BOTTOMS, TOPS
from dataset.synthetic.clothes.materials import Part
from dataset.synthetic.clothes.sheets import grid_faces
from dataset.synthetic.clothes.wardrobe import dress


@pytest.fixture(scope="module")
def body():
    return make_body(male=False, full=False, short=False, rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def outfits(body):
    return [dress(body, np.random.default_rng(seed)) for seed in range(12)]


def test_there_are_at_least_six_kinds_of_tops_and_five_of_bottoms():
    assert len(TOPS) >= 6 and len(BOTTOMS) >= 5
    assert {top.sleeve for top in TOPS.values()} == {"long", "short", "none"}
    assert {"zip", "buttons", ""} == {top.fastener for top in TOPS.values()}


def test_sheets_are_part_of_the_outfit_and_each_vertex_is_moved_by_bones_with_weight_one(outfits):
    kinds = set()
    for outfit in outfits:
        count = len(outfit.vertices)
        assert outfit.weights.shape[0] == len(outfit.tpose) == count
        assert outfit.faces.max() == count - 1 and len(outfit.faces) == len(outfit.face_part)
        assert np.allclose(outfit.weights.sum(1), 1.0, atol=1e-4)
        assert np.isfinite(outfit.vertices).all()
        kinds |= set(outfit.face_part.tolist())
    assert {Part.COLLAR, Part.SLEEVE, Part.HEM, Part.SKIRT, Part.LONG_HAIR} <= kinds


def test_sheets_follow_the_body(body, outfits):
    lifted = Pose(hand=np.array([(0.1, 0.6, 0.5), (0.25, -0.9, 0.1)]))
    joints, turns = Poser(body).place(stack([Pose(), lifted]))
    outfit = next(o for o in outfits if (o.face_part == Part.SLEEVE).any())
    skins = [body.skin(joints[k], turns[k], outfit.vertices, outfit.weights) for k in (0, 1)]
    # In the T-pose they are where they were built.
    own = len(body.vertices)
    assert np.abs(skins[0][own:] - outfit.tpose[own:]).max() < 0.05
    sleeve = np.unique(outfit.faces[outfit.face_part == Part.SLEEVE])
    left = sleeve[outfit.tpose[sleeve, 0] > 0]
    elbow, wrist = (joints[1, body.rig.index(name)] for name in ("LeftForeArm", "LeftHand"))
    along = np.clip(
        ((skins[1][left] - elbow) @ (wrist - elbow)) / ((wrist - elbow) ** 2).sum(), -1, 1
    )
    nearest = elbow + along[:, None] * (wrist - elbow)
    assert np.linalg.norm(skins[1][left] - nearest, axis=1).max() < 14.0


def test_clothes_are_thicker_than_skin(body, outfits):
    chest = np.isin(body.rig.main_bone, [body.rig.index("Spine1")])
    front = chest & (body.vertices[:, 2] > np.percentile(body.vertices[chest, 2], 80))
    for outfit in outfits:
        assert (outfit.vertices[: len(front)][front, 2] - body.vertices[front, 2]).mean() > 0.2


def test_a_closed_grid_has_no_seam():
    faces = grid_faces(3, 5, closed=True)
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert len(faces) == 2 * 2 * 5 and (counts == 1).sum() == 2 * 5  # only the two open ends
