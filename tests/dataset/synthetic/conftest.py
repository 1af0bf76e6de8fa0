"""People, sets made without worker processes, and commands that are refused."""

import sys

import numpy as np
import pytest
from commands import make_set, one_process

from dataset.synthetic.body.body_model import make_body
from dataset.synthetic.body.poser import Poser
from utils import make_synthetic
from utils.common.command import run_command


@pytest.fixture(scope="session")
def poser():
    """Of a man of average build."""
    return Poser(make_body(male=True, full=False, short=False, rng=np.random.default_rng(3)))


@pytest.fixture(scope="session")
def other_poser():
    """Of a short, heavy woman."""
    return Poser(make_body(male=False, full=True, short=True, rng=np.random.default_rng(3)))


@pytest.fixture(scope="module")
def make():
    """Make a set in this process, on one thread as a worker does."""
    with one_process():
        yield make_set


@pytest.fixture
def refused(capsys, monkeypatch):
    """Run make_synthetic.py with options that it refuses, and give the one line it prints."""

    def refused(*options):
        monkeypatch.setattr(sys, "argv", ["make_synthetic.py", *map(str, options)])
        with pytest.raises(SystemExit) as caught:
            run_command(make_synthetic.main)
        lines = capsys.readouterr().err.strip().splitlines()
        error = [line for line in lines if line and line[-1] != "]"]  # no progress bar
        assert caught.value.code == 2 and len(error) == 1 and error[0].startswith("error: "), error
        return error[0]

    return refused
