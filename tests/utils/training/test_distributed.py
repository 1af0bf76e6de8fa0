"""What processes tell each other, worked out by hand for two of them."""

from types import SimpleNamespace

import torch


def test_a_flag_of_one_process_is_set_for_all(processes, monkeypatch):
    def reduce(counts, how):
        assert how == "sum"
        return counts + torch.tensor([1.0, 0.0, 1.0, 0.0])  # of the other one

    monkeypatch.setattr(processes, "world", 2)
    monkeypatch.setattr(processes, "_accelerator", SimpleNamespace(reduce=reduce))
    assert processes.any(True, True, False, False) == (True, True, True, False)
