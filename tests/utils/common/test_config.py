"""The configuration: the presets, overrides, and errors that name the key."""

import pytest

from base.errors import UserError
from utils.common.config import dump_config, load_config, parse_config
from utils.common.paths import CONFIGS


def test_every_preset_is_valid():
    for path in CONFIGS.glob("*.yml"):
        load_config(path)


def test_the_recipes_of_paper_and_code_are_the_default_but_for_what_they_say():
    paper = load_config(CONFIGS / "paper.yml").model_dump()
    assert paper["heatmap"].pop("subpixel") is False
    default = parse_config({}, "defaults").model_dump()
    default["heatmap"].pop("subpixel")
    assert paper == default
    code = load_config(CONFIGS / "reference.yml").model_dump()
    own = {name: code["model"].pop(name) for name in ("backbone", "imagenet")}
    assert own == {"backbone": "resnet50", "imagenet": "download"}
    assert code.pop("precision") == "fp32" and code["heatmap"].pop("subpixel") is False
    for name in ("backbone", "imagenet"):
        default["model"].pop(name)
    assert default.pop("precision") == "auto" and code == default


def test_the_defaults_are_the_references_recipe():
    config = parse_config({}, "defaults").model_dump()
    assert config["data"] == {
        "input_size": 368, "workers": None, "memory_gib": 2.0, "stall_seconds": 60.0,
    }  # fmt: skip
    assert config["checkpoints"] == {"minutes": 15.0, "keep": 5} and config["heatmap"]["sigma"] == 2
    assert (config["seed"], config["log_every"], config["tf32"], config["compile"]) == (
        0, 10, True, False,
    )  # fmt: skip
    stage = {key: value for key, value in config["train2d"].items() if key != "augment"}
    assert stage == {
        **{"epochs": 3, "epoch_frames": None, "batch_size": 16, "accumulate": 1, "lr": 1e-3},
        **{"optimizer": "adam", "weight_decay": 0.0, "schedule": "step", "step_epochs": 10},
        **{"step_factor": 0.1, "warmup_steps": 0, "clip_norm": None, "ema_decay": None},
        **{"joint_noise": 0.0, "joint_dropout": 0.0, "reconstruction": "mean", "views": 4},
    }


def test_what_is_dumped_loads_to_the_same_and_overrides_take_precedence(tmp_path):
    config = load_config(CONFIGS / "quickstart.yml")
    path = tmp_path / "config.yml"
    path.write_text(dump_config(config))
    assert load_config(path) == config
    changed = load_config(path, {"train2d": {"epochs": 2}}).train2d
    assert changed == config.train2d.model_copy(update={"epochs": 2})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train2d: {epoch: 3}", r"unknown key 'train2d.epoch'; did you mean 'train2d.epochs'\?"),
        ("hetmap: {sigma: 2}", "did you mean 'heatmap'"),
        ("train2d: {epochs: many}", "train2d.epochs: .*'many'"),
        ("model: {depth: 42}", "model.depth"),
        ("model: {kind: other}", "there is autoencoder, transformer, but no 'other'"),
        ("model: {autoencoder: {latent: 0}}", "model.autoencoder.latent: .*not 0"),
        (
            "model: {kind: transformer, transformer: {temporal: {lags: [1]}}}",
            r"model.transformer.temporal.lags: must rise from 0, not \[1\]",
        ),
        ("model: {kind: transformer, transformer: {dim: 32}}", "32 is no multiple of heads 6"),
        ("train2d: {joint_dropout: 1}", "train2d.joint_dropout: .*not 1"),
        ("train2d: {ema_decay: 1}", "train2d.ema_decay: .*not 1"),
        ("train2d: {ema_decay: 0}", "train2d.ema_decay: .*not 0"),
        ("data: {input_size: 31}", "data.input_size: .*not 31"),
        ("data: {input_size: 1025}", "data.input_size: .*not 1025"),
        ("train2d: {lr: .inf}", "train2d.lr: .*finite"),
        ("train2d: {clip_norm: true}", "train2d.clip_norm: must not be true or false"),
        ("train2d: {augment: {blur: .nan}}", "train2d.augment.blur: .*finite"),
        ("train2d: {augment: {colour: -3}}", "train2d.augment.colour: .*not -3"),
        ("loss: {pose: true}", "loss.pose: must not be true or false"),
        ("loss: {pose: -1}", "loss.pose: .*not -1"),
        ("data: {input_size: true}", "data.input_size: must not be true or false"),
        ("train2d: 5", "train2d: .*not 5"),
        ("model: 5", "model: .*not 5"),
        ("model: {kind: [1]}", r"model.kind: there is .*no \[1\]"),
        ("a: [1", "not valid YAML"),
        ("- 1", "not a mapping"),
    ],
)
def test_a_wrong_configuration_is_named_in_one_line(tmp_path, text, message):
    path = tmp_path / "config.yml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        load_config(path, {"train2d": {}, "model": {}})
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_old_names_of_keys_still_load():
    old = {
        "model": {
            "kind": "transformer",
            "depth": 34,
            "lifting": {"latent": 3},
            "transformer": {"dim": 64, "heads": 4},
            "temporal": {"lags": [0, 2]},
        },
        "loss": {"earlier": 0.5},
        "temporal": {"lr": 0.5},
    }
    config = parse_config(old, "old")
    assert config.model.backbone == "resnet34" and config.loss.aux == 0.5
    own = config.model.transformer
    assert (own.dim, own.layers, own.temporal.lags) == (64, 3, [0, 2])
    # A section that is given in part keeps the defaults of its training type.
    assert (config.temporal.lr, config.temporal.batch_size) == (0.5, 64)
    assert config.overridden({"loss": {"earlier": 0.1}}).loss.aux == 0.1
    paper = parse_config({"model": {"lifting": {"latent": 3}, "temporal": None}}, "old")
    assert paper.model.autoencoder.latent == 3
    assert paper.finetune.reconstruction == "sum"


def test_each_kind_has_its_own_backbone_unless_another_is_asked_for():
    for kind, name in (("autoencoder", "resnet101"), ("transformer", "resnet18")):
        assert parse_config({"model": {"kind": kind}}, "test").model.backbone == name
