"""The benchmark of loading runs every way and compares each with the reference loader."""

import re

import numpy as np
import pytest

from base.errors import UserError
from base.set_type import SetType
from dataset.mocap import Mocap, open_split
from utils import bench_data, pack_data
from utils.bench.reference_loader import ReferenceFrames


def test_the_table_has_a_rate_for_every_way(tiny_data, capsys, monkeypatch):
    monkeypatch.setattr(bench_data, "_MANY", 130)
    options = ["--rounds", "1", "--workers", "0", "--batch_size", "4", "--size", "64"]
    bench_data.main(["--data_root", str(tiny_data), *options])
    printed = capsys.readouterr().out
    rates = dict(re.findall(r"^(\w[\w, ]+?) {2,}([\d,.]+) +[\d,.]+×$", printed, re.MULTILINE))
    ways = {"reference loader", "tree", "shards", "annotations"}
    made = {f"{way}, input and targets made too" for way in ("tree", "shards")}
    assert rates.keys() == ways | made
    assert min(float(rate.replace(",", "")) for rate in rates.values()) > 0
    assert "opening a tree of 130 frames" in printed


def test_the_reference_loader_reads_the_same_frames(tiny_data):
    ours = open_split(tiny_data, SetType.TRAIN, 64)[0]
    picture, _, pose = ReferenceFrames(Mocap(tiny_data, SetType.TRAIN, report=False), 64)[0]
    assert np.allclose(pose, ours.joints3d - ours.joints3d[0], atol=1e-6)
    assert np.abs((picture.numpy().transpose(1, 2, 0) + 1) * 127.5 - ours.image).mean() < 6


def test_bad_input_is_refused(tiny_data, tmp_path):
    packed = tmp_path / "packed"
    pack_data.main(["--input", str(tiny_data), "--output", str(packed), "--size", "64"])
    with pytest.raises(UserError, match="is packed"):
        bench_data.main(["--data_root", str(packed)])
    with pytest.raises(UserError, match="--rounds"):
        bench_data.main(["--data_root", str(tiny_data), "--rounds", "0"])
