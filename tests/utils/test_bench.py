"""Each bench measures all that it compares and prints it; how fast is not a test's business."""

import re
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from commands import pack

from base.errors import UserError
from base.set_type import SetType
from dataset import open_split
from dataset.batch import collate
from dataset.heatmaps import HeatmapShape, draw_heatmaps
from utils import bench, pack_data


@pytest.fixture
def rows(tiny_data, monkeypatch, capsys):
    """Run a bench, and name its rows: each with a rate, the first with a ratio of 1."""
    small = {"WORKERS": 0, "SIZE": 64, "BATCH": 2, "LARGE": 4, "DEPTH": 18, "STEPS": 1}
    small |= {"NETWORKS": [("autoencoder", 18, 64)], "prepare_device": lambda *_, **__: None}
    small |= {"LIVE_FRAMES": 6}
    small |= {"ProcessPoolExecutor": lambda *_: ThreadPoolExecutor(1)}
    small |= {"OnnxSquarePredictor": lambda *_: lambda images: None, "fast_bf16": lambda _: False}
    for name, value in small.items():
        monkeypatch.setattr(bench, name, value)

    def run(what):
        flags = ["--rounds", "1", "--gpu", "cpu", "--data_root", str(tiny_data)]
        bench.main([what, *flags])
        row = r"^  (\S.*?) {2,}([\d.,]+) +([\d.,]+) +([\d.,]+)$"
        found = re.findall(row, capsys.readouterr().out, re.MULTILINE)
        assert all(float(rate.replace(",", "")) > 0 for _, _, rate, _ in found)
        assert float(found[0][-1]) == 1
        return [name for name, *_ in found]

    return run


def test_rates_are_medians_of_rounds_in_turns_and_ratios_to_the_first(monkeypatch, capsys):
    clock, calls = iter(np.cumsum([0] + [1] * 40)), []
    works = {"a": (lambda: calls.append("a"), 4), "b": (lambda: calls.append("b") or 8.0, 4)}
    monkeypatch.setattr(bench, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    bench.compare("title", works, 2)
    assert calls == ["a", "b"] * 3
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert lines == [["a", "250.00", "4.0", "1.00"], ["b", "125.00", "8.0", "2.00"]]


ALONE, TRAIN = "plain PyTorch fp32, forward alone", ["reference, batch 2, fp32", "ours, batch 2"]
ROWS = {
    "data": ["reference", "tree", "shards"],
    "train": [*TRAIN, "ours, batch 4", *TRAIN],
    "live": ["network alone", "live loop: decode, warp, network, rotations, send"],
    "inference": [ALONE, "end to end, fp32", "end to end, ONNX Runtime fp32"] * 2,
}


@pytest.mark.parametrize("what", ROWS)
def test_all_that_is_compared_is_measured(what, rows, monkeypatch):
    exported = []

    def launch(script, *flags, **_):
        if "pack_data" in script:
            return pack_data.main([*map(str, flags)])
        exported.append(script)

    monkeypatch.setattr(bench, "launch", launch)
    assert rows(what) == ROWS[what]
    assert exported == ["utils/export_onnx.py"] * (what == "inference")


def test_the_reference_reads_the_frames_that_we_read(tiny_data):
    tree = open_split(tiny_data, SetType.TRAIN, 368)
    frames = bench.ReferenceFrames(tiny_data, 368)
    read = zip(*(frames[row] for row in range(3)), strict=True)
    pictures, heatmaps, poses = map(torch.stack, read)
    ours = collate([tree[row] for row in range(3)])
    # Two ways of shrinking without aliasing: alike, not equal.
    theirs = ours.images.permute(0, 3, 1, 2).float() / 127.5 - 1
    assert (pictures - theirs).abs().mean() < 0.02 and len(frames) == len(tree)
    assert torch.allclose(poses, ours.joints3d - ours.joints3d[:, :1], atol=1e-6)
    expected = draw_heatmaps(ours.joints2d, 368, HeatmapShape(48, subpixel=False))
    assert torch.equal(heatmaps, expected) and heatmaps.amax() == 1


def test_a_packed_set_is_refused(tmp_path, tiny_data):
    with pytest.raises(UserError, match="not a packed set"):
        bench.main(["data", "--data_root", str(pack(tiny_data, tmp_path / "p"))])
