"""The parts of ``utils/benchmark.py``: the set, the runs, the figures, the table, the page."""
