"""The rows on videos: each seed starts from its own network, beside what that says alone."""

import json
import re

import pytest
import yaml

import demo
import train
from base.errors import UserError
from utils import benchmark, make_synthetic, pack_data
from utils.benchmarking.figures import all_figures
from utils.benchmarking.plan import make_plan
from utils.benchmarking.spec import load_benchmark
from utils.networks import load_pose_model

SIZES = {"train": 12, "val": 4, "test": 6}
BEST = "checkpoints/model_best.tar"
TEMPORAL = {"lags": [0, 1, 3], "dim": 16, "layers": 1, "heads": 2}


def content(config):
    stage = {"batch_size": 4, "warmup_steps": 1, "views": 1}
    return {
        "seed": 0,
        "scales": {
            "tiny": {
                **SIZES,
                "meant_for": "tests",
                "picture_size": 64,
                "budget": 8,
                "videos": {"train": 10, "val": 5, "test": 10},
            },
            "still": {**SIZES, "meant_for": "nobody", "picture_size": 64, "budget": 8},
        },
        "reference": "own",
        "rows": {
            "own": {
                "title": "own",
                "config": str(config),
                "epochs": {"finetune": 1},
                "shares": {"finetune": 1.0},
            }
        },
        "videos": {
            "base": "own",
            "title": "frame by frame",
            "seed": 1,
            "make_synthetic": [
                *("--video", "--ray_step", "4", "--frames_per_character", "5"),
                *("--workers", "1"),
            ],
            "rows": {
                "alone": {
                    "title": "no history",
                    "epochs": 1,
                    "changes": {"model": {"temporal": TEMPORAL | {"lags": [0]}}, "temporal": stage},
                },
                "past": {
                    "title": "history",
                    "epochs": 2,
                    "changes": {"model": {"temporal": TEMPORAL}, "temporal": stage},
                },
            },
        },
    }


@pytest.fixture(scope="module")
def file(tmp_path_factory, tiny_transformer_config):
    path = tmp_path_factory.mktemp("benchmark") / "benchmark.yml"
    path.write_text(yaml.safe_dump(content(tiny_transformer_config)))
    return path


@pytest.fixture(scope="module")
def bench(file, tiny_data):
    """Run the command; returns its table and the scripts it ran."""
    folder = file.parent

    def run(*flags):
        calls = []

        def launch(script, arguments, log, on_seconds):
            calls.append(script)
            if script == "utils/make_synthetic.py" and "--video" not in arguments:
                pack_data.main(
                    ["--input", str(tiny_data), "--output", arguments[1], "--size", "64"]
                )
            else:
                commands = {"train.py": train, "demo.py": demo}
                commands.get(script, make_synthetic).main(arguments)
            on_seconds(1.0)

        benchmark.main(
            [
                *("--benchmark", str(file), "--scale", "tiny", "--gpu", "cpu", "--rounds", "1"),
                *("--data_root", str(folder / "set"), "--output", str(folder / "out"), *flags),
            ],
            launch,
        )
        return json.loads((folder / "out" / "table.json").read_text()), calls

    return run


@pytest.fixture(scope="module")
def table(bench):
    """After two seeds, the first with one row on videos only."""
    bench("--rows", "past", "--seeds", "0", "--freeze")
    return bench("--seeds", "0", "1")


def test_a_row_on_videos_takes_its_base_along_and_nothing_is_done_twice(table, bench):
    found, calls = table
    assert list(found["videos"]["rows"]) == ["single", "alone", "past"]
    # Of seed 0 one row was left; of seed 1 all three are trained, and single is tested as well.
    assert calls.count("train.py") == 4 and calls.count("demo.py") == 5
    assert "utils/make_synthetic.py" not in calls
    again, calls = bench("--seeds", "0", "1")
    assert again == found and calls == []


def test_each_seed_starts_from_its_own_network(table, file):
    weights = {}
    for seed in (0, 1):
        base = load_pose_model(file.parent / f"out/own/seed_{seed}/Finetune" / BEST).model
        for row in ("alone", "past"):
            path = file.parent / f"out/{row}/seed_{seed}/Temporal" / BEST
            model = load_pose_model(path).model
            weights[row, seed] = model.state_dict()
            for name, value in base.pose2d.state_dict().items():
                assert value.equal(model.pose2d.state_dict()[name])
    assert weights["past", 0].keys() == weights["past", 1].keys()
    assert any(
        not value.equal(weights["past", 1][key]) for key, value in weights["past", 0].items()
    )


def test_the_table_says_what_the_history_is_worth(table, file):
    rows = table[0]["videos"]["rows"]
    single = rows["single"]
    assert rows["past"]["ratio"] == pytest.approx(rows["past"]["mpjpe"] / single["mpjpe"])
    assert single["jitter"] > 0 and single["acceleration_error"] > 0
    assert rows["past"]["seeds"] == single["seeds"] == [0, 1]
    assert 0 <= rows["past"]["uncertainty"]["coverage_90"] <= 1
    text = (file.parent / "out/table.md").read_text()
    part = text[text.index("MPJPE on videos") :]
    assert re.search(r"\| frame by frame \| [\d.]+ \[.*\| 1.00 \|", part)
    assert "| history |" in part and "10 test frames at 30 a second (the set written down)" in text


def test_seeds_that_only_one_row_has_are_left_out_of_the_comparison(table, file):
    loaded = load_benchmark(file)
    folder = file.parent
    runs = make_plan(
        loaded, "tiny", None, [0, 1], folder / "set", folder / "out", "cpu"
    ).videos  # fmt: skip
    without = [run for run in runs if (run.row, run.seed) != ("past", 1)]
    names = ["single", "alone", "past"]
    found = all_figures(names, "single", without, paired=True)
    assert {tuple(row["seeds"]) for row in found.values()} == {(0,)}


def test_a_scale_without_videos_has_no_such_rows(bench, file):
    with pytest.raises(UserError, match=r"--rows past: there are own$"):
        bench("--scale", "still", "--rows", "past")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"base": "other"}, "there is no row other"),
        ({"rows": {"own": {"title": "a"}}}, "the name own is taken"),
        ({"rows": {"past": {"title": "a", "epochs": 0}}}, r"videos\.rows\.past\.epochs"),
    ],
)
def test_a_wrong_file_is_one_clear_line(file, tmp_path, change, named):
    path = tmp_path / "benchmark.yml"
    whole = yaml.safe_load(file.read_text())
    whole["videos"] |= change
    path.write_text(yaml.safe_dump(whole))
    with pytest.raises(UserError, match=named):
        load_benchmark(path)


def test_half_made_videos_are_nothing_to_the_other_rows(table, bench, file, tmp_path):
    whole = file.parent / "set_videos" / "fingerprint.json"
    whole.rename(tmp_path / "kept.json")
    out = ("--output", str(tmp_path / "out"))
    try:
        bench("--dry_run", *out)  # writes the configurations of all rows
        bench("--rows", "own", "--seeds", "0", *out)
    finally:
        (tmp_path / "kept.json").rename(whole)
    assert "| own |" in (tmp_path / "out" / "table.md").read_text()
