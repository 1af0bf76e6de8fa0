"""The benchmark as a user runs it; training and testing are stood in for by recorded results."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from commands import pack, refused
from recorded_results import results

import demo
import train
from base.set_type import SetType
from dataset import open_split
from utils import benchmark
from utils.common.config import load_config

CONTENT = """
meant_for: tests
make: --label_frames 16
picture_size: 64
checksum: set.json
budget: 256
reference: one
columns: {PA-MPJPE: full.All.pa_mpjpe}
rows:
  mean: {title: mean pose}
  one:
    {title: one, training: all, config: quickstart,
     changes: {train2d: &short {epochs: 1, epoch_frames: 128}, train3d: *short, finetune: *short}}
  two:
    {title: two, training: finetune, config: quickstart,
     changes: {finetune: {epochs: 2, epoch_frames: 128}}}
"""


class Bench:
    """A benchmark in a folder, its commands counted instead of run."""

    def __init__(self, tmp_path, tiny_data, monkeypatch):
        self.folder, self.data, self.calls, self.stop = tmp_path, tiny_data, [], None
        self.content = yaml.safe_load(CONTENT) | {"data": str(tmp_path / "set")}
        monkeypatch.setattr(benchmark, "launch", self.launch)

    def launch(self, script, *arguments, quiet=False):
        arguments = [*map(str, arguments)]
        self.calls.append(script)
        if script == self.stop:
            raise KeyboardInterrupt
        if script == "utils/make_synthetic.py":
            if not (self.folder / "set").is_dir():
                pack(self.data, arguments[1])
        elif script == "train.py":
            options = train.parse_arguments(arguments)
            assert options.resume and load_config(Path(options.config)).seed == 0
            every = options.training_type == train.ALL_STAGES
            folder = options.log_dir / ("Finetune" if every else "") / "checkpoints"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "model_best.tar").touch()
        else:
            options = demo.parse_arguments(arguments)
            row, seed = options.save_dir.parts[-3:-1]
            options.save_dir.mkdir(parents=True)
            found = json.dumps(results(row, int(seed[5:])))
            (options.save_dir / "results.json").write_text(found)

    def run(self, *flags):
        self.calls, file, output = [], self.folder / "own.yml", self.folder / "out"
        file.write_text(yaml.safe_dump(self.content, sort_keys=False))
        benchmark.main([str(file), "--gpu", "cpu", "--output", str(output), *flags])
        return (output / "table.md").read_text()


@pytest.fixture
def bench(tmp_path, tiny_data, monkeypatch):
    return Bench(tmp_path, tiny_data, monkeypatch)


def test_what_was_stopped_goes_on_and_what_is_finished_is_not_repeated(bench, monkeypatch):
    clock = itertools.count()  # a second between two looks at it
    monkeypatch.setattr(benchmark.time, "monotonic", lambda: next(clock))
    for stop in ("train.py", "demo.py"):
        bench.stop = stop
        with pytest.raises(KeyboardInterrupt):
            bench.run("--seeds", "0")
    record = json.loads((bench.folder / "out/one/seed_0/run.json").read_text())
    # Trained twice, and noted, before testing was stopped.
    assert record["training_seconds"] == 2 and record["pictures"] == 256
    assert record["labels"] == 128
    assert record["parameters"] > 27e6 and record["set"]["TestSet"]["frames"] == 6
    bench.stop = None
    text = bench.run("--seeds", "0")
    assert bench.calls[1:] == ["train.py", "demo.py"] * 2
    assert bench.run("--seeds", "0") == text and bench.calls == ["utils/make_synthetic.py"]
    bench.run("--seeds", "1", "--rows", "two")
    assert bench.calls[1:] == ["train.py", "demo.py"]
    assert bench.run("--rows").count("| 2 |") == 1 and bench.calls == []


def test_the_mean_pose_is_evaluated_on_the_test_set(bench):
    bench.run("--rows", "mean", "--seeds", "0")
    found = json.loads((bench.folder / "out/mean/seed_0/test/results.json").read_text())
    kinds = (SetType.TRAIN, False), (SetType.TEST, True)
    sets = [open_split(bench.data, kind, 64, pictures=read).annotations() for kind, read in kinds]
    training, test = (of.joints3d - of.joints3d[:, :1] for of in sets)
    error = 1000 * np.linalg.norm(test - training.mean(0), axis=-1).mean()
    assert found["full"]["All"]["mpjpe"] == pytest.approx(error, rel=1e-5)


def test_a_page_gets_tables_between_its_marks_and_nothing_else_changes(bench):
    refused("--rows nobody: there are mean, one, two", bench.run, "--rows", "nobody")
    refused("no run is finished yet", bench.run, "--rows")
    begin, end = "<!-- benchmark own: begin -->", "<!-- benchmark own: end -->"
    page = bench.folder / "page.md"
    page.write_text("No marks.\n")
    refused("has no lines", bench.run, "--page", str(page))
    assert bench.calls == []
    page.write_text(f"Before.\n{begin}\nEARLIER TABLE\n{end}\nAfter.\n")
    for _ in range(2):
        text = bench.run("--seeds", "0", "--page", str(page)).strip()
        assert page.read_text() == (f"Before.\n{begin}\n\n{text}\n\n{end}\nAfter.\n")


def test_another_configuration_or_set_is_not_mixed_into_the_table(bench):
    bench.run("--seeds", "0")
    changes = {"finetune": {"epochs": 2, "epoch_frames": 128, "lr": 1e-5}}
    bench.content["rows"]["two"] |= {"changes": changes}
    refused("out/two was made with another configuration", bench.run, "--seeds", "0")
    changes["finetune"].pop("lr")
    written = json.loads((bench.folder / "set.json").read_text())
    written["TestSet"]["joints3d"][0] += 1e-3
    (bench.folder / "set.json").write_text(json.dumps(written))
    refused(r"is not the set of .*set\.json \(TestSet: joints3d\)", bench.run, "--seeds", "0")
    (bench.folder / "set.json").unlink()
    path = Path(bench.folder / "out/two/seed_0/run.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"set": written}))
    refused("two/seed_0 was made on another set", bench.run, "--seeds", "0")
