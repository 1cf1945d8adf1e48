import pytest
import torch
from torch import nn

from bench.gan import adam
from zoo.training.optimisers import clipped, gated


def sgd(parameters) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=1.0)


@pytest.mark.parametrize(("limit", "expected"), [(1.0, (-0.6, -0.8)), (10.0, (-3.0, -4.0))])
def test_the_gradient_of_a_step_is_no_longer_than_the_limit(limit, expected):
    weights = [nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(()))]
    optimiser = clipped(sgd, limit)(weights)
    weights[0].grad, weights[1].grad = torch.tensor(3.0), torch.tensor(4.0)  # of length 5 together
    optimiser.step()
    torch.testing.assert_close([w.detach() for w in weights], [torch.tensor(value) for value in expected])


def test_a_shut_gate_leaves_weights_and_moments_as_they_are():
    gate = torch.zeros(())
    weight, twin = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    optimiser, ungated = gated(adam(0.1), lambda: gate)([weight]), adam(0.1)([twin])
    for shut in (0.0, 1.0, 1.0, 0.0):
        gate.fill_(shut)
        weight.grad = torch.tensor([1.0, -2.0, shut])
        optimiser.step()
        if not shut:
            twin.grad = torch.tensor([1.0, -2.0, 0.0])
            ungated.step()
        torch.testing.assert_close(weight, twin, rtol=0, atol=0)
    moments, expected = optimiser.state_dict()["state"][0], ungated.state_dict()["state"][0]
    for name in ("step", "exp_avg", "exp_avg_sq"):
        torch.testing.assert_close(moments[name], expected[name], rtol=0, atol=0)
