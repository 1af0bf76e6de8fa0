"""The tables of a benchmark's page, from recorded results of its runs."""

import json
from pathlib import Path

import pytest
from recorded_results import characters, results

from base.errors import UserError
from utils.benchmarking.page import page_text, resampled_mpjpe
from utils.benchmarking.plan import load_benchmark
from utils.common.paths import CONFIGS

FOLDER, RECORD, RESULTS = CONFIGS / "benchmark", "run.json", "test/results.json"
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
            (place / RESULTS).write_text(json.dumps(found))
            trained = {"training_seconds": 0 if row == "mean" else 400.0 + 100 * seed}
            about = {"machine": "2 CPU cores"} | trained | record
            (place / RECORD).write_text(json.dumps(about))
    return finished


@pytest.mark.parametrize("name", ["small", "small_videos"])
def test_the_page_is_the_one_that_former_code_wrote_of_the_same_results(tmp_path, name):
    benchmark = load_benchmark(FOLDER / f"{name}.yml")
    text = page_text(benchmark, name, CHECKSUM, written(tmp_path, name))
    assert text == Path(__file__).with_name(f"page_{name}.md").read_text()


def test_deciles_that_fall_are_not_monotonic_and_a_row_without_reference_has_no_ratio(tmp_path):
    def turn(found):
        if found["uncertainty"]:
            found["uncertainty"]["deciles"].reverse()

    finished = written(tmp_path, "small", turn)
    del finished["reference"]
    small = load_benchmark(FOLDER / "small.yml")
    text = page_text(small, "small", CHECKSUM, finished)
    assert resampled_mpjpe([characters([100.0])], 0) is None  # of one character alone
    assert "| no |" in text and "| – | 163.4 |" in text and "| 12.9 (100%) |" in text


def test_a_damaged_file_of_a_run_is_named(tmp_path):
    small, finished = load_benchmark(FOLDER / "small.yml"), written(tmp_path, "small")
    record, measured = (finished["reference"][1] / name for name in (RECORD, RESULTS))
    found = json.loads(measured.read_text())
    found["characters"]["z"] = found["characters"].pop("a")
    for path, content, message in (
        (record, "{", "run.json: not valid JSON"),
        (record, "[]", "run.json: damaged"),
        (record, "{}", None),
        (measured, json.dumps(found), "different characters"),
    ):
        path.write_text(content)
        if message:
            with pytest.raises(UserError, match=message):
                page_text(small, "small", CHECKSUM, finished)
