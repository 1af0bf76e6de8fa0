"""The temporal version: an estimate from the frames there are, and from no others."""

import pytest
import torch

from base.skeleton import NUM_JOINTS
from model.temporal import History, TemporalTransformer

LAGS = (0, 1, 2, 4)


def wave(*shape: int) -> torch.Tensor:
    return torch.sin(torch.arange(torch.Size(shape).numel()) * 0.61).reshape(shape)


def history(known=((True,) * 4, (True, True, False, True))) -> History:
    numbers = (wave(2, 4, NUM_JOINTS, *rest) for rest in ((3,), (), (24,)))
    return History(*numbers, torch.tensor(known))


@pytest.fixture
def network():
    """With weights of a pattern that no random numbers decide."""
    network = TemporalTransformer(24, LAGS, dim=32, layers=2, heads=4).eval()
    with torch.no_grad():
        for n, (name, weights) in enumerate(network.named_parameters()):
            values = torch.sin(torch.arange(weights.numel()) * (0.7 + 0.01 * n))
            values = values.reshape(weights.shape)
            if weights.dim() > 1:
                weights.copy_(values / max(weights.shape[-1], 4) ** 0.5)
            else:
                weights.copy_(0.1 * values + ("norm" in name and name.endswith("weight")))
    return network


def test_the_estimate_is_what_it_was(network):
    """Numbers of joint 5 as the code of the first release computed them."""
    with torch.inference_mode():
        found = network(history())
    expected = [[1.75364, 0.21187, -1.80822], [1.45181, 1.03655, -0.27189]]
    torch.testing.assert_close(found.camera3d[:, 5], torch.tensor(expected), atol=1e-4, rtol=0)
    for values, expected in (
        (found.log_scale, [-0.83763, -1.84033]),
        (found.visibility, [0.85112, 0.56827]),
    ):
        torch.testing.assert_close(values[:, 5], torch.tensor(expected), atol=1e-4, rtol=0)


def test_what_is_not_there_does_not_matter_whatever_it_holds(network):
    one = history(known=((True, True, False, False),) * 2)
    other = History(*(values.clone() for values in one))
    for values in other[:3]:
        values[:, 2:] = 1e6
    with torch.inference_mode():
        assert torch.equal(network(one).camera3d, network(other).camera3d)
        alone = network(history(known=((True, False, False, False),) * 2))
    assert all(torch.isfinite(values).all() for values in alone)


def test_the_first_answer_is_near_the_newest_frame_s_own():
    torch.manual_seed(0)
    network = TemporalTransformer(24, LAGS, dim=32, heads=4).eval()
    assert network.head.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert network.head.bias.tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 0]
    assert network.calibration.item() == pytest.approx(5.3223)
    for values in (network.joints, network.ages):
        assert values.std().item() == pytest.approx(0.1, rel=0.15)
    still = history()
    still = still._replace(camera3d=still.camera3d[:, :1].expand_as(still.camera3d))
    with torch.inference_mode():
        estimate = network(still)
    assert (estimate.camera3d - still.camera3d[:, 0]).abs().max() < 0.2
    assert (estimate.log_scale - still.log_scale[:, 0]).abs().max() < 0.2
