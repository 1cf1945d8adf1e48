from math import exp, log

import pytest
import torch

from bench.gan import ImageSpec
from zoo.infomax_gan import Critic, Projector, contrast


def test_the_contrast_of_two_images_by_hand():
    """Places of image 1: 1 and 2, of image 2: 0 and -1; wholes 1 and 2. Scores are products."""
    embeddings = torch.tensor([[[1.0, 2.0, 1.0]], [[0.0, -1.0, 2.0]]])
    first = [-log(exp(own) / (exp(own) + exp(0) + exp(-1))) for own in (1, 2)]
    second = [-log(exp(own) / (exp(own) + exp(2) + exp(4))) for own in (0, -2)]
    assert contrast(embeddings).item() == pytest.approx(sum(first + second) / 4)


def test_alike_images_cannot_be_told_apart():
    """Each place is one of 1 + (N - 1) P with equal scores."""
    assert contrast(torch.ones(5, 3, 8)).item() == pytest.approx(log(1 + 4 * 7), rel=1e-5)


def test_images_that_know_their_places_have_no_loss():
    embeddings = 20 * torch.eye(3)[:, :, None].expand(3, 3, 4)
    assert contrast(embeddings).item() == pytest.approx(0, abs=1e-6)


def test_parameters_equal_those_of_mimicry():
    """kwotsin/mimicry nets/infomax_gan at 32 px: 1,615,233; 128 maps of 8 x 8 places."""
    critic = Critic(ImageSpec(3, 32))
    assert sum(weight.numel() for weight in critic.parameters()) == 1_615_233
    logits, embeddings = critic(torch.zeros(2, 3, 32, 32))
    assert logits.shape == (2,)
    assert embeddings.shape == (2, 1024, 65)


def test_a_projection_is_a_line_beside_a_hidden_layer():
    net = Projector(1, 1)
    for layer, weight in ((net.hidden, -2.0), (net.leave, 3.0), (net.skip, 0.5)):
        torch.nn.init.constant_(layer.weight, weight)
        torch.nn.init.zeros_(layer.bias)
    # x = 1: 0.5 + 3 relu(-2); x = -1: -0.5 + 3 * 2.
    torch.testing.assert_close(net(torch.tensor([[[1.0, -1.0]]])), torch.tensor([[[0.5, 5.5]]]))
