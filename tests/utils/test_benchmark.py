"""The benchmark as a user runs it, on a set and networks so small that it takes seconds."""

import json

import numpy as np
import pytest
import yaml

import demo
import train
from base.errors import UserError
from utils import benchmark, pack_data
from utils.benchmarking.picture import random_frames

BUDGET = 16


def content(tiny_config):
    row = {
        "title": "one",
        "config": str(tiny_config),
        "epochs": {"train2d": 1, "train3d": 1, "finetune": 1},
        "shares": {"train2d": 0.5, "finetune": 0.5},
        "notes": {"tiny": "64 px"},
    }
    sizes = {"train": 12, "val": 4, "test": 6, "picture_size": 64, "budget": BUDGET}
    return {
        "seed": 0,
        "make_synthetic": ["--label_frames", "16"],
        "scales": {
            "tiny": {"meant_for": "tests", **sizes},
            "large": {"meant_for": "nobody", **sizes, "picture_size": 96},
        },
        "reference": "one",
        "picture": ["one", "two"],
        "rows": {
            "mean": {"title": "mean pose"},
            "one": row,
            "two": row | {"title": "two", "changes": {"tiny": {"train2d": {"lr": 3e-4}}}},
        },
    }


class Bench:
    """A benchmark in a folder; its commands run in this process and are counted."""

    def __init__(self, folder, tiny_config, tiny_data):
        self.folder = folder
        self.data = tiny_data
        self.calls = []
        self.stop_at = None
        self.file = folder / "benchmark.yml"
        self.file.write_text(yaml.safe_dump(content(tiny_config)))

    def launch(self, script, arguments, log, on_seconds):
        self.calls.append((script, arguments))
        if (script, arguments[-2]) == self.stop_at or script == self.stop_at:
            on_seconds(7.0)
            raise KeyboardInterrupt
        if script == "utils/make_synthetic.py":
            size = arguments[arguments.index("--pack_size") + 1]
            pack_data.main(["--input", str(self.data), "--output", arguments[1], "--size", size])
        else:
            {"train.py": train, "demo.py": demo}[script].main(arguments)
        on_seconds(3.0)

    def run(self, *flags):
        self.calls = []
        benchmark.main(
            [
                *("--benchmark", str(self.file), "--scale", "tiny", "--gpu", "cpu"),
                *("--data_root", str(self.folder / "set"), "--rounds", "1"),
                *("--output", str(self.folder / "out"), *flags),
            ],
            self.launch,
        )
        return json.loads((self.folder / "out" / "table.json").read_text())

    @property
    def scripts(self):
        return [script for script, _ in self.calls]


@pytest.fixture(scope="module")
def bench(tmp_path_factory, tiny_config, tiny_data):
    """Two rows with one seed, the first stopped once in training and once in testing."""
    bench = Bench(tmp_path_factory.mktemp("benchmark"), tiny_config, tiny_data)
    for stop in ("train.py", "demo.py"):
        bench.stop_at = stop
        with pytest.raises(KeyboardInterrupt):
            bench.run("--seeds", "0", "--freeze")
    bench.stop_at = None
    bench.table = bench.run("--seeds", "0")
    bench.first_calls = bench.scripts
    return bench


def test_what_was_stopped_goes_on_and_what_is_finished_is_not_repeated(bench, capsys):
    # The first row was trained when testing was stopped; the set was made in the first of three.
    assert bench.first_calls == ["demo.py", "train.py", "demo.py"]
    record = json.loads((bench.folder / "out" / "one" / "seed_0" / "run.json").read_text())
    assert record["training_seconds"] == 10.0 and record["interruptions"] == 1
    assert bench.run("--seeds", "0") == bench.table and bench.calls == []
    assert "[3/3] two, seed 0: finished" in capsys.readouterr().out


def test_what_the_networks_cost_at_full_size_stands_in_the_table(bench):
    full_size = bench.table["speed"]["full_size"]
    assert full_size["scale"] == "large" and set(full_size["rows"]) == {"one", "two"}
    assert min(full_size["rows"]["one"].values()) > 0
    # Both scales have the same networks here.
    assert full_size["parameters"]["one"] == bench.table["rows"]["one"]["parameters"]
    assert "cost at scale `large`" in (bench.folder / "out" / "table.md").read_text()


def test_every_training_may_go_on_from_where_it_was(bench):
    bench.stop_at = "train.py"
    with pytest.raises(KeyboardInterrupt):
        bench.run("--seeds", "1", "--rows", "two")
    bench.stop_at = None
    arguments = bench.calls[-1][1]
    assert "--resume" in arguments and arguments[arguments.index("--seed") + 1] == "1"


def test_the_table_is_what_the_runs_have_found(bench):
    rows = bench.table["rows"]
    assert list(rows) == ["mean", "one", "two"] and bench.table["set"] == "the set written down"
    found = json.loads((bench.folder / "out/one/seed_0/test/results.json").read_text())
    one = rows["one"]
    assert one["mpjpe"] == found["full"]["All"]["mpjpe"] and one["ratio"] == 1
    assert one["feet"] == pytest.approx(
        np.mean([found["joints"][f"{s}{j}"]["mpjpe"] for s in ("Left", "Right") for j in
                 ("Foot", "ToeBase")])
    )  # fmt: skip
    assert one["hidden"] == found["visibility"]["hidden"]["mpjpe"]
    assert rows["two"]["ratio"] == pytest.approx(rows["two"]["mpjpe"] / one["mpjpe"])
    # demo.py measures the mean pose of the training set on the same frames.
    assert rows["mean"]["mpjpe"] == pytest.approx(found["full"]["All"]["mpjpe_mean_pose"])
    assert one["pictures"] == rows["two"]["pictures"] == BUDGET
    assert one["parameters"] > 1e7 and bench.table["speed"]["rows"]["one"]["cpu_8"] > 0


def test_the_table_is_written_for_people_too(bench):
    text = (bench.folder / "out" / "table.md").read_text()
    for line in text.splitlines():
        if line.startswith("| two"):
            assert line.count("|") in (11, 9, 5)
    assert "- **one**: 64 px." in text and f"{BUDGET} pictures seen" in text
    assert f"`python utils/benchmark.py --benchmark {bench.file} --scale tiny`" in text
    assert (bench.folder / "out" / "frames.jpg").stat().st_size > 10_000


def test_a_page_gets_the_tables_between_its_marks_and_nothing_else_changes(bench):
    page = bench.folder / "page.md"
    begin, end = "<!-- benchmark tiny: begin -->", "<!-- benchmark tiny: end -->"
    page.write_text(f"Before.\n{begin}\nEARLIER TABLE\n{end}\nAfter.\n")
    for _ in range(2):
        bench.run("--rows", "--seeds", "0", "--page", str(page))
        text = page.read_text()
        assert text.startswith(f"Before.\n{begin}\n") and text.endswith(f"{end}\nAfter.\n")
        assert "EARLIER" not in text and text.count("| mean pose |") == 2
        assert "(benchmark_tiny.jpg)" in text and page.with_name("benchmark_tiny.jpg").is_file()


def test_a_dry_run_prints_the_commands_and_runs_none(bench, capsys):
    bench.run("--dry_run", "--seeds", "5")
    printed = capsys.readouterr().out
    assert bench.calls == [] and printed.count("python train.py --training_type all") == 2
    assert "--seed 5" in printed and not (bench.folder / "out/one/seed_5").exists()


def test_another_configuration_is_not_mixed_into_the_table(bench, tmp_path):
    changed = yaml.safe_load(bench.file.read_text())
    changed["rows"]["two"]["changes"]["tiny"]["train2d"]["lr"] = 1e-4
    other = tmp_path / "other.yml"
    other.write_text(yaml.safe_dump(changed))
    with pytest.raises(UserError, match="seed_0 was made with another configuration"):
        bench.run("--benchmark", str(other), "--seeds", "0")
    assert bench.calls == []


def test_a_set_that_is_not_the_one_written_down_is_refused(bench):
    path = bench.folder / "set_tiny.json"
    before = path.read_text()
    try:
        path.write_text(before.replace('"frames": 6', '"frames": 7'))
        with pytest.raises(UserError, match=r"TestSet: frames.*--any_set"):
            bench.run("--seeds", "0")
        assert "another set" in bench.run("--seeds", "0", "--any_set")["set"]
        assert "another set" in (bench.folder / "out" / "table.md").read_text()
    finally:
        path.write_text(before)


def test_a_run_that_saw_fewer_pictures_is_refused(bench):
    folder = bench.folder / "out" / "two" / "seed_0"
    log = folder / "Train2d" / "log.jsonl"
    before = log.read_text(), (folder / "run.json").read_text()
    try:
        (folder / "test" / "results.json").unlink()
        log.write_text(json.dumps({"step": 1}) + "\n")
        with pytest.raises(UserError, match=r"saw 12 pictures in training, not the 16"):
            bench.run("--seeds", "0")
    finally:
        log.write_text(before[0])
        bench.run("--seeds", "0")


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--scale", "huge"], "there are large, tiny"),
        (["--rows", "three"], "there are mean, one, two"),
        (["--rounds", "0"], "at least 1"),
        (["--seeds", "-1"], "not negative"),
        (["--page", "nowhere.md"], "nowhere.md: cannot be read"),
        (["--benchmark", "none.yml"], "none.yml"),
    ],
)
def test_wrong_arguments_are_one_clear_line(bench, flags, named):
    with pytest.raises(UserError, match=named) as raised:
        bench.run(*flags)
    assert "\n" not in str(raised.value) and bench.calls == []


def test_a_page_without_a_place_is_refused_before_anything_runs(bench, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("No marks.\n")
    with pytest.raises(UserError, match="has no lines"):
        bench.run("--page", str(page))


def test_the_frames_of_the_picture_are_random_and_always_the_same():
    chosen = random_frames(1800)
    assert len(set(chosen)) == 10 and list(chosen) == sorted(chosen)
    assert np.array_equal(chosen, random_frames(1800)) and len(random_frames(6)) == 6
