"""The temporal version through every command: training on a video set, demo, inference, export."""

import json

import numpy as np
import pytest
import torch

import demo
import inference
import train
from base.errors import UserError
from utils import export_onnx, make_synthetic
from utils.common.checkpoint import read_checkpoint
from utils.common.networks import load_pose_model
from utils.inference.source import LazyFrame
from utils.training import stage

BEST = "checkpoints/model_best.tar"
AUGMENT = "{rotation: 10, mirror: true, colour: 0.2}"


@pytest.fixture(scope="module")
def video_data(tmp_path_factory):
    """Data root of videos: 14 training frames of two people, 5 validation, 6 test frames."""
    root = tmp_path_factory.mktemp("data") / "videos"
    make_synthetic.main(
        [
            *("--output", str(root), "--train", "14", "--val", "5", "--test", "6", "--video"),
            *("--seed", "0", "--ray_step", "4", "--workers", "1"),
            *("--frames_per_character", "7"),
        ]
    )
    return root


def arguments(data, log_dir, *more):
    common = ["--gpu", "cpu", "--data_root", str(data), "--log_dir", str(log_dir)]
    return ["--training_type", "temporal", *common, *map(str, more)]


@pytest.fixture(scope="module")
def config(tmp_path_factory, tiny_transformer_config):
    path = tmp_path_factory.mktemp("config") / "temporal.yml"
    temporal = "  temporal: {lags: [0, 1, 3], dim: 16, layers: 1, heads: 2}\n"
    text = tiny_transformer_config.read_text()
    text = text.replace("  kind: transformer\n", "  kind: transformer\n" + temporal)
    text += (
        "temporal: {epochs: 2, epoch_frames: 8, batch_size: 4, views: 2, ema_decay: 0.9, "
        f"warmup_steps: 2, augment: {AUGMENT}}}\n"
    )
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory, video_data, config, tiny_transformer):
    log_dir = tmp_path_factory.mktemp("runs") / "temporal"
    more = ["--config", config, "--load_3d_model", tiny_transformer]
    train.main(arguments(video_data, log_dir, *more))
    return log_dir


def content(path):
    return torch.load(path, weights_only=True)


def test_a_checkpoint_holds_all_three_modules_and_leaves_two_as_they_were(run, tiny_transformer):
    stored, before = content(run / BEST), content(tiny_transformer)
    for key in ("resnet_state_dict", "transformer_state_dict"):
        assert all(torch.equal(stored[key][name], value) for name, value in before[key].items())
    assert stored["temporal_state_dict"]["ages"].shape == (3, 16)
    assert stored["training"]["stage"] == "temporal"
    loaded = load_pose_model(run / BEST)
    assert loaded.model.temporal.lags == (0, 1, 3)


def test_validation_names_the_single_frame_s_error_beside_it(run):
    records = list(map(json.loads, (run / "log.jsonl").read_text().splitlines()))
    last = [record for record in records if record["kind"] == "validation"][-1]
    assert {"mpjpe_mm", "single_frame_mm"} <= last.keys()
    # Two epochs of 8 frames in batches of 4; all 14 would be 3 batches an epoch.
    assert last["step"] == 4


def test_its_settings_are_of_the_configuration_asked_for_or_of_the_checkpoint(tiny_transformer):
    start = read_checkpoint(tiny_transformer)

    def resolved(*more):
        return train.resolve_config(train.parse_arguments(arguments("data", "log", *more)), start)

    named = resolved("--config", "transformer", "--epochs", 3)
    assert named.temporal.augment == named.finetune.augment
    assert named.temporal.epochs == 3 and named.temporal.views == 2
    stored = {"temporal": {"lr": 0.5}}
    assert resolved("--lr", 0.5) == start.config.overridden(stored)


def test_videos_are_read_by_the_workers_asked_for(
    video_data, config, tiny_transformer, tmp_path, monkeypatch
):
    class Read(Exception):
        pass

    def predict(model, dataset, workers, *_):
        raise Read(workers)

    monkeypatch.setattr(stage, "predict_frames", predict)
    monkeypatch.setattr("utils.training.data.cpu_count", lambda: 3)
    # Too large for the memory allowed, so that processes read it: null asks for all cores.
    disk = tmp_path / "disk.yml"
    text = config.read_text().replace("workers: 0", "workers: null, memory_gib: 0")
    disk.write_text(text)
    more = ["--config", disk, "--load_3d_model", tiny_transformer]
    with pytest.raises(Read, match="3"):
        train.main(arguments(video_data, tmp_path / "log", *more))


def test_without_a_configuration_it_is_that_of_the_model_it_starts_from(
    tiny_transformer, tiny_runs, video_data, tiny_data, tmp_path
):
    log = tmp_path / "log"
    with pytest.raises(UserError, match="give --load_3d_model"):
        train.main(arguments(video_data, log))
    paper = ["--load_3d_model", tiny_runs["finetune"] / BEST]
    with pytest.raises(UserError, match="kind 'autoencoder' has train2d, train3d, finetune"):
        train.main(arguments(video_data, log, *paper))
    # The pictures of the usual set are moments seconds apart.
    with pytest.raises(UserError, match="no 13 frames of its TrainSet follow each other"):
        train.main(arguments(tiny_data, log, "--load_3d_model", tiny_transformer))
    assert not log.exists()


def test_demo_looks_back_and_cuts_the_history_at_a_gap(run, video_data, tmp_path):
    def poses(name, data, batch):
        save_dir = tmp_path / name
        demo.main(
            [
                *("--load_model", str(run / BEST), "--data_root", str(data), "--gpu", "cpu"),
                *("--save_dir", str(save_dir), "--num_vis", "0", "--batch_size", str(batch)),
                *("--precision", "fp32", "--workers", "0"),
            ]
        )
        with np.load(save_dir / "poses.npz") as stored:
            return dict(zip(stored["frame"].tolist(), stored["predicted"], strict=True))

    whole, singly = poses("whole", video_data, 4), poses("singly", video_data, 1)
    assert all(np.abs(whole[n] - singly[n]).max() < 1e-4 for n in whole)
    first, *rest = sorted(whole)
    assert rest == [first + k for k in range(1, 6)]
    # A set of the same frames but one: those before it are as they were, those after it have lost
    # their past.
    shorter = tmp_path / "shorter"
    (shorter / "TestSet").mkdir(parents=True)
    for split in ("TrainSet", "ValSet"):
        (shorter / split).symlink_to(video_data / split)
    missing = rest[2]
    for path in (video_data / "TestSet").rglob("*"):
        target = shorter / "TestSet" / path.relative_to(video_data / "TestSet")
        if path.is_file() and f"{missing:06d}" not in path.name and path.suffix != ".npz":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path)
    cut = poses("cut", shorter, 16)
    assert sorted(cut) == [n for n in sorted(whole) if n != missing]
    assert all(np.abs(whole[n] - cut[n]).max() < 1e-4 for n in whole if n < missing)
    assert all(np.abs(whole[n] - cut[n]).max() > 1e-4 for n in whole if n > missing)


def test_inference_takes_the_numbers_of_pictures_for_a_video(run, video_data, tmp_path):
    pictures = sorted((video_data / "TestSet").glob("*/*/cam_down/rgba/*.png"))
    folder, alone = tmp_path / "numbered", tmp_path / "unnumbered"
    for place in (folder, alone):
        place.mkdir()
    for number, path in enumerate(pictures):
        (folder / f"shot_{number:03d}.png").symlink_to(path)
        (alone / f"{'abcdef'[number]}.png").symlink_to(path)

    def joints(name, source, *more):
        out = tmp_path / name
        inference.main(
            [
                *("--load_model", str(run / BEST), "--input_dir", str(source), "--gpu", "cpu"),
                *("--save_dir", str(out), "--no_pictures", "--camera", "training"),
                *("--precision", "fp32", *more),
            ]
        )
        frames = json.loads((out / "poses.json").read_text())["frames"]
        return np.array([frame["joints3d"] for frame in frames])

    by_two = joints("numbered_out", folder, "--batch_size", "2")
    by_four = joints("again", folder, "--batch_size", "4")
    single = joints("unnumbered_out", alone)
    assert np.abs(by_two - by_four).max() < 1e-4
    assert np.abs(by_two[0] - single[0]).max() < 1e-4
    assert np.abs(by_two[1:] - single[1:]).max(axis=(1, 2)).min() > 1e-4


@pytest.mark.parametrize(
    ("file", "frame", "place"),
    [
        ("walk.mp4", 7, ("walk.mp4", 7)),
        ("a/shot_0012.png", None, ("a/shot_.png", 12)),
        ("0012.png", None, (".png", 12)),
        ("a/portrait.png", None, None),
    ],
)
def test_a_picture_s_place_is_the_number_its_name_ends_in(file, frame, place):
    assert LazyFrame(file, "name", lambda: None, frame).place == place


def test_the_export_takes_each_frame_alone_and_says_so(run, tmp_path, capsys):
    path = tmp_path / "model.onnx"
    export_onnx.main(["--load_model", str(run / BEST), "--output", str(path)])
    assert "predicts each frame on its own" in capsys.readouterr().out
    assert path.is_file()
