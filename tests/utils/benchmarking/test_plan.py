"""A benchmark's file: every row sees the same number of pictures, or it is refused."""

import contextlib

import pytest
import yaml

from base.errors import UserError
from utils import benchmarking
from utils.benchmarking.plan import load_benchmark
from utils.common.paths import CONFIGS

FOLDER = CONFIGS / "benchmark"
SMALL = yaml.safe_load((FOLDER / "small.yml").read_text())


@pytest.mark.parametrize("name", ["small", "full", "ablation", "small_videos", "full_videos"])
def test_the_rows_of_this_repository_see_equally_many_pictures(name):
    benchmark = load_benchmark(FOLDER / f"{name}.yml")
    for row, about in benchmark.rows.items():
        config = benchmark.config(row) if about.training else None
        assert config is None or config.data.input_size <= benchmark.picture_size
        if config and benchmark.budget:
            seen = about.frames_seen(config)["pictures"]
            assert seen == pytest.approx(benchmark.budget, rel=0.01)


def test_the_reference_row_is_the_papers_recipe_but_for_sizes():
    small, full = (load_benchmark(FOLDER / f"{name}.yml") for name in ("small", "full"))
    plain = yaml.safe_load((CONFIGS / "paper.yml").read_text())
    config = small.config("reference").model_dump()
    for section, values in plain.items():
        for key, value in values.items():
            sized = key in {"depth", "backbone", "epoch_frames", "input_size"}
            assert sized or config[section][key] == value
    seen = small.rows["reference"].frames_seen(small.config("reference"))
    assert seen == {"pictures": 9984, "labels": 9984}
    config = full.config("reference")
    assert (config.model.backbone, config.data.input_size) == ("resnet101", 368)


def test_commands_start_from_the_same_seed_s_network_and_test_what_was_trained(tmp_path):
    videos, place = load_benchmark(FOLDER / "small_videos.yml"), tmp_path / "videos/temporal/seed_7"
    train, test = videos.commands(place, tmp_path / "set", "cpu")
    base = tmp_path / "small/transformer/seed_7/Finetune/checkpoints/model_best.tar"
    assert train[train.index("--load_3d_model") + 1] == str(base) and "--resume" in train
    assert train[train.index("--seed") + 1] == "7"
    best = place / "Temporal/checkpoints/model_best.tar"
    assert test[test.index("--load_model") + 1] == str(best)
    [alone] = videos.commands(tmp_path / "videos/single/seed_7", tmp_path / "set", "cpu")
    assert alone[alone.index("--load_model") + 1] == str(base)


def paper(**change):
    return {"rows": SMALL["rows"] | {"paper": SMALL["rows"]["paper"] | change}}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"reference": "nobody"}, "nobody"),
        ({"colour": 1}, "colour Extra inputs are not permitted"),
        (paper(changes={"model": {"backbon": "resnet18"}}), "did you mean 'model.backbone'"),
        (paper(changes={"train2d": {"epochs": 1}}), "pictures are seen, the budget is 10000"),
        (None, "No such file"),
    ],
)
def test_a_wrong_file_or_row_is_one_clear_line(tmp_path, change, named):
    path = tmp_path / "own.yml"
    if change:
        path.write_text(yaml.safe_dump(SMALL | change))
    with pytest.raises(UserError, match=named) as raised:
        load_benchmark(path).config("paper")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("end", [0, 2, 130])
def test_a_command_that_fails_is_named_and_one_that_was_stopped_stops_us(tmp_path, end):
    script = tmp_path / "script.py"
    script.write_text(f"import sys; sys.exit({end} if sys.argv[1:] == ['--a', '1'] else 9)")
    named = r"script\.py ended with status 2" if end == 2 else None
    failed = pytest.raises(UserError if end == 2 else KeyboardInterrupt, match=named)
    with failed if end else contextlib.nullcontext():
        benchmarking.launch(script, "--a", 1)
