from math import exp

import torch
from torch import nn

from zoo.networks.minibatch import MinibatchDiscrimination, VirtualBatchNorm2d, WithReference


def test_minibatch_discrimination_by_hand():
    # Three images, two features, two kernels of one dimension with M = (f0, 2 f1).
    layer = MinibatchDiscrimination(2, kernels=2, dimensions=1)
    layer.project.weight.data = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    features = torch.tensor([[0.0, 0.0], [1.0, 0.0], [3.0, 1.0]])
    near, far, further = exp(-1), exp(-2), exp(-3)
    expected = [
        [0, 0, near + further, 1 + far],  # |0-1|, |0-3|; second kernel: |0-0|, |0-2|
        [1, 0, near + far, 1 + far],
        [3, 1, further + far, 2 * far],
    ]
    torch.testing.assert_close(layer(features), torch.tensor(expected), atol=1e-6, rtol=0)


def test_minibatch_discrimination_adds_up_the_dimensions_of_a_kernel():
    layer = MinibatchDiscrimination(2, kernels=1, dimensions=2)
    layer.project.weight.data = torch.eye(2)
    features = torch.tensor([[0.0, 0.0], [1.0, -2.0]])
    torch.testing.assert_close(layer(features)[:, 2], torch.full((2,), exp(-3)))


def test_virtual_batch_norm_weighs_the_image_as_one_of_the_references():
    torch.manual_seed(0)
    norm = VirtualBatchNorm2d(2, references=3, eps=0.0)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    reference, image = torch.randn(3, 2, 4, 4), torch.randn(1, 2, 4, 4) + 2
    out = norm(torch.cat([reference, image]))
    together = torch.cat([reference, image])  # equal sizes: one of four
    mean, variance = together.mean((0, 2, 3), keepdim=True), together.var((0, 2, 3), correction=0, keepdim=True)
    scale, shift = norm.weight[:, None, None], norm.bias[:, None, None]
    torch.testing.assert_close(out[3:], (image - mean) / variance.sqrt() * scale + shift)


def test_the_references_themselves_see_plain_batch_norm():
    torch.manual_seed(0)
    norm, plain = VirtualBatchNorm2d(2, references=3), nn.BatchNorm2d(2)
    reference = torch.randn(3, 2, 4, 4)
    out = norm(torch.cat([reference, torch.randn(5, 2, 4, 4)]))
    torch.testing.assert_close(out[:3], plain(reference))


def test_under_virtual_batch_norm_no_image_depends_on_its_batch():
    torch.manual_seed(0)
    net = WithReference(nn.Sequential(nn.Conv2d(1, 2, 1), VirtualBatchNorm2d(2, references=4)), torch.randn(4, 1, 3, 3))
    images = torch.randn(6, 1, 3, 3)
    torch.testing.assert_close(net(images)[:2], net(images[:2]))
    assert "reference" in net.state_dict()
