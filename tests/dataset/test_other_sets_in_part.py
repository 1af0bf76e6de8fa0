"""Downloads that are not whole: what is missing or damaged is named, and the rest is read."""

import pickle
import shutil
import sys
from pathlib import Path

import other_sets_tiny
import pytest
from commands import pack, refused, run_check
from other_sets import ego_body3m, mpi, unreal_ego

from base.set_type import SetType
from dataset import data_format, format_name, open_split
from dataset.faults import OFF_STATED, SWAPPED_SIDES
from dataset.packed.options import PackOptions
from utils import check_data, pack_data

pytestmark = pytest.mark.filterwarnings("error")
TRAIN, VAL, TEST = SetType


def check(root, *options):
    """The faults of all sets, as "kind: where (detail)", but for those of the tiny sets' poses."""
    status, sets = run_check(root, *options)
    faults = [fault for each in sets for fault in each["faults"]]
    assert status == bool(faults)
    assert not any(each["pairing_by_position"] for each in sets)
    faults = [f for f in faults if f["kind"] not in (SWAPPED_SIDES, OFF_STATED)]
    return [f"{f['kind']}: {f['where']} ({f['detail']})" for f in faults]


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.fixture
def scene(tmp_path):
    made = {"train_jian1": 3, "train_jian2": 1, "train_pranay2": 1, "test_jian1": 1}
    return other_sets_tiny.scene_ego(tmp_path / "set", **made)


@pytest.fixture
def mo2cap2(tmp_path):
    return other_sets_tiny.mo2cap2(tmp_path / "set")


def relabel(path, change):
    """Write a sequence's labels anew: what ``change`` makes of each and of its place."""
    labels = pickle.loads(path.read_bytes())
    path.write_bytes(pickle.dumps([change(place, label) for place, label in enumerate(labels)]))


CUT = "broken label: {} ({}: damaged, or no pickle)".format


@pytest.mark.parametrize(
    ("place", "change", "fault"),
    [
        ("train/jian2/annotation.pkl", cut, CUT("train/jian2", "annotation.pkl")),
        (
            "train/jian1/imgs/img_000002.jpg",
            Path.unlink,
            "label without picture: TrainSet/jian/jian1 (1 of 3 frames)",
        ),
        (
            "train/jian1/annotation.pkl",  # without names of pictures clocks are needed
            lambda p: relabel(p, lambda n, a: {"ext_id": n, "ego_pose_gt": a["ego_pose_gt"]}),
            "broken label: train/jian1 (syn.json: No such file or directory)",
        ),
        (
            "train/jian2/annotation.pkl",
            lambda path: relabel(path, lambda _, label: label | {"ego_pose_gt": None}),
            "broken label: TrainSet/jian/jian2/000001 (no pose, or no Neck)",
        ),
    ],
)
def test_one_thing_that_is_wrong_is_one_fault_and_stays_it_when_packed(
    place, change, fault, scene, tmp_path
):
    change(scene / place)
    assert check(scene) == [fault]
    assert len(open_split(scene, TRAIN, 64)) > 0
    assert check(pack(scene, tmp_path / "packed", 64)) == [fault]


def test_a_cut_chunk_and_a_cut_truth_are_faults(mo2cap2):
    for name in ("mo2cap2_chunk_0001.hdf5", "olek_outdoor_gt.mat"):
        cut(mo2cap2 / name)
    chunk, truth = check(mo2cap2)
    assert chunk.startswith("broken label: mo2cap2_chunk_0001.hdf5 (cannot be read (")
    assert truth.startswith("broken label: olek_outdoor_gt.mat (cannot be read (")


def test_without_h5py_it_is_said_what_to_install(mo2cap2, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    found = check(mo2cap2)
    assert len(found) == 2 and all("pip install h5py" in text for text in found)


def test_packed_without_a_size_small_pictures_stay_as_they_are(mo2cap2, tmp_path):
    whole = other_sets_tiny.scene_ego(tmp_path / "whole", train_jian1=1)
    for root, size in ((mo2cap2, 256), (whole, PackOptions().size)):
        output = tmp_path / str(size)
        pack_data.main(["--input", str(root), "--output", str(output), "--jobs", "1"])
        pack(root, output, size)  # which refuses another size than it was packed with


def test_rows_of_a_truth_without_a_picture_are_no_frames(mo2cap2, tmp_path):
    assert check(mo2cap2) == check(pack(mo2cap2, tmp_path / "packed", 64)) == []
    test = open_split(mo2cap2, TEST, 64, pictures=False)
    assert [test.frame_id(row).number for row in range(len(test))] == [158]


@pytest.mark.parametrize("truths", [0, 1])
def test_test_sequences_need_pictures_and_truth(truths, mo2cap2):
    olek, weipeng = (mo2cap2 / name for name in ("olek_outdoor", "TestSet/weipeng_studio"))
    weipeng.mkdir(parents=True)
    shutil.copy(next(olek.iterdir()), weipeng / "frame_c_0_f_0387.jpg")
    alone = "picture without label: {} (no {}_gt.mat)".format
    olek_alone = alone("olek_outdoor", "olek_outdoor")
    weipeng_alone = alone("TestSet/weipeng_studio", "weipeng_studio")
    text = "label without picture: {} (no pictures in weipeng_studio)"
    if truths:
        assert check(mo2cap2) == [weipeng_alone]
        truth = shutil.move(mo2cap2 / "olek_outdoor_gt.mat", mo2cap2 / "weipeng_studio_gt.mat")
        elsewhere = text.format("weipeng_studio_gt.mat")
        assert check(mo2cap2) == [elsewhere, weipeng_alone, olek_alone]
        shutil.rmtree(olek)
        shutil.move(truth, weipeng.parent)
        assert check(mo2cap2) == []
        shutil.rmtree(weipeng)
        assert check(mo2cap2) == [text.format("TestSet/weipeng_studio_gt.mat")]
    else:
        (mo2cap2 / "olek_outdoor_gt.mat").unlink()  # there is no TestSet then
        assert check(mo2cap2) == [weipeng_alone, olek_alone]


def test_sequences_without_labels_are_named_in_their_set(scene, capsys):
    for place in ("train/jian2", "train/pranay2", "test/jian1"):
        (scene / place / "annotation.pkl").unlink()
    (scene / "train" / "calibration").mkdir()  # is no sequence
    text = "picture without label: {} (no annotation.pkl or local_pose_gt.pkl)"
    places = "test/jian1", "train/jian2", "train/pranay2"
    assert check(scene) == [text.format(place) for place in places]
    other_sets_tiny.scene_ego(scene, test_diogo1=1)
    assert check(scene) == [text.format(place) for place in (*places[1:], places[0])]
    assert len(open_split(scene, TEST, 64)) == 1
    assert "TestSet: 1 picture without label: test/jian1" in capsys.readouterr().err


def test_sequences_of_ego_pw_with_cut_labels_or_none_are_named(rendered_for, tmp_path):
    mpi.write_ego_pw(tmp_path, rendered_for("mo2cap2"))
    shutil.copytree(tmp_path / "ayush" / "kitchen2", tmp_path / "ayush" / "x")
    (tmp_path / "ayush" / "x" / "pseudo_gt.pkl").unlink()
    cut(tmp_path / "chao_new" / "kitchen2" / "pseudo_gt.pkl")
    missing = "picture without label: ayush/x (no pseudo_gt.pkl)"
    found = check(tmp_path, "--no_pictures")
    assert sorted(found) == [CUT("chao_new/kitchen2", "pseudo_gt.pkl"), missing]


@pytest.mark.parametrize("name", ["unreal_ego", "ego_body3m"])
def test_what_a_list_has_more_is_one_fault_of_its_set(name, rendered_for, tmp_path, capsys):
    writer = {
        "unreal_ego": unreal_ego.write_unreal_ego,
        "ego_body3m": ego_body3m.write_ego_body3m,
    }[name]
    writer(tmp_path, rendered_for(name))
    assert check(tmp_path, "--no_pictures") == []
    count = len(open_split(tmp_path, TRAIN, 64))
    if name == "unreal_ego":
        path, where, what = tmp_path / "train.txt", "train.txt", "motions"
        more = [f"Forest/Day/p/g/c/{number}" for number in range(5)]
        path.write_text(path.read_text() + "\n".join(f"./x/{each}" for each in more) + "\n\n")
        more = [f"x/{each}" for each in more]
    else:
        path, where, what = tmp_path / "sequences.py", "sequences.py train_sequences", "recordings"
        more = [f"70000{number}" for number in range(5)]
        path.write_text(path.read_text() + f"train_sequences = train_sequences_ = {more}\n")
        text = path.read_text().splitlines()
        there = next(line for line in text if line.startswith("train_sequences"))
        text = [line for line in text if not line.startswith("train_")]
        path.write_text("\n".join([*text, there.replace("[", f"[{str(more)[1:-1]}, ", 1)]))
    detail = f"5 of its {what} are not there: {', '.join(more[:3])}"
    assert check(tmp_path, "--no_pictures") == [f"unreadable folder: {where} ({detail})"]
    capsys.readouterr()
    assert len(open_split(tmp_path, TRAIN, 64)) == count  # whose labels were kept before
    assert f"TrainSet: 1 unreadable folder: {where} ({detail})" in capsys.readouterr().err


def test_a_folder_testset_alone_is_not_the_release(rendered_for, tmp_path):
    mpi.write_mo2cap2(tmp_path, rendered_for("mo2cap2"))
    root = tmp_path / "test_data"
    assert format_name(data_format(root)) == "mo2cap2"
    assert len(open_split(root, TEST, 64)) == 4
    refused("no TestSet in", open_split, root, TEST, 64, format="xr_egopose")
    assert not list(tmp_path.rglob(".*"))


def test_a_wrong_option_is_no_fault_of_the_set(scene):
    given, message = (
        ["--data_root", str(scene), "--format", "scene_ego:parring=drift"],
        "no parring",
    )
    refused(f"{message}=drift: pairing=sync, pairing=drift", check_data.main, given)
    assert not (scene / "report.json").exists()
