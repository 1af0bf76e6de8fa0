"""The tables of a benchmark's page, from recorded results of its runs."""

import json
from pathlib import Path

import pytest
from recorded_results import characters, results

from base.errors import UserError
from utils.benchmarking.page import page_text, resampled_mpjpe
from utils.benchmarking.plan import load_benchmark
from utils.common.paths import CONFIGS

FRAMES = {"TrainSet": 10000, "ValSet": 400, "TestSet": 1600}
CHECKSUM = {folder: {"frames": count} for folder, count in FRAMES.items()}
#: What run.json tells of each row.
RECORDS = {
    "small": {
        "mean": {"labels": 10000},
        "reference": {"parameters": 27.2e6, "pictures": 9984, "labels": 9984},
        "paper": {"parameters": 27.4e6, "pictures": 9920, "labels": 35840},
        "transformer": {"parameters": 12.9e6, "pictures": 10000, "labels": 0},
    },
    "small_videos": {"single": {}, "no_history": {}, "temporal": {}},
}


def written(folder, name, change=lambda found: None):
    """Row → folders of its seeds, with what demo.py and the benchmark would have left there."""
    finished = {}
    for row, record in RECORDS[name].items():
        finished[row] = [folder / row / f"{seed}" for seed in ([0] if row == "mean" else range(3))]
        for seed, place in enumerate(finished[row]):
            sure = row not in ("mean", "paper", "reference")
            found = results(row, seed, moving="videos" in name, sure=sure)
            change(found)
            (place / "test").mkdir(parents=True)
            (place / "test" / "results.json").write_text(json.dumps(found))
            trained = {"training_seconds": 0 if row == "mean" else 400.0 + 100 * seed}
            about = {"machine": "2 CPU cores"} | trained | record
            (place / "run.json").write_text(json.dumps(about))
    return finished


@pytest.mark.parametrize("name", ["small", "small_videos"])
def test_the_page_is_the_one_that_former_code_wrote_of_the_same_results(tmp_path, name):
    benchmark = load_benchmark(CONFIGS / "benchmark" / f"{name}.yml")
    text = page_text(benchmark, name, CHECKSUM, written(tmp_path, name))
    assert text == Path(__file__).with_name(f"page_{name}.md").read_text()


def test_deciles_that_fall_are_not_monotonic_and_a_row_without_reference_has_no_ratio(tmp_path):
    def turn(found):
        if found["uncertainty"]:
            found["uncertainty"]["deciles"].reverse()

    finished = written(tmp_path, "small", turn)
    del finished["reference"]
    small = load_benchmark(CONFIGS / "benchmark" / "small.yml")
    text = page_text(small, "small", CHECKSUM, finished)
    assert resampled_mpjpe([characters([100.0])], 0) is None  # of one character alone
    assert "| no |" in text and "| – | 163.4 |" in text and "| 12.9 (100%) |" in text


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("run.json", "{", "run.json: not valid JSON"),
        ("test/results.json", '{"full": 1}', "results.json of a demo.py run"),
        ("test/results.json", None, "different characters"),
    ],
)
def test_a_damaged_file_of_a_run_is_named(file, content, message, tmp_path):
    finished = written(tmp_path, "small")
    path = finished["reference"][1] / file
    found = json.loads(path.read_text())
    if content is None:
        found["characters"]["z"] = found["characters"].pop("a")
    path.write_text(content or json.dumps(found))
    small = load_benchmark(CONFIGS / "benchmark" / "small.yml")
    with pytest.raises(UserError, match=message):
        page_text(small, "small", CHECKSUM, finished)
