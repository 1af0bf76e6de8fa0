"""A benchmark's YAML file, and the commands of its runs."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from base.documents import read_document
from base.errors import UserError
from base.files import write_text
from base.schema import Section, read_record
from utils.common.config import Config, dump_config, load_config
from utils.common.paths import config_path


class BenchmarkRow(Section):
    """What is trained and tested; experiments/configs/benchmark/small.yml explains the keys."""

    title: str
    training: Literal["all", "finetune", "temporal"] | None = None
    config: str = ""
    changes: dict[str, Any] = Field({})
    start: str | None = None
    note: str | None = None

    def frames_seen(self, config: Config) -> dict[str, int]:
        """ "pictures", and "labels" without picture, that training sees, repetitions counted."""
        stages = [s for s in ("train2d", "train3d", "finetune") if self.training in ("all", s)]
        frames = {s: config.stage(s).epochs * (config.stage(s).epoch_frames or 0) for s in stages}
        labels = frames.pop("train3d", 0)
        return {"pictures": sum(frames.values()), "labels": labels}


class Benchmark(Section):
    """The whole of it."""

    meant_for: str
    data: str
    make: str
    picture_size: int = Field(ge=32, le=800)
    checksum: str
    budget: int | None = Field(None, ge=1)
    reference: str
    columns: dict[str, str]
    rows: dict[str, BenchmarkRow]

    def config(self, name: str) -> Config:
        """What a row is trained with; UserError for a wrong one, or one that misses the budget."""
        row = self.rows[name]
        config = load_config(config_path(row.config), row.changes)
        config = config.overridden({"checkpoints": {"keep": 1}})
        seen = row.frames_seen(config)["pictures"]
        # Whole batches may miss it by a little.
        if self.budget and abs(seen - self.budget) > 0.02 * self.budget:
            raise UserError(f"row {name}: {seen} pictures are seen, the budget is {self.budget}")
        return config

    def commands(self, place: Path, root: Path, gpu: str) -> list[list[str]]:
        """Train and test commands, without the Python, of the row and seed of a folder ROW/seed_N;
        none for the mean pose. The row's configuration is written beside the folder; UserError
        where runs with another one are there."""
        name, seed, path = place.parent.name, place.name[5:], place.parent / "config.yml"
        row, common, found = self.rows[name], ["--gpu", gpu, "--data_root", str(root)], []
        start = row.start and str((place / "../.." / row.start.format(seed=seed)).resolve())
        last = place / ("Finetune" if row.training == "all" else (row.training or "").capitalize())
        tested = str(last / "checkpoints" / "model_best.tar") if row.training else start
        if row.training:
            config = self.config(name)
            if any(path.parent.glob("seed_*")) and load_config(path) != config:
                raise UserError(f"{path.parent} was made with another configuration: delete it")
            write_text(path, dump_config(config))
            train = ["train.py", "--training_type", row.training, *common, "--config", str(path)]
            train += ["--log_dir", str(place if row.training == "all" else last), "--resume"]
            found += [[*train, "--seed", seed, *(["--load_3d_model", start] if start else [])]]
        if tested:
            save = ["--save_dir", str(place / "test"), "--num_vis", "0"]
            found += [["demo.py", "--load_model", tested, *common, *save]]
        return found


def load_benchmark(path: Path) -> Benchmark:
    """Read a benchmark's file; UserError for one that cannot be read or is against the schema."""
    content = read_document(path, f"benchmark {path}")
    try:
        benchmark = read_record(Benchmark, content)
        if benchmark.reference not in benchmark.rows:
            raise UserError(f"reference: there is no row {benchmark.reference}")
    except UserError as error:
        raise UserError(f"benchmark {path}: {error}") from None
    return benchmark
