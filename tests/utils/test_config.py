"""The configuration: the presets, overrides, and errors that name the key."""

import pytest

from base.errors import UserError
from utils.config import Config, dump_config, load_config
from utils.defaults import CONFIGS


def test_every_preset_is_valid():
    for path in CONFIGS.glob("*.yml"):
        load_config(path)


def test_the_papers_recipe_is_the_default_but_for_the_references_rounding():
    paper = load_config(CONFIGS / "paper.yml").model_dump()
    assert paper["heatmap"].pop("subpixel") is False
    default = Config().model_dump()
    default["heatmap"].pop("subpixel")
    assert paper == default


def test_what_is_dumped_loads_to_the_same(tmp_path):
    config = load_config(CONFIGS / "quickstart.yml")
    path = tmp_path / "config.yml"
    path.write_text(dump_config(config))
    assert load_config(path) == config


def test_overrides_take_precedence(tmp_path):
    path = tmp_path / "config.yml"
    path.write_text("train2d: {epochs: 7, lr: 0.5}")
    config = load_config(path, {"train2d": {"epochs": 2}})
    assert (config.train2d.epochs, config.train2d.lr) == (2, 0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train2d: {epoch: 3}", r"unknown key 'train2d.epoch'; did you mean 'train2d.epochs'\?"),
        ("hetmap: {sigma: 2}", "did you mean 'heatmap'"),
        ("train2d: {epochs: many}", "train2d.epochs: .*'many'"),
        ("model: {depth: 42}", "model.depth"),
        ("a: [1", "not valid YAML"),
        ("- 1", "not a mapping"),
    ],
)
def test_a_wrong_configuration_is_named_in_one_line(tmp_path, text, message):
    path = tmp_path / "config.yml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        load_config(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_a_missing_configuration_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.yml"):
        load_config(tmp_path / "nowhere.yml")
