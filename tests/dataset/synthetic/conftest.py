"""People, sets made without worker processes, and commands that are refused."""

import commands
import numpy as np
import pytest

from dataset.synthetic.body.body_model import make_body
from dataset.synthetic.body.poser import Poser
from utils import make_synthetic


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
    with commands.one_process():
        yield commands.make_set


@pytest.fixture
def refused():
    """Run make_synthetic.py with options that it refuses, and give its one line."""
    return lambda *options: commands.refused(".", make_synthetic.main, [*map(str, options)])
