"""Training on, and evaluating on, several data roots at once, as a user does."""

import json
import pickle
from unittest import mock

import killing
import numpy as np
import other_sets_tiny
import pytest
import torch
from commands import BEST, at_step, names, records, refused, run_train

import demo
from utils import draw_contact_sheet

pytestmark = pytest.mark.usefixtures("tiny_kind")


@pytest.fixture(scope="module")
def roots(tiny_data, tiny_packed):
    """Of the same frames, but two roots."""
    return tiny_data, tiny_packed


def test_a_run_on_a_mix_goes_on_bit_identical_and_with_no_other(
    roots, tiny_file, tmp_path, monkeypatch, capsys
):
    how = "--config", tiny_file, "--weights", "1", "3"
    with killing.one_thread():
        run_train("finetune", roots, tmp_path / "alone", *how)
        printed = capsys.readouterr().out
        at_step(monkeypatch, 3, lambda: 1 / 0)
        minutes = "--set", "checkpoints.minutes=1e-9"
        with pytest.raises(ZeroDivisionError):
            run_train("finetune", roots, tmp_path / "log", *how, *minutes)
        monkeypatch.undo()
        run_train("finetune", roots, tmp_path / "log", *how, "--resume")
    assert f"{roots[0]} (6 frames of 12), {roots[1]} (18 frames of 12)" in printed
    assert "TrainSet 24, ValSet 8" in printed and "6 steps each" in printed
    contents = [torch.load(tmp_path / log / BEST, weights_only=True) for log in ("alone", "log")]
    for key in ("tiny2d_state_dict", "tiny3d_state_dict"):
        one, other = (content[key] for content in contents)
        assert all((one[name] == other[name]).all() for name in one)
    one, other = (
        {r["step"]: r.get("loss") for r in records(tmp_path / log)} for log in ("alone", "log")
    )
    assert one == other
    assert contents[0]["mounts"]["mix"] == {"roots": ["synthetic", "packed"], "weights": [1.0, 3.0]}
    message = r"trained on \{'roots': \['synthetic', 'packed'\]"
    config = *how[:2], "--resume", "--epochs", 3
    for other in ((*roots, "--weights", 1, 1), roots, roots[::-1], roots[:1]):
        refused(message, run_train, "finetune", other, tmp_path / "log", *config)


def test_a_stage_that_reads_labels_mixes_too_and_one_of_videos_does_not(roots, tiny_file, tmp_path):
    config, one = ("--config", tiny_file), tmp_path / "one"
    run_train("train3d", roots, tmp_path / "3d", *config)
    message = "temporal takes one --data_root"
    refused(message, run_train, "temporal", roots, tmp_path / "t", *config)
    run_train("train3d", roots[0], one, *config)
    assert "mix" not in torch.load(one / BEST)["mounts"]
    message = "trained on one data root"
    refused(message, run_train, "train3d", roots, one, *config, "--resume")


def evaluate(model, save_dir, *roots_and_more):
    given = ("--load_model", model, "--gpu", "cpu", "--workers", 0, "--num_vis", 0)
    given = (*given, "--save_dir", save_dir, "--data_root", *roots_and_more)
    demo.main([str(word) for word in given])


def test_each_root_is_evaluated_as_alone_and_a_table_is_of_all(
    roots, tiny_network, tmp_path, capsys
):
    evaluate(tiny_network, tmp_path / "all", *roots, "--gpu", 0)
    printed = capsys.readouterr().out
    assert printed.count("No CUDA device") == (not torch.cuda.is_available())
    for root, name in zip(roots, ("synthetic", "packed"), strict=True):
        evaluate(tiny_network, tmp_path / name, root)
        assert names(tmp_path / name) == names(tmp_path / "all" / name)
        for file in names(tmp_path / name):
            both = [folder / file for folder in (tmp_path / name, tmp_path / "all" / name)]
            if not file.endswith("npz"):
                assert both[0].read_bytes() == both[1].read_bytes()
    tables = ["table.json", "table.md", "table.txt"]
    assert names(tmp_path / "all") == ["packed", "synthetic", *tables]
    stored = json.loads((tmp_path / "all" / "table.json").read_text())
    for name in ("synthetic", "packed"):
        own = json.loads((tmp_path / name / "results.json").read_text())
        assert stored["sets"][name] == own
        cell = own["full"]["All"]
        cells = [f"{cell['mpjpe']:.1f}", f"{cell['pa_mpjpe']:.1f}", "6"]
        lines = (tmp_path / "all" / "table.txt").read_text().splitlines()
        assert [line.split() for line in lines if line.startswith(name)] == [[name, *cells]]
        assert f"| {name} | {' | '.join(cells)} |" in (tmp_path / "all" / "table.md").read_text()
    assert (tmp_path / "all" / "table.txt").read_text() in printed


def test_common_joints_are_those_that_all_sets_have(roots, tiny_network, tmp_path, capsys):
    scene = other_sets_tiny.scene_ego(tmp_path / "scene", test_jian1=2)
    path = scene / "test" / "jian1" / "annotation.pkl"
    labels = pickle.loads(path.read_bytes())
    labels[0]["ego_pose_gt"][3] = np.nan  # a hand that is labelled in the other frame
    path.write_bytes(pickle.dumps(labels))
    both = demo.Roots([roots[0], scene])
    common = demo.common_joints(both, demo.SetType.TEST)
    assert common == [name for name in demo.JOINTS if name != "Head"]
    few = [name for name in common if "Toe" not in name]  # which are visible
    with mock.patch.object(demo, "common_joints", lambda *_: few):
        evaluate(tiny_network, tmp_path / "out", roots[0], scene, "--joints", "common")
    stored = json.loads((tmp_path / "out" / "table.json").read_text())
    assert stored["joints"] == few
    for found in stored["sets"].values():
        assert found["joints_measured"] == few
        text = (tmp_path / "out" / "scene" / "table.txt").read_text()
        assert "SceneEgo's own protocol over 13 of the set's 15 joints, not comparable" in text
        assert found["visibility"]["visible"]["by_joint"]["LeftToeBase"]["mpjpe"] is None
    assert demo.common_joints(demo.Roots(roots), demo.SetType.TEST) == [*demo.JOINTS]
    capsys.readouterr()
    evaluate(tiny_network, tmp_path / "alone", scene, "--joints", "common")
    printed = capsys.readouterr().out
    assert printed.count("--joints common changes nothing: there is one data root.\n") == 1
    assert "SceneEgo's own protocol: " in printed and "hidden" not in printed
    found = json.loads((tmp_path / "alone" / "results.json").read_text())
    assert found["occlusion_known"] is False and found["hidden_hands"] is None


def test_a_format_s_doubts_are_said_once(tmp_path, capsys):
    root = other_sets_tiny.mo2cap2(tmp_path / "set", 1)
    sheet = ["--data_root", str(root), "--output", str(tmp_path / "a.png"), "--count", "1"]
    line = "mo2cap2: colour=rgb is assumed (or bgr: --format mo2cap2:colour=bgr)\n"
    for expected in (line, ""):
        draw_contact_sheet.main(sheet)
        assert capsys.readouterr().err.count(line) == (expected == line)
    sheet[1] = str(other_sets_tiny.mo2cap2(tmp_path / "other", 1))
    draw_contact_sheet.main([*sheet, "--format", "mo2cap2:colour=bgr"])
    assert "assumed" not in capsys.readouterr().err
