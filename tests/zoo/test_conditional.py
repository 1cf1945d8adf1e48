import pytest
import torch
from torch import nn

from bench.errors import UserError
from bench.gan import ImageSpec
from zoo.networks.conditional import ConditionalBatchNorm, Projection, needs_labels, with_label


def test_needs_labels_names_the_member_and_the_cure():
    needs_labels(ImageSpec(3, 32, classes=2), "cgan")
    with pytest.raises(UserError, match=r"cgan is class-conditional .* Choose a labelled data set"):
        needs_labels(ImageSpec(3, 32), "cgan")


def test_the_label_is_joined_as_numbers_and_as_maps():
    labels = torch.tensor([2, 0])
    assert with_label(torch.zeros(2, 1), labels, 3).tolist() == [[0, 0, 0, 1], [0, 1, 0, 0]]
    maps = with_label(torch.full((2, 1, 2, 2), 5.0), labels, 3)
    assert maps.shape == (2, 4, 2, 2)
    assert (maps[:, 0] == 5).all()
    assert (maps[0, 3] == 1).all()
    assert maps[0, 1:3].abs().sum() == 0


def test_conditional_batch_norm_of_one_class_is_batch_norm_with_its_scale_and_shift():
    torch.manual_seed(0)
    conditional = ConditionalBatchNorm(3, classes=2)
    nn.init.normal_(conditional.scale)
    nn.init.normal_(conditional.shift)
    plain = nn.BatchNorm2d(3)
    features = torch.randn(5, 3, 4, 4) * 2 + 1
    for label in (0, 1):
        plain.reset_running_stats()
        conditional.norm.reset_running_stats()
        plain.weight.data = conditional.scale[label].detach()
        plain.bias.data = conditional.shift[label].detach()
        for training in (True, False):
            plain.train(training)
            conditional.train(training)
            torch.testing.assert_close(conditional(features, torch.full((5,), label)), plain(features))


def test_conditional_batch_norm_shares_its_statistics():
    norm = ConditionalBatchNorm(1, classes=2)
    features = torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1)
    out = norm(features, torch.tensor([0, 1]))  # per class, both would be 0
    torch.testing.assert_close(out.flatten(), torch.tensor([-1.0, 1.0]), atol=1e-4, rtol=0)


def test_projection_is_a_bilinear_form_beside_a_linear_one():
    torch.manual_seed(0)
    head = Projection(4, classes=3)
    features, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 2, 1, 0])
    hot = torch.eye(3)[labels]
    expected = features @ head.linear.weight[0] + head.linear.bias + (hot @ head.embedding.weight * features).sum(1)
    torch.testing.assert_close(head(features, labels), expected)
    assert head(features, labels).shape == (6,)
