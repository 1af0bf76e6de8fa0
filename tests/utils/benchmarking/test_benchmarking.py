"""A benchmark's file, the checksum of its set, and the tables of its page from recorded results."""

import contextlib
import copy
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from commands import refused
from recorded_results import characters, results

from base.errors import UserError
from base.set_type import SetType
from dataset.tree.mocap import Mocap
from utils import benchmarking
from utils.benchmarking.checksum import TOLERANCES, differences, set_checksum, signed_sums
from utils.benchmarking.page import page_text, resampled_mpjpe
from utils.benchmarking.plan import load_benchmark
from utils.common.paths import CONFIGS

FOLDER, RECORD, RESULTS = CONFIGS / "benchmark", "run.json", "test/results.json"
SMALL = yaml.safe_load((FOLDER / "small.yml").read_text())


@pytest.mark.parametrize("name", ["small", "full", "ablation", "small_videos", "full_videos"])
def test_the_rows_of_this_repository_see_equally_many_pictures(name):
    benchmark = load_benchmark(FOLDER / f"{name}.yml")
    for row, about in benchmark.rows.items():
        config = benchmark.config(row) if about.training else None  # an error if it sees others
        assert config is None or config.data.input_size <= benchmark.picture_size


def test_the_reference_row_is_the_papers_recipe_but_for_sizes():
    small, full = (load_benchmark(FOLDER / f"{name}.yml") for name in ("small", "full"))
    plain = yaml.safe_load((CONFIGS / "paper.yml").read_text())
    config = small.config("reference").model_dump()
    for section, values in plain.items():
        for key in values.keys() - {"depth", "backbone", "epoch_frames", "input_size"}:
            assert config[section][key] == values[key]
    seen = small.rows["reference"].frames_seen(small.config("reference"))
    assert seen == {"pictures": 9984, "labels": 9984}
    config = full.config("reference")
    assert (config.model.backbone, config.data.input_size) == ("resnet101", 368)


def test_commands_start_from_the_same_seed_s_network_and_test_what_was_trained(tmp_path):
    videos, place = load_benchmark(FOLDER / "small_videos.yml"), tmp_path / "videos/temporal/seed_7"
    train, test = videos.commands(place, tmp_path / "set", "cpu")
    base = tmp_path / "small/transformer/seed_7/Finetune/checkpoints/model_best.tar"
    assert train[train.index("--load_3d_model") + 1] == str(base) and "--resume" in train
    assert train[train.index("--seed") + 1] == "7"
    best = place / "Temporal/checkpoints/model_best.tar"
    assert test[test.index("--load_model") + 1] == str(best)
    [alone] = videos.commands(tmp_path / "videos/single/seed_7", tmp_path / "set", "cpu")
    assert alone[alone.index("--load_model") + 1] == str(base)


def paper(**change):
    return {"rows": SMALL["rows"] | {"paper": SMALL["rows"]["paper"] | change}}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"reference": "nobody"}, "nobody"),
        ({"colour": 1}, "unknown key colour"),
        (paper(changes={"model": {"backbon": "resnet18"}}), "did you mean model.backbone"),
        (paper(changes={"train2d": {"epochs": 1}}), "pictures are seen, the budget is 10000"),
        (None, "No such file"),
    ],
)
def test_a_wrong_file_or_row_is_one_clear_line(tmp_path, change, named):
    path = tmp_path / "own.yml"
    if change:
        path.write_text(yaml.safe_dump(SMALL | change))
    refused(named, lambda: load_benchmark(path).config("paper"))


@pytest.mark.parametrize("end", [0, 2, 130])
def test_a_command_that_fails_is_named_and_one_that_was_stopped_stops_us(tmp_path, end):
    script = tmp_path / "script.py"
    script.write_text(f"import sys; sys.exit({end} if sys.argv[1:] == ['--a', '1'] else 9)")
    named = r"script\.py ended with status 2" if end == 2 else None
    failed = pytest.raises(UserError if end == 2 else KeyboardInterrupt, match=named)
    with failed if end else contextlib.nullcontext():
        benchmarking.launch(script, "--a", 1)


def test_a_set_is_itself_and_another_clip_picture_or_set_is_named(tiny_data, monkeypatch):
    written = set_checksum(tiny_data, 64)
    assert written["TestSet"]["frames"] == 6 and written["TrainSet"]["characters"] == 3
    assert differences(written, copy.deepcopy(written)) == []
    other = copy.deepcopy(written)
    other["ValSet"]["identities_sha256"] = "0"
    assert differences(written, other) == ["ValSet: identities_sha256"]
    plain = Mocap.__getitem__

    def exchanged(self, row):
        frame = plain(self, row)
        if self.set_type is SetType.TEST and row == 1:
            frame.image = plain(self, 5).image
        return frame

    monkeypatch.setattr(Mocap, "__getitem__", exchanged)
    assert differences(written, set_checksum(tiny_data, 64)) == ["TestSet: pictures"]


def test_sums_are_those_of_the_frozen_checksums():
    """The signs, and their order, are part of the files in experiments/configs/benchmark."""
    assert signed_sums(np.arange(10.0)) == pytest.approx(
        [-4.110960958218893, -0.9486832980505138, 0.31622776601683794, 6.640783086353596]
    )
    frozen = json.loads((CONFIGS / "benchmark" / "set_small.json").read_text())
    assert frozen["TestSet"]["identities_sha256"].startswith("68e71c0b3479")
    assert frozen["TrainSet"]["joints3d"][0] == 0.5857977565312539


def test_rounding_is_tolerated_and_a_misplaced_joint_is_not():
    rng = np.random.default_rng(0)
    joints = rng.normal(size=(12_000, 16, 3))
    sums = signed_sums(joints)

    def largest(others):
        return np.abs(np.subtract(signed_sums(others), sums)).max()

    assert largest(joints + rng.uniform(-2e-7, 2e-7, joints.shape)) < TOLERANCES["joints3d"]
    joints[7777, 4, 1] += 0.003
    assert largest(joints) > TOLERANCES["joints3d"]
    assert not np.allclose(signed_sums(joints), signed_sums(joints[::-1]))


FRAMES = {"TrainSet": 10000, "ValSet": 400, "TestSet": 1600}
CHECKSUM = {folder: {"frames": count} for folder, count in FRAMES.items()}
#: What run.json tells of each row.
RECORDS = {
    "small": {
        "mean": {"labels": 10000},
        "reference": {"parameters": 27.2e6, "pictures": 9984, "labels": 9984},
        "paper": {"parameters": 27.4e6, "pictures": 9920, "labels": 35840},
        "transformer": {"parameters": 12.9e6, "pictures": 10000, "labels": 0},
    },
    "small_videos": {"single": {}, "no_history": {}, "temporal": {}},
}


def written(folder, name, change=lambda found: None):
    """Row → folders of its seeds, with what demo.py and the benchmark would have left there."""
    finished = {}
    for row, record in RECORDS[name].items():
        trained, sure = row != "mean", row not in ("mean", "paper", "reference")
        finished[row] = [folder / row / f"{seed}" for seed in range(3 if trained else 1)]
        for seed, place in enumerate(finished[row]):
            found = results(row, seed, moving="videos" in name, sure=sure)
            change(found)
            (place / "test").mkdir(parents=True)
            (place / RESULTS).write_text(json.dumps(found))
            about = {"machine": "2 CPU cores", "training_seconds": trained * (400.0 + 100 * seed)}
            (place / RECORD).write_text(json.dumps(about | record))
    return finished


@pytest.mark.parametrize("name", ["small", "small_videos"])
def test_the_page_is_the_one_that_former_code_wrote_of_the_same_results(tmp_path, name):
    benchmark = load_benchmark(FOLDER / f"{name}.yml")
    text = page_text(benchmark, name, CHECKSUM, written(tmp_path, name))
    assert text == Path(__file__).with_name(f"page_{name}.md").read_text()


def test_deciles_that_fall_are_not_monotonic_and_a_row_without_reference_has_no_ratio(tmp_path):
    def turn(found):
        if found["uncertainty"]:
            found["uncertainty"]["deciles"].reverse()

    finished = written(tmp_path, "small", turn)
    del finished["reference"]
    small = load_benchmark(FOLDER / "small.yml")
    text = page_text(small, "small", CHECKSUM, finished)
    assert resampled_mpjpe([characters([100.0])], 0) is None  # of one character alone
    assert "| no |" in text and "| – | 163.4 |" in text and "| 12.9 (100%) |" in text


def test_a_damaged_file_of_a_run_is_named(tmp_path):
    small, finished = load_benchmark(FOLDER / "small.yml"), written(tmp_path, "small")
    record, measured = (finished["reference"][1] / name for name in (RECORD, RESULTS))
    found = json.loads(measured.read_text())
    found["characters"]["z"] = found["characters"].pop("a")
    valid = record.read_text()
    for path, content, message in (
        (record, "{", "run.json: not valid JSON"),
        (record, "[]", "run.json: damaged"),
        (measured, json.dumps(found), "different characters"),
    ):
        record.write_text(valid)
        path.write_text(content)
        refused(message, page_text, small, "small", CHECKSUM, finished)
