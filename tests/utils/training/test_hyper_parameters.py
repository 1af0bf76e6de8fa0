"""Every setting that changes training has the effect worked out here by hand."""

import math
import re

import pytest
import torch
from commands import run_train

from base.skeleton import JOINTS
from dataset.augment import Augmentation, blur_images, change_colours
from dataset.batch import collate
from model.joint_transformer import JointTransformer
from utils.common import networks
from utils.common.config import Config, _config_class, _leaves, parse_config
from utils.common.device import prepare_device
from utils.training.optim import make_average
from utils.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("tiny_kind")


def batch(stage, epoch=0):
    stage.start_epoch(epoch)
    return next(iter(stage.loader))


COSINE = [0.5 * (1 + math.cos(math.pi * step / 6)) for step in range(6)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"schedule": "constant", "lr": 0.5, "epochs": 1}, [0.5] * 3),
        ({"schedule": "constant", "warmup_steps": 4}, [0.25, 0.5, 0.75, 1, 1, 1]),
        ({"step_epochs": 1, "step_factor": 0.5}, [1, 1, 1, 0.5, 0.5, 0.5]),
        ({"step_epochs": 2, "epochs": 3}, [1] * 6 + [0.1] * 3),
        ({"schedule": "cosine"}, COSINE),
        ({"schedule": "cosine", "warmup_steps": 2}, [COSINE[0] / 2, *COSINE[1:]]),
    ],
)
def test_the_learning_rate_of_each_step(settings, expected, make, tmp_path, monkeypatch):
    stage = make(**{"lr": 1.0, "epochs": 2, "epoch_frames": 12} | settings)
    trainer, found = Trainer(stage, tmp_path), []

    def train_step(batches):
        found.append(trainer.optimizer.param_groups[0]["lr"])
        return Trainer.train_step(trainer, batches)

    monkeypatch.setattr(trainer, "train_step", train_step)
    trainer.fit()
    assert found == pytest.approx(expected)
    assert trainer.state.epoch == stage.settings.epochs


def adam(weights, gradients, lr, optimizer="adam", weight_decay=0.0, clip_norm=None):
    """Two steps of Adam (Kingma & Ba 2015, algorithm 1), or of AdamW (Loshchilov & Hutter 2019,
    algorithm 2), after each of which ``gradients`` gives those of the new weights."""
    first = second = 0.0
    for step in (1, 2):
        gradient = gradients(weights)
        if clip_norm is not None:
            gradient = gradient * min(1.0, clip_norm / gradient.norm())
        if optimizer == "adam":
            gradient = gradient + weight_decay * weights
        else:
            weights = weights - lr * weight_decay * weights
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        slope = first / (1 - 0.9**step) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
        weights = weights - lr * slope
    return weights


@pytest.mark.parametrize(
    "settings",
    [
        {"lr": 0.1, "weight_decay": 0.5},
        {"lr": 0.01, "weight_decay": 0.5, "optimizer": "adamw"},
        {"lr": 0.01, "clip_norm": 1e-7},
        {"lr": 0.01, "clip_norm": 1e3},
    ],
)
def test_two_steps_worked_out_by_hand(settings, make, tmp_path):
    stage = make(schedule="constant", **settings)
    weight, bias = stage.model.lifting[1].weight, stage.model.lifting[1].bias
    given = batch(stage)

    def flat(values):
        return torch.cat([value.detach().double().flatten() for value in values])

    def gradients(weights):
        values = weights.float().split([weight.numel(), bias.numel()])
        for parameter, value in zip((weight, bias), values, strict=True):
            parameter.data.copy_(value.view_as(parameter))
        losses = stage.losses(stage.sample(given))
        return flat(torch.autograd.grad(sum(losses.values()), (weight, bias)))

    start = flat((weight, bias))
    expected = adam(start, gradients, **settings)
    gradients(start)
    trainer = Trainer(stage, tmp_path)
    for _ in range(2):
        losses = trainer.train_step([given])
    assert set(losses) == {"pose", "limb_cosine", "limb_distance"}
    assert torch.allclose(flat((weight, bias)), expected, atol=1e-5 * settings["lr"] ** 0.5)


@pytest.mark.parametrize(("decay", "used"), [(0.9, [2 / 11, 3 / 12]), (0.2, [2 / 11, 0.2])])
def test_the_average_of_the_weights_is_what_is_validated(decay, used, make, tmp_path):
    stage = make("train2d", ema_decay=decay)
    trainer, given = Trainer(stage, tmp_path), batch(stage)
    values, expected = stage.model.pose2d.state_dict(), {}
    for share in (0, *used):
        trainer.train_step([given])
        for name, value in values.items():
            if value.is_floating_point():
                expected[name] = share * expected.get(name, 0) + (1 - share) * value
    found = stage.evaluated.pose2d.state_dict()
    for name, value in expected.items():
        assert torch.allclose(found[name], value, atol=1e-6), name
    assert not any(weight.requires_grad for weight in stage.evaluated.parameters())
    called = []
    stage.evaluated.register_forward_hook(lambda *_: called.append(True))
    stage.validate([given])
    assert called


def test_indices_are_not_averaged():
    model = JointTransformer(dim=8, heads=1, layers=1)
    average = make_average(model, 0.999)
    for _ in range(200):
        average.update_parameters(model)
    assert torch.equal(average.module._seen_by, model._seen_by)


def test_accumulated_micro_batches_are_the_batch(make, tmp_path):
    """Of four micro-batches, the first with fewer joints inside the picture."""
    found = []
    for accumulate in (1, 4):
        stage = make("train2d", batch_size=8, accumulate=accumulate)
        stage.model.pose2d[1].eval()  # BatchNorm sees each micro-batch alone
        stage.model.pose2d[1].requires_grad_(False)
        stage.start_epoch(0)
        parts = [part for part, _ in zip(stage.loader, range(accumulate), strict=False)]
        assert [len(part) for part in parts] == [8 // accumulate] * accumulate
        assert [len(part) for part in stage.validation] == ([4] if accumulate == 1 else [2, 2])
        for part in parts:
            for row, frame in enumerate(part.frame_ids):
                part.joints2d[row, :12] = -5.0 if frame.number % 2 else part.joints2d[row, :12]
        losses = Trainer(stage, tmp_path / str(accumulate)).train_step(parts)
        gradient = stage.model.pose2d[0].weight.grad
        found.append((gradient, *(losses[name] for name in ("heatmap", "coordinates"))))
    for whole, divided in zip(*found, strict=True):
        assert torch.allclose(whole, divided, rtol=1e-4, atol=1e-7)


def test_the_seed_decides_order_augmentation_and_first_weights(
    tiny_data, tiny_file, tmp_path, make
):
    def drawn(seed, epoch=0):
        stage = make("train2d", {"seed": seed}, augment={"rotation": 10})
        given = batch(stage, epoch)
        return given.frame_ids, stage.sample(given, augmented=True).targets.joints3d, torch.rand(3)

    once, again = drawn(1), drawn(1)
    assert once[0] == again[0] and all(map(torch.equal, once[1:], again[1:]))
    for other in (drawn(2), drawn(1, epoch=1)):
        assert once[0] != other[0] and not any(map(torch.equal, once[1:], other[1:]))
    weights = []
    for number, seed in enumerate((1, 1, 2)):
        # So small a rate leaves the weights as they were drawn.
        more = "--config", tiny_file, "--seed", seed, "--lr", 1e-30, "--epochs", 1
        run_train("train3d", tiny_data, tmp_path / str(number), *more)
        content = torch.load(tmp_path / f"{number}/checkpoints/checkpoint_1.tar")
        weights.append(content["training"]["weights"]["tiny3d_state_dict"]["1.weight"])
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_precision_compiling_and_tf32(make, monkeypatch):
    for precision in ("bf16", "fp32"):
        stage, types = make("train2d", {"precision": precision}), []
        stage.model.pose2d[0].register_forward_hook(
            lambda *call, types=types: types.append(call[2].dtype)
        )
        stage.losses(stage.sample(batch(stage)))
        stage.validate([batch(stage)])
        assert types == [{"bf16": torch.bfloat16, "fp32": torch.float32}[precision]] * 2
    monkeypatch.setattr(torch, "compile", lambda network: ("compiled", network))
    assert make(whole={"compile": True}).network[0] == "compiled"
    assert isinstance(make().network, torch.nn.Module)
    set_to = []
    monkeypatch.setattr(torch, "set_float32_matmul_precision", set_to.append)
    for name in ("allow_tf32", "benchmark"):
        monkeypatch.setattr(torch.backends.cudnn, name, False)
    for tf32, name in ((True, "high"), (False, "highest")):
        prepare_device(torch.device("cuda"), "auto", tf32)
        assert set_to[-1] == name and torch.backends.cudnn.allow_tf32 is tf32


PARTNER = [
    JOINTS.index(name.replace("Left", "Right") if "Left" in name else name.replace("Right", "Left"))
    for name in JOINTS
]


@pytest.mark.parametrize("name", ["train2d", "train3d", "temporal"])
def test_a_mirrored_record_has_every_field_of_each_joint_at_its_partner(name, make):
    stage = make(name, augment={"mirror": True}, batch_size=12, views=1)
    stage.visibility_known = True
    given = batch(stage)
    if name == "temporal":  # augmented when the frames were predicted
        mirrored = stage.sample(given)
        frames = {frame.frame_id: frame for frame in make("train2d").loader.dataset}
        given = collate([frames[frame_id] for frame_id in given.frame_ids])
    else:
        given.visible[:] = torch.rand(given.visible.shape) < 0.5
        given.joints2d[:, 4] = -10.0  # outside
        mirrored = stage.sample(given, augmented=True)
    found = mirrored.targets
    rows = (found.joints3d[..., 0] + given.joints3d[:, PARTNER, 0]).abs().amax(1) < 1e-5
    assert rows.any() and not rows.all()
    joints3d, joints2d, visible = (
        torch.where(rows.view(-1, *[1] * (v.dim() - 1)), v[:, PARTNER], v)
        for v in (given.joints3d, given.joints2d, given.visible)
    )
    joints3d[rows, :, 0] *= -1
    joints2d[rows, :, 0] = 2 * stage.camera.cx - joints2d[rows, :, 0]
    inside = (joints2d >= -0.5).all(-1) & (joints2d < 63.5).all(-1)
    assert torch.allclose(found.joints3d, joints3d, atol=1e-6)
    assert torch.equal(found.inside, inside) and torch.equal(found.visible, visible & inside)
    if name == "temporal":
        # The model's prediction is of the mirrored picture: not that of the plain one.
        plain = make(name, batch_size=12)
        history = plain.sample(batch(plain)).inputs["history"][0]
        assert not torch.equal(mirrored.inputs["history"][0], history)
        return
    assert torch.allclose(found.joints2d, joints2d, atol=1e-4)
    maps = stage._draw_heatmaps(joints2d)
    assert torch.allclose(found.heatmaps, maps, atol=1e-4)
    if name == "train3d":
        assert torch.allclose(mirrored.inputs["heatmaps"], maps, atol=1e-4)
        return
    before, after = (part.inputs["images"][rows] for part in (stage.sample(given), mirrored))
    flipped = before.flip(-1).roll(round(2 * stage.camera.cx) - 63, -1)
    assert (after - flipped).abs().mean() < 0.5 * (after - before).abs().mean()


@pytest.mark.parametrize("settings", [{"colour": 0.5}, {"noise": 0.1}, {"blur": 2}])
def test_pictures_change_as_asked_for(settings, make):
    stage, how = make("train2d", augment=settings), Augmentation(**settings)
    given = batch(stage)
    plain, changed = stage.sample(given), stage.sample(given, augmented=True)
    change = blur_images if "blur" in settings else change_colours
    expected = change(plain.inputs["images"], how, torch.Generator().manual_seed(0))
    assert torch.equal(changed.inputs["images"], expected)
    assert not torch.equal(expected, plain.inputs["images"])
    assert torch.equal(changed.targets.heatmaps, plain.targets.heatmaps)


def test_heatmaps_given_to_the_lifting_are_misplaced_and_missing_as_drawn(make):
    stage = make(joint_noise=0.1, joint_dropout=0.5)
    given = batch(stage)
    sample = stage.sample(given, augmented=True)
    draws = torch.Generator().manual_seed(0)
    amount = 0.1 * 64 * torch.rand(4, 1, 1, generator=draws)
    offset = amount * torch.randn(4, 16, 2, generator=draws)
    kept = torch.rand(4, 15, generator=draws) >= 0.5
    expected = stage._draw_heatmaps(given.joints2d + offset) * kept[..., None, None]
    assert torch.equal(sample.inputs["heatmaps"], expected)
    assert torch.equal(sample.targets.heatmaps, stage._draw_heatmaps(given.joints2d))


def test_views_of_videos_are_drawn_anew_and_without_augmentation_there_is_one(make):
    for augment, views in (({"rotation": 5}, 3), ({}, 1)):
        frames = make("temporal", augment=augment, views=3).loader.dataset
        assert len(frames.joints3d) == views and len(frames.history[0]) == views
    validated = make("temporal", augment={"rotation": 5}, views=3).validation.dataset
    assert len(validated.joints3d) == 1


def test_targets_are_gaussians_about_the_joints(make):
    for size, sigma, subpixel in ((64, 1.0, True), (64, 2.0, False), (96, 1.5, True)):
        changes = {"heatmap": {"sigma": sigma, "subpixel": subpixel}, "data": {"input_size": size}}
        stage = make("train2d", changes)
        sample = stage.sample(batch(stage))
        assert sample.inputs["images"].shape == (4, 3, size, size)
        x, y = sample.targets.joints2d[0, 0].tolist()
        corner = 0.5 - 0.5 * size / 800  # of the reference's map
        centre = [(v + 0.5) / 4 - 0.5 if subpixel else int((v + corner) / 4 + 0.5) for v in (x, y)]
        column, row = (round(value) for value in centre)
        offset = (column + 1 - centre[0]) ** 2 + (row - centre[1]) ** 2
        value = sample.targets.heatmaps[0, 0, row, column + 1].item()
        assert value == pytest.approx(math.exp(-offset / (2 * sigma**2)), rel=1e-3)


_LOSSES = "heatmap coordinates reconstruction pose limb_cosine limb_distance limb_length"
LOSSES = {
    "autoencoder": _LOSSES.split(),
    "transformer": ["camera_pose", "uncertainty", "visibility", "aux"],
}
SMALL = {
    "autoencoder": {"backbone": "resnet18", "autoencoder": {"latent": 4, "pose_hidden": 4}},
    "transformer": {"transformer": {"channels": 8, "dim": 8, "layers": 2, "heads": 1}},
}


@pytest.mark.parametrize("kind", LOSSES)
def test_each_loss_and_the_hidden_joints_have_their_weight(kind, make):
    stage = make("finetune", {"model": {"kind": kind, **SMALL[kind]}})
    sample = stage.sample(batch(stage))
    weights = dict.fromkeys(Config().loss.model_dump(), 0.0) | dict.fromkeys(LOSSES[kind], 1.0)
    # What aux adds up for the layers before the last.
    weights |= {"pose": 1.0, "hidden": 1.0}

    def losses(changes, **section):
        stage.config = stage.config.overridden({"loss": weights | changes, "finetune": section})
        stage.settings = stage.config.finetune
        torch.manual_seed(0)
        return {name: value.item() for name, value in stage.losses(sample).items()}

    plain = losses({})
    for name in LOSSES[kind]:
        assert plain[name] != 0
        assert losses({name: 3.0})[name] == pytest.approx(3 * plain[name], rel=1e-4)
        assert losses({name: 0.0}).keys() == plain.keys() - {name}
    if kind == "autoencoder":
        mean, total = (losses({}, reconstruction=how)["reconstruction"] for how in ("mean", "sum"))
        assert total == pytest.approx(15 * 8 * 8 * mean, rel=1e-4)  # maps and their cells
    assert (sample.targets.visible_known & ~sample.targets.visible)[:, 2:].any()
    found = [losses({"hidden": hidden}) for hidden in (1.0, 0.5, 0.0)]
    for name in {"pose", "camera_pose"} & plain.keys():
        full, half, least = (losses[name] for losses in found)
        assert full > half > least > 0 and half == pytest.approx((full + least) / 2, rel=1e-5)


def test_only_a_trunk_that_is_trained_starts_from_imagenet_weights(monkeypatch):
    """Of kind and backbone: tests/test_train.py."""
    loaded = []
    monkeypatch.setattr(networks, "load_imagenet", lambda *call: loaded.append(call))
    for name, imagenet in (("train2d", "trunk.pth"), ("train2d", None), ("train3d", "trunk.pth")):
        config = parse_config({"model": {"kind": "tiny", "imagenet": imagenet}}, "test")
        networks.stage_network(name, config, networks.Start())
    assert [path for _, path in loaded] == ["trunk.pth"]


def test_parts_that_do_not_learn_keep_weights_and_statistics(make, tmp_path):
    stage = make("temporal")
    trainer = Trainer(stage, tmp_path)
    assert sum(len(group["params"]) for group in trainer.optimizer.param_groups) == 2
    before = {name: value.clone() for name, value in stage.model.state_dict().items()}
    stage.network.train()
    assert not stage.model.pose2d.training and stage.model.temporal.training
    trainer.train_step([batch(stage)])
    after = stage.model.state_dict()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed == {"temporal.weight", "temporal.bias"}


#: What tests above change; and what decides how fast, where and how often, not what is learnt.
COVERED = """
accumulate batch_size clip_norm ema_decay epoch_frames epochs joint_dropout joint_noise lr optimizer
reconstruction schedule step_epochs step_factor views warmup_steps weight_decay augment.blur
augment.colour augment.mirror augment.noise augment.rotation
seed precision compile tf32 data.input_size heatmap.sigma heatmap.subpixel
loss.hidden model.kind model.backbone model.imagenet
data.workers data.memory_gib data.cache_gb log_every checkpoints.minutes checkpoints.keep
"""


def test_every_key_of_the_configuration_has_a_test():
    """Those of the networks' own options are in tests/model."""
    found = {key for kind in SMALL for key in _leaves(_config_class(kind))}
    found = {key for key in found if not re.match("model[.](autoencoder|transformer)[.]", key)}
    stages = "^(train2d|train3d|finetune|temporal)[.]"
    losses = {f"loss.{name}" for names in LOSSES.values() for name in names}
    assert {re.sub(stages, "", key) for key in found} == losses.union(COVERED.split())
