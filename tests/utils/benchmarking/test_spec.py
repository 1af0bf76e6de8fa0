"""The benchmark's file: every row sees the same number of pictures, or it is refused."""

import copy

import pytest
import yaml

from base.errors import UserError
from utils.benchmarking.spec import BENCHMARK, MEAN, load_benchmark, pictures_planned, row_config
from utils.defaults import CONFIGS

CONTENT = yaml.safe_load(BENCHMARK.read_text())
ABLATION = BENCHMARK.with_name("ablation.yml")


def written(tmp_path, change):
    content = copy.deepcopy(CONTENT)
    change(content)
    path = tmp_path / "benchmark.yml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize("path", [BENCHMARK, ABLATION], ids=lambda path: path.stem)
def test_the_rows_of_this_repository_see_equally_many_pictures_at_every_scale(path):
    benchmark = load_benchmark(path)
    for name, row in benchmark.rows.items():
        if name == MEAN or not (CONFIGS / f"{row.config}.yml").is_file():
            continue
        for scale_name, scale in benchmark.scales.items():
            config = row_config(benchmark, scale_name, name)
            assert pictures_planned(row, config) == pytest.approx(scale.budget, rel=0.01)
            assert scale.train >= 10_000 and scale.test >= 1_500


def test_the_reference_row_is_the_papers_recipe_but_for_sizes():
    benchmark = load_benchmark()
    plain = yaml.safe_load((CONFIGS / "paper.yml").read_text())
    config = row_config(benchmark, "small", "reference").model_dump()
    sized = {"depth", "epoch_frames", "input_size"}
    for section, values in plain.items():
        for key, value in values.items():
            assert key in sized or config[section][key] == value
    full = row_config(benchmark, "full", "reference")
    assert (full.model.backbone, full.data.input_size) == ("resnet101", 368)


def test_every_row_of_the_ablation_leaves_one_thing_out_on_the_benchmark_s_set():
    whole, ablation = load_benchmark(), load_benchmark(ABLATION)
    assert (ablation.seed, ablation.make_synthetic) == (whole.seed, whole.make_synthetic)
    for name, scale in ablation.scales.items():
        assert scale == whole.scales[name].model_copy(update={"videos": None})
        full = row_config(ablation, name, "transformer")
        assert full == row_config(whole, name, "transformer")
        others = [row_config(ablation, name, row) for row in ablation.rows if row != "transformer"]
        # All differ from the whole and from each other, and start from the same seed.
        assert len({config.model_dump_json() for config in [full, *others]}) == len(ablation.rows)
        assert {config.seed for config in others} == {full.seed}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: c["rows"]["paper"]["shares"].update(finetune=0.2), "add up to 0.9"),
        (lambda c: c["rows"]["paper"]["shares"].pop("finetune"), "needs a share"),
        (lambda c: c["rows"]["paper"].pop("config"), "row paper: no config"),
        (lambda c: c["rows"]["paper"]["epochs"].pop("train3d"), "row paper: epochs"),
        (lambda c: c["rows"]["paper"].update(colour=1), "rows.paper.colour"),
        (lambda c: c.update(reference="nobody"), "no row nobody"),
        (lambda c: c["scales"]["small"].update(budget=0), "scales.small.budget"),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path, change, named):
    with pytest.raises(UserError, match=named) as raised:
        load_benchmark(written(tmp_path, change))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: c["scales"]["small"].update(budget=40), "of a budget of 40"),
        (lambda c: c["scales"]["small"].update(picture_size=128), "pictures of 160 px"),
        (lambda c: c["rows"]["paper"].update(config="nothing"), "nothing"),
        (
            lambda c: c["rows"]["paper"].update(changes={"small": {"model": {"backbon": "x"}}}),
            "did you mean 'model.backbone'",
        ),
    ],
)
def test_a_row_that_cannot_be_trained_as_written_is_refused(tmp_path, change, named):
    benchmark = load_benchmark(written(tmp_path, change))
    with pytest.raises(UserError, match=named):
        row_config(benchmark, "small", "paper")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.yml"):
        load_benchmark(tmp_path / "none.yml")
