"""The temporal form looks at the frames there are, and at no others."""

import pytest
import torch

from base.skeleton import NUM_JOINTS
from model.temporal import History, TemporalTransformer

LAGS = (0, 1, 2, 4)


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = TemporalTransformer(24, LAGS, dim=32, layers=2, heads=4)
    torch.nn.init.normal_(network.head.weight, std=0.3)
    return network.eval()


def history(count=3, known=None) -> History:
    draw = torch.Generator().manual_seed(1)
    tokens = torch.randn(count, len(LAGS), NUM_JOINTS, 24, generator=draw)
    camera3d = torch.randn(count, len(LAGS), NUM_JOINTS, 3, generator=draw)
    log_scale = torch.randn(count, len(LAGS), NUM_JOINTS, generator=draw)
    if known is None:
        known = torch.ones(count, len(LAGS), dtype=torch.bool)
    return History(camera3d, log_scale, tokens, known)


def test_an_estimate_has_the_shapes_of_a_single_frame_s(network):
    estimate = network(history())
    assert estimate.camera3d.shape == (3, NUM_JOINTS, 3)
    assert estimate.log_scale.shape == estimate.visibility.shape == (3, NUM_JOINTS)


def test_what_is_not_there_does_not_matter_whatever_it_holds(network):
    known = torch.ones(3, len(LAGS), dtype=torch.bool)
    known[:, 2:] = False
    one = history(known=known)
    other = History(*(values.clone() for values in one))
    for values in other[:3]:
        values[:, 2:] = 1e6
    with torch.inference_mode():
        assert torch.equal(network(one).camera3d, network(other).camera3d)
        seen = network(one._replace(known=torch.ones_like(known)))
        assert (seen.camera3d - network(one).camera3d).abs().max() > 1e-2


def test_a_frame_without_a_past_still_has_a_finite_pose(network):
    known = torch.zeros(3, len(LAGS), dtype=torch.bool)
    known[:, 0] = True
    estimate = network(history(known=known))
    assert all(torch.isfinite(values).all() for values in estimate)


def test_the_first_answer_is_near_the_newest_frame_s_own():
    torch.manual_seed(0)
    network = TemporalTransformer(24, LAGS, dim=32, heads=4).eval()
    still = history()
    still = still._replace(camera3d=still.camera3d[:, :1].expand_as(still.camera3d))
    with torch.inference_mode():
        estimate = network(still)
    assert (estimate.camera3d - still.camera3d[:, 0]).abs().max() < 0.2
    assert (estimate.log_scale - still.log_scale[:, 0]).abs().max() < 0.2


def test_the_order_of_the_past_matters(network):
    one = history()
    turned = History(*(values.clone() for values in one))
    for values in turned[:3]:
        values[:, 1:] = values[:, 1:].flip(1)
    with torch.inference_mode():
        assert (network(one).camera3d - network(turned).camera3d).abs().max() > 1e-3


def test_every_weight_learns(network):
    network.train()
    estimate = network(history())
    sum(values.square().sum() for values in estimate).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="no multiple"):
        TemporalTransformer(24, LAGS, dim=30, heads=4)
