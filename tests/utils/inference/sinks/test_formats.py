"""The formats of poses: what doc/extending.md shows works as it stands there."""

import json
import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import names

import inference
from utils.inference import sinks
from utils.inference.predictor import EgoPosePredictor

PAGE = Path(inference.__file__).parent / "doc" / "extending.md"


def test_a_format_is_one_file_and_one_line(tiny_checkpoint, tmp_path, monkeypatch, capsys):
    section = PAGE.read_text(encoding="utf-8").partition("## An output format\n")[2]
    code, line = re.findall(r"```python\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    name, place = re.fullmatch(r'\s*"(\w+)": "([\w.:]+)",\s*', line).groups()
    module = place.partition(":")[0]
    (tmp_path / f"{module.rpartition('.')[2]}.py").write_text(code)
    monkeypatch.setattr(sinks, "__path__", [*sinks.__path__, str(tmp_path)])
    monkeypatch.setitem(sinks.FORMATS, name, place)
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(SystemExit):
        inference.main(["--help"])
    assert "any of json, npz, csv, bvh, jsonl" in " ".join(capsys.readouterr().out.split())

    pictures, out = tmp_path / "pictures", tmp_path / "out"
    pictures.mkdir()
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 256, (64, 96, 3), np.uint8)
        cv2.imwrite(str(pictures / f"{number}.png"), noise)
    common = ["--load_model", str(tiny_checkpoint), "--gpu", "cpu", "--precision", "fp32"]
    common += ["--input_dir", str(pictures), "--save_dir", str(out), "--no_pictures"]
    inference.main([*common, "--format", name])
    assert names(out) == [f"poses.{name}"]
    lines = [json.loads(text) for text in (out / f"poses.{name}").read_text().splitlines()]
    assert [entry["file"] for entry in lines] == ["0.png", "1.png", "2.png"]
    pose = EgoPosePredictor(tiny_checkpoint, gpu="cpu", precision="fp32")(pictures / "2.png")
    assert np.abs(lines[2]["joints3d"] - pose.joints3d - pose.neck).max() < 1e-4
    sys.modules.pop(module, None)
