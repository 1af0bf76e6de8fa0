"""The one process of a stage."""

import pytest

from utils.training.distributed import Processes


@pytest.fixture(scope="module")
def processes():
    with Processes("cpu") as made:
        yield made
