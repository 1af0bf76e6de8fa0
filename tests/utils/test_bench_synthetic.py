"""The benchmark of the synthetic set asks for each kind of set with each number of workers."""

from types import SimpleNamespace

import pytest

from base.errors import UserError
from utils import bench_synthetic


def test_trees_shards_and_labels_are_measured_with_every_number_of_workers(monkeypatch, capsys):
    asked, clock = [], SimpleNamespace(now=0.0)

    def generate(root, recipe, counts, label_frames, workers, progress, pack):
        frames = sum(counts.values())
        asked.append((recipe.ray_step, pack and pack.size, frames, label_frames, workers))
        clock.now += 60.0 + (frames + label_frames) / (4.0 * workers)  # starting takes a minute
        return frames + label_frames

    monkeypatch.setattr(bench_synthetic, "generate", generate)
    monkeypatch.setattr(bench_synthetic, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    bench_synthetic.main(["--frames", "64", "--labels", "2000", "--workers", "1", "2"])
    kinds = [(1, None, 64, 0), (2, None, 64, 0), (2, 368, 64, 0), (1, None, 0, 2000)]
    assert [row for row in asked if 64 in row or 2000 in row] == [
        (*kind, workers) for kind in kinds for workers in (1, 2)
    ]
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[-2:] for row in rows] == [["4.0", "8.0"]] * 4


def test_memory_of_a_run_that_fails_is_none(capsys):
    with pytest.raises(UserError, match=r"--stride must be at least 1"):
        bench_synthetic.peak_memory(1, 1, "--stride", "0")
    with pytest.raises(UserError, match="of 64"):
        bench_synthetic.main(["--frames", "10"])
