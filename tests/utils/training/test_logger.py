"""The log of a run: the same figures in both places, none twice, and a full disk."""

import errno

import pytest
from commands import records
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from base.errors import UserError
from utils.training import trainer as trainer_module
from utils.training.logger import RunLog
from utils.training.trainer import Trainer

FIGURES = {"lr": 0.5, "frames_per_second": 8.0, "data_wait_share": 0.25, "memory_gib": 1.5}


def write(log_dir, first, last):
    with RunLog(log_dir, "train3d", first, 9) as log:
        for step in range(first + 1, last + 1):
            log.training(0, step, {"pose": 2.0, "total": float(step)}, **FIGURES)


def test_both_logs_have_the_same_figures_and_what_is_done_again_once(tmp_path):
    write(tmp_path, 0, 5)
    # TensorBoard reads files by name: of one second, the tenth of a process before the ninth.
    next(tmp_path.glob("*tfevents*")).rename(tmp_path / "events.out.tfevents.0")
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 6, "kind": "trai')  # cut off by a kill
    write(tmp_path, 3, 6)
    events, found = EventAccumulator(str(tmp_path)).Reload(), records(tmp_path)
    for name, value in FIGURES.items():
        assert [scalar.value for scalar in events.Scalars(name)] == [value] * 6
        assert [record[name] for record in found] == [value] * 6
    scalars = [(scalar.step, scalar.value) for scalar in events.Scalars("loss/total")]
    assert scalars == [(record["step"], record["loss"]["total"]) for record in found]
    assert scalars == [(step, step) for step in range(1, 7)]


def test_other_processes_than_the_main_one_write_nothing(tmp_path):
    with RunLog(tmp_path, "train3d", 0, 9, enabled=False) as log:
        log.training(0, 1, {"total": 1.0}, **FIGURES)
        log.validation(1, 1, {"mpjpe_mm": 1.0}, {})
    assert not list(tmp_path.iterdir())


def test_a_log_that_cannot_be_written_ends_the_run_with_one_line(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with RunLog(tmp_path, "train3d", 0, 9) as log:
        monkeypatch.setattr(log._writer, "add_scalar", full)
        with pytest.raises(UserError, match=r"logs cannot be written .No space left"):
            log.training(0, 1, {"total": 1.0}, **FIGURES)


def test_frames_a_second_and_the_share_of_waiting_are_what_the_clock_says(
    make, tmp_path, monkeypatch
):
    """Three steps of four frames, each two seconds and a quarter of one for its batch."""
    trainer, now = Trainer(make(epochs=1, epoch_frames=12), tmp_path), [100.0]
    train_step = trainer.train_step

    def pass_time(seconds):
        now[0] += seconds
        return now[0]

    monkeypatch.setattr(trainer, "train_step", lambda of: pass_time(2.0) and train_step(of))
    monkeypatch.setattr(trainer_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(trainer_module.time, "perf_counter", lambda: pass_time(0.25))
    trainer.fit()
    first = records(tmp_path)[0]
    # From before the first batch's quarter; each takes two looks at the clock.
    assert first["frames_per_second"] == pytest.approx(12 / 7.5)
    assert first["data_wait_share"] == pytest.approx(0.75 / 7.5)
