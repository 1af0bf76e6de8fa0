"""The configuration: the presets, overrides, and errors that name the key."""

import re

import mutations
import pytest
from commands import refused
from hypothesis import example, given, settings

from base.errors import UserError
from model import KINDS
from utils.common.config import (
    Config,
    describe_config,
    dump_config,
    load_config,
    parse_config,
    parse_setting,
)
from utils.common.paths import CONFIGS, config_path


def test_the_recipes_of_paper_and_code_are_the_default_but_for_what_they_say():
    paper = parse_config({"heatmap": {"subpixel": False}}, "test")
    assert load_config(CONFIGS / "paper.yml") == paper
    own = {"precision": "fp32", "model": {"backbone": "resnet50", "imagenet": "download"}}
    assert load_config(CONFIGS / "reference.yml") == paper.overridden(own)


def test_the_defaults_are_the_references_recipe():
    config = parse_config({}, "defaults").model_dump()
    assert config["data"]["input_size"] == 368 and config["heatmap"]["sigma"] == 2
    assert config["checkpoints"] == {"minutes": 15.0, "keep": 2} and config["seed"] == 0
    paper = {"heatmap": 1.0, "reconstruction": 1e-3, "pose": 0.1, "hidden": 1.0}
    paper |= {"limb_cosine": 0.01, "limb_distance": 0.5}
    assert config["loss"] == dict.fromkeys(config["loss"], 0.0) | paper
    stage = {key: value for key, value in config["train2d"].items() if key != "augment"}
    assert stage == {
        **{"epochs": 3, "epoch_frames": None, "batch_size": 16, "accumulate": 1, "lr": 1e-3},
        **{"optimizer": "adam", "weight_decay": 0.0, "schedule": "step", "step_epochs": 10},
        **{"step_factor": 0.1, "warmup_steps": 0, "clip_norm": None, "ema_decay": None},
        **{"joint_noise": 0.0, "joint_dropout": 0.0, "reconstruction": "mean", "views": 4},
    }


def test_what_is_dumped_loads_to_the_same_and_overrides_take_precedence(tmp_path):
    path = tmp_path / "config.yml"
    for preset in CONFIGS.glob("*.yml"):
        config = load_config(preset)
        path.write_text(dump_config(config))
        assert load_config(path) == config
    changed = load_config(path, {"train2d": {"epochs": 2}}).train2d
    assert changed == config.train2d.model_copy(update={"epochs": 2})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train2d: {epoch: 3}", "unknown key train2d.epoch; .*mean train2d.epochs or"),
        ("hetmap: {sigma: 2}", "did you mean heatmap"),
        ("train2d: {epochs: many}", "train2d.epochs: .*'many'"),
        ("model: {kind: other}", "there is autoencoder, transformer, but no 'other'"),
        (
            "model: {kind: transformer, transformer: {temporal: {lags: [1]}}}",
            r"model.transformer.temporal.lags: must rise from 0, to 10000 at most, not \[1\]",
        ),
        ("model: {kind: transformer, transformer: {dim: 32}}", "32 is no multiple of heads 6"),
        ("finetune: {augment: {rotation: on}}", "rotation: must not be true or false, not True"),
        ("data: {input_size: 1025}", "data.input_size: .*not 1025"),
        ("train2d: {lr: .inf}", "train2d.lr: .* finite number"),
        ("model: {kind: [1]}", r"model.kind: there is .*no \[1\]"),
        ("model: {backbone: 'hf-hub:some/one'}", "model.backbone: .*'hf-hub:some/one'"),
        ("seed: 2020-10-01", "seed: .*2020"),
        ("train2d: {lr: " + "[" * 5000, "not valid YAML"),
        ('extends: "\\ud800"', "extends: must be one configuration"),
        ("a: [1", "not valid YAML"),
        ("- 1", "not a mapping"),
    ],
)
def test_a_wrong_configuration_is_named_in_one_line(tmp_path, text, message):
    path = tmp_path / "config.yml"
    path.write_text(text)
    assert str(path) in refused(message, load_config, path, {"train2d": {}, "model": {}})


def test_a_file_extends_another_and_faults_name_the_file_or_the_command_line(tmp_path):
    own, base = tmp_path / "own.yml", tmp_path / "base.yml"
    base.write_text("extends: quickstart\nmodel: {backbone: resnet34}\ntrain2d: {epochs: 9}")
    own.write_text("extends: base.yml\ntrain2d: {lr: 0.5}\nmodel: {backbone: resnet50}")
    over = {"train2d": {"epochs": 9, "lr": 0.5}, "model": {"backbone": "resnet50"}}
    assert load_config(own) == load_config(config_path("quickstart")).overridden(over)
    for path, text in ((base, "train2d: {epochs: 0}"), (own, "extends: base.yml\nloss: {pose: x}")):
        path.write_text(text)
        refused(f"^configuration {own}: (train2d.epochs|loss.pose): ", load_config, own)
    own.write_text("extends: quickstart")
    with pytest.raises(UserError, match=r"command line: train2d\.epochs: .* 1, not -3$"):
        load_config(own, {"train2d": {"epochs": -3}})
    own.write_text("extends: base.yml")
    wrong = {"own.yml": "extends itself", "[a, b]": r"base\.yml: extends: must be one"}
    wrong |= {"none.yml": r"none\.yml: no such", "a" * 400: "a: no such"}
    for text, message in wrong.items():
        base.write_text(f"extends: {text}")
        refused(message, load_config, own)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_says_what_it_does_and_can_be_set_to_the_value_it_has(kind):
    config = parse_config({"model": {"kind": kind}}, "test")
    default = {"autoencoder": "resnet101", "transformer": "resnet18"}[kind]
    assert config.model.backbone == default
    lines = describe_config(config).splitlines()
    assert len(lines) == len({line.partition("=")[0] for line in lines}) > 80
    for line in lines:
        setting, kind_of_value, about = re.split("  +", line)
        assert kind_of_value and about
        assert config.overridden(parse_setting(setting)) == config


@pytest.mark.parametrize(
    ("message", "texts"),
    [
        (
            r"\.(lr|epochs|pose): Input should be .*not {'",
            ["train2d.lr={a: 5}", "train2d.epochs.real=7", "loss.pose.a=3"],
        ),
        ("not KEY=VALUE", ["loss.pose", "loss.pose=[1", "a=" + "[" * 500, "a=1\n---\n2"]),
    ],
)
def test_what_is_no_setting_is_refused(message, texts):
    config = parse_config({}, "test")
    for text in texts:
        refused(message, lambda text=text: config.overridden(parse_setting(text)))


WHOLE = parse_config({"model": {"kind": "transformer"}}, "test").model_dump()


@settings(mutations.FUZZ, max_examples=80)
@given(mutations.mutated(WHOLE).filter(lambda content: isinstance(content, dict)))
@example({"model": {"kind": [[[[[[[[[[1]]]]]]]]]]}})
@example({3: 4, None: b"x"})
@example({"seed": 10**5000})
def test_any_content_is_a_configuration_or_one_line(content):
    try:
        assert isinstance(parse_config(content, "some.yml"), Config)
    except UserError as error:
        assert str(error).startswith("some.yml: ") and len(str(error)) < 600


def test_a_setting_that_is_gone_is_passed_over_in_checkpoints():
    stored = {"data": {"stall_seconds": 60.0, "workers": 3}}
    assert parse_config(stored, "x.tar") == parse_config({"data": {"workers": 3}}, "test")
