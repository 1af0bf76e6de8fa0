"""Validation, global BatchNorm: compared with cases worked out by hand."""

from functools import reduce
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.distributed as dist
from commands import records, refused, run_train
from timm.layers import BatchNormAct2d
from tiny_model import CONFIG
from torch import nn

from base.actions import action_group
from base.release_camera import RELEASE_SQUARE
from base.set_type import SetType
from base.skeleton import HEATMAP_JOINTS
from dataset.annotations import Annotations
from dataset.augment import Augmentation
from dataset.in_memory import InMemory
from dataset.mixed import Roots
from dataset.order import Division
from model.pose_model import PoseOutput
from utils.common.config import parse_config
from utils.training import distributed
from utils.training.data import open_pictures
from utils.training.distributed import GlobalBatchNorm, Processes
from utils.training.optim import make_optimizer, restore_optimizer

pytestmark = pytest.mark.usefixtures("tiny_kind")


def test_mpjpe_is_in_millimetres_and_relative_to_the_neck(make, monkeypatch):
    """Joint 7 is off by 3 cm and 4 cm, joint 9 by 11 cm: (50 + 110) / 16 mm; where the whole body
    is does not count.  The first frame of a batch is four times as wrong."""
    stage = make("train3d")
    batches = list(stage.validation)

    def predict(sample):
        pose = sample.targets.joints3d + torch.tensor([1.0, -2.0, 3.0])
        scale = torch.ones(len(pose), 1)
        scale[0] = 4.0
        pose[:, 7, :2] += scale * torch.tensor([0.03, -0.04])
        pose[:, 9, 2] -= 0.11 * scale[:, 0]
        return PoseOutput(joints3d=pose)

    monkeypatch.setattr(stage, "_predict", predict)
    figures, by_action = stage.validate(batches)
    errors = np.array([10.0 + 30.0 * (row == 0) for each in batches for row in range(len(each))])
    assert figures == {stage.metric: pytest.approx(errors.mean(), rel=1e-4)}
    assert (stage.metric, stage.unit) == ("mpjpe_mm", "mm")
    groups = np.array([action_group(action) for each in batches for action in each.actions])
    assert by_action[groups[-1]] == pytest.approx(errors[groups == groups[-1]].mean(), rel=1e-4)
    assert next(iter(by_action)) == "All" and by_action["All"] == figures["mpjpe_mm"]


def test_errors_in_the_picture_are_in_pixels_of_the_release_s_square(make, monkeypatch):
    """In one frame of four the joints inside are off by 3 and 4 of 64 pixels: 62.5 of 800."""
    stage = make("train2d")

    def predict(sample):
        joints2d = sample.targets.joints2d[:, list(HEATMAP_JOINTS)].clone()
        joints2d[0] += torch.tensor([3.0, -4.0])
        return PoseOutput(joints2d)  # in the place of the maps they would be read from

    def decode(maps, size, subpixel):
        assert size == 64 and subpixel
        return maps, None

    monkeypatch.setattr("utils.training.stage.decode_heatmaps", decode)
    [batch] = stage.validation
    batch.joints2d.clamp_(16, 48)
    batch.joints2d[1, 3:] = -10.0  # outside: Neck and LeftArm are left, for the Head has no heatmap
    monkeypatch.setattr(stage, "_predict", predict)
    figures, by_action = stage.validate([batch])
    assert figures["joints2d_px"] == pytest.approx(15 * 62.5 / (3 * 15 + 2))
    assert figures["joints2d_median_px"] == 0 and by_action == {}
    assert stage.metric == "joints2d_px" and stage.unit == "px of 800"


def test_videos_are_validated_beside_the_single_frame_and_calibrated(make, monkeypatch):
    stage = make("temporal", ema_decay=0.9)
    [batch] = stage.validation
    poses = batch.joints3d.clone()
    poses[:, 5, 0] += 0.08
    batch.history = (torch.stack([poses, 2 * poses], 1), *batch.history[1:])

    ratios, off = [], torch.zeros(16, 3)
    off[5, 0] = 0.016
    monkeypatch.setattr(
        stage, "_predict", lambda one: PoseOutput(joints3d=one.targets.joints3d + off)
    )
    monkeypatch.setattr(stage.model, "calibration_ratios", lambda output, true: true[..., 0])
    monkeypatch.setattr(stage.model, "calibrate", ratios.append)
    figures, _ = stage.validate([batch])
    assert figures == pytest.approx({"mpjpe_mm": 1.0, "single_frame_mm": 5.0}, rel=1e-3)
    assert all(np.array_equal(found, batch.joints3d[..., 0].flatten()) for found in ratios)
    assert len(ratios) == 2  # of the model and of what is evaluated: the same here


#: What could carry a joint without a label over to others.
AUGMENTED = {"joint_noise": 0.05, "joint_dropout": 0.1, "augment": {"rotation": 10, "mirror": True}}


@pytest.mark.parametrize("name", ["train2d", "train3d", "finetune", "temporal"])
def test_joints_without_labels_have_empty_maps_and_no_error(make, monkeypatch, name):
    """Joint 11 in all frames, 5 in the first: gradients are numbers, and the error of a
    frame is the mean over those that are left."""
    stage = make(name, **AUGMENTED)
    batch = next(iter(stage.validation))
    unknown = torch.zeros(len(batch), 16, dtype=torch.bool)
    unknown[:, 11] = unknown[0, 5] = True
    batch.joints3d[unknown], batch.visible[unknown] = np.nan, False
    if batch.joints2d is not None:
        batch.joints2d[unknown] = np.nan
        stage.visibility_known = False
        batch.joints2d[0, 7] = -50.0
    else:
        batch.inside[unknown] = False
    for augmented in (False, True):
        sample = stage.sample(batch, augmented)
        targets, given = sample.targets, sample.inputs.get("heatmaps")
        missing = targets.joints3d.isnan().any(-1)
        assert missing.sum() == unknown.sum() and not targets.visible[missing].any()
        assert not targets.visible_known[missing].any() and not (targets.inside & missing).any()
        if given is not None:
            assert given.isfinite().all() and not given[missing[:, list(HEATMAP_JOINTS)]].any()
        sum(stage.losses(sample).values()).backward()
        learning = [p for p in stage.model.parameters() if p.requires_grad]
        assert all(p.grad is None or p.grad.isfinite().all() for p in learning)
    if name in ("train2d", "finetune"):
        return

    def predict(sample):
        pose = torch.nan_to_num(sample.targets.joints3d) + 5.0
        pose[:, 3, 0] += 0.15
        pose[:, 11] += 9.0
        return PoseOutput(joints3d=pose)

    ratios = []
    monkeypatch.setattr(stage, "_predict", predict)
    monkeypatch.setattr(stage.model, "calibration_ratios", lambda output, true: true[..., 0])
    monkeypatch.setattr(stage.model, "calibrate", lambda found: ratios.append(found) or 1.0)
    figures, _ = stage.validate([batch])
    assert figures["mpjpe_mm"] == pytest.approx(np.mean([150 / 14, *[10.0] * 3]), rel=1e-4)
    assert len(ratios[0]) == (~unknown).sum() and np.isfinite(ratios[0]).all()


def test_a_mean_pose_is_of_the_frames_that_have_the_joint():
    joints3d = np.random.default_rng(0).normal(size=(3, 16, 3)).astype(np.float32)
    centred = joints3d.astype(np.float64) - joints3d[:, :1]
    joints3d[:, 11], joints3d[1, 4] = np.nan, np.nan
    expected = centred.mean(0)
    expected[4], expected[11] = centred[[0, 2], 4].mean(0), np.nan
    found = Annotations(None, joints3d, None, ["walking"] * 3).mean_pose()
    assert found == pytest.approx(expected, nan_ok=True)


def test_a_divided_batch_counts_joints_over_all_of_its_parts(make):
    stage = make("train2d")
    whole = next(iter(stage.loader))
    stage.visibility_known = False
    whole.joints2d[:] = 30.0
    whole.joints2d[0, :12] = -5.0
    stage.settings = stage.settings.model_copy(update={"augment": Augmentation()})
    [alone] = stage.training_samples([whole])
    assert alone.targets.inside_count is None
    parts = stage.training_samples([whole, whole, whole])
    # 4 in the first frame (12 less the Head, of 15), 15 in each other; outside 12 of 16 are known.
    assert [part.targets.inside_count.item() for part in parts] == [3 * 15 + 4] * 3
    assert [part.targets.known_count.item() for part in parts] == [12] * 3
    whole.joints2d[:] = -5.0
    assert stage.training_samples([whole, whole])[0].targets.inside_count == 0.5


def test_pictures_of_predictions_are_of_the_same_frames(make):
    assert make("temporal").draw_predictions() is None
    for name, black in (("train2d", False), ("train3d", True)):
        stage = make(name)
        stage.model.eval()
        with torch.inference_mode():
            one, two = stage.draw_predictions(), stage.draw_predictions()
        assert np.array_equal(one, two) and one.shape == (4 * 256 + 32, 3 * 256, 3)
        assert (one[:256, :256] == 0).all() == black


def test_progress_is_logged_at_the_steps_asked_for_and_the_last(tiny_data, tmp_path):
    config = tmp_path / "config.yml"
    config.write_text(CONFIG.replace("log_every: 1", "log_every: 3"))
    changed = "lr=0.5", "schedule=constant", "warmup_steps=10"
    rate = [word for each in changed for word in ("--set", f"train3d.{each}")]
    run_train("train3d", tiny_data, tmp_path / "log", "--config", config, *rate)
    found = records(tmp_path / "log")
    steps = [(record["kind"][0], record["epoch"], record["step"]) for record in found]
    first = [("t", 1, 3), ("t", 1, 6), ("t", 1, 7), ("v", 1, 7)]
    assert steps == [*first, ("t", 2, 9), ("t", 2, 12), ("t", 2, 14), ("v", 2, 14)]
    # That of the next step.
    rates = [0.05 * min(step + 1, 10) for kind, _, step in steps if kind == "t"]
    assert [record["lr"] for record in found if "lr" in record] == pytest.approx(rates)


def test_pictures_are_kept_in_memory_where_they_fit(tiny_data, monkeypatch):
    monkeypatch.setattr("utils.training.data.cpu_count", lambda: 5)
    needed = 12 * 64 * 64 * 3 / 2**30
    for gib, asked, workers in ((needed, 3, 0), (needed * 0.99, 3, 3), (0, None, 5)):
        changes = {"memory_gib": gib, "workers": asked, "input_size": 64}
        config = parse_config({"data": changes}, "test")
        view = RELEASE_SQUARE.resized(64, 64)
        dataset, found = open_pictures(Roots([tiny_data]), SetType.TRAIN, config, view)
        assert isinstance(dataset, InMemory) == (workers == 0) and found == workers


def test_a_batch_is_divided_evenly_or_refused(processes, monkeypatch):
    monkeypatch.setattr(processes, "world", 3)
    assert processes.division(12, 2) == Division(0, 3, 2)
    refused("batch_size 16 cannot be divided evenly among 3 × 1", processes.division, 16, 1)


@pytest.mark.parametrize("kind", [nn.BatchNorm2d, BatchNormAct2d, nn.BatchNorm1d])
def test_batch_norm_over_one_process_is_torch_s(kind):
    """With the activation that timm's has in it."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    generator = torch.Generator().manual_seed(0)
    shape = (6, 3) if kind is nn.BatchNorm1d else (2, 3, 4, 4)
    try:
        plain, ours = kind(3, momentum=0.3, eps=1e-3), kind(3, momentum=0.3, eps=1e-3)
        several = SimpleNamespace(world=2, device=torch.device("cpu"))
        ours = Processes.synchronise(several, nn.Sequential(ours))[0]
        assert isinstance(ours, GlobalBatchNorm)
        for norm in (plain, ours):
            norm.weight.data[:] = torch.tensor([0.5, 2.0, -1.0])
            norm.bias.data[:] = torch.tensor([1.0, 0.0, -2.0])
        for training in (True, True, False):
            values = torch.randn(shape, generator=generator) * 2 + 1
            found = []
            for norm in (plain.train(training), ours.train(training)):
                given = values.clone().requires_grad_()
                out = norm(given)
                gradients = torch.autograd.grad(out.square().sum(), (given, norm.weight, norm.bias))
                found.append((out, *gradients, *norm.buffers()))
            for one, other in zip(*found, strict=True):
                assert torch.allclose(one.float(), other.float(), atol=1e-4)
    finally:
        dist.destroy_process_group()


def test_each_process_has_the_device_of_its_local_rank(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "LOCAL_RANK"):
        monkeypatch.setenv(name, "1")
    assert distributed._device_of_process("0") == torch.device("cuda", 1)
    assert distributed._device_of_process(" CPU") == torch.device("cpu")
    monkeypatch.setenv("LOCAL_RANK", "2")
    refused("CUDA devices 0 to 1; torchrun starts one", distributed._device_of_process, "0")


def test_a_restored_optimiser_has_the_moments_stored_and_the_settings_of_this_run():
    def optimizer(module, **settings):
        return make_optimizer(module, parse_config({"train2d": settings}, "test").train2d)

    def unfit(message, after, **options):
        message = rf"^some\.tar: its optimiser does not fit.*{message}"
        refused(message, restore_optimizer, after, stored, scaler, **options)

    module = nn.Linear(2, 2)
    before = optimizer(module, lr=0.5, weight_decay=0.1)
    module(torch.ones(1, 2)).sum().backward()
    before.step()
    scaler, state = torch.amp.GradScaler("cpu"), SimpleNamespace(scaler={"scale": 8.0})
    stored = SimpleNamespace(path="some.tar", optimizer=before.state_dict(), training=state)
    unfit("growth_factor", optimizer(module))
    state.scaler = scaler.state_dict() | {"scale": 8.0}
    after = optimizer(module, lr=0.25, weight_decay=0.2)
    restore_optimizer(after, stored, scaler)
    assert scaler.get_scale() == 8
    assert (after.param_groups[0]["lr"], after.param_groups[0]["weight_decay"]) == (0.25, 0.2)
    for one, other in zip(before.state.values(), after.state.values(), strict=True):
        assert all(torch.equal(one[name], other[name]) for name in ("step", "exp_avg_sq"))
    unfit("", optimizer(nn.Sequential(module, nn.Linear(2, 2))))
    whole = stored.optimizer["state"]
    first = stored.optimizer["state"] = {0: whole[0]}
    restore_optimizer(optimizer(module), stored, scaler, all_weights=False)
    deep = {1: reduce(lambda a, _: {0: a, 1: a}, range(40), {})}
    shaped = {0: whole[0] | {"exp_avg": torch.ones(7)}, 1: whole[1]}
    for wrong, message, options in (
        (first, "moments of 1 weights are missing", {}),
        (first | {-1: whole[1]}, "", {}),
        (first | deep, "", {}),
        ({}, "moments of 2 weights are missing", {"all_weights": False}),
        (shaped, "moments of other shapes", {}),
    ):
        stored.optimizer["state"] = wrong
        unfit(message, optimizer(module), **options)
