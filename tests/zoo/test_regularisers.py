import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from bench.gan import Batch, Context, Draw, Now
from zoo.losses.regularisers import Consistency, FeatureMatching, HistoricalAverage, LeCam, Orthogonal, overlap
from zoo.training.two_player import LatentTurn


class Critic(nn.Module):
    """Features 2 x, logits their mean."""

    def __init__(self):
        super().__init__()
        self.features = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.constant_(self.features.weight, 2.0)

    def forward(self, images: Tensor) -> Tensor:
        return self.features(images).mean((1, 2, 3))


def turn_of(images: Tensor, net: nn.Module | None = None, step: int = 0) -> LatentTurn:
    """A turn whose fakes are the latents, 0.5 everywhere."""
    nets = {"critic": net or Critic(), "generator": nn.Identity()}
    now = Now(images=step, budget=100, step=step)
    return LatentTurn(
        Context(nets, Draw(Batch(images)), "critic", now, torch.Generator().manual_seed(0)),
        latents=lambda count, random: torch.full((count, 1, 2, 2), 0.5),
    )


def test_feature_matching_compares_means_and_not_images():
    images = torch.stack([torch.full((1, 2, 2), value) for value in (0.0, 0.4, 0.8)])
    # Features 2 x: the means are 0.8 and 1.0 at each of four positions.
    torch.testing.assert_close(FeatureMatching().generator(turn_of(images)), torch.tensor(4 * 0.2**2))
    same = torch.stack([torch.full((1, 2, 2), value) for value in (0.25, 0.75)])
    torch.testing.assert_close(FeatureMatching().generator(turn_of(same)), torch.tensor(0.0))


def test_historical_averaging_pulls_towards_the_mean_of_the_past():
    net = nn.Linear(1, 1, bias=False)
    pull = HistoricalAverage("critic", net, weight=0.5)
    turn = turn_of(torch.zeros(1, 1, 2, 2), net)
    net.weight.data.fill_(7.0)
    assert pull(turn) == 0  # no past yet
    with torch.no_grad():
        for value in (1.0, 2.0, 6.0):
            net.weight.fill_(value)
            pull.remember(turn)
        net.weight.fill_(5.0)
    loss = pull(turn)
    torch.testing.assert_close(loss, torch.tensor(0.5 * (5.0 - 3.0) ** 2))
    loss.backward()
    torch.testing.assert_close(net.weight.grad, torch.tensor([[2.0]]))  # 0.5 * 2 * (5 - 3)
    assert set(pull.state_dict()) == {"mean", "count"}


def test_consistency_is_the_squared_change_of_the_logits():
    halve = Consistency(lambda images, random: images / 2, weight=10.0)
    images = torch.stack([torch.full((1, 2, 2), 0.2), torch.full((1, 2, 2), 0.6)])
    # Logits 0.4 and 1.2 become 0.2 and 0.6.
    torch.testing.assert_close(halve(turn_of(images)), torch.tensor(10 * (0.2**2 + 0.6**2) / 2))


def test_lecam_against_the_formula():
    images = torch.stack([torch.full((1, 2, 2), 0.2), torch.full((1, 2, 2), 0.6)])  # logits 0.4, 1.2; fakes 1.0
    penalty = LeCam(weight=0.3, decay=0.9, start=0.01)
    early, late = turn_of(images), turn_of(images, step=1)
    assert penalty(early) == 0
    penalty.remember(early)
    torch.testing.assert_close([penalty.real, penalty.fake], [torch.tensor(0.8), torch.tensor(1.0)])
    # (0.4 - 1)+ = 0, (1.2 - 1)+ = 0.2; (0.8 - 1)+ = 0
    torch.testing.assert_close(penalty(late), torch.tensor(0.3 * 0.2**2 / 2))
    penalty.real.fill_(1.8)
    torch.testing.assert_close(penalty(late), torch.tensor(0.3 * (0.2**2 / 2 + 0.8**2)))
    penalty.remember(late)
    torch.testing.assert_close(penalty.real, torch.tensor(0.9 * 1.8 + 0.1 * 0.8))


@pytest.mark.parametrize("shape", [(3, 5), (5, 3)])
def test_overlap_is_the_off_diagonal_part_of_the_gram_matrix(shape):
    torch.manual_seed(0)
    rows = torch.randn(shape, dtype=torch.float64)
    gram = rows @ rows.T
    torch.testing.assert_close(overlap(rows), (gram * (1 - torch.eye(len(rows)))).square().sum())


def test_orthogonal_regularisation_is_zero_on_orthogonal_filters_of_any_length():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(6, 5, bias=False))
    for layer in (net[0], net[2]):
        nn.init.orthogonal_(layer.weight)
        layer.weight.data *= torch.arange(1.0, len(layer.weight) + 1).view(-1, *[1] * (layer.weight.ndim - 1))
    turn = turn_of(torch.zeros(1, 1, 2, 2), net)
    torch.testing.assert_close(Orthogonal("critic", 1.0)(turn), torch.tensor(0.0), atol=1e-3, rtol=0)
    net[2].weight.data[1] = net[2].weight.data[0]  # of length 1: two equal products of 1
    torch.testing.assert_close(Orthogonal("critic", 1.0)(turn), torch.tensor(2.0), atol=1e-3, rtol=0)


def test_orthogonal_regularisation_reads_the_weight_below_spectral_norm():
    layer = nn.Linear(3, 2, bias=False)
    layer.weight.data = torch.tensor([[3.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    spectral_norm(layer)
    loss = Orthogonal("critic", 0.5)(turn_of(torch.zeros(1, 1, 2, 2), layer))
    torch.testing.assert_close(loss, torch.tensor(0.5 * 2 * 36.0))
